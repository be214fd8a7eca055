// SPDX-License-Identifier: MIT
//
// section.c - access sections and grace periods in the explore build.
//
// Theory, states: sync/explore/scheduler.c, 4. Without a schedule there is one thread that uses the
// engine, and a grace period is over at once.

#include "sync/section.h"

#include "os/os.h"
#include "sync/schedule.h"

static __thread unsigned self_depth; // sections within each other

void section_begin(void)
{
    if (self_depth == 0) {
        scheduler_section_begin();
    }
    self_depth++;
}

void section_end(void)
{
    self_depth--;
    if (self_depth == 0) {
        scheduler_section_end();
    }
}

bool section_inside(void)
{
    return self_depth != 0;
}

bool section_nested(void)
{
    return self_depth > 1;
}

void section_wait(void)
{
    if (self_depth != 0) {
        static const char text[] = "mems: section_wait inside a section would wait for itself\n";
        os_die(text, sizeof text - 1);
    }
    scheduler_section_wait();
}
