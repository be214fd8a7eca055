// SPDX-License-Identifier: MIT
//
// part.c - a run that does a part of its plan: one shard of it, or what an earlier run has left.

#include "cli/part.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "result/verdict.h"

#ifdef MEMS_HAVE_JANSSON

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "result/json.h"
#include "run/plan_order.h"
#include "shard/book.h"
#include "shard/journal.h"

// A stream and a device have nothing beside them.
static bool part_has_file(const char *json)
{
    struct stat status;
    return json != NULL && strcmp(json, "-") != 0 &&
           (stat(json, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

// The journal stands beside the result.
static bool part_claim(const char *result)
{
    char *path = journal_path(result);
    bool good = cli_claim(&cli_command_run, CLI_OUTPUT, "the journal", path);
    free(path);
    return good;
}

int part_check(const struct cli_job_settings *settings)
{
    const char *option = settings->shard != NULL ? "shard" : "resume";
    const char *json = settings->outputs.path[OUTPUT_JSON];
    struct complaint complaint = {{0}};
    struct deal deal;
    bool runs = !settings->list && !settings->dry_run;
    if (settings->shard == NULL && !settings->resume) {
        return 0;
    }
    if (settings->shard != NULL && deal_parse(settings->shard, &deal, &complaint) != 0) {
        fprintf(stderr, "mems-stress: %s\n", complaint.text);
        return VERDICT_EXIT_USAGE;
    }
    if (runs && !part_has_file(json)) {
        fprintf(stderr,
                "mems-stress: --%s needs --json FILE: the result is what is %s, and FILE.journal "
                "what it is resumed by\n",
                option, settings->shard != NULL ? "merged" : "to be completed");
        return VERDICT_EXIT_USAGE;
    }
    if (settings->shard != NULL && settings->baseline != NULL) {
        fprintf(stderr, "mems-stress: --baseline says nothing of a shard: compare what is merged "
                        "(mems-stress merge, mems-stress compare)\n");
        return VERDICT_EXIT_USAGE;
    }
    if (runs && !part_claim(json)) {
        return VERDICT_EXIT_USAGE;
    }
    if (!digest_possible()) {
        fprintf(stderr, "mems-stress: --%s: this build has no libnettle, and plans no hash\n",
                option);
        return VERDICT_EXIT_USAGE;
    }
    return 0;
}

int part_open(const struct cli_job_settings *settings, struct plan *plan, struct part *part)
{
    struct complaint complaint = {{0}};
    struct dealt dealt;
    *part = (struct part){.hash = plan_hash(plan), .key = book_key(plan)};
    if (settings->shard == NULL) {
        return 0;
    }
    deal_parse(settings->shard, &part->deal, NULL); // part_check has found it good
    deal_plan(plan, part->deal.count, &dealt);
    part->book = book_make(plan, &dealt, part->deal.index, &complaint);
    if (part->book != NULL) {
        deal_take(plan, &dealt, part->deal.index);
    } else {
        fprintf(stderr, "mems-stress: %s\n", complaint.text);
    }
    deal_fini(&dealt);
    return part->book != NULL ? 0 : VERDICT_EXIT_USAGE;
}

static void part_tell(const struct journal_news *news, const struct plan *plan, const char *result)
{
    if (news->aside != NULL) {
        fprintf(stderr, "mems-stress: %s.journal is of another build: kept as %s, begun anew\n",
                result, news->aside);
    }
    if (news->lost > 0) {
        fprintf(stderr,
                "mems-stress: %s.journal: %zu bytes at its end are no whole line: cut off\n",
                result, news->lost);
    }
    if (news->elsewhere > 0) {
        fprintf(stderr,
                "mems-stress: %s.journal: %zu cell%s of sections that another machine has begun "
                "and not ended: begun again here\n",
                result, news->elsewhere, news->elsewhere == 1 ? "" : "s");
    }
    if (news->kept > 0) {
        fprintf(stderr, "mems-stress: %s.journal: %zu of %zu cells are done already\n", result,
                news->kept, plan->cell_count);
    }
}

int part_resume(const struct cli_job_settings *settings, const struct host *host, struct plan *plan,
                struct part *part)
{
    struct complaint complaint = {{0}};
    struct journal_news news;
    int status;
    if (settings->shard == NULL && !settings->resume) {
        return -1;
    }
    part->run = plan_zeroed(1, sizeof *part->run);
    *part->run = (struct journal_run){
        .result = settings->outputs.path[OUTPUT_JSON],
        .key = part->key.text,
        .plan = part->hash.text,
        .build = book_build(),
        .deal = part->deal,
        .host = host->name,
        .machine = json_of_host(host),
    };
    if (journal_is_done(part->run, plan, &status)) {
        fprintf(stderr,
                "mems-stress: %s is whole already, of the same plan (%.12s): nothing to do; remove "
                "it to measure again\n",
                part->run->result, part->hash.text);
        return status;
    }
    int error = journal_open(part->run, plan, &part->journal, &news, &complaint);
    if (error != 0) {
        fprintf(stderr, "mems-stress: %s\n", complaint.text);
        return error == EBUSY || error == EEXIST ? VERDICT_EXIT_USAGE : VERDICT_EXIT_UNWRITTEN;
    }
    part_tell(&news, plan, part->run->result);
    free(news.aside);
    return -1;
}

static void part_keep(void *arg, struct plan *plan, size_t cell)
{
    journal_add(arg, plan, &plan->cells[cell]);
}

void part_view(struct part *part, struct drive_view *view)
{
    if (part->journal != NULL) {
        view->keep = part_keep;
        view->keep_arg = part->journal;
    }
}

void part_head(struct part *part, const struct plan *plan, struct document_head *head)
{
    head->plan_sha256 = part->hash.text;
    head->resume_key = part->key.text;
    head->shard = part->book;
    if (part->journal != NULL) {
        part->machines = journal_machines(part->journal, plan);
        head->hosts = part->machines;
    }
}

void part_close(struct part *part, const struct plan *plan)
{
    bool whole = part->written;
    for (size_t i = 0; i < plan->cell_count && whole; i++) {
        whole = journal_has_ended(&plan->cells[i]);
    }
    journal_close(part->journal, whole);
    if (part->run != NULL) {
        json_decref(part->run->machine);
        free(part->run);
    }
    json_decref(part->machines);
    json_decref(part->book);
}

#else

int part_check(const struct cli_job_settings *settings)
{
    if (settings->shard == NULL && !settings->resume) {
        return 0;
    }
    fprintf(stderr,
            "mems-stress: --%s: this build has no libjansson, and writes no result that "
            "could be merged\n",
            settings->shard != NULL ? "shard" : "resume");
    return VERDICT_EXIT_USAGE;
}

int part_open(const struct cli_job_settings *settings, struct plan *plan, struct part *part)
{
    (void)settings;
    *part = (struct part){.hash = plan_hash(plan)};
    return 0;
}

int part_resume(const struct cli_job_settings *settings, const struct host *host, struct plan *plan,
                struct part *part)
{
    (void)settings;
    (void)host;
    (void)plan;
    (void)part;
    return -1;
}

void part_view(struct part *part, struct drive_view *view)
{
    (void)part;
    (void)view;
}

void part_head(struct part *part, const struct plan *plan, struct document_head *head)
{
    (void)part;
    (void)plan;
    (void)head;
}

void part_close(struct part *part, const struct plan *plan)
{
    (void)part;
    (void)plan;
}

#endif
