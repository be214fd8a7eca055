// SPDX-License-Identifier: MIT
//
// plan_write.c - a plan as a job file.
//
// What it says is all that decides what the cells do, and nothing else: no date, no version, no
// folder of whoever made it. The plan of a plan is the same, byte for byte, because every value is
// written in the one form that it is read back to, gates and groups are kept by the names that
// they have here, and the order of the cells follows from the sections and their seeds.
//
// The hash is SHA-256 of every line that does not begin with '#', so that anybody can check it:
// grep -v '^#' FILE | sha256sum.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk/digest.h"
#include "disk/memory.h"
#include "run/plan.h"

static void write_hash(const struct digest *hash, FILE *out)
{
    if (digest_possible()) {
        fprintf(out, "# SHA-256 of the lines without # at their beginning: %s\n", hash->text);
    } else {
        fprintf(out, "# no SHA-256: this mems-stress was built without libnettle\n");
    }
}

uint64_t plan_cell_ns(const struct cell *cell, bool *open)
{
    const struct job_section *section = cell->section->section;
    uint64_t runtime = job_number(section, "ops") == 0 ? job_number(section, "runtime") : 0;
    *open = runtime == 0;
    return runtime + job_number(section, "warmup") + job_number(section, "decay");
}

// How long the cells are to work, one after the other. Starting and ending them comes on top.
static void write_time(const struct plan *plan, FILE *out)
{
    double seconds = 0;
    size_t open = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        if (plan->cells[i].verdict == CELL_SKIPPED) {
            continue;
        }
        bool ends_with_work;
        seconds += (double)plan_cell_ns(&plan->cells[i], &ends_with_work);
        open += ends_with_work;
    }
    fprintf(out, "# Planned: %.1f s of runtime, warm-up and decay", seconds / 1e9);
    if (open > 0) {
        fprintf(out, "; %zu cell%s no runtime to end at", open, open == 1 ? " has" : "s have");
    }
    fprintf(out, "\n");
}

// What decides what the cells do; the caller frees it.
static char *write_content(const struct plan *plan, size_t *length)
{
    char *text = NULL;
    FILE *content = disk_memory(&text, length);
    if (content == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < plan->section_count; i++) {
        fprintf(content, "\n%s", plan->sections[i].text);
    }
    if (fclose(content) != 0) {
        complain_exhausted();
    }
    return text;
}

struct digest plan_hash(const struct plan *plan)
{
    size_t length = 0;
    char *text = write_content(plan, &length);
    struct digest hash = digest_of_bytes(text, length);
    free(text);
    return hash;
}

int plan_write(const struct plan *plan, FILE *out)
{
    size_t length = 0;
    char *text = write_content(plan, &length);
    struct digest hash = digest_of_bytes(text, length);
    fprintf(out, "# A plan of mems-stress: a job with every value resolved.\n");
    write_hash(&hash, out);
    fprintf(out, "%s", text);
    free(text);
    write_time(plan, out);
    fprintf(out, "# %zu cell%s, in this order:\n", plan->cell_count,
            plan->cell_count == 1 ? "" : "s");
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        char target[4096];
        plan_target_text(cell->spec, target, sizeof target);
        fprintf(out, "# %s/%s/%u seed %llu%s\n", cell->section->section->name, target, cell->repeat,
                (unsigned long long)cell->seed,
                cell->verdict == CELL_SKIPPED ? " (its target is not here)" : "");
    }
    return 0;
}
