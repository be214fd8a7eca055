// SPDX-License-Identifier: MIT
//
// numbers.c - block numbers and ages, the same in writer and reader of the binary form.
//
// 1. Theory. A recorded program frees young blocks mostly, and in rhythms. So a block that is used
//    again is called by its age, the number of blocks born since (1: the youngest): a repeated
//    pattern repeats as bytes, which numbers would not.
// 2. A new block takes the number that was freed last, or a fresh one: nothing need be written.
//    Traces written by hand number their blocks as they like, and write it.

#include "trace/binary.h"

#include <errno.h>
#include <string.h>

#include "trace/store.h"

uint64_t trace_hash(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

void trace_numbers_fini(struct trace_numbers *numbers)
{
    trace_store_free(numbers->birth_of, numbers->birth_room, sizeof(uint32_t));
    trace_store_free(numbers->number_of, numbers->number_room, sizeof(uint32_t));
    trace_store_free(numbers->free_stack, numbers->free_room, sizeof(uint32_t));
    memset(numbers, 0, sizeof(*numbers));
}

uint32_t trace_numbers_predict(const struct trace_numbers *numbers)
{
    return numbers->free_count > 0 ? numbers->free_stack[numbers->free_count - 1] : numbers->next;
}

static int grow(uint32_t **array, size_t *room, size_t count)
{
    void *grown = *array;
    int error = trace_store_grow(&grown, room, count, sizeof(uint32_t));
    *array = grown;
    return error;
}

int trace_numbers_alloc(struct trace_numbers *numbers, uint32_t number)
{
    if (numbers->births == UINT32_MAX) {
        return EOVERFLOW;
    }
    int error = grow(&numbers->birth_of, &numbers->birth_room, (size_t)number + 1);
    if (error == 0) {
        error = grow(&numbers->number_of, &numbers->number_room, numbers->births + 1);
    }
    if (error != 0) {
        return error;
    }
    if (number == trace_numbers_predict(numbers)) {
        if (numbers->free_count > 0) {
            numbers->free_count--;
        } else {
            numbers->next++;
        }
    }
    numbers->number_of[numbers->births] = number;
    numbers->births++;
    numbers->birth_of[number] = (uint32_t)numbers->births;
    return 0;
}

int trace_numbers_free(struct trace_numbers *numbers, uint32_t number)
{
    int error = grow(&numbers->free_stack, &numbers->free_room, numbers->free_count + 1);
    if (error == 0) {
        numbers->free_stack[numbers->free_count++] = number;
    }
    return error;
}
