// SPDX-License-Identifier: MIT
//
// rule.h - replacement as a rule that can be told: which page goes, and why.
//
// 1. What it is for. The engine says which page it took; a student wants to know why. So each
//    algorithm is here once more, as small as a textbook has it, with what it goes by in the open:
//    when each page came and was last used, how often, R and M bits, the hand. It is asked for a
//    victim with a reason, and told what the engine did.
// 2. The engine decides. Where the rule would have taken another page than the engine did, the walk
//    (walk.h) tells no reason from there on. The tests hold rule and engine against each other on
//    random strings, for each algorithm that has a rule.
// 3. Ties. OPT may choose among pages that are never used again, random among all: there the rule
//    takes the engine's, and says that it might have been another.
// 4. Without a rule. ARC, 2Q, LIRS and S3-FIFO keep lists that cannot be seen from outside: of
//    their victims the reason says how the page was used, and claims no more.
// 5. A state as given. An exercise may begin with pages that are in memory already, with their
//    times and bits (rule_set): then a victim can be asked for without an engine.

#ifndef FAULTS_RULE_H
#define FAULTS_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/references.h"

#define RULE_NONE UINT64_MAX

struct rule_page {
    bool in, r, m;
    uint64_t loaded, last; // times: references from 1
    uint64_t count;        // references since it was loaded
    uint64_t frame;
};

struct rule;

// `algorithm` is a name of faults_algorithm_at; `parameter` its tau or F. The references live as
// long. NULL: out of memory.
struct rule *rule_open(const char *algorithm, uint64_t parameter, uint64_t frames,
                       const struct references *references);
void rule_close(struct rule *rule);

// Whether the algorithm has a rule (4.), whether it has R bits and a hand that can be shown.
bool rule_is_told(const struct rule *rule);
bool rule_has_bits(const struct rule *rule);
bool rule_has_hand(const struct rule *rule);
const struct rule_page *rule_page(const struct rule *rule, uint64_t page);
// The page that the hand is at, or RULE_NONE.
uint64_t rule_hand(const struct rule *rule);
// "W" of ws and pff: whether the page belongs to what is to stay.
bool rule_keeps(const struct rule *rule, uint64_t page);

// A page that is in memory when the exercise begins.
void rule_set(struct rule *rule, uint64_t page, const struct rule_page *as);

// Reference `index` of the string. Before it: what the rule wants to happen, and why. Afterwards
// the rule has gone on by it. `took` is what the engine took (for 3.), `frame` where the page is
// now, `free`: into a frame that nobody had.
struct rule_verdict {
    bool fault;
    uint64_t victims[64]; // in the order in which they go
    size_t victim_count;
};
void rule_use(struct rule *rule, size_t index, const uint64_t *took, size_t took_count,
              uint64_t frame, bool fault, char *why, size_t size, struct rule_verdict *verdict);

// The page that would go now, and why.
uint64_t rule_victim(struct rule *rule, char *why, size_t size);

#endif
