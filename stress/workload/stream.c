// SPDX-License-Identifier: MIT
//
// stream.c - a stream of references.
//
// Zipf's law is drawn from an alias table of all ranks: exact, and one look into memory, whatever
// the exponent.

#include "workload/stream.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "job/number.h"
#include "run/run.h"

#define STREAM_MOST_EXPONENT 10
#define STREAM_MOST_LENGTH   1000000000u

// Whether the text begins with NAME and a colon; *rest is what follows.
static bool stream_is(const char *text, const char *name, const char **rest)
{
    size_t length = strlen(name);
    *rest = text + length + 1;
    return strncmp(text, name, length) == 0 && text[length] == ':';
}

static bool stream_number(const char *text, size_t length, uint64_t *number)
{
    struct complaint ignored = {""};
    return number_parse(text, length, NUMBER_COUNT, number, &ignored) == 0 && *number > 0;
}

static bool stream_phases(const char *rest, struct stream_form *form)
{
    const char *comma = strchr(rest, ',');
    uint64_t length;
    if (comma == NULL || !stream_number(rest, (size_t)(comma - rest), &form->span) ||
        !stream_number(comma + 1, strlen(comma + 1), &length) || length > STREAM_MOST_LENGTH) {
        return false;
    }
    form->mean_length = (double)length;
    return true;
}

int stream_parse(const char *text, struct stream_form *form, struct complaint *complaint)
{
    static const struct {
        const char *name;
        enum stream_kind kind;
    } words[] = {{"uniform", STREAM_UNIFORM}, {"scan", STREAM_SCAN}, {"trace", STREAM_TRACE}};
    const char *rest;
    struct complaint ignored = {""};
    *form = (struct stream_form){0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i].name) == 0) {
            form->kind = words[i].kind;
            return 0;
        }
    }
    if (stream_is(text, "loop", &rest) && stream_number(rest, strlen(rest), &form->span)) {
        form->kind = STREAM_LOOP;
        return 0;
    }
    if (stream_is(text, "zipf", &rest) &&
        number_parse_real(rest, strlen(rest), &form->exponent, &ignored) == 0 &&
        form->exponent >= 0 && form->exponent <= STREAM_MOST_EXPONENT) {
        form->kind = STREAM_ZIPF;
        return 0;
    }
    if (stream_is(text, "phases", &rest) && stream_phases(rest, form)) {
        form->kind = STREAM_PHASES;
        return 0;
    }
    complain(complaint,
             "expected one of " STREAM_FORMS " (S: 0 .. 10; N, LENGTH: 1 or more), as in loop:100, "
             "zipf:1.1, phases:50,10k");
    return EINVAL;
}

static void stream_open_zipf(struct stream *stream, uint64_t seed)
{
    double *weights = run_map(stream->count * sizeof *weights);
    struct random random;
    stream->thing_of = run_map(stream->count * sizeof *stream->thing_of);
    random_init(&random, seed, UINT32_MAX, 0); // the stream of no worker
    for (uint64_t i = 0; i < stream->count; i++) {
        weights[i] = pow((double)(i + 1), -stream->form.exponent);
        // A shuffle from the inside out (Knuth, algorithm P, the other way round).
        uint64_t j = random_below(&random, i + 1);
        stream->thing_of[i] = stream->thing_of[j];
        stream->thing_of[j] = (uint32_t)i;
    }
    alias_build(&stream->ranks, weights, stream->count);
}

void stream_open(struct stream *stream, const struct stream_form *form, uint64_t count,
                 uint64_t seed)
{
    *stream = (struct stream){.form = *form, .count = count};
    if (form->kind == STREAM_SCAN) {
        stream->form.span = count;
    } else if (form->kind == STREAM_ZIPF) {
        stream_open_zipf(stream, seed);
    }
}

void stream_start(const struct stream *stream, struct stream_place *place, unsigned number,
                  unsigned readers)
{
    *place = (struct stream_place){0};
    if (stream->form.kind == STREAM_TRACE) {
        place->at = (uint64_t)((unsigned __int128)stream->trace_length * number / readers);
    }
}

// The next locality, and for how long: geometric, at least 1.
static void stream_phase(const struct stream *stream, struct stream_place *place,
                         struct random *random)
{
    double share = ((double)(random_next(random) >> 11) + 1) * 0x1p-53; // (0, 1]
    double mean = stream->form.mean_length;
    place->at = random_below(random, stream->count);
    place->left = 1 + (mean > 1 ? (uint64_t)(log(share) / log1p(-1 / mean)) : 0);
}

uint64_t stream_next(const struct stream *stream, struct stream_place *place, struct random *random)
{
    uint64_t thing = place->at;
    switch (stream->form.kind) {
    case STREAM_UNIFORM:
        return random_below(random, stream->count);
    case STREAM_ZIPF:
        return stream->thing_of[alias_draw(&stream->ranks, random_next(random))];
    case STREAM_SCAN:
    case STREAM_LOOP:
        place->at = thing + 1 == stream->form.span ? 0 : thing + 1;
        return thing;
    case STREAM_PHASES:
        if (place->left == 0) {
            stream_phase(stream, place, random);
        }
        place->left--;
        return (place->at + random_below(random, stream->form.span)) % stream->count;
    case STREAM_TRACE:
        break;
    }
    place->at = thing + 1 == stream->trace_length ? 0 : thing + 1;
    return stream->trace[thing];
}
