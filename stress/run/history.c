// SPDX-License-Identifier: MIT
//
// history.c - a thread's last operations: what they are called.

#include "run/history.h"

#include "workload/op.h"

const char *history_kind_name(uint32_t kind)
{
    switch (kind) {
    case OP_ALLOC:
        return "alloc";
    case OP_FREE:
        return "free";
    case OP_FREE_REMOTE:
        return "free_remote";
    case OP_RESIZE:
        return "resize";
    case OP_STEP:
        return "step";
    case HISTORY_TOUCH:
        return "touch";
    case HISTORY_VERIFY:
        return "verify";
    case HISTORY_REFUSED:
        return "refused";
    default:
        return "?";
    }
}
