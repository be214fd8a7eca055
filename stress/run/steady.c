// SPDX-License-Identifier: MIT
//
// steady.c - whether a rate has become steady: the rule of a job, judged over the last parts.
//
// 1. Theory (fio's steady state detection). The rate is taken in parts of a window, a tenth of it
//    each. With dev:P% the rate is steady when no part of the window is further than P % of the
//    mean from the mean; with slope:P% when the line of least squares through the parts changes by
//    less than P % of the mean from the beginning of the window to its end. A slope forgives noise,
//    a deviation forgives nothing.
// 2. The window slides by a part at a time: the first judgement comes when it is full, the next one
//    a part later.
// 3. A window in which nothing was done is not steady: there is no mean to compare with.

#include "run/steady.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "job/number.h"

static const struct {
    const char *word;
    enum steady_kind kind;
} steady_words[] = {{"dev:", STEADY_DEVIATION}, {"slope:", STEADY_SLOPE}};

// The percentage behind the word: digits and a '%'.
static int steady_percent(const char *text, double *share)
{
    size_t length = strlen(text);
    double percent;
    if (length < 2 || text[length - 1] != '%' ||
        number_parse_real(text, length - 1, &percent, NULL) != 0 || percent <= 0 || percent > 100) {
        return EINVAL;
    }
    *share = percent / 100;
    return 0;
}

static int steady_parse(const char *text, struct steady_rule *rule)
{
    for (size_t i = 0; i < sizeof steady_words / sizeof steady_words[0]; i++) {
        size_t length = strlen(steady_words[i].word);
        if (strncmp(text, steady_words[i].word, length) == 0) {
            rule->kind = steady_words[i].kind;
            return steady_percent(text + length, &rule->limit);
        }
    }
    return EINVAL;
}

int steady_read(const struct job_section *section, struct steady_rule *rule,
                struct complaint *complaint)
{
    const char *text = job_text(section, "steady");
    uint64_t window = job_number(section, "steady_window");
    uint64_t runtime = job_number(section, "ops") == 0 ? job_number(section, "runtime") : 0;
    *rule = (struct steady_rule){STEADY_OFF, 0, window / STEADY_PARTS};
    if (*text == '\0') {
        return 0;
    }
    if (steady_parse(text, rule) != 0) {
        job_complain(section, "steady", complaint,
                     "allowed is dev:P%% or slope:P%% with P above 0 and up to 100, as in dev:5%%");
        return EINVAL;
    }
    if (runtime != 0 && runtime < window) {
        job_complain(section, "steady_window", complaint,
                     "longer than runtime = %s, within which the rate is to become steady",
                     job_text(section, "runtime"));
        return EINVAL;
    }
    return 0;
}

void steady_add(struct steady *steady, double rate)
{
    if (steady->count == STEADY_PARTS) {
        memmove(&steady->rate[0], &steady->rate[1], (STEADY_PARTS - 1) * sizeof steady->rate[0]);
        steady->count--;
    }
    steady->rate[steady->count++] = rate;
}

static double steady_mean(const struct steady *steady)
{
    double sum = 0;
    for (unsigned i = 0; i < STEADY_PARTS; i++) {
        sum += steady->rate[i];
    }
    return sum / STEADY_PARTS;
}

static double steady_furthest(const struct steady *steady, double mean)
{
    double furthest = 0;
    for (unsigned i = 0; i < STEADY_PARTS; i++) {
        furthest = fmax(furthest, fabs(steady->rate[i] - mean));
    }
    return furthest;
}

// How far the line of least squares rises or falls over the window.
static double steady_change(const struct steady *steady, double mean)
{
    double products = 0;
    double squares = 0;
    for (unsigned i = 0; i < STEADY_PARTS; i++) {
        double x = i - (STEADY_PARTS - 1) / 2.0;
        products += x * (steady->rate[i] - mean);
        squares += x * x;
    }
    return fabs(products / squares) * STEADY_PARTS;
}

double steady_deviation(const struct steady *steady)
{
    double mean = steady_mean(steady);
    if (steady->count < STEADY_PARTS || !(mean > 0)) {
        return NAN;
    }
    return (steady->rule.kind == STEADY_SLOPE ? steady_change(steady, mean)
                                              : steady_furthest(steady, mean)) /
           mean;
}

bool steady_reached(const struct steady *steady)
{
    double deviation = steady_deviation(steady);
    return steady->rule.kind != STEADY_OFF && !isnan(deviation) && deviation <= steady->rule.limit;
}
