// SPDX-License-Identifier: MIT
//
// progress.c - one line on a terminal that says where the run is.

#include "result/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "measure/clock.h"

// Operations and time at the last look, for the rate of the moment.
static struct {
    uint64_t operations;
    uint64_t ns;
} progress_last;

static int progress_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col - 1 : 79;
}

static void progress_clear(void)
{
    fprintf(stderr, "\r\033[K");
}

static void progress_began(void *arg, const struct plan *plan, size_t index)
{
    (void)arg;
    (void)plan;
    (void)index;
    progress_last.operations = 0;
    progress_last.ns = clock_monotonic_ns();
}

static void progress_tick(void *arg, const struct plan *plan, size_t index)
{
    (void)arg;
    const struct cell *cell = &plan->cells[index];
    uint64_t operations = stage_operations(cell->stage);
    uint64_t now = clock_monotonic_ns();
    double seconds = (double)(now - progress_last.ns) / 1e9;
    double rate = seconds > 0 ? (double)(operations - progress_last.operations) / seconds : 0;
    char line[256];
    progress_last.operations = operations;
    progress_last.ns = now;
    snprintf(line, sizeof line, "[%zu/%zu] %s on %s: %s, %.3g million operations, %.3g M/s",
             index + 1, plan->cell_count, cell->section->section->name, cell->spec->name,
             stage_phase_name(stage_phase(cell->stage)), (double)operations / 1e6, rate / 1e6);
    progress_clear();
    fprintf(stderr, "%.*s", progress_width(), line);
    fflush(stderr);
}

static void progress_ended(void *arg, const struct plan *plan, size_t index)
{
    (void)arg;
    (void)plan;
    (void)index;
    progress_clear();
    fflush(stderr);
}

void progress_view(struct drive_view *view, bool quiet)
{
    *view = (struct drive_view){0};
    if (!quiet && isatty(STDERR_FILENO)) {
        view->began = progress_began;
        view->tick = progress_tick;
        view->ended = progress_ended;
    }
}
