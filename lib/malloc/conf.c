// SPDX-License-Identifier: MIT
//
// conf.c - the knobs of MEMS_MALLOC_CONF=key=value,key=value.
//
// 1. When. The first thread reads them when it enters. A process allocates before libc has set up
//    its environment (the dynamic linker does); so a constructor looks again. What was allocated
//    until then was allocated by the defaults.
// 2. Mistakes. Each is one line on stderr that says what would be right. The program goes on: an
//    allocator that ends it for the sake of a knob is worse than one without. Programs that run as
//    somebody else than who started them have no knobs.

#include "malloc/conf.h"

#include <string.h>

#include "heap/depot.h"
#include "malloc/malloc.h"
#include "os/os.h"

static const char *const decay_words[] = {"never", NULL};
static const char *const thp_words[] = {"never", "auto", "always", NULL};
static const char *const flag_words[] = {"0", "1", NULL};
static const char *const print_words[] = {"none", "stats", NULL};

#define DAY_MS UINT64_C(86400000)

const struct option conf_table[] = {
    {"decay", OPTION_NUMBER, 0, DAY_MS, decay_words, "0..86400000 (ms) or never", "250",
     "how long free memory waits before it goes back to the system",
     offsetof(struct conf, decay_ms)},
    {"thp", OPTION_CHOICE, 0, 0, thp_words, NULL, "auto",
     "whether huge pages are refused or asked for; auto: the system decides",
     offsetof(struct conf, thp)},
    {"background", OPTION_CHOICE, 0, 0, flag_words, NULL, "0",
     "1: a thread gives memory back when the program is idle", offsetof(struct conf, background)},
    {"print", OPTION_CHOICE, 0, 0, print_words, NULL, "none",
     "stats: malloc_stats when the program ends", offsetof(struct conf, print)},
    {0},
};

struct conf conf;

static bool done;

unsigned conf_parse(struct conf *into, const char *text, struct printer *complaint,
                    void (*complain)(struct printer *complaint))
{
    struct option_set set = {conf_table, into};
    return option_parse_each(&set, 1, text, complaint, complain);
}

// One line, whatever the text holds.
static void say(struct printer *complaint)
{
    char text[1100];
    struct printer line;
    print_init(&line, text, sizeof text);
    print_format(&line, "mems-malloc: MEMS_MALLOC_CONF: %s", complaint->text);
    for (size_t i = 0; i < line.length; i++) {
        line.text[i] = (unsigned char)line.text[i] < ' ' ? '?' : line.text[i];
    }
    print_text(&line, "\n");
    os_complain(line.text, line.length);
}

void conf_read(void)
{
    char text[1000];
    struct printer complaint;
    if (done || !os_environment_ready()) {
        return;
    }
    done = true;
    print_init(&complaint, text, sizeof text);
    (void)conf_parse(&conf, os_environment("MEMS_MALLOC_CONF"), &complaint, say);
    depot_settings.decay_ms = conf.decay_ms;
    depot_settings.thp = conf.thp;
    if (conf.background != 0 && conf.decay_ms != DEPOT_DECAY_NEVER) {
        malloc_background_want();
    }
}

static __attribute__((constructor)) void conf_again(void)
{
    conf_read();
    malloc_background_allow();
}
