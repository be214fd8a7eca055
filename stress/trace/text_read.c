// SPDX-License-Identifier: MIT
//
// text_read.c - the text form, read line by line; every complaint says file, line and column.

#include "trace/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"
#include "trace/account.h"
#include "trace/names.h"
#include "trace/text_words.h"

#define MAX_WORDS 6

struct reader {
    const char *file;
    struct complaint *complaint;
    const char *text, *end; // what is left
    unsigned line;
    const char *line_start;
    struct word words[MAX_WORDS];
    size_t word_count;
    size_t next; // word to read
    struct trace *trace;
    struct trace_account account;
    struct trace_names processes; // name -> process
    struct trace_names blocks;    // process and name -> block
    size_t block_room;            // of trace->block_names
    bool numbered;                // blocks are called by number
    uint16_t thread;
    unsigned last_process;
};

static const char *const verbs[] = {"alloc",   "free",    "resize", "touch",   "thread",   "show",
                                    "compact", "program", "host",   "process", "numbered", NULL};

bool trace_begins(const char *text)
{
    size_t length = strcspn(text, " \t\n");
    size_t i = 0;
    while (verbs[i] != NULL &&
           (strlen(verbs[i]) != length || strncmp(verbs[i], text, length) != 0)) {
        i++;
    }
    return verbs[i] != NULL;
}

// Complains about the place of `at`; returns EINVAL.
__attribute__((format(printf, 3, 4))) static int wrong(struct reader *reader, const char *at,
                                                       const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    complain(reader->complaint, "%s:%u:%zu: %s", reader->file, reader->line,
             (size_t)(at - reader->line_start) + 1, text);
    return EINVAL;
}

// For messages: a word, cut where it is long.
static int shown(const struct word *word)
{
    return word->length > 60 ? 60 : (int)word->length;
}

// ---- words --------------------------------------------------------------------------------------

// Splits the next line into words; false at the end.
static bool line_next(struct reader *reader, struct word *rest)
{
    if (reader->text == reader->end) {
        return false;
    }
    size_t left = (size_t)(reader->end - reader->text);
    const char *newline = memchr(reader->text, '\n', left);
    const char *end = newline != NULL ? newline : reader->end;
    reader->line++;
    reader->line_start = reader->text;
    reader->next = 0;
    reader->word_count = text_words(reader->text, end, reader->words, MAX_WORDS);
    reader->text = newline != NULL ? newline + 1 : reader->end;
    const char *second = reader->word_count > 1 ? reader->words[1].at : end;
    *rest = (struct word){second, (size_t)(end - second)};
    return true;
}

static const struct word *word_next(struct reader *reader)
{
    return reader->next < reader->word_count ? &reader->words[reader->next++] : NULL;
}

static int line_end(struct reader *reader)
{
    const struct word *word = word_next(reader);
    if (word == NULL) {
        return 0;
    }
    return wrong(reader, word->at, "'%.*s': nothing more belongs on this line", shown(word),
                 word->at);
}

// Where a missing word should have stood.
static int missing(struct reader *reader, const char *what)
{
    const struct word *last = &reader->words[reader->word_count - 1];
    return wrong(reader, last->at + last->length, "%s is missing", what);
}

static int get_number(struct reader *reader, const char *what, uint64_t least, uint64_t most,
                      bool units, uint64_t *value)
{
    const struct word *word = word_next(reader);
    if (word == NULL) {
        return missing(reader, what);
    }
    if (!text_number(word, units, value)) {
        return wrong(reader, word->at, "'%.*s' is no %s: digits%s", shown(word), word->at, what,
                     units ? ", then nothing or k M G Ki Mi Gi" : " only");
    }
    if (*value < least || *value > most) {
        return wrong(reader, word->at, "%s %.*s is out of range: %llu .. %llu", what, shown(word),
                     word->at, (unsigned long long)least, (unsigned long long)most);
    }
    return 0;
}

// ---- names --------------------------------------------------------------------------------------

static int get_process(struct reader *reader, const struct word *word, unsigned *process)
{
    if (!trace_text_name_fits(word->at, word->length)) {
        return wrong(reader, word->at, "'%.*s' cannot name a process", shown(word), word->at);
    }
    // Mostly it is the one of the line before.
    if (reader->last_process < reader->trace->process_count &&
        text_is(word, reader->trace->processes[reader->last_process])) {
        *process = reader->last_process;
        return 0;
    }
    uint32_t found = trace_names_find(&reader->processes, 0, word->at, word->length);
    if (found == TRACE_NAME_NONE) {
        found = (uint32_t)reader->trace->process_count;
        if (found > UINT16_MAX) {
            return wrong(reader, word->at, "more than 65536 processes");
        }
        if (trace_add_process(reader->trace, word->at, word->length) != 0 ||
            trace_names_add(&reader->processes, 0, word->at, word->length, found) != 0) {
            return ENOMEM;
        }
    }
    *process = reader->last_process = found;
    return 0;
}

// A number for a block seen for the first time, with its name (at NULL: none).
static int new_block(struct reader *reader, unsigned process, const char *at, size_t length,
                     uint32_t *block)
{
    struct trace *trace = reader->trace;
    if (trace->block_count == reader->block_room) {
        size_t room = reader->block_room == 0 ? 64 : reader->block_room * 2;
        char **names = realloc(trace->block_names, room * sizeof(char *));
        if (names == NULL) {
            return ENOMEM;
        }
        trace->block_names = names;
        reader->block_room = room;
    }
    char *name = at != NULL ? strndup(at, length) : NULL;
    if (at != NULL && (name == NULL || trace_names_add(&reader->blocks, process, at, length,
                                                       trace->block_count) != 0)) {
        free(name);
        return ENOMEM;
    }
    *block = trace->block_count++;
    trace->block_names[*block] = name;
    return 0;
}

static int get_numbered(struct reader *reader, const struct word *name, uint32_t *block)
{
    uint64_t number;
    if (!text_number(name, false, &number) || number >= reader->trace->block_count) {
        return wrong(reader, name->at,
                     "block '%.*s' should be a number below %u, as 'numbered' says", shown(name),
                     name->at, reader->trace->block_count);
    }
    *block = (uint32_t)number;
    return 0;
}

// "PROCESS/NAME" or "PROCESS". *named tells which.
static int get_place(struct reader *reader, bool births, struct trace_op *op, bool *named)
{
    const struct word *word = word_next(reader);
    if (word == NULL) {
        return missing(reader, "PROCESS[/NAME]");
    }
    const char *slash = memchr(word->at, '/', word->length);
    size_t length = slash != NULL ? (size_t)(slash - word->at) : word->length;
    const struct word process = {word->at, length};
    unsigned number;
    int error = get_process(reader, &process, &number);
    if (error != 0) {
        return error;
    }
    op->process = (uint16_t)number;
    *named = slash != NULL;
    if (slash == NULL) {
        return births ? new_block(reader, number, NULL, 0, &op->block) : 0;
    }
    const struct word name = {slash + 1, word->length - length - 1};
    if (!trace_text_name_fits(name.at, name.length)) {
        return wrong(reader, name.at, "'%.*s' cannot name a block", shown(&name), name.at);
    }
    if (reader->numbered) {
        return get_numbered(reader, &name, &op->block);
    }
    op->block = trace_names_find(&reader->blocks, number, name.at, name.length);
    if (op->block != TRACE_NAME_NONE) {
        return 0;
    }
    if (!births) {
        return wrong(reader, word->at, "'%.*s' has never been allocated", shown(word), word->at);
    }
    return new_block(reader, number, name.at, name.length, &op->block);
}

// ---- lines --------------------------------------------------------------------------------------

static int finish(struct reader *reader, const struct trace_op *op)
{
    int error = line_end(reader);
    if (error != 0) {
        return error;
    }
    const char *trouble = trace_account_add(&reader->account, op);
    if (trouble != NULL) {
        const struct word *place = &reader->words[reader->word_count > 1 ? 1 : 0];
        return wrong(reader, place->at, "'%.*s': %s", shown(place), place->at, trouble);
    }
    return trace_append(reader->trace, op);
}

static int get_align(struct reader *reader, const struct word *value, struct trace_op *op)
{
    uint64_t align;
    if (!text_number(value, true, &align) || align == 0 || (align & (align - 1)) != 0) {
        return wrong(reader, value->at, "'%.*s' is no alignment: a power of two", shown(value),
                     value->at);
    }
    op->align_log2 = (uint8_t)__builtin_ctzll(align);
    return 0;
}

static int get_call(struct reader *reader, const struct word *value, struct trace_op *op)
{
    const char *names[TRACE_CALLS + 1] = {NULL};
    for (unsigned call = TRACE_CALL_MALLOC; call < TRACE_CALLS; call++) {
        names[call - 1] = trace_call_name(call);
        if (text_is(value, names[call - 1])) {
            op->call = (uint8_t)call;
            if (op->kind == TRACE_ALLOC && call == TRACE_CALL_CALLOC) {
                op->kind = TRACE_ALLOC_ZEROED;
            }
            return 0;
        }
    }
    char copy[64];
    snprintf(copy, sizeof(copy), "%.*s", shown(value), value->at);
    const char *near = job_suggest(copy, names);
    return wrong(reader, value->at, "'%s' is not of the malloc family%s%s%s", copy,
                 near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                 near != NULL ? "'?" : "");
}

// What may follow: align=N, call=NAME.
static int get_extras(struct reader *reader, struct trace_op *op)
{
    int error = 0;
    while (error == 0 && reader->next < reader->word_count) {
        const struct word *word = word_next(reader);
        const char *equals = memchr(word->at, '=', word->length);
        const struct word key = {word->at, equals != NULL ? (size_t)(equals - word->at) : 0};
        const struct word value = {equals != NULL ? equals + 1 : word->at,
                                   equals != NULL ? word->length - key.length - 1 : 0};
        if (text_is(&key, "align") && op->kind <= TRACE_ALLOC_ZEROED) {
            error = get_align(reader, &value, op);
        } else if (text_is(&key, "call")) {
            error = get_call(reader, &value, op);
        } else {
            reader->next--;
            return 0; // line_end complains
        }
    }
    return error;
}

static int line_alloc(struct reader *reader)
{
    struct trace_op op = {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .thread = reader->thread};
    bool named;
    if (reader->numbered && reader->word_count > 1 &&
        memchr(reader->words[1].at, '/', reader->words[1].length) == NULL) {
        return wrong(reader, reader->words[1].at, "after 'numbered' every block is PROCESS/NUMBER");
    }
    int error = get_place(reader, true, &op, &named);
    if (error != 0) {
        return error;
    }
    const struct word *word =
        reader->next < reader->word_count ? &reader->words[reader->next] : NULL;
    if (word == NULL || memchr(word->at, '=', word->length) != NULL) {
        op.size = 1;
        op.flag = 1;
    } else {
        error = get_number(reader, "size", 0, INT64_MAX, true, &op.size);
    }
    if (error == 0) {
        error = get_extras(reader, &op);
    }
    return error != 0 ? error : finish(reader, &op);
}

static int line_free(struct reader *reader)
{
    struct trace_op op = {.kind = TRACE_FREE, .call = TRACE_CALL_FREE, .thread = reader->thread};
    bool named;
    int error = get_place(reader, false, &op, &named);
    if (error == 0 && !named) {
        op.kind = TRACE_FREE_ALL;
        op.call = TRACE_CALL_NONE;
    } else if (error == 0) {
        error = get_extras(reader, &op);
    }
    return error != 0 ? error : finish(reader, &op);
}

static int line_resize(struct reader *reader)
{
    struct trace_op op = {
        .kind = TRACE_RESIZE, .call = TRACE_CALL_REALLOC, .thread = reader->thread};
    bool named;
    int error = get_place(reader, false, &op, &named);
    if (error == 0 && !named) {
        return wrong(reader, reader->words[1].at, "which block? resize PROCESS/NAME SIZE");
    }
    if (error == 0) {
        error = get_number(reader, "size", 0, INT64_MAX, true, &op.size);
    }
    if (error == 0) {
        error = get_extras(reader, &op);
    }
    return error != 0 ? error : finish(reader, &op);
}

static int line_touch(struct reader *reader)
{
    struct trace_op op = {.kind = TRACE_TOUCH, .thread = reader->thread};
    bool named;
    int error = get_place(reader, false, &op, &named);
    if (error == 0 && !named) {
        return wrong(reader, reader->words[1].at, "which block? touch PROCESS/NAME OFFSET [r|w]");
    }
    if (error == 0) {
        error = get_number(reader, "offset", 0, INT64_MAX, true, &op.size);
    }
    if (error == 0 && reader->next < reader->word_count) {
        const struct word *word = word_next(reader);
        op.flag = text_is(word, "w");
        if (op.flag == 0 && !text_is(word, "r")) {
            return wrong(reader, word->at, "'%.*s' should be r (read) or w (write)", shown(word),
                         word->at);
        }
    }
    return error != 0 ? error : finish(reader, &op);
}

static int line_thread(struct reader *reader)
{
    uint64_t number;
    int error = get_number(reader, "thread number", 0, UINT16_MAX, false, &number);
    if (error != 0) {
        return error;
    }
    reader->thread = (uint16_t)number;
    const struct word *word = word_next(reader);
    if (word == NULL) {
        return 0;
    }
    struct trace_op op = {.kind = TRACE_THREAD_START, .thread = reader->thread};
    if (text_is(word, "end")) {
        op.kind = TRACE_THREAD_END;
    } else if (!text_is(word, "start")) {
        return wrong(reader, word->at, "'%.*s' should be start or end, or nothing", shown(word),
                     word->at);
    }
    return finish(reader, &op);
}

static int line_plain(struct reader *reader, enum trace_kind kind)
{
    struct trace_op op = {.kind = (uint8_t)kind, .thread = reader->thread};
    return finish(reader, &op);
}

static int line_process(struct reader *reader)
{
    const struct word *word = word_next(reader);
    unsigned process;
    if (word == NULL) {
        return missing(reader, "PROCESS");
    }
    int error = get_process(reader, word, &process);
    return error != 0 ? error : line_end(reader);
}

static int line_numbered(struct reader *reader)
{
    uint64_t count;
    if (reader->trace->op_count > 0 || reader->trace->block_count > 0 || reader->numbered) {
        return wrong(reader, reader->words[0].at, "'numbered' stands once, before the operations");
    }
    int error = get_number(reader, "count of blocks", 0, UINT32_MAX, false, &count);
    if (error == 0) {
        reader->numbered = true;
        reader->trace->block_count = (uint32_t)count;
    }
    return error != 0 ? error : line_end(reader);
}

// "program" and "host": the rest of the line, with \\ and \xHH.
static int line_remark(struct reader *reader, const struct word *rest, char **into)
{
    if (*into != NULL) {
        return wrong(reader, reader->words[0].at, "given twice");
    }
    char *text = malloc(rest->length + 1);
    if (text == NULL) {
        return ENOMEM;
    }
    const char *bad = text_unescape(rest, text);
    if (bad != NULL) {
        free(text);
        return wrong(reader, bad, "a backslash stands before another, or before xHH");
    }
    *into = text;
    return 0;
}

static int unknown(struct reader *reader)
{
    const struct word *word = &reader->words[0];
    char copy[64];
    snprintf(copy, sizeof(copy), "%.*s", shown(word), word->at);
    const char *near = job_suggest(copy, verbs);
    if (near != NULL) {
        return wrong(reader, word->at, "unknown operation '%s'; did you mean '%s'?", copy, near);
    }
    return wrong(reader, word->at,
                 "unknown operation '%s': alloc, free, resize, touch, thread, show or compact",
                 copy);
}

static int line_read(struct reader *reader, const struct word *rest)
{
    const struct word *verb = word_next(reader);
    if (verb == NULL) {
        return 0;
    }
    if (text_is(verb, "alloc")) {
        return line_alloc(reader);
    }
    if (text_is(verb, "free")) {
        return line_free(reader);
    }
    if (text_is(verb, "resize")) {
        return line_resize(reader);
    }
    if (text_is(verb, "touch")) {
        return line_touch(reader);
    }
    if (text_is(verb, "thread")) {
        return line_thread(reader);
    }
    if (text_is(verb, "show") || text_is(verb, "compact")) {
        return line_plain(reader, text_is(verb, "show") ? TRACE_SHOW : TRACE_COMPACT);
    }
    if (text_is(verb, "program") || text_is(verb, "host")) {
        char **into = text_is(verb, "host") ? &reader->trace->host : &reader->trace->program;
        return line_remark(reader, rest, into);
    }
    if (text_is(verb, "process")) {
        return line_process(reader);
    }
    return text_is(verb, "numbered") ? line_numbered(reader) : unknown(reader);
}

// ---- the whole ----------------------------------------------------------------------------------

int trace_text_parse(const char *text, size_t length, const char *name, struct trace **trace,
                     struct complaint *complaint)
{
    struct reader reader = {.file = name,
                            .complaint = complaint,
                            .text = text,
                            .end = text + length,
                            .trace = trace_new()};
    struct word rest;
    int error = reader.trace != NULL ? 0 : ENOMEM;
    trace_account_init(&reader.account);
    while (error == 0 && line_next(&reader, &rest)) {
        error = line_read(&reader, &rest);
    }
    if (error == ENOMEM) {
        complain(complaint, "%s:%u: not enough memory", name, reader.line);
    }
    trace_account_fini(&reader.account);
    trace_names_fini(&reader.processes);
    trace_names_fini(&reader.blocks);
    if (error != 0) {
        trace_free(reader.trace);
        return error;
    }
    *trace = reader.trace;
    return 0;
}
