/*
 * The tables of the compiled C# code (types, strings, dispatch) are full of pointers: 77,000 in 1.6 MB. In a position independent program
 * each of them depends on where the program was loaded. .NET therefore keeps the tables as a stream of instructions and unpacks them when
 * the runtime starts, which takes a third of that start. Relocations of the linker would take 24 bytes each in the executable; packed
 * ones (DT_RELR) need a newer C library than run does.
 *
 * So the build turns these pointers into distances from where they are, which the linker fills in for good (tools/pack_pointers.c), and
 * here they become pointers again: 0.2 ms, instead of 1 × what flock adds. Nothing but the runtime looks at these tables, so it is early
 * enough before that starts.
 */
#ifdef RUN_PACKED

#include "pointers.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; an older one refuses it, which does not matter */
#endif

enum { SLOTS_PER_WORD = 64 };

void run_make_pointers(void)
{
    uintptr_t *slots = run_pointers_start(), *end = slots + SLOTS_PER_WORD * run_pointers_words;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)slots & ~(page - 1);

    /* Nearly all of these 390 pages are about to be written: one call instead of as many page faults saves 0.2 × flock. */
    (void)madvise((void *)start, (uintptr_t)end - start, MADV_POPULATE_WRITE);

    for (size_t i = 0; i < run_pointers_words; i++, slots += SLOTS_PER_WORD)
        for (uint64_t bits = run_pointers_bits[i]; bits != 0; bits &= bits - 1) {
            uintptr_t *slot = slots + __builtin_ctzll(bits);
            *slot += (uintptr_t)slot;
        }
}

#endif
