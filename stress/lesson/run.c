// SPDX-License-Identifier: MIT
//
// run.c - runs of reference strings and of states as given.

#include "lesson/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lesson/run_inner.h"

#define RUN_WINDOW 10 // references after which the answer of a working set looks at it first

struct lesson_step *run_step(struct lesson_run *run, const char *reason)
{
    if (run->count == run->room) {
        run->room = run->room * 2 + 16;
        struct lesson_step *steps = reallocarray(run->steps, run->room, sizeof *steps);
        if (steps == NULL) {
            complain_exhausted();
        }
        run->steps = steps;
    }
    struct lesson_step *step = &run->steps[run->count++];
    *step = (struct lesson_step){.page = LESSON_NONE, .hand = LESSON_NONE};
    step->reason = reason[0] != '\0' ? strdup(reason) : NULL;
    return step;
}

void lesson_run_fini(struct lesson_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        free(run->steps[i].reason);
        free(run->steps[i].cells);
    }
    free(run->steps);
    *run = (struct lesson_run){0};
}

// ---- reference strings --------------------------------------------------------------------------

static void run_cells(const struct references *references, const struct walk *walk,
                      struct lesson_step *step)
{
    const struct walk_frame *frames = walk_frames(walk, &step->cell_count);
    uint64_t hand = rule_hand(walk_rule(walk));
    step->cells = calloc(step->cell_count + 1, sizeof *step->cells);
    if (step->cells == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < step->cell_count; i++) {
        struct lesson_cell *cell = &step->cells[i];
        cell->page = LESSON_NONE;
        if (frames[i].page != RULE_NONE) {
            const struct rule_page *page = rule_page(walk_rule(walk), frames[i].page);
            *cell = (struct lesson_cell){.page = references->names[frames[i].page],
                                         .r = frames[i].r,
                                         .loaded = page->loaded,
                                         .last = page->last};
            step->hand = frames[i].page == hand ? i : step->hand;
        }
    }
}

static void run_say(const struct references *references, const struct walk_step *walked,
                    struct lesson_step *step)
{
    snprintf(step->operation, sizeof step->operation, "page %" PRIu64, step->page);
    if (!walked->fault) {
        snprintf(step->text, sizeof step->text, "hit, in frame %" PRIu64, walked->frame);
        return;
    }
    if (walked->victim_count == 0) {
        snprintf(step->text, sizeof step->text, "fault, into the free frame %" PRIu64,
                 walked->frame);
        return;
    }
    size_t length = 0;
    for (size_t i = 0; i < walked->victim_count && length < 100; i++) {
        length += (size_t)snprintf(step->text + length, sizeof step->text - length, "%s%" PRIu64,
                                   i == 0 ? "fault, in place of " : ", ",
                                   references->names[walked->victims[i]]);
    }
    snprintf(step->text + length, sizeof step->text - length, ", into frame %" PRIu64,
             walked->frame);
}

static int run_compare_pages(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

// "{1 2 5} after 10"
static size_t run_say_set(const struct lesson_step *step, size_t number, char *text, size_t size)
{
    uint64_t pages[64];
    size_t count = 0, length = 0;
    for (size_t i = 0; i < step->cell_count && count < 64; i++) {
        if (step->cells[i].page != LESSON_NONE) {
            pages[count++] = step->cells[i].page;
        }
    }
    qsort(pages, count, sizeof pages[0], run_compare_pages);
    for (size_t i = 0; i < count && length + 24 < size; i++) {
        length += (size_t)snprintf(text + length, size - length, "%s%" PRIu64, i == 0 ? "{" : " ",
                                   pages[i]);
    }
    length += (size_t)snprintf(text + length, size - length, "} after %zu", number);
    return length < size ? length : size - 1;
}

static void run_answer(struct lesson_run *run, const struct faults_choice *choice)
{
    if (strcmp(choice->algorithm->name, "ws") != 0) {
        snprintf(run->answer, sizeof run->answer,
                 "%" PRIu64 " faults, %" PRIu64 " without the first loads", run->faults,
                 run->faults - run->initial);
        return;
    }
    size_t length = 0;
    if (run->count > RUN_WINDOW) {
        length = run_say_set(&run->steps[RUN_WINDOW - 1], RUN_WINDOW, run->answer,
                             sizeof run->answer / 2);
        length += (size_t)snprintf(run->answer + length, sizeof run->answer - length, ", ");
    }
    run_say_set(&run->steps[run->count - 1], run->count, run->answer + length,
                sizeof run->answer - length);
}

int lesson_run_references(struct lesson_run *run, const struct references *references,
                          const struct faults_choice *choice, uint64_t frames, uint64_t seed,
                          struct complaint *complaint)
{
    struct walk *walk;
    struct walk_step walked;
    *run = (struct lesson_run){.frames = frames};
    int error = walk_open(references, choice, frames, seed, &walk, complaint);
    if (error != 0) {
        return error;
    }
    snprintf(run->algorithm, sizeof run->algorithm, "%s", choice->name);
    if (frames == 0) {
        snprintf(run->name, sizeof run->name, "%s", choice->name);
    } else {
        snprintf(run->name, sizeof run->name, "%s, %" PRIu64 " frame%s", choice->name, frames,
                 frames == 1 ? "" : "s");
    }
    run->bits = rule_has_bits(walk_rule(walk));
    run->hand = rule_has_hand(walk_rule(walk));
    while ((error = walk_next(walk, &walked, complaint)) == 0) {
        struct lesson_step *step = run_step(run, walked.why);
        step->fault = walked.fault;
        step->initial = walked.initial;
        step->page = references->names[walked.page];
        run->faults += walked.fault;
        run->initial += walked.initial;
        run_cells(references, walk, step);
        run_say(references, &walked, step);
    }
    walk_close(walk);
    if (error != ENOENT) {
        return error;
    }
    run_answer(run, choice);
    return 0;
}

// ---- a state as given ---------------------------------------------------------------------------

// "0 126 280 1 0; 1 ..": the pages into rule and cells.
static size_t run_read_state(const char *input, struct rule *rule, struct lesson_cell *cells,
                             size_t room)
{
    size_t count = 0;
    for (const char *at = input; at != NULL && count < room; at = strchr(at, ';')) {
        unsigned long long page, loaded, last;
        unsigned r, m;
        at += *at == ';';
        if (sscanf(at, "%llu %llu %llu %u %u", &page, &loaded, &last, &r, &m) != 5) {
            break;
        }
        cells[count] = (struct lesson_cell){page, r != 0, m != 0, loaded, last};
        if (rule != NULL) {
            struct rule_page as = {
                .r = r != 0, .m = m != 0, .loaded = loaded, .last = last, .count = 1};
            as.frame = count;
            rule_set(rule, count, &as);
        }
        count++;
    }
    return count;
}

static struct lesson_step *run_given(struct lesson_run *run, const char *why,
                                     const struct lesson_cell *cells, size_t count)
{
    struct lesson_step *step = run_step(run, why);
    step->cells = calloc(count, sizeof *step->cells);
    step->cell_count = count;
    if (step->cells == NULL) {
        complain_exhausted();
    }
    memcpy(step->cells, cells, count * sizeof *cells);
    return step;
}

int lesson_run_state(struct lesson_run *run, const char *input, const char *algorithm,
                     struct complaint *complaint)
{
    struct lesson_cell cells[16];
    uint64_t names[16];
    char why[1000];
    struct references references;
    *run = (struct lesson_run){.bits = true, .dirty = true};
    size_t count = run_read_state(input, NULL, cells, 16);
    for (size_t i = 0; i < count; i++) {
        names[i] = cells[i].page;
    }
    if (count == 0 || references_make(names, count, &references) != 0) {
        complain(complaint, "out of memory");
        return ENOMEM;
    }
    struct rule *rule = rule_open(algorithm, 0, count, &references);
    if (rule == NULL) {
        references_fini(&references);
        complain(complaint, "out of memory");
        return ENOMEM;
    }
    run_read_state(input, rule, cells, 16);
    uint64_t victim = rule_victim(rule, why, sizeof why);
    struct lesson_step *step = run_given(run, "", cells, count);
    snprintf(step->operation, sizeof step->operation, "given");
    snprintf(step->text, sizeof step->text, "%zu pages in %zu frames", count, count);
    step = run_given(run, why, cells, count);
    step->fault = true;
    run->frames = count;
    snprintf(run->name, sizeof run->name, "%s", algorithm);
    snprintf(run->algorithm, sizeof run->algorithm, "%s", algorithm);
    snprintf(run->answer, sizeof run->answer, "%" PRIu64,
             victim < count ? cells[victim].page : victim);
    snprintf(step->operation, sizeof step->operation, "a fault");
    snprintf(step->text, sizeof step->text, "page %.20s goes", run->answer);
    rule_close(rule);
    references_fini(&references);
    return 0;
}
