// SPDX-License-Identifier: MIT
//
// schedule.c - random delays for the hostile build.
//
// One step in eight gives the CPU away, two in eight spin for up to 63 pauses, the rest do nothing:
// short windows get wide now and then, and most of the program still runs. Each thread draws from
// its own stream, seeded from MEMS_SCHEDULE_SEED and the order in which threads came.

#include "sync/schedule.h"

#if defined(MEMS_HOSTILE) && !defined(MEMS_EXPLORE)

#include <stdbool.h>
#include <stddef.h>

#include "base/option.h"
#include "base/rng.h"
#include "os/os.h"
#include "sync/atomic.h"

static uint64_t threads_seen; // [atomic]
static __thread struct rng stream;
static __thread bool stream_ready;

static void stream_start(void)
{
    const char *text = os_environment("MEMS_SCHEDULE_SEED");
    uint64_t seed = 1;
    if (text != NULL) {
        size_t length = 0;
        while (text[length] != 0) {
            length++;
        }
        (void)option_size(text, length, &seed); // no number: the seed stays 1
    }
    struct rng threads;
    rng_init(&threads, seed);
    rng_init(&stream, rng_next(&threads) + add_relaxed(&threads_seen, 1));
    stream_ready = true;
}

void schedule_delay(void)
{
    if (!stream_ready) {
        stream_start();
    }
    uint64_t draw = rng_next(&stream);
    unsigned what = draw % 8;
    if (what == 0) {
        os_yield();
    } else if (what <= 2) {
        for (uint64_t pauses = (draw >> 3) % 64; pauses > 0; pauses--) {
            os_pause();
        }
    }
}

#endif
