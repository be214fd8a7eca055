// SPDX-License-Identifier: MIT
//
// suggest.c - did you mean: the known word nearest to a mistyped one.
//
// Near is the Damerau-Levenshtein distance in its restricted form (optimal string alignment): one
// insertion, deletion, substitution or swap of neighbours each costs 1, upper and lower case are
// the same letter. A word is near when that costs at most a third of its letters, at least 1 and
// at most 3, and fewer than it has.

#include "job/job.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 160

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int folded(char c)
{
    return tolower((unsigned char)c);
}

static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++) {
        last[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned other = folded(a[i - 1]) != folded(b[j - 1]);
            row[j] = least_of(least_of(last[j] + 1, row[j - 1] + 1), last[j - 1] + other);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1])) {
                row[j] = least_of(row[j], before[j - 2] + 1);
            }
        }
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_length];
}

const char *job_suggest(const char *word, const char *const *words)
{
    size_t length = strlen(word);
    if (length == 0 || length > WORD_MAX) {
        return NULL;
    }
    unsigned allowed = least_of(length < 6 ? 1 : (unsigned)length / 3, 3);
    const char *nearest = NULL;
    unsigned nearest_cost = allowed + 1;
    for (; *words; words++) {
        size_t other = strlen(*words);
        if (other > WORD_MAX) {
            continue;
        }
        unsigned cost = distance(word, length, *words, other);
        if (cost < nearest_cost && cost < length && cost < other) {
            nearest = *words;
            nearest_cost = cost;
        }
    }
    return nearest;
}
