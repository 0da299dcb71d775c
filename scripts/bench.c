/*
 * Measures commands side by side: bench ROUNDS NAME COMMAND... -- NAME COMMAND... -- …
 * Each round starts every command once, so that whatever else the machine does meets all of them alike. Prints for each, separated by
 * tabs, its name and the medians of wall time and of user and system time in microseconds, of peak memory in KiB and of page faults.
 * A word with {} in it gets the number of the round in place of that: another URL each time. COMMAND may begin with WITHOUT=FILE, a file
 * that is removed before each start, outside of what is measured, and then with NAME=VALUE, as in a shell. What the commands print is lost.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { WALL, CPU, MEMORY, FAULTS, MEASURES, WARM_UP = 5, MOST = 64 };

struct command {
    char *name, *without;
    char **assignments, **arguments;
    double *samples[MEASURES];
};

static double microseconds(struct timeval t)
{
    return t.tv_sec * 1e6 + t.tv_usec;
}

/* The words of a command for this round; only those that differ from round to round are new, and they live until the next call. */
static char **words(struct command *command, int round)
{
    static char *list[MOST], text[MOST][1024];
    int i;

    for (i = 0; i < MOST - 1 && command->arguments[i] != NULL; i++) {
        const char *number = strstr(command->arguments[i], "{}");
        list[i] = command->arguments[i];
        if (number != NULL) {
            snprintf(text[i], sizeof text[i], "%.*s%d%s", (int)(number - list[i]), list[i], round + WARM_UP, number + 2);
            list[i] = text[i];
        }
    }
    list[i] = NULL;
    return list;
}

static int is_assignment(const char *word)
{
    return word != NULL && *word >= 'A' && *word <= 'Z' && strchr(word, '=') != NULL;
}

/* This environment, with what the command sets in it. */
static char **environment(struct command *command)
{
    static char *list[4 * MOST];
    int count = 0;

    for (char **word = command->assignments; word < command->arguments; word++)
        list[count++] = *word;
    for (char **variable = environ; *variable != NULL && count < 4 * MOST - 1; variable++) {
        char **word = command->assignments;
        while (word < command->arguments && strncmp(*word, *variable, strchr(*word, '=') - *word + 1) != 0)
            word++;
        if (word == command->arguments)
            list[count++] = *variable;
    }
    list[count] = NULL;
    return list;
}

static void run(struct command *command, int round)
{
    struct timespec start, end;
    struct rusage usage;
    posix_spawn_file_actions_t silent;
    pid_t pid;
    int status;

    if (command->without != NULL)
        unlink(command->without);
    posix_spawn_file_actions_init(&silent);
    posix_spawn_file_actions_addopen(&silent, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&silent, 2, "/dev/null", O_WRONLY, 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (posix_spawnp(&pid, command->arguments[0], &silent, NULL, words(command, round), environment(command)) != 0
        || wait4(pid, &status, 0, &usage) != pid) {
        fprintf(stderr, "bench: %s cannot be started\n", command->name);
        exit(1);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    posix_spawn_file_actions_destroy(&silent);
    if (status != 0) {
        fprintf(stderr, "bench: %s failed (%d)\n", command->name, status);
        exit(1);
    }
    if (round < 0)
        return;
    command->samples[WALL][round] = (end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3;
    command->samples[CPU][round] = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    command->samples[MEMORY][round] = usage.ru_maxrss;
    command->samples[FAULTS][round] = usage.ru_minflt + usage.ru_majflt;
}

static int ascending(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv)
{
    struct command commands[MOST];
    int count = 0, rounds = argc > 1 ? atoi(argv[1]) : 0;

    for (int i = 2; i < argc - 1 && count < MOST; count++) {
        commands[count].name = argv[i++];
        commands[count].without = strncmp(argv[i], "WITHOUT=", 8) == 0 ? argv[i++] + 8 : NULL;
        commands[count].assignments = &argv[i];
        while (is_assignment(argv[i]))
            i++;
        commands[count].arguments = &argv[i];
        while (i < argc && strcmp(argv[i], "--") != 0)
            i++;
        argv[i++] = NULL;
        for (int m = 0; m < MEASURES; m++)
            commands[count].samples[m] = calloc(rounds, sizeof(double));
    }
    if (rounds < 1 || count == 0)
        return 2;

    for (int round = -WARM_UP; round < rounds; round++)
        for (int i = 0; i < count; i++) /* a different one first in each round */
            run(&commands[(i + round + WARM_UP) % count], round);

    for (int i = 0; i < count; i++) {
        printf("%s", commands[i].name);
        for (int m = 0; m < MEASURES; m++) {
            qsort(commands[i].samples[m], rounds, sizeof(double), ascending);
            printf("\t%.0f", commands[i].samples[m][rounds / 2]);
        }
        printf("\n");
    }
    return 0;
}
