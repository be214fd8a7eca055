// SPDX-License-Identifier: MIT
//
// unwind.c - who called whom, as bare addresses, from a thread that may be in any state.
//
// 1. What is known is stored at once, in memory that outlives the process: the interrupted
//    instruction first, then each caller as it is found. An unwinder that crashes in a broken stack
//    (the signal that it raises ends the process), or that never comes back (the driver ends the
//    process then), takes nothing away of what is there.
// 2. libgcc's unwinder reads the call frame information of each object. It starts in the handler;
//    frames count from where it meets the interrupted instruction. Since libc 2.35 it finds objects
//    without a lock.
// 3. Where it does not come so far (a jump to nowhere, code without unwind information), the chain
//    of frame pointers is followed instead, if there is one: each word is read by the kernel, which
//    says EFAULT where others crash. For a call of nowhere the return address is on top of the
//    stack.
// 4. Names are the driver's business (run/symbols.c): it has the objects' symbol tables, a malloc
//    that works, and time. It needs the map of the process, which must be copied before the end.

#include "run/unwind.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

struct unwind_walk {
    struct unwind *unwind;
    uint64_t from; // frames count from this instruction on; 0: from `skip` frames on
    unsigned skip;
    unsigned seen;
};

static bool unwind_push(struct unwind *unwind, uint64_t address)
{
    if (unwind->count == UNWIND_FRAMES) {
        return false;
    }
    unwind->frame[unwind->count] = address;
    __atomic_store_n(&unwind->count, unwind->count + 1, __ATOMIC_RELEASE);
    return true;
}

static _Unwind_Reason_Code unwind_step(struct _Unwind_Context *context, void *argument)
{
    struct unwind_walk *walk = argument;
    int exact = 0;
    uint64_t address = _Unwind_GetIPInfo(context, &exact);
    walk->seen++;
    if (walk->seen > walk->skip + 2 * UNWIND_FRAMES) {
        return _URC_END_OF_STACK; // a chain that goes in circles before it meets `from`
    }
    if (walk->from != 0) {
        if (exact != 0 && address == walk->from) {
            walk->from = 0; // it is stored already
            walk->skip = walk->seen;
        }
        return _URC_NO_REASON;
    }
    if (walk->seen <= walk->skip) {
        return _URC_NO_REASON;
    }
    if (address == 0 || !unwind_push(walk->unwind, exact != 0 ? address : address - 1)) {
        return _URC_END_OF_STACK;
    }
    return _URC_NO_REASON;
}

static bool unwind_peek(uint64_t address, uint64_t *words, size_t count)
{
    struct iovec here = {.iov_base = words, .iov_len = count * sizeof *words};
    struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = here.iov_len};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)here.iov_len;
}

#if defined(__x86_64__)
static uint64_t unwind_instruction(const ucontext_t *context)
{
    return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
}

// Point 3.
static void unwind_frame_pointers(struct unwind *unwind, const ucontext_t *context)
{
    uint64_t words[2]; // the frame pointer before, the return address
    uint64_t stack = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
    uint64_t frame = (uint64_t)context->uc_mcontext.gregs[REG_RBP];
    uint64_t instruction = unwind_instruction(context);
    if (!unwind_peek(instruction, words, 1) && unwind_peek(stack, words, 1)) {
        unwind_push(unwind, words[0] - 1);
    }
    while (frame >= stack && frame % 8 == 0 && unwind_peek(frame, words, 2) && words[1] != 0 &&
           unwind_push(unwind, words[1] - 1)) {
        stack = frame + 16; // stacks grow down: callers lie above, or the chain is broken
        frame = words[0];
    }
}
#elif defined(__aarch64__)
static uint64_t unwind_instruction(const ucontext_t *context)
{
    return context->uc_mcontext.pc;
}

static void unwind_frame_pointers(struct unwind *unwind, const ucontext_t *context)
{
    uint64_t words[2];
    uint64_t stack = context->uc_mcontext.sp;
    uint64_t frame = context->uc_mcontext.regs[29];
    unwind_push(unwind, context->uc_mcontext.regs[30] - 1);
    while (frame >= stack && frame % 8 == 0 && unwind_peek(frame, words, 2) && words[1] != 0 &&
           unwind_push(unwind, words[1] - 1)) {
        stack = frame + 16;
        frame = words[0];
    }
}
#else
#error "say where this machine's signal context has the instruction and the frame pointer"
#endif

void unwind_signal(struct unwind *unwind, const void *context)
{
    struct unwind_walk walk = {.unwind = unwind, .from = unwind_instruction(context)};
    unwind_push(unwind, walk.from);
    if (walk.from != 0) {
        _Unwind_Backtrace(unwind_step, &walk);
    }
    if (unwind->count == 1) {
        unwind_frame_pointers(unwind, context);
    }
}

__attribute__((noinline)) void unwind_here(struct unwind *unwind, unsigned callers)
{
    struct unwind_walk walk = {.unwind = unwind, .skip = 1 + callers};
    _Unwind_Backtrace(unwind_step, &walk);
}

void unwind_open(void)
{
    struct unwind nobody = {0};
    unwind_here(&nobody, 1);
}

// ---- the map ------------------------------------------------------------------------------------

// A line at a time of what the reads of the file bring.
struct unwind_lines {
    char *into;
    size_t room; // for text, its end not counted
    size_t used;
    size_t line; // where the line under way begins
    bool named;  // the line has a '/': it belongs to a file
};

static void unwind_take(struct unwind_lines *lines, char byte)
{
    if (lines->used < lines->room) {
        lines->into[lines->used] = byte;
    }
    lines->used++;
    lines->named |= byte == '/';
    if (byte != '\n') {
        return;
    }
    if (!lines->named || lines->used > lines->room) {
        lines->used = lines->line; // not of a file, or there is no room for it
    }
    lines->line = lines->used;
    lines->named = false;
}

void unwind_maps(const char *path, char *into, size_t size)
{
    char buffer[1024];
    struct unwind_lines lines = {.into = into, .room = size - 1};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    while (fd >= 0 && (got = read(fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            unwind_take(&lines, buffer[i]);
        }
    }
    into[lines.line] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}
