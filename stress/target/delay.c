// SPDX-License-Identifier: MIT
//
// delay.c - the target "delay": another target with a known extra cost for each operation.
//
// 1. Theory. Whether a comparison finds a slow-down can only be tried with a slow-down whose size
//    is known. A wait by the clock would not do: a machine that runs at half its speed for a minute
//    would make the operations twice as long, and the wait not. Here the extra cost is a number of
//    dependent arithmetic steps, about one cycle each, which slow down and speed up with the rest.
// 2. Dependence. A processor does independent work side by side: steps whose result nobody waits
//    for would cost next to nothing. So the inner call's argument is computed from the last step's
//    result, in a way that does not change it: masked with a zero that neither the compiler nor the
//    processor knows to be one.
// 3. Form. delay:STEPS(TARGET), where TARGET is any target, its own parentheses included; all the
//    rest (preload, sizes, engine, checks) is the inner target's. "delay:0(libc)" is libc with one
//    call more. A word behind the steps, "delay:0/again(libc)", does nothing but make a name: a
//    section measures no target twice, and this one is another.
// 4. State. One instance a process, as target/malloc.c: what the operations need is static, so that
//    they need no look-up. The instance and the spaces are the inner target's own.

#include <errno.h>
#include <mems/engine.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "target/rows.h"

#define DELAY_MOST 1000000000

// [ro] once open
static const struct target *delay_inner;
static struct target_ops delay_calls; // of the inner target
static uint64_t delay_steps;
static uint64_t delay_zero;

// `argument`, as late as the steps are done.
static inline uint64_t delay_pass(uint64_t argument)
{
    uint64_t value = argument;
    for (uint64_t left = delay_steps; left > 0; left--) {
        value ^= left;
        __asm__ volatile("" : "+r"(value));
    }
    return argument ^ (value & delay_zero);
}

static int delay_alloc(void *space, size_t size, size_t align, uint64_t *block)
{
    return delay_calls.alloc(space, delay_pass(size), align, block);
}

static int delay_alloc_zeroed(void *space, size_t size, uint64_t *block)
{
    return delay_calls.alloc_zeroed(space, delay_pass(size), block);
}

static int delay_release(void *space, uint64_t block)
{
    return delay_calls.release(space, delay_pass(block));
}

static int delay_resize(void *space, uint64_t *block, size_t size)
{
    return delay_calls.resize(space, block, delay_pass(size));
}

// Completed by delay_open: what is no operation goes to the inner target directly.
static struct target_ops delay_ops = {
    .alloc = delay_alloc,
    .alloc_zeroed = delay_alloc_zeroed,
    .release = delay_release,
    .resize = delay_resize,
};

static int delay_read_steps(const struct target_spec *spec, uint64_t *steps,
                            struct complaint *complaint)
{
    const char *text = spec->argument != NULL ? spec->argument : "";
    char *end;
    size_t digits = strspn(text, "0123456789");
    errno = 0;
    *steps = strtoull(text, &end, 10);
    bool named = *end == '/' && end[1] != '\0';
    if (digits == 0 || errno != 0 || *steps > DELAY_MOST || (*end != '\0' && !named)) {
        complain(complaint,
                 "target %s: \"%s\" is no number of steps; write delay:STEPS(TARGET) with 0 .. %d "
                 "steps",
                 spec->name, text, DELAY_MOST);
        return EINVAL;
    }
    return 0;
}

static int delay_resolve(struct target_spec *spec, struct complaint *complaint)
{
    uint64_t steps;
    if (delay_read_steps(spec, &steps, complaint) != 0) {
        return EINVAL;
    }
    if (spec->options == NULL || spec->options[strspn(spec->options, " \t?")] == '\0') {
        complain(complaint, "target %s: which target is it to delay? write delay:%llu(libc)",
                 spec->name, (unsigned long long)steps);
        return EINVAL;
    }
    if (strchr(spec->options, '?') == spec->options) {
        complain(complaint, "target %s: the '?' stands in front of all of it: ?delay:...",
                 spec->name);
        return EINVAL;
    }
    spec->inner = calloc(1, sizeof *spec->inner);
    if (spec->inner == NULL) {
        complain_exhausted();
    }
    int error = target_parse(spec->options, spec->folder, spec->inner, complaint);
    if (error == 0 && spec->inner->inner != NULL) {
        complain(complaint, "target %s: a delay of a delay; add their steps up", spec->name);
        error = EINVAL;
    }
    if (error != 0) {
        target_spec_fini(spec->inner);
        free(spec->inner);
        spec->inner = NULL;
    } else if (spec->inner->preload != NULL) {
        spec->preload = strdup(spec->inner->preload);
    }
    return error;
}

static int delay_open(const struct target_spec *spec, const struct target_demand *demand,
                      struct target_instance **instance, struct complaint *complaint)
{
    int error = delay_read_steps(spec, &delay_steps, complaint);
    if (error == 0) {
        error = spec->inner->target->open(spec->inner, demand, instance, complaint);
    }
    if (error != 0) {
        return error;
    }
    delay_inner = spec->inner->target;
    delay_calls = *delay_inner->ops;
    delay_ops.access_begin = delay_calls.access_begin;
    delay_ops.access_end = delay_calls.access_end;
    delay_ops.block_size = delay_calls.block_size;
    delay_ops.usable = delay_calls.usable;
    delay_ops.no_memory = delay_calls.no_memory;
    __asm__ volatile("" : "=r"(delay_zero) : "0"((uint64_t)0));
    return 0;
}

static void delay_close(struct target_instance *instance)
{
    delay_inner->close(instance);
}

static int delay_space_open(struct target_instance *instance, void **space)
{
    return delay_inner->space_open(instance, space);
}

static void delay_space_close(struct target_instance *instance, void *space)
{
    delay_inner->space_close(instance, space);
}

static void delay_usage(struct target_instance *instance, struct target_usage *usage)
{
    delay_inner->usage(instance, usage);
}

static void delay_native(struct target_instance *instance, target_statistic take, void *arg)
{
    if (delay_inner->native != NULL) {
        delay_inner->native(instance, take, arg);
    }
}

static int delay_check(struct target_instance *instance, struct complaint *complaint)
{
    return delay_inner->check != NULL ? delay_inner->check(instance, complaint) : ENOTSUP;
}

static bool delay_moves(struct target_instance *instance)
{
    return delay_inner->moves != NULL && delay_inner->moves(instance);
}

static struct mems_engine *delay_engine(struct target_instance *instance)
{
    return delay_inner->engine != NULL ? delay_inner->engine(instance) : NULL;
}

static void delay_each_word(target_word take, void *arg)
{
    take(arg, "delay:", target_delay.help);
}

const struct target target_delay = {
    .name = "delay",
    .form = "delay:STEPS(TARGET)",
    .help = "a target with so many dependent arithmetic steps more for each operation",
    .each_word = delay_each_word,
    .resolve = delay_resolve,
    .open = delay_open,
    .close = delay_close,
    .space_open = delay_space_open,
    .space_close = delay_space_close,
    .ops = &delay_ops,
    .usage = delay_usage,
    .check = delay_check,
    .native = delay_native,
    .moves = delay_moves,
    .engine = delay_engine,
};
