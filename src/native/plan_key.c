/* What the planner and the executor must agree on: a plan's key, its path and its seal. */
#include "plan_key.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits: detects accidental damage. Forging is no concern: a user who could forge a plan could forge the script as well. */
static uint64_t hash(uint64_t start, const void *bytes, size_t length)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < length; i++)
        start = (start ^ b[i]) * 0x100000001b3;
    return start;
}

static const uint64_t HASH_START = 0xcbf29ce484222325;

/*
 * A plan begins with its seal: the hash of the rest and of the build that wrote it (RUN_BUILD), so that another version
 * of run, which may decide differently, ignores the plan.
 */
uint64_t run_plan_seal(const unsigned char *bytes, size_t length)
{
    static const char build[] = RUN_BUILD;
    return hash(hash(HASH_START, build, sizeof build), bytes + sizeof(uint64_t), length - sizeof(uint64_t));
}

static int append(struct run_plan *plan, const char *text)
{
    size_t n = strlen(text) + 1;
    if (n > sizeof plan->key - plan->key_length)
        return 0;
    memcpy(plan->key + plan->key_length, text, n);
    plan->key_length += n;
    return 1;
}

/*
 * The cache's directory, if a variable gives an absolute path: RUN_CACHE, else $XDG_CACHE_HOME/run, else ~/.cache/run. XdgPaths.cs calls
 * this and decides whether the directory can be used. A relative RUN_CACHE and a missing home are handled only there. `path` has room for
 * PATH_MAX bytes. Returns which variable it was: RUN_CACHE_BY_…
 */
int run_cache_directory(char *path)
{
    const char *base = getenv("RUN_CACHE"), *below = "";
    int by = RUN_CACHE_BY_RUN_CACHE;
    if (base != NULL && base[0] != '\0') {
        if (base[0] != '/')
            return RUN_CACHE_BY_NOTHING;
    } else {
        base = getenv("XDG_CACHE_HOME"), below = "/run", by = RUN_CACHE_BY_XDG_CACHE_HOME;
        if (base == NULL || base[0] != '/')
            base = getenv("HOME"), below = "/.cache/run", by = RUN_CACHE_BY_HOME;
        if (base == NULL || base[0] != '/')
            return RUN_CACHE_BY_NOTHING;
    }

    size_t length = strlen(base);
    while (length > 0 && base[length - 1] == '/')
        length--;
    if (length == 0 || length + strlen(below) >= PATH_MAX)
        return RUN_CACHE_BY_NOTHING;
    memcpy(path, base, length);
    strcpy(path + length, below);
    return by;
}

/*
 * Whether there can be a plan for SCRIPT, called from that directory (empty for an absolute path, which means the same everywhere).
 *
 * Sets key to these two texts; everything else that decides is a step of the plan. Sets path to the plan's path. Its name is a hash of the
 * key, short enough that there are never more than 65,536 plans: a new plan replaces another with the same hash, and none must be swept.
 */
int run_find_plan(const char *script, const char *directory, struct run_plan *plan)
{
    plan->key_length = 0;
    if (!append(plan, script) || !append(plan, directory) || !run_cache_directory(plan->path))
        return 0;
    plan->cache_length = strlen(plan->path);
    char *end = stpcpy(plan->path + plan->cache_length, "/plans/");
    uint64_t h = hash(HASH_START, plan->key, plan->key_length);
    for (int digit = 0; digit < 4; digit++, h >>= 4)
        *end++ = "0123456789abcdef"[h & 15];
    *end = '\0';
    return 1;
}
