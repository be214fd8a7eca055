// SPDX-License-Identifier: MIT
//
// test_journal.c - what a run has done is kept: which cells, of whom, and for whom.

#include "support/test.h"

#ifdef MEMS_HAVE_JANSSON

#include "shard/journal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "result/json.h"
#include "unit/result/scene.h"

static const char job[] = "[a]\nworkload = churn\ntarget = null, libc\nrepeats = 2\n"
                          "[b]\nworkload = churn\ntarget = null, ?preload:no-such-allocator\n";

static char folder[] = "/tmp/mems-journal-XXXXXX";
static char result[64];

static int open_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(result, sizeof result, "%s/r.json", folder);
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    char path[80];
    snprintf(path, sizeof path, "%s.journal", result);
    unlink(path);
    unlink(result);
    return rmdir(folder);
}

// A run of the job on a machine of that name.
struct fixture {
    struct scene scene;
    struct journal_run run;
    struct journal *journal;
    struct journal_news news;
};

// Nothing has run yet; what is not here is skipped.
static void forget_cells(struct plan *plan)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        struct cell *cell = &plan->cells[i];
        stage_detach(cell->stage);
        cell->stage = NULL;
        cell->verdict = cell->section->missing[cell->target] != NULL ? CELL_SKIPPED : CELL_WAITING;
    }
}

// Of a run that differs from the usual one in what is given; NULL: does not.
static int open_other(struct fixture *fixture, const char *host, const struct journal_run *other,
                      struct complaint *complaint)
{
    const struct deal usual = {1, 2};
    open_scene(&fixture->scene, job);
    forget_cells(fixture->scene.plan);
    fixture->run = (struct journal_run){
        .result = result,
        .key = other->key != NULL ? other->key : "key",
        .plan = other->plan != NULL ? other->plan : "plan",
        .build = other->build != NULL ? other->build : "build",
        .deal = other->deal.count > 0 ? other->deal : usual,
        .host = host,
        .machine = json_pack("{s:s}", "name", host),
    };
    fixture->journal = NULL;
    return journal_open(&fixture->run, fixture->scene.plan, &fixture->journal, &fixture->news,
                        complaint);
}

static int open_run(struct fixture *fixture, const char *host, struct complaint *complaint)
{
    const struct journal_run same = {.key = NULL};
    return open_other(fixture, host, &same, complaint);
}

static void begin(struct fixture *fixture, const char *host)
{
    struct complaint complaint = {{0}};
    if (open_run(fixture, host, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
}

static void end(struct fixture *fixture, bool finished)
{
    journal_close(fixture->journal, finished);
    json_decref(fixture->run.machine);
    close_scene(&fixture->scene);
}

static struct cell *cell_at(struct fixture *fixture, size_t index)
{
    return &fixture->scene.plan->cells[index];
}

// The cell comes to that end, and is kept.
static void come_to(struct fixture *fixture, size_t index, enum cell_verdict verdict)
{
    struct cell *cell = cell_at(fixture, index);
    int file;
    assert_int_equal(stage_create(1, "", &cell->stage, &file), 0);
    close(file);
    cell->stage->report.wall_ns = 1000 + index;
    cell->verdict = verdict;
}

static void keep(struct fixture *fixture, size_t index, enum cell_verdict verdict)
{
    come_to(fixture, index, verdict);
    journal_add(fixture->journal, fixture->scene.plan, cell_at(fixture, index));
}

// Keeps some of the section's cells that are not skipped.
static void keep_section(struct fixture *fixture, size_t section, size_t count)
{
    const struct plan *plan = fixture->scene.plan;
    for (size_t i = 0; i < plan->cell_count && count > 0; i++) {
        if (plan->cells[i].section == &plan->sections[section] &&
            plan->cells[i].verdict == CELL_WAITING) {
            keep(fixture, i, CELL_PASS);
            count--;
        }
    }
}

static void test_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "here");
    assert_int_equal(fixture.news.kept, 0);
    keep(&fixture, 0, CELL_PASS);
    keep(&fixture, 1, CELL_FAILED);
    keep(&fixture, 2, CELL_HUNG);
    end(&fixture, false);
    begin(&fixture, "here");
    assert_int_equal(fixture.news.kept, 3);
    assert_int_equal(cell_at(&fixture, 0)->verdict, CELL_PASS);
    assert_int_equal(cell_at(&fixture, 0)->stage->report.wall_ns, 1000);
    assert_int_equal(cell_at(&fixture, 1)->verdict, CELL_FAILED);
    assert_int_equal(cell_at(&fixture, 2)->verdict, CELL_HUNG);
    assert_false(cell_at(&fixture, 3)->kept);
    // The last word counts.
    keep(&fixture, 1, CELL_PASS);
    end(&fixture, false);
    begin(&fixture, "here");
    assert_int_equal(fixture.news.kept, 3);
    assert_int_equal(cell_at(&fixture, 1)->verdict, CELL_PASS);
    end(&fixture, true);
    begin(&fixture, "here");
    assert_int_equal(fixture.news.kept, 0);
    end(&fixture, true);
}

// What an end of the run from outside may have done to the cell it was at.
static void test_hurt(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "here");
    keep(&fixture, 0, CELL_INCOMPLETE);
    come_to(&fixture, 1, CELL_CRASHED);
    cell_at(&fixture, 1)->signal = SIGKILL;
    cell_at(&fixture, 1)->phase = STAGE_RUN;
    journal_add(fixture.journal, fixture.scene.plan, cell_at(&fixture, 1));
    come_to(&fixture, 2, CELL_CRASHED);
    cell_at(&fixture, 2)->stage->report.incomplete = true;
    cell_at(&fixture, 2)->phase = STAGE_DONE;
    journal_add(fixture.journal, fixture.scene.plan, cell_at(&fixture, 2));
    come_to(&fixture, 3, CELL_CRASHED);
    cell_at(&fixture, 3)->signal = SIGSEGV;
    cell_at(&fixture, 3)->phase = STAGE_RUN;
    journal_add(fixture.journal, fixture.scene.plan, cell_at(&fixture, 3));
    // Not at work yet; or not even started.
    come_to(&fixture, 4, CELL_CRASHED);
    cell_at(&fixture, 4)->signal = SIGSEGV;
    cell_at(&fixture, 4)->phase = STAGE_PREPARE;
    journal_add(fixture.journal, fixture.scene.plan, cell_at(&fixture, 4));
    cell_at(&fixture, 5)->verdict = CELL_CRASHED;
    journal_add(fixture.journal, fixture.scene.plan, cell_at(&fixture, 5));
    end(&fixture, false);
    begin(&fixture, "here");
    assert_int_equal(fixture.news.kept, 1);
    assert_true(cell_at(&fixture, 3)->kept);
    assert_int_equal(cell_at(&fixture, 3)->signal, SIGSEGV);
    end(&fixture, true);
}

// A section is of one machine: begun elsewhere it is begun again, ended there it is kept.
static void test_machines(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "one");
    keep_section(&fixture, 0, 2); // of four
    keep_section(&fixture, 1, 4);
    end(&fixture, false);
    begin(&fixture, "other");
    assert_int_equal(fixture.news.elsewhere, 2);
    assert_int_equal(fixture.news.kept, 1);
    assert_false(cell_at(&fixture, 0)->kept);
    assert_null(cell_at(&fixture, 0)->stage);
    keep_section(&fixture, 0, 4);
    assert_string_equal(cell_at(&fixture, 0)->host, "other");
    json_t *machines = journal_machines(fixture.journal, fixture.scene.plan);
    assert_int_equal(json_array_size(machines), 2);
    json_decref(machines);
    end(&fixture, false);
    // A third one finds both sections whole.
    begin(&fixture, "third");
    assert_int_equal(fixture.news.kept, 5);
    assert_int_equal(fixture.news.elsewhere, 0);
    assert_string_equal(cell_at(&fixture, 0)->host, "other");
    end(&fixture, true);
}

// What is skipped here for want of its target, and was begun elsewhere, is skipped.
static void test_dropped_and_missing(void **state)
{
    (void)state;
    struct fixture fixture;
    size_t missing = 0;
    begin(&fixture, "one");
    while (cell_at(&fixture, missing)->verdict != CELL_SKIPPED) {
        missing++;
    }
    come_to(&fixture, missing, CELL_PASS); // there it is
    journal_add(fixture.journal, fixture.scene.plan, cell_at(&fixture, missing));
    end(&fixture, false);
    begin(&fixture, "other");
    assert_int_equal(fixture.news.elsewhere, 1);
    assert_int_equal(cell_at(&fixture, missing)->verdict, CELL_SKIPPED);
    assert_int_not_equal(cell_at(&fixture, missing)->message[0], '\0');
    end(&fixture, true);
}

// What another run has done stays, whatever asks for its place by mistake.
static void test_other_runs(void **state)
{
    (void)state;
    static const struct {
        struct journal_run run;
        const char *said;
    } others[] = {
        {{.plan = "another", .key = "k"}, "is of another plan (plan; this one is another"},
        {{.deal = {2, 2}}, "is of shard 1/2, and this is shard 2/2"},
        {{.deal = {1, 3}}, "is of shard 1/2, and this is shard 1/3"},
        {{.key = "k"}, "of the same plan with other files"},
        {{.plan = "another", .build = "new", .key = "k"}, "is of another plan"},
    };
    struct fixture fixture;
    begin(&fixture, "here");
    keep(&fixture, 0, CELL_PASS);
    end(&fixture, false);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct complaint complaint = {{0}};
        assert_int_equal(open_other(&fixture, "here", &others[i].run, &complaint), EEXIST);
        assert_non_null(strstr(complaint.text, others[i].said));
        assert_non_null(strstr(complaint.text, "another name, or remove"));
        end(&fixture, false);
    }
    begin(&fixture, "here");
    assert_int_equal(fixture.news.kept, 1);
    end(&fixture, true);
}

// What is no journal is nobody's to write over.
static void test_no_journal(void **state)
{
    (void)state;
    static const char *const texts[] = {"something else\n", "{}\n", "no line"};
    char path[80];
    snprintf(path, sizeof path, "%s.journal", result);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct complaint complaint = {{0}};
        struct fixture fixture;
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        assert_int_equal(open_run(&fixture, "here", &complaint), EEXIST);
        assert_non_null(strstr(complaint.text, "is no journal"));
        end(&fixture, false);
    }
    assert_int_equal(unlink(path), 0);
}

// Another build's is put aside, whole, and never over an older one.
static void test_other_builds(void **state)
{
    (void)state;
    const struct journal_run other = {.build = "another", .key = "another"};
    struct complaint complaint = {{0}};
    struct fixture fixture;
    char aside[2][100];
    for (unsigned i = 0; i < 2; i++) {
        begin(&fixture, "here");
        assert_int_equal(fixture.news.kept, 0);
        keep(&fixture, 0, CELL_PASS);
        end(&fixture, false);
        assert_int_equal(open_other(&fixture, "here", &other, &complaint), 0);
        assert_int_equal(fixture.news.kept, 0);
        snprintf(aside[i], sizeof aside[i], "%s.journal.old-%u", result, i + 1);
        assert_string_equal(fixture.news.aside, aside[i]);
        free(fixture.news.aside);
        end(&fixture, true);
    }
    for (unsigned i = 0; i < 2; i++) { // under its first name it goes on
        char path[80];
        snprintf(path, sizeof path, "%s.journal", result);
        assert_int_equal(rename(aside[i], path), 0);
        begin(&fixture, "here");
        assert_int_equal(fixture.news.kept, 1);
        end(&fixture, true);
    }
}

// Another process cannot write it meanwhile, and can as soon as the first has gone.
static void test_locked(void **state)
{
    (void)state;
    struct complaint complaint = {{0}};
    struct fixture fixture;
    begin(&fixture, "here");
    pid_t child = fork();
    if (child == 0) {
        struct fixture second;
        int error = open_run(&second, "here", &complaint);
        _exit(error == EBUSY && strstr(complaint.text, "is at work on it") != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    end(&fixture, false);
    begin(&fixture, "here");
    end(&fixture, true);
}

static void test_no_place(void **state)
{
    (void)state;
    struct complaint complaint = {{0}};
    struct fixture fixture;
    char kept[sizeof result];
    memcpy(kept, result, sizeof result);
    snprintf(result, sizeof result, "%s/no/r.json", folder);
    assert_int_equal(open_run(&fixture, "here", &complaint), ENOENT);
    assert_non_null(strstr(complaint.text, result));
    end(&fixture, false);
    memcpy(result, kept, sizeof result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),         cmocka_unit_test(test_hurt),
        cmocka_unit_test(test_machines),     cmocka_unit_test(test_dropped_and_missing),
        cmocka_unit_test(test_locked),       cmocka_unit_test(test_other_runs),
        cmocka_unit_test(test_other_builds), cmocka_unit_test(test_no_journal),
        cmocka_unit_test(test_no_place),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}

#else

int main(void)
{
    return 0; // this build keeps no journals
}

#endif
