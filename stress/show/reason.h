// SPDX-License-Identifier: MIT
//
// reason.h - why a step came out as it did: why this hole, this partition, these frames.
//
// 1. From what was there. The memory before the operation, the policy's rule and where the block is
//    afterwards: three things that must fit together. The rule picks a place from the first; where
//    that is not the third, the step has no reason rather than a wrong one. (The tests hold the
//    rules against all fits on random traces, and there no reason may be missing.)
// 2. Rules. first, next (a rover at the end of the last allocation), best, worst, buddies, the
//    queues of fixed partitions, lowest free frames. TLSF's lists and a slab's bins cannot be seen
//    from outside: there the reason says only what can.
// 3. If you change this: a policy that places by another rule needs one here, and it is silent
//    until then.

#ifndef SHOW_REASON_H
#define SHOW_REASON_H

#include "show/show.h"

struct reason;

// NULL: out of memory. `policy` and `options` as the engine was opened; they, and the trace, live
// as long.
struct reason *reason_open(const struct trace *trace, const char *policy, const char *options,
                           uint64_t unit);
void reason_close(struct reason *reason);
// The memory as it is before an operation; copied.
void reason_before(struct reason *reason, const struct show_map *map);
// Sets step->reason and step->choice from what came of it. `map`: the memory afterwards.
void reason_after(struct reason *reason, const struct show_map *map, struct show_step *step);

#endif
