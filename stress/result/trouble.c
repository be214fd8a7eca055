// SPDX-License-Identifier: MIT
//
// trouble.c - what a person needs to go after a cell that did not pass.

#include "result/trouble.h"

#include <string.h>

#define TROUBLE_FRAMES     6  // of the thread that failed
#define TROUBLE_STACK      5  // of each thread of a hung cell
#define TROUBLE_CHILD      12 // of each thread of a child: the allocator is between it and us
#define TROUBLE_OPERATIONS 4
#define TROUBLE_OUTPUT     6 // lines

static void trouble_lines(FILE *out, const char *prefix, const char *text, unsigned most)
{
    for (unsigned i = 0; *text != '\0' && i < most; i++) {
        size_t length = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", prefix, (int)length, text);
        text += length;
        text += *text == '\n';
    }
}

static void trouble_operation(FILE *out, const struct history *history, uint64_t index)
{
    struct history_operation operation = history_read(history, index);
    fprintf(out, "%s slot %u", history_kind_name(operation.kind), operation.slot);
    if (operation.block != 0) {
        fprintf(out, " 0x%llx", (unsigned long long)operation.block);
    }
    fprintf(out, " size %llu\n", (unsigned long long)operation.size);
}

// The last operations of one worker, the one under way at the end.
static void trouble_history(FILE *out, struct stage *stage, unsigned worker)
{
    const struct history *history = stage_history(stage, worker);
    uint64_t count = history->count;
    fprintf(out, "  thread %u had done %llu operations, the last:\n", worker,
            (unsigned long long)count);
    for (uint64_t i = count > TROUBLE_OPERATIONS ? count - TROUBLE_OPERATIONS : 0; i < count; i++) {
        fprintf(out, "    ");
        trouble_operation(out, history, i);
    }
    fprintf(out, "    at work on ");
    trouble_operation(out, history, count);
}

static void trouble_stacks(FILE *out, const struct evidence *evidence)
{
    for (unsigned i = 0; i < EVIDENCE_TRACES && evidence->dump[i].done != 0; i++) {
        const struct evidence_trace *dump = &evidence->dump[i];
        fprintf(out, "  thread %d%s:\n", dump->tid,
                !dump->outside           ? ""
                : dump->unwind.count > 0 ? " (does not answer signals, looked at from outside)"
                                         : " (does not answer signals)");
        trouble_lines(out, "    at ", dump->text, TROUBLE_STACK);
    }
}

static void trouble_children(FILE *out, const struct child_trace *children)
{
    for (unsigned i = 0; i < STAGE_CHILD_TRACES && children[i].done != 0; i++) {
        fprintf(out, "  child %d, thread %d:\n", children[i].process, children[i].tid);
        trouble_lines(out, "    at ", children[i].text, TROUBLE_CHILD);
    }
}

void trouble_print(FILE *out, const struct cell *cell)
{
    fprintf(out, "%s: %s in %s, repeat %u, seed %llu: %s\n", cell_verdict_name(cell->verdict),
            cell->spec->name, cell->section->section->name, cell->repeat,
            (unsigned long long)cell->seed, cell->message);
    if (cell->stage != NULL) {
        const struct evidence *evidence = &cell->stage->evidence;
        trouble_lines(out, "    at ", evidence->trace.text, TROUBLE_FRAMES);
        trouble_stacks(out, evidence);
        trouble_children(out, cell->stage->child_traces);
        bool known = evidence->kind != EVIDENCE_NONE && evidence->worker >= 0;
        if (known && (unsigned)evidence->worker < cell->stage->threads) {
            trouble_history(out, cell->stage, (unsigned)evidence->worker);
        }
    }
    if (cell->output != NULL) {
        trouble_lines(out, "  | ", cell->output, TROUBLE_OUTPUT);
    }
    fprintf(out, "  again: %s\n", cell->rerun);
}
