// SPDX-License-Identifier: MIT
//
// job.c - from a document to sections with a value for every key.
//
// A job is made in three steps. The document (document.c) knows text: sections, keys and where they
// stand. Sweeps and the command line's overrides change it (sweep.c). Here keys get their meaning,
// section by section, in the order of the file:
//
// 1. The workload is found, by the section's own key or by [global]; with it the two tables of
// keys.
// 2. The section's own keys are bound to rows, and those of the command line, which hold against
//    all others. Unknown, useless and repeated ones are errors.
// 3. Keys of every [global] before the section are bound where the section gives none of its own;
//    those that its workload does not know are passed over. They are read even where they are
//    overridden: a bad value does not hide.
// 4. Every row gets its value: bound, or its default.
// 5. Keys that depend on each other are settled (conflict.c), and the workload has its say.
//
// When all sections are done, a [global] key that none of them could use is an error too.

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/conflict.h"
#include "job/document.h"
#include "job/number.h"
#include "job/sweep.h"
#include "job/tables.h"
#include "job/value.h"
#include "job/whole.h"
#include "workload/workload.h"

// How the values of one section come about.
struct binding {
    struct document_entry *at[DOCUMENT_LEVELS];
};

struct trial {
    struct resolver *resolver;
    const struct job_key *key;
};

struct resolver {
    struct job_whole *whole;
    struct arena *arena;
    const char *folder;
    const struct document_section *source;
    struct job_section *section;
    struct binding *bindings; // one a value
    struct complaint *complaint;
};

static const struct document_entry *find_entry(const struct document_section *section,
                                               const char *key)
{
    const struct document_entry *entry = section->entries;
    while (entry && strcmp(entry->key, key) != 0) {
        entry = entry->next;
    }
    return entry;
}

static size_t row_of(const struct job_section *section, const char *key)
{
    size_t row = 0;
    while (row < section->value_count && strcmp(section->values[row].key->name, key) != 0) {
        row++;
    }
    return row;
}

static struct complaint_where line_of(const struct document_entry *entry)
{
    struct complaint_place place = entry->key_at;
    place.column = 0;
    return complaint_where(&place);
}

static int complain_twice(struct resolver *resolver, const struct document_entry *again,
                          const struct document_entry *first)
{
    complain_at(resolver->complaint, &again->key_at,
                "key '%s' twice in section [%s]: the first is at %s; keep one of them",
                complaint_clip(again->key).text, complaint_clip(resolver->source->name).text,
                line_of(first).text);
    return EINVAL;
}

// Step 1. The workload's name may come from any [global] before the section; the last one wins.
static int find_workload(struct resolver *resolver)
{
    const struct document_entry *entry =
        sweep_holding(&resolver->whole->document, resolver->source, "workload");
    if (!entry) {
        complain_at(resolver->complaint, &resolver->source->at,
                    "section [%s] has no workload: give it the key 'workload', %s",
                    complaint_clip(resolver->source->name).text, job_common_keys[0].values);
        return EINVAL;
    }
    resolver->section->workload = workload_find(entry->value);
    if (resolver->section->workload) {
        return 0;
    }
    size_t count = 0;
    while (workload_at(count)) {
        count++;
    }
    const char **names = arena_get(resolver->arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = workload_at(i)->name;
    }
    const char *near = job_suggest(entry->value, names);
    complain_at(resolver->complaint, &entry->value_at, "workload = %s: no such workload%s%s%s",
                complaint_clip(entry->value).text, near ? "; did you mean '" : "",
                near ? near : "; `mems-stress list` prints them", near ? "'?" : "");
    return EINVAL;
}

static int complain_unknown(struct resolver *resolver, const struct document_entry *entry)
{
    const struct workload *workload = resolver->section->workload, *owner;
    if (job_key_find(entry->key, &owner)) {
        complain_at(resolver->complaint, &entry->key_at,
                    "key '%s' is one of workload %s, not of %s, which section [%s] has",
                    complaint_clip(entry->key).text, owner->name, workload->name,
                    complaint_clip(resolver->source->name).text);
        return EINVAL;
    }
    const char *near = job_suggest(entry->key, table_names(workload, resolver->arena));
    complain_at(resolver->complaint, &entry->key_at, "unknown key '%s' in section [%s]%s%s%s",
                complaint_clip(entry->key).text, complaint_clip(resolver->source->name).text,
                near ? "; did you mean '" : "",
                near ? near : "; `mems-stress list keys` prints all", near ? "'?" : "");
    return EINVAL;
}

// Step 2.
static int bind_own(struct resolver *resolver)
{
    struct job_section *section = resolver->section;
    for (struct document_entry *entry = resolver->source->entries; entry; entry = entry->next) {
        size_t row = row_of(section, entry->key);
        if (row == section->value_count) {
            return complain_unknown(resolver, entry);
        }
        if (table_unused(section->workload, entry->key)) {
            complain_at(resolver->complaint, &entry->key_at,
                        "key '%s' means nothing to workload %s (%s): leave it out", entry->key,
                        section->workload->name, section->workload->help);
            return EINVAL;
        }
        struct document_entry **bound = &resolver->bindings[row].at[entry->level];
        if (*bound) {
            return complain_twice(resolver, entry, *bound);
        }
        *bound = entry;
        entry->used = true;
    }
    return 0;
}

static int read_value(struct resolver *resolver, const struct document_entry *entry,
                      const struct job_key *key, struct job_value *value)
{
    struct value_source source = {entry->value, entry->folder, entry->value_at};
    int error = value_parse(key, &source, resolver->arena, value, resolver->complaint);
    value->given = true;
    value->folder = entry->folder;
    value->file = entry->value_at.file;
    value->line = entry->value_at.line;
    value->column = entry->value_at.column;
    return error;
}

static int try_single(void *arg, struct document_entry *single, const char *label)
{
    struct trial *trial = arg;
    struct job_value tried;
    (void)label;
    int error = read_value(trial->resolver, single, trial->key, &tried);
    if (!error) {
        value_fini(&tried);
    }
    return error;
}

// Reads an entry of [global] as the key would, also where it is overridden. Once for a row: its
// sections may be many.
static int try_global(struct resolver *resolver, struct document_entry *entry,
                      const struct job_key *key)
{
    struct trial trial = {resolver, key};
    if (entry->read == key) {
        return 0;
    }
    entry->read = key;
    if (sweep_is(entry, key)) {
        return sweep_each(entry, key, resolver->arena, try_single, &trial, resolver->complaint);
    }
    return try_single(&trial, entry, NULL);
}

// Step 3. A later [global] replaces what an earlier one gave. A sweep is bound already, as one of
// its values (sweep.c).
static int bind_globals(struct resolver *resolver)
{
    struct job_section *section = resolver->section;
    struct document_section *at = resolver->whole->document.sections;
    for (; at != resolver->source; at = at->next) {
        for (struct document_entry *entry = at->global ? at->entries : NULL; entry;
             entry = entry->next) {
            size_t row = row_of(section, entry->key);
            if (row == section->value_count || table_unused(section->workload, entry->key)) {
                continue;
            }
            const struct job_key *key = section->values[row].key;
            struct document_entry **bound = &resolver->bindings[row].at[DOCUMENT_GLOBAL];
            entry->used |= !conflict_depends(key->name);
            if (!*bound || !(*bound)->origin) {
                *bound = entry;
            }
            int error = try_global(resolver, entry, key);
            if (error) {
                return error;
            }
        }
    }
    return 0;
}

static struct document_entry *holder(const struct binding *binding)
{
    struct document_entry *entry = NULL;
    for (size_t level = 0; level < DOCUMENT_LEVELS; level++) {
        entry = binding->at[level] ? binding->at[level] : entry;
    }
    return entry;
}

static bool is_positive(const struct document_entry *entry)
{
    uint64_t number;
    return number_parse(entry->value, strlen(entry->value), NUMBER_COUNT, &number, NULL) != 0 ||
           number > 0;
}

static int complain_length(struct resolver *resolver, const struct document_entry *ops,
                           const struct document_entry *runtime)
{
    bool first = ops->key_at.line > runtime->key_at.line;
    const struct document_entry *later = first ? ops : runtime, *other = first ? runtime : ops;
    complain_at(resolver->complaint, &later->key_at,
                "keys 'ops' and 'runtime' exclude each other: %s = %s is at %s; keep one of them",
                other->key, complaint_clip(other->value).text, line_of(other).text);
    return EINVAL;
}

// A number of operations drops the steady state that a lower level asks for.
static void drop_steady(struct resolver *resolver, enum document_level level)
{
    struct binding *steady = &resolver->bindings[row_of(resolver->section, "steady")];
    if (holder(steady) && holder(steady)->level < level) {
        *steady = (struct binding){0};
    }
}

// Ops and runtime exclude each other, unless ops is 0. The one of the higher level drops the other;
// two of the same level are a conflict.
static int settle_length(struct resolver *resolver)
{
    struct binding *ops_at = &resolver->bindings[row_of(resolver->section, "ops")];
    struct binding *runtime_at = &resolver->bindings[row_of(resolver->section, "runtime")];
    const struct document_entry *ops = holder(ops_at), *runtime = holder(runtime_at);
    if (ops && is_positive(ops)) {
        drop_steady(resolver, ops->level);
    }
    if (!ops || !runtime) {
        return 0;
    }
    if (runtime->level > ops->level) {
        *ops_at = (struct binding){0};
    } else if (is_positive(ops)) {
        if (ops->level == runtime->level) {
            return complain_length(resolver, ops, runtime);
        }
        *runtime_at = (struct binding){0};
    }
    return 0;
}

static int complain_missing(struct resolver *resolver, const struct job_key *key)
{
    char allowed[512];
    value_allowed(key, allowed, sizeof allowed);
    complain_at(resolver->complaint, &resolver->source->at,
                "section [%s] lacks key '%s', which has no default (%s): allowed is %s",
                complaint_clip(resolver->source->name).text, key->name, key->help, allowed);
    return EINVAL;
}

// Step 4.
static int read_values(struct resolver *resolver)
{
    struct job_section *section = resolver->section;
    for (size_t row = 0; row < section->value_count; row++) {
        struct job_value *value = &section->values[row];
        const struct job_key *key = value->key;
        const struct document_entry *entry = holder(&resolver->bindings[row]);
        int error = 0;
        if (entry) {
            error = read_value(resolver, entry, key, value);
        } else if (key->standard) {
            struct value_source source = {key->standard, resolver->folder, resolver->source->at};
            error = value_parse(key, &source, resolver->arena, value, resolver->complaint);
            value->file = resolver->source->at.file;
            if (section->workload->ends && strcmp(key->name, "runtime") == 0) {
                value->number = 0;
            }
        } else {
            error = complain_missing(resolver, key);
        }
        if (error) {
            return error;
        }
    }
    return 0;
}

// Commands run in the folder of the job, wherever its resolved form is run.
static void settle_folder(struct resolver *resolver)
{
    struct job_value *folder = &resolver->section->values[row_of(resolver->section, "folder")];
    if (!folder->text[0] && !conflict_idle(resolver->section, "folder")) {
        folder->path = resolver->folder;
        folder->text = resolver->folder;
    }
}

// Step 5.
static int settle(struct resolver *resolver)
{
    struct job_section *section = resolver->section;
    struct job_value *threads = &section->values[row_of(section, "threads")];
    if (threads->number == 0) {
        threads->number = number_of_cpus();
    }
    struct document_entry **holders =
        arena_get(resolver->arena, section->value_count * sizeof *holders);
    for (size_t row = 0; row < section->value_count; row++) {
        holders[row] = holder(&resolver->bindings[row]);
    }
    settle_folder(resolver);
    int error = conflict_check(section, holders, resolver->complaint);
    if (error || resolver->whole->judged) {
        return error;
    }
    return conflict_validate(section, resolver->complaint);
}

// The rows of both tables. Where a workload has a row of a common key's name, that one is its: for
// a default or a range of its own.
static void bind_rows(struct job_section *section)
{
    const struct job_key *own = section->workload->keys;
    size_t common = table_count(job_common_keys);
    for (size_t row = 0; row < common; row++) {
        const struct job_key *instead = table_find(own, job_common_keys[row].name);
        section->values[row].key = instead != NULL ? instead : &job_common_keys[row];
    }
    section->value_count = common;
    for (size_t row = 0; row < table_count(own); row++) {
        if (table_find(job_common_keys, own[row].name) == NULL) {
            section->values[section->value_count++].key = &own[row];
        }
    }
}

static int resolve(struct resolver *resolver)
{
    struct job_section *section = resolver->section;
    section->name = resolver->source->name;
    section->origin = resolver->source->origin;
    section->file = resolver->source->at.file;
    section->line = resolver->source->at.line;
    section->column = resolver->source->at.column;
    int error = find_workload(resolver);
    if (error) {
        return error;
    }
    size_t count = table_count(job_common_keys) + table_count(section->workload->keys);
    section->values = arena_get(resolver->arena, count * sizeof *section->values);
    bind_rows(section);
    resolver->bindings = arena_get(resolver->arena, count * sizeof *resolver->bindings);
    error = bind_own(resolver);
    error = error ? error : bind_globals(resolver);
    error = error ? error : settle_length(resolver);
    error = error ? error : read_values(resolver);
    return error ? error : settle(resolver);
}

// What is wrong with a [global] whatever sections follow: keys that no table has, keys given twice.
static int check_global(struct resolver *resolver)
{
    for (struct document_entry *entry = resolver->source->entries; entry; entry = entry->next) {
        const struct workload *owner;
        if (!job_key_find(entry->key, &owner)) {
            const char *near = job_key_suggest(entry->key);
            complain_at(resolver->complaint, &entry->key_at, "unknown key '%s' in [global]%s%s%s",
                        complaint_clip(entry->key).text, near ? "; did you mean '" : "",
                        near ? near : "; `mems-stress list keys` prints all", near ? "'?" : "");
            return EINVAL;
        }
        const struct document_entry *first = find_entry(resolver->source, entry->key);
        if (first != entry) {
            return complain_twice(resolver, entry, first);
        }
    }
    return 0;
}

enum { OWNERS_NAMED = 4 }; // how many workloads a complaint lists

// ", which is one of workloads comb, robson and 3 more"; empty for a common key.
static const char *describe_owners(struct arena *arena, const char *key)
{
    size_t owners = 0, named = 0;
    for (size_t i = 0; workload_at(i); i++) {
        owners += table_find(workload_at(i)->keys, key) != NULL;
    }
    const char *text = owners > 1 ? ", which is one of workloads " : ", which is one of workload ";
    for (size_t i = 0; workload_at(i) && named < OWNERS_NAMED; i++) {
        if (table_find(workload_at(i)->keys, key)) {
            bool last = ++named == owners;
            const char *joint = named == 1 ? "" : last ? " and " : ", ";
            text = arena_print(arena, "%s%s%s", text, joint, workload_at(i)->name);
        }
    }
    if (owners > named) {
        text = arena_print(arena, "%s and %zu more", text, owners - named);
    }
    return owners > 0 && !table_find(job_common_keys, key) ? text : "";
}

static int check_globals_used(struct resolver *resolver)
{
    const struct document_section *at = resolver->whole->document.sections;
    for (; at; at = at->next) {
        for (const struct document_entry *entry = at->global ? at->entries : NULL; entry;
             entry = entry->next) {
            if (entry->used) {
                continue;
            }
            complain_at(resolver->complaint, &entry->key_at,
                        "no section after this [global] can use key '%s'%s: leave it out, or "
                        "move it before the section it is for",
                        entry->key, describe_owners(resolver->arena, entry->key));
            return EINVAL;
        }
    }
    return 0;
}

static int resolve_all(struct job_whole *whole, const char *folder, const char *const *set,
                       struct complaint *complaint)
{
    struct job *job = &whole->job;
    struct document *document = &whole->document;
    int error = 0;
    for (; set && *set && !error; set++) {
        error = document_override(document, *set, complaint);
    }
    error = error ? error : sweep_spread(document, complaint);
    struct resolver resolver = {
        .whole = whole, .arena = &document->arena, .folder = folder, .complaint = complaint};
    job->sections =
        arena_get(&document->arena, (document->section_count + 1) * sizeof *job->sections);
    for (const struct document_section *at = document->sections; at && !error; at = at->next) {
        resolver.source = at;
        if (at->global) {
            error = check_global(&resolver);
        } else {
            resolver.section = &job->sections[job->section_count++];
            error = resolve(&resolver);
        }
    }
    if (!error && job->section_count == 0) {
        struct complaint_place place = {document->name, 1, 1};
        complain_at(complaint, &place,
                    "the job has no section to run: a section begins with [name] and has at least "
                    "the keys workload and target");
        error = EINVAL;
    }
    return error ? error : check_globals_used(&resolver);
}

static void name_job(struct job_whole *whole, const char *name, const char *folder)
{
    struct arena *arena = &whole->document.arena;
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    const char *dot = strrchr(base, '.');
    size_t length = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    whole->job.title = arena_copy(arena, base, length);
    whole->job.path = strcmp(folder, "/") == 0 ? arena_print(arena, "/%s", base)
                                               : arena_print(arena, "%s/%s", folder, base);
}

bool job_is_adhoc(const char *title, const char *path)
{
    const char *slash = strrchr(path, '/');
    return title[0] == JOB_OF_OPTIONS[0] ||
           (strcmp(title, JOB_OF_REPLAY) == 0 && slash != NULL && strcmp(slash + 1, title) == 0);
}

static int finish(struct job_whole *whole, int error, struct job **job)
{
    if (error) {
        job_free(&whole->job);
        return error;
    }
    *job = &whole->job;
    return 0;
}

int job_read_set(const char *path, const char *const *set, struct job **job,
                 struct complaint *complaint)
{
    struct job_whole *whole = calloc(1, sizeof *whole);
    if (!whole) {
        complain(complaint, "%s:1:1: %s", path, strerror(ENOMEM));
        return ENOMEM;
    }
    const char *folder;
    int error = document_read(&whole->document, path, &folder, complaint);
    if (!error) {
        name_job(whole, path, folder);
        error = resolve_all(whole, folder, set, complaint);
    }
    return finish(whole, error, job);
}

int job_parse_set(const char *text, size_t length, const char *name, const char *folder,
                  const char *const *set, struct job **job, struct complaint *complaint)
{
    char start[PATH_MAX];
    struct job_whole *whole = calloc(1, sizeof *whole);
    if (!whole || (folder[0] != '/' && !getcwd(start, sizeof start))) {
        int error = whole ? errno : ENOMEM;
        complain(complaint, "%s:1:1: %s", name, strerror(error));
        free(whole);
        return error;
    }
    struct arena *arena = &whole->document.arena;
    if (folder[0] == '.' && !folder[1]) {
        folder = start;
    } else if (folder[0] != '/') {
        folder = arena_print(arena, "%s/%s", start, folder);
    }
    int error = document_parse(&whole->document, text, length, name, folder, complaint);
    if (!error) {
        name_job(whole, name, folder);
        error = resolve_all(whole, folder, set, complaint);
    }
    return finish(whole, error, job);
}

int job_recall(const char *text, const char *name, struct job **job, struct complaint *complaint)
{
    struct job_whole *whole = calloc(1, sizeof *whole);
    if (!whole) {
        complain(complaint, "%s:1:1: %s", name, strerror(ENOMEM));
        return ENOMEM;
    }
    whole->judged = true;
    int error = document_parse(&whole->document, text, strlen(text), name, "/", complaint);
    if (!error) {
        name_job(whole, name, "/");
        error = resolve_all(whole, "/", NULL, complaint);
    }
    return finish(whole, error, job);
}

int job_read(const char *path, struct job **job, struct complaint *complaint)
{
    return job_read_set(path, NULL, job, complaint);
}

int job_parse(const char *text, size_t length, const char *name, const char *folder,
              struct job **job, struct complaint *complaint)
{
    return job_parse_set(text, length, name, folder, NULL, job, complaint);
}
