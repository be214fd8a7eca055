// SPDX-License-Identifier: MIT
//
// deal.c - which machine does what of a plan.
//
// 1. The unit. A verdict compares targets within a section, repeat by repeat, and is only as good
// as
//    what they have in common: the machine, and its mood at the time. So a section as the plan has
//    it (one point of a sweep) is never cut: all its targets and repeats are done by one shard,
//    interleaved as the plan says. Sections that wait for others (wait_for) go where those go,
//    since a gate is opened by what has passed; `wait_for = all` leaves one unit. The points of a
//    sweep over threads may part: then no scalability is fitted to them (result/scaling.c).
// 2. Balance. Units are dealt longest first, each to the shard that has least to do: Graham's LPT
//    rule (Bounds on multiprocessing timing anomalies, SIAM J. Appl. Math. 17, 1969), whose longest
//    shard takes at most 4/3 - 1/(3N) of the best possible time. Taking turns has no such bound:
//    one long section in each round and one shard has all of them.
// 3. Time. What a cell is expected to take is its runtime, warm-up and decay; of one that ends with
//    its work, DEAL_OP_NS an operation of each thread, or DEAL_OPEN_NS where not even that is known
//    (a trace to its end); and its start and end. A guess that is wrong by a factor costs balance,
//    nothing else.
// 4. Determinism. Machines that never talk must come to the same: only what the plan's hash covers
//    is looked at. Whether an optional target is here, how many CPUs there are, what a trace holds:
//    none of it counts. Ties go to the section and the shard that come first.
// 5. More shards than units leave empty shards. They pass.
// 6. If you change this: shards of one run must be of one mems-stress (the resume key sees to it),
//    so the rule may change with any version.

#include "shard/deal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run/plan_order.h"

#define DEAL_OP_NS    100.0 // an operation, checks and touching included
#define DEAL_OPEN_NS  1e9
#define DEAL_START_NS 0.2e9 // a cell's process: start, calibration, end

int deal_parse(const char *text, struct deal *deal, struct complaint *complaint)
{
    char *slash, *end;
    errno = 0;
    unsigned long index = strtoul(text, &slash, 10);
    unsigned long count = *slash == '/' ? strtoul(slash + 1, &end, 10) : 0;
    bool digits = text[strspn(text, "0123456789/")] == '\0';
    if (!digits || errno != 0 || slash == text || *slash != '/' || end == slash + 1 ||
        *end != '\0' || index < 1 || index > count || count > DEAL_MOST) {
        complain(complaint, "--shard %s: I/N is wanted, I from 1 to N, N up to %d: 1/4 .. 4/4",
                 text, DEAL_MOST);
        return EINVAL;
    }
    *deal = (struct deal){(unsigned)index, (unsigned)count};
    return 0;
}

struct deal_weight {
    double weight;
    size_t place;
};

// The heaviest first; of equals the one that comes first.
static int deal_compare(const void *a, const void *b)
{
    const struct deal_weight *one = a;
    const struct deal_weight *other = b;
    if (one->weight > other->weight || one->weight < other->weight) {
        return one->weight > other->weight ? -1 : 1;
    }
    return one->place < other->place ? -1 : one->place > other->place;
}

void deal_weights(const double *weights, size_t count, unsigned shards, unsigned *shard)
{
    struct deal_weight *sorted = plan_zeroed(count, sizeof *sorted);
    double *load = plan_zeroed(shards, sizeof *load);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (struct deal_weight){weights[i], i};
    }
    qsort(sorted, count, sizeof *sorted, deal_compare);
    for (size_t i = 0; i < count; i++) {
        unsigned least = 0;
        for (unsigned j = 1; j < shards; j++) {
            least = load[j] < load[least] ? j : least;
        }
        shard[sorted[i].place] = least;
        load[least] += sorted[i].weight;
    }
    free(sorted);
    free(load);
}

static double deal_cell_seconds(const struct cell *cell)
{
    const struct job_section *section = cell->section->section;
    bool open;
    double ns = (double)plan_cell_ns(cell, &open) + DEAL_START_NS;
    double ops = (double)job_number(section, "ops") * (double)job_number(section, "threads");
    if (open) {
        ns += ops > 0 ? ops * DEAL_OP_NS : DEAL_OPEN_NS;
    }
    return ns / 1e9;
}

// By section: the first one of those that cannot be parted from it.
static size_t *deal_roots(const struct plan *plan)
{
    size_t *root = plan_zeroed(plan->section_count, sizeof *root);
    for (size_t i = 0; i < plan->section_count; i++) {
        root[i] = i;
        for (size_t j = 0; j < i; j++) {
            size_t mine = root[i];
            size_t other = root[j];
            if (mine == other || !plan_waits(&plan->sections[i], &plan->sections[j])) {
                continue;
            }
            for (size_t k = 0; k <= i; k++) {
                if (root[k] == mine || root[k] == other) {
                    root[k] = mine < other ? mine : other;
                }
            }
        }
    }
    return root;
}

// By section: what it and those that cannot be parted from it take, at the first of them; 0 at the
// others.
static double *deal_seconds(const struct plan *plan, const size_t *root)
{
    double *seconds = plan_zeroed(plan->section_count, sizeof *seconds);
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        seconds[root[cell->section - plan->sections]] += deal_cell_seconds(cell);
    }
    return seconds;
}

unsigned deal_units(const struct plan *plan)
{
    size_t *root = deal_roots(plan);
    unsigned units = 0;
    for (size_t i = 0; i < plan->section_count; i++) {
        units += root[i] == i;
    }
    free(root);
    return units;
}

void deal_plan(const struct plan *plan, unsigned count, struct dealt *dealt)
{
    size_t *root = deal_roots(plan);
    double *seconds = deal_seconds(plan, root);
    *dealt = (struct dealt){
        .count = count,
        .shard = plan_zeroed(plan->section_count, sizeof *dealt->shard),
        .seconds = plan_zeroed(count, sizeof *dealt->seconds),
    };
    // Sections that are no unit of their own weigh nothing: where they are dealt is set right
    // below.
    deal_weights(seconds, plan->section_count, count, dealt->shard);
    for (size_t i = 0; i < plan->section_count; i++) {
        unsigned shard = dealt->shard[root[i]];
        dealt->seconds[shard] += seconds[i];
        dealt->shard[i] = shard;
    }
    for (size_t i = 0; i < plan->section_count; i++) {
        dealt->shard[i]++;
    }
    free(seconds);
    free(root);
}

void deal_fini(struct dealt *dealt)
{
    free(dealt->shard);
    free(dealt->seconds);
    *dealt = (struct dealt){0};
}

struct deal_choice {
    const struct plan_section *first;
    const struct dealt *dealt;
    unsigned index;
};

static bool deal_keeps(const struct cell *cell, const void *arg)
{
    const struct deal_choice *choice = arg;
    return choice->dealt->shard[cell->section - choice->first] == choice->index;
}

void deal_take(struct plan *plan, const struct dealt *dealt, unsigned index)
{
    struct deal_choice choice = {plan->sections, dealt, index};
    plan_keep(plan, deal_keeps, &choice);
}
