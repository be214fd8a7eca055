// SPDX-License-Identifier: MIT
//
// false_sharing.c - what the two workloads about false sharing do alike: tiny blocks are rewritten.

#include "workload/false_sharing.h"

#include "workload/demand.h"

#define FALSE_SHARING_BATCH 16u // blocks between two looks at the clock

struct false_sharing_slot *false_sharing_slots(const struct run *run)
{
    struct false_sharing_slot *slots = run_map(run->threads * sizeof *slots);
    for (unsigned i = 0; i < run->threads; i++) {
        slots[i].slot.id = i;
    }
    return slots;
}

int false_sharing_demand(const struct job_section *section, struct target_demand *demand,
                         struct complaint *complaint)
{
    (void)complaint;
    demand_add(demand, job_value(section, "size")->distribution,
               (double)job_number(section, "threads"));
    return 0;
}

uint64_t false_sharing_batch(struct worker *worker, struct slot *slot,
                             const struct distribution *sizes, uint64_t writes)
{
    uint64_t done = 0;
    while (done < 2 * FALSE_SHARING_BATCH && done < worker->budget) {
        size_t size = distribution_draw(sizes, random_next(&worker->random));
        if (op_alloc(worker, slot, size, 0) == 0) {
            op_rewrite(worker, slot, writes);
            op_free(worker, slot);
        }
        done += 2;
    }
    return done;
}
