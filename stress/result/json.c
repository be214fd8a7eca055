// SPDX-License-Identifier: MIT
//
// json.c - pieces of the document: host, section, cell.

#ifdef MEMS_HAVE_JANSSON

#include "result/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/host.h"
#include "result/summary.h"
#include "workload/workload.h"

// Text that is empty where nobody knows.
static json_t *json_of_known(const char *text)
{
    return *text != '\0' ? json_of_text(text) : json_null();
}

// A size that is 0 where nobody knows.
static json_t *json_of_known_size(uint64_t bytes)
{
    return bytes > 0 ? json_of_count(bytes) : json_null();
}

static json_t *json_of_topology(const struct topology *topology)
{
    static const char *const caches[] = {"l1d_bytes", "l2_bytes", "l3_bytes"};
    json_t *object = json_object();
    json_object_set_new(object, "known", json_boolean(topology->known));
    json_object_set_new(object, "cpus", json_of_count(topology->cpu_count));
    if (topology->known) {
        json_object_set_new(object, "packages", json_of_count(topology->packages));
        json_object_set_new(object, "cores", json_of_count(topology->cores));
        json_object_set_new(object, "numa_nodes", json_of_count(topology->nodes));
        json_object_set_new(object, "cache_line_bytes",
                            json_of_known_size(topology->cache_line_bytes));
        for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++) {
            json_object_set_new(object, caches[i], json_of_known_size(topology->cache_bytes[i]));
        }
    }
    return object;
}

json_t *json_of_host(const struct host *host)
{
    json_t *settings = json_object();
    const char *setting;
    for (size_t i = 0; (setting = host_setting_at(i)) != NULL; i++) {
        char *name = strndup(setting, strcspn(setting, "="));
        json_object_set_new(settings, name, json_of_text(strchr(setting, '=') + 1));
        free(name);
    }
    json_t *object = json_object();
    json_object_set_new(object, "name", json_of_text(host->name));
    json_object_set_new(object, "cpu", json_of_known(host->cpu));
    json_object_set_new(object, "cores", json_integer(host->cores));
    json_object_set_new(object, "memory_bytes", json_of_count(host->memory_bytes));
    json_object_set_new(object, "kernel", json_of_known(host->kernel));
    json_object_set_new(object, "system", json_of_known(host->system));
    json_object_set_new(object, "transparent_hugepages",
                        json_of_known(host->transparent_hugepages));
    json_object_set_new(object, "governor", json_of_known(host->governor));
    json_object_set_new(object, "boost", json_of_known(host->boost));
    json_object_set_new(object, "hypervisor", json_of_known(host->hypervisor));
    json_object_set_new(object, "load",
                        host->load[0] >= 0
                            ? json_pack("[f, f, f]", host->load[0], host->load[1], host->load[2])
                            : json_null());
    json_object_set_new(object, "topology", json_of_topology(&host->topology));
    json_object_set_new(object, "libc", json_of_text(host->libc));
    json_object_set_new(object, "libc_path", json_of_known(host->libc_path));
    json_object_set_new(object, "libc_build_id", json_of_known(host->libc_build_id));
    json_object_set_new(object, "revision", json_of_text(host->revision));
    json_object_set_new(object, "compiler", json_of_text(host->compiler));
    json_object_set_new(object, "flags", json_of_text(host->flags));
    json_object_set_new(object, "allocator_settings", settings);
    return object;
}

json_t *json_of_section(const struct plan_section *section)
{
    const struct job_section *job = section->section;
    json_t *values = json_object();
    for (size_t i = 0; i < job->value_count; i++) {
        json_object_set_new(values, job->values[i].key->name, json_of_text(job->values[i].text));
    }
    json_t *files = json_object();
    for (size_t i = 0; i < section->file_count; i++) {
        const char *hash = section->files[i].digest.text;
        json_object_set_new(files, section->files[i].key,
                            json_pack("{s:o, s:o}", "path", json_of_text(section->files[i].path),
                                      "sha256", *hash != '\0' ? json_string(hash) : json_null()));
    }
    json_t *demand = json_object();
    json_object_set_new(demand, "peak_bytes", json_of_count(section->demand.peak_bytes));
    json_object_set_new(demand, "largest_bytes", json_of_count(section->demand.largest));
    json_t *object = json_object();
    json_object_set_new(object, "name", json_of_text(job->name));
    json_object_set_new(object, "workload", json_of_text(job->workload->name));
    json_object_set_new(object, "workload_version", json_integer(job->workload->version));
    json_object_set_new(object, "threads", json_integer(section->threads));
    json_object_set_new(object, "repeats", json_integer(section->repeats));
    json_object_set_new(object, "seed", json_of_count(section->seed));
    json_object_set_new(object, "values", values);
    json_object_set_new(object, "files", files);
    json_object_set_new(object, "demand", demand);
    json_object_set_new(object, "text", json_of_text(section->text));
    return object;
}

json_t *json_of_cell(const struct plan *plan, const struct cell *cell)
{
    json_t *object = json_object();
    json_object_set_new(object, "id", json_of_text(cell->id));
    json_object_set_new(object, "section", json_of_text(cell->section->section->name));
    json_object_set_new(object, "target", json_of_text(cell->spec->name));
    json_object_set_new(object, "repeat", json_integer(cell->repeat));
    json_object_set_new(object, "order", json_integer(cell - plan->cells));
    json_object_set_new(object, "seed", json_of_count(cell->seed));
    json_object_set_new(object, "verdict", json_of_text(cell_verdict_name(cell->verdict)));
    json_object_set_new(object, "message", json_of_text(cell->message));
    json_object_set_new(object, "again", json_of_text(cell->rerun));
    json_object_set_new(object, "seconds", json_of_real(cell->seconds));
    json_object_set_new(object, "max_rss_bytes", json_of_count(cell->max_rss));
    if (cell->host[0] != '\0') {
        json_object_set_new(object, "host", json_of_text(cell->host));
    }
    if (cell->output != NULL) {
        json_object_set_new(object, "output", json_of_lines(cell->output));
    }
    if (cell->stage != NULL && cell->stage->report.memory_method[0] != '\0') {
        json_object_set_new(object, "memory_method",
                            json_of_text(cell->stage->report.memory_method));
    }
    if (cell->stage != NULL) {
        const struct report_supplier *supplier = &cell->stage->report.supplier;
        json_object_set_new(object, "malloc",
                            json_pack("{s:o, s:o, s:o}", "path", json_of_known(supplier->path),
                                      "version", json_of_known(supplier->version), "build_id",
                                      json_of_known(supplier->build_id)));
    }
    if (summary_measured(cell)) {
        json_t *metrics = json_object();
        for (size_t i = 0; i < METRIC_COUNT; i++) {
            double value = metric_table[i].of(cell);
            bool whole = value == rint(value) && fabs(value) < 0x1p53;
            json_object_set_new(metrics, metric_table[i].name,
                                whole ? json_integer((json_int_t)value) : json_of_real(value));
        }
        json_object_set_new(object, "metrics", metrics);
        json_object_set_new(object, "report", json_of_report(cell));
    }
    if (cell->stage != NULL && cell->verdict != CELL_PASS && cell->verdict != CELL_SKIPPED) {
        json_object_set_new(object, "evidence", json_of_evidence(cell));
    }
    return object;
}

#endif
