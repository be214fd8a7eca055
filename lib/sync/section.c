// SPDX-License-Identifier: MIT
//
// section.c - sections and grace periods by liburcu's membarrier flavour.
//
// 1. States of a thread: NEW -> JOINED at its first section, JOINED -> LOOSE at its end. A thread
//    that the registry does not know (sync/thread.h) is LOOSE from the start. A LOOSE thread joins
//    liburcu at the beginning of each outermost section and leaves at its end: slow, but it leaves
//    nothing in liburcu's list when it is gone, and destructors that run late may use sections.
// 2. Nesting is counted here, and liburcu is called for the outermost section only. The count goes
//    up after liburcu's call and down before it, so a section in a signal handler that interrupts
//    either is nested for liburcu, which allows it.
// 3. Ordering. The sections' side has no fence: liburcu's wait makes every running thread execute
//    one (membarrier). Where the kernel lacks it, liburcu puts fences into the sections.
// 4. Licence. liburcu is LGPL; its read-side functions are at most ten lines long so that other
//    code may use them inline, as its header says.

#include "sync/section.h"

#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define SECTION_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SECTION_TSAN 1
#endif
#endif

// Inline, liburcu's own plain accesses would be instrumented: under TSan its functions are called.
#ifndef SECTION_TSAN
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-memb.h>

#include "os/os.h"
#include "sync/thread.h"

#ifdef SECTION_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char section_edge; // stands for the edge from a section's end to a grace period's
#define section_release() __tsan_release(&section_edge)
#define section_acquire() __tsan_acquire(&section_edge)
#else
#define section_release() ((void)0)
#define section_acquire() ((void)0)
#endif

enum section_state { SECTION_NEW, SECTION_JOINED, SECTION_LOOSE };

static __thread enum section_state self_state;
static __thread unsigned self_depth; // sections within each other

// The exit hook.
static void section_leave(void)
{
    if (self_state == SECTION_JOINED) {
        urcu_memb_unregister_thread();
    }
    self_state = SECTION_LOOSE;
}

static __attribute__((noinline)) void section_join(void)
{
    if (self_state == SECTION_NEW) {
        bool known = thread_number() != 0 && thread_at_exit(section_leave);
        self_state = known ? SECTION_JOINED : SECTION_LOOSE;
    }
    urcu_memb_register_thread();
}

void section_begin(void)
{
    if (self_depth == 0) {
        if (self_state != SECTION_JOINED) {
            section_join();
        }
        urcu_memb_read_lock();
    }
    self_depth++;
}

void section_end(void)
{
    self_depth--;
    if (self_depth == 0) {
        section_release(); // [R:section]
        urcu_memb_read_unlock();
        if (self_state != SECTION_JOINED) {
            urcu_memb_unregister_thread();
        }
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
    urcu_memb_synchronize_rcu();
    section_acquire(); // [A:section]
}
