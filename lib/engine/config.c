// SPDX-License-Identifier: MIT
//
// config.c - the words that configure an engine, and what is said when they are wrong.

#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "engine/engine.h"
#include "sync/lock.h"

#define FIELD(name) offsetof(struct engine_settings, name)

static const struct option engine_options[] = {
    {"thread_cache", OPTION_FLAG, 0, 0, NULL, "yes|no", "yes",
     "per-thread magazines in front of the policy (never with flat addresses); slab: a front each",
     FIELD(thread_cache)},
    {"cache_blocks", OPTION_NUMBER, 1, 4096, NULL, "1..4096", "1024",
     "most blocks in one magazine; large classes hold fewer (not slab)", FIELD(cache_blocks)},
    {"cache_limit", OPTION_SIZE, 16, CLASSES_LARGEST, NULL, "16..32Ki", "32Ki",
     "largest block that magazines hold (not slab)", FIELD(cache_limit)},
    {0},
};

// ---- complaints --------------------------------------------------------------------------------

static _Thread_local char complaint_text[COMPLAINT_LENGTH];

void complaint_init(struct complaint *complaint)
{
    print_init(&complaint->printer, complaint->text, sizeof complaint->text);
}

int complaint_fail(const struct complaint *complaint, int error)
{
    memcpy(complaint_text, complaint->text, complaint->printer.length + 1);
    return error;
}

int complaint_raise(const char *text, int error)
{
    struct complaint complaint;
    complaint_init(&complaint);
    print_text(&complaint.printer, text);
    return complaint_fail(&complaint, error);
}

const char *mems_complaint(void)
{
    return complaint_text;
}

const char *mems_error_text(int error)
{
    switch (error) {
    case 0:
        return "success";
    case EALREADY:
        return "double free";
    case ESTALE:
        return "stale address";
    case EFAULT:
        return "foreign address";
    case EINVAL:
        return "interior address or invalid argument";
    case EPERM:
        return "another space's address";
    case ERANGE:
        return "past the end of the block";
    case ENOMEM:
        return "out of memory";
    case EACCES:
        return "no right to use it that way";
    case ENOSPC:
        return "swap is full";
    case EIO:
        return "swap cannot be read or written";
    case EAGAIN:
        return "not resident";
    case EBUSY:
        return "still in use";
    case ENOTSUP:
        return "not supported by this policy";
    case ENOENT:
        return "no such thing";
    case EUCLEAN:
        return "an invariant is broken";
    default:
        return "unknown error";
    }
}

// ---- tables ------------------------------------------------------------------------------------

#define OPTIONS_MOST  40
#define POLICIES_MOST 16

// The public rows are made once from the tables the rooms keep.
static struct mems_option option_rows[POLICIES_MOST + 1][OPTIONS_MOST];
static struct mems_policy_row policy_rows[POLICIES_MOST];
static size_t policy_count;
static int rows_made; // [atomic]
static struct lock rows_lock = LOCK_READY(LOCK_FACE, "tables");

static void option_rows_make(struct mems_option *rows, const struct option *table)
{
    for (size_t i = 0; table[i].name != NULL && i < OPTIONS_MOST - 1; i++) {
        rows[i] = (struct mems_option){.name = table[i].name,
                                       .values = table[i].values,
                                       .standard = table[i].standard,
                                       .help = table[i].help};
    }
}

static void rows_make(void)
{
    if (load_acquire(&rows_made)) { // [A:rows]
        return;
    }
    lock_lock(&rows_lock);
    if (!load_relaxed(&rows_made)) {
        const struct policy *policy;
        option_rows_make(option_rows[POLICIES_MOST], engine_options);
        for (size_t i = 0; i < POLICIES_MOST && (policy = policy_at(i)) != NULL; i++) {
            policy_rows[i] = (struct mems_policy_row){policy->name, policy->help};
            option_rows_make(option_rows[i], policy->options);
            policy_count = i + 1;
        }
        store_release(&rows_made, 1); // [R:rows]
    }
    lock_unlock(&rows_lock);
}

const struct mems_policy_row *mems_policy_at(size_t index)
{
    rows_make();
    return index < policy_count ? &policy_rows[index] : NULL;
}

const struct mems_option *mems_option_at(const char *policy, size_t index)
{
    rows_make();
    size_t row = POLICIES_MOST;
    if (policy != NULL) {
        for (row = 0; row < policy_count && strcmp(policy_rows[row].name, policy) != 0; row++) {
        }
        if (row == policy_count) {
            return NULL;
        }
    }
    return index < OPTIONS_MOST && option_rows[row][index].name != NULL ? &option_rows[row][index]
                                                                        : NULL;
}

// ---- parsing -----------------------------------------------------------------------------------

int config_parse(const struct mems_config *config, struct engine_settings *settings,
                 void *policy_settings, const struct policy **policy, struct printer *complaint)
{
    const char *name = config->policy != NULL ? config->policy : "dynamic";
    *policy = policy_find(name);
    if (*policy == NULL) {
        print_format(complaint, "unknown policy '%s': there is", name);
        for (size_t i = 0; policy_at(i) != NULL; i++) {
            print_format(complaint, "%s %s", i == 0 ? "" : ",", policy_at(i)->name);
        }
        return EINVAL;
    }
    struct option_set sets[2] = {{engine_options, settings}, {(*policy)->options, policy_settings}};
    return option_parse(sets, 2, config->options, complaint);
}
