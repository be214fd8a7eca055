// SPDX-License-Identifier: MIT
//
// classes.c - which sizes magazines hold (see classes.h).

#include "cache/classes.h"

#include <string.h>

static void add(struct cache_classes *classes, uint64_t size, uint64_t limit)
{
    if (size <= limit && classes->count < CLASSES_MOST) {
        classes->size[classes->count++] = size;
    }
}

static void ladder(struct cache_classes *classes, uint64_t limit)
{
    for (uint64_t size = CLASSES_STEP; size <= 128; size += CLASSES_STEP) {
        add(classes, size, limit);
    }
    for (uint64_t octave = 128; octave < limit; octave *= 2) {
        for (uint64_t quarter = 1; quarter <= 4; quarter++) {
            add(classes, octave + quarter * octave / 4, limit);
        }
    }
}

void cache_classes_init(struct cache_classes *classes, const uint64_t *sizes, size_t count,
                        uint64_t limit)
{
    memset(classes, 0, sizeof *classes);
    limit = limit < CLASSES_LARGEST ? limit : CLASSES_LARGEST;
    if (sizes == NULL) {
        ladder(classes, limit);
    }
    for (size_t i = 0; i < count; i++) {
        add(classes, sizes[i], limit);
    }
    classes->largest = classes->count == 0 ? 0 : classes->size[classes->count - 1];
    unsigned class = 0;
    for (uint64_t n = CLASSES_STEP; n <= classes->largest; n += CLASSES_STEP) {
        while (classes->size[class] < n) {
            class ++;
        }
        classes->lookup[n / CLASSES_STEP] = (uint8_t) class;
    }
}
