/*
 * The tables of the compiled C# code (types, strings, dispatch) consist of pointers, which in a position independent program must be corrected
 * at each start: 95,000 of them, in 1.7 MB. .NET keeps the tables packed for that, as an instruction stream that it unpacks, which takes
 * a third of a start of the runtime. The linker's relocations take 24 bytes each, and its packed ones need a newer linker and a newer
 * C library than run does. So the build makes distances of the pointers (tools/pack_pointers.c), which need no relocation, and here they
 * become pointers again: 0.15 ms. It must happen before the runtime starts; nothing else looks at these tables.
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

    /* Nearly all of these 415 pages are about to be written. One call instead of a page fault for each saves 0.27 ms. */
    (void)madvise((void *)start, (uintptr_t)end - start, MADV_POPULATE_WRITE);

    for (size_t i = 0; i < run_pointers_words; i++, slots += SLOTS_PER_WORD)
        for (uint64_t bits = run_pointers_bits[i]; bits != 0; bits &= bits - 1) {
            uintptr_t *slot = slots + __builtin_ctzll(bits);
            *slot += (uintptr_t)slot;
        }
}

#endif
