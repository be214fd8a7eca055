// SPDX-License-Identifier: MIT
//
// differ.c - what differs around two results, and changes no verdict: host, build, environment.
//
// A comparison of two builds, of two versions of an allocator or of two settings is what people
// want: such a difference is no fault. That it is there must be seen all the same, once, whatever
// the verdicts are. What only one result knows does not differ.

#include <string.h>

#include "compare/inner.h"

static const char *differ_find(const struct measured_value *values, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(values[i].key, key) == 0) {
            return values[i].text;
        }
    }
    return NULL;
}

static void differ_facts(struct comparison *comparison, const struct measured *a,
                         const struct measured *b)
{
    for (size_t i = 0; measured_facts[i].name != NULL; i++) {
        const char *in_a = differ_find(a->facts, a->fact_count, measured_facts[i].name);
        const char *in_b = differ_find(b->facts, b->fact_count, measured_facts[i].name);
        if (in_a != NULL && in_b != NULL && strcmp(in_a, in_b) != 0) {
            compare_note(comparison, NULL, NULL, COMPARE_TOLD,
                         "%s differs: \"%s\" in A, \"%s\" in B", measured_facts[i].called,
                         complaint_clip(in_a).text, complaint_clip(in_b).text);
        }
    }
}

static void differ_setting(struct comparison *comparison, const char *name, const char *in_a,
                           const char *in_b)
{
    if (in_a != NULL && in_b != NULL && strcmp(in_a, in_b) != 0) {
        compare_note(comparison, NULL, NULL, COMPARE_TOLD, "%s differs: \"%s\" in A, \"%s\" in B",
                     complaint_clip(name).text, complaint_clip(in_a).text,
                     complaint_clip(in_b).text);
    } else if (in_a == NULL || in_b == NULL) {
        compare_note(comparison, NULL, NULL, COMPARE_TOLD,
                     "%s differs: \"%s\" in %s, not set in %s", complaint_clip(name).text,
                     complaint_clip(in_a != NULL ? in_a : in_b).text, in_a != NULL ? "A" : "B",
                     in_a != NULL ? "B" : "A");
    }
}

static void differ_settings(struct comparison *comparison, const struct measured *a,
                            const struct measured *b)
{
    if (!a->settings_known || !b->settings_known) {
        return;
    }
    for (size_t i = 0; i < a->setting_count; i++) {
        const char *name = a->settings[i].key;
        differ_setting(comparison, name, a->settings[i].text,
                       differ_find(b->settings, b->setting_count, name));
    }
    for (size_t i = 0; i < b->setting_count; i++) {
        const char *name = b->settings[i].key;
        if (differ_find(a->settings, a->setting_count, name) == NULL) {
            differ_setting(comparison, name, NULL, b->settings[i].text);
        }
    }
}

static const struct measured_cell *differ_cell(const struct measured *measured, const char *target)
{
    for (size_t i = 0; i < measured->cell_count; i++) {
        const struct measured_cell *cell = &measured->cells[i];
        if (cell->supplier.path != NULL && *cell->supplier.path != '\0' &&
            strcmp(cell->target, target) == 0) {
            return cell;
        }
    }
    return NULL;
}

static void differ_supplier(struct comparison *comparison, const char *target, const char *what,
                            const char *in_a, const char *in_b)
{
    if (*in_a != '\0' && *in_b != '\0' && strcmp(in_a, in_b) != 0) {
        compare_note(comparison, NULL, target, COMPARE_TOLD,
                     "%s of its malloc differs: \"%s\" in A, \"%s\" in B", what,
                     complaint_clip(in_a).text, complaint_clip(in_b).text);
    }
}

static void differ_suppliers(struct comparison *comparison, const struct measured *a,
                             const struct measured *b)
{
    for (size_t i = 0; i < a->cell_count; i++) {
        const char *target = a->cells[i].target;
        const struct measured_cell *in_b = differ_cell(b, target);
        if (in_b != NULL && differ_cell(a, target) == &a->cells[i]) { // once a target
            const struct measured_supplier *of_a = &a->cells[i].supplier;
            const struct measured_supplier *of_b = &in_b->supplier;
            differ_supplier(comparison, target, "path", of_a->path, of_b->path);
            differ_supplier(comparison, target, "version", of_a->version, of_b->version);
            differ_supplier(comparison, target, "build id", of_a->build_id, of_b->build_id);
        }
    }
}

void compare_circumstances(struct comparison *comparison, const struct measured *a,
                           const struct measured *b)
{
    differ_facts(comparison, a, b);
    differ_settings(comparison, a, b);
    differ_suppliers(comparison, a, b);
}
