// SPDX-License-Identifier: MIT
//
// unwind.h - who called whom, as bare addresses, from a thread that may be in any state.

#ifndef RUN_UNWIND_H
#define RUN_UNWIND_H

#include <stddef.h>
#include <stdint.h>

#define UNWIND_FRAMES 48

// Addresses inside the functions that were active, the innermost first: of a caller, a byte of the
// call itself, so that the line it belongs to is right.
struct unwind {
    uint32_t count; // [atomic] frames that are complete
    uint32_t pad;
    uint64_t frame[UNWIND_FRAMES];
};

// From where a signal found the thread; `context` as a handler with SA_SIGINFO gets it.
void unwind_signal(struct unwind *unwind, const void *context);
// From the caller on; it and `callers - 1` above it are left out.
void unwind_here(struct unwind *unwind, unsigned callers);
// The unwinder allocates at its first use: once before anything is measured.
void unwind_open(void);

// Copies the lines of /proc/PID/maps (`path`) that belong to files: what addresses are of. Uses
// neither malloc nor stdio.
void unwind_maps(const char *path, char *into, size_t size);

#endif
