// SPDX-License-Identifier: MIT
//
// answer.h - what a trace came to on one target, in the words of an exercise's answer.

#ifndef LESSON_ANSWER_H
#define LESSON_ANSWER_H

#include "lesson/exercise.h"
#include "show/show.h"

struct lesson_answer {
    enum exercise_answer style;
    char text[240];
    size_t length;
};

// After each step that belongs to the exercise; the last call when all are done.
void lesson_answer_step(struct lesson_answer *answer, struct show *show,
                        const struct show_step *step);
void lesson_answer_end(struct lesson_answer *answer, struct show *show);

#endif
