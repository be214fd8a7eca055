// SPDX-License-Identifier: MIT
//
// value.c - values by kind. One function a kind; each complains without a place and without the
// key, which value_parse puts in front.

#include "job/value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "job/number.h"

struct parse {
    const struct job_key *key;
    const struct value_source *source;
    struct arena *arena;
    struct job_value *value;
    struct complaint *why;
};

static void write_bound(const struct job_key *key, double bound, char *text, size_t size)
{
    static const char *const names[] = {"", "Ki", "Mi", "Gi", "Ti"};
    if (key->kind == JOB_TIME) {
        number_write_time((uint64_t)bound, text, size);
    } else if (key->kind == JOB_REAL) {
        snprintf(text, size, "%g", bound);
    } else if (bound >= 0x1p63) {
        snprintf(text, size, "2^64 - 1");
    } else if (key->kind == JOB_SIZE || key->kind == JOB_DISTRIBUTION) {
        unsigned unit = 0;
        while (unit < 4 && bound >= 1024 && fmod(bound, 1024) == 0) {
            bound /= 1024;
            unit++;
        }
        snprintf(text, size, "%.0f%s", bound, names[unit]);
    } else {
        snprintf(text, size, "%.0f", bound);
    }
}

static bool ranged(const struct job_key *key)
{
    return key->least != 0 || key->most != 0;
}

static void write_range(const struct job_key *key, char *text, size_t size)
{
    char least[32], most[32];
    if (!ranged(key)) {
        snprintf(text, size, "any");
        return;
    }
    write_bound(key, key->least, least, sizeof least);
    write_bound(key, key->most, most, sizeof most);
    snprintf(text, size, "%s .. %s", least, most);
}

static void write_choices(const struct job_key *key, char *text, size_t size)
{
    size_t used = 0;
    for (const char *const *choice = key->choices; *choice && used < size; choice++) {
        int more = snprintf(text + used, size - used, "%s%s", used ? ", " : "", *choice);
        used += more > 0 ? (size_t)more : 0;
    }
}

void value_allowed(const struct job_key *key, char *text, size_t size)
{
    text[0] = 0;
    if (key->values) {
        snprintf(text, size, "%s", key->values);
    } else if (key->kind == JOB_CHOICE) {
        write_choices(key, text, size);
    } else if (key->kind == JOB_SET) {
        size_t used = (size_t)snprintf(text, size,
                                       "all, none, or of these, as in all,-%s: ", key->choices[0]);
        write_choices(key, text + used, size - used);
    } else if (key->kind == JOB_FLAG) {
        snprintf(text, size, "yes, no");
    } else if (key->kind == JOB_RATIO) {
        snprintf(text, size, "all, none, 1/N");
    } else if (key->kind == JOB_TEXT) {
        snprintf(text, size, "text");
    } else if (key->kind == JOB_PATH) {
        snprintf(text, size, "a file");
    } else if (key->kind == JOB_LIST) {
        snprintf(text, size, "a list, separated by commas");
    } else {
        write_range(key, text, size);
    }
}

static bool in_range(const struct job_key *key, double value)
{
    return !ranged(key) || (value >= key->least && value <= key->most);
}

static int out_of_range(const struct parse *parse)
{
    char allowed[256], range[80];
    value_allowed(parse->key, allowed, sizeof allowed);
    write_range(parse->key, range, sizeof range);
    bool told = strcmp(allowed, range) == 0;
    complain(parse->why, "out of range, allowed is %s%s%s%s", range, told ? "" : " (",
             told ? "" : allowed, told ? "" : ")");
    return EINVAL;
}

static int parse_number(struct parse *parse, enum number_units units)
{
    const char *text = parse->source->text;
    uint64_t number;
    if (text[0] == '-') {
        return out_of_range(parse);
    }
    int error = number_parse(text, strlen(text), units, &number, parse->why);
    if (error) {
        return error;
    }
    if (!in_range(parse->key, (double)number)) {
        return out_of_range(parse);
    }
    parse->value->number = number;
    return 0;
}

static int parse_real(struct parse *parse)
{
    const char *text = parse->source->text;
    int error = number_parse_real(text, strlen(text), &parse->value->real, parse->why);
    if (!error && !in_range(parse->key, parse->value->real)) {
        error = out_of_range(parse);
    }
    return error;
}

static int parse_word(struct parse *parse, const char *const *words)
{
    const char *text = parse->source->text;
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            parse->value->number = i;
            return 0;
        }
    }
    char allowed[256];
    const char *near = job_suggest(text, words);
    value_allowed(parse->key, allowed, sizeof allowed);
    complain(parse->why, "allowed is %s%s%s%s", allowed, near ? "; did you mean '" : "",
             near ? near : "", near ? "'?" : "");
    return EINVAL;
}

static int parse_ratio(struct parse *parse)
{
    const char *text = parse->source->text;
    uint64_t number = 0;
    int error = 0;
    if (strcmp(text, "all") == 0) {
        number = 1;
    } else if (strcmp(text, "none") != 0) {
        error = strncmp(text, "1/", 2) != 0
                    ? EINVAL
                    : number_parse(text + 2, strlen(text + 2), NUMBER_COUNT, &number, NULL);
        if (error || number == 0) {
            complain(parse->why, "allowed is all, none, or 1/N with N of at least 1, as in 1/16");
            return EINVAL;
        }
    }
    if (number > 0 && !in_range(parse->key, (double)number)) {
        return out_of_range(parse);
    }
    parse->value->number = number;
    return 0;
}

static int parse_path(struct parse *parse)
{
    const char *text = parse->source->text;
    if (strcmp(text, ".") == 0 || strcmp(text, "./") == 0) {
        parse->value->path = parse->source->folder;
        return 0;
    }
    while (text[0] == '.' && text[1] == '/') {
        text += 2;
    }
    const char *folder = strcmp(parse->source->folder, "/") == 0 ? "" : parse->source->folder;
    parse->value->path = text[0] == '/' ? arena_copy(parse->arena, text, strlen(text))
                                        : arena_print(parse->arena, "%s/%s", folder, text);
    return 0;
}

// The end of the piece that begins at `at`: a comma outside parentheses, or the end of the text.
// NULL when the parentheses do not match.
static const char *piece_end(const char *at)
{
    unsigned open = 0;
    for (; *at && !(*at == ',' && open == 0); at++) {
        if (*at == '(') {
            open++;
        } else if (*at == ')' && open-- == 0) {
            return NULL;
        }
    }
    return open ? NULL : at;
}

static int parse_list(struct parse *parse)
{
    const char *text = parse->source->text;
    size_t room = 2, count = 0;
    for (const char *c = text; *c; c++) {
        room += *c == ',';
    }
    char **list = arena_get(parse->arena, room * sizeof *list);
    for (const char *at = text;;) {
        const char *end = piece_end(at);
        if (!end) {
            complain(parse->why, "parentheses that do not match");
            return EINVAL;
        }
        const char *from = at + strspn(at, " \t"), *to = end;
        while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
            to--;
        }
        if (from >= to) {
            complain(parse->why, "an empty piece in the list: pieces are separated by one comma");
            return EINVAL;
        }
        list[count++] = arena_copy(parse->arena, from, (size_t)(to - from));
        if (!*end) {
            break;
        }
        at = end + 1;
    }
    parse->value->list = list;
    return 0;
}

static int parse_distribution(struct parse *parse)
{
    struct distribution *distribution;
    int error = distribution_parse(parse->source->text, &distribution, parse->why);
    if (error) {
        return error;
    }
    if (!in_range(parse->key, (double)distribution_least(distribution)) ||
        !in_range(parse->key, (double)distribution_most(distribution))) {
        distribution_free(distribution);
        return out_of_range(parse);
    }
    parse->value->distribution = distribution;
    return 0;
}

// One piece of a set, from left to right: what there is by then changes.
static int add_member(struct parse *parse, const char *piece, bool first, uint64_t *set)
{
    const char *const *words = parse->key->choices;
    size_t count = 0;
    while (words[count]) {
        count++;
    }
    uint64_t all = ((uint64_t)1 << count) - 1;
    bool less = piece[0] == '-';
    const char *name = piece + less;
    if (!less && (strcmp(name, "all") == 0 || strcmp(name, "none") == 0)) {
        *set = name[0] == 'a' ? all : 0;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, words[i]) == 0) {
            *set = first && less ? all : *set;
            *set = less ? *set & ~((uint64_t)1 << i) : *set | (uint64_t)1 << i;
            return 0;
        }
    }
    char allowed[256];
    const char *near = job_suggest(name, words);
    value_allowed(parse->key, allowed, sizeof allowed);
    complain(parse->why, "there is no '%s', allowed is %s%s%s%s", complaint_clip(name).text,
             allowed, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return EINVAL;
}

static int parse_set(struct parse *parse)
{
    int error = parse_list(parse);
    for (char **piece = parse->value->list; !error && *piece; piece++) {
        error = add_member(parse, *piece, piece == parse->value->list, &parse->value->number);
    }
    return error;
}

static int parse_kind(struct parse *parse)
{
    static const char *const flags[] = {"no", "yes", NULL};
    switch (parse->key->kind) {
    case JOB_NUMBER:
        return parse_number(parse, NUMBER_COUNT);
    case JOB_SIZE:
        return parse_number(parse, NUMBER_BYTES);
    case JOB_TIME:
        return parse_number(parse, NUMBER_TIME);
    case JOB_REAL:
        return parse_real(parse);
    case JOB_FLAG:
        return parse_word(parse, flags);
    case JOB_CHOICE:
        return parse_word(parse, parse->key->choices);
    case JOB_RATIO:
        return parse_ratio(parse);
    case JOB_PATH:
        return parse_path(parse);
    case JOB_LIST:
        return parse_list(parse);
    case JOB_DISTRIBUTION:
        return parse_distribution(parse);
    case JOB_SET:
        return parse_set(parse);
    case JOB_TEXT:
        break;
    }
    return 0;
}

int value_parse(const struct job_key *key, const struct value_source *source, struct arena *arena,
                struct job_value *value, struct complaint *complaint)
{
    static const char *const none[] = {NULL};
    struct complaint why = {{0}};
    *value = (struct job_value){.key = key};
    value->text = arena_copy(arena, source->text, strlen(source->text));
    if (!source->text[0]) { // only a default is empty
        if (key->kind == JOB_LIST) {
            value->list = arena_get(arena, sizeof none);
        }
        return 0;
    }
    struct parse parse = {key, source, arena, value, &why};
    int error = parse_kind(&parse);
    if (error) {
        char allowed[256] = "";
        if (strstr(why.text, "allowed is") == NULL) {
            value_allowed(key, allowed, sizeof allowed);
        }
        complain_at(complaint, &source->at, "%s = %s: %s%s%s", key->name,
                    complaint_clip(source->text).text, why.text,
                    allowed[0] != 0 ? "; allowed is " : "", allowed);
    }
    return error;
}

void value_fini(struct job_value *value)
{
    distribution_free(value->distribution);
    value->distribution = NULL;
}
