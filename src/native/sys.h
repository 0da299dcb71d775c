#ifndef SYS_H
#define SYS_H

/*
 * System calls as the executor needs them. Each returns what the kernel returns: a number below zero is an error's, negated. There is no
 * errno, because with RUN_ENTRY they are made before the C library is there; else its syscall(2) makes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
#ifdef RUN_ENTRY
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    long result = syscall(number, a, b, c, d, e, f);
    return result == -1 ? -(long)errno : result;
#endif
}

static inline int sys_open(const char *path, int flags)
{
    return (int)sys_call(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, 0, 0, 0);
}

static inline long sys_write(int fd, const void *from, size_t length)
{
    return sys_call(SYS_write, fd, (long)from, (long)length, 0, 0, 0);
}

static inline int sys_close(int fd)
{
    return (int)sys_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline long sys_pread(int fd, void *into, size_t length)
{
    return sys_call(SYS_pread64, fd, (long)into, (long)length, 0, 0, 0);
}

static inline long sys_pwrite(int fd, const void *from, size_t length)
{
    return sys_call(SYS_pwrite64, fd, (long)from, (long)length, 0, 0, 0);
}

/* stat(2), lstat(2) by AT_SYMLINK_NOFOLLOW. On 64-bit machines the C library's structure is the kernel's. */
static inline int sys_stat(const char *path, struct stat *status, int flags)
{
    return (int)sys_call(SYS_newfstatat, AT_FDCWD, (long)path, (long)status, flags, 0, 0);
}

/* fstatat(2): lstat(2) of a path below that directory. */
static inline int sys_lstat_in(int directory, const char *path, struct stat *status)
{
    return (int)sys_call(SYS_newfstatat, directory, (long)path, (long)status, AT_SYMLINK_NOFOLLOW, 0, 0);
}

static inline long sys_read(int fd, void *into, size_t length)
{
    return sys_call(SYS_read, fd, (long)into, (long)length, 0, 0, 0);
}

static inline int sys_fstat(int fd, struct stat *status)
{
    return (int)sys_call(SYS_fstat, fd, (long)status, 0, 0, 0, 0);
}

static inline int sys_fcntl(int fd, int command, long argument)
{
    return (int)sys_call(SYS_fcntl, fd, command, argument, 0, 0, 0);
}

/* getrlimit(2). On 64-bit machines the C library's structure is the kernel's. */
static inline int sys_getrlimit(int resource, struct rlimit *limit)
{
    return (int)sys_call(SYS_prlimit64, 0, resource, 0, (long)limit, 0, 0);
}

static inline long sys_readlink(const char *path, char *into, size_t room)
{
    return sys_call(SYS_readlinkat, AT_FDCWD, (long)path, (long)into, (long)room, 0, 0);
}

/* Unlike getcwd(3): the length with its NUL; and a directory that this process cannot reach has a path that does not begin with a slash. */
static inline long sys_getcwd(char *into, size_t room)
{
    return sys_call(SYS_getcwd, (long)into, (long)room, 0, 0, 0, 0);
}

/* faccessat2(2), Linux 5.8: plans are only made for 5.11 and newer. */
static inline int sys_access(const char *path, int mode)
{
    return (int)sys_call(439, AT_FDCWD, (long)path, mode, AT_EACCESS, 0, 0);
}

static inline int sys_clock(clockid_t clock, struct timespec *time)
{
    return (int)sys_call(SYS_clock_gettime, clock, (long)time, 0, 0, 0, 0);
}

/* futimens(3): sets both times of the file to now. */
static inline int sys_touch(int fd)
{
    return (int)sys_call(SYS_utimensat, fd, 0, 0, 0, 0, 0);
}

static inline long sys_getpid(void)
{
    return sys_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static inline int sys_execve(const char *path, char *const *argv, char *const *environment)
{
    return (int)sys_call(SYS_execve, (long)path, (long)argv, (long)environment, 0, 0, 0);
}

static inline void sys_exit(int status)
{
    for (;;)
        (void)sys_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

/* What of string.h is needed: without the C library there are no functions to call. */

static inline size_t text_length(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    return length;
}

static inline int same_bytes(const void *one, const void *other, size_t length)
{
    const unsigned char *a = one, *b = other;
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

static inline int same_text(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other)
        one++, other++;
    return *one == *other;
}

static inline int begins_with(const char *text, const char *start)
{
    while (*start != '\0' && *text == *start)
        text++, start++;
    return *start == '\0';
}

static inline size_t find_byte(const void *bytes, size_t length, unsigned char byte)
{
    const unsigned char *b = bytes;
    size_t at = 0;
    while (at < length && b[at] != byte)
        at++;
    return at;
}

static inline void copy_bytes(void *into, const void *from, size_t length)
{
    unsigned char *a = into;
    const unsigned char *b = from;
    for (size_t i = 0; i < length; i++)
        a[i] = b[i];
}

/* getenv(3). */
static inline const char *variable_of(char *const *environment, const char *name)
{
    size_t length = text_length(name);
    for (; *environment != NULL; environment++)
        if (begins_with(*environment, name) && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

#endif
