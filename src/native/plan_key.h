#ifndef PLAN_KEY_H
#define PLAN_KEY_H

#include "shared.h"

#include <stddef.h>
#include <stdint.h>

/* A plan's key and path. Posix/NativePlans.cs has the same structure. */
struct run_plan {
    size_t key_length, cache_length;
    char key[RUN_PLAN_MOST_BYTES];
    char path[RUN_PLAN_MOST_PATH_BYTES];
};

int run_cache_directory(char *const *environment, char *path);

int run_find_plan(char *const *words, size_t count, const char *directory, char *const *environment, struct run_plan *plan);

uint64_t run_plan_seal(const unsigned char *bytes, size_t length);

#endif
