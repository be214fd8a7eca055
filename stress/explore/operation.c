// SPDX-License-Identifier: MIT
//
// operation.c - what the threads of a schedule do: a list of operations, drawn from a seed.
//
// The mix of kinds follows from the class of the section's workload: where threads hand blocks
// over, more releases are of another thread's; where memory is paged or moved, more accesses and
// compactions. A thread's own list does not depend on how many others there are. Slots are few, so
// that threads meet.

#include "explore/operation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "workload/random.h"

#define SLOTS_PER_THREAD 6
#define PHASES_FROM      16 // operations a thread: fewer make one phase

static const char *const operation_names[OPERATION_KINDS] = {
    [OPERATION_ALLOC] = "alloc",   [OPERATION_RELEASE] = "release", [OPERATION_RESIZE] = "resize",
    [OPERATION_READ] = "read",     [OPERATION_WRITE] = "write",     [OPERATION_HOLD] = "hold",
    [OPERATION_STALE] = "stale",   [OPERATION_COMPACT] = "compact", [OPERATION_CHECK] = "check",
    [OPERATION_LOOK] = "snapshot", [OPERATION_FLUSH] = "flush",
};

// Weights of the kinds, and how many in a hundred releases are of another thread's block.
struct operation_mix {
    uint8_t weight[OPERATION_KINDS];
    uint8_t remote_percent;
};

#define MIX(alloc, release, resize, read, write, hold, compact, remote)                            \
    {                                                                                              \
        {alloc, release, resize, read, write, hold, 2, compact, 1, 1, 1}, remote                   \
    }

static const struct operation_mix operation_mixes[WORKLOAD_CLASSES] = {
    [WORKLOAD_MICRO] = MIX(30, 24, 8, 6, 4, 4, 2, 25),
    [WORKLOAD_SERVER] = MIX(28, 22, 8, 8, 6, 6, 3, 40),
    [WORKLOAD_THREADS] = MIX(32, 28, 4, 4, 4, 4, 2, 60),
    [WORKLOAD_SHARING] = MIX(24, 16, 4, 10, 8, 24, 12, 50),
    [WORKLOAD_ADVERSARY] = MIX(30, 26, 10, 4, 2, 4, 6, 30),
    [WORKLOAD_PROCESS] = MIX(30, 26, 6, 4, 4, 4, 2, 50),
    [WORKLOAD_PAGED] = MIX(20, 14, 6, 16, 14, 14, 6, 30),
    [WORKLOAD_REPLAY] = MIX(30, 24, 8, 6, 4, 4, 3, 40),
};

static unsigned draw(struct random *random, unsigned bound)
{
    return (unsigned)(random_next(random) % bound);
}

static enum operation_kind draw_kind(const struct operation_mix *mix, struct random *random)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < OPERATION_KINDS; i++) {
        sum += mix->weight[i];
    }
    unsigned at = draw(random, sum);
    unsigned kind = 0;
    while (at >= mix->weight[kind]) {
        at -= mix->weight[kind++];
    }
    return (enum operation_kind)kind;
}

static void draw_operation(const struct operation_shape *shape, struct random *random,
                           struct operation *operation)
{
    const struct operation_mix *mix = &operation_mixes[shape->class];
    enum operation_kind kind = draw_kind(mix, random);
    unsigned home = operation->thread - 1u;
    bool away = draw(random, 100) < mix->remote_percent;
    bool strange = kind == OPERATION_RELEASE || kind == OPERATION_READ || kind == OPERATION_HOLD ||
                   kind == OPERATION_WRITE || kind == OPERATION_STALE || kind == OPERATION_RESIZE;
    if (strange && away && shape->threads > 1) {
        home = (home + 1 + draw(random, shape->threads - 1)) % shape->threads;
    }
    operation->kind = (uint8_t)kind;
    operation->slot = home * SLOTS_PER_THREAD + draw(random, SLOTS_PER_THREAD);
    operation->size = distribution_draw(shape->sizes, random_next(random));
}

void operation_list_make(const struct operation_shape *shape, uint64_t seed,
                         struct operation_list *list)
{
    *list = (struct operation_list){
        .threads = shape->threads,
        .phases = shape->operations >= PHASES_FROM ? OPERATION_PHASES : 1,
        .slots = shape->threads * SLOTS_PER_THREAD,
        .count = (size_t)shape->threads * shape->operations,
    };
    list->kept = list->count;
    list->operations = calloc(list->count, sizeof *list->operations);
    if (list->operations == NULL) {
        abort();
    }
    for (unsigned thread = 1; thread <= shape->threads; thread++) {
        struct random random;
        random_init(&random, seed, thread, 0);
        for (unsigned i = 0; i < shape->operations; i++) {
            struct operation *operation =
                &list->operations[(size_t)(thread - 1) * shape->operations + i];
            operation->thread = (uint8_t)thread;
            operation->phase = (uint8_t)(i * list->phases / shape->operations);
            operation->index = i + 1;
            operation->kept = true;
            draw_operation(shape, &random, operation);
        }
    }
}

void operation_list_free(struct operation_list *list)
{
    free(list->operations);
    list->operations = NULL;
}

// ---- parts of a list ---------------------------------------------------------------------------

static struct operation *operation_find(struct operation_list *list, const char **at)
{
    char *end;
    unsigned long thread = strtoul(*at, &end, 10);
    if (end == *at || *end != '.') {
        return NULL;
    }
    const char *rest = end + 1;
    unsigned long index = strtoul(rest, &end, 10);
    if (end == rest) {
        return NULL;
    }
    *at = end;
    for (size_t i = 0; i < list->count; i++) {
        struct operation *operation = &list->operations[i];
        if (operation->thread == thread && operation->index == index) {
            return operation;
        }
    }
    return NULL;
}

// One piece: "1.2" or "1.2-1.5", both of one thread.
static bool keep_piece(struct operation_list *list, const char **at)
{
    struct operation *first = operation_find(list, at);
    struct operation *last = first;
    if (first != NULL && **at == '-') {
        (*at)++;
        last = operation_find(list, at);
    }
    if (first == NULL || last == NULL || last < first || last->thread != first->thread) {
        return false;
    }
    for (struct operation *operation = first; operation <= last; operation++) {
        list->kept += !operation->kept;
        operation->kept = true;
    }
    return true;
}

void operation_keep_all(struct operation_list *list)
{
    list->kept = list->count;
    for (size_t i = 0; i < list->count; i++) {
        list->operations[i].kept = true;
    }
}

int operation_keep(struct operation_list *list, const char *text, struct complaint *complaint)
{
    const char *at = text;
    list->kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        list->operations[i].kept = false;
    }
    while (keep_piece(list, &at)) {
        if (*at == '\0') {
            return 0;
        }
        if (*at++ != ',') {
            break;
        }
    }
    complain(complaint,
             "--keep %s: operations as THREAD.NUMBER, separated by commas, or from one to another "
             "of a thread (1.2,2.1-2.4); there are %u threads of %zu operations",
             text, list->threads, list->count / list->threads);
    return EINVAL;
}

void operation_write_kept(const struct operation_list *list, FILE *out)
{
    const char *comma = "";
    for (size_t i = 0; i < list->count; i++) {
        const struct operation *first = &list->operations[i];
        if (!first->kept) {
            continue;
        }
        while (i + 1 < list->count && list->operations[i + 1].kept &&
               list->operations[i + 1].thread == first->thread) {
            i++;
        }
        const struct operation *last = &list->operations[i];
        fprintf(out, "%s%u.%u", comma, first->thread, first->index);
        if (last != first) {
            fprintf(out, "-%u.%u", last->thread, last->index);
        }
        comma = ",";
    }
}

// ---- for people --------------------------------------------------------------------------------

const char *operation_name(enum operation_kind kind)
{
    return operation_names[kind];
}

void operation_text(const struct operation *operation, char *text, size_t size)
{
    const char *name = operation_names[operation->kind];
    switch ((enum operation_kind)operation->kind) {
    case OPERATION_ALLOC:
    case OPERATION_RESIZE:
        snprintf(text, size, "%s slot %u, %llu bytes", name, operation->slot,
                 (unsigned long long)operation->size);
        break;
    case OPERATION_COMPACT:
    case OPERATION_CHECK:
    case OPERATION_LOOK:
    case OPERATION_FLUSH:
        snprintf(text, size, "%s", name);
        break;
    default:
        snprintf(text, size, "%s slot %u", name, operation->slot);
        break;
    }
}

void operation_print(const struct operation_list *list, FILE *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct operation *operation = &list->operations[i];
        if (operation->kept) {
            char text[80];
            operation_text(operation, text, sizeof text);
            fprintf(out, "  %u.%-4u %s%s\n", operation->thread, operation->index, text,
                    operation->phase > 0 ? " (after the first threads' end)" : "");
        }
    }
}
