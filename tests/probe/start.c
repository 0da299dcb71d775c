/*
 * Starts a program from a known state: start ORDERS. ORDERS is a file of NUL-terminated words, see main().
 * The program does not inherit what the test runner ignores, blocks or has open; arguments and variables are bytes;
 * and the program is killed when the test runner ends. This process becomes the program, except on a terminal, where it relays.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *format, ...)
{
    va_list rest;
    int error = errno;
    va_start(rest, format);
    fprintf(stderr, "start: ");
    vfprintf(stderr, format, rest);
    fprintf(stderr, ": %s\n", strerror(error));
    exit(99);
}

static void signal_to(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    /* The C library reserves 32 and 33, for every other caller as well. */
    sigaction(number, &action, NULL);
}

static void limit(const char *name, const char *value)
{
    static const struct { const char *name; int resource; } names[] = {
        {"nofile", RLIMIT_NOFILE}, {"fsize", RLIMIT_FSIZE}, {"core", RLIMIT_CORE}, {"stack", RLIMIT_STACK},
        {"as", RLIMIT_AS}, {"cpu", RLIMIT_CPU}, {"nproc", RLIMIT_NPROC}, {"memlock", RLIMIT_MEMLOCK}, {"data", RLIMIT_DATA},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, name) == 0) {
            struct rlimit both = {strtoul(value, NULL, 10), strtoul(value, NULL, 10)};
            if (setrlimit(names[i].resource, &both) != 0)
                die("limit %s=%s", name, value);
            return;
        }
    errno = EINVAL;
    die("limit %s", name);
}

/* Relays between the terminal of the program and our own streams until the program ends. */
static int relay(int terminal, pid_t child)
{
    struct pollfd both[2] = {{terminal, POLLIN, 0}, {0, POLLIN, 0}};
    char buffer[4096];
    for (;;) {
        if (poll(both, 2, -1) < 0)
            continue;
        if (both[0].revents) {
            ssize_t n = read(terminal, buffer, sizeof buffer);
            if (n <= 0)
                break; /* EIO: no process has the other side open any more */
            if (write(1, buffer, n) != n)
                break;
        }
        if (both[1].revents) {
            ssize_t n = read(0, buffer, sizeof buffer);
            if (n <= 0)
                both[1].fd = -1;
            else if (write(terminal, buffer, n) != n)
                break;
        }
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    char *arguments[4096], *variables[4096];
    size_t argument_count = 0, variable_count = 0;
    int closed[64], closed_count = 0, on_terminal = 0;
    const char *program = NULL, *user = NULL, *directory = NULL;
    sigset_t blocked;

    if (argc != 2)
        return 99;
    FILE *orders = fopen(argv[1], "re");
    if (orders == NULL)
        die("%s", argv[1]);

    sigemptyset(&blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    for (int number = 1; number <= 64; number++)
        signal_to(number, SIG_DFL);
    close_range(3, fileno(orders) - 1, 0);
    close_range(fileno(orders) + 1, ~0U, 0);
    umask(022);

    char *word[3] = {NULL, NULL, NULL};
    size_t room[3] = {0, 0, 0};
    pid_t self = getpid();
    while (getdelim(&word[0], &room[0], 0, orders) > 0 && getdelim(&word[1], &room[1], 0, orders) > 0) {
        const char *what = word[0], *value = word[1];
        int number = atoi(value);
        if (strcmp(what, "program") == 0) program = strdup(value);
        else if (strcmp(what, "argument") == 0) arguments[argument_count++] = strdup(value);
        else if (strcmp(what, "variable") == 0) variables[variable_count++] = strdup(value);
        else if (strcmp(what, "directory") == 0) directory = strdup(value);
        else if (strcmp(what, "user") == 0) user = strdup(value);
        else if (strcmp(what, "terminal") == 0) on_terminal = 1;
        else if (strcmp(what, "close") == 0) closed[closed_count++] = number;
        else if (strcmp(what, "umask") == 0) umask(strtol(value, NULL, 8));
        else if (strcmp(what, "ignore") == 0) signal_to(number, SIG_IGN);
        else if (strcmp(what, "block") == 0) { sigaddset(&blocked, number); sigprocmask(SIG_BLOCK, &blocked, NULL); }
        else if (strcmp(what, "pend") == 0) kill(self, number);
        else if (strcmp(what, "nice") == 0) setpriority(PRIO_PROCESS, 0, number);
        else if (strcmp(what, "slack") == 0) prctl(PR_SET_TIMERSLACK, strtoul(value, NULL, 10));
        else if (strcmp(what, "alarm") == 0) alarm(number);
        else if (strcmp(what, "nonewprivs") == 0) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        else if (strcmp(what, "open") == 0) {
            /* Left open for the program, as by `exec 7<file`, and read from, because the offset is inherited too. */
            char skipped[3];
            int fd = open(value, O_RDWR | O_APPEND | O_CLOEXEC);
            if (fd < 0 || read(fd, skipped, sizeof skipped) < 0 || dup2(fd, 7) != 7)
                die("%s", value);
            close(fd);
        }
        else if (strcmp(what, "limit") == 0) {
            if (getdelim(&word[2], &room[2], 0, orders) <= 0)
                return 99;
            limit(value, word[2]);
        }
        else { errno = EINVAL; die("order %s", what); }
    }
    fclose(orders);
    arguments[argument_count] = NULL;
    variables[variable_count] = NULL;
    environ = variables;

    if (user != NULL) {
        gid_t group = atoi(user);
        if (setgroups(1, &group) != 0 || setgid(group) != 0 || setuid(atoi(user)) != 0)
            die("user %s", user);
    }
    if (directory != NULL && chdir(directory) != 0)
        die("%s", directory);

    setpgid(0, 0);
    if (on_terminal) {
        int terminal;
        struct winsize size = {24, 80, 0, 0};
        pid_t child = forkpty(&terminal, NULL, NULL, &size);
        if (child < 0)
            die("forkpty");
        if (child > 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            return relay(terminal, child);
        }
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < closed_count; i++)
        close(closed[i]);
    execvp(program, arguments);
    die("%s", program);
}
