/*
 * Prints everything about its own process that a caller can have set and that execve(2) keeps, one fact a line, so that two
 * reports can be compared with diff. What differs between any two processes (PIDs, times, addresses, inodes of pipes) is left out or
 * named by its role. With TELL_TO=FILE it writes to the file, so that standard output may be closed. TELL_EXIT=N is the exit status.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

static FILE *out;

static void bytes(const char *name, const char *text, size_t length)
{
    fprintf(out, "%s: ", name);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = text[i];
        if (c < ' ' || c > '~' || c == '\\')
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
    fputc('\n', out);
}

static void number(const char *name, long value)
{
    fprintf(out, "%s: %ld%s\n", name, value, value == -1 ? strerror(errno) : "");
}

/* Another process, by its relation to this one. */
static const char *role(pid_t pid)
{
    return pid == getpid() ? "self"
        : pid == getppid() ? "parent"
        : pid == 0 ? "none"
        : pid == -1 ? "error"
        : pid == getsid(0) ? "leader"
        : "other";
}

static void whole_file(const char *path)
{
    char content[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, content, sizeof content - 1);
    if (length < 0)
        fprintf(out, "%s: %s\n", path, strerror(errno));
    else {
        content[length] = 0;
        fprintf(out, "%s:\n", path);
        for (char *line = strtok(content, "\n"); line != NULL; line = strtok(NULL, "\n"))
            bytes("  ", line, strlen(line));
    }
    if (fd >= 0)
        close(fd);
}

/* Lines of /proc/self/status that the caller decides: not PIDs, memory, counters, or FDSize, which depends on the lock's descriptor. */
static void status(void)
{
    static const char *skipped[] = {
        "Tgid:", "Ngid:", "Pid:", "PPid:", "FDSize:", "NStgid:", "NSpid:", "NSpgid:", "NSsid:", "VmPeak:", "VmSize:", "VmHWM:", "VmRSS:",
        "RssAnon:", "RssFile:", "RssShmem:", "VmData:", "VmStk:", "VmExe:", "VmLib:", "VmPTE:", "VmSwap:", "SigQ:",
        "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:",
    };
    char line[4096];
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        int skip = 0;
        for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++)
            skip |= strncmp(line, skipped[i], strlen(skipped[i])) == 0;
        if (!skip)
            bytes("status", line, strcspn(line, "\n"));
    }
    fclose(file);
}

/* /proc/self/stat: the fields that are not counters, times or addresses, by their numbers in proc(5). */
static void stat_fields(void)
{
    char content[4096];
    FILE *file = fopen("/proc/self/stat", "re");
    size_t length = file == NULL ? 0 : fread(content, 1, sizeof content - 1, file);
    if (file != NULL)
        fclose(file);
    content[length] = 0;
    char *rest = strrchr(content, ')');
    if (rest == NULL)
        return;
    int field = 3;
    for (char *word = strtok(rest + 1, " \n"); word != NULL; word = strtok(NULL, " \n"), field++) {
        char name[32];
        snprintf(name, sizeof name, "stat field %d", field);
        switch (field) {
        case 7: /* tty_nr: only whether there is a terminal; its number is chance */
            fprintf(out, "%s: %s\n", name, strcmp(word, "0") == 0 ? "no terminal" : "a terminal");
            break;
        case 9: /* flags: PF_SUPERPRIV (0x100) only records that a privilege has been used */
            fprintf(out, "%s: %lx\n", name, strtoul(word, NULL, 10) & ~0x100UL);
            break;
        case 18: case 19: case 20: case 21: case 31: case 32: case 33: case 34: case 38: case 40: case 41: case 52:
            bytes(name, word, strlen(word));
            break;
        }
    }
}

static void descriptor(int fd)
{
    char path[64], target[4096], info[4096];
    struct stat file;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0 || fstat(fd, &file) != 0)
        return;
    target[length] = 0;
    const char *kind = strncmp(target, "pipe:", 5) == 0 ? "pipe" : strncmp(target, "socket:", 7) == 0 ? "socket"
        : strncmp(target, "/dev/pts/", 9) == 0 ? "/dev/pts/N" : target;
    fprintf(out, "fd %d: %s mode %o flags %o fd-flags %d offset %ld owner %d signal %d", fd, kind, file.st_mode,
        fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), (long)lseek(fd, 0, SEEK_CUR), fcntl(fd, F_GETOWN), fcntl(fd, F_GETSIG));
    if (S_ISFIFO(file.st_mode)) {
        int waiting = -1;
        ioctl(fd, FIONREAD, &waiting);
        fprintf(out, " pipe size %d waiting %d", fcntl(fd, F_GETPIPE_SZ), waiting);
    }
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *lines = fopen(path, "re");
    while (lines != NULL && fgets(info, sizeof info, lines) != NULL)
        if (strncmp(info, "lock:", 5) == 0) {
            char kind_of_lock[16], access[16];
            if (sscanf(info, "lock: %*s %15s %*s %15s", kind_of_lock, access) == 2)
                fprintf(out, " lock %s %s", kind_of_lock, access);
        }
    if (lines != NULL)
        fclose(lines);
    fputc('\n', out);

    struct termios terminal;
    struct winsize size;
    if (tcgetattr(fd, &terminal) == 0) {
        fprintf(out, "fd %d terminal: %o %o %o %o line %d speed %o %o foreground %s session %s", fd, terminal.c_iflag, terminal.c_oflag,
            terminal.c_cflag, terminal.c_lflag, terminal.c_line, cfgetispeed(&terminal), cfgetospeed(&terminal),
            role(tcgetpgrp(fd)), role(tcgetsid(fd)));
        for (int i = 0; i < NCCS; i++)
            fprintf(out, " %d", terminal.c_cc[i]);
        if (ioctl(fd, TIOCGWINSZ, &size) == 0)
            fprintf(out, " size %dx%d", size.ws_row, size.ws_col);
        fputc('\n', out);
    }
}

static void descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return;
    int own = dirfd(directory), found[4096], count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != own && count < 4096)
            found[count++] = atoi(entry->d_name);
    closedir(directory);
    for (int i = 0; i < count; i++) /* the kernel lists them in order */
        if (found[i] != fileno(out))
            descriptor(found[i]);
}

static void signals(void)
{
    /* The system call, because the C library hides signals 32 and 33. */
    struct { void (*handler)(int); unsigned long flags; void (*restorer)(void); unsigned long mask; } action;
    for (int i = 1; i <= 64; i++)
        if (syscall(SYS_rt_sigaction, i, NULL, &action, 8) == 0)
            fprintf(out, "signal %d: %s flags %lx mask %lx\n", i,
                action.handler == SIG_DFL ? "default" : action.handler == SIG_IGN ? "ignored" : "caught", action.flags, action.mask);
    unsigned long mask = 0, pending = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, 8);
    syscall(SYS_rt_sigpending, &pending, 8);
    fprintf(out, "blocked: %lx pending: %lx\n", mask, pending);
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0)
        fprintf(out, "alternate stack: flags %d size %zu\n", stack.ss_flags, stack.ss_size);
}

static void limits(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit value;
        if (getrlimit(i, &value) == 0)
            fprintf(out, "limit %d: %lx %lx\n", i, (long)value.rlim_cur, (long)value.rlim_max);
    }
}

/* The autogroup: its number belongs to the session, its nice value to the caller. */
static void autogroup(void)
{
    int nice = 0;
    FILE *file = fopen("/proc/self/autogroup", "re");
    if (file == NULL)
        return;
    if (fscanf(file, "/autogroup-%*d nice %d", &nice) == 1)
        number("autogroup nice", nice);
    fclose(file);
}

static void scheduling(void)
{
    struct {
        unsigned size, policy;
        unsigned long flags;
        int nice;
        unsigned priority;
        unsigned long runtime, deadline, period;
        unsigned low, high;
    } attributes;
    unsigned long cpus[128] = {0}, nodes[64] = {0};
    int mode = -1;
    memset(&attributes, 0, sizeof attributes);
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0)
        fprintf(out, "scheduling: policy %u flags %lx nice %d priority %u runtime %lu deadline %lu period %lu clamp %u %u\n",
            attributes.policy, attributes.flags, attributes.nice, attributes.priority, attributes.runtime, attributes.deadline,
            attributes.period, attributes.low, attributes.high);
    number("nice", getpriority(PRIO_PROCESS, 0));
    number("io priority", syscall(SYS_ioprio_get, 1, 0));
    if (syscall(SYS_sched_getaffinity, 0, sizeof cpus, cpus) > 0)
        fprintf(out, "affinity: %lx %lx\n", cpus[0], cpus[1]);
    if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, NULL, 0) == 0)
        fprintf(out, "memory policy: %d %lx\n", mode, nodes[0]);
}

static void timers(void)
{
    static const int kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    for (int i = 0; i < 3; i++) {
        struct itimerval timer;
        if (getitimer(kinds[i], &timer) == 0)
            fprintf(out, "timer %d: %s every %ld\n", kinds[i],
                timer.it_value.tv_sec || timer.it_value.tv_usec ? "set" : "not set", (long)timer.it_interval.tv_sec);
    }
}

static void process_controls(void)
{
    static const struct { const char *name; int option; } plain[] = {
        {"dumpable", PR_GET_DUMPABLE}, {"keep capabilities", PR_GET_KEEPCAPS}, {"secure bits", PR_GET_SECUREBITS},
        {"no new privileges", PR_GET_NO_NEW_PRIVS}, {"timer slack", PR_GET_TIMERSLACK}, {"timing", PR_GET_TIMING},
        {"huge pages off", PR_GET_THP_DISABLE}, {"machine check", PR_MCE_KILL_GET}, {"io flusher", 58 /* PR_GET_IO_FLUSHER */},
        {"memory deny write execute", 66 /* PR_GET_MDWE */}, {"memory merge", 68 /* PR_GET_MEMORY_MERGE */},
        {"seccomp", PR_GET_SECCOMP},
    };
    static const struct { const char *name; int option; } into[] = {
        {"parent death signal", PR_GET_PDEATHSIG}, {"subreaper", PR_GET_CHILD_SUBREAPER}, {"time stamp counter", PR_GET_TSC},
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        number(plain[i].name, prctl(plain[i].option, 0, 0, 0, 0));
    for (size_t i = 0; i < sizeof into / sizeof into[0]; i++) {
        int value = -1;
        prctl(into[i].option, &value, 0, 0, 0);
        number(into[i].name, value);
    }
    char name[16] = "";
    prctl(PR_GET_NAME, name, 0, 0, 0);
    bytes("name", name, strlen(name));
    for (int i = 0; i <= 2; i++)
        number("speculation", prctl(52 /* PR_GET_SPECULATION_CTRL */, i, 0, 0, 0));
    for (int i = 0; i <= 63; i++) {
        int ambient = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0);
        if (ambient == 1)
            number("ambient capability", i);
    }
}

static void identity(void)
{
    uid_t r, e, s;
    getresuid(&r, &e, &s);
    fprintf(out, "users: %d %d %d\n", r, e, s);
    getresgid(&r, &e, &s);
    fprintf(out, "groups: %d %d %d\n", r, e, s);
    fprintf(out, "process group: %s session: %s terminal's foreground: ", role(getpgrp()), role(getsid(0)));
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    fprintf(out, "%s\n", terminal < 0 ? "no terminal" : role(tcgetpgrp(terminal)));
    if (terminal >= 0)
        close(terminal);
    /* KEYCTL_GET_KEYRING_ID of the session keyring, which is inherited from the caller. */
    number("session keyring", syscall(SYS_keyctl, 0, -3, 0, 0, 0));
    mode_t mask = umask(0);
    umask(mask);
    fprintf(out, "umask: %04o\n", mask);
    number("personality", personality(0xffffffff));
}

static void links(void)
{
    static const char *names[] = {"cwd", "root", "exe", "ns/cgroup", "ns/ipc", "ns/mnt", "ns/net", "ns/pid", "ns/pid_for_children",
        "ns/time", "ns/time_for_children", "ns/user", "ns/uts"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64], target[4096];
        snprintf(path, sizeof path, "/proc/self/%s", names[i]);
        ssize_t length = readlink(path, target, sizeof target);
        bytes(names[i], target, length < 0 ? 0 : (size_t)length);
    }
}

/* Traces that run must not leave: a child, a child that was waited for, a thread. */
static void leftovers(void)
{
    struct rusage children;
    getrusage(RUSAGE_CHILDREN, &children);
    fprintf(out, "children that were waited for: %s\n", children.ru_maxrss ? "some" : "none");
    whole_file("/proc/thread-self/children");
    int tasks = 0;
    DIR *directory = opendir("/proc/self/task");
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        tasks += entry->d_name[0] != '.';
    if (directory != NULL)
        closedir(directory);
    number("threads", tasks);
}

int main(int argc, char **argv)
{
    static const char *files[] = {
        "/proc/self/limits", "/proc/self/oom_score_adj", "/proc/self/oom_adj", "/proc/self/cgroup", "/proc/self/timerslack_ns",
        "/proc/self/personality", "/proc/self/comm", "/proc/self/loginuid", "/proc/self/sessionid", "/proc/self/coredump_filter",
        "/proc/self/cpuset", "/proc/self/attr/current", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups",
        "/proc/self/timens_offsets", "/proc/self/timers",
    };
    char *content = NULL;
    size_t length = 0;
    out = open_memstream(&content, &length);

    /* First, before a call of our own changes anything. */
    descriptors();
    status();
    for (int i = 0; i < argc; i++)
        bytes("argument", argv[i], strlen(argv[i]));
    for (char **variable = environ; *variable != NULL; variable++)
        bytes("variable", *variable, strlen(*variable));
    bytes("executed file", (const char *)getauxval(AT_EXECFN), strlen((const char *)getauxval(AT_EXECFN)));
    fprintf(out, "secure: %ld hardware: %lx %lx page: %ld\n",
        getauxval(AT_SECURE), getauxval(AT_HWCAP), getauxval(AT_HWCAP2), getauxval(AT_PAGESZ));
    stat_fields();
    signals();
    limits();
    scheduling();
    autogroup();
    timers();
    process_controls();
    identity();
    links();
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        whole_file(files[i]);
    leftovers();
    fclose(out);

    const char *to = getenv("TELL_TO"), *status_text = getenv("TELL_EXIT");
    int fd = to == NULL ? 1 : open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, content, length) != (ssize_t)length)
        return 98;
    return status_text == NULL ? 0 : atoi(status_text);
}
