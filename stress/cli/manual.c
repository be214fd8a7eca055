// SPDX-License-Identifier: MIT
//
// manual.c - the manual pages, in roff, made from the tables that the program works by.
//
// mems-stress(1) goes through the commands and their options, mems-job(5) through the keys,
// targets, policies and workloads; mems-trace(5) is trace/FORMAT.md, which the build puts into the
// program. Only what no table knows stands here.

#include "cli/manual.h"

#include <errno.h>
#include <mems/engine.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/roff.h"
#include "job/job.h"
#include "result/warning.h"
#include "target/target.h"
#include "workload/workload.h"

#include "mems_format.h"

// ---- mems-stress(1) -----------------------------------------------------------------------------

static void manual_options(FILE *out, const struct cli_command *command)
{
    for (const struct cli_option *at = command->options; at != NULL && at->name != NULL; at++) {
        char option[64];
        snprintf(option, sizeof option, "%s%s", at->name[1] == '\0' ? "-" : "--", at->name);
        roff_tag(out, option, at->argument);
        roff_text(out, at->help);
    }
}

static void manual_command(FILE *out, const struct cli_command *command)
{
    roff_subheading(out, command->form);
    roff_text(out, command->help);
    if (command->about != NULL) {
        roff_paragraph(out, command->about);
    }
    manual_options(out, command);
    for (size_t i = 0; command->parts != NULL && command->parts[i] != NULL; i++) {
        manual_command(out, command->parts[i]);
    }
}

static void manual_stress(FILE *out)
{
    roff_title(out, "mems-stress", "1", "a stress lab for memory allocators");
    roff_heading(out, "synopsis");
    fputs(".B mems\\-stress\n.I COMMAND\n[\n.I OPTIONS\n]\n", out);
    roff_heading(out, "description");
    roff_text(out, "A job says what many threads do to which allocators. mems-stress does it, in a "
                   "process for each cell (section, target and repeat), checks every block, "
                   "measures throughput, latency, contention and fragmentation, and gives a "
                   "verdict. It works on any malloc that is a shared object, and on the engine of "
                   "MeMS.");
    roff_heading(out, "commands");
    for (size_t i = 0; cli_command_at(i) != NULL; i++) {
        manual_command(out, cli_command_at(i));
    }
    roff_heading(out, "warnings");
    roff_text(out, "What a reader of the figures should know is told by a code, with which "
                   "--no-warn silences it:");
    const char *code, *help;
    for (size_t i = 0; (code = warning_code_at(i, &help)) != NULL; i++) {
        roff_tag(out, code, NULL);
        roff_text(out, help);
    }
    roff_heading(out, "exit status");
    for (const struct cli_exit *at = cli_exits; at->help != NULL; at++) {
        char number[16];
        snprintf(number, sizeof number, "%d", at->status);
        roff_tag(out, number, NULL);
        roff_text(out, at->help);
    }
    roff_heading(out, "environment");
    roff_tag(out, "MEMS_STRESS_NAME", NULL);
    roff_text(out,
              "stands for the option --name of run, plan and replay: the name in capitals, _ "
              "for -; several items on lines of their own. The command line holds against it.");
    roff_heading(out, "examples");
    roff_example(out, "mems-stress run smoke\n"
                      "mems-stress run --workload churn --target libc --set threads=1,2,4\n"
                      "mems-stress record -o mine.mtrace -- python3 mine.py\n"
                      "mems-stress replay mine.mtrace --target libc --target ?preload:jemalloc\n");
    roff_heading(out, "see also");
    fputs(".BR mems\\-job (5),\n.BR mems\\-trace (5)\n", out);
}

// ---- mems-job(5) --------------------------------------------------------------------------------

static void manual_key(FILE *out, const struct job_key *key)
{
    struct job_key_words words;
    job_key_words(key, &words);
    roff_tag(out, key->name, NULL);
    roff_text(out, key->help);
    fprintf(out, ".br\n");
    roff_piece(out, "Allowed: ");
    roff_piece(out, words.allowed);
    fprintf(out, "\n.br\n");
    roff_piece(out, "Default: ");
    roff_piece(out, words.standard);
    fprintf(out, "\n");
}

static void manual_engine_options(FILE *out, const char *policy)
{
    const struct mems_option *option;
    for (size_t i = 0; (option = mems_option_at(policy, i)) != NULL; i++) {
        roff_tag(out, option->name, option->values);
        roff_piece(out, option->help);
        roff_piece(out, "; default ");
        roff_text(out, option->standard);
    }
}

static void manual_targets(FILE *out)
{
    const struct target *target;
    const struct mems_policy_row *policy;
    roff_heading(out, "targets");
    roff_text(out, "The key target lists them, separated by commas; each is measured by itself. "
                   "A ? in front: it is skipped where it is missing.");
    for (size_t i = 0; (target = target_at(i)) != NULL; i++) {
        roff_tag(out, target->form, NULL);
        roff_text(out, target->help);
    }
    roff_heading(out, "policies");
    roff_text(out, "Of the target mems, and their options.");
    for (size_t i = 0; (policy = mems_policy_at(i)) != NULL; i++) {
        roff_subheading(out, policy->name);
        roff_text(out, policy->help);
        manual_engine_options(out, policy->name);
    }
    roff_subheading(out, "every policy");
    roff_text(out, "has these, too.");
    manual_engine_options(out, NULL);
}

static void manual_workloads(FILE *out)
{
    const struct workload *workload;
    roff_heading(out, "workloads");
    roff_text(out, "By their class, with the keys that each has beside the common ones.");
    for (unsigned class = 0; class < WORKLOAD_CLASSES; class ++) {
        for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
            if (workload->class != (enum workload_class) class) {
                continue;
            }
            char title[96];
            snprintf(title, sizeof title, "%s (%s)", workload->name,
                     workload_class_name(workload->class));
            roff_subheading(out, title);
            roff_text(out, workload->help);
            for (const struct job_key *key = workload->keys; key != NULL && key->name != NULL;
                 key++) {
                manual_key(out, key);
            }
        }
    }
}

static void manual_job(FILE *out)
{
    roff_title(out, "mems-job", "5", "what mems-stress does to which allocators");
    roff_heading(out, "description");
    roff_text(out,
              "A job is an INI file: [global] has what every section after it starts with; each "
              "other section is one piece of work. A # begins a comment. A key that would do "
              "nothing is an error, and so is one given twice.\n"
              "\n"
              "Numbers take k, M, G and T (powers of 1000), sizes Ki, Mi, Gi and Ti (powers of "
              "1024) too, times a unit: ns, us, ms, s, m, h. There is arithmetic (2*$ncpus), "
              "$ncpus, $pagesize, and ${NAME} or ${NAME:-VALUE} of the environment. include = FILE "
              "reads another job. Paths start at the folder of the job.\n"
              "\n"
              "Several values of a key make a section of each: 1,2,4 or 1..8 or 1,2,4..32 or "
              "1..64*2 or 8..32+8; several such keys, a section of each combination.");
    roff_heading(out, "example");
    roff_example(out, "[global]\n"
                      "target = libc, ?preload:jemalloc, mems:dynamic(fit=best)\n"
                      "threads = 2\n"
                      "verify = 4\n"
                      "\n"
                      "[small blocks]\n"
                      "workload = churn\n"
                      "size = 16-256\n"
                      "runtime = 500ms\n");
    roff_heading(out, "keys of every section");
    for (const struct job_key *key = job_common_keys; key->name != NULL; key++) {
        manual_key(out, key);
    }
    manual_workloads(out);
    manual_targets(out);
    roff_heading(out, "see also");
    fputs(".BR mems\\-stress (1),\n.BR mems\\-trace (5)\n", out);
}

// ---- mems-trace(5) ------------------------------------------------------------------------------

static void manual_trace(FILE *out)
{
    roff_title(out, "mems-trace", "5", "what a program asked of malloc");
    roff_markdown(out, FORMAT_md);
    roff_heading(out, "see also");
    fputs(".BR mems\\-stress (1),\n.BR mems\\-job (5)\n", out);
}

static const struct {
    const char *name;
    void (*print)(FILE *out);
} manual_pages[] = {
    {"mems-stress", manual_stress},
    {"mems-job", manual_job},
    {"mems-trace", manual_trace},
};

#define MANUAL_PAGES (sizeof manual_pages / sizeof manual_pages[0])

const char *manual_page_at(size_t index)
{
    return index < MANUAL_PAGES ? manual_pages[index].name : NULL;
}

int manual_print(const char *name, FILE *out)
{
    for (size_t i = 0; i < MANUAL_PAGES; i++) {
        if (strcmp(manual_pages[i].name, name) == 0) {
            manual_pages[i].print(out);
            return 0;
        }
    }
    return ENOENT;
}
