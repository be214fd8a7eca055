// SPDX-License-Identifier: MIT
//
// stats.c - malloc_stats: what the heap holds, on stderr.
//
// Without stdio: it also speaks at the end of a program, of which stderr's buffers may be gone, and
// for programs that hold stderr's lock.

#include <malloc.h>

#include "base/print.h"
#include "heap/look.h"
#include "malloc/conf.h"
#include "malloc/malloc.h"
#include "os/os.h"

#define NUMBER_WIDTH 16

// A line of "number  text".
static void print_row(struct printer *page, uint64_t value, const char *text)
{
    unsigned digits = 1;
    for (uint64_t rest = value; rest >= 10; rest /= 10) {
        digits++;
    }
    for (; digits < NUMBER_WIDTH; digits++) {
        print_text(page, " ");
    }
    print_number(page, value);
    print_format(page, "  %s\n", text);
}

static void print_classes(struct printer *page, const struct look *look)
{
    print_text(page, "mems-malloc: slabs, blocks and blocks in use by size\n");
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        const struct look_class *row = &look->class[class];
        if (row->slabs != 0) {
            char text[100];
            struct printer line;
            print_init(&line, text, sizeof text);
            print_format(&line, "bytes: %llu, %llu, %llu", (unsigned long long)row->slabs,
                         (unsigned long long)row->blocks, (unsigned long long)row->used);
            print_row(page, slab_class_size(class), line.text);
        }
    }
}

MALLOC_EXPORT void malloc_stats(void)
{
    char text[16384];
    struct printer page;
    struct look look;
    look_take(&look);
    print_init(&page, text, sizeof text);
    print_text(&page, "mems-malloc: the heap\n");
    for (size_t i = 0; i < look_figure_count; i++) {
        print_row(&page, look_value(&look, &look_figures[i]), look_figures[i].help);
    }
    print_classes(&page, &look);
    os_complain(page.text, page.length);
}

static __attribute__((destructor)) void stats_at_exit(void)
{
    if (conf.print == CONF_PRINT_STATS) {
        malloc_stats();
    }
}
