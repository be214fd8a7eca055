// SPDX-License-Identifier: MIT
//
// law_result.h - the law of result documents: any bytes are a result, or a complaint; what was read
// is whole (each cell has a target and is of one of the sections), can be compared with itself,
// where nothing has become worse, and be told in every form.

#ifndef COMPARE_LAW_RESULT_H
#define COMPARE_LAW_RESULT_H

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compare/compare.h"
#include "support/test.h"

// A comparison is printed, as JSON too, and its findings are told. Finishes it.
static inline enum verdict_outcome result_told(struct comparison *comparison)
{
    char *text = NULL;
    size_t size = 0;
    struct findings findings;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    compare_print(comparison, out);
    fclose(out);
    assert_true(size > 0 && text[size - 1] == '\n');
    free(text);
    struct json_t *json = compare_json(comparison);
    assert_non_null(json);
    compare_json_free(json);
    compare_findings(comparison, &findings);
    findings_fini(&findings);
    enum verdict_outcome outcome = compare_outcome(comparison);
    compare_fini(comparison);
    return outcome;
}

static inline void result_whole(const struct measured *measured)
{
    for (size_t i = 0; i < measured->section_count; i++) {
        assert_non_null(measured->sections[i].name);
    }
    for (size_t i = 0; i < measured->cell_count; i++) {
        assert_true(measured->cells[i].section < measured->section_count);
        assert_non_null(measured->cells[i].target);
    }
}

static inline void result_compared(const struct measured *measured)
{
    const struct compare_options options = {.judge = {0.05, 0.05, 1}};
    struct comparison comparison;
    struct complaint complaint = {{0}};
    if (compare_results(measured, measured, &options, &comparison, &complaint) == 0) {
        assert_int_not_equal(result_told(&comparison), VERDICT_REGRESSED);
    } else {
        assert_int_not_equal(complaint.text[0], '\0');
    }
    const char *first = measured->cell_count > 0 ? measured->cells[0].target : "a";
    const char *last =
        measured->cell_count > 0 ? measured->cells[measured->cell_count - 1].target : "b";
    complaint = (struct complaint){{0}};
    if (compare_targets(measured, first, last, &options, &comparison, &complaint) == 0) {
        result_told(&comparison);
    } else {
        assert_int_not_equal(complaint.text[0], '\0');
    }
}

// Whether the bytes are a result.
static inline bool result_law(const void *bytes, size_t length)
{
    char path[64];
    struct measured measured;
    struct complaint complaint = {{0}};
    int fd = memfd_create("result", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int error = measured_read(path, &measured, &complaint);
    close(fd);
    assert_int_equal(error != 0, complaint.text[0] != '\0');
    if (error != 0) {
        assert_non_null(strstr(complaint.text, path));
        return false;
    }
    result_whole(&measured);
    result_compared(&measured);
    measured_fini(&measured);
    return true;
}

#endif
