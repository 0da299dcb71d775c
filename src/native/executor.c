/*
 * A warm run without the runtime. The planner (src/Planning) decides, and writes down what it looked at, what that
 * looked like, and what came of it: a plan. Here is the executor: it finds the plan for a command line, checks that all
 * of it still looks the same, takes the lock and becomes the script. It decides nothing: on the slightest doubt it
 * returns, the runtime starts, and the planner does what it always did.
 *
 * It runs before anything is set up, the C library included (entry.c), so it uses nothing but sys.h, and leaves nothing behind.
 *
 * A plan is a file, CACHE/plans/XXXX, in the byte order and the integers of the machine that wrote it:
 *
 *     u64 seal         of all that follows; see run_plan_seal
 *     i64 from, until  the seconds since 1970 between which the plan holds
 *     key              what the plan is for; see run_find_plan
 *     lock             u8 F_RDLCK or F_WRLCK; u8 RUN_HELD_…; text, its file; text, text, what the file begins with;
 *                      text, the script's own lock file if that is another one, else empty
 *     steps            one letter each, then what belongs to it:
 *       v text text    the variable is set to that value
 *       u text         the variable is not set
 *       a text         nothing is at that path, not even a link that leads nowhere
 *       s stamp text   what the path leads to has that stamp
 *       d u32 text     the path leads to a directory of this user's own with none of these permissions
 *       D u32 text     the path is one, and no link to one
 *       n text         the path leads to a directory of another user's
 *       x text         the path leads to a program that may be executed
 *       b text         the machine has not been booted since: that is the boot's id
 *       T stamp text   that file of the cache has that stamp, and each file of the tree beside it the one that it says
 *       c stamp text   the script is that file of the cache, and has that stamp
 *       f stamp text   the script is the local file that the command line names; it has that stamp, and is really there
 *       o stamp text text
 *                      the script is that file, of a source that is a directory; it has the name that was typed, that stamp, and is
 *                      really there (the second text)
 *       t stamp text   the local file that the command line names stands for a script of the cache; it has that stamp, and is really there
 *       i text text    the script's second line is #! with that interpreter and that argument (or none: empty), which start it
 *
 * So each input of a decision is a step, written down by ReadSet as it was read; shared.h has the letters.
 *
 * The lock comes first: whoever removes an old version of a script looks at who holds its lock (Caching/VersionSweeper), so what is
 * seen under the lock stays until the script has begun.
 *
 * A text ends in a NUL. A stamp is device, inode, size, mtime and ctime, eight bytes each, as FileStamp has them.
 */
#include "executor.h"
#include "plan_key.h"
#include "shared.h"
#include "sys.h"

#include <limits.h>

_Static_assert(RUN_PLAN_MOST_PATH_BYTES >= PATH_MAX + sizeof "/plans/0000", "room for the path of a plan");

/* What this process was given. */
struct caller {
    char **environment;
    uid_t user;
};

/* What of a plan has not been read yet. */
struct rest {
    const unsigned char *at, *end;
};

struct stamp {
    uint64_t device, inode;
    int64_t size, modified, changed;
};

/* What to become: a script, and what starts it if the kernel does not (else NULL). */
struct start {
    const char *script, *interpreter, *argument;
};

/* The most arguments of a script that is not started by the kernel itself. */
enum { MOST_ARGUMENTS = 1000 };

/* What became of a lock, if it is not a descriptor. */
enum { DOUBTFUL = -1, HELD = -2 };

/* The longest record of a lock that is looked at here. */
enum { MOST_RECORD = 2048 };

static int take(struct rest *rest, void *into, size_t length)
{
    if ((size_t)(rest->end - rest->at) < length)
        return 0;
    copy_bytes(into, rest->at, length);
    rest->at += length;
    return 1;
}

static const char *take_text(struct rest *rest)
{
    const char *text = (const char *)rest->at;
    while (rest->at < rest->end)
        if (*rest->at++ == '\0')
            return text;
    return NULL;
}

static int is_local(const char *script)
{
    return script[0] == '/' || begins_with(script, "./") || begins_with(script, "../");
}

/*
 * The directory that SCRIPT is called from: it decides what a relative path is, and where the search for run.pins begins. 0: it cannot be
 * said.
 */
static int find_directory(char *path, size_t room)
{
    path[0] = '\0';
    return sys_getcwd(path, room) > 0 && path[0] == '/';
}

/* Whether the file is this user's, a regular one, and has none of these permissions. */
static int is_own_file(const struct stat *status, uid_t user, mode_t forbidden)
{
    return S_ISREG(status->st_mode) && status->st_uid == user && (status->st_mode & forbidden) == 0;
}

/* Reads the plan of that name: a file of this user's alone. Its length, or 0. */
static size_t read_plan(const char *path, unsigned char *plan, uid_t user)
{
    struct stat status;
    size_t length = 0;

    int file = sys_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return 0;
    if (sys_fstat(file, &status) == 0 && is_own_file(&status, user, 077)
        && status.st_size > (off_t)sizeof(uint64_t) && status.st_size <= RUN_PLAN_MOST_BYTES
        && sys_pread(file, plan, (size_t)status.st_size) == status.st_size)
        length = (size_t)status.st_size;
    sys_close(file);
    return length;
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* makedev(3): major and minor number, as statx(2) tells them apart. */
static uint64_t device_of(const struct stat *status)
{
    uint64_t device = status->st_dev;
    uint64_t major = (device >> 8 & 0xfff) | (device >> 32 & ~(uint64_t)0xfff);
    uint64_t minor = (device & 0xff) | (device >> 12 & ~(uint64_t)0xff & 0xffffffff);
    return major << 32 | minor;
}

static int has_same_stamp(const struct stat *status, const struct stamp *stamp)
{
    return stamp->device == device_of(status)
        && stamp->inode == status->st_ino
        && stamp->size == status->st_size
        && stamp->modified == nanoseconds(status->st_mtim)
        && stamp->changed == nanoseconds(status->st_ctim);
}

static int has_stamp(const struct stat *status, const struct stamp *stamp)
{
    return S_ISREG(status->st_mode) && has_same_stamp(status, stamp);
}

/* Whether the machine has not been booted since. What was written before it was, and not flushed, may be lost. */
static int is_same_boot(const char *id)
{
    char now[64];
    size_t length = text_length(id);

    int file = sys_open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_NOCTTY);
    if (file < 0)
        return 0;
    long there = sys_read(file, now, sizeof now);
    sys_close(file);
    return length > 0 && there > (long)length && same_bytes(now, id, length) && now[length] == '\n';
}

/*
 * Whether what is said of a file of a tree holds: its stamp, and what it is. A directory has no stamp, because files may be added to it:
 * nobody else may be able to do that.
 */
static int is_as_said(char letter, const struct stat *status, const struct stamp *stamp, uid_t user)
{
    switch (letter) {
    case RUN_TREE_DIRECTORY:
        return S_ISDIR(status->st_mode) && status->st_uid == user && (status->st_mode & 022) == 0
            && (stamp->device | stamp->inode) == 0 && (stamp->size | stamp->modified | stamp->changed) == 0;
    case RUN_TREE_FILE:
        return has_stamp(status, stamp);
    case RUN_TREE_LINK:
        return S_ISLNK(status->st_mode) && has_same_stamp(status, stamp);
    default:
        return 0;
    }
}

/*
 * Whether each file has the stamp that is said of it: a letter, the stamp, and a path below that directory. The first text, which is about
 * the tree, is not needed here: the file of the stamps is the very one that the planner has read.
 */
static int has_all_stamps(int stamps, int tree, uid_t user)
{
    enum { MOST_ENTRY = 1 + RUN_STAMP_BYTES + PATH_MAX };
    char bytes[4 * MOST_ENTRY];
    size_t length = 0, at = 0;
    int is_first = 1;
    struct stamp stamp;
    struct stat status;

    _Static_assert(sizeof stamp == RUN_STAMP_BYTES, "as Caching/TreeStamps writes it");
    for (;;) {
        const size_t head = is_first ? 0 : 1 + RUN_STAMP_BYTES;
        size_t end = length - at > head ? at + head + find_byte(bytes + at + head, length - at - head, '\0') : length;
        if (end >= length) {
            /* The rest is needed, and more than that there is no room for. */
            for (size_t i = at; i < length; i++)
                bytes[i - at] = bytes[i];
            length -= at, at = 0;
            long more = length < sizeof bytes ? sys_read(stamps, bytes + length, sizeof bytes - length) : -1;
            if (more <= 0)
                return more == 0 && length == 0 && !is_first;
            length += (size_t)more;
            continue;
        }
        if (!is_first) {
            copy_bytes(&stamp, bytes + at + 1, sizeof stamp);
            if (sys_lstat_in(tree, bytes + at + head, &status) != 0 || !is_as_said(bytes[at], &status, &stamp, user))
                return 0;
        }
        is_first = 0;
        at = end + 1;
    }
}

/* Whether a tree in the cache is as it was unpacked: `path` is the file of its stamps, and the tree lies beside that. */
static int is_whole_tree(const char *path, const struct stamp *stamp, uid_t user)
{
    char place[PATH_MAX];
    struct stat status;
    size_t length = text_length(path), slash = length;
    int same = 0;

    while (slash > 0 && path[slash - 1] != '/')
        slash--;
    if (slash + sizeof "tree" > sizeof place)
        return 0;
    copy_bytes(place, path, slash);
    copy_bytes(place + slash, "tree", sizeof "tree");
    int stamps = sys_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    int tree = sys_open(place, O_PATH | O_NOFOLLOW | O_DIRECTORY);
    if (stamps >= 0 && tree >= 0 && sys_fstat(stamps, &status) == 0 && has_stamp(&status, stamp) && status.st_uid == user)
        same = has_all_stamps(stamps, tree, user);
    if (stamps >= 0)
        sys_close(stamps);
    if (tree >= 0)
        sys_close(tree);
    return same;
}

/* Whether the path leads there, by way of no symbolic link, or of the same ones as ever. */
static int is_really(const char *path, const struct stamp *stamp, const char *real)
{
    char link[sizeof "/proc/self/fd/" + 12], digits[12], target[PATH_MAX];
    struct stat status;
    size_t at = sizeof "/proc/self/fd/" - 1, count = 0;
    int same = 0;

    int file = sys_open(path, O_PATH);
    if (file < 0)
        return 0;
    copy_bytes(link, "/proc/self/fd/", at);
    for (int number = file; count == 0 || number > 0; number /= 10)
        digits[count++] = (char)('0' + number % 10);
    while (count > 0)
        link[at++] = digits[--count];
    link[at] = '\0';
    long length = sys_readlink(link, target, sizeof target);
    if (length > 0 && (size_t)length == text_length(real) && same_bytes(target, real, (size_t)length))
        same = sys_fstat(file, &status) == 0 && has_stamp(&status, stamp);
    sys_close(file);
    return same;
}

/*
 * Whether this very process has that file open already, as what a lock hangs on: closing another descriptor of it would let go of that
 * lock. Descriptors of locks follow one another.
 */
static int may_be_inherited(const char *path)
{
    struct stat there, here;
    struct rlimit descriptors;

    /* With a limit that low, the descriptor of a lock that this process already holds may be anywhere below: see LockFile.Inherited. */
    if (sys_getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur <= RUN_LEAST_DESCRIPTOR)
        return 1;
    for (int fd = RUN_LEAST_DESCRIPTOR; sys_fcntl(fd, F_GETFD, 0) >= 0; fd++)
        if (sys_stat(path, &there, AT_SYMLINK_NOFOLLOW) != 0 || sys_fstat(fd, &here) != 0
            || (here.st_dev == there.st_dev && here.st_ino == there.st_ino))
            return 1;
    return 0;
}

/*
 * Opens a lock's file as LockFile does: read-only for a shared lock, because the script's children inherit the descriptor. The descriptor,
 * out of the script's way, or DOUBTFUL.
 */
static int open_lock(const char *path, short mode)
{
    if (may_be_inherited(path))
        return DOUBTFUL;
    int first = sys_open(path, (mode == F_RDLCK ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (first < 0)
        return DOUBTFUL;
    int fd = sys_fcntl(first, F_DUPFD, RUN_LEAST_DESCRIPTOR);
    sys_close(first);
    return fd < 0 ? DOUBTFUL : fd;
}

/*
 * Whether it is as a lock's file should be, and still in its place: nobody moves one, but somebody may have removed it before it was
 * locked.
 */
static int is_lock_file(int fd, uid_t user)
{
    struct stat status;
    return sys_fstat(fd, &status) == 0 && is_own_file(&status, user, 0) && (status.st_mode & 0777) == 0600
        && status.st_nlink > 0;
}

/* How long the record is that a lock's file begins with: see Locking/LockRecord. 0: it begins with something else. */
static size_t record_length(const char *bytes, size_t length)
{
    size_t at = 0, digits = 0;
    while (at < length && bytes[at] != '\0')
        at++;
    for (at++; at < length && ((bytes[at] >= '0' && bytes[at] <= '9') || (bytes[at] >= 'a' && bytes[at] <= 'f')); at++)
        digits++;
    return digits == RUN_LOCK_NAME_LENGTH && at < length && bytes[at] == '\0' ? at + 1 : 0;
}

/* Whether the lock's file begins with that record. */
static int has_record(int fd, const char *record, size_t length)
{
    char found[MOST_RECORD];
    long there = length <= sizeof found ? sys_pread(fd, found, length) : -1;
    return there == (long)length && same_bytes(found, record, length);
}

/* Says in the lock's file who holds it, unless it is said already: another name of the same script may have been the last. */
static int record_holder(int fd, const char *record, size_t length)
{
    char found[MOST_RECORD];

    if (has_record(fd, record, length))
        return 1;
    long there = sys_pread(fd, found, sizeof found);
    return there >= 0 && record_length(record, length) == length && record_length(found, (size_t)there) != 0
        && sys_pwrite(fd, record, length) == (long)length;
}

/*
 * The same for a shared lock, whose own descriptor cannot be written: by another one, and before anything is locked, for to close a
 * descriptor of the file lets go of its locks.
 */
static int record_before(const char *path, const char *record, size_t length, uid_t user)
{
    int fd = sys_open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    int written = is_lock_file(fd, user) && record_holder(fd, record, length);
    sys_close(fd);
    return written;
}

/*
 * Leaves the mark of this process, above `first`. The file's mtime is the time of the last use, known to a day, so that most runs write
 * nothing: what --clean=AGE goes by.
 */
static int mark(int fd, short mode, off_t first)
{
    struct flock lock = {.l_type = mode, .l_whence = SEEK_SET, .l_len = 1};
    struct stat status;
    struct timespec now;

    if (sys_fstat(fd, &status) == 0 && sys_clock(CLOCK_REALTIME_COARSE, &now) == 0 && now.tv_sec - status.st_mtime > RUN_DAY_SECONDS)
        (void)sys_touch(fd);

    if (sys_clock(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    lock.l_start = first | (off_t)sys_getpid() << RUN_PID_SHIFT | (nanoseconds(now) & (((off_t)1 << RUN_PID_SHIFT) - 1));
    return sys_fcntl(fd, F_SETLK, (long)&lock) == 0;
}

/* The locks of this run. */
struct locks {
    int fd, own;   /* the lock; the script's own, if that is another, else DOUBTFUL */
    uint8_t held;  /* what to do where it is held */
};

static void release(const struct locks *locks)
{
    if (locks->fd >= 0)
        sys_close(locks->fd);
    if (locks->own >= 0)
        sys_close(locks->own);
}

/*
 * Takes the lock that the plan names as ScriptLock does, if it can be had at once and its file is as it should be. 0: DOUBTFUL or HELD is
 * in locks->fd, and nothing stays open.
 */
static int follow_lock(struct rest *rest, struct locks *locks, uid_t user)
{
    struct flock lock = {.l_whence = SEEK_SET, .l_start = RUN_LOCK_BYTE, .l_len = 1};
    uint8_t mode;

    *locks = (struct locks){.fd = DOUBTFUL, .own = DOUBTFUL};
    if (!take(rest, &mode, sizeof mode) || mode > F_WRLCK || !take(rest, &locks->held, sizeof locks->held))
        return 0;
    const char *path = take_text(rest), *record = (const char *)rest->at;
    if (path == NULL || take_text(rest) == NULL || take_text(rest) == NULL)
        return 0;
    size_t length = (size_t)((const char *)rest->at - record);
    const char *own = take_text(rest);
    if (own == NULL || (locks->fd = open_lock(path, mode)) < 0)
        return 0;
    if (mode == F_RDLCK && !has_record(locks->fd, record, length) && !record_before(path, record, length, user)) {
        release(locks);
        locks->fd = DOUBTFUL;
        return 0;
    }

    lock.l_type = mode;
    int error = sys_fcntl(locks->fd, F_SETLK, (long)&lock);
    int is_sound = is_lock_file(locks->fd, user);
    if (error == 0 && is_sound && (mode == F_RDLCK ? has_record : record_holder)(locks->fd, record, length)
        && mark(locks->fd, mode, RUN_FIRST_MARK)
        && (own[0] == '\0'
            || ((locks->own = open_lock(own, F_RDLCK)) >= 0 && is_lock_file(locks->own, user)
                && mark(locks->own, F_RDLCK, RUN_FIRST_NAMED_MARK))))
        return 1;
    release(locks);
    locks->fd = is_sound && (error == -EAGAIN || error == -EACCES) ? HELD : DOUBTFUL;
    return 0;
}

/* Whether the path lies in that directory, by its letters alone. */
static int is_below(const char *path, const char *directory, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (path[i] != directory[i])
            return 0;
    if (path[length] != '/')
        return 0;
    for (path += length; *path != '\0'; path++)
        if (begins_with(path, "/../"))
            return 0;
    return 1;
}

/* Whether the path ends in what was typed after the source's name, and a suffix at most: /srv/scripts/tools/x.sh for team:tools/x. */
static int is_named_by(const char *path, const char *typed)
{
    const char *name = typed;
    for (const char *at = typed; *at != '\0'; at++)
        if (*at == ':') {
            name = at + 1;
            break;
        }
    size_t length = text_length(name), last = 0;
    for (size_t i = 0; path[i] != '\0'; i++)
        if (path[i] == '/' && begins_with(path + i + 1, name))
            last = i + 1;
    if (length == 0 || last == 0)
        return 0;
    for (path += last + length; *path != '\0'; path++)
        if (*path == '/')
            return 0;
    return 1;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether the line, which ends before `end`, is #! with that interpreter and that argument, as Execution/Shebang reads it. */
static int is_shebang(const char *line, const char *end, const char *interpreter, const char *argument)
{
    size_t first = text_length(interpreter), second = text_length(argument);

    if (end - line < 2 || line[0] != '#' || line[1] != '!' || interpreter[0] != '/')
        return 0;
    for (line += 2; line < end && is_blank(*line); line++)
        ;
    if ((size_t)(end - line) < first || !same_bytes(line, interpreter, first))
        return 0;
    line += first;
    const char *behind = line;
    while (line < end && is_blank(*line))
        line++;
    if (second > 0) {
        if (line == behind || (size_t)(end - line) < second || !same_bytes(line, argument, second))
            return 0;
        line += second;
    }
    while (line < end && (is_blank(*line) || *line == '\r'))
        line++;
    return line == end || *line == '\0';
}

/* The first lines of a script, and where the second one is. */
struct lines {
    char text[RUN_FIRST_LINES_BYTES];
    const char *second, *end; /* its first byte, and the one behind its last */
};

static int read_lines(const char *script, const struct stamp *stamp, struct lines *lines)
{
    struct stat status;
    long length = -1;

    int file = sys_open(script, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return 0;
    if (sys_fstat(file, &status) == 0 && has_stamp(&status, stamp))
        length = sys_pread(file, lines->text, sizeof lines->text);
    sys_close(file);

    const char *at = lines->text, *end = lines->text + (length > 0 ? length : 0);
    while (at < end && *at++ != '\n')
        ;
    for (lines->second = at; at < end && *at != '\n'; at++)
        ;
    lines->end = at;
    return length > 0;
}

/*
 * Whether the script's second line names that interpreter. A plan could name any program, so the script itself is asked: nothing is started
 * but the script, and what it says.
 */
static int has_second_line(const char *script, const struct stamp *stamp, const char *interpreter, const char *argument)
{
    struct lines lines;
    return read_lines(script, stamp, &lines) && is_shebang(lines.second, lines.end, interpreter, argument);
}

/* Whether the file can stand for another script: it starts run, and is none itself. No plan makes anything else of another file. */
static int may_be_stub(const char *script, const struct stamp *stamp)
{
    struct lines lines;

    if (!read_lines(script, stamp, &lines) || !same_bytes(lines.text, "#!", 2)
        || (lines.end - lines.second >= 2 && same_bytes(lines.second, "#!", 2)))
        return 0;
    for (const char *at = lines.text; at + 3 <= lines.second; at++)
        if (same_bytes(at, "run", 3))
            return 1;
    return 0;
}

/* Goes through the steps. 0: one of them cannot be gone, or they lead nowhere. */
static int follow_steps(
    struct rest *rest, const char *typed, const struct run_plan *plan, const struct caller *caller, struct start *start)
{
    const char *path, *real;
    struct stat status;
    struct stamp stamp;
    uint32_t forbidden;
    int is_stub = 0;
    char step;

    *start = (struct start){NULL, NULL, NULL};

    while (take(rest, &step, 1))
        switch (step) {
        case RUN_STEP_VARIABLE_IS: {
            const char *name = take_text(rest), *value = name == NULL ? NULL : take_text(rest), *now;
            if (value == NULL || (now = variable_of(caller->environment, name)) == NULL || !same_text(now, value))
                return 0;
            break;
        }

        case RUN_STEP_VARIABLE_UNSET: {
            const char *name = take_text(rest);
            if (name == NULL || variable_of(caller->environment, name) != NULL)
                return 0;
            break;
        }

        case RUN_STEP_ABSENT:
            if ((path = take_text(rest)) == NULL)
                return 0;
            switch (sys_stat(path, &status, AT_SYMLINK_NOFOLLOW)) {
            case -ENOENT:
            case -ENOTDIR:
                break;
            default:
                return 0;
            }
            break;

        case RUN_STEP_SAME:
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL
                || sys_stat(path, &status, 0) != 0 || !has_stamp(&status, &stamp))
                return 0;
            break;

        case RUN_STEP_OWN_DIRECTORY:
        case RUN_STEP_OWN_DIRECTORY_NO_LINK:
            if (!take(rest, &forbidden, sizeof forbidden) || (path = take_text(rest)) == NULL
                || sys_stat(path, &status, step == RUN_STEP_OWN_DIRECTORY ? 0 : AT_SYMLINK_NOFOLLOW) != 0
                || !S_ISDIR(status.st_mode) || status.st_uid != caller->user || (status.st_mode & forbidden) != 0)
                return 0;
            break;

        case RUN_STEP_FOREIGN_DIRECTORY:
            if ((path = take_text(rest)) == NULL || sys_stat(path, &status, 0) != 0 || !S_ISDIR(status.st_mode)
                || status.st_uid == caller->user)
                return 0;
            break;

        case RUN_STEP_PROGRAM:
            if ((path = take_text(rest)) == NULL || sys_stat(path, &status, 0) != 0 || !S_ISREG(status.st_mode)
                || sys_access(path, X_OK) != 0)
                return 0;
            break;

        case RUN_STEP_BOOT:
            if ((path = take_text(rest)) == NULL || !is_same_boot(path))
                return 0;
            break;

        case RUN_STEP_TREE:
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL
                || !is_below(path, plan->path, plan->cache_length) || !is_whole_tree(path, &stamp, caller->user))
                return 0;
            break;

        case RUN_STEP_CACHED_SCRIPT:
            /* Nothing outside the cache, whatever the plan says. */
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL
                || is_local(typed) != is_stub || !is_below(path, plan->path, plan->cache_length)
                || sys_stat(path, &status, AT_SYMLINK_NOFOLLOW) != 0 || !has_stamp(&status, &stamp) || status.st_uid != caller->user)
                return 0;
            start->script = path;
            break;

        case RUN_STEP_LOCAL_SCRIPT:
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL
                || !is_local(typed) || is_stub || !is_really(typed, &stamp, path))
                return 0;
            start->script = typed;
            break;

        case RUN_STEP_DIRECTORY_SCRIPT:
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL || (real = take_text(rest)) == NULL
                || is_local(typed) || path[0] != '/' || !is_named_by(path, typed) || !is_really(path, &stamp, real))
                return 0;
            start->script = path;
            break;

        case RUN_STEP_STUB:
            if (!take(rest, &stamp, sizeof stamp) || (path = take_text(rest)) == NULL
                || !is_local(typed) || !is_really(typed, &stamp, path) || !may_be_stub(typed, &stamp))
                return 0;
            is_stub = 1;
            break;

        case RUN_STEP_SECOND_LINE:
            if ((start->interpreter = take_text(rest)) == NULL || (start->argument = take_text(rest)) == NULL
                || start->script == NULL || rest->at != rest->end
                || !has_second_line(start->script, &stamp, start->interpreter, start->argument))
                return 0;
            break;

        default:
            return 0;
        }
    return start->script != NULL;
}

/* Becomes the script, started by the kernel or by the interpreter of its second line. Returns only on failure. */
static void become(char **argv, size_t script, const struct start *start, char **environment)
{
    char *typed = argv[script], *words[MOST_ARGUMENTS + 4];
    size_t count = 0;

    if (start->interpreter == NULL) {
        argv[script] = (char *)start->script;
        sys_execve(start->script, argv + script, environment);
        argv[script] = typed;
        return;
    }
    words[count++] = (char *)start->interpreter;
    if (start->argument[0] != '\0')
        words[count++] = (char *)start->argument;
    words[count++] = (char *)start->script;
    for (char **rest = argv + script + 1; *rest != NULL; rest++) {
        if (count == sizeof words / sizeof *words - 1)
            return;
        words[count++] = *rest;
    }
    words[count] = NULL;
    sys_execve(start->interpreter, words, environment);
}

/* What came of the search for a plan. */
enum outcome { NO_PLAN, PLAN_FAILS };

/*
 * Follows the plan for the words of the command line up to that one, if there is such a plan; then it returns only if the plan does not
 * hold.
 */
static enum outcome follow_plan(char **argv, size_t script, const char *directory, const struct caller *caller)
{
    struct run_plan plan;
    unsigned char bytes[RUN_PLAN_MOST_BYTES];
    uint64_t seal;
    int64_t from, until;
    struct timespec now;
    struct locks locks;

    if (!run_find_plan(argv + 1, script, directory, caller->environment, &plan))
        return NO_PLAN;
    size_t length = read_plan(plan.path, bytes, caller->user);
    struct rest rest = {bytes, bytes + length};
    if (!take(&rest, &seal, sizeof seal) || seal != run_plan_seal(bytes, length)
        || !take(&rest, &from, sizeof from) || !take(&rest, &until, sizeof until)
        || (size_t)(rest.end - rest.at) < plan.key_length || !same_bytes(rest.at, plan.key, plan.key_length))
        return NO_PLAN;
    rest.at += plan.key_length;
    if ((from != INT64_MIN || until != INT64_MAX)
        && (sys_clock(CLOCK_REALTIME, &now) != 0 || now.tv_sec < from || now.tv_sec >= until))
        return PLAN_FAILS;

    struct start start;
    if (follow_lock(&rest, &locks, caller->user)) {
        if (follow_steps(&rest, argv[script], &plan, caller, &start))
            become(argv, script, &start, caller->environment);
        release(&locks);
    } else if (locks.fd == HELD && locks.held == RUN_HELD_IS_SUCCESS && follow_steps(&rest, argv[script], &plan, caller, &start)) {
        sys_exit(0);
    }
    return PLAN_FAILS;
}

/*
 * The same, from wherever it is called. An absolute path has a plan for every directory, or, if it is a file that stands for another
 * script, one for each: the search for run.pins begins there. Both are as good as what they say.
 */
static enum outcome follow_plans(char **argv, size_t script, char *here, size_t room, const struct caller *caller)
{
    enum outcome everywhere = argv[script][0] == '/' ? follow_plan(argv, script, "", caller) : NO_PLAN;

    if (here[0] == '\0' && !find_directory(here, room))
        return argv[script][0] == '/' ? everywhere : PLAN_FAILS;
    return follow_plan(argv, script, here, caller) == NO_PLAN ? everywhere : PLAN_FAILS;
}

/*
 * Which word is SCRIPT only the planner knows: here each that could be is tried. An option is followed by one word of its own at most, so
 * the second of two words without a dash is SCRIPT at the latest, as is the first word of all, and the one after "--". The words are read
 * from left to right, so a plan for more or fewer words than those up to SCRIPT is never written.
 */
void run_as_planned(char **argv, char **environment, uid_t user)
{
    const struct caller caller = {environment, user};
    char here[PATH_MAX] = "";
    int after_dash = 0, last = 0;

    if (argv[0] == NULL)
        return;
    for (size_t i = 1; argv[i] != NULL && i <= RUN_PLAN_MOST_WORDS; i++) {
        const char *word = argv[i];
        if (!last && word[0] == '-') {
            after_dash = 1;
            last = same_text(word, "--");
            continue;
        }
        if (word[0] == '\0' || follow_plans(argv, i, here, sizeof here, &caller) != NO_PLAN || last || !after_dash)
            return;
        after_dash = 0;
    }
}
