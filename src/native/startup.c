/*
 * What has to happen before the .NET runtime starts, and what has to be undone after it: the only C of this program,
 * kept to what only it can do.
 *
 * The runtime ignores SIGPIPE and takes some signals for itself before Main, so by then nobody can tell what the
 * caller had set; and file descriptors that the runtime opens would land on a standard stream that the caller had closed.
 */
#ifndef RUN_ENTRY
#include "executor.h"
#include <sys/auxv.h>
#endif

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

/* sigset(7): one bit per signal that was ignored when the process began; the runtime may have changed that since. */
static sigset_t ignored_at_start;

/* The signals that were blocked then: the runtime takes the one with which it suspends threads out of that. */
static sigset_t blocked_at_start;

/* One bit per standard stream that was closed when the process began. */
static int closed_at_start;

static char **argv_at_start;

/* The file to remove when a signal ends the process in the middle of a fetch. */
static const char *volatile temporary;

/*
 * execve(2) resets caught signals to the default and leaves ignored ones ignored, so "ignored or not" is all
 * that a process can inherit. The signals are those that the runtime or this file ever handles.
 */
static const int touched[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGPIPE, SIGTERM,
    SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGXFSZ,
    34, /* the first of the real-time signals that the C library leaves: the runtime suspends threads with it */
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

__attribute__((constructor)) static void before(int argc, char **argv, char **envp)
{
#ifdef __GLIBC__
    (void)argc;
    (void)envp;
    argv_at_start = argv;
#else
    /* Other C libraries pass a constructor nothing, but the kernel puts argc, argv and environ side by side. */
    (void)argc;
    (void)argv;
    (void)envp;
    char **p = environ - 1;
    for (unsigned long n = 0; (unsigned long)p[-1] != n; n++)
        p--;
    argv_at_start = p;
#endif

#ifndef RUN_ENTRY
    /* Else entry.c has done it. With rights that its caller has not, the program trusts nothing that lies about. */
    if (!getauxval(AT_SECURE))
        run_as_planned(argv_at_start, environ, geteuid());
#endif

    /*
     * A closed standard stream is filled with a descriptor that can be neither read nor written and that execve closes:
     * nothing that is opened later can be mistaken for the stream, and the script finds it closed, as its caller left it.
     */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/", O_PATH | O_CLOEXEC) == fd)
            closed_at_start |= 1 << fd;

    make_room_for_the_lock();

#ifdef __GLIBC__
    /* One heap for all threads: else each of the few that a fetch starts maps 128 MiB, and unmaps most of it, to allocate a few bytes. */
    mallopt(M_ARENA_MAX, 1);
#endif

    sigprocmask(SIG_BLOCK, NULL, &blocked_at_start);
    sigemptyset(&ignored_at_start);
    for (size_t i = 0; i < COUNT(touched); i++) {
        struct sigaction action;
        if (sigaction(touched[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigaddset(&ignored_at_start, touched[i]);
    }

    /* Beyond the file size limit a write fails, and the copy that is there stays; the signal would leave the half of a new one. */
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

/* Gives a signal back the disposition that the caller had set. */
static void give_back(int number)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = sigismember(&ignored_at_start, number) ? SIG_IGN : SIG_DFL;
    sigaction(number, &action, NULL);
}

/* To be called as the program begins: a reader that goes away ends run as it ends cat, and is not an I/O error. */
void run_restore_sigpipe(void)
{
    give_back(SIGPIPE);
}

/* To be called right before execve, from the thread that calls it: it is that thread's mask which stays. */
void run_restore_signals(void)
{
    for (size_t i = 0; i < COUNT(touched); i++)
        give_back(touched[i]);
    pthread_sigmask(SIG_SETMASK, &blocked_at_start, NULL);
}

/*
 * Where execve failed after all, the runtime goes on for a moment, to print the error. It needs none of its handlers
 * for that but the one for faults, and an access violation in managed code is a bug that may as well end the process.
 */

static void end_cleanly(int number)
{
    const char *path = temporary;
    if (path != NULL)
        unlink(path);
    if (number == SIGINT)
        _exit(130);
    give_back(number);
    raise(number);
}

/*
 * From here on SIGINT exits 130, SIGTERM and SIGHUP end the process as ever, and each removes the file at `path`
 * first (NULL: none). What the caller had ignored stays ignored. The string must stay where it is until the next call.
 */
void run_on_interrupt_remove(const char *path)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    static int installed;

    temporary = path;
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
