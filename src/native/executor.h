#ifndef EXECUTOR_H
#define EXECUTOR_H

/*
 * Becomes the script (execve), if there is a plan for these arguments and nothing has changed since. Else it returns
 * without having changed anything.
 */
void run_as_planned(char **argv);

#endif
