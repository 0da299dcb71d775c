/*
 * What must happen before the .NET runtime starts, and what must be undone before execve.
 *
 * The runtime ignores SIGPIPE and handles some signals before Main, so by then the caller's dispositions are lost. And a file that
 * the runtime opens would get the descriptor of a standard stream that the caller had closed.
 */
#ifndef RUN_ENTRY
#include "executor.h"
#endif

#include "pointers.h"
#include "shared.h"
#include "startup.h"
#include "threads.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

/* The signals that were ignored when the process began. The runtime may have changed that since. */
static sigset_t ignored_at_start;

/* The signals that were blocked when the process began. The runtime unblocks the one with which it suspends threads. */
static sigset_t blocked_at_start;

/* One bit per standard stream that was closed when the process began. */
static int closed_at_start;

static char **argv_at_start;

/* The files to remove if a signal ends the process during a fetch. */
static const char *volatile temporaries[RUN_MOST_TEMPORARIES];

static volatile sig_atomic_t line_is_shown;

/* Whether an interrupt waits until run_defer_interrupts(0), the one that does, and the child process that it ends meanwhile. */
static volatile sig_atomic_t interrupts_wait;
static volatile sig_atomic_t interrupt;
static volatile sig_atomic_t child;

/*
 * The signals that the runtime or this file handles. execve(2) resets handled signals to the default and leaves ignored
 * ones ignored, so a process can inherit only whether a signal is ignored.
 */
static const int touched[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGPIPE, SIGTERM,
    SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGXFSZ,
    34, /* SIGRTMIN, the first real-time signal that the C library does not use: the runtime suspends threads with it */
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * The descriptor of a lock is far out (RUN_LEAST_DESCRIPTOR), and the kernel's table of descriptors has to grow for it. In a process that
 * has threads it waits for an RCU grace period then, which takes 15 ms and more; here there are none yet. Closing an O_PATH descriptor lets
 * go of no lock.
 */
static void make_room_for_the_lock(void)
{
    int root = open("/", O_PATH | O_CLOEXEC);
    if (root >= 0) {
        close(fcntl(root, F_DUPFD_CLOEXEC, RUN_LEAST_DESCRIPTOR));
        close(root);
    }
}

/*
 * What the runtime needs to start, in bytes: with less it crashes. A fetch needs some more for its threads; if there is not enough for one,
 * native/threads.c says so.
 */
#define LEAST_ADDRESS_SPACE (96UL << 20)
#define LEAST_DATA (4UL << 20)

/*
 * A set-user-id copy of this program would run its caller's script as its owner. AT_SECURE alone does not tell: SELinux and AppArmor set it
 * too if a program starts in another domain, as the services of systemd do.
 */
static void refuse_rights_of_others(void)
{
    if (getauxval(AT_SECURE)
        && (getuid() != geteuid() || getgid() != getegid() || getxattr("/proc/self/exe", "security.capability", NULL, 0) > 0))
        run_fail(RUN_STATUS_REFUSED,
            "run: this program is set-user-id or set-group-id, or has file capabilities, so it runs nothing\n"
            "     remove them: chmod ug-s, setcap -r\n");
}

static void require_memory(void)
{
    struct rlimit space, data;

    if (getrlimit(RLIMIT_AS, &space) == 0 && getrlimit(RLIMIT_DATA, &data) == 0
        && (space.rlim_cur < LEAST_ADDRESS_SPACE || data.rlim_cur < LEAST_DATA))
        run_fail(RUN_STATUS_INTERNAL,
            "run: not enough memory: it needs an address space of 96 MiB and data of 4 MiB\n"
            "     see ulimit -v and ulimit -d\n");
}

__attribute__((constructor)) static void before(int argc, char **argv, char **envp)
{
#ifdef __GLIBC__
    (void)argc;
    (void)envp;
    argv_at_start = argv;
#else
    /* Other C libraries pass no arguments to a constructor, but the kernel puts argc, argv and environ next to each other. */
    (void)argc;
    (void)argv;
    (void)envp;
    char **p = environ - 1;
    for (unsigned long n = 0; (unsigned long)p[-1] != n; n++)
        p--;
    argv_at_start = p;
#endif

    refuse_rights_of_others();

#ifndef RUN_ENTRY
    /* Else entry.c has done it. With rights that its caller has not, the program trusts nothing that lies about. */
    if (!getauxval(AT_SECURE))
        run_as_planned(argv_at_start, environ, geteuid());
#endif

    /*
     * Fill a closed standard stream with a descriptor that can be neither read nor written and that execve closes. So no file
     * that is opened later gets its number, and the script finds the stream closed, as the caller left it.
     */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/", O_PATH | O_CLOEXEC) == fd)
            closed_at_start |= 1 << fd;

    make_room_for_the_lock();
    require_memory();
#ifdef RUN_PACKED
    run_make_pointers();
#endif

#ifdef __GLIBC__
    /* One heap for all threads: otherwise each of the few threads of a fetch maps 128 MiB and unmaps most of it, for a few bytes. */
    mallopt(M_ARENA_MAX, 1);
#endif

    sigprocmask(SIG_BLOCK, NULL, &blocked_at_start);
    sigemptyset(&ignored_at_start);
    for (size_t i = 0; i < COUNT(touched); i++) {
        struct sigaction action;
        if (sigaction(touched[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigaddset(&ignored_at_start, touched[i]);
    }

    /* Beyond the file size limit a write then fails, and the old copy is kept; the signal would leave half of a new one. */
    signal(SIGXFSZ, SIG_IGN);
}

char **run_argv(void)
{
    return argv_at_start;
}

char **run_environ(void)
{
    return environ;
}

/* Restores the disposition that the caller had set for a signal. */
static void restore_signal(int number)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = sigismember(&ignored_at_start, number) ? SIG_IGN : SIG_DFL;
    sigaction(number, &action, NULL);
}

/* Call it at the start of Main: if the reader of a pipe exits, SIGPIPE ends run as it ends cat, instead of an I/O error. */
void run_restore_sigpipe(void)
{
    restore_signal(SIGPIPE);
}

/*
 * Right before execve, from the same thread: the script inherits that thread's mask. If execve fails after all, the
 * program still prints the error. It needs none of the runtime's handlers for that, except the one for faults, and a fault in
 * managed code is a bug that may as well end the process.
 */
static void restore_signals(void)
{
    for (size_t i = 0; i < COUNT(touched); i++)
        restore_signal(touched[i]);
    pthread_sigmask(SIG_SETMASK, &blocked_at_start, NULL);
}

static void remove_temporaries(void)
{
    for (size_t i = 0; i < COUNT(temporaries); i++) {
        const char *path = temporaries[i];
        if (path != NULL)
            unlink(path);
    }
}

/* Ends the process at once, from any thread. */
__attribute__((noreturn)) void run_exit(int status)
{
    remove_temporaries();
    _exit(status);
}

void run_fail(int status, const char *message)
{
    if (write(STDERR_FILENO, message, strlen(message)) < 0) {
        /* There is nowhere else to report it. */
    }
    run_exit(status);
}

/*
 * execve with the signals as the caller had set them. No thread is being started meanwhile: see threads.h. Returns the error.
 */
int run_execve(const char *file, char **argv, char **environment)
{
    restore_signals();
    run_hold_threads();
    execve(file, argv, environment == NULL ? environ : environment);
    int error = errno;
    run_release_threads();
    return error;
}

/*
 * Starts a program in a process of its own, with the signals as the caller had set them, which posix_spawn(3) cannot do: it would hand on
 * what this process ignores, and ignore the two signals of the C library besides. Its end can be waited for. Returns the PID, or the error
 * as a negative number.
 */
int run_start(const char *file, char **argv, char **environment)
{
    sigset_t all, mask;
    volatile int error = 0;

    /* Else waitpid(2) fails. The new process has it as the caller set it. */
    signal(SIGCHLD, SIG_DFL);

    /* No handler runs in the new process: until execve it shares the memory of this one. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &mask);
    pid_t id = vfork();
    if (id == 0) {
        restore_signals();
        execve(file, argv, environment);
        error = errno;
        _exit(0);
    }
    if (id < 0)
        error = errno;
    else if (error != 0)
        waitpid(id, NULL, 0);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return error == 0 ? id : -error;
}

static void end_cleanly(int number)
{
    sigset_t raised;

    if (interrupts_wait && interrupt == 0) {
        int saved = errno;
        interrupt = number;
        if (child != 0)
            kill(child, SIGTERM);
        errno = saved;
        return;
    }

    remove_temporaries();
    if (line_is_shown && write(STDERR_FILENO, "\r\033[K", 4) != 4)
        line_is_shown = 0;

    /* The signal itself must end the process: a shell ends its own loop only if it sees that. PID 1 of a container survives its signals. */
    restore_signal(number);
    raise(number);
    sigemptyset(&raised);
    sigaddset(&raised, number);
    pthread_sigmask(SIG_UNBLOCK, &raised, NULL);
    _exit(128 + number);
}

/* Whether there is a line of progress on the terminal, which end_cleanly is to erase. */
void run_line_is_shown(int shown)
{
    line_is_shown = shown;
}

/*
 * From now on SIGINT, SIGTERM and SIGHUP end the process as usual, but first the files of run_remove_on_interrupt are removed,
 * and a line of progress is erased. What the caller had ignored stays ignored.
 */
void run_handle_interrupts(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    static int installed;

    if (installed)
        return;
    installed = 1;
    for (size_t i = 0; i < COUNT(ends); i++) {
        struct sigaction action;
        if (sigismember(&ignored_at_start, ends[i]))
            continue;
        memset(&action, 0, sizeof action);
        action.sa_handler = end_cleanly;
        sigfillset(&action.sa_mask);
        sigaction(ends[i], &action, NULL);
    }
}

/*
 * While a child process works in a directory of its own: an interrupt ends the child, and this process as soon as it has removed that
 * directory and calls run_defer_interrupts(0). A second interrupt does not wait.
 */
void run_defer_interrupts(int wait)
{
    run_handle_interrupts();
    interrupts_wait = wait;
    if (!wait && interrupt != 0)
        end_cleanly(interrupt);
}

/* The child to end at an interrupt; a negative number is a process group, 0 is none. */
void run_end_at_interrupt(int id)
{
    child = id;
    if (id != 0 && interrupt != 0)
        kill(id, SIGTERM);
}

/* The signal that waits for run_defer_interrupts(0); 0 for none. */
int run_interrupt(void)
{
    return interrupt;
}

/* The file to remove at an interrupt, one for each slot; NULL for none. The string must stay valid until the slot is set again. */
void run_remove_on_interrupt(int slot, const char *path)
{
    temporaries[slot] = path;
}
