#ifndef EXECUTOR_H
#define EXECUTOR_H

/*
 * Becomes the script, where there is a plan for these arguments and all is still as it was. Else it returns, with
 * everything as it was before.
 */
void run_as_planned(char **argv);

#endif
