/*
 * What native/startup.c offers, for code of the product that runs inside the test runner, where the .NET runtime owns signals. The
 * environment is that of the sandbox in which the calling thread works.
 */
#include <stddef.h>
#include <string.h>

extern char **environ;

static __thread char **of_thread;

void use_environ(char **environment)
{
    of_thread = environment;
}

char **run_environ(void)
{
    return of_thread != NULL ? of_thread : environ;
}

/* The symbols of this library are looked up before those of the C library that it is linked with. */
char *getenv(const char *name)
{
    size_t length = strlen(name);
    for (char **variable = run_environ(); *variable != NULL; variable++)
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
            return *variable + length + 1;
    return NULL;
}

void run_handle_interrupts(void)
{
}

void run_restore_sigpipe(void)
{
}

void run_defer_interrupts(int wait)
{
    (void)wait;
}

void run_end_at_interrupt(int id)
{
    (void)id;
}

int run_interrupt(void)
{
    return 0;
}

void run_line_is_shown(int shown)
{
    (void)shown;
}
