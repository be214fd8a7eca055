// SPDX-License-Identifier: MIT
//
// series.c - a value that stands for several: lists and series, cut into the values they mean.
//
// 1. Language
//
//   1,2,4          a list
//   1..8           a series: step 1
//   1,3..9         two terms before the dots: their difference is the step
//   1,2,4..32      three or more: the arithmetic or geometric series that they begin
//   16..4Ki*2      the step itself, which may be +N, *N, and downwards -N, /N
//   1,2,8..32+8    an explicit step begins anew: 1 2, then 8 16 24 32
//
// Pieces are separated by commas outside parentheses. Only numbers, sizes, times, decimal numbers
// and distributions of one size make series; every other kind makes lists. The first operator after
// the dots is the step: arithmetic there goes into parentheses, 1..(2*$ncpus).
//
// 2. Strictness
//
// A series must meet its end, no value may come twice (4Ki and 4096 are the same), no piece may be
// empty. What would be measured twice or not at all is a mistake of the author more often than a
// wish.
//
// 3. Numbers
//
// Terms are whole numbers in the key's base unit; those of a JOB_REAL are multiplied by 10^9, so
// that 0.1,0.2..1 meets its end. A step is an addition or a multiplication by a fraction, in 128
// bits.

#include "job/series.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "job/number.h"

#define LABEL_MAX 32
#define SCALE     1000000000u // of a JOB_REAL

// next = term * multiply / divide + add
struct step {
    __int128 add;
    uint64_t multiply, divide;
};

struct cutting {
    const struct job_key *key;
    struct arena *arena;
    struct series *series;
    size_t room;
    size_t chain; // first value that may be a term of the next series
    size_t offset;
    struct complaint *complaint;
};

static bool is_numeric(const struct job_key *key)
{
    return key->kind == JOB_NUMBER || key->kind == JOB_SIZE || key->kind == JOB_TIME ||
           key->kind == JOB_REAL || key->kind == JOB_DISTRIBUTION;
}

static enum number_units units_of(const struct job_key *key)
{
    return key->kind == JOB_TIME                                    ? NUMBER_TIME
           : key->kind == JOB_SIZE || key->kind == JOB_DISTRIBUTION ? NUMBER_BYTES
                                                                    : NUMBER_COUNT;
}

// The first place outside parentheses that has one of the marks, or the end. Two dots are found by
// a mark '.'; one dot belongs to a number.
static const char *find_outside(const char *at, const char *end, const char *marks)
{
    unsigned open = 0;
    for (; at < end; at++) {
        bool dots = *at != '.' || (at + 1 < end && at[1] == '.');
        if (open == 0 && dots && strchr(marks, *at)) {
            return at;
        }
        open += *at == '(';
        open -= *at == ')' && open > 0;
    }
    return end;
}

bool series_is(const struct job_key *key, const char *text)
{
    const char *end = text + strlen(text);
    if (key->kind == JOB_LIST || key->kind == JOB_SET || key->plain) {
        return false;
    }
    return find_outside(text, end, is_numeric(key) ? ",." : ",") < end;
}

static const char *trim(const char *from, const char **end)
{
    while (from < *end && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (*end > from && ((*end)[-1] == ' ' || (*end)[-1] == '\t')) {
        (*end)--;
    }
    return from;
}

static int read_number(const struct cutting *cutting, const char *from, const char *end,
                       uint64_t *number, struct complaint *complaint)
{
    if (cutting->key->kind != JOB_REAL) {
        return number_parse(from, (size_t)(end - from), units_of(cutting->key), number, complaint);
    }
    const char *text = arena_print(cutting->arena, "(%.*s)*%u", (int)(end - from), from, SCALE);
    return number_parse(text, strlen(text), NUMBER_COUNT, number, complaint);
}

static const char *write_number(const struct cutting *cutting, uint64_t number)
{
    char text[40];
    if (cutting->key->kind != JOB_REAL) {
        number_write(number, units_of(cutting->key), text, sizeof text);
        return arena_copy(cutting->arena, text, strlen(text));
    }
    int length =
        snprintf(text, sizeof text, "%" PRIu64 ".%09" PRIu64, number / SCALE, number % SCALE);
    while (text[length - 1] == '0') {
        length--;
    }
    length -= text[length - 1] == '.';
    return arena_copy(cutting->arena, text, (size_t)length);
}

// A name has no brackets and an end; what does not fit is called by its place in the list.
static const char *label_of(const struct cutting *cutting, const struct series_value *value)
{
    const char *text = value->text;
    if (value->numeric && strpbrk(text, "+-*/() \t")) {
        return write_number(cutting, value->number);
    }
    if (strlen(text) > LABEL_MAX || strpbrk(text, "[]")) {
        return arena_print(cutting->arena, "#%zu", cutting->series->count + 1);
    }
    return text;
}

static int add_value(struct cutting *cutting, struct series_value value)
{
    struct series *series = cutting->series;
    for (size_t i = 0; i < series->count; i++) {
        const struct series_value *other = &series->values[i];
        bool numbers = value.numeric && other->numeric;
        if (numbers ? other->number == value.number : strcmp(other->text, value.text) == 0) {
            complain(cutting->complaint, "%s comes twice", complaint_clip(value.text).text);
            return EINVAL;
        }
    }
    if (series->count == SERIES_MAX) {
        complain(cutting->complaint, "more than %d values", SERIES_MAX);
        return EINVAL;
    }
    if (series->count == cutting->room) {
        cutting->room = cutting->room ? cutting->room * 2 : 8;
        struct series_value *larger =
            arena_get(cutting->arena, cutting->room * sizeof *series->values);
        for (size_t i = 0; i < series->count; i++) {
            larger[i] = series->values[i];
        }
        series->values = larger;
    }
    value.offset = cutting->offset;
    value.label = label_of(cutting, &value);
    series->values[series->count++] = value;
    return 0;
}

// Whether a piece can be one number: what - and / mean in a distribution is no arithmetic.
static bool is_single(const struct job_key *key, const char *from, const char *end)
{
    return key->kind == JOB_DISTRIBUTION ? find_outside(from, end, "-/:@") == end : is_numeric(key);
}

static int add_piece(struct cutting *cutting, const char *from, const char *end)
{
    struct series_value value = {
        .text = arena_copy(cutting->arena, from, (size_t)(end - from)),
    };
    value.numeric = is_single(cutting->key, from, end) &&
                    read_number(cutting, from, end, &value.number, NULL) == 0;
    int error = add_value(cutting, value);
    if (!value.numeric) {
        cutting->chain = cutting->series->count;
    }
    return error;
}

// The step that the terms themselves show.
static int find_step(struct cutting *cutting, uint64_t end, struct step *step)
{
    const struct series_value *terms = cutting->series->values + cutting->chain;
    size_t count = cutting->series->count - cutting->chain;
    *step = (struct step){1, 1, 1};
    if (count == 1 && terms[0].number > end) {
        complain(cutting->complaint,
                 "a series that ends before it begins: give it a step downwards, as in 8..2-2");
        return EINVAL;
    }
    if (count == 1 && (cutting->key->kind == JOB_TIME || cutting->key->kind == JOB_REAL) &&
        terms[0].number != end) {
        complain(cutting->complaint, "a series of %s needs its step: %s",
                 cutting->key->kind == JOB_TIME ? "times" : "decimal numbers",
                 cutting->key->kind == JOB_TIME ? "10ms..50ms+10ms" : "0..1+0.25");
        return EINVAL;
    }
    if (count == 1) {
        return 0;
    }
    bool arithmetic = true, geometric = count > 2 && terms[0].number > 0;
    step->add = (__int128)terms[1].number - terms[0].number;
    for (size_t i = 2; i < count; i++) {
        const unsigned __int128 last = terms[i - 1].number;
        arithmetic &= (__int128)terms[i].number - terms[i - 1].number == step->add;
        geometric &= last * last == (unsigned __int128)terms[i - 2].number * terms[i].number;
    }
    if (!arithmetic && geometric) {
        *step = (struct step){0, terms[1].number, terms[0].number};
    } else if (!arithmetic) {
        complain(cutting->complaint,
                 "the %zu terms before '..' are no series, neither of sums nor "
                 "of products: give its step, as in 8..32+8 or 8..32*2",
                 count);
        return EINVAL;
    }
    return 0;
}

// `at` is the operator.
static int read_step(struct cutting *cutting, const char *at, const char *end, struct step *step)
{
    uint64_t number;
    char sign = *at;
    const char *more = find_outside(at + 1, end, "+-*/");
    if (more < end) {
        complain(cutting->complaint,
                 "the first operator after '..' is the step: put arithmetic in parentheses, as in "
                 "1..(2*8)");
        return EINVAL;
    }
    at = trim(at + 1, &end);
    bool sum = sign == '+' || sign == '-';
    int error =
        sum ? read_number(cutting, at, end, &number, cutting->complaint)
            : number_parse(at, (size_t)(end - at), NUMBER_COUNT, &number, cutting->complaint);
    if (!error && number < (sum ? 1 : 2)) {
        complain(cutting->complaint, "a step of %c%" PRIu64 " leads nowhere", sign, number);
        error = EINVAL;
    }
    if (!error) {
        *step = (struct step){0, 1, 1};
        step->add = sign == '+' ? (__int128)number : sign == '-' ? -(__int128)number : 0;
        step->multiply = sign == '*' ? number : 1;
        step->divide = sign == '/' ? number : 1;
    }
    return error;
}

static int complain_missed(struct cutting *cutting, uint64_t last, __int128 next, uint64_t end)
{
    const char *after =
        next >= 0 && next <= UINT64_MAX ? write_number(cutting, (uint64_t)next) : "no whole number";
    complain(cutting->complaint, "the series misses its end: it goes from %s to %s, past %s",
             write_number(cutting, last), after, write_number(cutting, end));
    return EINVAL;
}

static int walk(struct cutting *cutting, uint64_t end, const struct step *step)
{
    uint64_t term = cutting->series->values[cutting->series->count - 1].number;
    bool up = end > term;
    while (term != end) {
        // At most 2^64 * 2^64 - 1, so that the sign is free.
        unsigned __int128 product = (unsigned __int128)term * step->multiply;
        bool whole = product % step->divide == 0 && product / step->divide <= UINT64_MAX;
        __int128 next = whole ? (__int128)(product / step->divide) + step->add : -1;
        if (next < 0 || next > UINT64_MAX || (up ? next > end : next < end) ||
            (up ? next <= term : next >= term)) {
            return complain_missed(cutting, term, next, end);
        }
        term = (uint64_t)next;
        struct series_value value = {.number = term, .numeric = true};
        value.text = write_number(cutting, term);
        int error = add_value(cutting, value);
        if (error) {
            return error;
        }
    }
    return 0;
}

// FROM..TO and FROM..TO+STEP; `dots` is the first dot.
static int add_series(struct cutting *cutting, const char *from, const char *dots, const char *end)
{
    const char *first_end = dots, *last = dots + 2;
    const char *sign = find_outside(last, end, "+-*/");
    const char *last_end = sign;
    struct step step = {1, 1, 1};
    uint64_t first, to;
    from = trim(from, &first_end);
    last = trim(last, &last_end);
    if (from == first_end || last == last_end || find_outside(last, end, ".") < end) {
        complain(cutting->complaint,
                 "a series is FROM..TO or FROM..TO+STEP, as in 1..8, 16..4Ki*2");
        return EINVAL;
    }
    if (!is_single(cutting->key, from, first_end)) {
        complain(cutting->complaint, "a series is made of single sizes: list ranges one by one, as "
                                     "in 16-64,64-256");
        return EINVAL;
    }
    bool explicit = sign < end;
    int error = read_number(cutting, from, first_end, &first, cutting->complaint);
    error = error ? error : read_number(cutting, last, last_end, &to, cutting->complaint);
    error = error || !explicit ? error : read_step(cutting, sign, end, &step);
    error = error ? error : add_piece(cutting, from, first_end);
    error = error || explicit ? error : find_step(cutting, to, &step);
    error = error ? error : walk(cutting, to, &step);
    cutting->chain = cutting->series->count;
    return error;
}

int series_parse(const struct job_key *key, const char *text, struct arena *arena,
                 struct series *series, size_t *offset, struct complaint *complaint)
{
    const char *end = text + strlen(text);
    struct cutting cutting = {.key = key, .arena = arena, .series = series, .complaint = complaint};
    int error = 0;
    *series = (struct series){0};
    for (const char *at = text; !error; at++) {
        const char *stop = find_outside(at, end, ",");
        const char *piece_end = stop;
        const char *piece = trim(at, &piece_end);
        const char *dots = is_numeric(key) ? find_outside(piece, piece_end, ".") : piece_end;
        cutting.offset = (size_t)(piece - text);
        if (piece == piece_end) {
            complain(complaint, "an empty piece in the list: values are separated by one comma");
            error = EINVAL;
        } else if (dots < piece_end) {
            error = add_series(&cutting, piece, dots, piece_end);
        } else {
            error = add_piece(&cutting, piece, piece_end);
        }
        at = stop;
        if (at == end) {
            break;
        }
    }
    *offset = cutting.offset;
    return error;
}
