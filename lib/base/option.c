// SPDX-License-Identifier: MIT
//
// option.c - parses "key=value,key=value" by table.
//
// 1. Grammar. Pieces are separated by commas outside parentheses. A piece with '=' outside
//    parentheses begins an option; a piece without goes on with the value before it, comma
//    included. Spaces around keys and values do not count.
// 2. Failure. The first complaint ends the parse, or is passed on (option_parse_each). It says what
//    was read and what would be right, and for a misspelt word which word is near it.

#include "base/option.h"

#include <errno.h>
#include <string.h>

#define WORD_LENGTH 31 // longer words get no suggestion

// A part of the options text.
struct piece {
    const char *text;
    size_t length;
};

struct option_pair {
    struct piece key;
    struct piece value;
};

static const struct unit {
    const char *name;
    uint64_t bytes;
} units[] = {
    {"", 1},
    {"k", UINT64_C(1000)},
    {"K", UINT64_C(1000)},
    {"M", UINT64_C(1000000)},
    {"G", UINT64_C(1000000000)},
    {"T", UINT64_C(1000000000000)},
    {"ki", UINT64_C(1) << 10},
    {"Ki", UINT64_C(1) << 10},
    {"Mi", UINT64_C(1) << 20},
    {"Gi", UINT64_C(1) << 30},
    {"Ti", UINT64_C(1) << 40},
};

static bool piece_is(struct piece piece, const char *word)
{
    return strlen(word) == piece.length && memcmp(word, piece.text, piece.length) == 0;
}

static struct piece piece_trim(struct piece piece)
{
    while (piece.length > 0 && piece.text[0] == ' ') {
        piece.text++;
        piece.length--;
    }
    while (piece.length > 0 && piece.text[piece.length - 1] == ' ') {
        piece.length--;
    }
    return piece;
}

static void print_piece(struct printer *printer, struct piece piece)
{
    for (size_t i = 0; i < piece.length; i++) {
        print_format(printer, "%c", piece.text[i]);
    }
}

// ---- numbers and sizes --------------------------------------------------------------------------

// Reads the digits at the start; *used is how many there are.
static int read_digits(struct piece piece, uint64_t *number, size_t *used)
{
    uint64_t value = 0;
    bool fits = true;
    size_t at = 0;
    while (at < piece.length && piece.text[at] >= '0' && piece.text[at] <= '9') {
        fits = !__builtin_mul_overflow(value, 10, &value) && fits;
        fits = !__builtin_add_overflow(value, (unsigned)(piece.text[at] - '0'), &value) && fits;
        at++;
    }
    *number = value;
    *used = at;
    return at == 0 ? EINVAL : fits ? 0 : ERANGE;
}

int option_size(const char *text, size_t length, uint64_t *size)
{
    struct piece piece = {text, length};
    uint64_t number;
    size_t used;
    int error = read_digits(piece, &number, &used);
    if (error == EINVAL) {
        return error;
    }
    struct piece unit = {text + used, length - used};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (piece_is(unit, units[i].name)) {
            if (error != 0 || __builtin_mul_overflow(number, units[i].bytes, &number)) {
                return ERANGE;
            }
            *size = number;
            return 0;
        }
    }
    return EINVAL;
}

// ---- suggestions --------------------------------------------------------------------------------

// Levenshtein's distance, for words of at most WORD_LENGTH characters.
static unsigned word_distance(struct piece a, const char *b)
{
    unsigned row[WORD_LENGTH + 1];
    size_t width = strlen(b);
    for (unsigned j = 0; j <= width; j++) {
        row[j] = j;
    }
    for (size_t i = 0; i < a.length; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < width; j++) {
            unsigned best = diagonal + (a.text[i] != b[j]);
            diagonal = row[j + 1];
            best = diagonal + 1 < best ? diagonal + 1 : best;
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j + 1] = best;
        }
    }
    return row[width];
}

// The better of two guesses at what `piece` was meant to be; a guess is at most two typing errors
// away and shares more than half of its letters.
static const char *nearer(struct piece piece, const char *guess, const char *word)
{
    if (piece.length > WORD_LENGTH || strlen(word) > WORD_LENGTH) {
        return guess;
    }
    unsigned distance = word_distance(piece, word);
    if (distance > 2 || distance * 2 >= strlen(word)) {
        return guess;
    }
    return guess == NULL || distance < word_distance(piece, guess) ? word : guess;
}

static void print_guess(struct printer *complaint, const char *guess)
{
    if (guess != NULL) {
        print_format(complaint, " (did you mean '%s'?)", guess);
    }
}

// ---- complaints ---------------------------------------------------------------------------------

// Prints "name=value".
static void print_pair(struct printer *complaint, const struct option *option, struct piece value)
{
    print_format(complaint, "%s=", option->name);
    print_piece(complaint, value);
}

static void print_allowed(struct printer *complaint, const struct option *option)
{
    if (option->values != NULL) {
        print_text(complaint, option->values);
    } else if (option->kind == OPTION_FLAG) {
        print_text(complaint, "yes|no");
    } else if (option->kind == OPTION_CHOICE) {
        for (size_t i = 0; option->choices[i] != NULL; i++) {
            print_format(complaint, "%s%s", i == 0 ? "" : "|", option->choices[i]);
        }
    } else if (option->kind == OPTION_TEXT) {
        print_text(complaint, "TEXT");
    } else {
        print_format(complaint, "%llu..%llu", (unsigned long long)option->least,
                     (unsigned long long)option->most);
    }
}

static int complain_unknown(const struct option_set *sets, size_t count, struct piece key,
                            struct printer *complaint)
{
    const char *guess = NULL;
    print_text(complaint, "unknown option '");
    print_piece(complaint, key);
    print_text(complaint, "'");
    for (size_t s = 0; s < count; s++) {
        for (const struct option *o = sets[s].table; o->name != NULL; o++) {
            guess = nearer(key, guess, o->name);
        }
    }
    print_guess(complaint, guess);
    const char *separator = "; the options are ";
    for (size_t s = 0; s < count; s++) {
        for (const struct option *o = sets[s].table; o->name != NULL; o++) {
            print_format(complaint, "%s%s", separator, o->name);
            separator = ", ";
        }
    }
    return EINVAL;
}

// ---- values -------------------------------------------------------------------------------------

// The words of a number's option.
static bool is_word(const struct option *option, struct piece value)
{
    bool found = false;
    for (unsigned i = 0; option->choices != NULL && option->choices[i] != NULL; i++) {
        found = found || piece_is(value, option->choices[i]);
    }
    return found;
}

static int set_number(const struct option *option, struct piece value, uint64_t *field,
                      struct printer *complaint)
{
    uint64_t number = 0;
    size_t used = 0;
    int error;
    if (value.length == 0) { // only a default is empty
        *field = 0;
        return 0;
    }
    if (is_word(option, value)) {
        *field = UINT64_MAX;
        return 0;
    }
    if (option->kind == OPTION_SIZE) {
        error = option_size(value.text, value.length, &number);
    } else {
        error = read_digits(value, &number, &used);
        error = used != value.length ? EINVAL : error;
    }
    if (error == 0 && number >= option->least && number <= option->most) {
        *field = number;
        return 0;
    }
    print_pair(complaint, option, value);
    if (error != EINVAL) {
        print_text(complaint, " is out of range");
    } else if (option->kind == OPTION_SIZE) {
        print_text(complaint, " is not a size: digits, then nothing, k M G T (powers of 1000) or "
                              "Ki Mi Gi Ti (powers of 1024)");
    } else {
        print_text(complaint, " is not a number");
    }
    print_text(complaint, "; allowed is ");
    print_allowed(complaint, option);
    return EINVAL;
}

static int set_flag(const struct option *option, struct piece value, bool *field,
                    struct printer *complaint)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (piece_is(value, words[i])) {
            *field = i % 2 != 0;
            return 0;
        }
    }
    print_pair(complaint, option, value);
    print_text(complaint, " is neither yes nor no");
    return EINVAL;
}

static int set_choice(const struct option *option, struct piece value, unsigned *field,
                      struct printer *complaint)
{
    const char *guess = NULL;
    for (unsigned i = 0; option->choices[i] != NULL; i++) {
        if (piece_is(value, option->choices[i])) {
            *field = i;
            return 0;
        }
        guess = nearer(value, guess, option->choices[i]);
    }
    print_pair(complaint, option, value);
    print_text(complaint, " is not one of ");
    print_allowed(complaint, option);
    print_guess(complaint, guess);
    return EINVAL;
}

static int set_value(const struct option *option, struct piece value, void *settings,
                     struct printer *complaint)
{
    void *field = (char *)settings + option->offset;
    switch (option->kind) {
    case OPTION_NUMBER:
    case OPTION_SIZE:
        return set_number(option, value, field, complaint);
    case OPTION_FLAG:
        return set_flag(option, value, field, complaint);
    case OPTION_CHOICE:
        return set_choice(option, value, field, complaint);
    case OPTION_TEXT:
        *(struct option_text *)field = (struct option_text){value.text, value.length};
        return 0;
    }
    return EINVAL;
}

// ---- the text -----------------------------------------------------------------------------------

// The piece of `text` up to a comma outside parentheses; *equals is the place of its first '='
// outside parentheses, or its length.
static struct piece piece_next(const char *text, size_t *equals)
{
    size_t depth = 0;
    size_t at = 0;
    *equals = SIZE_MAX;
    for (; text[at] != 0 && (depth > 0 || text[at] != ','); at++) {
        if (text[at] == '(') {
            depth++;
        } else if (text[at] == ')' && depth > 0) {
            depth--;
        } else if (text[at] == '=' && depth == 0 && *equals == SIZE_MAX) {
            *equals = at;
        }
    }
    *equals = *equals == SIZE_MAX ? at : *equals;
    return (struct piece){text, at};
}

// Reads the option at *text and moves *text behind it and its comma. A piece without '=' is a key
// whose value is empty.
static void pair_next(const char **text, struct option_pair *pair)
{
    size_t equals;
    struct piece piece = piece_next(*text, &equals);
    const char *end = piece.text + piece.length;
    pair->key = piece_trim((struct piece){piece.text, equals});
    pair->value = (struct piece){end, 0};
    bool whole = equals < piece.length;
    const char *value = *text + equals + 1;
    while (whole && *end == ',') {
        piece = piece_next(end + 1, &equals);
        if (equals < piece.length || piece_trim(piece).length == 0) {
            break;
        }
        end = piece.text + piece.length;
    }
    if (whole) {
        pair->value = piece_trim((struct piece){value, (size_t)(end - value)});
    }
    *text = *end == ',' ? end + 1 : end;
}

static int check_parentheses(const char *text, struct printer *complaint)
{
    size_t depth = 0;
    for (const char *at = text; *at != 0; at++) {
        if (*at == ')' && depth == 0) {
            print_format(complaint, "the options '%s' have a ')' without its '('", text);
            return EINVAL;
        }
        depth += *at == '(';
        depth -= *at == ')';
    }
    if (depth > 0) {
        print_format(complaint, "the options '%s' have a '(' without its ')'", text);
        return EINVAL;
    }
    return 0;
}

// Commas with nothing between them outside parentheses.
static int check_commas(const char *text, struct printer *complaint)
{
    for (const char *at = text; *at != 0;) {
        size_t equals;
        struct piece piece = piece_next(at, &equals);
        at += piece.length;
        bool comma = *at == ',';
        if (piece_trim(piece).length == 0 || (comma && at[1] == 0)) {
            print_format(complaint, "the options '%s' have a comma with nothing beside it", text);
            return EINVAL;
        }
        at += comma;
    }
    return 0;
}

static const struct option *find(const struct option_set *sets, size_t count, struct piece key,
                                 const struct option_set **set)
{
    for (*set = sets; *set < sets + count; (*set)++) {
        for (const struct option *o = (*set)->table; o->name != NULL; o++) {
            if (piece_is(key, o->name)) {
                return o;
            }
        }
    }
    return NULL;
}

// Whether `key` is given in `text` before its own place.
static bool given_before(const char *text, struct piece key)
{
    while (text < key.text) {
        struct option_pair pair;
        pair_next(&text, &pair);
        if (pair.key.text != key.text && pair.key.length == key.length &&
            memcmp(pair.key.text, key.text, key.length) == 0) {
            return true;
        }
    }
    return false;
}

static int apply_defaults(const struct option_set *sets, size_t count, struct printer *complaint)
{
    for (size_t s = 0; s < count; s++) {
        for (const struct option *o = sets[s].table; o->name != NULL; o++) {
            struct piece value = {o->standard, strlen(o->standard)};
            int error = set_value(o, value, sets[s].settings, complaint);
            if (error != 0) {
                return error;
            }
        }
    }
    return 0;
}

static int apply_pair(const struct option_set *sets, size_t count, const char *text,
                      const struct option_pair *pair, struct printer *complaint)
{
    const struct option_set *set;
    const struct option *option = find(sets, count, pair->key, &set);
    if (option == NULL) {
        return complain_unknown(sets, count, pair->key, complaint);
    }
    if (given_before(text, pair->key)) {
        print_format(complaint, "option '%s' is given twice", option->name);
        return EINVAL;
    }
    if (pair->value.length == 0) {
        print_format(complaint, "option '%s' has no value: write %s=", option->name, option->name);
        print_allowed(complaint, option);
        return EINVAL;
    }
    return set_value(option, pair->value, set->settings, complaint);
}

int option_parse(const struct option_set *sets, size_t count, const char *text,
                 struct printer *complaint)
{
    text = text == NULL ? "" : text + strspn(text, " ");
    int error = apply_defaults(sets, count, complaint);
    error = error != 0 ? error : check_parentheses(text, complaint);
    error = error != 0 ? error : check_commas(text, complaint);
    const char *at = text;
    while (error == 0 && *at != 0) {
        struct option_pair pair;
        pair_next(&at, &pair);
        error = apply_pair(sets, count, text, &pair, complaint);
    }
    return error;
}

unsigned option_parse_each(const struct option_set *sets, size_t count, const char *text,
                           struct printer *complaint, void (*complain)(struct printer *complaint))
{
    unsigned mistakes = 0;
    text = text == NULL ? "" : text;
    (void)apply_defaults(sets, count, complaint);
    for (const char *at = text; *at != 0;) {
        struct option_pair pair;
        pair_next(&at, &pair);
        if (pair.key.length == 0 && pair.value.length == 0) {
            continue;
        }
        complaint->length = 0;
        complaint->text[0] = 0;
        if (apply_pair(sets, count, text, &pair, complaint) != 0) {
            complain(complaint);
            mistakes++;
        }
    }
    return mistakes;
}
