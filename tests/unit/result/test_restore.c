// SPDX-License-Identifier: MIT
//
// test_restore.c - a cell that was read back from a document makes the same document again.

#include "support/test.h"

#ifdef MEMS_HAVE_JANSSON

#include "result/restore.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#include "result/json.h"
#include "support/source.h"
#include "unit/result/scene.h"

static double some_real(struct source *source)
{
    return (double)source_below(source, 1000000) / 1000; // of nine digits
}

// A share that may be unknown.
static double some_share(struct source *source)
{
    return source_below(source, 4) == 0 ? -1 : (double)source_below(source, 1000001) / 1e6;
}

static void some_histogram(struct source *source, struct histogram *histogram)
{
    histogram_init(histogram);
    for (uint64_t n = source_below(source, 4) * 40; n > 0; n--) {
        histogram_add(histogram, source_below(source, 1ull << (1 + source_below(source, 36))));
    }
}

static void some_lock(struct source *source, struct mems_lock_stats *lock)
{
    snprintf(lock->name, sizeof lock->name, "lock-%u", (unsigned)source_below(source, 100));
    for (uint64_t *at = &lock->acquisitions; at <= &lock->max_hold_ns; at++) {
        *at = source_below(source, 1u << 30);
    }
    for (unsigned i = 0; i < 5; i++) {
        lock->wait[source_below(source, MEMS_LOCK_BUCKETS)] = source_below(source, 1000);
        lock->hold[source_below(source, MEMS_LOCK_BUCKETS)] = source_below(source, 1000);
    }
}

static void some_engine(struct source *source, struct report_engine *engine)
{
    const struct mems_stat *row;
    engine->known = true;
    for (size_t i = 0; (row = mems_stat_at(i)) != NULL; i++) {
        *(uint64_t *)(void *)((char *)&engine->stats + row->offset) = source_below(source, 9999);
        *(uint64_t *)(void *)((char *)&engine->drained + row->offset) = source_below(source, 9999);
    }
    some_lock(source, &engine->lock_sum);
    engine->lock_count = (uint32_t)source_below(source, 4);
    engine->lock_more = (uint32_t)source_below(source, 4);
    for (uint32_t i = 0; i < engine->lock_count; i++) {
        some_lock(source, &engine->locks[i]);
    }
}

static void some_fragmentation(struct source *source, struct report_fragmentation *into)
{
    double *shares[] = {
        &into->internal,        &into->end_internal,        &into->external,
        &into->end_external,    &into->holes_per_block,     &into->concentration,
        &into->waste_per_block, &into->end_holes_per_block,
    };
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        *shares[i] = some_share(source);
    }
    into->mean_held_over_live = some_real(source);
    into->at_most_live = source_below(source, 2) == 0 ? 0 : some_real(source);
    into->at_most_held = some_real(source);
    into->most_held_over_most_live = some_real(source);
    into->rss_overhead = source_below(source, 2) == 0 ? NAN : some_real(source);
    uint64_t largest = source_below(source, REPORT_CURVE);
    for (unsigned i = 0; i < REPORT_CURVE; i++) {
        into->unusable[i] = i < largest ? (double)i / REPORT_CURVE : 1;
    }
}

static void some_samples(struct source *source, struct cell_report *report)
{
    report->sample_every_ns = source_below(source, 1000);
    report->sample_count = (uint32_t)source_below(source, 20);
    for (uint32_t i = 0; i < report->sample_count; i++) {
        struct report_sample *sample = &report->samples[i];
        for (uint64_t *at = &sample->at_ns; at <= &sample->live_blocks; at++) {
            *at = source_below(source, 1u << 30);
        }
        sample->holes_known = report->engine.known;
        sample->pss_bytes = source_below(source, 2) * 4096;
        sample->huge_bytes = sample->pss_bytes > 0 ? source_below(source, 3) * 2097152 : 0;
    }
}

// Counts and what else has no shape of its own.
static void some_counts(struct source *source, struct cell_report *report)
{
    uint64_t *counts[] = {
        &report->wall_ns,
        &report->user_ns,
        &report->system_ns,
        &report->minor_faults,
        &report->major_faults,
        &report->voluntary_switches,
        &report->allocated_bytes,
        &report->refused,
        &report->involuntary_switches,
        &report->thread_least,
        &report->thread_most,
        &report->latency_every,
        &report->timer_ns,
        &report->warmup_ns,
        &report->offcpu_ns,
        &report->worker_ns,
        &report->speed_before_ns,
        &report->speed_after_ns,
        &report->end_rss_bytes,
        &report->peak_rss_bytes,
        &report->baseline_rss_bytes,
        &report->live_bytes,
        &report->taken_bytes,
        &report->drained_rss_bytes,
        &report->sample_cost_ns,
        &report->metrics_bytes,
        &report->metrics_thread_bytes,
        &report->drain_ns,
        &report->thread_operations[0],
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        *counts[i] = 1 + source_below(source, 1ull << (1 + source_below(source, 50)));
    }
    report->incomplete = source_below(source, 2) == 0;
    report->checked = source_below(source, 2) == 0;
    report->jain = some_real(source);
    report->thread_cv = source_below(source, 5) == 0 ? NAN : some_real(source);
    report->runqueue_known = source_below(source, 2) == 0;
    report->runqueue_ns = report->runqueue_known ? source_below(source, 99) : 0;
    report->futex_known = source_below(source, 2) == 0;
    report->futex_waits = report->futex_known ? source_below(source, 99) : 0;
    snprintf(report->futex_why, sizeof report->futex_why, "because");
    snprintf(report->pinned, sizeof report->pinned, "%s", source_below(source, 2) ? "0 1" : "");
    report->detail_count = source_below(source, 2);
    report->peak_pss_bytes = report->detail_count * source_below(source, 1u << 30);
    report->peak_huge_bytes = report->detail_count * source_below(source, 1u << 30);
}

static void some_lists(struct source *source, struct cell_report *report)
{
    report->steady = (enum report_steady)source_below(source, 3);
    report->steady_deviation = some_real(source);
    report->steady_ns = source_below(source, 1000);
    report->figure_count = (uint32_t)source_below(source, 4);
    for (uint32_t i = 0; i < report->figure_count; i++) {
        struct report_figure *figure = &report->figures[i];
        snprintf(figure->name, sizeof figure->name, "figure %u", i);
        snprintf(figure->unit, sizeof figure->unit, "%s", i % 2 == 0 ? "x" : "");
        figure->value = some_real(source);
        figure->bound = source_below(source, 2) == 0 ? NAN : some_real(source);
    }
    report->native_count = (uint32_t)source_below(source, 4);
    for (uint32_t i = 0; i < report->native_count; i++) {
        snprintf(report->native[i].name, sizeof report->native[i].name, "native.%u", i);
        report->native[i].value = some_real(source);
    }
    report->decay_count = (uint32_t)source_below(source, 4);
    for (uint32_t i = 0; i < report->decay_count; i++) {
        report->decay[i] = (struct report_decay){i * 1000, source_below(source, 1u << 30)};
    }
    report->harness_known = source_below(source, 2) == 0;
    report->harness = (struct report_harness){some_real(source), some_real(source), NAN, 1.5};
    if (source_below(source, 2) == 0) {
        report->usage = (struct target_usage){1, 2, 3, 4, 0, 6, true};
        report->drained = (struct target_usage){7, 0, 0, 1, 0, 2, true};
    }
}

static void some_report(struct source *source, bool open_loop, struct cell_report *report)
{
    some_counts(source, report);
    some_lists(source, report);
    for (enum op_kind kind = OP_ALLOC; kind < OP_KINDS; kind++) {
        report->count[kind] = source_below(source, 1ull << 40);
        some_histogram(source, &report->latency[kind]);
        histogram_init(&report->response[kind]);
        if (open_loop) {
            some_histogram(source, &report->response[kind]);
            report->begun = source_below(source, 100);
            report->late = source_below(source, 100);
            report->missed = source_below(source, 100);
        }
    }
    if (source_below(source, 2) == 0) {
        some_engine(source, &report->engine);
    }
    some_fragmentation(source, &report->fragmentation);
    some_samples(source, report);
    snprintf(report->supplier.path, sizeof report->supplier.path, "/lib/libc.so.6");
    snprintf(report->supplier.version, sizeof report->supplier.version, "glibc 2.36");
    snprintf(report->memory_method, sizeof report->memory_method, "%s",
             source_below(source, 2) ? "rlimit" : "");
}

static void some_trace(struct evidence_trace *trace, int32_t tid)
{
    trace->tid = tid;
    trace->worker = tid % 2 == 0 ? -1 : 0;
    trace->outside = tid % 3 == 0;
    trace->unwind.count = 2;
    snprintf(trace->text, sizeof trace->text, "first of %d\nsecond\n", tid);
    trace->done = 1;
}

static void some_evidence(struct source *source, struct cell *cell)
{
    struct stage *stage = cell->stage;
    struct evidence *evidence = &stage->evidence;
    bool check = source_below(source, 2) == 0;
    cell->phase = (uint32_t)source_below(source, STAGE_DONE + 1);
    cell->signal = check ? 0 : SIGSEGV;
    cell->status = check ? 42 : -1;
    cell->verdict = check ? CELL_FAILED : CELL_CRASHED;
    snprintf(cell->message, sizeof cell->message, "it went wrong");
    evidence->kind = check ? EVIDENCE_CHECK : EVIDENCE_CRASH;
    evidence->worker = (int32_t)source_below(source, 2) - 1;
    evidence->address = source_below(source, 1ull << 47);
    evidence->sender = check ? 0 : 77;
    if (check) {
        snprintf(evidence->check, sizeof evidence->check, "stamp");
        snprintf(evidence->text, sizeof evidence->text, "byte 0 is wrong");
        evidence->block = source_below(source, 1ull << 47);
        evidence->size = source_below(source, 1000);
        evidence->expected = 0x64;
        evidence->found = 0xed;
        evidence->slot = 5;
    }
    some_trace(&evidence->trace, 10);
    some_trace(&evidence->dump[0], 11);
    some_trace(&evidence->dump[1], 12);
    struct child_trace *child = &stage->child_traces[0];
    child->process = 100;
    child->tid = 101;
    snprintf(child->text, sizeof child->text, "in the child\n");
    child->done = 1;
    stage_workers(stage)[0].count[OP_ALLOC] = 4321;
    struct history *history = stage_history(stage, 0);
    for (uint64_t n = source_below(source, 3) * 700; n > 0; n--) {
        history_begin(history, (uint32_t)source_below(source, OP_KINDS), (uint32_t)n, 3,
                      source_below(source, 1ull << 47), source_below(source, 1u << 30));
        history_end(history);
    }
    history_begin(history, HISTORY_VERIFY, 1, 2, 0x1000, 64);
}

// Fails with the first line that differs.
static void check_same(const char *one, const char *other)
{
    size_t line = 0;
    for (size_t i = 0; one[i] != '\0' || other[i] != '\0'; i++) {
        if (one[i] != other[i]) {
            fail_msg("written %.*s, and again %.*s", (int)strcspn(one + line, "\n"), one + line,
                     (int)strcspn(other + line, "\n"), other + line);
        }
        line = one[i] == '\n' ? i + 1 : line;
    }
}

static void some_piece(struct source *source, uint32_t drawn, struct picture_piece *piece)
{
    bool cell = drawn == PICTURE_CELLS;
    piece->kind = cell ? PICTURE_CELL : (uint32_t)source_below(source, 3);
    bool hole = piece->kind == MEMS_PIECE_HOLE;
    bool block = piece->kind == MEMS_PIECE_BLOCK;
    bool framed = cell || (block && drawn == PICTURE_EACH && source_below(source, 2) == 0);
    piece->size = source_below(source, 1u << 20);
    piece->page = framed ? source_below(source, 99) : MEMS_PAGE_NONE; // of a cell: live
    piece->cached = cell ? source_below(source, 99) : 0;
    piece->largest = cell ? source_below(source, 1u << 20) : 0;
    piece->space = block || cell ? (uint32_t)source_below(source, 9) : 0;
    piece->count = cell || (drawn == PICTURE_RUNS && !hole) ? (uint32_t)source_below(source, 9) : 1;
}

// A stage with pictures takes the place of the one without.
static void some_album(struct source *source, struct cell *cell)
{
    int file;
    stage_detach(cell->stage);
    assert_int_equal(stage_create_pictured(1, "", 4, 5, &cell->stage, &file), 0);
    close(file);
    struct picture_album *album = stage_album(cell->stage);
    album->count = (uint32_t)source_below(source, 4);
    for (uint32_t i = 0; i < album->count; i++) {
        struct picture *picture = &album->pictures[i];
        for (uint64_t *at = &picture->at_ns; at <= &picture->counters.swap_bytes; at++) {
            *at = source_below(source, 1u << 30);
        }
        picture->decision.deed = (uint32_t)source_below(source, DEEDS);
        for (uint64_t *at = &picture->decision.asked; at <= &picture->decision.lower_class; at++) {
            *at = source_below(source, 1u << 30);
        }
        picture->drawn = (uint32_t)source_below(source, PICTURE_WAYS);
        picture->piece_count = (uint32_t)source_below(source, 5);
        for (uint32_t j = 0; j < picture->piece_count; j++) {
            some_piece(source, picture->drawn, &picture_pieces(album, i)[j]);
        }
    }
}

// restore(json(cell)) makes the same JSON.
static void law_restore(struct scene *scene, size_t index)
{
    struct complaint complaint = {{0}};
    struct cell *cell = &scene->plan->cells[index];
    json_t *before = json_of_cell(scene->plan, cell);
    char *text = json_print(before);
    json_t *read = json_loads(text, 0, NULL);
    assert_non_null(read);
    if (restore_cell(read, cell, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    json_t *after = json_of_cell(scene->plan, cell);
    char *again = json_print(after);
    check_same(text, again);
    free(text);
    free(again);
    json_decref(before);
    json_decref(read);
    json_decref(after);
}

static const char job[] = "[closed]\nworkload = churn\ntarget = null, libc\nrepeats = 2\n"
                          "[open]\nworkload = churn\ntarget = null\nrate = 1k\n";

static void test_law(void **state)
{
    (void)state;
    struct source source = source_drawn(test_seed());
    for (unsigned round = 0; round < 1 + 60 / MEMS_TEST_SCALE; round++) {
        struct scene scene;
        open_scene(&scene, job);
        for (size_t i = 0; i < scene.plan->cell_count; i++) {
            struct cell *cell = &scene.plan->cells[i];
            bool open_loop = cell->section == &scene.plan->sections[1];
            static const enum cell_verdict measured[] = {CELL_PASS, CELL_INCOMPLETE, CELL_UNSTEADY};
            if (source_below(&source, 2) == 0) {
                some_album(&source, cell);
            }
            some_report(&source, open_loop, &cell->stage->report);
            cell->verdict = measured[source_below(&source, 3)];
            cell->seconds = some_real(&source);
            cell->max_rss = source_below(&source, 1u << 30);
            snprintf(cell->host, sizeof cell->host, "%s", i % 2 == 0 ? "" : "node7");
            cell->output = i % 2 == 0 ? strdup("said\nthis\n") : NULL;
            if (source_below(&source, 3) == 0) {
                some_evidence(&source, cell);
            }
            law_restore(&scene, i);
        }
        close_scene(&scene);
    }
}

// A cell that never started has no process to speak of.
static void test_without_process(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, job);
    struct cell *cell = &scene.plan->cells[0];
    stage_detach(cell->stage);
    cell->stage = NULL;
    cell->verdict = CELL_CRASHED;
    snprintf(cell->message, sizeof cell->message, "did not start: no");
    law_restore(&scene, 0);
    assert_null(cell->stage);
    assert_int_equal(cell->verdict, CELL_CRASHED);
    restore_forget(cell);
    assert_int_equal(cell->verdict, CELL_WAITING);
    close_scene(&scene);
}

// What is of another type is told with its place; the cell is then as it was.
static void test_strict(void **state)
{
    (void)state;
    static const struct {
        const char *object, *key;
    } places[] = {
        {"report", "wall_ns"},    {"memory", "rss_peak_bytes"}, {"operations", "alloc"},
        {"speed", "before_ns"},   {"samples", "every_ns"},      {"fragmentation", "concentration"},
        {"system", "user_ns"},    {"latency", "one_in"},        {"fairness", "cv"},
        {"report", "incomplete"},
    };
    struct source source = source_drawn(1);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct complaint complaint = {{0}};
        struct scene scene;
        open_scene(&scene, job);
        struct cell *cell = &scene.plan->cells[0];
        some_report(&source, false, &cell->stage->report);
        json_t *object = json_of_cell(scene.plan, cell);
        json_t *report = json_object_get(object, "report");
        json_t *holder = strcmp(places[i].object, "report") == 0
                             ? report
                             : json_object_get(report, places[i].object);
        assert_int_equal(json_object_set_new(holder, places[i].key, json_string("x")), 0);
        assert_int_not_equal(restore_cell(object, cell, &complaint), 0);
        assert_non_null(strstr(complaint.text, places[i].key));
        assert_int_equal(cell->verdict, CELL_PASS);
        assert_non_null(cell->stage);
        json_decref(object);
        close_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_law),
        cmocka_unit_test(test_without_process),
        cmocka_unit_test(test_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; // this build reads no documents
}

#endif
