// SPDX-License-Identifier: MIT
//
// test_archive.c - what is added is there: once, from old files, from many processes, whoever is
// killed when.

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "made.h"
#include "workload/random.h"

static const struct made one = {.job = "ci", .started = "2026-11-20T10:00:00Z", .rate = 1000};

static size_t count_runs(const char *path, const char *job)
{
    struct archive_runs runs;
    struct complaint complaint = {{0}};
    struct archive *archive = made_open(path, ARCHIVE_READ);
    assert_int_equal(archive_list(archive, job, NULL, &runs, &complaint), 0);
    size_t count = runs.count;
    archive_runs_fini(&runs);
    archive_close(archive);
    return count;
}

static void say(const char *path, const char *sql)
{
    sqlite3 *db;
    char *wrong = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &wrong) != SQLITE_OK) {
        fail_msg("%s: %s", sql, wrong);
    }
    sqlite3_close(db);
}

static void test_added_once(void **state)
{
    (void)state;
    struct made_place place;
    struct made other = one;
    made_place(&place);
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    assert_true(made_add(archive, &one));
    assert_false(made_add(archive, &one));
    other.rate = 1001;
    assert_true(made_add(archive, &other));
    other.job = "nightly";
    assert_true(made_add(archive, &other));
    archive_close(archive);
    assert_int_equal(count_runs(place.path, NULL), 3);
    assert_int_equal(count_runs(place.path, "ci"), 2);
    assert_int_equal(count_runs(place.path, "c"), 0);
    made_gone(&place);
}

// The same document, however it is laid out and whatever way it took.
static void test_document_comes_back(void **state)
{
    (void)state;
    struct made_place place;
    struct complaint complaint = {{0}};
    struct archive_run run;
    char *text;
    bool added;
    made_place(&place);
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    assert_true(made_add(archive, &one));
    assert_int_equal(archive_document(archive, 1, &text, &complaint), 0);
    assert_null(strchr(text, '\n'));
    json_t *document = made_document(&one);
    json_t *back = json_loads(text, 0, NULL);
    assert_non_null(back);
    assert_string_equal(json_string_value(json_object_get(back, "started")), one.started);
    assert_int_equal(json_array_size(json_object_get(back, "cells")), 6);
    assert_int_equal(archive_add(archive, "back", back, &added, &complaint), 0);
    assert_false(added);
    free(text);
    text = json_dumps(document, JSON_INDENT(7) | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    json_decref(back);
    back = json_loads(text, 0, NULL);
    assert_int_equal(archive_add(archive, "laid out", back, &added, &complaint), 0);
    assert_false(added);
    assert_int_equal(archive_identify("it", document, &run, &complaint), 0);
    assert_string_equal(run.job, "ci");
    assert_int_equal(strlen(run.digest), 64);
    archive_run_fini(&run);
    free(text);
    assert_int_equal(archive_document(archive, 99, &text, &complaint), EIO);
    assert_null(text);
    json_decref(back);
    json_decref(document);
    archive_close(archive);
    made_gone(&place);
}

static void test_no_results(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{\"schema\": \"mems-stress/1\"}",
        "{\"schema\": \"mems-stress/1\", \"started\": \"2026\", \"job\": {\"title\": \"x\"}}",
        ("{\"schema\": \"mems-stress/2\", \"started\": \"2026\", \"job\": {\"title\": \"x\", "
         "\"sections\": []}, \"cells\": []}"),
        "[1]",
    };
    struct made_place place;
    made_place(&place);
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct complaint complaint = {{0}};
        bool added = true;
        json_t *document = json_loads(texts[i], 0, NULL);
        assert_non_null(document);
        assert_int_equal(archive_add(archive, "f.json", document, &added, &complaint), EINVAL);
        assert_false(added);
        assert_non_null(strstr(complaint.text, "f.json: "));
        json_decref(document);
    }
    archive_close(archive);
    assert_int_equal(count_runs(place.path, NULL), 0);
    made_gone(&place);
}

// A run in which nothing was to be done is one all the same, and has been somewhere.
static void test_no_sections(void **state)
{
    (void)state;
    struct made_place place;
    struct complaint complaint = {{0}};
    struct archive_machines machines;
    bool added;
    made_place(&place);
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    json_t *document = made_document(&one);
    json_array_clear(json_object_get(document, "cells"));
    json_array_clear(json_object_get(json_object_get(document, "job"), "sections"));
    assert_int_equal(archive_add(archive, "it", document, &added, &complaint), 0);
    assert_true(added);
    assert_int_equal(archive_machines(archive, "ci", &machines, &complaint), 0);
    assert_int_equal(machines.count, 1);
    archive_machines_fini(&machines);
    json_decref(document);
    archive_close(archive);
    made_gone(&place);
}

static size_t put(struct archive_batch *batch, const struct made *made)
{
    struct complaint complaint = {{0}};
    json_t *document = made_document(made);
    assert_int_equal(archive_batch_put(batch, "made", document, &complaint), 0);
    json_decref(document);
    return archive_batch_count(batch);
}

static void test_batch(void **state)
{
    (void)state;
    struct made_place place;
    struct complaint complaint = {{0}};
    struct made other = one;
    size_t added;
    other.rate = 5;
    made_place(&place);
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    struct archive_batch *batch = archive_batch_new();
    assert_int_equal(put(batch, &one), 1);
    assert_int_equal(put(batch, &other), 2);
    assert_int_equal(put(batch, &one), 3);
    assert_int_equal(archive_batch_add(archive, batch, &added, &complaint), 0);
    assert_int_equal(added, 2);
    assert_int_equal(archive_batch_add(archive, batch, &added, &complaint), 0);
    assert_int_equal(added, 0);
    archive_batch_free(batch);
    archive_close(archive);
    assert_int_equal(count_runs(place.path, "ci"), 2);
    made_gone(&place);
}

// The figures of cells that can be used, one series for each work.
static void test_figures(void **state)
{
    (void)state;
    struct made_place place;
    struct complaint complaint = {{0}};
    struct archive_serieses all;
    made_place(&place);
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    const struct made runs[] = {
        {.job = "ci", .started = "2026-11-22T10:00:00Z", .rate = 3000},
        {.job = "ci", .started = "2026-11-20T10:00:00Z", .rate = 1000},
        {.job = "ci", .started = "2026-11-21T10:00:00Z", .rate = 2000, .verdict = "crashed"},
        {.job = "ci", .started = "2026-11-23T10:00:00Z", .rate = 4000, .size = "1k"},
        {.job = "other", .started = "2026-11-23T10:00:00Z", .rate = 5000},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        assert_true(made_add(archive, &runs[i]));
    }
    assert_int_equal(
        archive_figures(archive, "ci", NULL, metric_find("ops_per_second"), &all, &complaint), 0);
    assert_int_equal(all.count, 4); // two targets, two works
    const struct archive_series *first = &all.items[0];
    assert_string_equal(first->target, "libc");
    assert_int_equal(first->count, 2);
    assert_true(first->points[0].median == 1001); // the middle of three repeats, the older first
    assert_true(first->points[1].median == 3001);
    assert_string_equal(all.items[1].target, "libc");
    assert_string_not_equal(all.items[1].work, first->work);
    assert_string_equal(all.items[2].work, first->work);
    archive_serieses_fini(&all);
    assert_int_equal(
        archive_figures(archive, "ci", NULL, metric_find("alloc_p99_ns"), &all, &complaint), 0);
    assert_int_equal(all.count, 0);
    archive_serieses_fini(&all);
    archive_close(archive);
    made_gone(&place);
}

// ---- versions ------------------------------------------------------------------------------

// Files as they were: before there were figures, and before there were machines.
static const char *const versions[] = {
    "CREATE TABLE run ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, job TEXT NOT NULL,"
    " started TEXT NOT NULL, seconds REAL NOT NULL, verdict TEXT NOT NULL,"
    " revision TEXT NOT NULL, host TEXT NOT NULL, document BLOB NOT NULL);"
    "CREATE INDEX run_by_job ON run (job, started, id);"
    "PRAGMA application_id = 1298484563; PRAGMA user_version = 1;",
    "CREATE TABLE series ("
    " id INTEGER PRIMARY KEY, job TEXT NOT NULL, section TEXT NOT NULL, target TEXT NOT NULL,"
    " work TEXT NOT NULL, metric TEXT NOT NULL, UNIQUE (job, metric, section, target, work));"
    "CREATE TABLE figure ("
    " series INTEGER NOT NULL REFERENCES series (id),"
    " run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, repeats INTEGER NOT NULL,"
    " median REAL NOT NULL, PRIMARY KEY (series, run)) WITHOUT ROWID;"
    "CREATE INDEX figure_by_run ON figure (run);"
    "PRAGMA user_version = 2;",
};

static void insert_1(const char *path, const char *digest, const char *document)
{
    sqlite3 *db;
    char *sql = sqlite3_mprintf("INSERT INTO run VALUES (NULL, %Q, 'ci', '2026-11-20T10:00:00Z', 1,"
                                " 'pass', 'abcdef012345', 'here', CAST(%Q AS BLOB))",
                                digest, document);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(sql);
    sqlite3_close(db);
}

// What has been drawn from the documents by then: a figure that they do not have.
static const char stale_2[] =
    "INSERT INTO series VALUES (1, 'ci', 'small', 'libc', 'work', 'ops_per_second');"
    "INSERT INTO figure VALUES (1, 1, 3, 5e5);";

static void migrate_from(size_t version)
{
    struct made_place place;
    struct complaint complaint = {{0}};
    struct archive_serieses all;
    struct archive_machines machines;
    struct archive_run run;
    const struct made made = {
        .job = "ci", .started = one.started, .rate = 1000, .cpu = "Old", .version = "2.36"};
    made_place(&place);
    for (size_t i = 0; i < version; i++) {
        say(place.path, versions[i]);
    }
    json_t *document = made_document(&made);
    char *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(9));
    assert_int_equal(archive_identify("it", document, &run, &complaint), 0);
    insert_1(place.path, run.digest, text);
    insert_1(place.path, "damaged", "{no JSON");
    if (version == 2) {
        say(place.path, stale_2);
    }
    struct archive *archive = made_open(place.path, ARCHIVE_READ);
    assert_int_equal(archive_machines(archive, "ci", &machines, &complaint), 0);
    assert_int_equal(machines.count, 2); // and that of the damaged one, which nobody knows
    assert_int_equal(
        archive_figures(archive, "ci", NULL, metric_find("ops_per_second"), &all, &complaint), 0);
    assert_int_equal(all.count, 2);
    assert_int_equal(all.items[0].count, 1);
    assert_true(all.items[0].points[0].median == 1001);
    assert_string_equal(all.items[0].points[0].build, "2.36");
    archive_serieses_fini(&all);
    archive_machines_fini(&machines);
    assert_false(made_add(archive, &made)); // it is the same one
    archive_close(archive);
    assert_int_equal(count_runs(place.path, "ci"), 2);
    expect_answer(place.path, "PRAGMA user_version", "3");
    expect_answer(place.path, "PRAGMA integrity_check", "ok");
    expect_answer(place.path, "SELECT count(*) FROM pragma_foreign_key_check", "0");
    archive_run_fini(&run);
    free(text);
    json_decref(document);
    made_gone(&place);
}

static void test_migrated(void **state)
{
    (void)state;
    for (size_t version = 1; version <= sizeof versions / sizeof versions[0]; version++) {
        migrate_from(version);
    }
}

static void test_not_ours(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"CREATE TABLE things (x); INSERT INTO things VALUES (1)", "no history of mems-stress"},
        {"PRAGMA user_version = 7", "no history of mems-stress"},
        {"PRAGMA application_id = 1298484563; PRAGMA user_version = 99; CREATE TABLE run (x)",
         "version 99"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made_place place;
        struct archive *archive;
        struct complaint complaint = {{0}};
        struct stat before, after;
        made_place(&place);
        say(place.path, cases[i].sql);
        assert_int_equal(stat(place.path, &before), 0);
        assert_int_equal(archive_open(place.path, ARCHIVE_ADD, &archive, &complaint), EINVAL);
        assert_null(archive);
        if (strstr(complaint.text, cases[i].says) == NULL) {
            fail_msg("%s", complaint.text);
        }
        assert_int_equal(stat(place.path, &after), 0);
        assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
        made_gone(&place);
    }
}

static void test_no_file(void **state)
{
    (void)state;
    static const char *const paths[] = {"", "/", "/nowhere/h.db", "/dev/null"};
    struct archive *archive;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct complaint complaint = {{0}};
        assert_int_not_equal(archive_open(paths[i], ARCHIVE_ADD, &archive, &complaint), 0);
        assert_true(complaint.text[0] != '\0');
    }
    struct complaint complaint = {{0}};
    struct made_place place;
    made_place(&place);
    assert_int_equal(archive_open(place.path, ARCHIVE_READ, &archive, &complaint), ENOENT);
    FILE *file = fopen(place.path, "w");
    fputs("this is text, and rather long for its kind: longer than a header of sqlite is, which "
          "has a hundred bytes",
          file);
    fclose(file);
    assert_int_equal(archive_open(place.path, ARCHIVE_ADD, &archive, &complaint), EIO);
    made_gone(&place);
}

// ---- many, and killed ----------------------------------------------------------------------

#define WRITERS 4
#define NOISE   30000 // bytes that do not compress: a transaction of many pages

static void add_large(struct archive *archive, const char *job, uint64_t number)
{
    struct complaint complaint = {{0}};
    static char noise[NOISE + 1];
    struct random random;
    bool added;
    const struct made made = {.job = job, .started = "2026-11-20T10:00:00Z", .rate = 1000};
    json_t *document = made_document(&made);
    random_init(&random, number, 0, 0);
    for (size_t i = 0; i < NOISE; i++) {
        noise[i] = (char)(' ' + random_below(&random, 94));
    }
    json_object_set_new(document, "noise", json_string(noise));
    if (archive_add(archive, "made", document, &added, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    assert_true(added);
    json_decref(document);
}

// Adds one result after the other and says so of each that is kept, by a byte in the pipe.
static _Noreturn void write_on(const char *path, unsigned writer, uint64_t number, int pipe)
{
    char job[32];
    struct archive *archive = made_open(path, ARCHIVE_ADD);
    snprintf(job, sizeof job, "writer %u", writer);
    do {
        add_large(archive, job, number++);
    } while (write(pipe, "", 1) == 1);
    _exit(0);
}

// All at once, and each killed at a random moment.
static void kill_round(const char *path, uint64_t round, struct random *random,
                       unsigned kept[WRITERS])
{
    pid_t child[WRITERS];
    int pipes[WRITERS][2];
    char byte;
    for (unsigned w = 0; w < WRITERS; w++) {
        assert_int_equal(pipe(pipes[w]), 0);
        child[w] = fork();
        if (child[w] == 0) {
            close(pipes[w][0]);
            write_on(path, w, (round * WRITERS + w) << 20, pipes[w][1]);
        }
        close(pipes[w][1]);
    }
    for (unsigned w = 0; w < WRITERS; w++) {
        if (random_below(random, 2) == 0) { // one is kept at least
            assert_int_equal(read(pipes[w][0], &byte, 1), 1);
            kept[w]++;
        }
        struct timespec moment = {.tv_nsec = (long)random_below(random, 3000000)};
        nanosleep(&moment, NULL);
        kill(child[w], SIGKILL);
    }
    for (unsigned w = 0; w < WRITERS; w++) {
        int status;
        while (read(pipes[w][0], &byte, 1) == 1) {
            kept[w]++;
        }
        close(pipes[w][0]);
        assert_int_equal(waitpid(child[w], &status, 0), child[w]);
        assert_true(WIFSIGNALED(status));
    }
}

static void test_killed_at_any_moment(void **state)
{
    (void)state;
    struct random random;
    struct made_place place;
    unsigned kept[WRITERS] = {0};
    unsigned rounds = 40 / (MEMS_TEST_SCALE > 4 ? 4 : MEMS_TEST_SCALE);
    uint64_t seed = test_seed();
    random_init(&random, seed, 0, 0);
    made_place(&place);
    for (unsigned round = 0; round < rounds; round++) {
        kill_round(place.path, round, &random, kept);
    }
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    made_add(archive, &one); // the next one goes on
    archive_close(archive);
    for (unsigned w = 0; w < WRITERS; w++) {
        char job[32];
        snprintf(job, sizeof job, "writer %u", w);
        size_t found = count_runs(place.path, job);
        // In each round one may have been killed between the two.
        if (found < kept[w] || found > kept[w] + rounds) {
            fail_msg("%zu of %u are there, seed %llu", found, kept[w], (unsigned long long)seed);
        }
    }
    expect_answer(place.path, "PRAGMA integrity_check", "ok");
    expect_answer(place.path, "SELECT count(*) FROM pragma_foreign_key_check", "0");
    // Four figures each: nothing of a run without the rest of it.
    expect_answer(place.path,
                  "SELECT count(*) FROM (SELECT count(f.run) AS n FROM run r"
                  " LEFT JOIN figure f ON f.run = r.id GROUP BY r.id) WHERE n != 4",
                  "0");
    made_gone(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_added_once), cmocka_unit_test(test_document_comes_back),
        cmocka_unit_test(test_no_results), cmocka_unit_test(test_figures),

        cmocka_unit_test(test_batch),      cmocka_unit_test(test_no_sections),

        cmocka_unit_test(test_migrated),   cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_no_file),    cmocka_unit_test(test_killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
