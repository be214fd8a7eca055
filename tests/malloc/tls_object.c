// SPDX-License-Identifier: MIT
//
// tls_object.c - a shared object with TLS_BYTES of thread-local storage; with TLS_STATIC, of the
// static kind, of which a process that runs already has little left.

#include <string.h>

#ifdef TLS_STATIC
#define TLS_MODEL "initial-exec"
#else
#define TLS_MODEL                                                                                  \
    "global-dynamic" // the loader allocates it, by malloc, when a thread first touches it
#endif

static __thread unsigned char tls_bytes[TLS_BYTES] __attribute__((tls_model(TLS_MODEL)));

// Counts a thread's calls in each of its bytes: the number of this one, or -1 if they differ.
int tls_object_touch(void);

int tls_object_touch(void)
{
    for (unsigned i = 1; i < TLS_BYTES; i++) {
        if (tls_bytes[i] != tls_bytes[0]) {
            return -1;
        }
    }
    memset(tls_bytes, tls_bytes[0] + 1, TLS_BYTES);
    return tls_bytes[0];
}
