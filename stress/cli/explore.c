// SPDX-License-Identifier: MIT
//
// explore.c - mems-stress explore: a job under many schedules, by the program built for it.
//
// mems-stress itself is the ordinary build. The explore build is another program of the same
// commands beside it: this one starts that one, with the same words, and with addresses that are
// the same in every process where the system allows it.

#include "cli/explore.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "cli/cli.h"
#include "disk/memory.h"
#include "result/verdict.h"

#define EXPLORE_SCHEDULES 1000u

enum explore_verdict (*cli_explorer)(const struct plan *plan, const struct explore_order *order,
                                     struct explore_result *result, struct complaint *complaint);

struct explore_settings {
    struct cli_job_settings job;
    struct cli_number schedules, seconds, minutes, replay, list, shrink;
    const char *strategy, *keep, *json;
    bool no_trace, no_shrink;
};

static const struct cli_option explore_options[] = {
    {"schedules", CLI_NUMBER, "N", "of each cell (default: 1000, or as many as fit in the time)",
     offsetof(struct explore_settings, schedules)},
    {"strategy", CLI_TEXT, "random|pct:D",
     "who goes on at a point: any thread, or by priorities with D - 1 changes",
     offsetof(struct explore_settings, strategy)},
    {"seconds", CLI_NUMBER, "N",
     "for everything; a tenth is kept for making failures smaller (default: as long as it takes)",
     offsetof(struct explore_settings, seconds)},
    {"minutes", CLI_NUMBER, "N", "the same in minutes", offsetof(struct explore_settings, minutes)},
    {"replay", CLI_NUMBER, "SEED", "do one schedule again, and print its steps",
     offsetof(struct explore_settings, replay)},
    {"list", CLI_NUMBER, "SEED", "schedules of this list of operations only, up to 65536",
     offsetof(struct explore_settings, list)},
    {"keep", CLI_TEXT, "OPERATIONS", "with --replay or --list: these operations only (1.2,2.1-2.4)",
     offsetof(struct explore_settings, keep)},
    {"no-trace", CLI_FLAG, NULL, "with --replay: only what it comes to",
     offsetof(struct explore_settings, no_trace)},
    {"shrink", CLI_NUMBER, "N",
     "make a failure smaller until no operation can be left out, as N schedules without it show "
     "(default: 2000)",
     offsetof(struct explore_settings, shrink)},
    {"no-shrink", CLI_FLAG, NULL, "report a failure as it was found",
     offsetof(struct explore_settings, no_shrink)},
    {"json", CLI_OUTPUT, "FILE",
     "write what it came to as JSON (mems-stress schema explore); -: to standard output, alone",
     offsetof(struct explore_settings, json)},
    CLI_JOB_OPTIONS,
    {"filter", CLI_TEXT, "EXPRESSION", "only cells whose SECTION/TARGET/REPEAT matches",
     offsetof(struct explore_settings, job.filter)},
    {"only", CLI_TEXT, "CELL", "only that cell", offsetof(struct explore_settings, job.only)},
    {0},
};

static int explore_fail(const char *text, enum verdict_exit status)
{
    fprintf(stderr, "mems-stress explore: %s\n", text);
    return (int)status;
}

// The program beside this one, with the same words. Returns only when it cannot be started.
static int explore_start(char **argv)
{
    char path[PATH_MAX + 32], text[PATH_MAX + 200];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    if (length < 0) {
        return explore_fail(strerror(errno), VERDICT_EXIT_NOTHING);
    }
    path[length] = '\0';
    strcpy(path + length, "-explore");
    int before = personality(0xffffffff);
    if (before >= 0) { // where the system forbids it, places differ from process to process
        (void)personality((unsigned long)before | ADDR_NO_RANDOMIZE);
    }
    execv(path, argv);
    snprintf(text, sizeof text, "%s: %s; it is built and installed beside mems-stress", path,
             strerror(errno));
    return explore_fail(text, VERDICT_EXIT_NOTHING);
}

// What is given and cannot be, or not together. NULL: nothing.
static const char *explore_objection(const struct explore_settings *settings)
{
    bool search = settings->list.given || settings->schedules.given || settings->seconds.given ||
                  settings->minutes.given || settings->shrink.given || settings->no_shrink ||
                  settings->json != NULL;
    if (!settings->replay.given && settings->no_trace) {
        return "--no-trace says how one schedule is done again: with --replay SEED only";
    }
    if (!settings->replay.given && !settings->list.given && settings->keep != NULL) {
        return "--keep is about one list of operations: with --replay SEED or --list SEED only";
    }
    if (settings->list.given && settings->schedules.value > EXPLORE_LIST_MOST) {
        return "--list: --schedules of up to 65536, of which each is another one";
    }
    if (settings->replay.given && search) {
        return "--replay does one schedule again: without --list, --schedules, --seconds, "
               "--minutes, --shrink, --no-shrink and --json, which are about many";
    }
    if (settings->schedules.given && settings->schedules.value == 0) {
        return "--schedules: at least 1";
    }
    if (settings->seconds.given && settings->seconds.value == 0) {
        return "--seconds: at least 1; without it --schedules says when it ends";
    }
    if (settings->minutes.given && settings->minutes.value == 0) {
        return "--minutes: at least 1; without it --schedules says when it ends";
    }
    if (settings->shrink.given && settings->no_shrink) {
        return "--shrink or --no-shrink, not both";
    }
    if (settings->shrink.given &&
        (settings->shrink.value < 1 || settings->shrink.value > EXPLORE_LIST_MOST)) {
        return "--shrink: 1 to 65536 schedules (2000 is right); --no-shrink reports a failure as "
               "it was found";
    }
    return NULL;
}

// What the settings ask for. 0 or EINVAL.
static int explore_read(const struct explore_settings *settings, struct explore_order *order,
                        struct complaint *complaint)
{
    const char *objection = explore_objection(settings);
    if (objection != NULL) {
        complain(complaint, "%s", objection);
        return EINVAL;
    }
    *order = (struct explore_order){
        .out = settings->json != NULL && strcmp(settings->json, "-") == 0 ? NULL : stdout,
        .schedules = settings->schedules.value,
        .seconds = (double)settings->seconds.value + 60 * (double)settings->minutes.value,
        .replay = settings->replay.given,
        .one_list = settings->list.given,
        .seed = settings->list.given ? settings->list.value : settings->replay.value,
        .keep = settings->keep,
        .quiet = settings->no_trace,
        .shrink = settings->no_shrink      ? 0
                  : settings->shrink.given ? (unsigned)settings->shrink.value
                                           : EXPLORE_SHRINK,
    };
    if (order->seconds <= 0 && !settings->schedules.given) {
        order->schedules = EXPLORE_SCHEDULES;
    } else if (order->one_list && !settings->schedules.given) {
        order->schedules = EXPLORE_LIST_MOST;
    }
    return explore_strategy_read(settings->strategy != NULL ? settings->strategy : "random", order,
                                 complaint);
}

// What a command that does a schedule again begins with.
static char *explore_command(const struct cli_job *made, const struct cli_list *words,
                             const struct explore_settings *settings)
{
    char *text = NULL;
    size_t length;
    FILE *command = disk_memory(&text, &length);
    if (command == NULL) {
        complain_exhausted();
    }
    cli_job_environment(command, made->job);
    fprintf(command, "%s explore", cli_invocation());
    for (size_t i = 0; i < words->count; i++) {
        char quoted[4300];
        plan_quote(words->items[i], quoted, sizeof quoted);
        fprintf(command, " %s", quoted);
    }
    cli_job_sources(command, &settings->job);
    cli_job_shape(command, &settings->job);
    if (fclose(command) != 0) {
        complain_exhausted();
    }
    return text;
}

static int explore_plan(const struct plan *plan, const struct explore_settings *settings,
                        const struct explore_order *order)
{
    static const enum verdict_exit exits[] = {
        [EXPLORE_PASSED] = VERDICT_EXIT_PASS,
        [EXPLORE_FAILED] = VERDICT_EXIT_FAILED,
        [EXPLORE_STUCK] = VERDICT_EXIT_BROKEN,
        [EXPLORE_USELESS] = VERDICT_EXIT_USAGE,
    };
    struct complaint complaint = {0};
    struct explore_result result;
    int status = cli_json_probe(&cli_command_explore, settings->json);
    if (status != 0) {
        return status;
    }
    enum explore_verdict verdict = cli_explorer(plan, order, &result, &complaint);
    status = (int)exits[verdict];
    if (verdict == EXPLORE_USELESS) {
        explore_fail(complaint.text, VERDICT_EXIT_USAGE);
    } else if (settings->json != NULL) {
        status = cli_json_write(&cli_command_explore, explore_document(&result, order, status),
                                settings->json, status);
    }
    explore_result_free(&result);
    return status;
}

static int explore_job(const struct cli_job *made, const struct explore_settings *settings,
                       const struct explore_order *order)
{
    const struct cli_job_settings *job = &settings->job;
    struct complaint complaint = {0};
    struct plan *plan;
    struct plan_options options = {
        .sections = job->sections.count > 0 ? job->sections.items : NULL,
        .targets = job->targets.count > 0 ? job->targets.items : NULL,
        .seeded = job->seed.given,
        .seed = job->seed.value,
        .repeats = 1,
        .filter = job->filter,
        .only = job->only,
    };
    int error = plan_make(made->job, made->command, &options, &plan, &complaint);
    if (error != 0) {
        return explore_fail(complaint.text,
                            error == ENOENT ? VERDICT_EXIT_NOTHING : VERDICT_EXIT_USAGE);
    }
    int status = explore_plan(plan, settings, order);
    plan_free(plan);
    return status;
}

static int explore_main(int argc, char **argv)
{
    struct explore_settings settings = {0};
    struct explore_order order;
    struct complaint complaint = {0};
    struct cli_list words = {0};
    struct cli_job made;
    int status;
    if (!cli_parse(&cli_command_explore, argc, argv, &settings, &words, &status)) {
        return status;
    }
    if (explore_read(&settings, &order, &complaint) != 0) {
        return explore_fail(complaint.text, VERDICT_EXIT_USAGE);
    }
    if (cli_explorer == NULL) {
        return explore_start(argv - 1);
    }
    status = cli_job_open(&cli_command_explore, &words, &settings.job, &made);
    if (status == 0) {
        char *command = explore_command(&made, &words, &settings);
        order.command = command;
        status = explore_job(&made, &settings, &order);
        free(command);
    }
    cli_job_close(&made);
    return status;
}

const struct cli_command cli_command_explore = {
    .name = "explore",
    .form = "explore JOB.ini [--schedules N] [--strategy random|pct:D] [--replay SEED] [OPTIONS]",
    .help = "try a job's operations under many schedules of the engine",
    .about =
        "\nThe engine is built so that each atomic step, lock, sleep, access section, grace\n"
        "period, thread start and end is a point at which one scheduler decides who goes on.\n"
        "A section gives sizes, threads (2 to 4; 2 where it does not say), operations (ops, or\n"
        "20 a thread) and their mix; targets are mems:POLICY(...). What fails is told with its\n"
        "seed and the command that does it again, step by step, every time; and as a list of\n"
        "operations of which none can be left out: each was, in --shrink schedules.\n"
        "\n"
        "pct:D finds a bug that D ordered steps make happen with a probability of at least\n"
        "1 / (n k^(D-1)) a schedule: n threads, k points (Burckhardt et al., ASPLOS 2010).\n"
        "Weak memory is out of reach: stores are seen at once and in order.",
    .options = explore_options,
    .inputs = true,
    .main = explore_main,
};
