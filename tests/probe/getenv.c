/*
 * Appends the name of each variable that a program asks for to the file GETENV_LOG, a line each. To be preloaded: the dynamic linker then
 * resolves getenv(3) and secure_getenv(3) to these.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static char *find(const char *name)
{
    size_t length = strlen(name);
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

static void note(const char *name)
{
    const char *log = find("GETENV_LOG");
    int file = log == NULL ? -1 : open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0) {
        char line[256];
        size_t length = strlen(name) < sizeof line - 1 ? strlen(name) : sizeof line - 1;
        memcpy(line, name, length);
        line[length] = '\n';
        if (write(file, line, length + 1) < 0)
            abort();
        close(file);
    }
}

/* Writes an empty line when a program starts. */
__attribute__((constructor)) static void begin(void)
{
    note("");
}

char *getenv(const char *name)
{
    note(name);
    return find(name);
}

char *secure_getenv(const char *name)
{
    return getenv(name);
}
