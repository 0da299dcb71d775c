/* What must hold in a test; otherwise it ends, and says why in the words that follow, which are printf(3)'s. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(what, ...) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #what); \
            fprintf(stderr, __VA_ARGS__); \
            fputc('\n', stderr); \
            exit(1); \
        } \
    } while (0)

#endif
