#ifndef EXECUTOR_H
#define EXECUTOR_H

#include <sys/types.h>

/*
 * Becomes the script, if there is a plan for these arguments and all is still as it was. Else it returns, with everything as it was before.
 * user: the effective user id.
 */
void run_as_planned(char **argv, char **environment, uid_t user);

#endif
