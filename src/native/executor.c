/*
 * A warm run without the runtime. The planner (src/Planning) decides, and writes a plan: what it looked at, the state of
 * that, and the result. This is the executor: it finds the plan for a command line, checks that nothing has changed, takes
 * the lock and becomes the script. It decides nothing: in case of any doubt it returns, the runtime starts, and the run
 * goes on without a plan.
 *
 * It runs before anything is set up, so it allocates nothing, and changes nothing if it returns.
 *
 * A plan is a file, CACHE/plans/XXXX, in the byte order of the machine that wrote it:
 *
 *     u64 seal         of all that follows; see run_plan_seal
 *     i64 from, until  the seconds since 1970 between which the plan holds
 *     text key         what the plan is for; see run_find_plan
 *     lock             u8, text, text, text: F_RDLCK or F_WRLCK, the lock file, and the two texts that the file begins with
 *     steps            one letter each, then its operands:
 *       v text text    the variable is set to that value
 *       u text         the variable is not set
 *       a text         nothing exists at that path, not even a dangling link
 *       s stamp text   the file at that path (links are followed) has that stamp
 *       d u32 text     the path is a directory that this user owns, without any of these permissions, or a link to one
 *       D u32 text     the path is such a directory, not a link
 *       n text         the path is a directory that another user owns, or a link to one
 *       x text         the path is a program that this user may execute, or a link to one
 *       c stamp text   the script is that file in the cache, and has that stamp
 *       f stamp text   the script is the local file that the command line names; that is its real path, and it has that stamp
 *
 * So each input of a decision is a step, recorded by ReadSet when it was read. shared.h has the letters.
 *
 * The lock is taken first. Old versions of a script are removed only if no process holds its lock (Caching/VersionSweeper), so what is
 * found under the lock stays until the script has started.
 *
 * A text ends in a NUL. A stamp is device, inode, size, mtime and ctime, eight bytes each, as in FileStamp.
 */
#include "executor.h"
#include "plan_key.h"
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

_Static_assert(RUN_PLAN_MOST_PATH_BYTES >= PATH_MAX + sizeof "/plans/0000", "room for the path of a plan");

extern char **environ;

/* The part of a plan that has not been read yet. */
struct rest {
    const unsigned char *at, *end;
};

struct stamp {
    uint64_t device, inode;
    int64_t size, modified, changed;
};

static int take(struct rest *rest, void *into, size_t length)
{
    if ((size_t)(rest->end - rest->at) < length)
        return 0;
    memcpy(into, rest->at, length);
    rest->at += length;
    return 1;
}

static const char *take_text(struct rest *rest)
{
    const char *text = (const char *)rest->at;
    const unsigned char *nul = memchr(rest->at, 0, (size_t)(rest->end - rest->at));
    if (nul == NULL)
        return NULL;
    rest->at = nul + 1;
    return text;
}

static int is_local(const char *script)
{
    return script[0] == '/' || strncmp(script, "./", 2) == 0 || strncmp(script, "../", 3) == 0;
}

/*
 * The working directory: relative paths and the search for run.pins start there. Empty if SCRIPT is an absolute path, which means the same
 * everywhere. Returns 0 on failure.
 */
static int find_directory(const char *script, char *path, size_t room)
{
    path[0] = '\0';
    return script[0] == '/' || (getcwd(path, room) != NULL && path[0] == '/');
}

/* Reads the plan at that path, if it is a private file of this user. Returns its length in bytes, or 0. */
static size_t read_plan(const char *path, unsigned char *plan)
{
    struct stat status;
    size_t length = 0;

    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return 0;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & 077) == 0
        && status.st_size > (off_t)sizeof(uint64_t) && status.st_size <= RUN_PLAN_MOST_BYTES
        && read(file, plan, (size_t)status.st_size) == status.st_size)
        length = (size_t)status.st_size;
    close(file);
    return length;
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int has_stamp(const struct stat *status, const struct stamp *stamp)
{
    return S_ISREG(status->st_mode)
        && stamp->device == ((uint64_t)major(status->st_dev) << 32 | minor(status->st_dev))
        && stamp->inode == status->st_ino
        && stamp->size == status->st_size
        && stamp->modified == nanoseconds(status->st_mtim)
        && stamp->changed == nanoseconds(status->st_ctim);
}

/* Whether the path still has that real path, and the file has that stamp. */
static int is_really(const char *path, const struct stamp *stamp, const char *real)
{
    char link[sizeof "/proc/self/fd/" + 12], target[PATH_MAX];
    struct stat status;
    int same = 0;

    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, target, sizeof target);
    if (length > 0 && (size_t)length == strlen(real) && memcmp(target, real, (size_t)length) == 0)
        same = fstat(file, &status) == 0 && has_stamp(&status, stamp);
    close(file);
    return same;
}

/*
 * Takes the lock as ScriptLock does, if it is free and its file has the expected mode and record. Returns the descriptor, or -1.
 */
static int take_lock(short mode, const char *path, const char *record, size_t length)
{
    struct stat there, here;
    struct flock lock = {.l_type = mode, .l_whence = SEEK_SET, .l_start = RUN_LOCK_BYTE, .l_len = 1};
    struct timespec now;
    char found[RUN_PLAN_MOST_BYTES];

    if (lstat(path, &there) != 0 || !S_ISREG(there.st_mode) || there.st_uid != geteuid() || (there.st_mode & 0777) != 0600)
        return -1;

    /* If this process already holds the lock, closing another descriptor of its file would release it. */
    for (int fd = RUN_LEAST_DESCRIPTOR; fcntl(fd, F_GETFD) != -1; fd++)
        if (fstat(fd, &here) != 0 || (here.st_dev == there.st_dev && here.st_ino == there.st_ino))
            return -1;

    int first = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (first < 0)
        return -1;
    int fd = fcntl(first, F_DUPFD, RUN_LEAST_DESCRIPTOR);
    close(first);
    if (fd < 0)
        return -1;

    if (fcntl(fd, F_SETLK, &lock) == 0
        && fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino
        && pread(fd, found, length, 0) == (ssize_t)length && memcmp(found, record, length) == 0
        && clock_gettime(CLOCK_MONOTONIC, &now) == 0) {
        struct flock mark = lock;
        mark.l_start = RUN_FIRST_MARK | (off_t)getpid() << RUN_PID_SHIFT | (nanoseconds(now) & (((off_t)1 << RUN_PID_SHIFT) - 1));
        if (fcntl(fd, F_SETLK, &mark) == 0) {
            /* The time of the last use, known to a day: what --clean=AGE goes by. */
            if (clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec - here.st_mtime > RUN_DAY_SECONDS)
                futimens(fd, NULL);
            return fd;
        }
    }
    close(fd);
    return -1;
}

/* Takes the lock that the plan names. Returns the descriptor, or -1. */
static int follow_lock(struct rest *rest)
{
    uint8_t mode;

    if (!take(rest, &mode, sizeof mode) || mode > F_WRLCK)
        return -1;
    const char *path = take_text(rest), *record = (const char *)rest->at;
    if (path == NULL || take_text(rest) == NULL || take_text(rest) == NULL)
        return -1;
    return take_lock(mode, path, record, (size_t)((const char *)rest->at - record));
}

/* Checks the steps. Returns the script to execute if all of them hold, else NULL. */
static const char *follow_steps(struct rest *rest, char **argv, const struct run_plan *plan)
{
    const char *script = NULL, *path;
    struct stat status;
    struct stamp stamp;
    uint32_t forbidden;
    char step;

    while (take(rest, &step, 1))
        switch (step) {
        case RUN_STEP_VARIABLE_IS: {
            const char *name = take_text(rest), *value = name == NULL ? NULL : take_text(rest), *now;
            if (value == NULL || (now = getenv(name)) == NULL || strcmp(now, value) != 0)
                return NULL;
            break;
        }

        case RUN_STEP_VARIABLE_UNSET: {
            const char *name = take_text(rest);
            if (name == NULL || getenv(name) != NULL)
                return NULL;
            break;
        }

        case RUN_STEP_ABSENT:
            if ((path = take_text(rest)) == NULL || lstat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR))
                return NULL;
            break;

        case RUN_STEP_SAME:
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL
                || stat(path, &status) != 0 || !has_stamp(&status, &stamp))
                return NULL;
            break;

        case RUN_STEP_OWN_DIRECTORY:
        case RUN_STEP_OWN_DIRECTORY_NO_LINK:
            if (!take(rest, &forbidden, sizeof forbidden) || (path = take_text(rest)) == NULL
                || (step == RUN_STEP_OWN_DIRECTORY ? stat : lstat)(path, &status) != 0 || !S_ISDIR(status.st_mode)
                || status.st_uid != geteuid() || (status.st_mode & forbidden) != 0)
                return NULL;
            break;

        case RUN_STEP_FOREIGN_DIRECTORY:
            if ((path = take_text(rest)) == NULL || stat(path, &status) != 0 || !S_ISDIR(status.st_mode)
                || status.st_uid == geteuid())
                return NULL;
            break;

        case RUN_STEP_PROGRAM:
            if ((path = take_text(rest)) == NULL || stat(path, &status) != 0 || !S_ISREG(status.st_mode)
                || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
                return NULL;
            break;

        case RUN_STEP_CACHED_SCRIPT:
            /* Only a file inside the cache, whatever the plan says. */
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL
                || is_local(argv[1]) || strncmp(path, plan->path, plan->cache_length) != 0
                || path[plan->cache_length] != '/' || strstr(path + plan->cache_length, "/../") != NULL
                || lstat(path, &status) != 0 || !has_stamp(&status, &stamp) || status.st_uid != geteuid())
                return NULL;
            script = path;
            break;

        case RUN_STEP_LOCAL_SCRIPT:
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL
                || !is_local(argv[1]) || !is_really(argv[1], &stamp, path))
                return NULL;
            script = argv[1];
            break;

        default:
            return NULL;
        }
    return script;
}

void run_as_planned(char **argv)
{
    struct run_plan plan;
    unsigned char bytes[RUN_PLAN_MOST_BYTES];
    char directory[PATH_MAX];
    uint64_t seal;
    int64_t from, until;
    struct timespec now;

    if (argv[0] == NULL || argv[1] == NULL || argv[1][0] == '\0' || argv[1][0] == '-')
        return;
    if (!find_directory(argv[1], directory, sizeof directory) || !run_find_plan(argv[1], directory, &plan))
        return;
    size_t length = read_plan(plan.path, bytes);
    if (length == 0)
        return;

    struct rest rest = {bytes, bytes + length};
    if (!take(&rest, &seal, sizeof seal) || seal != run_plan_seal(bytes, length)
        || !take(&rest, &from, sizeof from) || !take(&rest, &until, sizeof until)
        || clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < from || now.tv_sec >= until
        || (size_t)(rest.end - rest.at) < plan.key_length || memcmp(rest.at, plan.key, plan.key_length) != 0)
        return;
    rest.at += plan.key_length;

    int lock = follow_lock(&rest);
    if (lock < 0)
        return;
    const char *script = follow_steps(&rest, argv, &plan);
    if (script != NULL) {
        char *typed = argv[1];
        argv[1] = (char *)script;
        execve(script, argv + 1, environ);
        argv[1] = typed;
    }
    close(lock);
}
