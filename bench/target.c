// SPDX-License-Identifier: MIT
//
// target.c - reads a target's name, finds its library, opens its engine.
//
// A bounded policy (one that has the option `partitions`) that was told neither `partitions` nor
// `count` gets equal partitions of the kernel's largest block, a quarter more than are ever live,
// and what the threads' magazines may hold on to.

#include "target.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const target_folders[] = {
    "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64",
    "/usr/lib",
};

static const struct {
    const char *name, *file, *package;
} target_libraries[] = {
    {"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
    {"mimalloc", "libmimalloc.so.2*", "libmimalloc2.0"},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

int target_next(const char **list, char *text, size_t size)
{
    const char *at = *list;
    int depth = 0;
    for (; *at != '\0' && (*at != ',' || depth > 0); at++) {
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
    }
    size_t length = (size_t)(at - *list);
    if (length >= size) {
        return E2BIG;
    }
    memcpy(text, *list, length);
    text[length] = '\0';
    *list = *at == ',' ? at + 1 : NULL;
    return 0;
}

// ---- libraries ---------------------------------------------------------------------------------

static bool library_in(const char *folder, const char *pattern, char *path)
{
    char full[2 * PATH_MAX];
    glob_t found;
    snprintf(full, sizeof full, "%s/%s", folder, pattern);
    if (glob(full, 0, NULL, &found) != 0) {
        return false;
    }
    bool here = realpath(found.gl_pathv[0], path) != NULL;
    globfree(&found);
    return here;
}

// Where this program's own libraries are: beside its folder.
static bool library_own(const char *pattern, char *path)
{
    char folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length <= 0) {
        return false;
    }
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    slash[0] = '\0';
    snprintf(slash, sizeof folder - (size_t)(slash - folder), "/../lib");
    return library_in(folder, pattern, path);
}

static bool library_search(const char *pattern, char *path)
{
    bool found = library_own(pattern, path);
    for (size_t i = 0; i < COUNT(target_folders) && !found; i++) {
        found = library_in(target_folders[i], pattern, path);
    }
    return found;
}

static int library_find(const char *name, struct target *target, char *complaint, size_t size)
{
    if (strchr(name, '/') != NULL) {
        if (realpath(name, target->library) == NULL) {
            snprintf(complaint, size, "preload:%s: %s", name, strerror(errno));
            return ENOENT;
        }
    } else {
        char pattern[NAME_MAX];
        const char *package = NULL;
        snprintf(pattern, sizeof pattern, "lib%s.so*", name);
        for (size_t i = 0; i < COUNT(target_libraries); i++) {
            if (strcmp(target_libraries[i].name, name) == 0) {
                snprintf(pattern, sizeof pattern, "%s", target_libraries[i].file);
                package = target_libraries[i].package;
            }
        }
        if (!library_search(pattern, target->library)) {
            snprintf(complaint, size, "preload:%s: no %s in the system's library folders%s%s", name,
                     pattern, package != NULL ? "; apt install " : "; give its path instead",
                     package != NULL ? package : "");
            return ENOENT;
        }
    }
    if (strpbrk(target->library, ": ") != NULL) {
        snprintf(complaint, size, "preload:%s: LD_PRELOAD cannot carry a colon or a space",
                 target->library);
        return EINVAL;
    }
    return 0;
}

// ---- engines -----------------------------------------------------------------------------------

static bool policy_has(const char *policy, const char *option)
{
    const struct mems_option *row;
    for (size_t i = 0; (row = mems_option_at(policy, i)) != NULL; i++) {
        if (strcmp(row->name, option) == 0) {
            return true;
        }
    }
    return false;
}

static bool option_given(const char *options, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = options; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, key, length) == 0 && at[length] == '=') {
            return true;
        }
    }
    return false;
}

// "dynamic(fit=best)" into policy and options, and tries them on an engine.
static int engine_parse(const char *text, struct target *target, char *complaint, size_t size)
{
    const char *open = strchr(text, '(');
    size_t length = open != NULL ? (size_t)(open - text) : strlen(text);
    if (length == 0 || length >= sizeof target->policy) {
        snprintf(complaint, size, "mems:%s: write mems:POLICY or mems:POLICY(key=value,...)", text);
        return EINVAL;
    }
    memcpy(target->policy, text, length);
    if (open != NULL) {
        const char *close = strchr(open, ')');
        if (close == NULL || close[1] != '\0') {
            snprintf(complaint, size, "mems:%s: the options end with one ')'", text);
            return EINVAL;
        }
        memcpy(target->options, open + 1, (size_t)(close - open - 1));
    }
    struct mems_config config = {.policy = target->policy, .options = target->options};
    struct mems_engine *engine;
    int error = mems_engine_open(&config, &engine);
    if (error != 0) {
        snprintf(complaint, size, "mems:%s: %s", text, mems_complaint());
        return EINVAL;
    }
    target->compacts = mems_compact(engine, NULL) == 0;
    mems_engine_close(engine);
    return 0;
}

bool target_suits(const struct target *target, const struct kernel *kernel)
{
    return kernel->measure[target->family] != NULL &&
           (kernel->needs == NULL || policy_has(target->policy, kernel->needs)) &&
           (!kernel->compacts || target->compacts);
}

int target_open(const struct target *target, const struct kernel_demand *demand, unsigned threads,
                struct mems_engine **engine, char *complaint, size_t size)
{
    char options[TARGET_TEXT + 64];
    const char *given = target->options;
    snprintf(options, sizeof options, "%s", given);
    if (policy_has(target->policy, "partitions") && !option_given(given, "partitions") &&
        !option_given(given, "count") && !option_given(given, "partition")) {
        uint64_t blocks = (demand->blocks + demand->blocks / 4 + 4096) * threads;
        size_t partition = (demand->largest + 15) / 16 * 16;
        snprintf(options, sizeof options, "%s%spartition=%zu,count=%llu", given,
                 given[0] != '\0' ? "," : "", partition, (unsigned long long)blocks);
    }
    struct mems_config config = {.policy = target->policy, .options = options};
    int error = mems_engine_open(&config, engine);
    if (error != 0) {
        snprintf(complaint, size, "%s with \"%s\": %s", target->name, options, mems_complaint());
    }
    return error;
}

// ---- targets -----------------------------------------------------------------------------------

void target_standard(char *list, size_t size)
{
    const struct mems_policy_row *policy;
    size_t length = 0;
    list[0] = '\0';
    for (size_t i = 0; (policy = mems_policy_at(i)) != NULL && length < size; i++) {
        length += (size_t)snprintf(list + length, size - length, "mems:%s,", policy->name);
    }
    if (length < size) {
        length += (size_t)snprintf(list + length, size - length, "?preload:mems-malloc,libc");
    }
    for (size_t i = 0; i < COUNT(target_libraries) && length < size; i++) {
        length += (size_t)snprintf(list + length, size - length, ",?preload:%s",
                                   target_libraries[i].name);
    }
}

int target_parse(const char *text, struct target *target, char *complaint, size_t size)
{
    *target = (struct target){.optional = text[0] == '?'};
    text += target->optional;
    if (strlen(text) >= sizeof target->name) {
        snprintf(complaint, size, "target %.40s...: too long", text);
        return EINVAL;
    }
    snprintf(target->name, sizeof target->name, "%s", text);
    if (strcmp(text, "libc") == 0) {
        target->family = FAMILY_MALLOC;
        return 0;
    }
    if (strcmp(text, "null") == 0) {
        target->family = FAMILY_NULL;
        return 0;
    }
    if (strncmp(text, "mems:", 5) == 0) {
        target->family = FAMILY_MEMS;
        return engine_parse(text + 5, target, complaint, size);
    }
    if (strncmp(text, "preload:", 8) == 0) {
        target->family = FAMILY_MALLOC;
        return library_find(text + 8, target, complaint, size);
    }
    snprintf(complaint, size,
             "target \"%s\": write mems:POLICY(key=value,...), libc, preload:NAME-OR-PATH or null",
             text);
    return EINVAL;
}

// ---- suppliers ---------------------------------------------------------------------------------

void target_supplier(char *path, size_t size)
{
    Dl_info info;
    char real[PATH_MAX];
    void *address = dlsym(RTLD_DEFAULT, "malloc");
    path[0] = '\0';
    if (address != NULL && dladdr(address, &info) != 0 && realpath(info.dli_fname, real) != NULL) {
        snprintf(path, size, "%s", real);
    }
}

bool target_supplied(const struct target *target, const char *supplier)
{
    if (target->family != FAMILY_MALLOC) {
        return true;
    }
    if (target->library[0] != '\0') {
        return strcmp(target->library, supplier) == 0;
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true; // the sanitizer stands in for the C library
#else
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
    const char *name = strrchr(supplier, '/');
    return name != NULL && (strncmp(name, "/libc.so", 8) == 0 || strncmp(name, "/libc-", 6) == 0);
#endif
}
