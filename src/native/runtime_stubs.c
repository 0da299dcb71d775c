/*
 * What the runtime does at its start for servers, and what a program that lives for a millisecond has no use for. Together it is a quarter
 * of the system calls of a start. The linker puts these functions in the place of the runtime's (--wrap), and fails where there
 * are none of that name any more.
 */
#include <stddef.h>
#include <stdint.h>

/*
 * Control groups limit memory and processors, and the garbage collector would fit itself into them. It has a limit of its own
 * here (System.GC.HeapHardLimit), far below those, and needs no count of processors: it collects on the thread that allocates.
 * The same goes for the nodes of a machine whose memory has several.
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
 * The thread that runs finalizers waits for the first garbage collection, which a run that does not fetch seldom comes to; and where it does,
 * nothing waits for what is to be finalized. The thread starts when run_start_finalizer is called.
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

/* To be called before there is much to collect. Where no thread can be started, it goes without; each call tries until one was. */
void run_start_finalizer(void);

void run_start_finalizer(void)
{
    if (finalizer != NULL && __real_PalStartFinalizerThread(finalizer, finalizer_context))
        finalizer = NULL;
}
