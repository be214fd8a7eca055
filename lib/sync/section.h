// SPDX-License-Identifier: MIT
//
// section.h - access sections and grace periods, by liburcu (the membarrier flavour).
//
// section_begin and section_end cost a few plain instructions and never wait. section_wait returns
// after every section that had begun before it was called has ended. A thread registers itself
// with liburcu at its first section and leaves when it ends. Who moves memory, or gives it back to
// the OS, calls section_wait, with no lock held that a section might want.
//
// Ordering: what a section read before its end happens before what follows the section_wait that
// waited for it ([R:section] in section_end, [A:section] in section_wait); TSan is told so, since
// it models neither membarrier nor liburcu.

#ifndef SYNC_SECTION_H
#define SYNC_SECTION_H

#include <stdbool.h>

void section_begin(void);
void section_end(void);
bool section_inside(void); // this thread is in a section
bool section_nested(void); // and in another one around it
void section_wait(void);   // not inside a section; may sleep

#endif
