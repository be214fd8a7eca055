// SPDX-License-Identifier: MIT
//
// stream.h - a stream of references: which of `count` things is used next.
//
//   uniform          each is as likely as any other
//   scan             one after the other, and from the first again
//   loop:N           the same with the first N only
//   zipf:S           the k-th most popular with a chance in proportion to 1/k^S; which one that is
//                    is a random permutation, the same for all threads
//   phases:N,LENGTH  for LENGTH references on average (geometric) any of N that lie side by side,
//                    then any of N others: the phases of a program that moves from one locality to
//                    the next (P. J. Denning, "Working sets past and present", 1980)
//   trace            the references of a file, over and over; threads start evenly spread over it

#ifndef WORKLOAD_STREAM_H
#define WORKLOAD_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "job/complaint.h"
#include "workload/alias.h"
#include "workload/random.h"

enum stream_kind {
    STREAM_UNIFORM,
    STREAM_SCAN,
    STREAM_LOOP,
    STREAM_ZIPF,
    STREAM_PHASES,
    STREAM_TRACE
};

struct stream_form {
    enum stream_kind kind;
    double exponent;    // zipf
    uint64_t span;      // loop, phases
    double mean_length; // phases
};

struct stream {
    struct stream_form form;
    uint64_t count; // of things
    // zipf
    struct alias ranks;
    uint32_t *thing_of; // by rank
    // trace; owned by whoever opened the stream
    const uint64_t *trace;
    uint64_t trace_length;
};

// One reader's place in it.
struct stream_place {
    uint64_t at;   // scan, loop, trace: the next; phases: where the locality begins
    uint64_t left; // phases: references to go in this one
};

#define STREAM_FORMS "uniform, scan, loop:N, zipf:S, phases:N,LENGTH, trace"

// 0 or EINVAL with a complaint without a place.
int stream_parse(const char *text, struct stream_form *form, struct complaint *complaint);
// A stream over `count` things, at most 2^32; the form fits them (span <= count). `seed` is of the
// permutation. For STREAM_TRACE the caller sets `trace` and `trace_length`. Memory from run_map.
void stream_open(struct stream *stream, const struct stream_form *form, uint64_t count,
                 uint64_t seed);
// Reader `number` of `readers`.
void stream_start(const struct stream *stream, struct stream_place *place, unsigned number,
                  unsigned readers);
// 0 .. count - 1.
uint64_t stream_next(const struct stream *stream, struct stream_place *place,
                     struct random *random);

#endif
