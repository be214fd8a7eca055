// SPDX-License-Identifier: MIT
//
// number.c - numbers with units, and arithmetic on them.
//
// Arithmetic is on fractions of 128-bit whole numbers, so that nothing is rounded on the way: 3/2*2
// is 3. What does not fit is told, not wrapped. A time is kept apart from a bare number: it may be
// multiplied and divided by one, added to another time, and divided by another time to a number.

#include "job/number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH         64 // of parentheses
#define QUANTITY_MOST ((__int128)1 << 126)

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit count_units[] = {
    {"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {"T", 1000000000000}, {0},
};

static const struct unit byte_units[] = {
    {"", 1},
    {"k", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"T", 1000000000000},
    {"Ki", 1ull << 10},
    {"Mi", 1ull << 20},
    {"Gi", 1ull << 30},
    {"Ti", 1ull << 40},
    {0},
};

static const struct unit time_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60000000000},
    {"h", 3600000000000},
    {0},
};

// What numbers are written in.
static const struct unit plain_units[] = {{"", 1}, {0}};
static const struct unit binary_units[] = {
    {"", 1}, {"Ki", 1ull << 10}, {"Mi", 1ull << 20}, {"Gi", 1ull << 30}, {"Ti", 1ull << 40}, {0},
};

static const struct unit *const unit_tables[] = {
    [NUMBER_COUNT] = count_units,
    [NUMBER_BYTES] = byte_units,
    [NUMBER_TIME] = time_units,
};

static const char *const unit_help[] = {
    [NUMBER_COUNT] = "units of a number are k M G T (1000)",
    [NUMBER_BYTES] = "units of a size are k M G T (1000) and Ki Mi Gi Ti (1024)",
    [NUMBER_TIME] = "units of a time are ns us ms s m h",
};

// A value on the way: numerator / denominator, denominator > 0 and the two without a common factor.
// `timed`: it has the dimension of a time.
struct quantity {
    __int128 numerator, denominator;
    bool timed;
};

struct scan {
    const char *at, *end;
    enum number_units units;
    unsigned depth; // of parentheses
    struct complaint *complaint;
};

static struct complaint_clip clipped(const char *text, size_t length)
{
    char piece[80];
    snprintf(piece, sizeof piece, "%.*s", (int)(length < 79 ? length : 79), text);
    return complaint_clip(piece);
}

// What somebody who wrote 64kb or 64K may have meant.
static int unknown_unit(const struct scan *scan, const char *digits, size_t digit_count,
                        const char *unit, size_t length)
{
    struct complaint_clip number = clipped(digits, digit_count), name = clipped(unit, length);
    const char *help = unit_help[scan->units];
    int first = toupper((unsigned char)unit[0]);
    if (scan->units == NUMBER_BYTES && memchr("KMGT", first, 4)) {
        const char *decimal = first == 'K' ? "k" : (char[]){(char)first, 0};
        complain(scan->complaint, "unknown unit '%s': write %s%s (1000) or %s%ci (1024); %s",
                 name.text, number.text, decimal, number.text, first, help);
    } else if (scan->units == NUMBER_BYTES && first == 'B' && length == 1) {
        complain(scan->complaint, "unknown unit '%s': a size without a unit is in bytes; %s",
                 name.text, help);
    } else if (scan->units == NUMBER_TIME && length == 0) {
        complain(scan->complaint, "a time needs a unit: write %ss for seconds; %s", number.text,
                 help);
    } else {
        complain(scan->complaint, "unknown unit '%s': %s", name.text, help);
    }
    return EINVAL;
}

static int too_large(const struct scan *scan)
{
    complain(scan->complaint, "the number does not fit in 64 bits");
    return EINVAL;
}

// Digits with an optional fraction: value = mantissa / 10^decimals.
static int scan_decimal(struct scan *scan, uint64_t *mantissa, unsigned *decimals)
{
    bool point = false, any = false;
    *mantissa = 0;
    *decimals = 0;
    for (; scan->at < scan->end; scan->at++) {
        char c = *scan->at;
        if (c == '.' && any && !point) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)c)) {
            break;
        }
        if (__builtin_mul_overflow(*mantissa, 10u, mantissa) ||
            __builtin_add_overflow(*mantissa, (uint64_t)(c - '0'), mantissa)) {
            return too_large(scan);
        }
        any = true;
        *decimals += point;
    }
    if (!any || scan->at[-1] == '.') {
        complain(scan->complaint, "not a number: expected digits, as in %s",
                 scan->units == NUMBER_TIME ? "250ms" : "64");
        return EINVAL;
    }
    return 0;
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t')) {
        scan->at++;
    }
}

static char peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

static bool ends_unit(char c)
{
    return strchr("+-*/() \t", c) != NULL;
}

static __int128 common_factor(__int128 a, __int128 b)
{
    while (b != 0) {
        __int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

static int reduce(struct scan *scan, struct quantity *quantity)
{
    if (quantity->numerator < -QUANTITY_MOST || quantity->numerator > QUANTITY_MOST) {
        return too_large(scan); // also the one number that cannot change its sign
    }
    __int128 factor = common_factor(quantity->numerator, quantity->denominator);
    quantity->numerator /= factor;
    quantity->denominator /= factor;
    return 0;
}

// digits [ "." digits ] [ unit ]
static int scan_literal(struct scan *scan, struct quantity *result)
{
    const char *digits = scan->at;
    uint64_t mantissa;
    unsigned decimals;
    int error = scan_decimal(scan, &mantissa, &decimals);
    if (error) {
        return error;
    }
    const char *unit = scan->at;
    while (scan->at < scan->end && !ends_unit(*scan->at)) {
        scan->at++;
    }
    size_t length = (size_t)(scan->at - unit);
    uint64_t factor = length == 0; // a time may be multiplied by what has no unit
    for (const struct unit *row = unit_tables[scan->units]; row->name && factor == 0; row++) {
        if (strlen(row->name) == length && memcmp(row->name, unit, length) == 0) {
            factor = row->factor;
        }
    }
    if (factor == 0) {
        return unknown_unit(scan, digits, (size_t)(unit - digits), unit, length);
    }
    *result = (struct quantity){.numerator = mantissa, .denominator = 1};
    result->timed = scan->units == NUMBER_TIME && length > 0;
    for (; decimals > 0; decimals--) { // at most 20, or the digits did not fit
        result->denominator *= 10;
    }
    if (__builtin_mul_overflow(result->numerator, (__int128)factor, &result->numerator)) {
        return too_large(scan);
    }
    return reduce(scan, result);
}

static int scan_sum(struct scan *scan, struct quantity *result);

static int scan_factor(struct scan *scan, struct quantity *result)
{
    skip_blanks(scan);
    if (peek(scan) != '(') {
        return scan_literal(scan, result);
    }
    if (++scan->depth > DEPTH) {
        complain(scan->complaint, "more than %d parentheses inside one another", DEPTH);
        return EINVAL;
    }
    scan->at++;
    int error = scan_sum(scan, result);
    if (!error && peek(scan) != ')') {
        complain(scan->complaint, "parentheses that do not match");
        error = EINVAL;
    }
    scan->at++;
    scan->depth--;
    return error;
}

static int multiply(struct scan *scan, struct quantity *result, const struct quantity *by)
{
    if (result->timed && by->timed) {
        complain(scan->complaint, "a time times a time is no time: one of them has no unit");
        return EINVAL;
    }
    if (__builtin_mul_overflow(result->numerator, by->numerator, &result->numerator) ||
        __builtin_mul_overflow(result->denominator, by->denominator, &result->denominator)) {
        return too_large(scan);
    }
    result->timed |= by->timed;
    return reduce(scan, result);
}

static int divide(struct scan *scan, struct quantity *result, const struct quantity *by)
{
    if (by->numerator == 0) {
        complain(scan->complaint, "division by zero");
        return EINVAL;
    }
    if (by->timed && !result->timed) {
        complain(scan->complaint, "a number divided by a time is no time");
        return EINVAL;
    }
    bool timed = result->timed && !by->timed;
    result->timed = false;
    struct quantity inverse = {by->denominator, by->numerator, false};
    if (inverse.denominator < 0) {
        inverse.numerator = -inverse.numerator;
        inverse.denominator = -inverse.denominator;
    }
    int error = multiply(scan, result, &inverse);
    result->timed = timed;
    return error;
}

static int add(struct scan *scan, struct quantity *result, const struct quantity *more, bool minus)
{
    __int128 left, right, shared;
    if (result->timed != more->timed && result->numerator != 0 && more->numerator != 0) {
        complain(scan->complaint, "a time and a number without a unit cannot be added; %s",
                 unit_help[NUMBER_TIME]);
        return EINVAL;
    }
    if (__builtin_mul_overflow(result->numerator, more->denominator, &left) ||
        __builtin_mul_overflow(more->numerator, result->denominator, &right) ||
        __builtin_mul_overflow(result->denominator, more->denominator, &shared) ||
        (minus ? __builtin_sub_overflow(left, right, &left)
               : __builtin_add_overflow(left, right, &left))) {
        return too_large(scan);
    }
    *result = (struct quantity){left, shared, result->timed || more->timed};
    return reduce(scan, result);
}

static int scan_product(struct scan *scan, struct quantity *result)
{
    int error = scan_factor(scan, result);
    skip_blanks(scan);
    while (!error && (peek(scan) == '*' || peek(scan) == '/')) {
        bool quotient = *scan->at++ == '/';
        struct quantity by = {0};
        error = scan_factor(scan, &by);
        if (!error) {
            error = quotient ? divide(scan, result, &by) : multiply(scan, result, &by);
        }
        skip_blanks(scan);
    }
    return error;
}

static int scan_sum(struct scan *scan, struct quantity *result)
{
    int error = scan_product(scan, result);
    while (!error && (peek(scan) == '+' || peek(scan) == '-')) {
        bool minus = *scan->at++ == '-';
        struct quantity more = {0};
        error = scan_product(scan, &more);
        if (!error) {
            error = add(scan, result, &more, minus);
        }
    }
    return error;
}

// What is left when all is read: text that continues nothing.
static int complain_rest(struct scan *scan)
{
    if (peek(scan) == ')') {
        complain(scan->complaint, "parentheses that do not match");
    } else {
        complain(scan->complaint, "'%s' follows a number: expected + - * / or the end",
                 clipped(scan->at, (size_t)(scan->end - scan->at)).text);
    }
    return EINVAL;
}

int number_parse(const char *text, size_t length, enum number_units units, uint64_t *value,
                 struct complaint *complaint)
{
    struct scan scan = {.at = text, .end = text + length, .units = units, .complaint = complaint};
    struct quantity result = {0};
    int error = scan_sum(&scan, &result);
    if (!error && scan.at < scan.end) {
        error = complain_rest(&scan);
    }
    if (error) {
        return error;
    }
    if (units == NUMBER_TIME && !result.timed && result.numerator != 0) {
        return unknown_unit(&scan, text, length, "", 0);
    }
    if (result.numerator < 0) {
        complain(complaint, "below 0");
        return EINVAL;
    }
    if (result.denominator != 1) {
        complain(complaint, "not a whole number");
        return EINVAL;
    }
    if (result.numerator > UINT64_MAX) {
        return too_large(&scan);
    }
    *value = (uint64_t)result.numerator;
    return 0;
}

int number_parse_real(const char *text, size_t length, double *value, struct complaint *complaint)
{
    char copy[64];
    bool plain = length > 0 && length < sizeof copy;
    for (size_t i = 0; plain && i < length; i++) {
        plain = memchr("0123456789.eE+-", text[i], 15) != NULL;
    }
    if (plain) {
        char *end;
        memcpy(copy, text, length);
        copy[length] = 0;
        double read = strtod(copy, &end);
        if (*end == 0 && end != copy && isfinite(read)) {
            *value = read;
            return 0;
        }
    }
    complain(complaint, "not a number: expected digits, as in 0.25");
    return EINVAL;
}

// The largest unit in which the number is whole; all factors of a table grow.
static void write_unit(uint64_t number, const struct unit *table, char *text, size_t size)
{
    const struct unit *best = table;
    for (const struct unit *row = table; row->name && number; row++) {
        if (number % row->factor == 0 && row->factor > best->factor) {
            best = row;
        }
    }
    snprintf(text, size, "%" PRIu64 "%s", number / best->factor, best->name);
}

void number_write(uint64_t number, enum number_units units, char *text, size_t size)
{
    if (units == NUMBER_BYTES && number % 1024 == 0) {
        write_unit(number, binary_units, text, size);
    } else {
        write_unit(number, units == NUMBER_TIME ? time_units : plain_units, text, size);
    }
}

void number_write_time(uint64_t nanoseconds, char *text, size_t size)
{
    write_unit(nanoseconds, time_units, text, size);
}

unsigned number_of_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}
