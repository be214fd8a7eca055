// SPDX-License-Identifier: MIT
//
// json_evidence.c - what a cell that did not pass left behind.

#ifdef MEMS_HAVE_JANSSON

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "result/json.h"

static json_t *evidence_hex(uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)number);
    return json_string(text);
}

static json_t *evidence_operation(const struct history *history, uint64_t index)
{
    struct history_operation operation = history_read(history, index);
    return json_pack("{s:o, s:s, s:I, s:I, s:o, s:o}", "index", json_of_count(index), "kind",
                     history_kind_name(operation.kind), "slot", (json_int_t)operation.slot,
                     "generation", (json_int_t)operation.generation, "block",
                     evidence_hex(operation.block), "size_bytes", json_of_count(operation.size));
}

// A worker's last operations, oldest first, and the one that was under way.
static json_t *evidence_history(struct stage *stage, unsigned worker)
{
    const struct history *history = stage_history(stage, worker);
    json_t *operations = json_array();
    for (uint64_t i = history_first(history); i < history->count; i++) {
        json_array_append_new(operations, evidence_operation(history, i));
    }
    return json_pack("{s:i, s:o, s:o, s:o}", "thread", (int)worker, "operations_done",
                     json_of_count(history->count), "last", operations, "at_work_on",
                     evidence_operation(history, history->count));
}

static json_t *evidence_check(const struct evidence *evidence)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "name",
                     json_of_text(evidence->check), "text", json_of_text(evidence->text), "slot",
                     (json_int_t)evidence->slot, "generation", (json_int_t)evidence->generation,
                     "owner", (json_int_t)evidence->owner, "block", evidence_hex(evidence->block),
                     "size_bytes", json_of_count(evidence->size), "expected",
                     evidence_hex(evidence->expected), "found", evidence_hex(evidence->found));
}

static json_t *evidence_trace_of(const struct evidence_trace *trace)
{
    return json_pack("{s:i, s:i, s:b, s:o}", "tid", trace->tid, "worker", trace->worker,
                     "from_outside", trace->outside, "frames", json_of_lines(trace->text));
}

// Where the threads of a child of the cell were.
static json_t *evidence_children(const struct stage *stage)
{
    json_t *traces = json_array();
    for (unsigned i = 0; i < STAGE_CHILD_TRACES; i++) {
        const struct child_trace *trace = &stage->child_traces[i];
        if (__atomic_load_n(&trace->done, __ATOMIC_ACQUIRE) != 0) {
            json_array_append_new(traces,
                                  json_pack("{s:i, s:i, s:o}", "process", trace->process, "tid",
                                            trace->tid, "frames", json_of_lines(trace->text)));
        }
    }
    return traces;
}

json_t *json_of_evidence(const struct cell *cell)
{
    struct stage *stage = cell->stage;
    const struct evidence *evidence = &stage->evidence;
    json_t *object = json_object();
    json_object_set_new(object, "phase", json_string(stage_phase_name(cell->phase)));
    json_object_set_new(object, "operations", json_of_count(stage_operations(stage)));
    if (cell->signal != 0) {
        json_object_set_new(object, "signal", json_of_text(sigabbrev_np(cell->signal)));
    } else {
        json_object_set_new(object, "status", json_integer(cell->status));
    }
    if (evidence->kind == EVIDENCE_CHECK) {
        json_object_set_new(object, "check", evidence_check(evidence));
    }
    if (evidence->kind != EVIDENCE_NONE) {
        json_object_set_new(object, "worker", json_integer(evidence->worker));
        json_object_set_new(object, "address", evidence_hex(evidence->address));
        if (evidence->sender != 0) {
            json_object_set_new(object, "signal_sent_by", json_integer(evidence->sender));
        }
        json_object_set_new(object, "backtrace", evidence_trace_of(&evidence->trace));
    }
    json_t *threads = json_array();
    for (unsigned i = 0; i < stage->threads; i++) {
        json_array_append_new(threads, evidence_history(stage, i));
    }
    json_object_set_new(object, "threads", threads);
    json_t *dumps = json_array();
    for (unsigned i = 0; i < EVIDENCE_TRACES; i++) {
        if (__atomic_load_n(&evidence->dump[i].done, __ATOMIC_ACQUIRE) != 0) {
            json_array_append_new(dumps, evidence_trace_of(&evidence->dump[i]));
        }
    }
    json_object_set_new(object, "stacks", dumps);
    json_object_set_new(object, "children", evidence_children(stage));
    return object;
}

#endif
