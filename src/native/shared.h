/*
 * What C and C# must agree on. scripts/built-in makes the constants of Run.Generated.Shared of each #define here, so that each number is
 * written once. One line each: a decimal or hexadecimal number, or a character.
 */
#ifndef SHARED_H
#define SHARED_H

/* The least descriptor of a lock: out of the way of those that scripts choose themselves. */
#define RUN_LEAST_DESCRIPTOR 100

/*
 * docs/locks.md: the byte of a lock file that is the lock, and where the marks of its holders begin. Below those are the marks of processes
 * that run the script under another lock (--lock=NAME). A mark's position contains PID and clock.
 */
#define RUN_LOCK_BYTE 0
#define RUN_FIRST_MARK 0x4000000000000000
#define RUN_FIRST_NAMED_MARK 0x2000000000000000
#define RUN_PID_SHIFT 39

/* The digits of a lock file's name, and of the identity that its record ends with. */
#define RUN_LOCK_NAME_LENGTH 32

/* How many files at once can be removed at an interrupt: one for each fetch that is under way. */
#define RUN_MOST_TEMPORARIES 16

/* The mtime of a lock file is the time of its last use. It is moved only if it is older than this, so most runs write nothing. */
#define RUN_DAY_SECONDS 86400

/* The maximum size of a plan, and of its path, in bytes. */
#define RUN_PLAN_MOST_BYTES 8192
#define RUN_PLAN_MOST_PATH_BYTES 4112

/* The most words of a command line, up to SCRIPT, that a plan is made for. */
#define RUN_PLAN_MOST_WORDS 100

/* What a plan says of a lock that is held: the runtime is to say so, or the run ends, with status 0 and in silence. */
#define RUN_HELD_IS_SAID 0
#define RUN_HELD_IS_SUCCESS 1

/* The steps of a plan; executor.c says what each means. */
#define RUN_STEP_VARIABLE_IS 'v'
#define RUN_STEP_VARIABLE_UNSET 'u'
#define RUN_STEP_ABSENT 'a'
#define RUN_STEP_SAME 's'
#define RUN_STEP_OWN_DIRECTORY 'd'
#define RUN_STEP_OWN_DIRECTORY_NO_LINK 'D'
#define RUN_STEP_FOREIGN_DIRECTORY 'n'
#define RUN_STEP_PROGRAM 'x'
#define RUN_STEP_CACHED_SCRIPT 'c'
#define RUN_STEP_LOCAL_SCRIPT 'f'
#define RUN_STEP_DIRECTORY_SCRIPT 'o'
#define RUN_STEP_STUB 't'
#define RUN_STEP_SECOND_LINE 'i'
#define RUN_STEP_BOOT 'b'
#define RUN_STEP_TREE 'T'

/*
 * What the file with the stamps of a tree says of each file: a letter, its stamp, its path. See Caching/TreeStamps.
 */
#define RUN_TREE_DIRECTORY 'd'
#define RUN_TREE_FILE 'f'
#define RUN_TREE_LINK 'l'
#define RUN_STAMP_BYTES 40

/* How many bytes of a script are read for its first two lines. */
#define RUN_FIRST_LINES_BYTES 4096

/* Which variable says where the cache is; see run_cache_directory. */
#define RUN_CACHE_BY_NOTHING 0
#define RUN_CACHE_BY_RUN_CACHE 1
#define RUN_CACHE_BY_XDG_CACHE_HOME 2
#define RUN_CACHE_BY_HOME 3

#endif
