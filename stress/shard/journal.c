// SPDX-License-Identifier: MIT
//
// journal.c - what a run has done so far.
//
// 1. Form. RESULT.journal is JSON, a line a fact: the first says whose journal it is (schema, key,
//    plan, build, shard), the others are machines ("host") and cells ("cell", as the document will
//    have them). A cell that stands there twice is worth what its last line says.
// 2. Writing. A line is appended with one write and brought to the disk (fdatasync) before the next
//    cell begins. Whatever kills the run, what is missing is the cell it was at, and at most the
//    end of one line: whoever opens the journal next cuts it off behind its last whole line.
// 3. Whose. The key covers the plan, the files it names and this build. A journal with another key
//    is another run's, and may be hours of work: it is never written over. Of another plan, other
//    files or another shard: whoever asked for that at this place made a slip, and is refused. Of
//    another build: what it has measured is not this one's; it is put aside as
//    RESULT.journal.old-N, and said so. A first line that is not whole has nothing to lose.
// 4. What is taken. Cells that came to an end of their own: passed, failed, crashed, hung, not
//    steady. Not those that were interrupted; not those that SIGKILL or SIGTERM from outside has
//    ended: when a scheduler kills a run, it may kill the cell a moment before the driver; and not
//    those that never came to work, for want of memory or processes: next time there may be some.
//    A result that has such a cell keeps its journal, and the same run tries that cell again.
// 5. Machines. Targets of a section are compared with each other, so its cells must be of one
//    machine. A section that another machine has begun and not ended is begun again here; one that
//    it has ended is kept.
// 6. One writer. The journal is locked (fcntl, which network file systems pass on, and which ends
//    with the process, not with the children that it leaves behind) for as long as it is open.
// 7. The end. The result takes its place first (disk/disk.c), then the journal goes. A run that
//    finds both does what the journal lacks, perhaps nothing, and writes the result again.

#ifdef MEMS_HAVE_JANSSON

#include "shard/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/disk.h"
#include "job/sure.h"
#include "result/document.h"
#include "result/json.h"
#include "result/restore.h"
#include "run/run.h"
#include "json/json.h"

#define JOURNAL_SCHEMA "mems-stress-journal/1"
#define JOURNAL_ASIDE  1000 // journals of other builds

struct journal {
    int file;
    FILE *stream; // the same, for reading
    char *path;
    bool told; // that a line was lost
    off_t end; // of the last whole line
    const struct journal_run *run;
    json_t *machines; // by name
};

char *journal_path(const char *result)
{
    return sure_print("%s.journal", result);
}

static json_t *journal_shard(const struct deal *deal)
{
    return deal->count > 0 ? json_pack("[i, i]", (int)deal->index, (int)deal->count) : json_null();
}

static json_t *journal_head(const struct journal_run *run)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "schema", JOURNAL_SCHEMA, "key", run->key, "plan",
                     run->plan, "build", run->build, "shard", journal_shard(&run->deal));
}

// ---- writing ------------------------------------------------------------------------------------

static int journal_line(struct journal *journal, json_t *object)
{
    char *text = json_print_line(object, 0);
    size_t length = text != NULL ? strlen(text) : 0;
    char *line = realloc(text, length + 2);
    json_decref(object);
    if (text == NULL || line == NULL) {
        complain_exhausted();
    }
    memcpy(line + length, "\n", 2);
    int error = disk_write(journal->file, line, length + 1);
    free(line);
    error = error == 0 && fdatasync(journal->file) != 0 ? errno : error;
    if (error == 0) {
        journal->end += (off_t)length + 1;
    } else if (ftruncate(journal->file, journal->end) != 0) {
        return error; // half a line stays, and those behind it will not be read
    } else {
        lseek(journal->file, journal->end, SEEK_SET);
    }
    return error;
}

bool journal_has_ended(const struct cell *cell)
{
    if (cell->verdict == CELL_WAITING || cell->verdict == CELL_INCOMPLETE) {
        return false;
    }
    if (cell->verdict != CELL_CRASHED) {
        return true;
    }
    bool at_work = cell->stage != NULL && cell->phase >= STAGE_RUN &&
                   strcmp(cell->stage->evidence.check, RUN_HARNESS) != 0;
    return at_work && cell->signal != SIGKILL && !cell->stage->report.incomplete;
}

void journal_add(struct journal *journal, struct plan *plan, struct cell *cell)
{
    if (cell->stage != NULL || cell->verdict == CELL_CRASHED) {
        snprintf(cell->host, sizeof cell->host, "%s", journal->run->host);
    }
    if (cell->verdict == CELL_SKIPPED || !journal_has_ended(cell)) {
        return;
    }
    int error = journal_line(journal, json_pack("{s:o}", "cell", json_of_cell(plan, cell)));
    if (error != 0 && !journal->told) {
        journal->told = true;
        fprintf(stderr,
                "mems-stress: cannot keep what is done in %s: %s; a run that is killed begins "
                "again\n",
                journal->path, strerror(error));
    }
}

// ---- whose it is --------------------------------------------------------------------------------

// What becomes of the file that is there.
enum journal_fate {
    JOURNAL_OURS,
    JOURNAL_FOREIGN, // stays as it is: refused
    JOURNAL_OLD,     // of another build: put aside
};

static const char *journal_word(const json_t *head, const char *name)
{
    const char *word = json_string_value(json_object_get(head, name));
    return word != NULL ? word : "";
}

static void journal_name_shard(const json_t *shard, char *text, size_t size)
{
    if (json_is_array(shard)) {
        snprintf(text, size, "shard %d/%d", (int)json_integer_value(json_array_get(shard, 0)),
                 (int)json_integer_value(json_array_get(shard, 1)));
    } else {
        snprintf(text, size, "the whole plan");
    }
}

// `head` is NULL where the first line is none of a journal.
static enum journal_fate journal_judge(const struct journal *journal, const json_t *head,
                                       struct complaint *complaint)
{
    const struct journal_run *run = journal->run;
    char theirs[40], ours[40];
    char what[200] = "";
    json_t *own = journal_head(run);
    const json_t *shard = json_object_get(own, "shard");
    journal_name_shard(json_object_get(head, "shard"), theirs, sizeof theirs);
    journal_name_shard(shard, ours, sizeof ours);
    bool same = strcmp(journal_word(head, "build"), run->build) == 0;
    if (strcmp(journal_word(head, "schema"), JOURNAL_SCHEMA) != 0) {
        snprintf(what, sizeof what, "is no journal of a run");
    } else if (strcmp(journal_word(head, "plan"), run->plan) != 0) {
        snprintf(what, sizeof what,
                 "is of another plan (%.12s; this one is %.12s: other keys, options or variables)",
                 journal_word(head, "plan"), run->plan);
    } else if (!json_equal(json_object_get(head, "shard"), shard)) {
        snprintf(what, sizeof what, "is of %s, and this is %s", theirs, ours);
    } else if (same && strcmp(journal_word(head, "key"), run->key) != 0) {
        snprintf(what, sizeof what, "is of the same plan with other files than it names now");
    }
    json_decref(own);
    if (what[0] != '\0') {
        complain(complaint,
                 "%s %s: nothing ran, so that what it keeps is not lost; give --json another name, "
                 "or remove %s",
                 journal->path, what, journal->path);
        return JOURNAL_FOREIGN;
    }
    return same ? JOURNAL_OURS : JOURNAL_OLD;
}

// Whether it is the beginning of a first line, and no more: a run was killed as it began.
static bool journal_has_begun(const char *line, size_t length)
{
    static const char begin[] = "{\"schema\":\"" JOURNAL_SCHEMA "\"";
    size_t least = length < sizeof begin - 1 ? length : sizeof begin - 1;
    return length > 0 && line[length - 1] != '\n' && memcmp(line, begin, least) == 0;
}

// Reads the first line.
static enum journal_fate journal_look(struct journal *journal, struct complaint *complaint)
{
    char *line = NULL;
    size_t size = 0;
    enum journal_fate fate = JOURNAL_OURS;
    ssize_t length = getline(&line, &size, journal->stream);
    if (length > 0 && !journal_has_begun(line, (size_t)length)) {
        json_t *head = json_loadb(line, (size_t)length, 0, NULL);
        fate = journal_judge(journal, head, complaint);
        json_decref(head);
        journal->end = fate == JOURNAL_OURS ? length : 0;
    }
    free(line);
    return fate;
}

// The file takes another name; whoever reads it by that one finds it whole. 0 or errno.
static int journal_put_aside(const struct journal *journal, struct journal_news *news)
{
    int error = EEXIST;
    for (unsigned i = 1; i < JOURNAL_ASIDE && error == EEXIST; i++) {
        news->aside = sure_print("%s.old-%u", journal->path, i);
        bool moved =
            renameat2(AT_FDCWD, journal->path, AT_FDCWD, news->aside, RENAME_NOREPLACE) == 0;
        error = moved ? 0 : errno;
        if (error != 0) {
            free(news->aside);
            news->aside = NULL;
        }
    }
    return error;
}

// ---- reading ------------------------------------------------------------------------------------

struct journal_reading {
    struct journal *journal;
    struct plan *plan;
    struct cell **cells; // by name
};

static int journal_compare(const void *a, const void *b)
{
    return strcmp((*(struct cell *const *)a)->id, (*(struct cell *const *)b)->id);
}

static struct cell *journal_find(const struct journal_reading *reading, const char *id)
{
    char name[5000];
    struct cell wanted = {.id = name};
    const struct cell *key = &wanted;
    snprintf(name, sizeof name, "%s", id != NULL ? id : "");
    struct cell **found = bsearch(&key, reading->cells, reading->plan->cell_count,
                                  sizeof *reading->cells, journal_compare);
    return found != NULL ? *found : NULL;
}

// Whether the line is one that a journal has.
static bool journal_take(struct journal_reading *reading, const json_t *line)
{
    const json_t *object = json_object_get(line, "cell");
    json_t *machine = json_object_get(line, "host");
    const char *name = json_string_value(json_object_get(machine, "name"));
    if (name != NULL) {
        json_object_set(reading->journal->machines, name, machine);
        return true;
    }
    struct cell *cell = journal_find(reading, json_string_value(json_object_get(object, "id")));
    if (object == NULL || cell == NULL) {
        return object != NULL; // one that this run leaves out (--filter)
    }
    struct complaint why = {{0}};
    if (restore_cell(object, cell, &why) != 0) {
        return false;
    }
    cell->kept = true;
    return true;
}

// Takes every whole line behind the first, which ends at `end`; where the last one ends.
static off_t journal_lines(struct journal_reading *reading, FILE *file, off_t end)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, file)) > 0 && line[length - 1] == '\n') {
        json_t *object = json_loadb(line, (size_t)length, 0, NULL);
        bool good = json_is_object(object) && journal_take(reading, object);
        json_decref(object);
        if (!good) {
            break;
        }
        end += length;
    }
    free(line);
    return end;
}

// What was read of a cell is as if it had not been.
static void journal_drop(struct cell *cell)
{
    const char *missing = cell->section->missing[cell->target];
    restore_forget(cell);
    if (missing != NULL) {
        cell->verdict = CELL_SKIPPED;
        snprintf(cell->message, sizeof cell->message, "%s", missing);
    }
}

// Whether all of the section is there, and of one machine.
static bool journal_is_whole(const struct plan *plan, const struct plan_section *section)
{
    const char *host = NULL;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->section != section || (cell->verdict == CELL_SKIPPED && !cell->kept)) {
            continue;
        }
        if (!cell->kept || (host != NULL && strcmp(host, cell->host) != 0)) {
            return false;
        }
        host = cell->host;
    }
    return true;
}

static void journal_part(const struct journal_run *run, struct plan *plan,
                         struct journal_news *news)
{
    for (size_t s = 0; s < plan->section_count; s++) {
        if (journal_is_whole(plan, &plan->sections[s])) {
            continue;
        }
        for (size_t i = 0; i < plan->cell_count; i++) {
            struct cell *cell = &plan->cells[i];
            if (cell->section == &plan->sections[s] && cell->kept &&
                strcmp(cell->host, run->host) != 0) {
                journal_drop(cell);
                news->elsewhere++;
            }
        }
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        news->kept += plan->cells[i].kept;
    }
}

static int journal_read(struct journal *journal, struct plan *plan, struct journal_news *news)
{
    if (journal->end == 0) { // new, or not one whole line
        return ftruncate(journal->file, 0) != 0 || lseek(journal->file, 0, SEEK_SET) < 0 ? errno
                                                                                         : 0;
    }
    struct journal_reading reading = {.journal = journal, .plan = plan};
    reading.cells = calloc(plan->cell_count + 1, sizeof(struct cell *));
    if (reading.cells == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        reading.cells[i] = &plan->cells[i];
    }
    qsort(reading.cells, plan->cell_count, sizeof(struct cell *), journal_compare);
    off_t end = journal_lines(&reading, journal->stream, journal->end);
    free(reading.cells);
    off_t size = lseek(journal->file, 0, SEEK_END);
    news->lost = (size_t)(size - end);
    journal_part(journal->run, plan, news);
    journal->end = end;
    return ftruncate(journal->file, end) != 0 || lseek(journal->file, end, SEEK_SET) < 0 ? errno
                                                                                         : 0;
}

// It would end with the first descriptor of the file that this process closes: there is one only.
static int journal_lock(const struct journal *journal, struct complaint *complaint)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(journal->file, F_SETLK, &lock) == 0) {
        return 0;
    }
    int error = errno;
    if (error != EACCES && error != EAGAIN) {
        return 0; // a file system without locks
    }
    fcntl(journal->file, F_GETLK, &lock);
    complain(complaint, "%s: process %d is at work on it; wait for its end, or end it",
             journal->path, (int)lock.l_pid);
    return EBUSY;
}

static int journal_begin(struct journal *journal)
{
    int error = 0;
    if (journal->end == 0) {
        error = journal_line(journal, journal_head(journal->run));
    }
    if (error == 0) {
        json_object_set(journal->machines, journal->run->host, journal->run->machine);
        error = journal_line(journal, json_pack("{s:O}", "host", journal->run->machine));
    }
    return error;
}

static int journal_open_file(struct journal *journal, struct complaint *complaint)
{
    journal->file = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    journal->stream = journal->file >= 0 ? fdopen(journal->file, "r+") : NULL;
    return journal->stream == NULL ? errno : journal_lock(journal, complaint);
}

// Opens what is there, where it is ours to go on with, else a new one. 0 or errno.
static int journal_find_file(struct journal *journal, struct journal_news *news,
                             struct complaint *complaint)
{
    int error = journal_open_file(journal, complaint);
    enum journal_fate fate = error == 0 ? journal_look(journal, complaint) : JOURNAL_OURS;
    if (fate == JOURNAL_FOREIGN) {
        return EEXIST;
    }
    if (fate == JOURNAL_OLD) {
        error = journal_put_aside(journal, news);
        fclose(journal->stream);
        journal->stream = NULL;
        journal->file = -1;
        error = error != 0 ? error : journal_open_file(journal, complaint);
    }
    return error;
}

int journal_open(const struct journal_run *run, struct plan *plan, struct journal **journal,
                 struct journal_news *news, struct complaint *complaint)
{
    struct journal *made = calloc(1, sizeof *made);
    if (made == NULL) {
        complain_exhausted();
    }
    *news = (struct journal_news){0};
    made->run = run;
    made->path = journal_path(run->result);
    made->machines = json_object();
    int error = journal_find_file(made, news, complaint);
    error = error != 0 ? error : journal_read(made, plan, news);
    error = error != 0 ? error : journal_begin(made);
    if (error != 0) {
        complain(complaint, "cannot keep a journal in %s: %s", made->path, strerror(error));
        journal_close(made, false);
        return error;
    }
    *journal = made;
    return 0;
}

json_t *journal_machines(const struct journal *journal, const struct plan *plan)
{
    const char *name;
    json_t *machine;
    json_t *machines = json_array();
    json_object_foreach(journal->machines, name, machine)
    {
        bool used = strcmp(name, journal->run->host) == 0;
        for (size_t i = 0; i < plan->cell_count && !used; i++) {
            used = strcmp(plan->cells[i].host, name) == 0;
        }
        if (used) {
            json_array_append(machines, machine);
        }
    }
    return machines;
}

void journal_close(struct journal *journal, bool finished)
{
    if (journal == NULL) {
        return;
    }
    if (finished) {
        unlink(journal->path);
    }
    if (journal->stream != NULL) {
        fclose(journal->stream);
    } else if (journal->file >= 0) {
        close(journal->file);
    }
    json_decref(journal->machines);
    free(journal->path);
    free(journal);
}

// ---- done already -------------------------------------------------------------------------------

// Every cell of the plan is in the document, and has come to its end.
static bool journal_has_all(const json_t *root, const struct plan *plan)
{
    size_t index;
    json_t *cell;
    json_t *ended = json_object();
    bool all = true;
    json_array_foreach(json_object_get(root, "cells"), index, cell)
    {
        const char *id = json_string_value(json_object_get(cell, "id"));
        const char *verdict = json_string_value(json_object_get(cell, "verdict"));
        if (id != NULL && verdict != NULL &&
            strcmp(verdict, cell_verdict_name(CELL_WAITING)) != 0 &&
            strcmp(verdict, cell_verdict_name(CELL_INCOMPLETE)) != 0) {
            json_object_set_new(ended, id, json_true());
        }
    }
    for (size_t i = 0; i < plan->cell_count && all; i++) {
        all = json_object_get(ended, plan->cells[i].id) != NULL;
    }
    json_decref(ended);
    return all;
}

bool journal_is_done(const struct journal_run *run, const struct plan *plan, int *status)
{
    json_t *root = json_load_file(run->result, 0, NULL);
    const json_t *book = json_object_get(root, "shard");
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const char *key =
        json_string_value(json_object_get(json_object_get(root, "job"), "resume_key"));
    char *path = journal_path(run->result);
    bool same = access(path, F_OK) != 0 && schema != NULL && strcmp(schema, DOCUMENT_SCHEMA) == 0 &&
                key != NULL && strcmp(key, run->key) == 0 &&
                json_integer_value(json_object_get(book, "index")) == run->deal.index &&
                json_integer_value(json_object_get(book, "count")) == run->deal.count &&
                journal_has_all(root, plan);
    if (same) {
        *status = (int)json_integer_value(json_object_get(root, "exit_status"));
    }
    free(path);
    json_decref(root);
    return same;
}

#endif
