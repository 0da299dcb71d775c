#ifndef STARTUP_H
#define STARTUP_H

/* sysexits.h, as in Reporting/ExitStatus.cs. */
#define RUN_STATUS_INTERNAL 70
#define RUN_STATUS_REFUSED 77

/* Ends the process, from any thread: removes the file that a signal would remove, and prints the message. */
__attribute__((noreturn)) void run_fail(int status, const char *message);

#endif
