// SPDX-License-Identifier: MIT
//
// host.c - where a result was measured: machine, system, build, environment.

#include "result/host.h"

#include <cpuid.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "mems_revision.h" // made by the build
#include "run/supplier.h"

#ifndef MEMS_BUILD_FLAGS
#define MEMS_BUILD_FLAGS ""
#endif

extern char **environ;

// The first line of a file, or "" where it cannot be read.
static void host_first_line(const char *path, char *text)
{
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(text, HOST_TEXT, file) == NULL) {
            text[0] = '\0';
        }
        fclose(file);
    }
    text[strcspn(text, "\n")] = '\0';
}

// The value of the first line "key<separator>value" of a file, without quotes.
static void host_key(const char *path, const char *key, char separator, char *text)
{
    char line[1024];
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    while (file != NULL && text[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0 && strchr(line, separator) != NULL) {
            char *value = strchr(line, separator) + 1;
            value += strspn(value, " \t\"");
            value[strcspn(value, "\"\n")] = '\0';
            snprintf(text, HOST_TEXT, "%.*s", HOST_TEXT - 1, value);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

// CPUID's leaf 0x40000000 names the hypervisor where leaf 1 says that there is one.
static void host_hypervisor(char *text)
{
    unsigned a, b, c, d;
    snprintf(text, HOST_TEXT, "none");
    if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c >> 31 & 1) != 0) {
        __cpuid(0x40000000, a, b, c, d);
        const unsigned name[] = {b, c, d};
        snprintf(text, HOST_TEXT, "%.12s", (const char *)name);
    }
}

static void host_boost(char *text)
{
    char line[HOST_TEXT];
    host_first_line("/sys/devices/system/cpu/cpufreq/boost", line);
    if (line[0] != '\0') {
        snprintf(text, HOST_TEXT, "%s", line[0] == '1' ? "on" : "off");
        return;
    }
    host_first_line("/sys/devices/system/cpu/intel_pstate/no_turbo", line);
    if (line[0] != '\0') {
        snprintf(text, HOST_TEXT, "%s", line[0] == '0' ? "on" : "off");
    }
}

static void host_libc(struct host *host)
{
    struct report_supplier libc = {0};
    snprintf(host->libc, sizeof host->libc, "glibc %s", gnu_get_libc_version());
    if (supplier_libc(&libc) == 0) {
        snprintf(host->libc_path, sizeof host->libc_path, "%.255s", libc.path);
        snprintf(host->libc_build_id, sizeof host->libc_build_id, "%s", libc.build_id);
    }
}

void host_tick(struct host_ticks *ticks)
{
    char line[HOST_TEXT];
    unsigned long long user = 0, nice = 0, kernel = 0, idle = 0, wait = 0, hard = 0, soft = 0,
                       stolen = 0;
    host_first_line("/proc/stat", line);
    sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &kernel, &idle, &wait,
           &hard, &soft, &stolen);
    ticks->busy = user + nice + kernel + hard + soft;
    ticks->stolen = stolen;
    ticks->all = ticks->busy + idle + wait + stolen;
}

void host_look(struct host *host)
{
    struct utsname name;
    memset(host, 0, sizeof *host);
    if (uname(&name) == 0) {
        snprintf(host->name, sizeof host->name, "%s", name.nodename);
        snprintf(host->kernel, sizeof host->kernel, "%s %s %s", name.sysname, name.release,
                 name.machine);
    }
    host_key("/proc/cpuinfo", "model name", ':', host->cpu);
    host_key("/etc/os-release", "PRETTY_NAME", '=', host->system);
    host_first_line("/sys/kernel/mm/transparent_hugepage/enabled", host->transparent_hugepages);
    host_first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", host->governor);
    host->cores = sysconf(_SC_NPROCESSORS_ONLN);
    host->memory_bytes =
        (unsigned long long)sysconf(_SC_PHYS_PAGES) * (unsigned long long)sysconf(_SC_PAGESIZE);
    host_libc(host);
    host_hypervisor(host->hypervisor);
    host_boost(host->boost);
    snprintf(host->revision, sizeof host->revision, "%s", MEMS_REVISION);
    if (getloadavg(host->load, 3) != 3) {
        host->load[0] = host->load[1] = host->load[2] = -1;
    }
    topology_look(&host->topology);
#if defined(__clang__)
    snprintf(host->compiler, sizeof host->compiler, "clang %s", __clang_version__);
#else
    snprintf(host->compiler, sizeof host->compiler, "gcc %s", __VERSION__);
#endif
    snprintf(host->flags, sizeof host->flags, "%s", MEMS_BUILD_FLAGS);
}

// Settings of mems-stress itself (where the history lies) are no allocator's.
const char *host_setting_at(size_t index)
{
    static const char own[] = "MEMS_STRESS_";
    static const char *const prefixes[] = {
        "MALLOC_", "_RJEM_MALLOC_CONF=", "GLIBC_TUNABLES=", "MIMALLOC_", "TCMALLOC_", "LD_PRELOAD=",
        "MEMS_"};
    for (char **at = environ; *at != NULL; at++) {
        for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
            if (strncmp(*at, prefixes[i], strlen(prefixes[i])) == 0 &&
                strncmp(*at, own, sizeof own - 1) != 0 && index-- == 0) {
                return *at;
            }
        }
    }
    return NULL;
}
