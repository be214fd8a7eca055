// SPDX-License-Identifier: MIT
//
// page.c - the page is put together: a frame with marks, the parts that stand where the marks are.
//
// 1. Parts. What a page is made of lies in page/ and is taken into the program by the build. The
//    frame, page.html, has marks <!--mems:NAME-->; marks[] says what stands in the place of each.
//    Scripts stand in the order of page_scripts[]: core.js first, start.js last.
//    Another view is one file more and one row.
// 2. What others wrote. Titles and names go into the page with & < > " ' as entities. A document
//    goes into an element of its own as JSON in which < > & are written \u003c \u003e \u0026: no
//    text of a result can end the element or begin another, and JSON.parse reads the same values.
//    The scripts set text, never markup (core.js).
// 3. Size. Reals have seven digits, and there is no white space; what views do not show is left out
//    (pick.c).
// 4. Whole or not at all: the page is text until document_write takes it to its place.

#include "report/report.h"

#include "disk/memory.h"
#include "report/heading.h"
#include "report/pick.h"

#ifdef MEMS_HAVE_JANSSON

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mems_page.h" // made by the build
#include "run/plan.h"

#ifndef MEMS_VERSION
#define MEMS_VERSION "unknown"
#endif

#define PAGE_DIGITS 7

struct page {
    FILE *out;
    const char *title;
    const struct report_document *documents;
    size_t count;
    bool failed; // a document could not be put into text
};

static const char *const page_styles[] = {
    theme_css,
    results_css,
    player_css,
};

static const char *const page_scripts[] = {
    chart_min_js,  core_js,     model_js,       draw_js,    verdicts_js,
    throughput_js, heat_js,     latency_js,     memory_js,  player_js,
    maps_js,       sections_js, environment_js, results_js, start_js,
};

bool report_possible(void)
{
    return true;
}

bool report_has_charts(void)
{
    return sizeof chart_min_js > 1;
}

static void page_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static void page_title(struct page *page)
{
    page_escaped(page->out, page->title);
}

static void page_version(struct page *page)
{
    fputs(MEMS_VERSION, page->out);
}

static void page_put_styles(struct page *page)
{
    for (size_t i = 0; i < sizeof page_styles / sizeof page_styles[0]; i++) {
        fputs(page_styles[i], page->out);
    }
}

static void page_put_scripts(struct page *page)
{
    for (size_t i = 0; i < sizeof page_scripts / sizeof page_scripts[0]; i++) {
        fprintf(page->out, "<script>%s</script>\n", page_scripts[i]);
    }
}

// Cells that came to an end.
static size_t page_ended(const json_t *cells)
{
    size_t index, count = 0;
    json_t *cell;
    json_array_foreach(cells, index, cell)
    {
        const char *verdict = json_string_value(json_object_get(cell, "verdict"));
        count += verdict != NULL && strcmp(verdict, cell_verdict_name(CELL_WAITING)) != 0 &&
                 strcmp(verdict, cell_verdict_name(CELL_INCOMPLETE)) != 0;
    }
    return count;
}

// Of a part of a plan: what it has not.
static void page_part(FILE *out, const json_t *root)
{
    const json_t *shard = json_object_get(root, "shard");
    size_t all = json_array_size(json_object_get(shard, "cells"));
    size_t ended = page_ended(json_object_get(root, "cells"));
    if (ended < all) {
        fprintf(out, ", %zu of %zu cells missing", all - ended, all);
    }
}

// A line a document, for those who see no more than that.
static void page_plain(struct page *page)
{
    fputs("<ul>\n", page->out);
    for (size_t i = 0; i < page->count; i++) {
        const json_t *root = page->documents[i].root;
        const char *verdict = json_string_value(json_object_get(root, "verdict"));
        fputs("<li>", page->out);
        page_escaped(page->out, page->documents[i].name);
        fputs(verdict != NULL ? ": " : "", page->out);
        page_escaped(page->out, verdict != NULL ? verdict : "");
        page_part(page->out, root);
        fputs("</li>\n", page->out);
    }
    fputs("</ul>\n", page->out);
}

static int page_json(const char *text, size_t size, void *arg)
{
    FILE *out = arg;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '<' || text[i] == '>' || text[i] == '&') {
            fprintf(out, "\\u%04x", (unsigned)text[i]);
        } else {
            fputc(text[i], out);
        }
    }
    return ferror(out) ? -1 : 0;
}

static void page_put_documents(struct page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        fputs("<script type=\"application/json\" class=\"document\" data-name=\"", page->out);
        page_escaped(page->out, page->documents[i].name);
        fputs("\">", page->out);
        page->failed |= json_dump_callback(page->documents[i].root, page_json, page->out,
                                           JSON_COMPACT | JSON_REAL_PRECISION(PAGE_DIGITS)) != 0;
        fputs("</script>\n", page->out);
    }
}

static const struct {
    const char *name;
    void (*put)(struct page *page);
} page_marks[] = {
    {"title", page_title},     {"styles", page_put_styles},       {"plain", page_plain},
    {"version", page_version}, {"documents", page_put_documents}, {"scripts", page_put_scripts},
};

// Writes what the mark of that name stands for.
static void page_mark(struct page *page, const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof page_marks / sizeof page_marks[0]; i++) {
        if (strlen(page_marks[i].name) == length && memcmp(page_marks[i].name, name, length) == 0) {
            page_marks[i].put(page);
        }
    }
}

static void page_put(struct page *page)
{
    static const char begin[] = "<!--mems:";
    static const char end[] = "-->";
    const char *at = page_html;
    const char *mark;
    while ((mark = strstr(at, begin)) != NULL) {
        const char *name = mark + sizeof begin - 1;
        size_t length = (size_t)(strstr(name, end) - name);
        fwrite(at, 1, (size_t)(mark - at), page->out);
        page_mark(page, name, length);
        at = name + length + sizeof end - 1;
    }
    fputs(at, page->out);
}

char *report_page(const char *title, const struct report_document *documents, size_t count,
                  struct complaint *complaint)
{
    struct page page = {NULL, title, documents, count, false};
    char *text = NULL;
    size_t size = 0;
    json_t **roots = calloc(count + 1, sizeof *roots);
    for (size_t i = 0; roots != NULL && i < count; i++) {
        roots[i] = documents[i].root;
        heading_settle(roots[i]);
    }
    if (roots != NULL) {
        pick_shown(roots, count);
    }
    free(roots);
    page.out = disk_memory(&text, &size);
    if (page.out != NULL) {
        page_put(&page);
        page.failed |= ferror(page.out) != 0;
        page.failed |= fclose(page.out) != 0;
    }
    if (page.out == NULL || page.failed) {
        free(text);
        complain(complaint, "the page cannot be made: out of memory");
        return NULL;
    }
    return text;
}

#else

bool report_possible(void)
{
    return false;
}

bool report_has_charts(void)
{
    return false;
}

char *report_page(const char *title, const struct report_document *documents, size_t count,
                  struct complaint *complaint)
{
    (void)title;
    (void)documents;
    (void)count;
    complain(complaint, "this mems-stress was built without libjansson and makes no pages");
    return NULL;
}

#endif
