// SPDX-License-Identifier: MIT
//
// test_steps.c - a trace made ready for replay, replayed in every order that its waits allow.
//
// No threads here: a scheduler picks at random whose step is next. Every allocation and resize has
// a size of its own, from which the operation of the trace is known again.

#include "random_trace.h"
#include "workload/trace_steps.h"

// Sizes that name their operation: (index + 1) * 1000; offsets stay below the smallest.
static struct trace *named_trace(uint64_t seed, enum random_style style, size_t ops)
{
    struct trace *trace = random_trace(seed, style, ops);
    for (size_t i = 0; i < trace->op_count; i++) {
        struct trace_op *op = &trace->ops[i];
        if (op->kind == TRACE_TOUCH) {
            op->size %= 1000;
        } else if (trace_kind_has_block(op->kind) && op->kind != TRACE_FREE) {
            op->size = (i + 1) * 1000;
            op->flag = 0;
        }
    }
    return trace;
}

struct thread_state {
    const struct trace_step *at;
    uint64_t published;
    uint32_t space;
    bool ended;
};

struct simulation {
    const struct trace *trace;
    const struct trace_steps *steps;
    struct thread_state threads[8];
    size_t *born; // by slot: the allocation's operation + 1; 0: empty
    size_t *last; // by slot: the last operation on the block that is known, + 1
    size_t allocs, frees, touches;
};

static bool can_run(const struct simulation *simulation, const struct thread_state *thread,
                    unsigned pass)
{
    if (thread->ended) {
        return false;
    }
    const struct trace_step *step = thread->at;
    return step->kind != STEP_WAIT ||
           simulation->threads[step->thread].published >=
               pass * simulation->steps->published[step->thread] + step->size;
}

static void use(struct simulation *simulation, struct thread_state *thread)
{
    const struct trace_step *step = thread->at;
    size_t *born = &simulation->born[step->slot], *last = &simulation->last[step->slot];
    size_t index = step->size / 1000;
    assert_true(step->slot < simulation->steps->slot_count);
    if (step->kind <= STEP_ALLOC_ZEROED) {
        assert_int_equal(0, *born);
        *born = *last = index;
        simulation->allocs++;
    } else {
        assert_int_not_equal(0, *born); // else it would have been refused, or come too early
    }
    const struct trace_op *birth = &simulation->trace->ops[*born - 1];
    if (step->kind == STEP_RESIZE) {
        // Of this block, and later than what was done to it before.
        assert_int_equal(birth->block, simulation->trace->ops[index - 1].block);
        assert_true(index > *last);
        *last = index;
    }
    if (simulation->trace->process_count > 1) {
        assert_int_equal(birth->process, thread->space);
    }
    simulation->touches += step->kind == STEP_READ || step->kind == STEP_WRITE;
    if (step->kind == STEP_FREE) {
        simulation->frees++;
        *born = 0;
    }
}

static void run_step(struct simulation *simulation, struct thread_state *thread)
{
    switch (thread->at->kind) {
    case STEP_WAIT:
        break;
    case STEP_PUBLISH:
        thread->published++;
        break;
    case STEP_SPACE:
        thread->space = thread->at->slot;
        break;
    case STEP_END:
        thread->ended = true;
        return;
    default:
        use(simulation, thread);
    }
    thread->at++;
}

static void pass(struct simulation *simulation, unsigned number, struct random *random)
{
    unsigned count = simulation->steps->thread_count, ended = 0;
    for (unsigned i = 0; i < count; i++) {
        simulation->threads[i].at = simulation->steps->threads[i];
        simulation->threads[i].ended = false;
    }
    while (ended < count) {
        unsigned first = (unsigned)random_below(random, count), tried = 0;
        unsigned burst = (unsigned)random_below(random, 30); // as a scheduler does
        struct thread_state *thread;
        do {
            thread = &simulation->threads[(first + tried++) % count];
        } while (!can_run(simulation, thread, number) && tried <= count);
        assert_true(tried <= count); // else all wait for each other
        do {
            run_step(simulation, thread);
        } while (burst-- > 0 && can_run(simulation, thread, number));
        ended += thread->ended;
    }
    for (uint32_t i = 0; i < simulation->steps->slot_count; i++) {
        assert_int_equal(0, simulation->born[i]);
    }
}

static void replay(uint64_t seed, enum random_style style, size_t ops)
{
    struct trace *trace = named_trace(seed, style, ops);
    struct trace_steps steps;
    assert_int_equal(0, trace_steps_make(trace, &steps));
    struct simulation simulation = {.trace = trace, .steps = &steps};
    struct random random;
    random_init(&random, seed, ops, 1);
    simulation.born = calloc(steps.slot_count + 1, sizeof(size_t));
    simulation.last = calloc(steps.slot_count + 1, sizeof(size_t));
    for (unsigned i = 0; i < 3; i++) {
        pass(&simulation, i, &random);
    }
    size_t allocs = 0, touches = 0;
    for (size_t i = 0; i < trace->op_count; i++) {
        allocs += trace_kind_allocates(trace->ops[i].kind);
        touches += trace->ops[i].kind == TRACE_TOUCH;
    }
    assert_int_equal(3 * allocs, simulation.allocs);
    assert_int_equal(3 * allocs, simulation.frees);
    assert_int_equal(3 * touches, simulation.touches);
    free(simulation.born);
    free(simulation.last);
    trace_free(trace);
}

static void test_any_order(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (unsigned i = 0; i < 300 / MEMS_TEST_SCALE; i++) {
        replay(seed + i, i % 2 == 0 ? RANDOM_RECORDED : RANDOM_NUMBERED, 1 + i * 3);
    }
}

// Blocks that always go one way: slots do not grow without bound, and nobody waits in a circle.
static void test_one_way(void **state)
{
    (void)state;
    struct trace *trace = trace_new();
    assert_int_equal(0, trace_add_process(trace, "P", 1));
    for (size_t i = 0; i < 200000; i++) {
        const struct trace_op made = {.kind = TRACE_ALLOC,
                                      .call = TRACE_CALL_MALLOC,
                                      .size = (2 * i + 1) * 1000,
                                      .thread = 0};
        const struct trace_op freed = {.kind = TRACE_FREE, .call = TRACE_CALL_FREE, .thread = 1};
        assert_int_equal(0, trace_append(trace, &made));
        assert_int_equal(0, trace_append(trace, &freed));
    }
    struct trace_steps steps;
    assert_int_equal(0, trace_steps_make(trace, &steps));
    assert_true(steps.slot_count <= 65536 + TRACE_SPARE);
    struct simulation simulation = {.trace = trace, .steps = &steps};
    struct random random;
    random_init(&random, 1, 1, 1);
    simulation.born = calloc(steps.slot_count, sizeof(size_t));
    simulation.last = calloc(steps.slot_count, sizeof(size_t));
    pass(&simulation, 0, &random);
    assert_int_equal(200000, simulation.frees);
    free(simulation.born);
    free(simulation.last);
    trace_free(trace);
}

// A thread alone waits for nobody.
static void test_alone(void **state)
{
    (void)state;
    struct trace *trace = random_trace(9, RANDOM_RECORDED, 500);
    for (size_t i = 0; i < trace->op_count; i++) {
        trace->ops[i].thread = 0;
    }
    trace->thread_count = 1;
    struct trace_steps steps;
    assert_int_equal(0, trace_steps_make(trace, &steps));
    for (const struct trace_step *step = steps.threads[0]; step->kind != STEP_END; step++) {
        assert_true(step->kind != STEP_WAIT && step->kind != STEP_PUBLISH);
    }
    trace_free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_one_way),
        cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
