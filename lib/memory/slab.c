// SPDX-License-Identifier: MIT
//
// slab.c - from a size to its class (the essay is in slab.h).

#include "memory/slab.h"

// The class of each multiple of 16: one entry a class up to 256 bytes, then twice as many each
// octave.
#define TIMES_1(c)  (c),
#define TIMES_2(c)  TIMES_1(c) TIMES_1(c)
#define TIMES_4(c)  TIMES_2(c) TIMES_2(c)
#define TIMES_8(c)  TIMES_4(c) TIMES_4(c)
#define TIMES_16(c) TIMES_8(c) TIMES_8(c)
#define TIMES_32(c) TIMES_16(c) TIMES_16(c)
#define TIMES_64(c) TIMES_32(c) TIMES_32(c)

#define EIGHT(times, c)                                                                            \
    times((c)) times((c) + 1) times((c) + 2) times((c) + 3) times((c) + 4) times((c) + 5)          \
        times((c) + 6) times((c) + 7)

// clang-format off
const uint8_t slab_class_table[SLAB_LARGEST / SLAB_STEP + 1] = {
    0,
    EIGHT(TIMES_1, 0)   // 16 .. 128
    EIGHT(TIMES_1, 8)   // .. 256
    EIGHT(TIMES_2, 16)  // .. 512
    EIGHT(TIMES_4, 24)  // .. 1 KiB
    EIGHT(TIMES_8, 32)  // .. 2 KiB
    EIGHT(TIMES_16, 40) // .. 4 KiB
    EIGHT(TIMES_32, 48) // .. 8 KiB
    EIGHT(TIMES_64, 56) // .. 16 KiB
};
// clang-format on
