// SPDX-License-Identifier: MIT
//
// law_conf.h - the law of MEMS_MALLOC_CONF: whatever the text, every knob has a value that it may
// have, and each mistake is told once.

#ifndef MALLOC_LAW_CONF_H
#define MALLOC_LAW_CONF_H

#include "support/test.h"

#include <string.h>

#include "heap/depot.h"
#include "malloc/conf.h"

static unsigned conf_told;

static inline void conf_tell(struct printer *complaint)
{
    assert_true(complaint->length > 0 && complaint->length == strlen(complaint->text));
    conf_told++;
}

static inline void conf_law(const char *text)
{
    char buffer[400];
    struct printer complaint;
    struct conf got;
    memset(&got, 0xff, sizeof got);
    print_init(&complaint, buffer, sizeof buffer);
    conf_told = 0;
    unsigned mistakes = conf_parse(&got, text, &complaint, conf_tell);
    assert_int_equal(mistakes, conf_told);
    assert_true(got.decay_ms <= 86400000 || got.decay_ms == DEPOT_DECAY_NEVER);
    assert_in_range(got.thp, DEPOT_THP_NEVER, DEPOT_THP_ALWAYS);
    assert_in_range(got.background, 0, 1);
    assert_in_range(got.print, CONF_PRINT_NONE, CONF_PRINT_STATS);
}

#endif
