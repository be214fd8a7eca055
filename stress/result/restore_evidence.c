// SPDX-License-Identifier: MIT
//
// restore_evidence.c - what a cell that did not pass left behind, read back: the inverse of
// json_evidence.c.

#ifdef MEMS_HAVE_JANSSON

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "result/restore.h"
#include "run/worker.h"
#include "workload/op.h"
#include "json/json.h"

// A number written as "0x..".
static uint64_t evidence_hex(const json_t *object, const char *key)
{
    return strtoull(json_text(object, key), NULL, 16);
}

static uint64_t evidence_count(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double real = json_number_value(value);
    return json_is_integer(value) ? (uint64_t)json_integer_value(value)
           : real > 0             ? (uint64_t)real
                                  : 0;
}

// Lines, a newline between them and at the end; what does not fit is left out.
static uint32_t evidence_lines(const json_t *lines, char *text, size_t size)
{
    size_t index, length = 0;
    uint32_t count = 0;
    json_t *line;
    json_array_foreach(lines, index, line)
    {
        const char *words = json_is_string(line) ? json_string_value(line) : "";
        if (length + strlen(words) + 2 > size) {
            break;
        }
        length += (size_t)snprintf(text + length, size - length, "%s\n", words);
        count++;
    }
    return count;
}

static void evidence_trace(const json_t *object, struct evidence_trace *trace)
{
    trace->tid = (int32_t)evidence_count(object, "tid");
    trace->worker = (int32_t)json_integer_value(json_object_get(object, "worker"));
    trace->outside = json_is_true(json_object_get(object, "from_outside"));
    trace->unwind.count =
        evidence_lines(json_object_get(object, "frames"), trace->text, sizeof trace->text);
    trace->done = 1;
}

static void evidence_check(const json_t *check, struct evidence *evidence)
{
    snprintf(evidence->check, sizeof evidence->check, "%s", json_text(check, "name"));
    snprintf(evidence->text, sizeof evidence->text, "%s", json_text(check, "text"));
    evidence->slot = (uint32_t)evidence_count(check, "slot");
    evidence->generation = (uint32_t)evidence_count(check, "generation");
    evidence->owner = (uint32_t)evidence_count(check, "owner");
    evidence->block = evidence_hex(check, "block");
    evidence->size = evidence_count(check, "size_bytes");
    evidence->expected = evidence_hex(check, "expected");
    evidence->found = evidence_hex(check, "found");
}

static uint32_t evidence_kind(const char *name)
{
    uint32_t kind = 0;
    while (kind < HISTORY_KIND_MASK && strcmp(history_kind_name(kind), name) != 0) {
        kind++;
    }
    return kind;
}

// As if it were being done: history_end has not come yet.
static void evidence_operation(const json_t *object, struct history *history)
{
    history->count = evidence_count(object, "index");
    history_begin(history, evidence_kind(json_text(object, "kind")),
                  (uint32_t)evidence_count(object, "slot"),
                  (uint32_t)evidence_count(object, "generation"), evidence_hex(object, "block"),
                  evidence_count(object, "size_bytes"));
}

static void evidence_histories(const json_t *threads, struct stage *stage)
{
    size_t index, at;
    json_t *thread, *operation;
    json_array_foreach(threads, index, thread)
    {
        if (index >= stage->threads) {
            return;
        }
        struct history *history = stage_history(stage, (unsigned)index);
        json_array_foreach(json_object_get(thread, "last"), at, operation)
        {
            evidence_operation(operation, history);
        }
        evidence_operation(json_object_get(thread, "at_work_on"), history);
        history->count = evidence_count(thread, "operations_done");
    }
}

static void evidence_children(const json_t *children, struct stage *stage)
{
    size_t index;
    json_t *child;
    json_array_foreach(children, index, child)
    {
        if (index < STAGE_CHILD_TRACES) {
            struct child_trace *trace = &stage->child_traces[index];
            trace->process = (int32_t)evidence_count(child, "process");
            trace->tid = (int32_t)evidence_count(child, "tid");
            evidence_lines(json_object_get(child, "frames"), trace->text, sizeof trace->text);
            trace->done = 1;
            stage->child_trace_count = (uint32_t)index + 1;
        }
    }
}

static int evidence_phase(const struct restore *restore, const json_t *object, uint32_t *phase)
{
    for (*phase = STAGE_BORN; *phase <= STAGE_DONE; ++*phase) {
        if (strcmp(stage_phase_name(*phase), json_text(object, "phase")) == 0) {
            return 0;
        }
    }
    return restore_complain(restore, "evidence", "phase", "start, prepare, run or the like");
}

static void evidence_end(const json_t *object, struct cell *cell)
{
    const char *name = json_text(object, "signal");
    cell->status = (int)json_integer_value(json_object_get(object, "status"));
    for (int signal = 1; signal < NSIG && *name != '\0'; signal++) {
        const char *known = sigabbrev_np(signal);
        if (known != NULL && strcmp(known, name) == 0) {
            cell->signal = signal;
            cell->status = -1;
        }
    }
}

int restore_evidence(const struct restore *restore, const json_t *object, struct cell *cell)
{
    struct stage *stage = cell->stage;
    struct evidence *evidence = &stage->evidence;
    const json_t *check = json_object_get(object, "check");
    const json_t *stacks = json_object_get(object, "stacks");
    int error = evidence_phase(restore, object, &cell->phase);
    if (error != 0) {
        return error;
    }
    evidence_end(object, cell);
    stage_enter(stage, cell->phase);
    if (json_object_get(object, "worker") != NULL) {
        evidence->kind = check != NULL ? EVIDENCE_CHECK : EVIDENCE_CRASH;
        evidence->signal = cell->signal;
        evidence->worker = (int32_t)json_integer_value(json_object_get(object, "worker"));
        evidence->address = evidence_hex(object, "address");
        evidence->sender = (int32_t)evidence_count(object, "signal_sent_by");
        evidence_check(check, evidence);
        evidence_trace(json_object_get(object, "backtrace"), &evidence->trace);
    }
    for (size_t i = 0; i < json_array_size(stacks) && i < EVIDENCE_TRACES; i++) {
        evidence_trace(json_array_get(stacks, i), &evidence->dump[i]);
        evidence->dumps = (uint32_t)i + 1;
    }
    evidence_histories(json_object_get(object, "threads"), stage);
    evidence_children(json_object_get(object, "children"), stage);
    stage_workers(stage)[0].count[OP_ALLOC] = evidence_count(object, "operations");
    return 0;
}

#endif
