/* What the planner and the executor have to agree on: for what a plan is, where it is, and whether it is whole. */
#include "plan_key.h"
#include "sys.h"

#include <limits.h>

/* FNV-1a, 64 bits: it finds what an accident did to a plan. Whoever could forge one could as well forge the script. */
static uint64_t hash(uint64_t start, const void *bytes, size_t length)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < length; i++)
        start = (start ^ b[i]) * 0x100000001b3;
    return start;
}

static const uint64_t HASH_START = 0xcbf29ce484222325;

/*
 * A plan begins with its seal: the hash of the rest, and of the build that writes it (RUN_BUILD), so that another
 * version of run, which may decide otherwise, finds no plan at all.
 */
uint64_t run_plan_seal(const unsigned char *bytes, size_t length)
{
    static const char build[] = RUN_BUILD;
    return hash(hash(HASH_START, build, sizeof build), bytes + sizeof(uint64_t), length - sizeof(uint64_t));
}

static int append(struct run_plan *plan, const char *text)
{
    size_t n = text_length(text) + 1;
    if (n > sizeof plan->key - plan->key_length)
        return 0;
    copy_bytes(plan->key + plan->key_length, text, n);
    plan->key_length += n;
    return 1;
}

/*
 * The cache's directory, if a variable says it plainly: RUN_CACHE, else $XDG_CACHE_HOME/run, else ~/.cache/run. XdgPaths.cs takes it from
 * here, and decides whether it will do; only what is said otherwise (a relative RUN_CACHE, no home) is not known here. `path` has room for
 * PATH_MAX bytes. Which variable it was: RUN_CACHE_BY_…
 */
int run_cache_directory(char *const *environment, char *path)
{
    const char *base = variable_of(environment, "RUN_CACHE"), *below = "";
    int by = RUN_CACHE_BY_RUN_CACHE;
    if (base != NULL && base[0] != '\0') {
        if (base[0] != '/')
            return RUN_CACHE_BY_NOTHING;
    } else {
        base = variable_of(environment, "XDG_CACHE_HOME"), below = "/run", by = RUN_CACHE_BY_XDG_CACHE_HOME;
        if (base == NULL || base[0] != '/')
            base = variable_of(environment, "HOME"), below = "/.cache/run", by = RUN_CACHE_BY_HOME;
        if (base == NULL || base[0] != '/')
            return RUN_CACHE_BY_NOTHING;
    }

    size_t length = text_length(base);
    while (length > 0 && base[length - 1] == '/')
        length--;
    if (length == 0 || length + text_length(below) >= PATH_MAX)
        return RUN_CACHE_BY_NOTHING;
    copy_bytes(path, base, length);
    copy_bytes(path + length, below, text_length(below) + 1);
    return by;
}

/*
 * Whether there can be a plan for these words of the command line, the last of which is SCRIPT, called from that directory (empty for an
 * absolute path, which means the same everywhere).
 *
 * key: what the plan is for: how many words, the words, the directory. All else that decides is a step of it. No key is the beginning of
 * another. path: the plan's own. Its name is a hash of the key, and so short that there are never more than 65,536 plans: one takes the
 * place of another, and none need ever be swept.
 */
int run_find_plan(char *const *words, size_t count, const char *directory, char *const *environment, struct run_plan *plan)
{
    if (count == 0 || count > RUN_PLAN_MOST_WORDS)
        return 0;
    plan->key[0] = (char)count;
    plan->key_length = 1;
    for (size_t i = 0; i < count; i++)
        if (!append(plan, words[i]))
            return 0;
    if (!append(plan, directory) || !run_cache_directory(environment, plan->path))
        return 0;

    plan->cache_length = text_length(plan->path);
    char *end = plan->path + plan->cache_length;
    copy_bytes(end, "/plans/", sizeof "/plans/" - 1);
    end += sizeof "/plans/" - 1;

    /* The low bits of FNV-1a depend on the low bits of the characters alone, so similar names often shared a plan: mixed, they share one as
       rarely as any others. The multiplier is 2^64 divided by the golden ratio. */
    uint64_t h = hash(HASH_START, plan->key, plan->key_length);
    h = (h ^ h >> 32) * 0x9e3779b97f4a7c15;
    for (int digit = 0; digit < 4; digit++, h <<= 4)
        *end++ = "0123456789abcdef"[h >> 60];
    *end = '\0';
    return 1;
}
