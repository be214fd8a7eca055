// SPDX-License-Identifier: MIT
//
// roff.c - text, and the Markdown of our own pages, as the macros of man(7).
//
// What groff and mandoc would take for their own is escaped: a backslash, a dot or an apostrophe
// at the start of a line; a hyphen is the character that was typed, so that an option can be
// copied.

#include "cli/roff.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#ifndef MEMS_VERSION
#define MEMS_VERSION "unknown"
#endif
#ifndef MEMS_DATE
#define MEMS_DATE ""
#endif

static void roff_put(FILE *out, char c)
{
    static const struct {
        char c;
        const char *escape;
    } table[] = {{'\\', "\\e"},  {'-', "\\-"},   {'`', "\\(ga"},
                 {'^', "\\(ha"}, {'~', "\\(ti"}, {'\'', "\\(aq"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].c == c) {
            fputs(table[i].escape, out);
            return;
        }
    }
    fputc(c, out);
}

static void roff_span(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        roff_put(out, text[i]);
    }
}

void roff_piece(FILE *out, const char *text)
{
    roff_span(out, text, strlen(text));
}

void roff_title(FILE *out, const char *page, const char *section, const char *what)
{
    fprintf(out, ".TH %s %s %s \"MeMS %s\" \"MeMS\"\n", page, section, MEMS_DATE, MEMS_VERSION);
    fputs(".ad l\n", out); // options and lists of values are long words
    roff_heading(out, "NAME");
    roff_piece(out, page);
    fputs(" \\- ", out);
    roff_text(out, what);
}

static void roff_head(FILE *out, const char *macro, const char *title, size_t length, bool capitals)
{
    fprintf(out, "%s \"", macro);
    for (size_t i = 0; i < length; i++) {
        roff_put(out, capitals ? (char)toupper((unsigned char)title[i]) : title[i]);
    }
    fputs("\"\n", out);
}

void roff_heading(FILE *out, const char *title)
{
    roff_head(out, ".SH", title, strlen(title), true);
}

void roff_subheading(FILE *out, const char *title)
{
    roff_head(out, ".SS", title, strlen(title), false);
}

// A line of text, its blanks at both ends left out. False: there was nothing.
static bool roff_line(FILE *out, const char *line, size_t length)
{
    while (length > 0 && isspace((unsigned char)line[0])) {
        line++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)line[length - 1])) {
        length--;
    }
    if (length == 0) {
        return false;
    }
    if (line[0] == '.') {
        fputs("\\&", out);
    }
    roff_span(out, line, length);
    fputc('\n', out);
    return true;
}

// Where the tag of a line "TAG  what it says" ends; 0: it is none.
static size_t roff_tag_end(const char *line, size_t length)
{
    size_t blanks = strspn(line, " ");
    const char *gap = blanks < length ? memmem(line + blanks, length - blanks, "  ", 2) : NULL;
    return gap != NULL && gap[-1] != '.' ? (size_t)(gap - line) : 0;
}

// `gap`: a paragraph begins, unless a tag does.
static void roff_lines(FILE *out, const char *text, bool gap)
{
    bool begun = gap;
    for (const char *end; *text != '\0'; text = *end == '\0' ? end : end + 1) {
        end = strchrnul(text, '\n');
        size_t length = (size_t)(end - text), tag = roff_tag_end(text, length);
        bool empty = strspn(text, " ") >= length;
        if (tag > 0) {
            size_t blanks = strspn(text, " ");
            fputs(".TP\n\\fB", out);
            roff_span(out, text + blanks, tag - blanks);
            fputs("\\fR\n", out);
        } else if (!empty && gap) {
            fputs(".PP\n", out);
        }
        gap = empty ? begun : false;
        begun |= !empty && roff_line(out, text + tag, length - tag);
    }
}

void roff_text(FILE *out, const char *text)
{
    roff_lines(out, text, false);
}

void roff_paragraph(FILE *out, const char *text)
{
    roff_lines(out, text, true);
}

void roff_tag(FILE *out, const char *bold, const char *italic)
{
    fputs(".TP\n\\fB", out);
    roff_piece(out, bold);
    fputs("\\fR", out);
    if (italic != NULL && italic[0] != '\0') {
        fputs(" \\fI", out);
        roff_piece(out, italic);
        fputs("\\fR", out);
    }
    fputc('\n', out);
}

void roff_example(FILE *out, const char *text)
{
    fputs(".in +4n\n.EX\n", out);
    for (bool first = true; *text != '\0'; text++) {
        if (first && *text == '.') {
            fputs("\\&", out);
        }
        first = *text == '\n';
        if (first) {
            fputc('\n', out);
        } else {
            roff_put(out, *text);
        }
    }
    fputs(".EE\n.in\n", out);
}

// ---- Markdown -----------------------------------------------------------------------------------

// What is between two marks in a font of its own; everything else as it is.
static void roff_inline(FILE *out, const char *text, size_t length)
{
    static const struct {
        const char *mark, *font;
    } spans[] = {{"`", "\\fB"}, {"**", "\\fB"}, {"*", "\\fI"}};
    for (size_t i = 0; i < length;) {
        size_t kind = 0, mark = 0;
        const char *end = NULL;
        for (; kind < 3 && end == NULL; kind++) {
            mark = strlen(spans[kind].mark);
            if (i + mark < length && strncmp(text + i, spans[kind].mark, mark) == 0) {
                end = memmem(text + i + mark, length - i - mark, spans[kind].mark, mark);
            }
        }
        if (end == NULL) {
            roff_put(out, text[i++]);
            continue;
        }
        fputs(spans[kind - 1].font, out);
        roff_span(out, text + i + mark, (size_t)(end - text) - i - mark);
        fputs("\\fR", out);
        i = (size_t)(end - text) + mark;
    }
}

struct roff_row {
    const char *cell[8];
    size_t length[8];
    size_t count;
};

// A bar behind a backslash belongs to its cell.
static void roff_row_read(const char *line, size_t length, struct roff_row *row)
{
    row->count = 0;
    size_t start = 1;
    for (size_t i = 1; i < length && row->count < 8; i++) {
        if (line[i] != '|' || line[i - 1] == '\\') {
            continue;
        }
        size_t from = start, to = i;
        for (; from < to && line[from] == ' '; from++) {
        }
        for (; to > from && line[to - 1] == ' '; to--) {
        }
        row->cell[row->count] = line + from;
        row->length[row->count++] = to - from;
        start = i + 1;
    }
}

static void roff_row_print(FILE *out, const struct roff_row *head, const struct roff_row *row)
{
    fputs(".TP\n", out);
    roff_inline(out, row->cell[0], row->length[0]);
    for (size_t i = 1; i + 1 < row->count; i++) {
        if (row->length[i] > 0) {
            fputs(" (", out);
            roff_span(out, row->cell[i], row->length[i]);
            fputc(' ', out);
            roff_span(out, head->cell[i], head->length[i]);
            fputc(')', out);
        }
    }
    fputc('\n', out);
    roff_inline(out, row->cell[row->count - 1], row->length[row->count - 1]);
    fputc('\n', out);
}

// Where in the page a line stands.
struct roff_page {
    FILE *out;
    struct roff_row head; // of the table
    unsigned row;         // of it; 0: no table
    bool gap;             // an empty line came before
    bool begun;           // something was printed since the last heading
};

static void roff_table_line(struct roff_page *page, const char *line, size_t length)
{
    struct roff_row row;
    roff_row_read(line, length, page->row == 0 ? &page->head : &row);
    if (page->row++ >= 2 && row.count > 1) {
        roff_row_print(page->out, &page->head, &row);
    }
}

static void roff_page_line(struct roff_page *page, const char *line, size_t length)
{
    size_t digits = strspn(line, "0123456789");
    if (line[0] == '|') {
        roff_table_line(page, line, length);
        page->gap = false;
        page->begun = true;
        return;
    }
    page->row = 0;
    if (line[0] == '#') {
        size_t level = strspn(line, "#");
        if (level > 1) {
            roff_head(page->out, level == 2 ? ".SH" : ".SS", line + level + 1, length - level - 1,
                      level == 2);
        }
        page->begun = false;
        return;
    }
    if (length == 0) {
        page->gap = page->begun;
        return;
    }
    if (digits > 0 && strncmp(line + digits, ". ", 2) == 0) {
        fprintf(page->out, ".IP %.*s. 4\n", (int)digits, line);
        line += digits + 2;
        length -= digits + 2;
    } else if (page->gap) {
        fputs(".PP\n", page->out);
    }
    size_t blanks = strspn(line, " ");
    fputs(line[blanks] == '.' ? "\\&" : "", page->out);
    roff_inline(page->out, line + blanks, length - blanks);
    fputc('\n', page->out);
    page->gap = false;
    page->begun = true;
}

void roff_markdown(FILE *out, const char *text)
{
    struct roff_page page = {.out = out};
    roff_heading(out, "DESCRIPTION");
    for (const char *end; *text != '\0'; text = *end == '\0' ? end : end + 1) {
        end = strchrnul(text, '\n');
        roff_page_line(&page, text, (size_t)(end - text));
    }
}
