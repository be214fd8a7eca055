// SPDX-License-Identifier: MIT
//
// number.c - numbers with units.

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

struct scan {
    const char *at, *end;
    enum number_units units;
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

static int scan_factor(struct scan *scan, bool first, uint64_t *value)
{
    const char *digits = scan->at;
    uint64_t mantissa;
    unsigned decimals;
    int error = scan_decimal(scan, &mantissa, &decimals);
    if (error) {
        return error;
    }
    const char *unit = scan->at;
    while (scan->at < scan->end && *scan->at != '*') {
        scan->at++;
    }
    size_t length = (size_t)(scan->at - unit);
    uint64_t factor = 0;
    for (const struct unit *row = unit_tables[scan->units]; row->name; row++) {
        if (strlen(row->name) == length && memcmp(row->name, unit, length) == 0) {
            factor = row->factor;
        }
    }
    if (length == 0 && (!first || mantissa == 0)) {
        factor = 1; // 0 needs no unit, and a multiplier has none
    }
    if (factor == 0) {
        return unknown_unit(scan, digits, (size_t)(unit - digits), unit, length);
    }
    unsigned __int128 product = (unsigned __int128)mantissa * factor;
    for (; decimals > 0; decimals--) {
        if (product % 10 != 0) {
            complain(scan->complaint, "not a whole number");
            return EINVAL;
        }
        product /= 10;
    }
    if (product > UINT64_MAX) {
        return too_large(scan);
    }
    *value = (uint64_t)product;
    return 0;
}

int number_parse(const char *text, size_t length, enum number_units units, uint64_t *value,
                 struct complaint *complaint)
{
    struct scan scan = {text, text + length, units, complaint};
    uint64_t product;
    int error = scan_factor(&scan, true, &product);
    while (!error && scan.at < scan.end) {
        scan.at++; // the '*'
        uint64_t factor = 0;
        error = scan_factor(&scan, false, &factor);
        if (!error && __builtin_mul_overflow(product, factor, &product)) {
            error = too_large(&scan);
        }
    }
    if (!error) {
        *value = product;
    }
    return error;
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

void number_write_time(uint64_t nanoseconds, char *text, size_t size)
{
    const struct unit *best = time_units;
    for (const struct unit *row = time_units; row->name && nanoseconds; row++) {
        if (nanoseconds % row->factor == 0) {
            best = row;
        }
    }
    snprintf(text, size, "%" PRIu64 "%s", nanoseconds / best->factor, best->name);
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
