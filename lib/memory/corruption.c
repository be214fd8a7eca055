// SPDX-License-Identifier: MIT
//
// corruption.c - the one way out when memory is found corrupt.

#include "memory/corruption.h"

#include <stddef.h>

#include "base/print.h"
#include "os/os.h"
#include "sync/atomic.h"

static void corruption_die(const char *what, uint64_t addr)
{
    char text[256];
    struct printer printer;
    print_init(&printer, text, sizeof text);
    print_format(&printer, "mems: corruption: %s: ", what);
    print_hex(&printer, addr);
    print_text(&printer, "\n");
    os_die(text, printer.length);
}

static corruption_hook hook_now = corruption_die;

void corruption_report(const char *what, uint64_t addr)
{
    corruption_hook hook = load_acquire(&hook_now); // [A:hook]
    hook(what, addr);
}

corruption_hook corruption_on(corruption_hook hook)
{
    return swap_acq_rel(&hook_now, hook != NULL ? hook : corruption_die); // [R:hook]
}
