// SPDX-License-Identifier: MIT
//
// thread.c - threads of the library's own, by pthread.
//
// Signals are blocked around the creation, so that the new thread inherits that from its first
// instruction: a handler of the program's never runs on a thread that it does not know.

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "os/explore.h"
#include "os/inject.h"
#include "os/os.h"

_Static_assert(sizeof(pthread_t) <= sizeof(uintptr_t), "a handle holds it");

static void *thread_main(void *arg)
{
    struct os_thread *thread = arg;
    thread->run(thread->arg);
    return NULL;
}

bool os_thread_start(struct os_thread *thread, void (*run)(void *arg), void *arg)
{
    if (inject_fails(MEMS_SEAM_THREAD)) {
        return false;
    }
    bool started;
    if (OS_EXPLORED(thread_start(thread, run, arg, &started))) {
        return started;
    }
    int saved = errno;
    sigset_t all, before;
    pthread_t handle;
    *thread = (struct os_thread){.process = (uint32_t)getpid(), .run = run, .arg = arg};
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&handle, NULL, thread_main, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        thread->handle = (uintptr_t)handle;
    }
    errno = saved;
    return error == 0;
}

void os_thread_join(struct os_thread *thread)
{
    if (OS_EXPLORED(thread_join(thread))) {
        return;
    }
    if (thread->process == (uint32_t)getpid()) {
        (void)pthread_join((pthread_t)thread->handle, NULL);
    }
}
