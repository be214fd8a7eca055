// SPDX-License-Identifier: MIT
//
// rule_inner.h - what a rule goes by, for the rules themselves.

#ifndef FAULTS_RULE_INNER_H
#define FAULTS_RULE_INNER_H

#include "faults/rule.h"

struct rule_text {
    char *text;
    size_t size, length;
};

void rule_say(struct rule_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct rule_algorithm {
    const char *name;
    const char *hit; // what a hit changes
    const char *bit; // what R is called: "R", "visited"; NULL: there is none
    bool hand, load_ref, variable;
    // The page that goes, of those that are in; says why.
    uint64_t (*pick)(struct rule *rule, struct rule_text *why);
    void (*load)(struct rule *rule, uint64_t page); // more than rule_load does
};

// order: the pages that are in, each once; hand <= count                                     (RU1)
struct rule {
    const struct rule_algorithm *algorithm;
    const struct references *references;
    uint64_t parameter, frames;
    struct rule_page *pages;
    uint64_t *order; // in order of arrival; a clock's ring
    size_t count;
    size_t hand;
    uint64_t now;   // references so far, the one under way included
    uint64_t loads; // nru: since R was cleared
    uint64_t fault; // pff: the last one
    uint64_t nru_hand;
    uint64_t hint; // what the engine took, or RULE_NONE
};

extern const struct rule_algorithm rule_algorithms[]; // ends with a name NULL

uint64_t rule_name(const struct rule *rule, uint64_t page);
void rule_remove(struct rule *rule, uint64_t page);

#endif
