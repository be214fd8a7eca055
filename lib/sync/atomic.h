// SPDX-License-Identifier: MIT
//
// atomic.h - atomic steps whose names carry their memory order, on plain integers and pointers.
//
// 1. Why not <stdatomic.h>: its default order is seq_cst and its names hide the order. Here there
//    is no default; a reader of a call sees what it orders. There is no seq_cst and no fence:
//    the one place that needs a full fence, between marking a block and the grace period, has it
//    in liburcu (sync/section.h), and TSan does not model fences.
// 2. Every step is a schedule point (sync/schedule.h), so that the explore build can put the whole
//    engine under a scheduler: after its arguments are known, before it takes effect. In ordinary
//    builds there is nothing of that.
// 3. Both ends of an ordering edge carry the same label in a comment: [R:name] at the release,
//    [A:name] at the acquire. tests/architecture checks that labels pair.

#ifndef SYNC_ATOMIC_H
#define SYNC_ATOMIC_H

#include <stdint.h>

#include "sync/schedule.h"

#ifdef __SANITIZE_THREAD__
#define MEMS_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MEMS_TSAN
#endif
#endif

#ifdef MEMS_EXPLORE
#define ATOMIC_LOAD(name, p, order)                                                                \
    ({                                                                                             \
        __typeof__(p) at_ = (p);                                                                   \
        schedule_point(name, #p);                                                                  \
        __atomic_load_n(at_, order);                                                               \
    })
#define ATOMIC_CHANGE(name, step, p, v, order)                                                     \
    ({                                                                                             \
        __typeof__(p) at_ = (p);                                                                   \
        __typeof__(*at_) value_ = (v);                                                             \
        schedule_point(name, #p);                                                                  \
        step(at_, value_, order);                                                                  \
    })
#define ATOMIC_CAS(name, p, expected, v, success, failure)                                         \
    ({                                                                                             \
        __typeof__(p) at_ = (p);                                                                   \
        __typeof__(p) expected_ = (expected);                                                      \
        __typeof__(*at_) value_ = (v);                                                             \
        schedule_point(name, #p);                                                                  \
        __atomic_compare_exchange_n(at_, expected_, value_, 0, success, failure);                  \
    })
#else
#define ATOMIC_LOAD(name, p, order)            __atomic_load_n((p), order)
#define ATOMIC_CHANGE(name, step, p, v, order) step((p), (v), order)
#define ATOMIC_CAS(name, p, expected, v, success, failure)                                         \
    __atomic_compare_exchange_n((p), (expected), (v), 0, success, failure)
#endif

#define load_relaxed(p) ATOMIC_LOAD("load_relaxed", p, __ATOMIC_RELAXED)
#define load_acquire(p) ATOMIC_LOAD("load_acquire", p, __ATOMIC_ACQUIRE)

#define store_relaxed(p, v) ATOMIC_CHANGE("store_relaxed", __atomic_store_n, p, v, __ATOMIC_RELAXED)
#define store_release(p, v) ATOMIC_CHANGE("store_release", __atomic_store_n, p, v, __ATOMIC_RELEASE)

#define add_relaxed(p, v) ATOMIC_CHANGE("add_relaxed", __atomic_fetch_add, p, v, __ATOMIC_RELAXED)
#define add_acq_rel(p, v) ATOMIC_CHANGE("add_acq_rel", __atomic_fetch_add, p, v, __ATOMIC_ACQ_REL)
#define or_acq_rel(p, v)  ATOMIC_CHANGE("or_acq_rel", __atomic_fetch_or, p, v, __ATOMIC_ACQ_REL)
#define and_acq_rel(p, v) ATOMIC_CHANGE("and_acq_rel", __atomic_fetch_and, p, v, __ATOMIC_ACQ_REL)
#define swap_acquire(p, v)                                                                         \
    ATOMIC_CHANGE("swap_acquire", __atomic_exchange_n, p, v, __ATOMIC_ACQUIRE)
#define swap_release(p, v)                                                                         \
    ATOMIC_CHANGE("swap_release", __atomic_exchange_n, p, v, __ATOMIC_RELEASE)
#define swap_acq_rel(p, v)                                                                         \
    ATOMIC_CHANGE("swap_acq_rel", __atomic_exchange_n, p, v, __ATOMIC_ACQ_REL)

// Plain accesses of words that this thread alone writes, or that never change while it may look:
// other threads' atomic steps on them are elsewhere. Compilers fold a plain access into the
// instruction that uses it, and an atomic one never.
#if defined(MEMS_TSAN) || defined(MEMS_EXPLORE)
#define peek(p)    load_relaxed(p)
#define poke(p, v) store_relaxed((p), (v))
#else
#define peek(p)    (*(p))
#define poke(p, v) ((void)(*(p) = (v)))
#endif

// Strong compare-and-swap: true when *p was *expected and is now v; else *expected is what was
// found. The name gives the order on success; failure is relaxed, but for cas_acq_rel: acquire.
#define cas_relaxed(p, expected, v)                                                                \
    ATOMIC_CAS("cas_relaxed", p, expected, v, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define cas_acquire(p, expected, v)                                                                \
    ATOMIC_CAS("cas_acquire", p, expected, v, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define cas_release(p, expected, v)                                                                \
    ATOMIC_CAS("cas_release", p, expected, v, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define cas_acq_rel(p, expected, v)                                                                \
    ATOMIC_CAS("cas_acq_rel", p, expected, v, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

// Adds to (or takes from) a counter that one thread writes and any thread may read. No other
// thread's write can come in between, so no locked instruction is needed: one plain add to memory,
// which readers see whole. (Compilers make three instructions of the portable form.) The explore
// build takes it apart: a second writer loses an update there, as it would here now and then.
#ifdef MEMS_EXPLORE
#define count_own(counter, n)                                                                      \
    ({                                                                                             \
        uint64_t *at_ = (counter);                                                                 \
        uint64_t now_ = *at_;                                                                      \
        schedule_point("count_own", #counter);                                                     \
        *at_ = now_ + (n);                                                                         \
    })
#else
static inline void count_own(uint64_t *counter, uint64_t n)
{
#if defined(__x86_64__) && !defined(MEMS_TSAN)
    __asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
#else
    uint64_t now = __atomic_load_n(counter, __ATOMIC_RELAXED);
    __atomic_store_n(counter, now + n, __ATOMIC_RELAXED);
#endif
}
#endif

#endif
