/*
 * The threads of the runtime: its pool starts them whenever it likes, and ends the process if it cannot. The linker replaces pthread_create
 * (--wrap), so that no thread is started while the process becomes the script, and so that a limit is reported as such.
 */
#include "threads.h"
#include "startup.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

/* How often to try again: the limits count all processes of a user or a control group, and another one may end at any moment. */
#define TRIES 50

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);

/* Held while a thread is being started, and by the thread that is in execve. */
static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

static int create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    static const struct timespec pause = {.tv_nsec = 20000000};

    for (int tries = 1;; tries++) {
        pthread_mutex_lock(&starting);
        int error = __real_pthread_create(thread, attributes, start, argument);
        /* The lock is kept until the process has ended: another thread that fails as well adds no second message. */
        if (error != 0 && (tries == TRIES || error != EAGAIN))
            run_fail(RUN_STATUS_INTERNAL,
                "run: cannot start a thread: a limit on processes or on memory is reached\n"
                "     see ulimit -u, ulimit -v, and pids.max of the control group\n");
        pthread_mutex_unlock(&starting);
        if (error == 0)
            return 0;
        nanosleep(&pause, NULL);
    }
}

/*
 * The first thread, which the runtime starts before Main, runs finalizers. Nothing waits for it, and a run that fetches nothing ends before
 * there is one to run. So it is started along with the second thread. Without it there is no second stack, and execve has no thread to
 * end, which saves 0.2 × flock and more.
 */
static struct {
    void *(*start)(void *);
    void *argument;
    int came;
} finalizers;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    pthread_mutex_lock(&starting);
    int is_first = !finalizers.came;
    void *(*other)(void *) = finalizers.start, *of_other = finalizers.argument;
    finalizers.came = 1;
    finalizers.start = is_first ? start : NULL;
    finalizers.argument = is_first ? argument : NULL;
    pthread_mutex_unlock(&starting);

    if (is_first) {
        *thread = pthread_self();
        return 0;
    }
    if (other != NULL) {
        pthread_t background;
        int error = create(&background, NULL, other, of_other);
        if (error != 0)
            return error;
        pthread_detach(background);
    }
    return create(thread, attributes, start, argument);
}

void run_hold_threads(void)
{
    pthread_mutex_lock(&starting);
}

void run_release_threads(void)
{
    pthread_mutex_unlock(&starting);
}
