// SPDX-License-Identifier: MIT
//
// faults.c - how many faults a replacement algorithm takes on a reference string.
//
// More frames than pages change nothing: no algorithm is asked for a victim then. So as many are
// opened as there are pages, and an algorithm that sizes its own allotment (ws, pff) gets all.

#include "faults/faults.h"

#include <errno.h>
#include <inttypes.h>
#include <mems/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"
#include "job/number.h"

#define FAULTS_FRAMES 4096u // in a range
#define FAULTS_POLICY "vm-paging"
#define FAULTS_SWAP   UINT64_C(1048576) // at least
#define FAULTS_TABLE  32

// clock and second-chance as the textbooks do it: R is set on load.
static const struct faults_algorithm faults_algorithms[] = {
    {"fifo", "fifo", "", NULL, "first in, first out"},
    {"lru", "lru", "", NULL, "least recently used"},
    {"clock", "clock", ",clock_load_ref=yes", NULL, "clock; R is set on load (textbooks)"},
    {"clock0", "clock", ",clock_load_ref=no", NULL, "clock; R is not set on load (simulators)"},
    {"second-chance", "second-chance", ",clock_load_ref=yes", NULL,
     "fifo, but a page used since goes to the tail"},
    {"nru", "nru", "", NULL, "not recently used: the lowest class of (R, M)"},
    {"lfu", "lfu", "", NULL, "least frequently used while resident"},
    {"random", "random", "", NULL, "any page; --seed chooses the run"},
    {"opt", "opt", "", NULL, "the page whose next use is furthest away"},
    {"arc", "arc", "", NULL, "adaptive replacement cache"},
    {"2q", "2q", "", NULL, "two queues"},
    {"lirs", "lirs", "", NULL, "low inter-reference recency set"},
    {"s3fifo", "s3fifo", "", NULL, "three fifo queues: small, main, ghost"},
    {"sieve", "sieve", "", NULL, "a fifo with a hand that spares visited pages"},
    {"ws", "ws", "", "tau", "working set: a page stays for TAU references"},
    {"pff", "pff", "", "pff_interval", "page fault frequency: drops pages at faults rarer than F"},
};

#define FAULTS_ALGORITHMS (sizeof faults_algorithms / sizeof faults_algorithms[0])

_Static_assert(FAULTS_ALGORITHMS < FAULTS_TABLE, "their names fit for a suggestion");

const struct faults_algorithm *faults_algorithm_at(size_t index)
{
    return index < FAULTS_ALGORITHMS ? &faults_algorithms[index] : NULL;
}

// ---- what is asked for --------------------------------------------------------------------------

static int faults_unknown(const char *name, struct complaint *complaint)
{
    const char *names[FAULTS_TABLE];
    char list[256] = "";
    size_t length = 0;
    for (size_t i = 0; i < FAULTS_ALGORITHMS; i++) {
        const struct faults_algorithm *algorithm = &faults_algorithms[i];
        names[i] = algorithm->name;
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s%s", i > 0 ? ", " : "",
                                   algorithm->name,
                                   algorithm->parameter == NULL         ? ""
                                   : strcmp(algorithm->name, "ws") == 0 ? ":TAU"
                                                                        : ":F");
    }
    names[FAULTS_ALGORITHMS] = NULL;
    const char *near = job_suggest(name, names);
    complain(complaint, "no algorithm \"%s\"%s%s%s; known: %s", complaint_clip(name).text,
             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
             near != NULL ? "\"?" : "", list);
    return EINVAL;
}

// One word of the list.
static int faults_choice_read(const char *word, size_t length, struct faults_choice *choice,
                              struct complaint *complaint)
{
    char name[sizeof choice->name];
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    snprintf(choice->name, sizeof choice->name, "%s", name);
    char *value = strchr(name, ':');
    if (value != NULL) {
        *value++ = '\0';
    }
    for (size_t i = 0; i < FAULTS_ALGORITHMS && choice->algorithm == NULL; i++) {
        choice->algorithm =
            strcmp(faults_algorithms[i].name, name) == 0 ? &faults_algorithms[i] : NULL;
    }
    if (choice->algorithm == NULL || length >= sizeof name) {
        return faults_unknown(name, complaint);
    }
    if (choice->algorithm->parameter == NULL) {
        if (value != NULL) {
            complain(complaint, "%s takes no parameter: \"%s\"", name, choice->name);
        }
        return value != NULL ? EINVAL : 0;
    }
    struct complaint why = {""};
    if (value == NULL ||
        number_parse(value, strlen(value), NUMBER_COUNT, &choice->parameter, &why) != 0 ||
        choice->parameter == 0) {
        complain(complaint, "%s needs a number of references, at least 1: %s:100, not \"%s\"", name,
                 name, choice->name);
        return EINVAL;
    }
    return 0;
}

static size_t faults_words(const char *list)
{
    size_t words = 1;
    for (const char *at = list; *at != '\0'; at++) {
        words += *at == ',';
    }
    return words;
}

int faults_choose(const char *list, struct faults_choice **choices, size_t *count,
                  struct complaint *complaint)
{
    size_t room = list != NULL ? faults_words(list) : FAULTS_ALGORITHMS;
    int error = 0;
    *count = 0;
    *choices = calloc(room, sizeof **choices);
    if (*choices == NULL) {
        complain(complaint, "out of memory");
        return ENOMEM;
    }
    for (size_t i = 0; list == NULL && i < FAULTS_ALGORITHMS; i++) {
        const struct faults_algorithm *algorithm = &faults_algorithms[i];
        if (algorithm->parameter == NULL) {
            struct faults_choice *choice = &(*choices)[(*count)++];
            choice->algorithm = algorithm;
            snprintf(choice->name, sizeof choice->name, "%s", algorithm->name);
        }
    }
    while (list != NULL && error == 0) {
        size_t length = strcspn(list, ",");
        error = faults_choice_read(list, length, &(*choices)[(*count)++], complaint);
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    if (error != 0) {
        free(*choices);
        *choices = NULL;
    }
    return error;
}

// "16" or "1..7"; where it is no such thing, EINVAL with a complaint.
static int faults_range(const char *text, size_t length, uint64_t *first, uint64_t *last,
                        struct complaint *complaint)
{
    struct complaint why = {""};
    const char *dots = memmem(text, length, "..", 2);
    size_t head = dots != NULL ? (size_t)(dots - text) : length;
    int error = number_parse(text, head, NUMBER_COUNT, first, &why);
    *last = *first;
    if (error == 0 && dots != NULL) {
        error = number_parse(dots + 2, length - head - 2, NUMBER_COUNT, last, &why);
    }
    bool good = error == 0 && *first >= 1 && *last <= UINT32_MAX && *first <= *last;
    if (!good || *last - *first >= FAULTS_FRAMES) {
        complain(complaint,
                 "\"%.*s\" is no number of frames: 1 .. 4294967295, as in 16,100, or a range of at "
                 "most %u, as in 1..7",
                 (int)(length < 60 ? length : 60), text, FAULTS_FRAMES);
        return EINVAL;
    }
    return 0;
}

int faults_frames(const char *list, uint64_t **frames, size_t *count, struct complaint *complaint)
{
    int error = 0;
    *count = 0;
    *frames = NULL;
    while (list != NULL && error == 0) {
        size_t length = strcspn(list, ",");
        uint64_t first, last;
        error = faults_range(list, length, &first, &last, complaint);
        uint64_t *more =
            error == 0 ? realloc(*frames, (*count + last - first + 1) * sizeof **frames) : NULL;
        if (error == 0 && more == NULL) {
            complain(complaint, "out of memory");
            error = ENOMEM;
        }
        *frames = more != NULL ? more : *frames;
        for (uint64_t value = first; error == 0 && value <= last; value++) {
            (*frames)[(*count)++] = value;
        }
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    if (error != 0) {
        free(*frames);
        *frames = NULL;
    }
    return error;
}

// ---- counting -----------------------------------------------------------------------------------

bool faults_possible(void)
{
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        if (strcmp(row->name, FAULTS_POLICY) == 0) {
            return true;
        }
    }
    return false;
}

int faults_machine_use(const struct faults_machine *machine, uint64_t page)
{
    mems_addr addr = machine->block + page * FAULTS_PAGE;
    void *host;
    mems_access_begin();
    int error = mems_translate(machine->space, addr, MEMS_READ, &host, NULL);
    if (error == EAGAIN) {
        mems_access_end();
        error = mems_fault(machine->space, addr, MEMS_READ);
        if (error != 0) {
            return error;
        }
        error = mems_translate(machine->space, addr, MEMS_READ, &host, NULL);
    }
    mems_access_end();
    return error;
}

static int faults_block(const struct references *references, struct faults_machine *machine,
                        struct complaint *complaint)
{
    int error = mems_space_open(machine->engine, &machine->space);
    if (error != 0) {
        complain(complaint, "no space: %s", mems_error_text(error));
        return error;
    }
    error = mems_alloc(machine->space, references->page_count * FAULTS_PAGE, 0, &machine->block);
    if (error != 0) {
        complain(complaint, "no block of %zu pages: %s", references->page_count,
                 mems_error_text(error));
    }
    return error;
}

int faults_machine_open(const struct references *references, const struct faults_choice *choice,
                        uint64_t frames, uint64_t seed, struct faults_machine *machine,
                        struct complaint *complaint)
{
    char options[256];
    *machine = (struct faults_machine){0};
    if (!faults_possible()) {
        complain(complaint, "this engine has no policy " FAULTS_POLICY);
        return ENOTSUP;
    }
    const struct faults_algorithm *algorithm = choice->algorithm;
    uint64_t pages = references->page_count, swap = 2 * pages * FAULTS_PAGE;
    frames = frames == 0 || frames > pages ? pages : frames;
    int length = snprintf(options, sizeof options,
                          "thread_cache=no,page=%" PRIu64 ",frames=%" PRIu64 ",swap=%" PRIu64
                          ",low=0,high=1,seed=%" PRIu64 ",replacement=%s%s",
                          FAULTS_PAGE, frames, swap > FAULTS_SWAP ? swap : FAULTS_SWAP, seed,
                          algorithm->replacement, algorithm->options);
    if (algorithm->parameter != NULL) {
        snprintf(options + length, sizeof options - (size_t)length, ",%s=%" PRIu64,
                 algorithm->parameter, choice->parameter);
    }
    const struct mems_config config = {.policy = FAULTS_POLICY,
                                       .options = options,
                                       .references = references->pages,
                                       .reference_count = references->count};
    int error = mems_engine_open(&config, &machine->engine);
    if (error != 0) {
        complain(complaint, "%s with %" PRIu64 " frames: %s", choice->name, frames,
                 mems_complaint());
        return error;
    }
    error = faults_block(references, machine, complaint);
    if (error != 0) {
        mems_engine_close(machine->engine);
    }
    return error;
}

int faults_count(const struct references *references, const struct faults_choice *choice,
                 uint64_t frames, uint64_t seed, uint64_t *faults, struct complaint *complaint)
{
    struct faults_machine machine;
    struct mems_stats before, after;
    int error = faults_machine_open(references, choice, frames, seed, &machine, complaint);
    if (error != 0) {
        return error;
    }
    mems_snapshot(machine.engine, &before);
    for (size_t i = 0; i < references->count && error == 0; i++) {
        error = faults_machine_use(&machine, references->pages[i]);
        if (error != 0) {
            complain(complaint, "reference %zu: %s", i + 1, mems_error_text(error));
        }
    }
    mems_snapshot(machine.engine, &after);
    *faults = after.faults - before.faults;
    mems_engine_close(machine.engine);
    return error;
}
