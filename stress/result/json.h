// SPDX-License-Identifier: MIT
//
// json.h - the pieces of the document: one function a noun. With libjansson only.

#ifndef RESULT_JSON_H
#define RESULT_JSON_H

#include "result/host.h"
#include "run/plan.h"
#include "json/json.h"

json_t *json_of_host(const struct host *host);
json_t *json_of_section(const struct plan_section *section);
json_t *json_of_cell(const struct plan *plan, const struct cell *cell);
json_t *json_of_report(const struct cell *cell);
json_t *json_of_fairness(const struct cell_report *report, unsigned threads);
json_t *json_of_system(const struct cell_report *report);
json_t *json_of_steady(const struct cell_report *report);
json_t *json_of_harness(const struct cell_report *report);
struct picture_album;
json_t *json_of_album(const struct picture_album *album);
// Words of a picture, by enum picture_drawn, by kind of piece, by enum picture_deed.
extern const char *const json_drawn_names[];
extern const char *const json_piece_names[];
extern const char *const json_deed_names[];
json_t *json_of_speed(const struct cell_report *report);
// Members of the objects "memory" and "fragmentation".
void json_add_memory(json_t *memory, const struct cell_report *report);
void json_add_holes(json_t *fragmentation, const struct report_fragmentation *report);
// An element for each target of each set of sections that differ in threads only.
json_t *json_of_scaling(const struct plan *plan);
json_t *json_of_evidence(const struct cell *cell);

#endif
