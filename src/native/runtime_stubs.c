/*
 * Replaces parts of the runtime's start that are meant for servers and are of no use to a process that lives for a millisecond. They make a
 * quarter of the system calls of a start. The linker replaces the runtime's functions (--wrap), and fails if one no longer exists.
 */
#include <stddef.h>
#include <stdint.h>

/*
 * The garbage collector reads the memory and processor limits of control groups to size the heap. Here it has a fixed limit
 * (System.GC.HeapHardLimit), far below those, and needs no processor count, because it collects on the thread that allocates. NUMA
 * nodes do not matter for the same reasons.
 */
void __wrap__Z16InitializeCGroupv(void);
void __wrap__Z19InitializeCpuCGroupv(void);
void __wrap__Z21NUMASupportInitializev(void);

void __wrap__Z16InitializeCGroupv(void)
{
}

void __wrap__Z19InitializeCpuCGroupv(void)
{
}

void __wrap__Z21NUMASupportInitializev(void)
{
}

/*
 * The finalizer thread has nothing to do before the first garbage collection. A run that does not fetch seldom has one, and nothing waits
 * for its finalizers. So the thread starts only when run_start_finalizer is called.
 */
typedef uint32_t (*thread_start)(void *);

unsigned char __real_PalStartFinalizerThread(thread_start start, void *context);
unsigned char __wrap_PalStartFinalizerThread(thread_start start, void *context);

static thread_start finalizer;
static void *finalizer_context;

unsigned char __wrap_PalStartFinalizerThread(thread_start start, void *context)
{
    finalizer = start;
    finalizer_context = context;
    return 1;
}

/* Call it before there is much to collect. If the thread cannot be started, the program goes on without it; the next call tries again. */
void run_start_finalizer(void);

void run_start_finalizer(void)
{
    if (finalizer != NULL && __real_PalStartFinalizerThread(finalizer, finalizer_context))
        finalizer = NULL;
}
