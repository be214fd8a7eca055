// SPDX-License-Identifier: MIT
//
// distribution.c - sizes drawn at random, at the price of two multiplications.
//
// 1. Theory
//
// Every distribution is turned into a mixture of buckets: bucket i is taken with chance p_i, and
// within it every size from low_i to high_i is as likely as any other. 64 is one bucket of one
// size, 16-1000 is one bucket, weights are a bucket each. The curves are cut into buckets
// whose p_i come from their distribution functions, so that at the end of each bucket the mixture
// and the curve agree. On whole numbers s from a to b the curves are
//
//   log:    F(s) = ln((s + 1) / a) / ln((b + 1) / a)
//   invsq:  F(s) = (1/a - 1/(s + 1)) / (1/a - 1/(b + 1))
//   exp:    F(s) = (1 - e^(-(s + 1 - a) / m)) / (1 - e^(-(b + 1 - a) / m))
//
// that is, the continuous law on [a, b + 1) rounded down. zipf is the law on the whole numbers
// themselves: size s has the weight s^-S, at S = 1 the harmonic one. Its buckets are summed, number
// by number up to 4096, and beyond as the integral of x^-S from half a size below to half above,
// which is off by S (S + 1) / 24 of the square of 1/s.
//
// 2. Buckets and error
//
// For log and invsq a bucket is 1/23 of its size wide (16 an octave), so sizes up to 45 have their
// own. For exp a bucket is besides at most m/32 wide at the least size, growing with the square
// root of the density's inverse. For zipf a bucket is besides at most 1/(16 S) of its size wide at
// the least size, growing in the same way. Within a bucket the share of the sizes up to s is off by
// less than 0.0005 of everything; at its ends by nothing but rounding.
//
// 3. Drawing
//
// Walker's alias method, built as Vose does: n columns of equal chance, each split in two parts of
// at most two buckets. random * n as a 128-bit product gives the column above and a fresh uniform
// fraction below; the fraction decides the part, and what is left of it, times the factor
// width / part, is the place in the bucket. No logarithm, no division, no loop. Source: M. D. Vose,
// "A linear algorithm for generating random numbers with a given distribution", 1991.
//
// A part narrower than its bucket's width in 2^-64ths cannot reach every size; it is given to the
// other part. With sizes up to 2^50 that moves less than 2^-14 / n of everything.

#include "job/distribution.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "job/number.h"

#define SIZE_LIMIT  (UINT64_C(1) << 50)
#define BUCKETS_MAX 4096
#define ZIPF_MOST   100.0 // the largest exponent: all but one in 2^100 draws are the least size
#define ZIPF_SUMMED 4096u // up to this size every one is a term of its own

struct distribution_bucket {
    uint64_t low, width; // sizes low .. low + width - 1
    double share;
};

struct part {
    uint64_t low;
    uint64_t factor; // floor(width * 2^64 / length of the part); width itself for a whole column
};

struct distribution_column {
    uint64_t split; // fractions below it are part[0]
    struct part part[2];
};

static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)(((unsigned __int128)a * b) >> 64);
}

uint64_t distribution_draw_mixed(const struct distribution *distribution, uint64_t random)
{
    unsigned __int128 product = (unsigned __int128)random * distribution->count;
    const struct distribution_column *column = &distribution->columns[(size_t)(product >> 64)];
    uint64_t fraction = (uint64_t)product;
    bool second = fraction >= column->split;
    const struct part *part = &column->part[second];
    return part->low + multiply_high(fraction - (second ? column->split : 0), part->factor);
}

uint64_t distribution_least(const struct distribution *distribution)
{
    return distribution->least;
}

uint64_t distribution_most(const struct distribution *distribution)
{
    return distribution->most;
}

double distribution_mean(const struct distribution *distribution)
{
    return distribution->mean;
}

double distribution_share_up_to(const struct distribution *distribution, uint64_t size)
{
    double share = 0;
    if (size >= distribution->most) {
        return 1;
    }
    for (size_t i = 0; i < distribution->count; i++) {
        const struct distribution_bucket *bucket = &distribution->buckets[i];
        if (size >= bucket->low + (bucket->width - 1)) {
            share += bucket->share;
        } else if (size >= bucket->low) {
            share += bucket->share * (double)(size - bucket->low + 1) / (double)bucket->width;
        }
    }
    return share < 1 ? share : 1;
}

void distribution_free(struct distribution *distribution)
{
    if (distribution) {
        free(distribution->buckets);
        free(distribution->columns);
        free(distribution);
    }
}

// A part of `length` (0: all 2^64) of its column.
static struct part part_of(const struct distribution_bucket *bucket, uint64_t length)
{
    struct part part = {bucket->low, bucket->width};
    if (length > 0) {
        part.factor = (uint64_t)(((unsigned __int128)bucket->width << 64) / length);
    }
    return part;
}

static void set_column(struct distribution_column *column, double share,
                       const struct distribution_bucket *own,
                       const struct distribution_bucket *other)
{
    double split = ldexp(share, 64);
    if (split >= 0x1p64 - (double)other->width - 2048) {
        *column = (struct distribution_column){UINT64_MAX, {part_of(own, 0), part_of(own, 0)}};
        column->part[1].factor = 0; // the last of 2^64 fractions: the bucket's first size
        return;
    }
    column->split = split > (double)own->width ? (uint64_t)split : 0;
    column->part[0] = part_of(own, column->split);
    column->part[1] = part_of(other, column->split ? 0 - column->split : 0);
}

// Vose's method: a bucket that has less than a column's chance is topped up by one that has more.
static int build_columns(struct distribution *distribution)
{
    size_t count = distribution->count, small_count = 0, large_count = 0;
    double *scaled = malloc(count * sizeof *scaled);
    size_t *small = malloc(count * sizeof *small), *large = malloc(count * sizeof *large);
    distribution->columns = calloc(count, sizeof *distribution->columns);
    int error = scaled && small && large && distribution->columns ? 0 : ENOMEM;
    for (size_t i = 0; i < count && !error; i++) {
        scaled[i] = distribution->buckets[i].share * (double)count;
        if (scaled[i] < 1) {
            small[small_count++] = i;
        } else {
            large[large_count++] = i;
        }
    }
    while (!error && small_count > 0 && large_count > 0) {
        size_t less = small[--small_count], more = large[large_count - 1];
        set_column(&distribution->columns[less], scaled[less], &distribution->buckets[less],
                   &distribution->buckets[more]);
        scaled[more] -= 1 - scaled[less];
        if (scaled[more] < 1) {
            large_count--;
            small[small_count++] = more;
        }
    }
    while (!error && small_count + large_count > 0) { // 1 but for rounding
        size_t i = small_count ? small[--small_count] : large[--large_count];
        const struct distribution_bucket *bucket = &distribution->buckets[i];
        set_column(&distribution->columns[i], 1, bucket, bucket);
    }
    free(scaled);
    free(small);
    free(large);
    return error;
}

static int finish(struct distribution *distribution)
{
    double total = 0, mean = 0;
    distribution->least = UINT64_MAX;
    for (size_t i = 0; i < distribution->count; i++) {
        total += distribution->buckets[i].share;
    }
    for (size_t i = 0; i < distribution->count; i++) {
        struct distribution_bucket *bucket = &distribution->buckets[i];
        uint64_t high = bucket->low + (bucket->width - 1);
        bucket->share /= total;
        mean += bucket->share * ((double)bucket->low + (double)(bucket->width - 1) / 2);
        distribution->least = bucket->low < distribution->least ? bucket->low : distribution->least;
        distribution->most = high > distribution->most ? high : distribution->most;
    }
    distribution->mean = mean;
    distribution->low = distribution->buckets[0].low;
    distribution->width = distribution->buckets[0].width;
    return distribution->count > 1 ? build_columns(distribution) : 0;
}

// The text that is being read.
struct reading {
    const char *text;
    struct distribution *made;
    struct complaint *complaint;
};

static int add_bucket(struct reading *reading, uint64_t low, uint64_t high, double share)
{
    struct distribution *made = reading->made;
    if (made->count == BUCKETS_MAX) {
        complain(reading->complaint, "more than %d sizes or ranges", BUCKETS_MAX);
        return EINVAL;
    }
    if ((made->count & (made->count - 1)) == 0) { // grown at powers of two
        size_t room = made->count ? made->count * 2 : 1;
        struct distribution_bucket *larger = realloc(made->buckets, room * sizeof *larger);
        if (!larger) {
            complain(reading->complaint, "%s", strerror(ENOMEM));
            return ENOMEM;
        }
        made->buckets = larger;
    }
    made->buckets[made->count++] = (struct distribution_bucket){low, high - low + 1, share};
    return 0;
}

static int read_size(struct reading *reading, const char *text, size_t length, uint64_t *size)
{
    int error = number_parse(text, length, NUMBER_BYTES, size, reading->complaint);
    if (!error && *size > SIZE_LIMIT) {
        complain(reading->complaint, "a size above 1024Ti");
        error = EINVAL;
    }
    return error;
}

// The first `mark` outside parentheses, where it is arithmetic; NULL: none.
static const char *find_mark(const char *text, size_t length, char mark)
{
    unsigned open = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == mark && open == 0) {
            return text + i;
        }
        open += text[i] == '(';
        open -= text[i] == ')' && open > 0;
    }
    return NULL;
}

// SIZE or FROM-TO.
static int read_range(struct reading *reading, const char *text, size_t length, bool both,
                      uint64_t *low, uint64_t *high)
{
    const char *dash = find_mark(text, length, '-');
    size_t first = dash ? (size_t)(dash - text) : length;
    if (!dash && both) {
        complain(reading->complaint, "expected a range FROM-TO, as in 16-1000");
        return EINVAL;
    }
    int error = read_size(reading, text, first, low);
    *high = *low;
    if (!error && dash) {
        error = read_size(reading, dash + 1, length - first - 1, high);
    }
    if (!error && *high < *low) {
        complain(reading->complaint, "a range that ends before it begins: write the smaller first");
        error = EINVAL;
    }
    return error;
}

// SIZE or FROM-TO, or several of them with weights.
static int read_weights(struct reading *reading, const char *text)
{
    bool several = strchr(text, ':') != NULL;
    double total = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ":");
        const char *slash = find_mark(at, length, '/');
        size_t size_length = slash ? (size_t)(slash - at) : length;
        uint64_t low = 0, high = 0;
        double weight = 1;
        int error = read_range(reading, at, size_length, false, &low, &high);
        if (!error && slash) {
            error =
                number_parse_real(slash + 1, length - size_length - 1, &weight, reading->complaint);
        }
        if (!error && (weight < 0 || weight > 1e15 || (several && !slash))) {
            complain(reading->complaint, "%s",
                     slash ? "a weight is a number from 0 to 1e15"
                           : "each of several sizes needs a weight, as in 64/50:4k/40:1M/10");
            error = EINVAL;
        }
        if (!error && weight > 0) {
            error = add_bucket(reading, low, high, weight);
        }
        if (error) {
            return error;
        }
        total += weight;
        at += length;
        if (!*at) {
            break;
        }
    }
    if (total <= 0) {
        complain(reading->complaint, "all weights are 0");
        return EINVAL;
    }
    return 0;
}

struct curve {
    uint64_t low, high;
    double mean;     // exp
    double exponent; // zipf
    double (*share_below)(const struct curve *curve, double size);
    // Of sizes low .. high, by themselves, in place of share_below; NULL: there is none.
    double (*weight)(const struct curve *curve, uint64_t low, uint64_t high);
    double (*width)(const struct curve *curve, double size);
};

static double log_share(const struct curve *curve, double size)
{
    return log(size / (double)curve->low);
}

static double invsq_share(const struct curve *curve, double size)
{
    return (size - (double)curve->low) / (size * (double)curve->low);
}

static double exp_share(const struct curve *curve, double size)
{
    return -expm1(-(size - (double)curve->low) / curve->mean);
}

static double geometric_width(const struct curve *curve, double size)
{
    (void)curve;
    return size / 23;
}

static double exp_width(const struct curve *curve, double size)
{
    double means = (size - (double)curve->low) / curve->mean;
    double width = curve->mean / 32 * exp(fmin(means, 80) / 2);
    return fmin(width, fmax(size / 23, curve->mean / 32));
}

// Weights are s^-S in units of that of the least size, which keeps them in a double's range.
static double zipf_weight(const struct curve *curve, uint64_t low, uint64_t high)
{
    double least = (double)curve->low;
    double weight = 0;
    for (; low <= high && low <= ZIPF_SUMMED; low++) {
        weight += pow((double)low / least, -curve->exponent);
    }
    if (low <= high) {
        double from = (double)low - 0.5, rest = 1 - curve->exponent;
        double octaves = log1p((double)(high - low + 1) / from);
        double integral = rest == 0 ? octaves : expm1(rest * octaves) / rest;
        weight += pow(from / least, -curve->exponent) * from * integral;
    }
    return weight;
}

static double zipf_width(const struct curve *curve, double size)
{
    double rarer = pow(size / (double)curve->low, fmin(1 - curve->exponent, 0) / 2);
    return size / fmax(23, 16 * curve->exponent * rarer);
}

static int cut_curve(struct reading *reading, const struct curve *curve)
{
    double end = (double)curve->high + 1;
    double whole = curve->weight ? 1 : curve->share_below(curve, end), before = 0;
    for (uint64_t low = curve->low; low <= curve->high;) {
        double width = floor(curve->width(curve, (double)low));
        uint64_t step = width < 1 ? 1 : (uint64_t)fmin(width, 0x1p50);
        uint64_t high = curve->high - low < step ? curve->high : low + step - 1;
        double share;
        if (curve->weight) {
            share = curve->weight(curve, low, high);
        } else {
            double upto = curve->share_below(curve, (double)high + 1);
            share = (upto - before) / whole;
            before = upto;
        }
        int error = add_bucket(reading, low, high, share);
        if (error) {
            return error;
        }
        low = high + 1;
    }
    return 0;
}

// What stands before the @ of a curve that has a parameter; `*text` then is its range.
static int read_mean(struct reading *reading, const char **text, struct curve *curve)
{
    const char *at = strchr(*text, '@');
    uint64_t mean = 0;
    if (!at) {
        complain(reading->complaint, "expected MEAN@FROM-TO, as in exp:256@16-8000");
        return EINVAL;
    }
    int error = read_size(reading, *text, (size_t)(at - *text), &mean);
    if (!error && mean == 0) {
        complain(reading->complaint, "the mean must be at least 1");
        error = EINVAL;
    }
    curve->mean = (double)mean;
    *text = at + 1;
    return error;
}

static int read_exponent(struct reading *reading, const char **text, struct curve *curve)
{
    const char *at = strchr(*text, '@');
    if (!at) {
        complain(reading->complaint, "expected S@FROM-TO, as in zipf:1.2@16-8000");
        return EINVAL;
    }
    int error =
        number_parse_real(*text, (size_t)(at - *text), &curve->exponent, reading->complaint);
    if (!error && !(curve->exponent > 0 && curve->exponent <= ZIPF_MOST)) {
        complain(reading->complaint, "the exponent of zipf is a number above 0, at most %g",
                 ZIPF_MOST);
        error = EINVAL;
    }
    *text = at + 1;
    return error;
}

struct curve_form {
    const char *prefix;
    struct curve curve; // as it is before its text is read
    int (*parameter)(struct reading *reading, const char **text, struct curve *curve);
};

// log:FROM-TO, invsq:FROM-TO, exp:MEAN@FROM-TO, zipf:S@FROM-TO
static const struct curve_form curve_forms[] = {
    {"log:", {.share_below = log_share, .width = geometric_width}, NULL},
    {"invsq:", {.share_below = invsq_share, .width = geometric_width}, NULL},
    {"exp:", {.share_below = exp_share, .width = exp_width}, read_mean},
    {"zipf:", {.weight = zipf_weight, .width = zipf_width}, read_exponent},
};

static const struct curve_form *find_curve(const char *text)
{
    for (size_t i = 0; i < sizeof curve_forms / sizeof curve_forms[0]; i++) {
        if (strncmp(text, curve_forms[i].prefix, strlen(curve_forms[i].prefix)) == 0) {
            return &curve_forms[i];
        }
    }
    return NULL;
}

static int read_curve(struct reading *reading, const struct curve_form *form)
{
    const char *text = reading->text + strlen(form->prefix);
    struct curve curve = form->curve;
    int error = form->parameter ? form->parameter(reading, &text, &curve) : 0;
    error = error ? error : read_range(reading, text, strlen(text), true, &curve.low, &curve.high);
    if (!error && curve.low == 0) {
        complain(reading->complaint, "the range must begin at 1 or above");
        error = EINVAL;
    }
    return error ? error : cut_curve(reading, &curve);
}

int distribution_parse(const char *text, struct distribution **distribution,
                       struct complaint *complaint)
{
    struct reading reading = {text, calloc(1, sizeof **distribution), complaint};
    if (!reading.made) {
        complain(complaint, "%s", strerror(ENOMEM));
        return ENOMEM;
    }
    const struct curve_form *curve = find_curve(text);
    int error = 0;
    if (!curve && ((text[0] | 32) >= 'a' && (text[0] | 32) <= 'z')) {
        complain(complaint, "unknown distribution: allowed is SIZE, FROM-TO, "
                            "SIZE/WEIGHT:SIZE/WEIGHT, log:FROM-TO, invsq:FROM-TO, "
                            "exp:MEAN@FROM-TO, zipf:S@FROM-TO");
        error = EINVAL;
    } else {
        error = curve ? read_curve(&reading, curve) : read_weights(&reading, text);
    }
    error = error ? error : finish(reading.made);
    if (error) {
        complain(complaint, "%s", strerror(error));
        distribution_free(reading.made);
        return error;
    }
    *distribution = reading.made;
    return 0;
}

// Where the size that begins at `text` ends: at a mark of the language outside parentheses.
static size_t size_length(const char *text)
{
    static const char marks[] = "-/:@";
    size_t length = strlen(text);
    for (const char *mark = marks; *mark; mark++) {
        const char *found = find_mark(text, length, *mark);
        length = found ? (size_t)(found - text) : length;
    }
    return length;
}

void distribution_write(const char *text, FILE *out)
{
    if (isalpha((unsigned char)text[0])) {
        size_t prefix = strcspn(text, ":") + 1;
        fprintf(out, "%.*s", (int)prefix, text);
        bool exponent = strncmp(text, "zipf:", prefix) == 0;
        text += prefix;
        size_t at = exponent ? strcspn(text, "@") : 0;
        fprintf(out, "%.*s", (int)at, text);
        text += at;
        if (at > 0 && *text) {
            putc(*text++, out);
        }
    }
    while (*text) {
        size_t length = size_length(text);
        uint64_t size = 0;
        number_parse(text, length, NUMBER_BYTES, &size, NULL);
        fprintf(out, "%" PRIu64, size);
        text += length;
        if (*text == '/') {
            length = strcspn(text, ":");
            fprintf(out, "%.*s", (int)length, text); // a weight
            text += length;
        }
        if (*text) {
            putc(*text++, out);
        }
    }
}
