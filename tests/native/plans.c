/*
 * The executor (src/native/executor.c) against plans that are broken, or forged: whatever is in the file, it becomes the script that
 * was planned, or nothing.
 *
 *     plans COUNT SECONDS DECOY WORDS...
 *
 * scripts/fuzz builds it with AddressSanitizer and UndefinedBehaviorSanitizer, lets the real run plan each of WORDS (options and SCRIPT,
 * with a blank between them), and starts it with the same environment and in the same directory. It begins with the cases that have a name,
 * and goes on to COUNT mutations of those plans, the same ones each time, or as many as there is time for. Nothing is executed: execve is
 * replaced, and notes what would have been.
 */
#include "check.h"
#include "../../src/native/sys.h"

static int note_execve(const char *path, char *const *argv, char *const *environment);
static void note_exit(int status);

#define sys_execve note_execve
#define sys_exit note_exit
#define RUN_BUILD "the one that is tested"
#include "../../src/native/executor.c"
#include "../../src/native/plan_key.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

enum { MOST_SCRIPTS = 32, MOST_WORDS = 16, MOST_BYTES = 2 * RUN_PLAN_MOST_BYTES, HEADER = 3 * 8 };

/* A plan that holds, for one command line. */
struct seed {
    char *argv[MOST_WORDS], *name; /* name: SCRIPT */
    size_t words;                  /* up to SCRIPT */
    unsigned char bytes[RUN_PLAN_MOST_BYTES];
    size_t length, head, last_step; /* how long the head is, with the key, and where the step with the script begins */
    char path[sizeof((struct run_plan *)0)->path], becomes[PATH_MAX], interpreter[PATH_MAX];
    struct stat script;
    int cached;
};

static struct seed seeds[MOST_SCRIPTS];
static size_t seed_count;
static struct stamp decoy;
static const char *decoy_path;
static char out_of_the_cache[2 * PATH_MAX];

/* What was executed since forget(). */
static struct {
    int count, as_called, exits;
    char path[PATH_MAX], interpreter[PATH_MAX];
} executed;

static char **called_with;
static size_t called_words;

static int note_execve(const char *path, char *const *argv, char *const *environment)
{
    /* What is started by an interpreter has its words before it, in a vector of their own. */
    size_t before = 0;
    if (argv != called_with + called_words)
        while (argv[before + 1] != NULL && argv[before + 1] != called_with[called_words + 1])
            before++;
    executed.count++;
    executed.as_called = argv[0] == path && environment == environ && fcntl(RUN_LEAST_DESCRIPTOR, F_GETFD) == 0 && before <= 2
        && argv[before + 1] == called_with[called_words + 1] && argv[before + 2] == NULL;
    snprintf(executed.path, sizeof executed.path, "%s", argv[before]);
    snprintf(executed.interpreter, sizeof executed.interpreter, "%s%s%s", before > 0 ? path : "", before > 1 ? " " : "",
        before > 1 ? argv[1] : "");
    return -EACCES;
}

static void note_exit(int status)
{
    CHECK(status == 0, "a refusal in silence is a success: %d", status);
    executed.exits++;
}

static void call(struct seed *seed)
{
    executed.count = executed.exits = 0;
    executed.interpreter[0] = '\0';
    called_with = seed->argv;
    called_words = seed->words;
    run_as_planned(seed->argv, environ, geteuid());
    CHECK(seed->argv[seed->words] == seed->name, "argv is as it was");
    CHECK(executed.count + executed.exits <= 1, "it goes on after its end");
    CHECK(fcntl(RUN_LEAST_DESCRIPTOR, F_GETFD) == -1, "no descriptor stays open");
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0 && write(file, bytes, length) == (ssize_t)length && close(file) == 0, "%s: %s", path, strerror(errno));
}

static void seal(unsigned char *bytes, size_t length)
{
    uint64_t value = run_plan_seal(bytes, length);
    memcpy(bytes, &value, sizeof value);
}

/* Finds what the real run has planned, gives it the seal of this build, and sees that the executor becomes the script. */
static void read_seed(struct seed *seed, char *words)
{
    struct run_plan plan;
    char directory[PATH_MAX];

    *seed = (struct seed){.argv = {"run"}};
    for (char *word = strtok(words, " "); word != NULL && seed->words < MOST_WORDS - 3; word = strtok(NULL, " "))
        seed->argv[++seed->words] = word;
    char *script = seed->name = seed->argv[seed->words];
    seed->argv[seed->words + 1] = "an argument";
    CHECK(find_directory(directory, sizeof directory), "%s", script);
    CHECK(run_find_plan(seed->argv + 1, seed->words, script[0] == '/' ? "" : directory, environ, &plan), "%s", script);
    if (script[0] == '/' && access(plan.path, F_OK) != 0)
        CHECK(run_find_plan(seed->argv + 1, seed->words, directory, environ, &plan), "%s", script);
    strcpy(seed->path, plan.path);
    seed->length = read_plan(seed->path, seed->bytes, geteuid());
    CHECK(seed->length > 0, "%s: there is no plan in %s", script, seed->path);
    seed->head = HEADER + plan.key_length;

    call(seed);
    CHECK(executed.count == 0, "%s: a plan of another build counts", script);
    seal(seed->bytes, seed->length);
    write_file(seed->path, seed->bytes, seed->length);
    call(seed);
    CHECK(executed.count == 1 && executed.as_called, "%s: is not executed", script);
    CHECK(strcmp(executed.path, decoy_path) != 0, "%s", decoy_path);
    strcpy(seed->becomes, executed.path);
    strcpy(seed->interpreter, executed.interpreter);
    CHECK(stat(seed->becomes, &seed->script) == 0, "%s", seed->becomes);

    char real[PATH_MAX];
    CHECK(realpath(seed->becomes, real) != NULL, "%s", seed->becomes);
    seed->cached = strncmp(real, plan.path, plan.cache_length) == 0;
    int from_directory = !seed->cached && !is_local(script);
    CHECK(seed->cached || from_directory || strcmp(executed.path, script) == 0, "%s", executed.path);
    const char *name = strrchr(script, '/') ?: strrchr(script, ':') ?: script, *file = strrchr(executed.path, '/') + 1;
    int is_another = seed->cached && (is_local(script) || strchr(script, ':') != NULL);
    CHECK(is_another || strcmp(file, name + (*name == '/' || *name == ':')) == 0, "%s", executed.path);
    seed->last_step = seed->length - (1 + sizeof(struct stamp) + strlen(real) + 1) - (from_directory ? strlen(seed->becomes) + 1 : 0)
        - (seed->interpreter[0] == '\0' ? 0 : 1 + strlen(seed->interpreter) + 1 + (strchr(seed->interpreter, ' ') == NULL));
    CHECK(seed->bytes[seed->last_step]
            == (seed->cached ? RUN_STEP_CACHED_SCRIPT : from_directory ? RUN_STEP_DIRECTORY_SCRIPT : RUN_STEP_LOCAL_SCRIPT),
        "%s: the script is not the last step of its plan", script);
}

static void starts_nothing(struct seed *seed, const char *how)
{
    call(seed);
    CHECK(executed.count == 0, "%s: %s", seed->name, how);
}

static int find(char *script, const char *directory, struct run_plan *plan)
{
    return run_find_plan(&script, 1, directory, environ, plan);
}

/* Where a plan can be, and for what. */
static void check_names(void)
{
    static const struct {
        const char *run_cache, *xdg, *home, *path;
    } cases[] = {
        {NULL, NULL, "/h", "/h/.cache/run/plans/"},
        {NULL, NULL, "/h///", "/h/.cache/run/plans/"},
        {NULL, "/x/", "/h", "/x/run/plans/"},
        {NULL, "", "/h", "/h/.cache/run/plans/"},
        {NULL, "x", "/h", "/h/.cache/run/plans/"},
        {"/c", "/x", "/h", "/c/plans/"},
        {"", "/x", "/h", "/x/run/plans/"},
        {"c", "/x", "/h", NULL},
        {NULL, NULL, "h", NULL},
        {NULL, NULL, "", NULL},
        {NULL, NULL, NULL, NULL},
        {"/", NULL, "/h", NULL},
    };
    static const char *const variables[] = {"RUN_CACHE", "XDG_CACHE_HOME", "HOME"};
    static char longest[PATH_MAX + 64], script[RUN_PLAN_MOST_BYTES + 1];
    const char *saved[3];
    struct run_plan plan, other;

    for (int i = 0; i < 3; i++)
        if ((saved[i] = getenv(variables[i])) != NULL)
            saved[i] = strdup(saved[i]);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *values[] = {cases[i].run_cache, cases[i].xdg, cases[i].home};
        for (int v = 0; v < 3; v++)
            values[v] == NULL ? unsetenv(variables[v]) : setenv(variables[v], values[v], 1);
        int found = find("x", "", &plan);
        CHECK(found == (cases[i].path != NULL), "case %zu", i);
        CHECK(!found || strncmp(plan.path, cases[i].path, strlen(cases[i].path)) == 0, "case %zu: %s", i, plan.path);
        CHECK(!found || strlen(plan.path) == strlen(cases[i].path) + 4, "case %zu: %s", i, plan.path);
    }

    /* Each length around the longest path that there is. */
    unsetenv("RUN_CACHE");
    unsetenv("HOME");
    for (size_t length = PATH_MAX - 32; length < PATH_MAX + 32; length++) {
        memset(longest, 'x', length);
        longest[0] = '/';
        longest[length] = '\0';
        setenv("XDG_CACHE_HOME", longest, 1);
        CHECK(find("x", "", &plan) == (length + strlen("/run") < PATH_MAX), "%zu", length);
    }

    /* Where one text ends and the next begins counts. */
    setenv("HOME", "/h", 1);
    unsetenv("XDG_CACHE_HOME");
    CHECK(find("ab", "c", &plan) && find("a", "bc", &other), "two keys");
    CHECK(plan.key_length == other.key_length && memcmp(plan.key, other.key, plan.key_length) != 0, "they are the same");
    memset(script, 'x', sizeof script - 1);
    CHECK(!find(script, "", &plan), "a key without end");

    /* Names that differ in a few characters share a plan as rarely as any others: one in 65,536. */
    int shared = 0;
    for (int port = 20000; port < 60000; port++) {
        snprintf(script, sizeof script, "http://127.0.0.1:%d/10.tgz//bin/x", port);
        CHECK(find(script, "", &plan), "%s", script);
        snprintf(script, sizeof script, "http://127.0.0.1:%d/1000.tgz//bin/x", port);
        CHECK(find(script, "", &other), "%s", script);
        shared += strcmp(plan.path, other.path) == 0;
    }
    CHECK(shared < 5, "%d of 40,000 pairs", shared);

    /* Nor is one key the beginning of another, and there are only so many words in one. */
    char *words[RUN_PLAN_MOST_WORDS + 1];
    for (size_t i = 0; i <= RUN_PLAN_MOST_WORDS; i++)
        words[i] = "w";
    CHECK(run_find_plan(words, 2, "/d", environ, &plan) && run_find_plan(words, 3, "/d", environ, &other), "two keys");
    CHECK(memcmp(plan.key, other.key, plan.key_length) != 0, "one is the beginning of the other");
    CHECK(run_find_plan(words, RUN_PLAN_MOST_WORDS, "", environ, &plan), "many words");
    CHECK(!run_find_plan(words, RUN_PLAN_MOST_WORDS + 1, "", environ, &plan), "too many words");
    CHECK(!run_find_plan(words, 0, "", environ, &plan), "no words");

    for (int i = 0; i < 3; i++)
        saved[i] == NULL ? unsetenv(variables[i]) : setenv(variables[i], saved[i], 1);
}

/* A variable that decided counts: that it was not set too, and empty is not unset. */
static void check_variables(struct seed *seed)
{
    static const char *const unset[] = {"RUN_CONFIG", "RUN_PINNED", "RUN_OFFLINE", "XDG_STATE_HOME"};

    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++) {
        CHECK(getenv(unset[i]) == NULL, "%s", unset[i]);
        setenv(unset[i], "", 1);
        starts_nothing(seed, unset[i]);
        unsetenv(unset[i]);
        call(seed);
        CHECK(executed.count == 1, "without %s it holds", unset[i]);
    }
}

/* Any byte that is another has another seal. */
static void check_seal(const struct seed *seed)
{
    unsigned char bytes[RUN_PLAN_MOST_BYTES];
    uint64_t value = run_plan_seal(seed->bytes, seed->length);

    memcpy(bytes, seed->bytes, seed->length);
    for (size_t i = sizeof value; i < seed->length; i++) {
        bytes[i] ^= 1;
        CHECK(run_plan_seal(bytes, seed->length) != value, "byte %zu", i);
        bytes[i] ^= 1;
    }
}

/* A directory whose path is longer than any path may be. */
static void check_depth(struct seed *seed)
{
    static char name[201];
    char directory[PATH_MAX], command[PATH_MAX + 16];

    memset(name, 'd', sizeof name - 1);
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int depth = 0; depth < PATH_MAX / 200 + 2; depth++) {
        CHECK(mkdir(name, 0700) == 0 && chdir(name) == 0, "%d deep: %s", depth, strerror(errno));
        (void)find_directory(directory, sizeof directory);
    }
    CHECK(!find_directory(directory, sizeof directory), "a directory that has no path");
    if (!is_local(seed->name))
        starts_nothing(seed, "called from a directory that has no path");
    CHECK(fchdir(here) == 0 && close(here) == 0, "back");
    snprintf(command, sizeof command, "rm -rf %s", name);
    CHECK(system(command) == 0, "%s", command);
}

/* A plan that holds, in a file that a plan cannot be. */
static void check_file(struct seed *seed)
{
    static unsigned char large[RUN_PLAN_MOST_BYTES + 1];
    char aside[sizeof seed->path + 8];
    snprintf(aside, sizeof aside, "%s.aside", seed->path);

    for (mode_t bit = 01; bit < 0100; bit <<= 1) {
        chmod(seed->path, 0600 | bit);
        starts_nothing(seed, "permissions for others");
    }
    chmod(seed->path, 0600);
    if (geteuid() == 0) {
        CHECK(chown(seed->path, 65534, (gid_t)-1) == 0, "chown");
        starts_nothing(seed, "somebody else's");
        CHECK(chown(seed->path, 0, (gid_t)-1) == 0, "chown");
    }
    rename(seed->path, aside);
    starts_nothing(seed, "not there");
    CHECK(symlink(aside, seed->path) == 0, "symlink");
    starts_nothing(seed, "a link");
    unlink(seed->path);
    CHECK(mkfifo(seed->path, 0600) == 0, "mkfifo");
    starts_nothing(seed, "a pipe");
    unlink(seed->path);
    CHECK(mkdir(seed->path, 0700) == 0, "mkdir");
    starts_nothing(seed, "a directory");
    rmdir(seed->path);
    rename(aside, seed->path);
    call(seed);
    CHECK(executed.count == 1, "and as it was it holds");

    /* Whatever its length is, and the shorter ones are sealed. */
    unsigned char *bytes = malloc(RUN_PLAN_MOST_BYTES);
    for (size_t length = 0; length < seed->length; length++) {
        memcpy(bytes, seed->bytes, length);
        if (length >= sizeof(uint64_t))
            seal(bytes, length);
        write_file(seed->path, bytes, length);
        call(seed);
        CHECK(executed.count == 0 || length > seed->head, "cut to %zu", length);
        CHECK(executed.count == 0 || strcmp(executed.path, seed->becomes) == 0, "cut to %zu: %s", length, executed.path);
    }
    free(bytes);
    memcpy(large, seed->bytes, seed->length);
    for (size_t length = sizeof large - 1; length <= sizeof large; length++) {
        seal(large, length);
        write_file(seed->path, large, length);
        starts_nothing(seed, "with more behind it");
    }

    /* What holds for another script. */
    for (size_t i = 0; i < seed_count; i++)
        if (&seeds[i] != seed) {
            write_file(seed->path, seeds[i].bytes, seeds[i].length);
            starts_nothing(seed, seeds[i].name);
        }
    write_file(seed->path, seed->bytes, seed->length);
}

/* Where the lock of the plan stands in it: behind the head, and two bytes. */
static char *lock_of(struct seed *seed)
{
    return (char *)seed->bytes + seed->head + 2;
}

/* Whether the plan that holds ends the run in silence while the lock is held: only -q -E 0 does, and only without --wait. */
static void check_held(struct seed *seed)
{
    int ready[2], end[2], silent = seed->bytes[seed->head + 1] == RUN_HELD_IS_SUCCESS, asked = 0;
    char byte = 0;

    for (char **word = seed->argv; *word != seed->name; word++)
        asked |= strcmp(*word, "-qlE0") == 0;
    asked |= strstr(seed->name, "silent") != NULL;
    CHECK(silent == asked, "%s: %d", seed->name, silent);
    CHECK(pipe2(ready, O_CLOEXEC) == 0 && pipe2(end, O_CLOEXEC) == 0, "pipe2");
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = RUN_LOCK_BYTE, .l_len = 1};
        int file = open(lock_of(seed), O_RDWR | O_CLOEXEC);
        close(end[1]);
        CHECK(fcntl(file, F_SETLK, &lock) == 0 && write(ready[1], &byte, 1) == 1 && read(end[0], &byte, 1) == 0, "the holder");
        _exit(0);
    }
    CHECK(child > 0 && read(ready[0], &byte, 1) == 1, "the holder");
    call(seed);
    CHECK(executed.count == 0 && executed.exits == silent, "%s: held", seed->name);
    setenv("RUN_CONFIG", "", 1);
    call(seed);
    CHECK(!seed->cached || (executed.count == 0 && executed.exits == 0), "%s: held, and something else has changed", seed->name);
    unsetenv("RUN_CONFIG");
    close(end[0]), close(end[1]), close(ready[0]), close(ready[1]);
    waitpid(child, NULL, 0);
    call(seed);
    CHECK(executed.count == 1 && executed.exits == 0, "%s: free again", seed->name);
}

/* A plan may make the executor write into a lock's file, and into nothing else. */
static void check_record(struct seed *seed)
{
    static unsigned char plan[MOST_BYTES];
    static const char content[] = "a secret of this user's", bare[] = "another name\0" "0123456789abcdef0123456789abcdef";
    char path[sizeof seed->path + 8], found[sizeof bare + 64];
    const char *lock = lock_of(seed), *record = lock + strlen(lock) + 1;
    size_t behind = (size_t)((const char *)seed->bytes + seed->length - record), at = seed->head + 2;

    snprintf(path, sizeof path, "%s.other", seed->path);
    memcpy(plan, seed->bytes, at);
    memcpy(plan + at, path, strlen(path) + 1);
    at += strlen(path) + 1;
    memcpy(plan + at, record, behind);
    seal(plan, at + behind);
    write_file(seed->path, plan, at + behind);

    write_file(path, content, sizeof content);
    starts_nothing(seed, "a lock that is none");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(pread(file, found, sizeof found, 0) == sizeof content && memcmp(found, content, sizeof content) == 0, "%s is as it was", path);
    write_file(path, bare, sizeof bare);
    call(seed);
    CHECK(executed.count == 1, "a lock that another name has signed");
    CHECK(pread(file, found, sizeof found, 0) > 0 && memcmp(found, record, strlen(record) + 1) == 0, "now this one has");
    close(file);
    unlink(path);
    write_file(seed->path, seed->bytes, seed->length);
}

/* xorshift*, and always the same. */
static uint64_t state = 88172645463325252;

static size_t below(size_t limit)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return limit == 0 ? 0 : (size_t)((state * 0x2545f4914f6cdd1d >> 32) % limit);
}

/* One change to the `length` bytes at `plan`, none of it before `from`. The new length. */
static size_t mutate(unsigned char *plan, size_t length, size_t from)
{
    static const unsigned char telling[] = {0, 1, 2, 0x7f, 0x80, 0xff, '/', '.', 'a', 's', 'd', 'D', 'n', 'u', 'v', 'x', 'c', 'f', 'l',
        'o', 't', 'i', 'b', 'T', ' ', '\n'};
    const struct seed *other = &seeds[below(seed_count)];
    size_t at = from + below(length - from), count = 1 + below(below(4) == 0 ? length - at : 8);
    if (count > length - at)
        count = length - at;

    switch (below(8)) {
    case 0: /* cut */
        return at;

    case 1: /* flip */
        for (size_t n = 1 + below(4); n > 0; n--)
            plan[from + below(length - from)] ^= (unsigned char)(1 << below(8));
        return length;

    case 2:
        plan[at] = telling[below(sizeof telling)];
        return length;

    case 3: /* leave out */
        memmove(plan + at, plan + at + count, length - at - count);
        return length - count;

    case 4: /* say twice */
        if (length + count > MOST_BYTES)
            return length;
        memmove(plan + at + count, plan + at, length - at);
        return length + count;

    case 5: /* go on as another plan does */
        count = below(other->length);
        if (at + other->length - count > MOST_BYTES)
            return length;
        memcpy(plan + at, other->bytes + count, other->length - count);
        return at + other->length - count;

    case 6: /* a piece of another one in between */
        count = below(other->length);
        size_t piece = below(other->length - count);
        if (length + piece > MOST_BYTES)
            return length;
        memmove(plan + at + piece, plan + at, length - at);
        memcpy(plan + at, other->bytes + count, piece);
        return length + piece;

    default: /* noise */
        for (size_t i = 0; i < count; i++)
            plan[at + i] = (unsigned char)below(256);
        return length;
    }
}

/* The plan with the decoy in place of the script, and all that it says of that right. The new length. */
static size_t put_decoy(unsigned char *plan, const struct seed *seed)
{
    const char *before = below(2) == 0 ? "" : out_of_the_cache;
    unsigned char *at = plan + seed->last_step;

    if (below(3) == 0) {
        /* The script as it was, and the decoy is what starts it. */
        at = plan + seed->length;
        if (seed->interpreter[0] != '\0')
            at -= 1 + strlen(seed->interpreter) + 1 + (strchr(seed->interpreter, ' ') == NULL);
        *at++ = RUN_STEP_SECOND_LINE;
        at += sprintf((char *)at, "%s", decoy_path) + 1;
        at += sprintf((char *)at, "%s", below(2) == 0 ? "" : "-e") + 1;
        return (size_t)(at - plan);
    }
    if (below(8) == 0)
        at += sprintf((char *)at, "%c", RUN_STEP_STUB), memcpy(at, &decoy, sizeof decoy),
            at += sizeof decoy, at += sprintf((char *)at, "%s", decoy_path) + 1;
    *at = below(2) == 0 ? *at : "cfo"[below(3)];
    int twice = *at == RUN_STEP_DIRECTORY_SCRIPT;
    memcpy(at + 1, &decoy, sizeof decoy);
    at += 1 + sizeof decoy;
    at += sprintf((char *)at, "%s%s", before, decoy_path) + 1;
    if (twice)
        at += sprintf((char *)at, "%s", decoy_path) + 1;
    return (size_t)(at - plan);
}

/* Whether that is the script of a plan, and started by what it names. A local file that stands for no other is always itself. */
static int is_planned(const struct seed *seed, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return 0;
    for (size_t i = 0; i < seed_count; i++) {
        const struct seed *other = &seeds[i];
        if (status.st_dev == other->script.st_dev && status.st_ino == other->script.st_ino
            && (strcmp(path, seed->becomes) == 0 || (other->cached && (seed->cached || !is_local(seed->name)))
                || (!is_local(seed->name) && is_named_by(path, seed->name) && !other->cached && !is_local(other->name))))
            return executed.interpreter[0] == '\0' || strcmp(executed.interpreter, other->interpreter) == 0;
    }
    return 0;
}

/*
 * The stamps of a tree, broken and forged, with a plan that says of their file what is right: nothing is read beyond the end, and where a
 * bit of a stamp or of a path has another value, the tree is not whole.
 */
static void check_stamps(struct seed *seed, long count)
{
    static unsigned char stamps[64 << 10], bytes[128 << 10];
    char path[PATH_MAX + 8], tree[PATH_MAX + 8], forged[2 * PATH_MAX];
    struct stat status;

    const char *version = strstr(seed->becomes, "/tree/");
    if (version == NULL || !seed->cached)
        return;
    snprintf(path, sizeof path, "%.*s/stamps", (int)(version - seed->becomes), seed->becomes);
    snprintf(tree, sizeof tree, "%.*s/tree", (int)(version - seed->becomes), seed->becomes);
    snprintf(forged, sizeof forged, "%s.forged", seed->path);
    int file = open(path, O_RDONLY | O_CLOEXEC), place = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
    long length = read(file, stamps, sizeof stamps);
    CHECK(file >= 0 && place >= 0 && length > 0 && length < (long)sizeof stamps && fstat(file, &status) == 0, "%s", path);
    close(file);
    size_t head = strlen((char *)stamps) + 1;
    CHECK(head < (size_t)length, "%s: no file in it", path);

    file = open(forged, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0, "%s", forged);
    for (long n = 0; n < count; n++) {
        size_t size = (size_t)length, at = head + below((size_t)length - head), what = n == 0 ? 0 : 1 + below(4);
        memcpy(bytes, stamps, size);
        if (what == 1)
            bytes[at] ^= (unsigned char)(1 << below(8));
        else if (what == 2)
            size = at;
        else if (what == 3)
            for (size_t i = at; i < size && i < at + 80; i++)
                bytes[i] = (unsigned char)below(256);
        else if (what == 4) { /* a path that is longer than there is room for, or that has no end */
            memset(bytes + size, 'x', sizeof bytes - size);
            bytes[size] = RUN_TREE_FILE;
            size += below(sizeof bytes - size);
            if (below(2) == 0)
                bytes[size - 1] = '\0';
        }
        CHECK(pwrite(file, bytes, size, 0) == (ssize_t)size && ftruncate(file, (off_t)size) == 0 && lseek(file, 0, SEEK_SET) == 0,
            "%s: %s", forged, strerror(errno));
        int whole = has_all_stamps(file, place, geteuid());
        CHECK(what != 0 || whole, "%s: the tree is whole", path);
        int cut = what == 2 && (at == head || stamps[at - 1] == '\0');
        CHECK(what == 0 || cut || !whole || (size == (size_t)length && memcmp(bytes, stamps, size) == 0),
            "%s: whole, with the stamps %ld that are forged (%zu at %zu)", path, n, what, at);
    }
    close(file);
    close(place);
    unlink(forged);
}

/* The last of all, for it ends the tree's plans: they hold for one file of stamps. */
static void check_other_stamps(struct seed *seed)
{
    static unsigned char stamps[64 << 10];
    char path[PATH_MAX + 8];

    const char *version = strstr(seed->becomes, "/tree/");
    if (version == NULL || !seed->cached)
        return;
    write_file(seed->path, seed->bytes, seed->length);
    snprintf(path, sizeof path, "%.*s/stamps", (int)(version - seed->becomes), seed->becomes);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    long length = file < 0 ? 0 : read(file, stamps, sizeof stamps);
    CHECK(length > 0 && unlink(path) == 0, "%s", path);
    close(file);
    starts_nothing(seed, "without the stamps");
    write_file(path, stamps, (size_t)length);
    starts_nothing(seed, "other stamps, with the same bytes");
}

/*
 * A plan whose seal is not renewed counts only where not a byte of it has changed. One with a seal that is right again gets as far as it
 * gets, for it says what the executor is to look at; but it leads to no file that was not planned, nor out of the cache.
 */
static void fuzz(long count, time_t end)
{
    static unsigned char plan[MOST_BYTES];
    long sealed = 0, reached = 0, n = 0;
    int files[MOST_SCRIPTS];

    for (size_t i = 0; i < seed_count; i++)
        CHECK((files[i] = open(seeds[i].path, O_RDWR | O_CLOEXEC)) >= 0, "%s", seeds[i].path);
    for (; n < count && (n % 1000 != 0 || time(NULL) < end); n++) {
        size_t chosen = below(seed_count);
        struct seed *seed = &seeds[chosen];
        size_t length = seed->length, from = below(4) == 0 ? 0 : seed->head;
        int renew = below(8) != 0;

        memcpy(plan, seed->bytes, length);
        if (below(20) == 0)
            length = put_decoy(plan, seed);
        else if (below(50) == 0) {
            length = below(RUN_PLAN_MOST_BYTES);
            for (size_t i = below(2) == 0 ? 0 : seed->head; i < length; i++)
                plan[i] = (unsigned char)below(256);
        }
        for (size_t changes = below(4); changes > 0 && length > from; changes--)
            length = mutate(plan, length, from);
        renew = renew && length >= sizeof(uint64_t);
        if (renew)
            seal(plan, length);
        sealed += renew;

        CHECK(pwrite(files[chosen], plan, length, 0) == (ssize_t)length && ftruncate(files[chosen], (off_t)length) == 0,
            "%s", strerror(errno));
        call(seed);
        CHECK(executed.exits == 0, "plan %ld: nobody holds a lock", n);
        if (executed.count == 0)
            continue;
        reached++;
        int same = length == seed->length && memcmp(plan, seed->bytes, length) == 0;
        CHECK(executed.count == 1 && executed.as_called, "plan %ld", n);
        CHECK(renew || same, "plan %ld: its seal is wrong", n);
        CHECK(same ? strcmp(executed.path, seed->becomes) == 0 : is_planned(seed, executed.path), "plan %ld: %s", n, executed.path);
    }
    for (size_t i = 0; i < seed_count; i++)
        close(files[i]);
    CHECK(reached > 0, "no plan was followed to its end, so nothing was tested");
    printf("%ld plans, %ld of them with a seal that is right: %ld led to the script that was planned, none to anything else\n",
        n, sealed, reached);
}

int main(int argc, char **argv)
{
    struct stat status;

    CHECK(argc > 4 && argc - 4 <= MOST_SCRIPTS, "plans COUNT SECONDS DECOY WORDS...");
    decoy_path = argv[3];
    CHECK(stat(decoy_path, &status) == 0, "%s", decoy_path);
    decoy = (struct stamp){
        (uint64_t)major(status.st_dev) << 32 | minor(status.st_dev), status.st_ino, status.st_size, nanoseconds(status.st_mtim),
        nanoseconds(status.st_ctim),
    };
    for (int i = 4; i < argc; i++)
        read_seed(&seeds[seed_count++], argv[i]);

    snprintf(out_of_the_cache, sizeof out_of_the_cache, "%.*s", (int)(strrchr(seeds[0].path, '/') - seeds[0].path), seeds[0].path);
    for (const char *slash = seeds[0].path; (slash = strchr(slash, '/')) != NULL; slash++)
        strcat(out_of_the_cache, "/..");

    check_names();
    for (size_t i = 0; i < seed_count; i++) {
        check_variables(&seeds[i]);
        check_seal(&seeds[i]);
        check_file(&seeds[i]);
        check_held(&seeds[i]);
        check_record(&seeds[i]);
        check_stamps(&seeds[i], 100000);
    }
    check_depth(&seeds[0]);
    fuzz(atol(argv[1]), time(NULL) + atol(argv[2]));
    for (size_t i = 0; i < seed_count; i++)
        check_other_stamps(&seeds[i]);
    return 0;
}
