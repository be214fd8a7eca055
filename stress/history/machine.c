// SPDX-License-Identifier: MIT
//
// machine.c - which machines are the same, for figures that are to be comparable.
//
// 1. What counts. Processor, number of CPUs, memory, and the kernel's name, first number and
//    architecture. Not the name of the host: the runners of a CI service have another each day and
//    are alike. Not what a run may be about: libc, the allocator's build, the compiler, settings.
//    These are told beside a trend, and do not cut it.
// 2. Memory. What a system says it has is less than what is built in by what the kernel keeps for
//    itself, which changes with each of its updates. It is counted as the next of 4, 5, 6, 7, 8,
//    10, 12, 14, 16 ... bytes, KiB, MiB, GiB: a machine of 8 GiB says 7.7 or 7.8, never 8.1.
// 3. The name is the beginning of the SHA-256 of what is told of the machine: who reads the same
//    words sees the same machine.
// 4. If you change this: histories keep names and words; a change is a new version that draws them
//    from the documents again (archive.c).

#include "history/machine.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "disk/digest.h"
#include "result/host.h"
#include "json/json.h"

struct machine_memory {
    char text[24];
};

static struct machine_memory machine_memory(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    struct machine_memory memory;
    uint64_t step = 1;
    size_t unit = 0;
    while (bytes > 8 * step) {
        step *= 2;
    }
    bytes = (bytes + step - 1) / step * step;
    while (bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024;
        unit++;
    }
    snprintf(memory.text, sizeof memory.text, "%" PRIu64 " %s", bytes, units[unit]);
    return memory;
}

// "Linux 6 x86_64" of "Linux 6.1.0-18-amd64 x86_64".
static void machine_kernel(const char *kernel, char *text, size_t size)
{
    char name[64] = "";
    unsigned major = 0;
    const char *last = strrchr(kernel, ' ');
    if (sscanf(kernel, "%63s %u", name, &major) == 2 && last != NULL) {
        snprintf(text, size, "%s %u%s", name, major, last);
    } else {
        snprintf(text, size, "kernel %s", *kernel != '\0' ? kernel : "unknown");
    }
}

static void machine_make(const char *cpu, long long cores, uint64_t memory, const char *kernel,
                         struct machine *machine)
{
    char system[96];
    machine_kernel(kernel, system, sizeof system);
    if (*cpu == '\0' && cores <= 0 && memory == 0 && *kernel == '\0') {
        snprintf(machine->about, sizeof machine->about, "an unknown machine");
    } else {
        snprintf(machine->about, sizeof machine->about, "%.200s, %lld CPU%s, %s, %s",
                 *cpu != '\0' ? cpu : "processor unknown", cores, cores == 1 ? "" : "s",
                 memory > 0 ? machine_memory(memory).text : "memory unknown", system);
    }
    struct digest digest = digest_of_bytes(machine->about, strlen(machine->about));
    snprintf(machine->name, sizeof machine->name, "%.8s", digest.text);
}

void machine_of_host(const struct host *host, struct machine *machine)
{
    machine_make(host->cpu, host->cores, host->memory_bytes, host->kernel, machine);
}

void machine_of_document(const struct json_t *host, struct machine *machine)
{
    json_int_t memory = json_integer_value(json_object_get(host, "memory_bytes"));
    machine_make(json_text(host, "cpu"), json_integer_value(json_object_get(host, "cores")),
                 memory > 0 ? (uint64_t)memory : 0, json_text(host, "kernel"), machine);
}
