/*
 * The runtime's TLS asks these two of its own native library where the system's certificates are, reads every file there, and
 * only then lets anybody else judge a certificate. Here OpenSSL judges (Posix/OpenSsl.cs), and the runtime is led to nothing:
 * that halves the time of a first fetch. The linker puts these functions in the place of the library's (--wrap).
 * Were that to fail one day, a fetch would be slower, and no certificate would be accepted that is not accepted now.
 */
#include <stdint.h>

const char *__wrap_CryptoNative_GetX509RootStorePath(uint8_t *is_default);
const char *__wrap_CryptoNative_GetX509RootStoreFile(void);

const char *__wrap_CryptoNative_GetX509RootStorePath(uint8_t *is_default)
{
    *is_default = 0;
    return "";
}

const char *__wrap_CryptoNative_GetX509RootStoreFile(void)
{
    return "";
}
