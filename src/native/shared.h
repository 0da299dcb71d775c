/*
 * What C and C# must agree on. scripts/shared-constants turns each #define into a constant of Run.Generated.Shared, so that each number is
 * written only once. Each is one line: a decimal or hexadecimal number, or a character.
 */
#ifndef SHARED_H
#define SHARED_H

/* The lowest descriptor of a lock: above those that scripts choose themselves. */
#define RUN_LEAST_DESCRIPTOR 100

/* docs/locks.md: the byte of a lock file that is the lock, and where the marks begin. A mark's position contains PID and clock. */
#define RUN_LOCK_BYTE 0
#define RUN_FIRST_MARK 0x4000000000000000
#define RUN_PID_SHIFT 40

/* How many files at once can be removed at an interrupt: one for each fetch that is under way. */
#define RUN_MOST_TEMPORARIES 16

/* The mtime of a lock file is the time of its last use. It is moved only if it is older than this, so most runs write nothing. */
#define RUN_DAY_SECONDS 86400

/* The maximum size of a plan, and of its path, in bytes. */
#define RUN_PLAN_MOST_BYTES 8192
#define RUN_PLAN_MOST_PATH_BYTES 4112

/* The steps of a plan; see executor.c. */
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

/* The variable that gives the cache's directory; see run_cache_directory. */
#define RUN_CACHE_BY_NOTHING 0
#define RUN_CACHE_BY_RUN_CACHE 1
#define RUN_CACHE_BY_XDG_CACHE_HOME 2
#define RUN_CACHE_BY_HOME 3

#endif
