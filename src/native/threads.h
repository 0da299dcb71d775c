#ifndef THREADS_H
#define THREADS_H

/*
 * From run_hold_threads to run_release_threads no thread is started: whoever starts one waits. Between the two is execve. While one thread
 * is in execve(2), the kernel refuses to start another (EAGAIN), and the runtime's pool would end the process with a stack trace.
 */
void run_hold_threads(void);
void run_release_threads(void);

#endif
