// SPDX-License-Identifier: MIT
//
// conf.h - the knobs of MEMS_MALLOC_CONF.

#ifndef MALLOC_CONF_H
#define MALLOC_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"

enum conf_print { CONF_PRINT_NONE, CONF_PRINT_STATS };

struct conf {
    uint64_t decay_ms;
    unsigned thp;        // enum depot_thp
    unsigned background; // 0, 1
    unsigned print;      // enum conf_print
};

extern struct conf conf; // [ro] once read
extern const struct option conf_table[];

// Reads the environment, once there is one; the first time only. Says on stderr what it does not
// understand. Allocates nothing.
void conf_read(void);

// The same of a text: each mistake is passed on. Returns how many there are.
unsigned conf_parse(struct conf *into, const char *text, struct printer *complaint,
                    void (*complain)(struct printer *complaint));

#endif
