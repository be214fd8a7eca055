// SPDX-License-Identifier: MIT
//
// writes.c - a program writes where it must not: into freed blocks, past the end of its own. It
// does harm to its own contents and to nothing else: no block is handed out twice, none outside of
// the heap, and each is freed as ever.

#include "misuse/malloc/sin.h"

enum { VICTIM_BYTES = 4 << 20 };

static _Alignas(4096) unsigned char victim_static[65536];

struct field { // blocks of one size
    size_t size;
    size_t count;
    unsigned char **blocks; // of room for twice as many
    unsigned char *victim;  // mapped memory that looks like a heap's, of VICTIM_BYTES
};

static struct field field_made(size_t size)
{
    struct field field = {.size = size, .count = 64 + (1 << 18) / (size + 16)};
    field.count = size > 65536 ? 16 : field.count;
    field.blocks = probe_map(2 * field.count * sizeof *field.blocks);
    field.victim = probe_map(VICTIM_BYTES);
    for (size_t i = 0; i < field.count; i++) {
        field.blocks[i] = probe_malloc(size);
    }
    return field;
}

static int compare(const void *a, const void *b)
{
    unsigned char *const *left = a, *const *right = b;
    return (*left > *right) - (*left < *right);
}

static bool meets(const unsigned char *block, size_t length, const void *other, size_t bytes)
{
    uintptr_t a = (uintptr_t)block, b = (uintptr_t)other;
    return a < b + bytes && b < a + length;
}

// No two of the blocks share a byte, and none is memory that a forged link points to.
static void apart(const struct field *field, size_t count, const void *stack, size_t stack_bytes)
{
    qsort(field->blocks, count, sizeof *field->blocks, compare);
    for (size_t i = 0; i < count; i++) {
        unsigned char *block = field->blocks[i];
        size_t usable = probe_usable(block);
        probe_require(usable >= field->size, "%p has %zu bytes", (void *)block, usable);
        probe_require(i + 1 == count || (size_t)(field->blocks[i + 1] - block) >= usable,
                      "%p and %p overlap", (void *)block, (void *)field->blocks[i + 1]);
        probe_require(!meets(block, usable, victim_static, sizeof victim_static) &&
                          !meets(block, usable, field->victim, VICTIM_BYTES) &&
                          !meets(block, usable, stack, stack_bytes),
                      "%p is outside of the heap", (void *)block);
    }
}

// Each block in use holds its own address; whoever got it a second time would write another.
static void stamp(const struct field *field, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *(void **)(void *)field->blocks[i] = field->blocks[i];
    }
    for (size_t i = 0; i < count; i++) {
        probe_require(*(void **)(void *)field->blocks[i] == field->blocks[i],
                      "%p was written by another block", (void *)field->blocks[i]);
    }
}

static void all_freed(const struct field *field, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        probe_free(field->blocks[i]);
    }
}

// Twice as many as there were: those that are left, and more.
static void go_on(struct field *field, size_t from, const void *stack, size_t stack_bytes)
{
    for (int round = 0; round < 3; round++) {
        for (size_t i = from; i < 2 * field->count; i++) {
            field->blocks[i] = probe_malloc(field->size);
        }
        apart(field, 2 * field->count, stack, stack_bytes);
        stamp(field, 2 * field->count);
        all_freed(field, 2 * field->count);
        from = 0;
    }
}

// ---- after free ---------------------------------------------------------------------------------

// The word again and again, over the first bytes of a block.
static void words_poked(unsigned char *to, const void *word, size_t bytes)
{
    const void *words[32];
    for (size_t i = 0; i < 32; i++) {
        words[i] = word;
    }
    size_t length = bytes < sizeof words ? bytes : sizeof words;
    struct iovec from = {words, length}, into = {to, length};
    (void)!process_vm_writev(getpid(), &from, 1, &into, 1, 0);
}

static void use_after_free(size_t size, const void *word, const void *stack, size_t stack_bytes)
{
    struct field field = field_made(size < 16 ? 16 : size);
    if (word == NULL) {
        word = field.victim;
    }
    stamp(&field, field.count);
    size_t left = field.count / 2; // the second half goes
    for (size_t i = left; i < field.count; i++) {
        probe_free(field.blocks[i]);
    }
    for (size_t i = left; i < field.count; i++) {
        words_poked(field.blocks[i], word, field.size);
    }
    go_on(&field, left, stack, stack_bytes);
}

static void link_to_map(size_t size)
{
    use_after_free(size, NULL, victim_static, 1);
}

static void link_to_static(size_t size)
{
    use_after_free(size, victim_static + 4096, victim_static, 1);
}

static void link_to_stack(size_t size)
{
    _Alignas(64) unsigned char bytes[1024] = {0};
    use_after_free(size, bytes + 256, bytes, sizeof bytes);
}

// A block that lives is what a redirected link would hand out again.
static void link_to_live(size_t size)
{
    void *live = sin_block(size < 16 ? 16 : size);
    use_after_free(size, live, live, size);
}

static void link_to_nowhere(size_t size)
{
    use_after_free(size, (void *)(uintptr_t)0x4141414141414141, victim_static, 1);
}

static void *writer(void *argument)
{
    struct field *field = argument;
    for (size_t i = field->count / 2; i < field->count; i++) {
        probe_free(field->blocks[i]);
        probe_poke(field->blocks[i], 0x41, field->size < 64 ? field->size : 64);
    }
    return NULL;
}

// Freed by another thread, which writes afterwards, where a list of remote frees might be.
static void after_remote_free(size_t size)
{
    struct field field = field_made(size);
    probe_in_thread(writer, &field);
    go_on(&field, field.count / 2, victim_static, 1);
}

// ---- past the end -------------------------------------------------------------------------------

static void overflow(size_t size, size_t bytes)
{
    static const unsigned char VALUES[] = {0x00, 0xff, 0x41};
    struct field field = field_made(size);
    for (size_t v = 0; v < sizeof VALUES; v++) {
        for (size_t i = 0; i < field.count; i++) {
            probe_poke(field.blocks[i] + probe_usable(field.blocks[i]), VALUES[v], bytes);
        }
        apart(&field, field.count, victim_static, 1);
        for (size_t i = 0; i < field.count; i += 2) { // every other one is another now
            probe_free(field.blocks[i]);
        }
        for (size_t i = 0; i < field.count; i += 2) {
            field.blocks[i] = probe_malloc(size);
        }
    }
    go_on(&field, field.count, victim_static, 1);
}

static void overflow_1(size_t size)
{
    overflow(size, 1);
}

static void overflow_8(size_t size)
{
    overflow(size, 8);
}

static void overflow_16(size_t size)
{
    overflow(size, 16);
}

static void overflow_64(size_t size)
{
    overflow(size, 64);
}

static void overflow_128(size_t size)
{
    overflow(size, 128);
}

// The same in front of a block.
static void underflow_128(size_t size)
{
    struct field field = field_made(size);
    for (size_t i = 0; i < field.count; i++) {
        probe_poke(field.blocks[i] - 128, 0x41, 128);
    }
    go_on(&field, field.count, victim_static, 1);
}

int main(int argc, char **argv)
{
    static const struct probe SINS[] = {
        {"link_to_map", link_to_map, PROBE_CLASSES},
        {"link_to_static", link_to_static, PROBE_SOME},
        {"link_to_stack", link_to_stack, PROBE_SOME},
        {"link_to_live", link_to_live, PROBE_CLASSES},
        {"link_to_nowhere", link_to_nowhere, PROBE_SOME},
        {"large_link_to_map", link_to_map, PROBE_LARGE},
        {"after_remote_free", after_remote_free, PROBE_CLASSES},
        {"overflow_1", overflow_1, PROBE_CLASSES},
        {"overflow_8", overflow_8, PROBE_SOME},
        {"overflow_16", overflow_16, PROBE_SOME},
        {"overflow_64", overflow_64, PROBE_SOME},
        {"overflow_128", overflow_128, PROBE_CLASSES},
        {"underflow_128", underflow_128, PROBE_CLASSES},
        {"large_overflow_128", overflow_128, PROBE_LARGE},
    };
    return probe_main(SINS, sizeof SINS / sizeof SINS[0], argc, argv);
}
