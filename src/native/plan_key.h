#ifndef PLAN_H
#define PLAN_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum { RUN_PLAN_MOST_BYTES = 8192 };

/* What a plan is for, and where it is. */
struct run_plan {
    size_t key_length, cache_length;
    char key[RUN_PLAN_MOST_BYTES];
    char path[PATH_MAX + 16];
};

int run_find_plan(const char *script, const char *place, struct run_plan *plan);

uint64_t run_plan_seal(const unsigned char *bytes, size_t length);

#endif
