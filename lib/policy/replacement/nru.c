// SPDX-License-Identifier: MIT
//
// nru.c - not recently used: four classes by (R, M); a page of the lowest class goes.
//
// 1. Theory. Tanenbaum, Modern Operating Systems. R: referenced lately, set by a hit and by the
//    reference that loads the page; M: written since it was loaded. Classes in order of going: 00,
//    01, 10, 11 (a page that was written but not used lately before one that is in use). Within a
//    class: the first at or after a hand that stays behind the last victim, in order of frames.
// 2. Lately. The textbooks' clock interrupt is a count of loads here, so that a run can be had
//    again: when as many pages have been loaded as there are frames, every R is cleared, before
//    the page that made it so many gets its own.
// 3. Cost. R and M are bytes that other threads write; nobody tells the algorithm. So a victim
// costs
//    a scan from the hand, eight frames at a time, which ends at the first page of class 00 and
//    else goes all the way round. Clearing is O(1) amortised over loads.
// 4. Reading eight bytes at once. Each byte of the word is read as it was at some time; that other
//    bytes are newer does not matter. The arrays are aligned to 8; what is behind the last whole
//    word is read byte by byte.

#include "policy/replacement/layout.h"
#include "policy/replacement/replacement.h"

#define NRU_ONES 0x0101010101010101u // the lowest bit of each byte
#define NRU_LOW  0x7f7f7f7f7f7f7f7fu // all but the highest

// number of f with loaded[f] == 1 == count, no other value than 0 and 1                      (NRU1)
// hand < frames                                                                              (NRU2)
struct nru {
    const struct replacement_config *config;
    uint8_t *loaded; // a byte a frame
    uint32_t count;
    uint32_t hand;
    uint32_t loads; // since R was last cleared, < frames
};

static size_t nru_layout(struct nru *nru, uintptr_t base, uint32_t frames)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof *nru);
    nru->loaded = layout_take(&layout, frames, sizeof *nru->loaded);
    return layout.at - base;
}

static size_t nru_bytes(const struct replacement_config *config)
{
    struct nru measured;
    return nru_layout(&measured, 0, config->frames);
}

static void nru_init(void *state, const struct replacement_config *config)
{
    struct nru *nru = state;
    nru_layout(nru, (uintptr_t)state, config->frames);
    nru->config = config;
}

// The bytes of frames first .. first + 7, the first lowest; those past the last are 0.
static uint64_t nru_word(const struct nru *nru, const uint8_t *bytes, uint32_t first)
{
    if (nru->config->frames - first >= 8) {
        return load_relaxed((const uint64_t *)(const void *)(bytes + first));
    }
    uint64_t word = 0;
    for (uint32_t i = first; i < nru->config->frames; i++) {
        word |= (uint64_t)load_relaxed(&bytes[i]) << (i - first) * 8;
    }
    return word;
}

// Bit 0 of each byte: whether it was not 0.
static uint64_t nru_set(uint64_t word)
{
    return (((word & NRU_LOW) + NRU_LOW) | word) >> 7 & NRU_ONES;
}

// Looks at the frames of one word that `mask` has bits for, and keeps for each class the first
// that was met.
static void nru_look(const struct nru *nru, uint32_t first, uint64_t mask, uint32_t met[4])
{
    uint64_t loaded = nru_word(nru, nru->loaded, first) & mask & NRU_ONES;
    if (loaded == 0) {
        return;
    }
    uint64_t fresh = NRU_ONES * REPLACEMENT_FRESH;
    uint64_t r = nru_set(nru_word(nru, nru->config->touch, first) & ~fresh);
    uint64_t m = nru_set(nru_word(nru, nru->config->dirty, first));
    const uint64_t class[4] = {loaded & ~r & ~m, loaded & ~r & m, loaded & r & ~m, loaded & r & m};
    for (int i = 0; i < 4; i++) {
        if (met[i] == REPLACEMENT_NONE && class[i] != 0) {
            met[i] = first + (uint32_t)__builtin_ctzll(class[i]) / 8;
        }
    }
}

static uint32_t nru_find(const struct nru *nru)
{
    uint32_t met[4] = {REPLACEMENT_NONE, REPLACEMENT_NONE, REPLACEMENT_NONE, REPLACEMENT_NONE};
    uint32_t start = nru->hand & ~(uint32_t)7;
    uint64_t from_hand = UINT64_MAX << (nru->hand & 7) * 8;

    nru_look(nru, start, from_hand, met);
    for (uint64_t i = (uint64_t)start + 8; i < nru->config->frames && met[0] == REPLACEMENT_NONE;
         i += 8) {
        nru_look(nru, (uint32_t)i, UINT64_MAX, met);
    }
    for (uint32_t i = 0; i < start && met[0] == REPLACEMENT_NONE; i += 8) {
        nru_look(nru, i, UINT64_MAX, met);
    }
    if (met[0] == REPLACEMENT_NONE) {
        nru_look(nru, start, ~from_hand, met);
    }
    for (int i = 0; i < 4; i++) {
        if (met[i] != REPLACEMENT_NONE) {
            return met[i];
        }
    }
    return REPLACEMENT_NONE;
}

static void nru_forget(void *state, uint32_t frame)
{
    struct nru *nru = state;
    nru->loaded[frame] = 0;
    nru->count--;
}

static uint32_t nru_victim(void *state, uint64_t incoming)
{
    struct nru *nru = state;
    (void)incoming;
    uint32_t frame = nru->count == 0 ? REPLACEMENT_NONE : nru_find(nru);
    if (frame != REPLACEMENT_NONE) {
        nru_forget(nru, frame);
        nru->hand = frame + 1 < nru->config->frames ? frame + 1 : 0;
    }
    return frame;
}

static void nru_load(void *state, uint32_t frame, uint64_t key)
{
    struct nru *nru = state;
    (void)key;
    if (++nru->loads == nru->config->frames) {
        nru->loads = 0;
        for (uint32_t i = 0; i < nru->config->frames; i++) {
            if (nru->loaded[i] != 0) {
                replacement_retouch(nru->config, i, 0);
            }
        }
    }
    store_relaxed(&nru->config->touch[frame], 1);
    nru->loaded[frame] = 1;
    nru->count++;
}

static uint32_t nru_next(const void *state, uint32_t frame)
{
    const struct nru *nru = state;
    uint64_t frames = nru->config->frames;
    // Counted from the hand.
    uint64_t from = frame == REPLACEMENT_NONE ? 0 : (frame + frames - nru->hand) % frames + 1;
    for (; from < frames; from++) {
        uint32_t at = (uint32_t)((nru->hand + from) % frames);
        if (nru->loaded[at] != 0) {
            return at;
        }
    }
    return REPLACEMENT_NONE;
}

static const char *nru_check(const void *state)
{
    const struct nru *nru = state;
    uint32_t count = 0;
    for (uint32_t i = 0; i < nru->config->frames; i++) {
        if (nru->loaded[i] > 1) {
            return "NRU1";
        }
        count += nru->loaded[i];
    }
    if (count != nru->count) {
        return "NRU1";
    }
    return nru->hand < nru->config->frames ? NULL : "NRU2";
}

const struct replacement replacement_nru = {
    .name = "nru",
    .help = "not recently used: a page of the lowest class by (referenced, written) goes",
    .touch = REPLACEMENT_TOUCH_BIT,
    .bytes = nru_bytes,
    .init = nru_init,
    .victim = nru_victim,
    .load = nru_load,
    .forget = nru_forget,
    .next = nru_next,
    .check = nru_check,
};
