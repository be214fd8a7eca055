// SPDX-License-Identifier: MIT
//
// vm_segment_settings.c - what vm-segmentation can be told, and what cannot work.

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/vm_segment.h"

_Static_assert(sizeof(struct vm_segment_settings) <= POLICY_SETTINGS, "the engine keeps them");

// ---- what works --------------------------------------------------------------------------------

static bool text_is(const struct option_text *text, const char *word)
{
    return text->length == strlen(word) && memcmp(text->text, word, text->length) == 0;
}

// Those that are true without a trace of each hit (4 above).
static bool is_true_of_segments(const struct replacement *replacement)
{
    return replacement->touch == REPLACEMENT_TOUCH_NONE ||
           strcmp(replacement->name, "clock") == 0 ||
           strcmp(replacement->name, "second-chance") == 0;
}

static bool is_offered(const struct replacement *replacement, bool paged)
{
    return paged ? replacement != &replacement_opt : is_true_of_segments(replacement);
}

static int replacement_choose(const struct vm_segment_settings *settings, uint32_t *index,
                              struct printer *complaint)
{
    const struct replacement *found = NULL, *row;
    const struct option_text *name = &settings->replacement;
    for (uint32_t i = 0; (row = replacement_at(i)) != NULL; i++) {
        if (text_is(name, row->name)) {
            found = row;
            *index = i;
        }
    }
    if (found != NULL && is_offered(found, settings->paged)) {
        return 0;
    }
    char word[40];
    size_t length = name->length < sizeof word ? name->length : sizeof word - 1;
    memcpy(word, name->text, length);
    word[length] = '\0';
    print_format(complaint, "replacement=%s: %s; there is", word,
                 found == NULL     ? "unknown"
                 : settings->paged ? "pages have other numbers each time a segment is active"
                                   : "hits on whole segments leave too little trace for it");
    bool first = true;
    for (size_t i = 0; (row = replacement_at(i)) != NULL; i++) {
        if (is_offered(row, settings->paged)) {
            print_format(complaint, "%s %s", first ? "" : ",", row->name);
            first = false;
        }
    }
    return EINVAL;
}

static int whole_validate(const struct vm_segment_settings *settings, struct printer *complaint)
{
    uint64_t page = os_page_size();
    uint64_t least = settings->granule > page ? settings->granule : page;
    if (!bits_is_power_of_two(settings->granule) || settings->granule < 16) {
        print_format(complaint, "granule=%llu: must be a power of two and at least 16",
                     (unsigned long long)settings->granule);
        return EINVAL;
    }
    if (settings->capacity < least) {
        print_format(complaint, "capacity=%llu: too small, at least %llu bytes",
                     (unsigned long long)settings->capacity, (unsigned long long)least);
        return EINVAL;
    }
    if (!bits_is_power_of_two(settings->slot)) {
        print_format(complaint, "slot=%llu: must be a power of two",
                     (unsigned long long)settings->slot);
        return EINVAL;
    }
    if (settings->swap < settings->slot) {
        print_format(complaint,
                     "swap=%llu: too small, a slot takes %llu; and every block has its place there",
                     (unsigned long long)settings->swap, (unsigned long long)settings->slot);
        return EINVAL;
    }
    return 0;
}

int vm_segment_validate(const struct vm_segment_settings *settings, uint32_t *replacement,
                        struct printer *complaint)
{
    int error = replacement_choose(settings, replacement, complaint);
    return error != 0 || settings->paged ? error : whole_validate(settings, complaint);
}

// ---- the options -------------------------------------------------------------------------------

#define CAPACITY_MOST (UINT64_C(1) << 46)

static const char *const fit_names[] = {"first", "next", "best", "worst", NULL};

#define FIELD(name) offsetof(struct vm_segment_settings, name)

const struct option vm_segment_options[] = {
    {"fit", OPTION_CHOICE, 0, 0, fit_names, "first|next|best|worst", "first",
     "which hole a segment is cut from", FIELD(fit)},
    {"capacity", OPTION_SIZE, 1, CAPACITY_MOST, NULL, "1..64Ti", "64Mi",
     "memory for segments; those that it does not hold are on swap", FIELD(capacity)},
    {"swap", OPTION_SIZE, 1, CAPACITY_MOST, NULL, "1..64Ti", "256Mi",
     "swap; every segment has its place there reserved, so all together take at most this",
     FIELD(swap)},
    {"swap_file", OPTION_TEXT, 0, 0, NULL, "a folder", "",
     "where swap is a file without a name; none: where TMPDIR says, else /tmp", FIELD(swap_file)},
    {"slot", OPTION_SIZE, 16, 1 << 20, NULL, "a power of two, 16..1Mi", "64",
     "swap is given out in pieces of this size", FIELD(slot)},
    {"replacement", OPTION_TEXT, 0, 0, NULL, "fifo|clock|second-chance|random", "second-chance",
     "which segment leaves when a place is wanted; paged=yes: which page, any algorithm but opt",
     FIELD(replacement)},
    {"granule", OPTION_SIZE, 16, 1 << 20, NULL, "a power of two, 16..1Mi", "16",
     "sizes are rounded up to it", FIELD(granule)},
    COMPACTION_OPTIONS(FIELD(compaction)),
    {"paged", OPTION_FLAG, 0, 0, NULL, "yes|no", "no",
     "yes: segments consist of pages, in any frames; fit, granule and slot have no meaning",
     FIELD(paged)},
    {"page", OPTION_SIZE, 64, UINT64_C(1) << 21, NULL, "a power of two, 64..2Mi", "4Ki",
     "paged=yes: size of a page, a frame and a slot of swap", FIELD(page)},
    {"active", OPTION_NUMBER, 0, UINT32_MAX, NULL, "1..2^32-1", "1024",
     "paged=yes: segments that have a page table in memory", FIELD(active)},
    {"seed", OPTION_NUMBER, 0, UINT64_MAX, NULL, "0..2^64-1", "1", "for replacement=random",
     FIELD(seed)},
    {0},
};
