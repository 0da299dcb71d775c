/* What the planner and the executor have to agree on: for what a plan is, where it is, and whether it is whole. */
#include "plan_key.h"

#include <stdlib.h>
#include <string.h>

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
    size_t n = strlen(text) + 1;
    if (n > sizeof plan->key - plan->key_length)
        return 0;
    memcpy(plan->key + plan->key_length, text, n);
    plan->key_length += n;
    return 1;
}

/* The cache's directory, where a variable says it plainly; see Directories. The length of its path, or 0. */
static size_t find_cache(char *path)
{
    const char *base = getenv("RUN_CACHE"), *below = "";
    if (base == NULL || base[0] == '\0')
        base = getenv("XDG_CACHE_HOME"), below = "/run";
    else if (base[0] != '/')
        return 0;
    if (base == NULL || base[0] != '/')
        base = getenv("HOME"), below = "/.cache/run";
    if (base == NULL || base[0] != '/')
        return 0;

    size_t length = strlen(base);
    while (length > 0 && base[length - 1] == '/')
        length--;
    if (length == 0 || length + strlen(below) >= PATH_MAX)
        return 0;
    memcpy(path, base, length);
    strcpy(path + length, below);
    return strlen(path);
}

/*
 * Whether there can be a plan for SCRIPT, called from that place (see find_place).
 *
 * key: what decides without being a file, which is those two and the variables that choose directories, files, and the
 * commands of #!/usr/bin/env. path: the plan's own. Its name is a hash of the key, and so short that there are never
 * more than 65,536 plans: one takes the place of another, and none need ever be swept.
 */
int run_find_plan(const char *script, const char *place, struct run_plan *plan)
{
    static const char *const variables[] = {
        "HOME", "PATH", "RUN_CACHE", "RUN_CONFIG", "RUN_PINNED", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME",
    };

    plan->key_length = 0;
    if (!append(plan, script) || !append(plan, place))
        return 0;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        /* Empty is not the same as not there. */
        const char *value = getenv(variables[i]);
        if (!append(plan, value == NULL ? "-" : "=") || !append(plan, value == NULL ? "" : value))
            return 0;
    }

    plan->cache_length = find_cache(plan->path);
    if (plan->cache_length == 0)
        return 0;
    char *end = stpcpy(plan->path + plan->cache_length, "/plans/");
    uint64_t h = hash(HASH_START, plan->key, plan->key_length);
    for (int digit = 0; digit < 4; digit++, h >>= 4)
        *end++ = "0123456789abcdef"[h & 15];
    *end = '\0';
    return 1;
}
