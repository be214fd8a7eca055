// SPDX-License-Identifier: MIT
//
// replacement.h - which page goes when a frame is needed? One file an algorithm, each ending in one
// `const struct replacement`.
//
// Words. A *frame* is a place for a page, 0 .. frames - 1; a *key* names a page for as long as it
// exists, resident or not. A *ghost* is a key that an algorithm remembers after its page has gone.
//
// Who calls what. The virtual-memory policies keep frames, entries and swap; an algorithm keeps the
// order in which pages go. Its functions are called with the policy's replacement lock held, but
// for the trace that a hit leaves: translate writes touch[frame] with a plain relaxed store and no
// lock, where `touch` says that this is enough.
//
//   reference to a resident page   NONE: nothing; BIT, COUNT: touch[frame]; ORDER: hit(frame)
//   reference to another page      frame = a free one, else victim(key); then load(frame, key)
//   reclaim ahead of need          victim(REPLACEMENT_ANY), as often as frames are wanted
//   eviction abandoned             load(frame, key) again: the page was in use
//   page released by its owner     forget(frame)
//   variable allotment (ws, pff)   before a load: surplus() until REPLACEMENT_NONE; each is evicted
//
// The reference that faults is not a hit as well: after load the policy sets REPLACEMENT_FRESH in
// touch[frame], and the translate that follows only clears it. So algorithms read a frame's trace
// through replacement_touched and change it through replacement_retouch, which leaves that bit.
//
// Freedom of the caller. Several faults may be between victim and load at once, loads may come in
// another order than victims, and a load may come without a victim before it, be its key a ghost or
// not. An abandoned eviction counts as a reference: a page that had become a ghost comes back as
// one, at the place of a page that was missed.
//
// Cost. O(1) for hit, load, victim and forget, amortised for those that sweep bits; opt: O(log
// frames); nru's victim reads a byte a frame, eight at a time. A sweep that other threads' hits
// keep from finding an untouched page ends after a bounded number of steps and takes what it is at.

#ifndef POLICY_REPLACEMENT_REPLACEMENT_H
#define POLICY_REPLACEMENT_REPLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/atomic.h"

#define REPLACEMENT_NONE  UINT32_MAX // no frame
#define REPLACEMENT_ANY   UINT64_MAX // no key: a frame is wanted for no page in particular
#define REPLACEMENT_FRESH 0x80       // in touch[frame]: just loaded, the reference is still to come

// What a hit leaves behind.
enum replacement_touch {
    REPLACEMENT_TOUCH_NONE,  // nothing: fifo, random
    REPLACEMENT_TOUCH_BIT,   // touch[frame] = 1: clock, second-chance, nru, sieve
    REPLACEMENT_TOUCH_COUNT, // touch[frame] = min(touch + 1, 3): s3fifo
    REPLACEMENT_TOUCH_ORDER, // hit() under the lock: lru, lfu, arc, 2q, lirs, opt, ws, pff
};

struct replacement_config {
    uint32_t frames;        // 1 .. 2^30
    bool clock_load_ref;    // clock, second-chance: R on load (textbooks 1, cache simulators 0)
    uint64_t tau;           // ws: references that a page stays after its last one
    uint64_t interval;      // pff: F
    uint64_t seed;          // random
    const uint64_t *future; // opt: the reference string to come, keys; else NULL
    size_t future_count;
    uint8_t *touch;       // [atomic] a byte a frame; aligned to 8
    const uint8_t *dirty; // [atomic] a byte a frame, not 0: written since it was loaded; so too
};

struct replacement {
    const char *name;
    const char *help;
    enum replacement_touch touch;
    bool variable; // takes as many frames as it thinks right, up to `frames`: ws, pff
    // Bytes of state for such a configuration, ghosts included.
    size_t (*bytes)(const struct replacement_config *config);
    // `state` is that many zeroed bytes, aligned to 64; `config` lives as long as the state.
    void (*init)(void *state, const struct replacement_config *config);
    // ORDER only. false: by the algorithm's rule the page is not resident any more (ws): the
    // reference is a fault, and surplus() will name the frame.
    bool (*hit)(void *state, uint32_t frame);
    // Chooses a frame and takes its page out. Never REPLACEMENT_NONE while a page is loaded.
    uint32_t (*victim)(void *state, uint64_t incoming);
    // The page `key` is in `frame`, which holds no other. Sets touch[frame] to what it starts with.
    void (*load)(void *state, uint32_t frame, uint64_t key);
    // The page in `frame` has ended; its key may name another page later.
    void (*forget)(void *state, uint32_t frame);
    // variable only, else NULL: a frame whose page should go although no frame is wanted, taken
    // out; REPLACEMENT_NONE when there is none. Called at a fault, before victim and load;
    // `incoming` is the key that faults.
    uint32_t (*surplus)(void *state, uint64_t incoming);
    // For who asks what goes next: the frame that victim would look at first (`frame`:
    // REPLACEMENT_NONE), and those after it, until REPLACEMENT_NONE. victim takes one of them by
    // their traces and `dirty` alone. NULL: it goes by more than that (ghosts, the future, chance).
    uint32_t (*next)(const void *state, uint32_t frame);
    // NULL, or the label of the first invariant that does not hold.
    const char *(*check)(const void *state);
};

extern const struct replacement replacement_fifo, replacement_lru, replacement_clock,
    replacement_second_chance, replacement_nru, replacement_lfu, replacement_random,
    replacement_opt, replacement_arc, replacement_2q, replacement_lirs, replacement_s3fifo,
    replacement_sieve, replacement_ws, replacement_pff;

// The table, by index; NULL past the last. And one by name, or NULL.
const struct replacement *replacement_at(size_t index);
const struct replacement *replacement_find(const char *name);

// What hits have left in a frame's byte since it was last set.
static inline uint8_t replacement_touched(const struct replacement_config *config, uint32_t frame)
{
    return load_relaxed(&config->touch[frame]) & (uint8_t)~REPLACEMENT_FRESH;
}

// Sets what hits have left to `value`. Not one step: a hit in between is lost, as on hardware.
static inline void replacement_retouch(const struct replacement_config *config, uint32_t frame,
                                       uint8_t value)
{
    uint8_t fresh = load_relaxed(&config->touch[frame]) & REPLACEMENT_FRESH;
    store_relaxed(&config->touch[frame], (uint8_t)(fresh | value));
}

#endif
