// SPDX-License-Identifier: MIT
//
// inject.h - makes the operating system say no, for tests.
//
// Every call that the library makes to the OS and that can fail passes one seam (lib/os). Here a
// test tells the seam which one fails. The counting is per process and exact: with nth = 3 the
// third call from now on fails with the OS's own error for "no"; the ones before and after go
// through. Sweep nth from 1 until a run in which mems_inject_hits() is 0: then every failing path
// was taken once.

#ifndef MEMS_INJECT_H
#define MEMS_INJECT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum mems_seam {
    MEMS_SEAM_MAP,    // mapping memory, for blocks or for the engine's own records: ENOMEM
    MEMS_SEAM_UNMAP,  // giving it back: ENOMEM (max_map_count); the memory is kept and reused. Also
                      // the trims of an aligned map: the map then fails
    MEMS_SEAM_THREAD, // starting a thread of the engine's own (a mover): EAGAIN
    MEMS_SEAM_SWAP_OPEN,  // making a swap file and reserving its blocks: ENOSPC
    MEMS_SEAM_SWAP_READ,  // reading a page back: EIO
    MEMS_SEAM_SWAP_WRITE, // writing a page: ENOSPC
    MEMS_SEAM_COUNT
};

// Arms the seam: its nth call from now fails (1: the next one), then every later one too when
// `from_then_on`. nth = 0 disarms. Resets the seam's counters.
void mems_inject(enum mems_seam seam, uint64_t nth, int from_then_on);

// Calls made, and calls made to fail, since the last mems_inject on this seam.
uint64_t mems_inject_calls(enum mems_seam seam);
uint64_t mems_inject_hits(enum mems_seam seam);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
