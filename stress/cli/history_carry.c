// SPDX-License-Identifier: MIT
//
// history_carry.c - mems-stress history export and import: results from one history to another.
//
// What is imported is read and checked to its end, all files of it, before anything is written; so
// a history has all of it or nothing, and a fault in it is told by file and line.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/history.h"
#include "disk/disk.h"
#include "disk/memory.h"
#include "result/verdict.h"

#ifdef MEMS_HAVE_JANSSON
#include <jansson.h>
#endif

// ---- export --------------------------------------------------------------------------------

static int history_write(struct disk_file *file, const char *text)
{
    if (file != NULL) {
        int error = disk_write(file->fd, text, strlen(text));
        return error != 0 ? error : disk_write(file->fd, "\n", 1);
    }
    return fputs(text, stdout) < 0 || fputc('\n', stdout) == EOF ? errno : 0;
}

// Document by document, so that there is one in memory at a time.
static int history_export_runs(struct archive *archive, const struct archive_runs *runs,
                               const struct history_settings *settings, struct disk_file *file)
{
    struct complaint complaint = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++) {
        char *text;
        if (settings->run.given && runs->items[i].id != (int64_t)settings->run.value) {
            continue;
        }
        if (archive_document(archive, runs->items[i].id, &text, &complaint) != 0) {
            return history_complain(complaint.text, VERDICT_EXIT_USAGE);
        }
        int error = history_write(file, text);
        free(text);
        if (error != 0) {
            fprintf(stderr, "mems-stress history: cannot write: %s\n", strerror(error));
            return VERDICT_EXIT_UNWRITTEN;
        }
        count++;
    }
    if (count == 0) {
        return history_complain("export: there is no such run", VERDICT_EXIT_USAGE);
    }
    return 0;
}

static int history_export_to(struct archive *archive, const struct archive_runs *runs,
                             const struct history_settings *settings)
{
    struct disk_file file;
    const char *output = settings->output;
    if (output == NULL || strcmp(output, "-") == 0) {
        return history_export_runs(archive, runs, settings, NULL);
    }
    int error = disk_open(output, &file);
    int status = 0;
    if (error == 0) {
        status = history_export_runs(archive, runs, settings, &file);
        if (status == 0) {
            error = disk_close(&file);
        } else {
            disk_abandon(&file);
        }
    }
    if (error != 0) {
        fprintf(stderr, "mems-stress history: cannot write %s: %s\n", output, strerror(error));
        status = VERDICT_EXIT_UNWRITTEN;
    }
    return status;
}

int history_export(const struct cli_list *words, const struct history_settings *settings)
{
    struct complaint complaint = {{0}};
    struct archive *archive;
    struct archive_runs runs;
    if (words->count > 2) {
        return history_complain("export: one job at most", VERDICT_EXIT_USAGE);
    }
    int status = history_open(settings, ARCHIVE_READ, &archive);
    if (status != 0) {
        return status;
    }
    char *job = words->count > 1 ? history_job(words->items[1]) : NULL;
    if (archive_list(archive, job, NULL, &runs, &complaint) != 0) {
        status = history_complain(complaint.text, VERDICT_EXIT_USAGE);
    } else {
        status = history_export_to(archive, &runs, settings);
    }
    archive_runs_fini(&runs);
    archive_close(archive);
    free(job);
    return status;
}

// ---- import --------------------------------------------------------------------------------

#ifdef MEMS_HAVE_JANSSON

// What is left of a file, and where that is.
struct carry_text {
    const char *name;
    const char *at;
    size_t left;
    size_t line; // of `at`, from 1
    size_t column;
};

static void carry_skip(struct carry_text *text, size_t bytes)
{
    for (size_t i = 0; i < bytes && i < text->left; i++) {
        text->column = text->at[i] == '\n' ? 1 : text->column + 1;
        text->line += text->at[i] == '\n';
    }
    bytes = bytes < text->left ? bytes : text->left;
    text->at += bytes;
    text->left -= bytes;
}

static void carry_skip_blanks(struct carry_text *text)
{
    size_t blanks = 0;
    while (blanks < text->left && strchr(" \n\t\r", text->at[blanks]) != NULL &&
           text->at[blanks] != '\0') {
        blanks++;
    }
    carry_skip(text, blanks);
}

// The results in a file, one behind the other.
static int carry_results(struct carry_text *text, struct archive_batch *batch,
                         struct complaint *complaint)
{
    int error = 0;
    for (carry_skip_blanks(text); text->left > 0 && error == 0; carry_skip_blanks(text)) {
        json_error_t wrong;
        char name[512];
        json_t *document = json_loadb(text->at, text->left,
                                      JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &wrong);
        snprintf(name, sizeof name, "%.440s: line %zu", text->name, text->line);
        size_t read = wrong.position > 0 ? (size_t)wrong.position : 0;
        carry_skip(text,
                   document == NULL && read > 0 ? read - 1 : read); // to the fault, or past it
        if (document == NULL) {
            complain(complaint,
                     "%s: line %zu, column %zu: no JSON: %s; whole results are wanted, as --json "
                     "and history export write them",
                     text->name, text->line, text->column, wrong.text);
            return EINVAL;
        }
        error = archive_batch_put(batch, name, document, complaint);
        json_decref(document);
    }
    return error;
}

#else

struct carry_text {
    const char *name;
    const char *at;
    size_t left, line, column;
};

static int carry_results(struct carry_text *text, struct archive_batch *batch,
                         struct complaint *complaint)
{
    (void)text;
    return archive_batch_put(batch, "", NULL, complaint); // says what is missing
}

#endif

// All of a file; the caller frees it. NULL with a complaint.
static char *carry_slurp(const char *path, size_t *size, struct complaint *complaint)
{
    bool input = strcmp(path, "-") == 0;
    FILE *file = input ? stdin : fopen(path, "re");
    char *text = NULL;
    char chunk[65536];
    size_t got;
    FILE *all = file != NULL ? disk_memory(&text, size) : NULL;
    errno = file != NULL ? 0 : errno;
    while (all != NULL && (got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        fwrite(chunk, 1, got, all);
    }
    int error = file == NULL || ferror(file) ? errno : 0;
    if (all != NULL && fclose(all) != 0) {
        complain_exhausted();
    }
    if (file != NULL && !input) {
        fclose(file);
    }
    if (error != 0 || text == NULL) {
        complain(complaint, "cannot read %s: %s", path, strerror(error));
        free(text);
        return NULL;
    }
    return text;
}

static int carry_read(const struct cli_list *words, struct archive_batch *batch,
                      struct complaint *complaint)
{
    int error = 0;
    for (size_t i = 1; i < words->count && error == 0; i++) {
        struct carry_text text = {.name = words->items[i], .line = 1, .column = 1};
        char *bytes = carry_slurp(words->items[i], &text.left, complaint);
        text.at = bytes;
        error = bytes == NULL ? EINVAL : carry_results(&text, batch, complaint);
        free(bytes);
    }
    return error;
}

int history_import(const struct cli_list *words, const struct history_settings *settings)
{
    struct complaint complaint = {{0}};
    struct archive *archive;
    size_t added = 0;
    if (words->count < 2) {
        return history_complain("import: which files? - is standard input", VERDICT_EXIT_USAGE);
    }
    struct archive_batch *batch = archive_batch_new();
    int status = 0;
    if (carry_read(words, batch, &complaint) != 0) {
        status = history_complain(complaint.text, VERDICT_EXIT_USAGE);
        fprintf(stderr, "mems-stress history: nothing was added\n");
    }
    status = status != 0 ? status : history_open(settings, ARCHIVE_ADD, &archive);
    if (status == 0) {
        int error = archive_batch_add(archive, batch, &added, &complaint);
        status = error != 0 ? history_complain(complaint.text, history_status(error)) : 0;
        archive_close(archive);
    }
    if (status == 0) {
        printf("%zu result%s added, %zu there already\n", added, added == 1 ? "" : "s",
               archive_batch_count(batch) - added);
    }
    archive_batch_free(batch);
    return status;
}
