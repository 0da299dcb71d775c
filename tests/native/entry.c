/*
 * The program's entry point (src/native/entry.c) against what it takes apart: the auxiliary vector, program headers, and the file of the
 * dynamic linker.
 *
 *     entry COUNT SECONDS
 *
 * scripts/fuzz builds it with AddressSanitizer and UndefinedBehaviorSanitizer. It begins with what there is on this machine, and goes on to
 * COUNT mutations of it, the same ones each time, or as many as there is time for.
 */
#include "check.h"
#include "../../src/native/sys.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

static void note_exit(int status);
static long note_write(int fd, const void *from, size_t length);

#define sys_exit note_exit
#define sys_write note_write
#include "../../src/native/entry.c"

enum { PAGE = 4096, MOST_VECTOR = 64 };

static jmp_buf ended;
static int exits;
static int plans_tried;
static unsigned char original[FIRST_BYTES];
static long original_length;

static void note_exit(int status)
{
    CHECK(status == 127, "%d", status);
    exits++;
    longjmp(ended, 1);
}

static long note_write(int fd, const void *from, size_t length)
{
    CHECK(fd == STDERR_FILENO && ((const char *)from)[length - 1] == '\n', "a message");
    return (long)length;
}

void run_as_planned(char **argv, char **environment, uid_t user)
{
    plans_tried++;
    CHECK(argv[0] != NULL && environment != NULL && user == geteuid(), "what it was given");
}

static uint64_t state = 88172645463325252;

static size_t below(size_t limit)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return limit == 0 ? 0 : (size_t)((state * 0x2545f4914f6cdd1d >> 32) % limit);
}

/* A number that a parser may stumble over. */
static uint64_t awkward(void)
{
    static const uint64_t numbers[] = {0, 1, 7, 8, 4095, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff,
        (uint64_t)1 << 40, ((uint64_t)1 << 40) - 1, (uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 4095};
    return below(3) == 0 ? state : numbers[below(sizeof numbers / sizeof *numbers)];
}

/* Whether all of it can be read: what is mapped beyond the end of a file cannot. */
static void check_image(const struct image *image)
{
    char line[256];
    uintptr_t covered = image->start;
    FILE *maps = fopen("/proc/self/maps", "re");

    CHECK(maps != NULL && image->start % PAGE == 0, "its place");
    CHECK(image->entry >= image->start && image->entry < image->start + image->length, "its entry point");
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from <= covered && to > covered)
            covered = to;
    }
    fclose(maps);
    CHECK(covered >= image->start + image->length, "all of it is mapped");
}

static void check_load(long count, time_t end)
{
    static const char path[] = "linker";
    struct image image;
    long loaded = 0, n = 0;

    CHECK(load(linker, PAGE, &image), "%s", linker);
    check_image(&image);
    CHECK(memcmp((void *)image.start, original, 64) == 0, "it is the file");
    munmap((void *)image.start, image.length);
    CHECK(!load("/", PAGE, &image) && !load("/dev/null", PAGE, &image) && !load("/no/such/file", PAGE, &image), "what is none");
    CHECK(!load("/proc/self/cmdline", PAGE, &image), "what is none");

    int from = open(linker, O_RDONLY | O_CLOEXEC), file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    static unsigned char all[1 << 20];
    long length = read(from, all, sizeof all);
    CHECK(length > FIRST_BYTES && pwrite(file, all, (size_t)length, 0) == length && close(from) == 0, "a copy");
    for (; n < count && (n % 100 != 0 || time(NULL) < end); n++) {
        Elf64_Ehdr *header = (Elf64_Ehdr *)original;
        unsigned char bytes[FIRST_BYTES];
        long size = below(10) == 0 ? (long)below((size_t)length) : length;

        memcpy(bytes, original, sizeof bytes);
        for (size_t changes = 1 + below(3); changes > 0; changes--) {
            Elf64_Phdr *segment = (Elf64_Phdr *)(bytes + header->e_phoff) + below(header->e_phnum);
            uint64_t number = awkward();
            switch (below(6)) {
            case 0: bytes[below(sizeof *header)] ^= (unsigned char)(1 << below(8)); break;
            case 1: memcpy(bytes + 8 * below(sizeof bytes / 8), &number, sizeof number); break;
            case 2: memcpy((unsigned char *)segment + 8 * below(sizeof *segment / 8), &number, sizeof number); break;
            case 3: ((unsigned char *)segment)[below(sizeof *segment)] ^= (unsigned char)(1 << below(8)); break;
            case 4: segment->p_memsz += number % (16 << 20); break;
            default: memcpy(segment, (Elf64_Phdr *)(bytes + header->e_phoff) + below(header->e_phnum), sizeof *segment); break;
            }
        }
        size_t changed = sizeof bytes < (size_t)size ? sizeof bytes : (size_t)size;
        CHECK(ftruncate(file, size) == 0 && pwrite(file, bytes, changed, 0) == (long)changed, "written");
        if (load(path, PAGE, &image)) {
            loaded++;
            if (image.length < 1 << 30)
                check_image(&image);
            CHECK(munmap((void *)image.start, image.length) == 0, "unmapped");
        }
        if (size < length)
            CHECK(pwrite(file, all, (size_t)length, 0) == length, "whole again");
    }
    close(file);
    unlink(path);
    printf("%ld broken linkers, %ld of them loaded all the same\n", n, loaded);
}

/* What the kernel puts above the stack pointer, with that vector. NULL: it was given up. */
static uint64_t *enter(const uint64_t *vector, size_t pairs, uintptr_t *entry)
{
    static long stack[MOST_VECTOR * 2 + 16];
    static char name[] = "run", word[] = "x", variable[] = "A=b";
    size_t at = 0;

    stack[at++] = 2;
    stack[at++] = (long)name, stack[at++] = (long)word, stack[at++] = 0;
    stack[at++] = (long)variable, stack[at++] = 0;
    uint64_t *copy = (uint64_t *)&stack[at];
    memcpy(copy, vector, pairs * 2 * sizeof *vector);
    copy[2 * pairs] = copy[2 * pairs + 1] = 0;
    if (setjmp(ended) != 0)
        return NULL;
    *entry = run_before_linker(stack);
    return copy;
}

static void check_vector(long count, time_t end)
{
    const struct {
        uint64_t type, value;
    } whole[] = {{AT_SYSINFO_EHDR, 1}, {AT_PAGESZ, PAGE}, {AT_PHDR, getauxval(AT_PHDR)}, {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, getauxval(AT_PHNUM)}, {AT_BASE, 0}, {AT_FLAGS, 0}, {AT_ENTRY, 1}, {AT_UID, 0}, {AT_EUID, geteuid()},
        {AT_SECURE, 0}, {AT_RANDOM, 5}};
    enum { PAIRS = sizeof whole / sizeof *whole };
    uint64_t vector[MOST_VECTOR * 2];
    uintptr_t entry;
    long handed = 0, n = 0;

    for (; n < count && (n % 100 != 0 || time(NULL) < end); n++) {
        size_t pairs = PAIRS;
        int secure = 0, missing = 0;

        memcpy(vector, whole, sizeof whole);
        if (n > 0)
            switch (below(4)) {
            case 0: { /* without one */
                size_t gone = below(pairs);
                uint64_t type = whole[gone].type;
                missing = type == AT_PHDR || type == AT_PHNUM || type == AT_BASE || type == AT_ENTRY;
                secure = type == AT_SECURE || type == AT_EUID;
                memmove(vector + 2 * gone, vector + 2 * gone + 2, (pairs - gone - 1) * 2 * sizeof *vector);
                pairs--;
                break;
            }
            case 1: /* with others that are not known */
                for (; pairs < MOST_VECTOR - 1 && below(8) != 0; pairs++)
                    vector[2 * pairs] = 1000 + below(1000), vector[2 * pairs + 1] = state;
                break;
            case 2:
                vector[2 * (PAIRS - 2) + 1] = 1 + below(100);
                secure = 1;
                break;
            default: { /* more or fewer program headers than there may be; fewer show ld.so less, and that is all */
                size_t headers = below(100);
                missing = headers == 0 || headers > MOST_HEADERS - 2;
                vector[2 * 4 + 1] = headers > whole[4].value && !missing ? whole[4].value : headers;
            }
            }
        plans_tried = exits = 0;
        uint64_t *after = enter(vector, pairs, &entry);
        CHECK(plans_tried == !secure, "vector %ld: with rights of its own it follows no plan", n);
        CHECK((after == NULL) == missing && exits == missing, "vector %ld: %d", n, missing);
        if (after == NULL)
            continue;
        handed++;
        for (size_t i = 0; i < pairs; i++) {
            CHECK(after[2 * i] == vector[2 * i], "vector %ld: its types stay", n);
            switch (vector[2 * i]) {
            case AT_PHDR: CHECK(after[2 * i + 1] == (uint64_t)shown, "vector %ld", n); break;
            case AT_BASE: CHECK(entry > after[2 * i + 1] && memcmp((void *)after[2 * i + 1], ELFMAG, SELFMAG) == 0, "vector %ld", n);
                munmap((void *)after[2 * i + 1], 1 << 16);
                break;
            case AT_ENTRY: CHECK(after[2 * i + 1] == (uint64_t)_start, "vector %ld", n); break;
            case AT_PHNUM:
                CHECK(after[2 * i + 1] >= 2 && shown[0].p_type == PT_PHDR && shown[1].p_type == PT_INTERP, "vector %ld", n);
                break;
            default: CHECK(after[2 * i + 1] == vector[2 * i + 1], "vector %ld: what is not ld.so's stays", n); break;
            }
        }
    }
    printf("%ld auxiliary vectors, %ld of them handed to the dynamic linker\n", n, handed);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3, "entry COUNT SECONDS");
    int file = open(linker, O_RDONLY | O_CLOEXEC);
    original_length = read(file, original, sizeof original);
    close(file);
    CHECK(original_length == sizeof original, "%s", linker);
    time_t end = time(NULL) + atol(argv[2]);
    check_vector(atol(argv[1]) / 10 + 1, end);
    check_load(atol(argv[1]), end);
    return 0;
}
