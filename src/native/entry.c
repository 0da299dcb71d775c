/*
 * Where the kernel starts the program, ahead of the dynamic linker (ld.so): a planned run needs neither it nor the C library, and both take
 * longer than all that the executor does. The program is linked without a PT_INTERP, so the kernel loads no interpreter and jumps to
 * run_entry. If the executor does not become a script, ld.so is loaded here as the kernel would have loaded it, and started as the kernel
 * would have started it. ARCHITECTURE.md has a picture.
 *
 * Nothing is relocated yet and there is no C library, so the objects of this file, executor.c and plan_key.c may not need either:
 * Run.csproj has the options for that, and a test looks at what is left undefined.
 */
#ifdef RUN_ENTRY

#include "executor.h"
#include "sys.h"

#include <elf.h>
#include <sys/mman.h>

#define LINKER "/lib64/ld-linux-x86-64.so.2"

enum { MOST_HEADERS = 32, FIRST_BYTES = 4096 };

/* The program headers that ld.so is shown: the program's own, with those two in front which the kernel did without. */
static Elf64_Phdr shown[MOST_HEADERS];

/* ld.so takes the name under which programs ask for it from PT_INTERP, and aborts without (glibc's elf/rtld.c, _dl_rtld_libname). */
static const char linker[] = LINKER;

/* Where the dynamic section is. How far that is from where its program header says is how far the program was moved (ASLR). */
extern const char _DYNAMIC[] __attribute__((visibility("hidden")));

/* crt1.o's, which calls main by way of __libc_start_main. */
void _start(void);

/* ld.so, when it has been loaded: where it begins, how long it is, how far it was moved, and where to start it. */
struct image {
    uintptr_t start, length, base, entry;
};

static uintptr_t down(uintptr_t address, uintptr_t page)
{
    return address & ~(page - 1);
}

static uintptr_t up(uintptr_t address, uintptr_t page)
{
    return down(address + page - 1, page);
}

/* mmap(2); 0 if it fails. */
static uintptr_t map(uintptr_t at, size_t length, int protection, int flags, int file, uint64_t offset)
{
    long result = sys_call(SYS_mmap, (long)at, (long)length, protection, flags, file, (long)offset);
    return result < 0 && result > -4096 ? 0 : (uintptr_t)result;
}

/* Whether a segment's numbers are such that they can be added up, and its bytes are in the file. */
static int is_sane(const Elf64_Phdr *segment, uint64_t file_size, uintptr_t page)
{
    const uint64_t most = (uint64_t)1 << 40;
    return segment->p_vaddr < most && segment->p_memsz < most && segment->p_filesz <= segment->p_memsz
        && segment->p_filesz <= file_size && segment->p_offset <= file_size - segment->p_filesz
        && ((segment->p_vaddr ^ segment->p_offset) & (page - 1)) == 0;
}

/* Maps one segment into the place that was kept for it. */
static int map_segment(const Elf64_Phdr *segment, uintptr_t base, int file, uintptr_t page)
{
    int protection = (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0)
        | (segment->p_flags & PF_X ? PROT_EXEC : 0);
    uintptr_t first = base + segment->p_vaddr, start = down(first, page);
    uintptr_t of_file = first + segment->p_filesz, end = first + segment->p_memsz, from = start;

    if (segment->p_filesz > 0) {
        if (map(start, of_file - start, protection, MAP_PRIVATE | MAP_FIXED, file, down(segment->p_offset, page)) == 0)
            return 0;
        from = up(of_file, page);
        if (end > of_file) {
            if (!(protection & PROT_WRITE))
                return 0;
            for (unsigned char *byte = (unsigned char *)of_file; byte < (unsigned char *)from; byte++)
                *byte = 0;
        }
    }
    return end <= from || map(from, up(end, page) - from, protection, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != 0;
}

/* Maps the shared object at that path. 0: it cannot be, or is none. */
static int load(const char *path, uintptr_t page, struct image *image)
{
    unsigned char bytes[FIRST_BYTES] __attribute__((aligned(16)));
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
    uintptr_t low = UINTPTR_MAX, high = 0;
    struct stat status;
    int complete = 1;

    int file = sys_open(path, O_RDONLY);
    if (file < 0)
        return 0;
    long length = sys_pread(file, bytes, sizeof bytes);
    if (sys_fstat(file, &status) != 0 || length < (long)sizeof *header || !same_bytes(bytes, ELFMAG, SELFMAG)
        || header->e_ident[EI_CLASS] != ELFCLASS64
        || header->e_type != ET_DYN || header->e_machine != EM_X86_64 || header->e_phentsize != sizeof(Elf64_Phdr)
        || header->e_phoff % 8 != 0 || header->e_phoff > (uint64_t)length
        || header->e_phnum > ((uint64_t)length - header->e_phoff) / sizeof(Elf64_Phdr)) {
        sys_close(file);
        return 0;
    }

    const Elf64_Phdr *segments = (const Elf64_Phdr *)(bytes + header->e_phoff), *end = segments + header->e_phnum;
    for (const Elf64_Phdr *segment = segments; segment < end; segment++)
        if (segment->p_type == PT_LOAD) {
            complete = complete && is_sane(segment, (uint64_t)status.st_size, page);
            low = segment->p_vaddr < low ? segment->p_vaddr : low;
            high = segment->p_vaddr + segment->p_memsz > high ? segment->p_vaddr + segment->p_memsz : high;
        }
    low = down(low, page), high = up(high, page);
    image->length = high - low;
    image->start = complete && low < high ? map(0, image->length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : 0;
    image->base = image->start - low;
    image->entry = image->base + header->e_entry;
    complete = image->start != 0 && header->e_entry >= low && header->e_entry < high;
    for (const Elf64_Phdr *segment = segments; segment < end && complete; segment++)
        complete = segment->p_type != PT_LOAD || map_segment(segment, image->base, file, page);
    sys_close(file);
    if (!complete && image->start != 0)
        (void)sys_call(SYS_munmap, (long)image->start, (long)image->length, 0, 0, 0, 0);
    return complete;
}

/* The value of that type in the auxiliary vector (getauxval(3)); NULL if it has none. */
static uint64_t *auxiliary(Elf64_auxv_t *vector, uint64_t type)
{
    for (; vector->a_type != AT_NULL; vector++)
        if (vector->a_type == type)
            return &vector->a_un.a_val;
    return NULL;
}

static void add(Elf64_Phdr *header, uint32_t type, uintptr_t address, size_t size)
{
    header->p_type = type;
    header->p_flags = PF_R;
    header->p_offset = 0;
    header->p_vaddr = header->p_paddr = address;
    header->p_filesz = header->p_memsz = size;
    header->p_align = 8;
}

/*
 * Fills `shown` with the program headers at `own` and the two that are missing, and returns how many that is; 0 if there is no room, or
 * they are none. PT_PHDR tells ld.so how far the program was moved, and has to come first.
 */
static size_t show(const Elf64_Phdr *own, size_t count)
{
    uintptr_t moved = 0;
    size_t length = 0;

    if (own == NULL || count == 0 || count > MOST_HEADERS - 2)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (own[i].p_type == PT_DYNAMIC)
            moved = (uintptr_t)_DYNAMIC - own[i].p_vaddr;
    add(&shown[length++], PT_PHDR, (uintptr_t)shown - moved, (count + 2) * sizeof *own);
    add(&shown[length++], PT_INTERP, (uintptr_t)linker - moved, sizeof linker);
    for (size_t i = 0; i < count; i++)
        if (own[i].p_type != PT_PHDR && own[i].p_type != PT_INTERP)
            copy_bytes(&shown[length++], &own[i], sizeof *own);
    return length;
}

/* What execve(2) says of a program whose interpreter is missing comes too late here. */
static void fail(void)
{
    static const char message[] = "run: " LINKER " cannot be loaded\n";
    (void)sys_write(STDERR_FILENO, message, sizeof message - 1);
    sys_exit(127);
}

/* Called by run_entry with the stack as the kernel left it: argc, argv, environ, auxv. Where to go on. */
__attribute__((used, visibility("hidden"))) uintptr_t run_before_linker(long *stack)
{
    char **argv = (char **)(stack + 1), **environment = argv + stack[0] + 1, **end = environment;
    struct image image;

    while (*end != NULL)
        end++;
    Elf64_auxv_t *vector = (Elf64_auxv_t *)(end + 1);
    uint64_t *secure = auxiliary(vector, AT_SECURE), *user = auxiliary(vector, AT_EUID), *page = auxiliary(vector, AT_PAGESZ);
    uint64_t *headers = auxiliary(vector, AT_PHDR), *count = auxiliary(vector, AT_PHNUM);
    uint64_t *base = auxiliary(vector, AT_BASE), *entry = auxiliary(vector, AT_ENTRY);

    /* With rights that its caller has not, the program has to distrust the environment; that is ld.so's to begin with. */
    if (secure != NULL && *secure == 0 && user != NULL)
        run_as_planned(argv, environment, (uid_t)*user);

    size_t number = headers == NULL || count == NULL ? 0 : show((const Elf64_Phdr *)*headers, *count);
    if (number == 0 || base == NULL || entry == NULL || !load(linker, page == NULL ? 4096 : *page, &image))
        fail();
    *headers = (uint64_t)shown;
    *count = number;
    *base = image.base;
    *entry = (uint64_t)_start;
    return image.entry;
}

#ifndef RUN_TEST
/*
 * ld.so, started as a program itself (ld.so ./run), also goes to the program's entry point when it has done its work. Then
 * __libc_start_main's place in the GOT is filled, and all goes on with _start. Else rdx is 0, as the kernel has it: a function to be called
 * at exit is ld.so's to give.
 */
__asm__(
    ".text\n"
    ".globl run_entry\n"
    ".hidden run_entry\n"
    ".type run_entry, @function\n"
    "run_entry:\n"
    "    .cfi_startproc\n"
    "    .cfi_undefined rip\n"
    "    cmpq $0, __libc_start_main@GOTPCREL(%rip)\n"
    "    jne 1f\n"
    "    movq %rsp, %rdi\n"
    "    movq %rsp, %rbx\n"
    "    xorl %ebp, %ebp\n"
    "    andq $-16, %rsp\n"
    "    call run_before_linker\n"
    "    movq %rbx, %rsp\n"
    "    xorl %edx, %edx\n"
    "    jmp *%rax\n"
    "1:  jmp _start\n"
    "    .cfi_endproc\n"
    ".size run_entry, . - run_entry\n");
#endif

#endif
