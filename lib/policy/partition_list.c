// SPDX-License-Identifier: MIT
//
// partition_list.c - "64Kix100,1Mix10": what fixed partitioning cuts the memory into.

#include "policy/partition_list.h"

#include <errno.h>
#include <string.h>

#include "memory/descriptor.h"

static int list_complain(struct printer *complaint, const char *piece, size_t length,
                         const char *why)
{
    char text[48];
    size_t n = length < sizeof text - 1 ? length : sizeof text - 1;
    memcpy(text, piece, n);
    text[n] = '\0';
    print_format(complaint, "partitions: '%s' %s; write SIZExCOUNT, as in 64Kix100,1Mix10", text,
                 why);
    return EINVAL;
}

// One "64Kix100" of the list; a size alone is one partition.
static int cut_parse(const char *piece, size_t length, struct partition_cut *cut,
                     struct printer *complaint)
{
    const char *times = memchr(piece, 'x', length);
    size_t size_length = times == NULL ? length : (size_t)(times - piece);
    cut->count = 1;
    if (option_size(piece, size_length, &cut->size) != 0) {
        return list_complain(complaint, piece, length, "has no size MeMS can read");
    }
    if (times != NULL && option_size(times + 1, length - size_length - 1, &cut->count) != 0) {
        return list_complain(complaint, piece, length, "has no count MeMS can read");
    }
    return 0;
}

int partition_list_parse(struct option_text text, struct partition_cut *cuts, size_t *count,
                         struct printer *complaint)
{
    const char *piece = text.text, *end = text.text + text.length;
    *count = 0;
    while (piece < end) {
        const char *comma = memchr(piece, ',', (size_t)(end - piece));
        size_t length = (size_t)((comma == NULL ? end : comma) - piece);
        if (*count == PARTITION_SIZES_MOST) {
            return list_complain(complaint, piece, length, "is one too many (64 at most)");
        }
        int error = cut_parse(piece, length, &cuts[*count], complaint);
        if (error != 0) {
            return error;
        }
        *count += 1;
        piece += length + 1;
    }
    return 0;
}

int partition_list_check(const struct partition_cut *cuts, size_t count, uint64_t capacity,
                         uint64_t *total, struct printer *complaint)
{
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes;
        if (cuts[i].size == 0 || cuts[i].size % 16 != 0 || cuts[i].size > DESCRIPTOR_LARGEST) {
            print_format(complaint,
                         "partition of %llu bytes: must be a multiple of 16, at most 1Ti",
                         (unsigned long long)cuts[i].size);
            return EINVAL;
        }
        if (cuts[i].count == 0 || cuts[i].count > PARTITION_COUNT_MOST) {
            print_format(complaint, "%llu partitions of %llu bytes: must be 1..4294967296",
                         (unsigned long long)cuts[i].count, (unsigned long long)cuts[i].size);
            return EINVAL;
        }
        if (__builtin_mul_overflow(cuts[i].size, cuts[i].count, &bytes) ||
            __builtin_add_overflow(*total, bytes, total) || *total > PTRDIFF_MAX / 2) {
            print_format(complaint, "partitions: more bytes than an address space has");
            return EINVAL;
        }
    }
    if (capacity != 0 && *total > capacity) {
        print_format(complaint, "partitions need %llu bytes, which exceeds capacity=%llu",
                     (unsigned long long)*total, (unsigned long long)capacity);
        return EINVAL;
    }
    return 0;
}
