// SPDX-License-Identifier: MIT
//
// slab.c - a run of memory cut into blocks of one size (the essay is in slab.h).

#include "memory/slab.h"

#include <string.h>

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

unsigned slab_class_count(uint64_t largest)
{
    unsigned count = 0;
    while (count < SLAB_CLASSES && slab_class_size(count) <= largest) {
        count++;
    }
    return count;
}

size_t slab_account_bytes(uint32_t count)
{
    return bitmap_bytes(count);
}

void slab_init(struct slab *slab, unsigned class, uint64_t bytes, char *host, void *account)
{
    uint32_t size = slab_class_size(class);
    *slab = (struct slab){.host = host,
                          .reciprocal = (UINT64_C(1) << 42) / size + 1,
                          .size = size,
                          .count = slab_capacity(class, bytes),
                          .class = (uint8_t) class};
    memset(account, 0, slab_account_bytes(slab->count));
    bitmap_init(&slab->free, slab->count, account);
}

uint32_t slab_next(const struct slab *slab)
{
    return slab->free.count != 0 ? (uint32_t)bitmap_first(&slab->free) : slab->fresh;
}

uint32_t slab_take(struct slab *slab)
{
    uint32_t index = slab_next(slab);
    if (index == slab->fresh) {
        slab->fresh++;
    } else {
        bitmap_remove(&slab->free, index);
    }
    slab->used++;
    return index;
}

void slab_give(struct slab *slab, uint32_t index)
{
    bitmap_insert(&slab->free, index);
    slab->used--;
}

const char *slab_check(const struct slab *slab)
{
    if (!bitmap_check(&slab->free) || slab->used + slab->free.count != slab->fresh ||
        slab->fresh > slab->count) {
        return "SL1";
    }
    return bitmap_first_from(&slab->free, slab->fresh) == BITMAP_NONE ? NULL : "SL2";
}
