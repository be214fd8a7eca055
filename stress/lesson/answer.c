// SPDX-License-Identifier: MIT
//
// answer.c - one function a style of answers.

#include "lesson/answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "show/words.h"

static void answer_say(struct lesson_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void answer_say(struct lesson_answer *answer, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof answer->text - answer->length;
    va_start(arguments, format);
    int length = vsnprintf(answer->text + answer->length, room, format, arguments);
    va_end(arguments);
    answer->length += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

static void answer_part(struct lesson_answer *answer, const char *comma)
{
    answer_say(answer, "%s", answer->length > 0 ? comma : "");
}

static void answer_hole(struct lesson_answer *answer, const struct show *show,
                        const struct show_step *step)
{
    answer_part(answer, " ");
    if (step->outcome == SHOW_REFUSED) {
        answer_say(answer, "wait");
    } else {
        answer_say(answer, "%" PRIu64, step->choice.size / show_unit(show));
    }
}

static void answer_name(struct lesson_answer *answer, const struct show *show,
                        const struct trace_op *op)
{
    char name[100];
    bool block = trace_kind_has_block(op->kind);
    words_name(show_trace(show), op->process, block ? op->block : SHOW_NOBODY, name, sizeof name);
    answer_say(answer, "%s", name);
}

static void answer_place(struct lesson_answer *answer, struct show *show,
                         const struct show_step *step)
{
    const struct show_map *map = show_look(show);
    answer_part(answer, " ");
    answer_name(answer, show, step->op);
    for (size_t i = 0; i < map->count; i++) {
        const struct show_piece *piece = &map->pieces[i];
        if (piece->block == step->op->block && !piece->absent && !piece->more) {
            answer_say(answer, "@%" PRIu64 "+%" PRIu64, piece->at / show_unit(show),
                       piece->size / show_unit(show));
        }
    }
}

static void answer_partition(struct lesson_answer *answer, const struct show *show,
                             const struct show_step *step)
{
    bool placed = trace_kind_allocates(step->op->kind);
    if (!placed && step->outcome != SHOW_NOTHING) {
        return;
    }
    answer_part(answer, ", ");
    answer_name(answer, show, step->op);
    if (step->outcome == SHOW_NOTHING) {
        answer_say(answer, " not found");
    } else if (step->outcome == SHOW_REFUSED) {
        answer_say(answer, " wait");
    } else if (step->choice.size > 0) {
        answer_say(answer, " %" PRIu64, step->choice.at / step->choice.size);
    }
}

static void answer_frames(struct lesson_answer *answer, struct show *show,
                          const struct show_step *step)
{
    const struct show_map *map = show_look(show);
    uint64_t pages = 0, taken = 0;
    for (size_t i = 0; i < map->count; i++) {
        bool mine = map->pieces[i].block == step->op->block && !map->pieces[i].absent;
        pages += mine;
        taken += mine ? map->pieces[i].size : 0;
    }
    answer_part(answer, "; ");
    answer_say(answer, "%" PRIu64 " frames, %" PRIu64 " wasted", pages,
               taken / show_unit(show) - step->op->size);
}

static void answer_address(struct lesson_answer *answer, const struct show *show,
                           const struct show_step *step)
{
    answer_part(answer, " ");
    if (step->outcome != SHOW_DONE) {
        answer_say(answer, "trap");
    } else {
        answer_say(answer, "%" PRIu64, step->choice.at / show_unit(show));
    }
}

void lesson_answer_step(struct lesson_answer *answer, struct show *show,
                        const struct show_step *step)
{
    bool alloc = trace_kind_allocates(step->op->kind);
    switch (answer->style) {
    case ANSWER_HOLES:
    case ANSWER_HOLES_LEFT:
        if (alloc) {
            answer_hole(answer, show, step);
        }
        return;
    case ANSWER_PLACES:
        if (alloc) {
            answer_place(answer, show, step);
        }
        return;
    case ANSWER_PARTITIONS:
        answer_partition(answer, show, step);
        return;
    case ANSWER_FRAMES:
        if (alloc && step->outcome == SHOW_DONE) {
            answer_frames(answer, show, step);
        }
        return;
    case ANSWER_ADDRESSES:
        if (step->op->kind == TRACE_TOUCH) {
            answer_address(answer, show, step);
        }
        return;
    default:
        return;
    }
}

void lesson_answer_end(struct lesson_answer *answer, struct show *show)
{
    const struct show_map *map = show_look(show);
    struct show_summary summary;
    uint64_t unit = show_unit(show);
    char name[100];
    show_sum_up(show, &summary);
    if (answer->style == ANSWER_HOLES_LEFT) {
        answer_say(answer, "; holes");
    } else if (answer->style != ANSWER_END) {
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct show_piece *piece = &map->pieces[i];
        if (answer->style == ANSWER_HOLES_LEFT && piece->kind == MEMS_PIECE_HOLE) {
            answer_say(answer, " %" PRIu64, piece->size / unit);
        }
        if (answer->style == ANSWER_END && piece->block != SHOW_NOBODY && !piece->absent) {
            words_name(show_trace(show), piece->process, piece->block, name, sizeof name);
            answer_part(answer, " ");
            answer_say(answer, "%s@%" PRIu64 "+%" PRIu64, name, piece->at / unit,
                       piece->requested / unit);
        }
    }
    if (answer->style == ANSWER_END) {
        answer_say(answer, "; %" PRIu64 " free; %" PRIu64 " moved", map->stats.free_bytes / unit,
                   summary.moved_bytes / unit);
    }
}
