// SPDX-License-Identifier: MIT
//
// document.c - the result for programs: one JSON document, "mems-stress/1".

#include "result/document.h"

#ifdef MEMS_HAVE_JANSSON

#include <stdlib.h>
#include <string.h>

#include "result/google.h"
#include "result/json.h"

#ifndef MEMS_VERSION
#define MEMS_VERSION "unknown"
#endif

bool document_possible(void)
{
    return true;
}

static void document_warning(void *arg, const char *code, const char *text)
{
    json_array_append_new(arg, json_pack("{s:s, s:o}", "code", code, "text", json_of_text(text)));
}

static json_t *document_known(const char *text)
{
    return text != NULL && *text != '\0' ? json_of_text(text) : json_null();
}

static json_t *document_job(const struct plan *plan, const struct document_head *head)
{
    json_t *sections = json_array();
    for (size_t i = 0; i < plan->section_count; i++) {
        json_array_append_new(sections, json_of_section(&plan->sections[i]));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "path", json_of_text(plan->job->path),
                     "title", json_of_text(plan->job->title), "text", json_of_text(head->text),
                     "plan_sha256", document_known(head->plan_sha256), "resume_key",
                     document_known(head->resume_key), "sections", sections);
}

// What the user says of the run.
static json_t *document_context(const char *const *items)
{
    json_t *context = json_object();
    for (; items != NULL && *items != NULL; items++) {
        size_t length = strcspn(*items, "=");
        char *key = strndup(*items, length);
        if (key != NULL) {
            json_object_set_new(context, key, json_of_text(*items + length + 1));
        }
        free(key);
    }
    return context;
}

struct json_t *document_make(const struct plan *plan, const struct verdict *verdict,
                             const struct document_head *head)
{
    json_t *command = json_array();
    for (int i = 0; i < head->argc; i++) {
        json_array_append_new(command, json_of_text(head->argv[i]));
    }
    json_t *cells = json_array();
    for (size_t i = 0; i < plan->cell_count; i++) {
        json_array_append_new(cells, json_of_cell(plan, &plan->cells[i]));
    }
    json_t *root = json_object();
    json_object_set_new(root, "schema", json_string(DOCUMENT_SCHEMA));
    json_object_set_new(root, "version", json_string(MEMS_VERSION));
    json_object_set_new(root, "command", command);
    json_object_set_new(root, "context", document_context(head->context));
    json_object_set_new(root, "started", json_of_text(head->started));
    json_object_set_new(root, "seconds", json_of_real(head->seconds));
    json_object_set_new(root, "verdict", json_string(verdict->name));
    json_object_set_new(root, "exit_status", json_integer(verdict->exit));
    json_t *warnings = json_array();
    warning_each(&head->scene, document_warning, warnings);
    json_object_set_new(root, "warnings", warnings);
    json_object_set_new(root, "host",
                        head->host != NULL ? json_incref(head->host)
                                           : json_of_host(head->scene.host));
    if (head->hosts != NULL) {
        json_object_set(root, "hosts", head->hosts);
    }
    json_object_set_new(root, "job", document_job(plan, head));
    if (head->shard != NULL) {
        json_object_set(root, "shard", head->shard);
    }
    if (head->comparison != NULL) {
        json_object_set(root, "comparison", head->comparison);
    }
    json_object_set_new(root, "cells", cells);
    json_object_set_new(root, "scaling", json_of_scaling(plan));
    return root;
}

void document_free(struct json_t *root)
{
    json_decref(root);
}

char *document_text(const struct plan *plan, const struct verdict *verdict,
                    const struct document_head *head, struct complaint *complaint)
{
    return document_print(document_make(plan, verdict, head), complaint);
}

char *document_google(const struct plan *plan, const struct verdict *verdict,
                      const struct document_head *head, struct complaint *complaint)
{
    json_t *document = document_make(plan, verdict, head);
    json_t *root = google_of_document(document);
    json_decref(document);
    return document_print(root, complaint);
}

char *document_print(struct json_t *root, struct complaint *complaint)
{
    char *text = json_print(root);
    json_decref(root);
    if (text == NULL) {
        complain(complaint, "the result cannot be put into JSON: out of memory");
    }
    return text;
}

#else

bool document_possible(void)
{
    return false;
}

struct json_t *document_make(const struct plan *plan, const struct verdict *verdict,
                             const struct document_head *head)
{
    (void)plan;
    (void)verdict;
    (void)head;
    return NULL;
}

void document_free(struct json_t *root)
{
    (void)root;
}

char *document_text(const struct plan *plan, const struct verdict *verdict,
                    const struct document_head *head, struct complaint *complaint)
{
    (void)plan;
    (void)verdict;
    (void)head;
    complain(complaint, "this mems-stress was built without libjansson and writes no JSON");
    return NULL;
}

char *document_google(const struct plan *plan, const struct verdict *verdict,
                      const struct document_head *head, struct complaint *complaint)
{
    return document_text(plan, verdict, head, complaint);
}

char *document_print(struct json_t *root, struct complaint *complaint)
{
    (void)root;
    complain(complaint, "this mems-stress was built without libjansson and writes no JSON");
    return NULL;
}

#endif
