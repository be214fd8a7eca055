// SPDX-License-Identifier: MIT
//
// explore.h - where the explore build's scheduler stands in for the system.
//
// Only sync/explore sets it. Each call returns whether it took over: not for a thread that the
// scheduler does not run, which then does what it does in every other build. There OS_EXPLORED is
// false at compile time.

#ifndef OS_EXPLORE_H
#define OS_EXPLORE_H

#include "os/os.h"

struct os_explore {
    bool (*wait)(uint32_t *word, uint32_t expected, uint64_t timeout_ns);
    bool (*wake)(uint32_t *word, uint32_t count);
    bool (*yield)(void); // also one step of a spin loop
    bool (*clock)(uint64_t *now_ns);
    bool (*alone)(void); // one CPU: nobody spins
    bool (*thread_start)(struct os_thread *thread, void (*run)(void *arg), void *arg,
                         bool *started);
    bool (*thread_join)(struct os_thread *thread);
};

#ifdef MEMS_EXPLORE
extern const struct os_explore *os_explore; // NULL: nobody stands in
#define OS_EXPLORED(call) (os_explore != NULL && os_explore->call)
#else
#define OS_EXPLORED(call) 0
#endif

// The kernel's own, whoever stands in: as os_wait and os_wake.
void os_futex_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void os_futex_wake(uint32_t *word, uint32_t count);

#endif
