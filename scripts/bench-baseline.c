/*
 * The least that a program can do which locks a file and becomes another one: baseline FILE PROGRAM [ARGUMENT]...
 * scripts/bench measures run beside it: linked as programs usually are, statically, and (with -DRUN_ENTRY) without a C library.
 */
#include "../src/native/sys.h"

static int become(int argc, char **argv, char **environment)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    long file = argc < 3 ? -1 : sys_call(SYS_openat, AT_FDCWD, (long)argv[1], O_RDWR | O_CREAT, 0600, 0, 0);

    if (file < 0 || sys_fcntl((int)file, F_SETLK, (long)&lock) != 0)
        return 1;
    sys_execve(argv[2], argv + 2, environment);
    return 127;
}

#ifdef RUN_ENTRY
__attribute__((used)) static void enter(long *stack)
{
    char **argv = (char **)(stack + 1);
    sys_exit(become((int)stack[0], argv, argv + stack[0] + 1));
}

__asm__(".globl _start\n"
        "_start: movq %rsp, %rdi\n"
        "    andq $-16, %rsp\n"
        "    call enter\n");
#else
int main(int argc, char **argv, char **environment)
{
    return become(argc, argv, environment);
}
#endif
