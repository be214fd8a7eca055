// SPDX-License-Identifier: MIT
//
// references.c - a stream of references to blocks, for memory that is paged.
//
// 1. What is done. Each thread allocates `blocks` of its own, in order; then it reads or writes a
//    random byte of one after the other, as the stream says (stream.h). With a size of a page the
//    blocks are pages, with sizes of a segment they are segments. The allocations are not taken
//    from ops=, each reference is one operation, a step.
// 2. Faults. Where the target is an engine, those after the last thread's allocations are counted:
//    all threads wait for each other, one takes the engine's count, and they wait again.
// 3. The best there could be. With one thread the first references, as many as `opt` says, are
//    kept: as the pages of the engine that they fell into, or as segments where all are of one
//    size. At the end OPT (L. A. Belady, 1966) is counted on them with as many frames as the engine
//    has (faults/faults.h). What is resident at the start is the engine's affair, so that OPT may
//    choose it: the string begins with each page once, and those faults, which nothing could avoid,
//    are taken off. So no algorithm that brings in what is missing takes fewer, whatever came
//    before.
// 4. Refusals. What a block that was refused would have got is skipped.

#include <errno.h>
#include <math.h>
#include <mems/engine.h>
#include <stdlib.h>
#include <string.h>

#include "faults/faults.h"
#include "run/run.h"
#include "target/sizing.h"
#include "workload/demand.h"
#include "workload/rows.h"
#include "workload/stream.h"

#define REFERENCES_BATCH     64u // references between two looks at the clock
#define REFERENCES_STANDARD  1000u
#define REFERENCES_OPT_USUAL 500000u // the default of the key opt
#define REFERENCES_BLOCKS    10000000u
#define REFERENCES_GRANULE   16u // a segment's size is rounded up to it

struct references_thread {
    struct slot *slots;
    struct stream_place place;
};

struct references_shared {
    const struct distribution *sizes;
    struct stream stream;
    uint64_t blocks;     // of each thread
    uint64_t write;      // a reference whose random number is below writes
    uint64_t page_bytes; // names of the string are addresses over this; 0: they are blocks
    uint64_t *string;    // the first references, by name
    uint64_t kept, room;
    struct mems_engine *engine;            // NULL: faults are not counted
    uint64_t faults_before, faults_string; // when all had allocated, when `kept` reached `room`
    pthread_barrier_t filled;
    struct references_thread *threads;
};

// ---- the job ------------------------------------------------------------------------------------

static const struct job_key references_keys[] = {
    {.name = "stream",
     .kind = JOB_TEXT,
     .plain = true,
     .values = STREAM_FORMS,
     .standard = "uniform",
     .help = "which block is used next"},
    {.name = "blocks",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = REFERENCES_BLOCKS,
     .values = "0 .. 10M, where 0 is 1000, or with stream = trace as many as the file names",
     .standard = "0",
     .help = "pages or segments of each thread, each of the given size"},
    {.name = "references",
     .kind = JOB_PATH,
     .values = "page numbers separated by white space, as `mems-stress faults` reads them",
     .standard = "",
     .help = "what stream = trace follows"},
    {.name = "write_share",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0.3",
     .help = "share of the references that write"},
    {.name = "opt",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 100000000,
     .values = "0 .. 100M",
     .standard = "500k",
     .help = "count the best possible faults on so many references, with one thread"},
    {.name = NULL},
};

// The file read last: what is asked of a section is asked several times.
static struct {
    char *path;
    struct references references;
} references_last;

static int references_load(const char *path, struct complaint *complaint)
{
    if (references_last.path != NULL && strcmp(references_last.path, path) == 0) {
        return 0;
    }
    free(references_last.path);
    references_fini(&references_last.references);
    references_last.path = NULL;
    int error = references_read(path, &references_last.references, complaint);
    if (error == 0) {
        references_last.path = strdup(path);
    }
    return error;
}

// The blocks of each thread. The stream is well-formed, its file was read.
static uint64_t references_blocks(const struct job_section *section, enum stream_kind kind)
{
    uint64_t blocks = job_number(section, "blocks");
    if (blocks == 0) {
        blocks = kind == STREAM_TRACE ? references_last.references.page_count : REFERENCES_STANDARD;
    }
    return blocks;
}

static int references_check_trace(const struct job_section *section, enum stream_kind kind,
                                  struct complaint *complaint)
{
    const char *path = job_text(section, "references");
    struct complaint why = {""};
    if ((kind == STREAM_TRACE) != (path != NULL)) {
        job_complain(section, path != NULL ? "references" : "stream", complaint, "%s",
                     path != NULL ? "only stream = trace follows a file"
                                  : "a trace needs its file: references = FILE");
        return EINVAL;
    }
    if (path == NULL) {
        return 0;
    }
    int error = references_load(path, &why);
    if (error != 0) {
        size_t length = strlen(path);
        bool named = strncmp(why.text, path, length) == 0;
        const char *said = named ? why.text + length + strspn(why.text + length, ": ") : why.text;
        job_complain(section, "references", complaint, "%s", said);
        return error;
    }
    uint64_t pages = references_last.references.page_count;
    uint64_t blocks = job_number(section, "blocks");
    if (pages > REFERENCES_BLOCKS || (blocks != 0 && blocks != pages)) {
        job_complain(section, blocks != 0 ? "blocks" : "references", complaint,
                     "the file names %llu pages, at most 10M are possible; leave `blocks` out",
                     (unsigned long long)pages);
        return EINVAL;
    }
    return 0;
}

static int references_validate(const struct job_section *section, struct complaint *complaint)
{
    struct stream_form form;
    struct complaint why = {""};
    if (stream_parse(job_text(section, "stream"), &form, &why) != 0) {
        job_complain(section, "stream", complaint, "%s", why.text);
        return EINVAL;
    }
    int error = references_check_trace(section, form.kind, complaint);
    if (error != 0) {
        return error;
    }
    // A plan has every key; its default does no harm.
    uint64_t opt = job_number(section, "opt");
    if (job_number(section, "threads") > 1 && opt != 0 && opt != REFERENCES_OPT_USUAL) {
        job_complain(section, "opt", complaint,
                     "means nothing with two threads or more, whose references have no one order: "
                     "leave it out");
        return EINVAL;
    }
    uint64_t blocks = references_blocks(section, form.kind);
    if (form.span > blocks) {
        job_complain(section, "stream", complaint, "N is %llu, but there are %llu blocks",
                     (unsigned long long)form.span, (unsigned long long)blocks);
        return EINVAL;
    }
    if (blocks * job_number(section, "threads") > UINT32_MAX) {
        job_complain(section, "blocks", complaint, "fewer than 2^32 are possible in all threads");
        return EINVAL;
    }
    return 0;
}

static int references_demand(const struct job_section *section, struct target_demand *demand,
                             struct complaint *complaint)
{
    struct stream_form form;
    int error = stream_parse(job_text(section, "stream"), &form, complaint);
    if (error == 0 && form.kind == STREAM_TRACE) {
        error = references_load(job_text(section, "references"), complaint);
    }
    if (error == 0) {
        uint64_t blocks = references_blocks(section, form.kind) * job_number(section, "threads");
        demand_add(demand, job_value(section, "size")->distribution, (double)blocks);
    }
    return error;
}

// ---- the cell -----------------------------------------------------------------------------------

// By what the string of references is told apart; the number of frames is for the end.
static void references_open_string(struct run *run, struct references_shared *shared)
{
    const struct target *target = run->target;
    if (target == NULL || target->engine == NULL) {
        return;
    }
    shared->engine = target->engine(run->instance);
    if (shared->engine == NULL) {
        return;
    }
    const struct target_spec *spec = target_spec_base(run->spec);
    const char *policy = spec->argument, *options = spec->options;
    uint64_t least = distribution_least(shared->sizes), most = distribution_most(shared->sizes);
    bool pages = strcmp(policy, "vm-paging") == 0;
    bool segments = strcmp(policy, "vm-segmentation") == 0 &&
                    !sizing_option_is(options, "paged", "yes") && least == most;
    if (run->threads == 1 && faults_possible() && (pages || segments)) {
        shared->page_bytes = pages ? sizing_page(policy, options) : 0;
        shared->room = job_number(run->section, "opt");
        shared->string = shared->room > 0 ? run_map_lazily(shared->room * sizeof(uint64_t)) : NULL;
    }
}

static void references_open_threads(struct run *run, struct references_shared *shared)
{
    pthread_barrier_init(&shared->filled, NULL, run->threads);
    shared->threads = run_map(run->threads * sizeof shared->threads[0]);
    for (unsigned i = 0; i < run->threads; i++) {
        struct references_thread *thread = &shared->threads[i];
        stream_start(&shared->stream, &thread->place, i, run->threads);
        thread->slots = run_map(shared->blocks * sizeof(struct slot));
        for (uint64_t j = 0; j < shared->blocks; j++) {
            thread->slots[j].id = (uint32_t)(i * shared->blocks + j);
        }
    }
}

static int references_open(struct run *run, struct complaint *complaint)
{
    const struct job_section *section = run->section;
    struct references_shared *shared = run_map(sizeof *shared);
    struct stream_form form;
    int error = stream_parse(job_text(section, "stream"), &form, complaint);
    if (error == 0 && form.kind == STREAM_TRACE) {
        error = references_load(job_text(section, "references"), complaint);
    }
    if (error != 0) {
        return error;
    }
    double share = job_real(section, "write_share");
    shared->sizes = job_value(section, "size")->distribution;
    shared->blocks = references_blocks(section, form.kind);
    shared->write = share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
    stream_open(&shared->stream, &form, shared->blocks, run->seed);
    if (form.kind == STREAM_TRACE) {
        shared->stream.trace = references_last.references.pages;
        shared->stream.trace_length = references_last.references.count;
    }
    references_open_string(run, shared);
    references_open_threads(run, shared);
    run->shared = shared;
    return 0;
}

static uint64_t references_faults(const struct references_shared *shared)
{
    struct mems_stats stats = {0};
    if (shared->engine != NULL) {
        mems_snapshot(shared->engine, &stats);
    }
    return stats.faults;
}

// The thread's blocks; then all wait for the last one.
static void references_fill(struct worker *worker, struct references_shared *shared)
{
    struct references_thread *self = &shared->threads[worker->number];
    for (uint64_t i = 0; i < shared->blocks; i++) {
        op_alloc(worker, &self->slots[i],
                 distribution_draw(shared->sizes, random_next(&worker->random)), 0);
        if (i % REFERENCES_BATCH == 0 && worker_stop(worker, 0)) {
            break;
        }
    }
    if (pthread_barrier_wait(&shared->filled) == PTHREAD_BARRIER_SERIAL_THREAD) {
        shared->faults_before = references_faults(shared);
    }
    pthread_barrier_wait(&shared->filled);
    worker_ready(worker);
}

static void references_keep(struct references_shared *shared, uint64_t name)
{
    shared->string[shared->kept++] = name;
    if (shared->kept == shared->room) {
        shared->faults_string = references_faults(shared);
    }
}

static void references_use(struct worker *worker, struct references_shared *shared, uint64_t index)
{
    struct slot *slot = &shared->threads[worker->number].slots[index];
    uint64_t write = random_next(&worker->random);
    if (slot->size == 0) { // it was refused
        return;
    }
    uint64_t offset = random_below(&worker->random, slot->size);
    op_touch(worker, slot, offset, write < shared->write);
    op_step(worker, 1);
    if (shared->kept < shared->room) {
        uint64_t page = shared->page_bytes;
        references_keep(shared, page != 0 ? (slot->block + offset) / page : index);
    }
}

static void references_work(struct worker *worker)
{
    struct references_shared *shared = worker->run->shared;
    struct references_thread *self = &shared->threads[worker->number];
    uint64_t round;
    references_fill(worker, shared);
    do {
        round = worker->budget < REFERENCES_BATCH ? worker->budget : REFERENCES_BATCH;
        for (uint64_t i = 0; i < round; i++) {
            references_use(worker, shared,
                           stream_next(&shared->stream, &self->place, &worker->random));
        }
    } while (!worker_stop(worker, round));
}

// ---- the end ------------------------------------------------------------------------------------

// Pages of memory, or segments that fit into it.
static uint64_t references_frames(const struct references_shared *shared)
{
    struct mems_stats stats = {0};
    uint64_t bytes = shared->page_bytes;
    if (bytes == 0) {
        uint64_t size = distribution_most(shared->sizes);
        bytes = (size + REFERENCES_GRANULE - 1) / REFERENCES_GRANULE * REFERENCES_GRANULE;
    }
    mems_snapshot(shared->engine, &stats);
    return stats.held_bytes / bytes;
}

// What OPT takes on the references that were kept, or -1 where it could not be counted.
static double references_opt(const struct references_shared *shared)
{
    struct references references, prefixed;
    struct faults_choice *choice = NULL;
    size_t choices;
    uint64_t faults = 0, *names = NULL;
    int error = references_make(shared->string, shared->kept, &references);
    if (error != 0) {
        return -1;
    }
    size_t pages = references.page_count, all = pages + references.count;
    names = run_map(all * sizeof *names);
    for (size_t i = 0; i < pages; i++) {
        names[i] = i;
    }
    memcpy(names + pages, references.pages, references.count * sizeof *names);
    prefixed = (struct references){.pages = names, .count = all, .page_count = pages};
    error = faults_choose("opt", &choice, &choices, NULL);
    if (error == 0) {
        error = faults_count(&prefixed, choice, references_frames(shared), 1, &faults, NULL);
        free(choice);
    }
    references_fini(&references);
    return error == 0 ? (double)(faults - pages) : -1;
}

static void references_report(struct run *run, const struct references_shared *shared)
{
    uint64_t references = 0, faults = references_faults(shared);
    for (unsigned i = 0; i < run->threads; i++) {
        references += run->workers[i].count[OP_STEP];
    }
    uint64_t after = faults - shared->faults_before;
    run_figure(run, "references", "count", (double)references, NAN);
    run_figure(run, "faults", "count", (double)after, NAN);
    if (references > 0) {
        run_figure(run, "hit ratio", "%", 100 * (1 - (double)after / (double)references), NAN);
    }
    if (shared->kept > 0) {
        uint64_t until = shared->kept == shared->room ? shared->faults_string : faults;
        double own = (double)(until - shared->faults_before), best = references_opt(shared);
        if (best >= 0) {
            run_figure(run, "faults where OPT is counted", "count", own, best);
            run_figure(run, "over OPT", "x", best > 0 ? own / best : own > 0 ? INFINITY : 1, 1);
        }
    }
}

static void references_close(struct run *run)
{
    struct references_shared *shared = run->shared;
    if (shared->engine != NULL) {
        references_report(run, shared);
    }
    for (unsigned i = 0; i < run->threads; i++) {
        for (uint64_t j = 0; j < shared->blocks; j++) {
            if (shared->threads[i].slots[j].size > 0) {
                op_free(&run->workers[i], &shared->threads[i].slots[j]);
            }
        }
    }
}

const struct workload workload_references = {
    .name = "references",
    .help = "pages or segments used in the order of a stream: zipf, loop, phases, scan, trace",
    .class = WORKLOAD_PAGED,
    .version = 1,
    .fills = true,
    .keys = references_keys,
    .validate = references_validate,
    .demand = references_demand,
    .open = references_open,
    .work = references_work,
    .close = references_close,
};
