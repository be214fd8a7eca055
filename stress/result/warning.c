// SPDX-License-Identifier: MIT
//
// warning.c - what a reader of the figures should know.
//
// A row is a code, what it means, and a function that looks for it. Limits are chosen so that a
// quiet machine with a sensible job has none: a warning that always comes is not read.

#include "result/warning.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "job/checks.h"
#include "measure/median.h"
#include "result/summary.h"

#define WARNING_LOAD    0.5  // of the CPUs, busy before the run began
#define WARNING_STOLEN  0.02 // of the run's CPU time, by the hypervisor
#define WARNING_SPEED   1.10 // slowest tenth of the cells over the fastest tenth
#define WARNING_REFUSED 0.01
#define WARNING_LATE    0.95 // of the intended rate

struct warning_voice {
    const struct warning_scene *scene;
    const char *code;
    warning_teller tell;
    void *arg;
};

static __attribute__((format(printf, 2, 3))) void warning_say(const struct warning_voice *voice,
                                                              const char *format, ...)
{
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    voice->tell(voice->arg, voice->code, text);
}

static void warning_skipped(const struct warning_voice *voice)
{
    const struct plan *plan = voice->scene->plan;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->verdict == CELL_SKIPPED && cell->repeat == 0) {
            warning_say(voice, "[%s] %s was skipped: %s", cell->section->section->name,
                        cell->spec->name, cell->message);
        }
    }
}

static void warning_refused(const struct warning_voice *voice)
{
    const struct plan *plan = voice->scene->plan;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (summary_measured(cell) && summary_refused(&cell->stage->report) > WARNING_REFUSED) {
            warning_say(voice, "[%s] %s, repeat %u, refused %.1f %% of its allocations",
                        cell->section->section->name, cell->spec->name, cell->repeat,
                        summary_refused(&cell->stage->report) * 100);
        }
    }
}

// Few starts may be fewer by chance: by three standard deviations of a Poisson process.
static void warning_late(const struct warning_voice *voice)
{
    const struct plan *plan = voice->scene->plan;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (!summary_open_loop(cell) || !summary_measured(cell)) {
            continue;
        }
        const struct cell_report *report = &cell->stage->report;
        double rate = summary_intended_rate(cell->section);
        double starts = rate * (double)report->wall_ns * 1e-9;
        if ((double)report->begun < WARNING_LATE * starts - 3 * sqrt(starts)) {
            warning_say(voice,
                        "[%s] %s, repeat %u, achieved %.3g of %.3g intended starts a second: "
                        "response times say how long it was measured, not how fast it is",
                        cell->section->section->name, cell->spec->name, cell->repeat,
                        (double)report->begun * 1e9 / (double)report->wall_ns, rate);
        }
    }
}

// The targets of a section that pictures were taken of, each once. How many.
static size_t warning_pictured(const struct plan *plan, const struct plan_section *section,
                               char *names, size_t size)
{
    size_t count = 0, length = 0;
    names[0] = '\0';
    for (size_t target = 0; target < section->spec_count; target++) {
        bool pictured = false;
        for (size_t i = 0; i < plan->cell_count && !pictured; i++) {
            const struct cell *cell = &plan->cells[i];
            pictured = cell->spec == &section->specs[target] && summary_pictured(cell);
        }
        if (pictured && length < size) {
            length += (size_t)snprintf(names + length, size - length, "%s%s", count > 0 ? ", " : "",
                                       section->specs[target].name);
        }
        count += pictured;
    }
    return count;
}

static void warning_map(const struct warning_voice *voice)
{
    char text[400];
    const struct plan *plan = voice->scene->plan;
    for (size_t i = 0; i < plan->section_count; i++) {
        if (plan_map_warning(plan, i, text, sizeof text)) {
            warning_say(voice, "%s", text);
        }
        if (warning_pictured(plan, &plan->sections[i], text, sizeof text) > 0) {
            warning_say(voice,
                        "[%s] pictures of memory were taken of %s: the figures hold their time "
                        "and memory, and are not for comparison with other targets; measure "
                        "without map",
                        plan->sections[i].section->name, text);
        }
    }
}

static void warning_threads(const struct warning_voice *voice)
{
    const struct plan *plan = voice->scene->plan;
    size_t cpus = voice->scene->host->topology.cpu_count;
    for (size_t i = 0; i < plan->section_count && cpus > 0; i++) {
        const struct plan_section *section = &plan->sections[i];
        if (section->threads > cpus) {
            warning_say(voice,
                        "[%s] has %u threads for %zu CPUs: latencies hold time spent waiting for "
                        "a CPU",
                        section->section->name, section->threads, cpus);
        }
    }
}

static void warning_checks(const struct warning_voice *voice)
{
    const struct plan *plan = voice->scene->plan;
    for (size_t i = 0; i < plan->section_count; i++) {
        char off[160];
        job_checks_off(plan->sections[i].section, off, sizeof off);
        if (off[0] != '\0') {
            warning_say(voice, "[%s] ran without %s: that it passed says nothing of these checks",
                        plan->sections[i].section->name, off);
        }
    }
}

static void warning_load(const struct warning_voice *voice)
{
    const struct host *host = voice->scene->host;
    if (host->cores > 0 && host->load[0] > WARNING_LOAD * (double)host->cores) {
        warning_say(voice, "the machine was busy when the run began: load %.2f on %ld CPUs",
                    host->load[0], host->cores);
    }
}

static void warning_stolen(const struct warning_voice *voice)
{
    const struct warning_scene *scene = voice->scene;
    double all = (double)(scene->after.all - scene->before.all);
    double stolen = (double)(scene->after.stolen - scene->before.stolen);
    if (all > 0 && stolen > WARNING_STOLEN * all) {
        warning_say(voice, "the hypervisor (%s) took %.1f %% of the CPU time for others",
                    scene->host->hypervisor, stolen / all * 100);
    }
}

static void warning_governor(const struct warning_voice *voice)
{
    const struct host *host = voice->scene->host;
    if (host->governor[0] != '\0' && strcmp(host->governor, "performance") != 0) {
        warning_say(voice,
                    "CPU frequency is scaled (governor %s): the first cells may run slower than "
                    "the last; `cpupower frequency-set -g performance` keeps it",
                    host->governor);
    }
}

// A fixed piece of work before and after each cell: how its time varied over the run, from the
// fastest tenth to the slowest.
static void warning_speed(const struct warning_voice *voice)
{
    const struct plan *plan = voice->scene->plan;
    size_t count = 0;
    double *times = calloc(2 * plan->cell_count + 1, sizeof *times);
    for (size_t i = 0; i < plan->cell_count && times != NULL; i++) {
        const struct cell *cell = &plan->cells[i];
        if (summary_measured(cell) && cell->stage->report.speed_before_ns > 0 &&
            cell->stage->report.speed_after_ns > 0) {
            times[count++] = (double)cell->stage->report.speed_before_ns;
            times[count++] = (double)cell->stage->report.speed_after_ns;
        }
    }
    if (count >= 4) {
        median_sort(times, count);
        double slow = times[count - 1 - count / 10];
        double fast = times[count / 10];
        if (slow > WARNING_SPEED * fast) {
            warning_say(voice, "the machine is noisy: the same work took up to %.0f %% longer",
                        (slow / fast - 1) * 100);
        }
    }
    free(times);
}

static void warning_build(const struct warning_voice *voice)
{
#if !defined(__OPTIMIZE__)
    warning_say(voice, "mems-stress was built without optimisation: the harness is slow");
#elif defined(MEMS_SANITIZED)
    warning_say(voice, "mems-stress was built with a sanitizer: speed says nothing");
#else
    (void)voice;
#endif
}

// Cells say where they ran only where that may not be one machine.
static void warning_hosts(const struct warning_voice *voice)
{
    const struct plan *plan = voice->scene->plan;
    char names[512] = "";
    size_t count = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const char *host = plan->cells[i].host;
        size_t j = 0;
        while (j < i && strcmp(plan->cells[j].host, host) != 0) {
            j++;
        }
        if (host[0] != '\0' && j == i) {
            size_t length = strlen(names);
            snprintf(names + length, sizeof names - length, "%s%s", count > 0 ? ", " : "", host);
            count++;
        }
    }
    if (count > 1) {
        warning_say(voice,
                    "measured on %zu machines (%s): the targets of one section are of one, figures "
                    "of different sections are not to be compared",
                    count, names);
    }
}

// Of the command line: told while it is read, before there is a run.
static void warning_told_before(const struct warning_voice *voice)
{
    (void)voice;
}

static const struct warning {
    const char *code;
    const char *help;
    void (*look)(const struct warning_voice *voice);
    bool whole; // looks at a merged result as a whole; the others at the run of a part
} warning_table[] = {
    {"skipped", "a target or a section was left out, and why", warning_skipped, false},
    {"refused", "a cell refused more than 1 % of its allocations", warning_refused, false},
    {"late", "an open loop achieved less than 95 % of its intended rate", warning_late, false},
    {"map", "pictures of memory are in the figures, or were asked for and no target has any",
     warning_map, false},
    {"threads", "more threads than CPUs", warning_threads, false},
    {"checks", "a section ran with checks switched off", warning_checks, false},
    {"load", "the machine was busy when the run began", warning_load, false},
    {"stolen", "the hypervisor gave CPU time to others during the run", warning_stolen, false},
    {"governor", "CPU frequency is scaled", warning_governor, false},
    {"speed", "the machine's speed varied over the run", warning_speed, false},
    {"build", "a build whose speed says nothing", warning_build, false},
    {"hosts", "the cells of a result ran on several machines", warning_hosts, true},
    {"environment", "a variable MEMS_STRESS_... is no option", warning_told_before, false},
};

#define WARNING_COUNT (sizeof warning_table / sizeof warning_table[0])

static bool warning_is_silenced(const struct warning_scene *scene, const char *code)
{
    for (const char *const *at = scene->silenced; at != NULL && *at != NULL; at++) {
        if (strcmp(*at, code) == 0) {
            return true;
        }
    }
    return false;
}

void warning_each(const struct warning_scene *scene, warning_teller tell, void *arg)
{
    for (size_t i = 0; i < scene->told_count; i++) {
        if (!warning_is_silenced(scene, scene->told[i].code)) {
            tell(arg, scene->told[i].code, scene->told[i].text);
        }
    }
    for (size_t i = 0; i < WARNING_COUNT; i++) {
        bool looks = warning_table[i].whole || !scene->merged;
        if (looks && !warning_is_silenced(scene, warning_table[i].code)) {
            struct warning_voice voice = {scene, warning_table[i].code, tell, arg};
            warning_table[i].look(&voice);
        }
    }
}

int warning_check_codes(const char *const *codes, struct complaint *complaint)
{
    const char *known[WARNING_COUNT + 1] = {NULL};
    for (size_t i = 0; i < WARNING_COUNT; i++) {
        known[i] = warning_table[i].code;
    }
    for (; codes != NULL && *codes != NULL; codes++) {
        size_t i = 0;
        while (i < WARNING_COUNT && strcmp(known[i], *codes) != 0) {
            i++;
        }
        if (i == WARNING_COUNT) {
            const char *near = job_suggest(*codes, known);
            complain(complaint, "no warning \"%s\"%s%s%s", *codes,
                     near != NULL ? "; did you mean \"" : "; see mems-stress help warnings",
                     near != NULL ? near : "", near != NULL ? "\"?" : "");
            return EINVAL;
        }
    }
    return 0;
}

const char *warning_code_at(size_t index, const char **help)
{
    *help = index < WARNING_COUNT ? warning_table[index].help : NULL;
    return index < WARNING_COUNT ? warning_table[index].code : NULL;
}

void warning_describe(FILE *out)
{
    for (size_t i = 0; i < WARNING_COUNT; i++) {
        fprintf(out, "%-9s %s\n", warning_table[i].code, warning_table[i].help);
    }
}
