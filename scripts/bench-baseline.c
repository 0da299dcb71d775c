/*
 * The least that a program must do to lock a file and become another program: baseline FILE PROGRAM [ARGUMENT]...
 * scripts/bench compares run with it.
 */
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int file = argc < 3 ? -1 : open(argv[1], O_RDWR | O_CREAT, 0600);

    if (file < 0 || fcntl(file, F_SETLK, &lock) != 0)
        return 1;
    execv(argv[2], argv + 2);
    return 127;
}
