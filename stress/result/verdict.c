// SPDX-License-Identifier: MIT
//
// verdict.c - what a run comes to, and the exit status that says so.

#include "result/verdict.h"

#include <string.h>

void verdict_of(const struct plan *plan, bool interrupted, struct verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    for (size_t i = 0; i < plan->cell_count; i++) {
        verdict->cells[plan->cells[i].verdict]++;
    }
    const size_t *cells = verdict->cells;
    enum cell_verdict worst;
    if (cells[CELL_FAILED] > 0) {
        worst = CELL_FAILED;
        verdict->exit = VERDICT_EXIT_FAILED;
    } else if (cells[CELL_CRASHED] > 0) {
        worst = CELL_CRASHED;
        verdict->exit = VERDICT_EXIT_BROKEN;
    } else if (cells[CELL_HUNG] > 0) {
        worst = CELL_HUNG;
        verdict->exit = VERDICT_EXIT_BROKEN;
    } else if (cells[CELL_UNSTEADY] > 0) {
        worst = CELL_UNSTEADY;
        verdict->exit = VERDICT_EXIT_PASS;
    } else if (cells[CELL_PASS] > 0) {
        worst = CELL_PASS;
        verdict->exit = VERDICT_EXIT_PASS;
    } else {
        worst = CELL_SKIPPED;
        verdict->exit = VERDICT_EXIT_NOTHING;
    }
    if (interrupted) {
        worst = worst == CELL_PASS || worst == CELL_SKIPPED ? CELL_INCOMPLETE : worst;
        verdict->exit = VERDICT_EXIT_INTERRUPTED;
    }
    verdict->name = cell_verdict_name(worst);
}

void verdict_compare(struct verdict *verdict, enum verdict_outcome outcome, bool fail_inconclusive)
{
    if (verdict->exit != VERDICT_EXIT_PASS) {
        return;
    }
    if (outcome == VERDICT_REFUSED) {
        verdict->exit = VERDICT_EXIT_USAGE;
        verdict->name = "not comparable";
    } else if (outcome == VERDICT_REGRESSED) {
        verdict->exit = VERDICT_EXIT_REGRESSED;
        verdict->name = "regressed";
    } else if (fail_inconclusive && verdict->cells[CELL_UNSTEADY] > 0) {
        verdict->exit = VERDICT_EXIT_INCONCLUSIVE;
    } else if (outcome == VERDICT_INCONCLUSIVE) {
        verdict->exit = fail_inconclusive ? VERDICT_EXIT_INCONCLUSIVE : VERDICT_EXIT_PASS;
        verdict->name = "inconclusive";
    }
}
