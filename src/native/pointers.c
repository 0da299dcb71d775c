#ifdef RUN_PACKED

#include "pointers.h"
#include <stdlib.h>
#include <sys/mman.h>

void run_make_pointers(void)
{
    uintptr_t *slots = run_pointers_start();
    uintptr_t first = (uintptr_t)slots & ~(uintptr_t)4095, end = (uintptr_t)(slots + 64 * run_pointers_words) & ~(uintptr_t)4095;
    if (getenv("POP")) (void)madvise((void *)first, end - first, 23);
    for (size_t i = 0; i < run_pointers_words; i++, slots += 64)
        for (uint64_t bits = run_pointers_bits[i]; bits != 0; bits &= bits - 1) {
            uintptr_t *slot = slots + __builtin_ctzll(bits);
            *slot += (uintptr_t)slot;
        }
}

#endif
