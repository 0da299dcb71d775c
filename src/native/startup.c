/*
 * What must happen before the .NET runtime starts, and what must be undone before execve.
 *
 * The runtime ignores SIGPIPE and handles some signals before Main, so by then the caller's dispositions are lost. And a file that
 * the runtime opens would get the descriptor of a standard stream that the caller had closed.
 */
#include "executor.h"
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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

    /*
     * Fill a closed standard stream with a descriptor that can be neither read nor written and that execve closes. So no file
     * that is opened later gets its number, and the script finds the stream closed, as the caller left it.
     */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/", O_PATH | O_CLOEXEC) == fd)
            closed_at_start |= 1 << fd;

    run_as_planned(argv_at_start);

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
 * Call it right before execve, from the same thread: the script inherits that thread's mask. If execve fails after all, the
 * program still prints the error. It needs none of the runtime's handlers for that, except the one for faults, and a fault in
 * managed code is a bug that may as well end the process.
 */
void run_restore_signals(void)
{
    for (size_t i = 0; i < COUNT(touched); i++)
        restore_signal(touched[i]);
    pthread_sigmask(SIG_SETMASK, &blocked_at_start, NULL);
}

static void end_cleanly(int number)
{
    sigset_t raised;

    for (size_t i = 0; i < COUNT(temporaries); i++) {
        const char *path = temporaries[i];
        if (path != NULL)
            unlink(path);
    }
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

/* The file to remove at an interrupt, one for each slot; NULL for none. The string must stay valid until the slot is set again. */
void run_remove_on_interrupt(int slot, const char *path)
{
    temporaries[slot] = path;
}
