/*
 * The runtime's TLS gets the location of the system's certificates from these two functions of its native library, and reads
 * every file there before a certificate is verified. Here OpenSSL verifies certificates (Posix/OpenSsl.cs), so the runtime
 * gets an empty location, which halves the time of a first fetch. The linker replaces the library's functions (--wrap).
 * If a newer runtime no longer calls them, fetches get slower, but no other certificates are accepted.
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
