// SPDX-License-Identifier: MIT
//
// test_replacement.c - every replacement algorithm against its model, and the laws they obey.

#include "property/model_replacement.h"
#include "support/references.h"

struct pair {
    const char *name;
    model_reference model;
    bool load_ref;
    uint64_t parameter; // tau, F
};

static const struct pair pairs[] = {
    {"fifo", model_fifo, false, 0},
    {"lru", model_lru, false, 0},
    {"clock", model_clock, true, 0},
    {"clock", model_clock, false, 0},
    {"second-chance", model_second_chance, true, 0},
    {"second-chance", model_second_chance, false, 0},
    {"nru", model_nru, false, 0},
    {"lfu", model_lfu, false, 0},
    {"random", model_random, false, 0},
    {"opt", model_opt, false, 0},
    {"arc", model_arc, false, 0},
    {"2q", model_2q, false, 0},
    {"lirs", model_lirs, false, 0},
    {"s3fifo", model_s3fifo, false, 0},
    {"sieve", model_sieve, false, 0},
    {"ws", model_ws, false, 1},
    {"ws", model_ws, false, 20},
    {"ws", model_ws, false, 200},
    {"pff", model_pff, false, 0},
    {"pff", model_pff, false, 3},
    {"pff", model_pff, false, 30},
};

enum { PAIRS = sizeof pairs / sizeof pairs[0] };
enum { STREAMS = 5 };

static const uint32_t frame_counts[] = {1, 2, 3, 7, 20, 64, 100, 250};

enum { FRAME_COUNTS = sizeof frame_counts / sizeof frame_counts[0] };
// At least 10^6 references for each pair.
enum { LENGTH = 26000, STEPS = 30000 };

static uint64_t seed;

// Pages by rank: the chance falls with it, roughly as 1 / rank.
static uint64_t draw_zipf(uint64_t pages)
{
    uint64_t bound = 1;
    while (bound < pages && test_below(&seed, 6) != 0) {
        bound *= 2;
    }
    return test_below(&seed, bound < pages ? bound : pages);
}

// Kinds: zipf; uniform; a loop, now and then left for a random page; phases, each with a few pages
// of its own; a mix of zipf and scans.
static void fill_stream(unsigned kind, uint64_t *string, size_t count, uint64_t pages)
{
    uint64_t loop = 1 + test_below(&seed, pages), base = 0, width = pages;
    for (size_t i = 0; i < count; i++) {
        if (i % 500 == 0) {
            width = 1 + test_below(&seed, pages / 2 + 1);
            base = test_below(&seed, pages);
        }
        uint64_t uniform = test_below(&seed, pages);
        switch (kind) {
        case 0:
            string[i] = draw_zipf(pages);
            break;
        case 1:
            string[i] = uniform;
            break;
        case 2:
            string[i] = uniform % 16 == 0 ? uniform : i % loop;
            break;
        case 3:
            string[i] = (base + uniform % width) % pages;
            break;
        default:
            string[i] = i % 1000 < 250 ? i % pages : draw_zipf(pages);
            break;
        }
    }
}

// Twice to five times the frames: faults and hits both.
static uint64_t some_pages(uint32_t frames)
{
    uint64_t pages = frames + 1 + test_below(&seed, 2 * (uint64_t)frames + 4);
    return pages < MODEL_PAGES ? pages : MODEL_PAGES;
}

static struct model *model_open(const struct replacement_config *config, const uint64_t *string,
                                size_t count)
{
    struct model *model = references_array(1, sizeof *model);
    uint64_t *next = references_array(count, sizeof *next);
    uint64_t seen[MODEL_PAGES];
    memset(seen, 0xff, sizeof seen);
    for (size_t i = count; i-- > 0;) {
        next[i] = seen[string[i]];
        seen[string[i]] = i;
    }
    model->frames = config->frames;
    model->load_ref = config->clock_load_ref;
    model->tau = config->tau;
    model->interval = config->interval;
    model->next = next;
    rng_init(&model->rng, config->seed);
    return model;
}

static void model_close(struct model *model)
{
    free((void *)(uintptr_t)model->next);
    free(model);
}

static void compare(const struct pair *pair, uint32_t frames, unsigned kind, size_t count)
{
    static uint64_t string[LENGTH];
    uint64_t pages = some_pages(frames);
    fill_stream(kind, string, count, pages);
    struct replacement_config config = {.frames = frames,
                                        .clock_load_ref = pair->load_ref,
                                        .tau = pair->parameter,
                                        .interval = pair->parameter,
                                        .seed = test_random(&seed),
                                        .future = string,
                                        .future_count = count};
    struct model *model = model_open(&config, string, count);
    struct references *r = references_open(replacement_find(pair->name), &config, pages);
    for (size_t i = 0; i < count; i++) {
        bool write = test_below(&seed, 4) == 0;
        model->evicted_count = 0;
        bool expected = pair->model(model, string[i], write);
        bool fault = references_to(r, string[i], write);
        test_require(fault == expected, "%s, %u frames, stream %u, reference %zu: fault is %d",
                     pair->name, frames, kind, i, fault);
        test_require(
            r->evicted_count == model->evicted_count &&
                memcmp(r->evicted, model->evicted, r->evicted_count * sizeof r->evicted[0]) == 0,
            "%s, %u frames, stream %u, reference %zu: %zu evicted, first %" PRIu64
            "; not %zu, first %" PRIu64,
            pair->name, frames, kind, i, r->evicted_count, r->evicted[0], model->evicted_count,
            model->evicted[0]);
        if (i % 997 == 0) {
            references_checked(r);
        }
    }
    references_checked(r);
    references_close(r);
    model_close(model);
}

static void test_models(void **unused)
{
    (void)unused;
    for (size_t p = 0; p < PAIRS; p++) {
        for (size_t f = 0; f < FRAME_COUNTS; f++) {
            for (unsigned kind = 0; kind < STREAMS; kind++) {
                compare(&pairs[p], frame_counts[f], kind, LENGTH / MEMS_TEST_SCALE);
            }
        }
    }
}

// What n frames hold, n + 1 hold too, at every moment.
static void test_inclusion(void **unused)
{
    (void)unused;
    enum { MOST = 12, COUNT = 2000 / MEMS_TEST_SCALE };
    static const char *const names[] = {"lru", "opt"};
    static uint64_t string[COUNT];
    for (unsigned run = 0; run < 2 * STREAMS; run++) {
        uint64_t pages = 4 + test_below(&seed, 20);
        fill_stream(run / 2, string, COUNT, pages);
        struct references *r[MOST];
        for (uint32_t n = 0; n < MOST; n++) {
            struct replacement_config config = {
                .frames = n + 1, .future = string, .future_count = COUNT};
            r[n] = references_open(replacement_find(names[run % 2]), &config, pages);
        }
        for (size_t i = 0; i < COUNT; i++) {
            for (uint32_t n = 0; n < MOST; n++) {
                references_to(r[n], string[i], false);
            }
            for (uint64_t page = 0; page < pages; page++) {
                for (uint32_t n = 0; n + 1 < MOST; n++) {
                    test_require(!references_resident(r[n], page) ||
                                     references_resident(r[n + 1], page),
                                 "%s: %u frames hold page %" PRIu64 ", one more do not",
                                 names[run % 2], n + 1, page);
                }
            }
        }
        for (uint32_t n = 0; n < MOST; n++) {
            test_require(n == 0 || r[n]->faults <= r[n - 1]->faults, "faults rise");
        }
        for (uint32_t n = 0; n < MOST; n++) {
            references_close(r[n]);
        }
    }
}

static void test_opt_is_least(void **unused)
{
    (void)unused;
    enum { COUNT = 4000 / MEMS_TEST_SCALE };
    static uint64_t string[COUNT];
    for (unsigned run = 0; run < 8 * STREAMS; run++) {
        struct replacement_config config = {.frames = 1 + (uint32_t)test_below(&seed, 100),
                                            .clock_load_ref = run % 2 == 0,
                                            .seed = test_random(&seed)};
        uint64_t pages = some_pages(config.frames);
        fill_stream(run / 8, string, COUNT, pages);
        uint64_t least = references_faults("opt", &config, string, COUNT, pages);
        for (size_t i = 0; replacement_at(i) != NULL; i++) {
            if (!replacement_at(i)->variable) {
                const char *name = replacement_at(i)->name;
                uint64_t faults = references_faults(name, &config, string, COUNT, pages);
                test_require(faults >= least, "%s: %" PRIu64 " faults, opt %" PRIu64, name, faults,
                             least);
            }
        }
    }
}

static void test_working_set_falls(void **unused)
{
    (void)unused;
    enum { COUNT = 4000 / MEMS_TEST_SCALE };
    static uint64_t string[COUNT];
    for (unsigned kind = 0; kind < STREAMS; kind++) {
        uint64_t pages = 10 + test_below(&seed, 100), before = UINT64_MAX;
        fill_stream(kind, string, COUNT, pages);
        for (uint64_t tau = 0; tau < 300; tau += 1 + tau / 8) {
            struct replacement_config config = {.frames = (uint32_t)pages, .tau = tau};
            uint64_t faults = references_faults("ws", &config, string, COUNT, pages);
            test_require(faults <= before, "tau %" PRIu64 ": %" PRIu64 " faults, before %" PRIu64,
                         tau, faults, before);
            before = faults;
        }
    }
}

// What a policy may do beside references: several faults at once, batches, evictions that are
// abandoned, pages released.
struct mix {
    struct references *r;
    uint64_t state; // of the random numbers
};

static uint64_t mix_absent(struct mix *mix)
{
    uint64_t page = test_below(&mix->state, mix->r->pages);
    while (references_resident(mix->r, page)) {
        page = (page + 1) % mix->r->pages;
    }
    return page;
}

static uint32_t mix_loaded(const struct mix *mix)
{
    return mix->r->config.frames - mix->r->free_count;
}

// Up to 4 faults have chosen their victims before the first loads; they load in another order.
static void mix_faults(struct mix *mix)
{
    struct references *r = mix->r;
    uint32_t frame[4];
    uint64_t page[4], gone;
    size_t count = 0;
    for (size_t most = 1 + test_below(&mix->state, 4); count < most; count++) {
        page[count] = mix_absent(mix);
        bool twice = false;
        for (size_t i = 0; i < count; i++) {
            twice |= page[i] == page[count];
        }
        bool any = test_below(&mix->state, 4) == 0;
        if (twice) {
            break;
        }
        if (test_below(&mix->state, 8) == 0 && r->free_count > 0) {
            frame[count] = r->free[--r->free_count];
        } else if (mix_loaded(mix) > count) {
            frame[count] = references_victim(r, any ? REPLACEMENT_ANY : page[count], &gone);
        } else {
            break;
        }
    }
    while (count > 0) {
        size_t i = test_below(&mix->state, count);
        references_load(r, frame[i], page[i]);
        references_translate(r, frame[i], false);
        frame[i] = frame[--count];
        page[i] = page[count];
    }
}

// Reclaim ahead of need; some of the pages turn out to be in use.
static void mix_batch(struct mix *mix)
{
    struct references *r = mix->r;
    for (uint64_t most = test_below(&mix->state, r->config.frames + 1); most > 0; most--) {
        if (mix_loaded(mix) == 0) {
            test_require(r->replacement->victim(r->state, REPLACEMENT_ANY) == REPLACEMENT_NONE,
                         "a victim where none is");
            return;
        }
        uint64_t page;
        uint32_t frame = references_victim(r, REPLACEMENT_ANY, &page);
        if (test_below(&mix->state, 4) == 0) {
            references_load(r, frame, page);
        } else {
            r->free[r->free_count++] = frame;
        }
    }
}

static void mix_release(struct mix *mix)
{
    struct references *r = mix->r;
    for (uint64_t most = test_below(&mix->state, r->config.frames + 1); most > 0; most--) {
        uint64_t page = test_below(&mix->state, r->pages);
        if (references_resident(r, page)) {
            references_release(r, page);
        }
    }
}

static void mix_step(struct mix *mix)
{
    switch (test_below(&mix->state, 64)) {
    case 0:
        mix_batch(mix);
        break;
    case 1:
        mix_release(mix);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
        mix_faults(mix);
        break;
    default:
        references_to(mix->r, test_below(&mix->state, mix->r->pages),
                      test_below(&mix->state, 4) == 0);
        break;
    }
}

static struct mix mix_open(const struct pair *pair, uint32_t frames, const uint64_t *string,
                           size_t count, uint64_t pages, uint64_t state)
{
    struct replacement_config config = {.frames = frames,
                                        .clock_load_ref = pair->load_ref,
                                        .tau = pair->parameter,
                                        .interval = pair->parameter,
                                        .seed = state,
                                        .future = string,
                                        .future_count = count};
    return (struct mix){references_open(replacement_find(pair->name), &config, pages), state};
}

// Announced to opt is a string that the references stray from all the time.
static void test_mixes(void **unused)
{
    (void)unused;
    static uint64_t string[LENGTH];
    for (size_t p = 0; p < PAIRS; p++) {
        for (size_t f = 0; f < FRAME_COUNTS; f++) {
            // More than frames and faults at once, so that one that is absent can be found.
            uint64_t pages = some_pages(frame_counts[f]) + 5;
            fill_stream(0, string, LENGTH, pages);
            struct mix mix =
                mix_open(&pairs[p], frame_counts[f], string, LENGTH, pages, test_random(&seed));
            for (size_t i = 0; i < STEPS / MEMS_TEST_SCALE; i++) {
                mix_step(&mix);
                if (i % 53 == 0) {
                    references_checked(mix.r);
                }
            }
            references_checked(mix.r);
            references_close(mix.r);
        }
    }
}

// Second chance takes CLOCK's victims, whatever else happens.
static void test_second_chance_is_clock(void **unused)
{
    (void)unused;
    for (unsigned run = 0; run < 2 * FRAME_COUNTS; run++) {
        uint32_t frames = frame_counts[run / 2];
        uint64_t pages = some_pages(frames) + 5, state = test_random(&seed);
        struct pair clock = {"clock", NULL, run % 2 == 0, 0};
        struct pair chance = {"second-chance", NULL, run % 2 == 0, 0};
        struct mix a = mix_open(&clock, frames, NULL, 0, pages, state);
        struct mix b = mix_open(&chance, frames, NULL, 0, pages, state);
        for (size_t i = 0; i < STEPS / MEMS_TEST_SCALE; i++) {
            mix_step(&a);
            mix_step(&b);
            test_require(a.state == b.state && a.r->faults == b.r->faults &&
                             memcmp(a.r->page_in, b.r->page_in, frames * sizeof a.r->page_in[0]) ==
                                 0,
                         "%u frames, step %zu: the pages differ", frames, i);
        }
        references_close(a.r);
        references_close(b.r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models),       cmocka_unit_test(test_inclusion),
        cmocka_unit_test(test_opt_is_least), cmocka_unit_test(test_working_set_falls),
        cmocka_unit_test(test_mixes),        cmocka_unit_test(test_second_chance_is_clock),
    };
    seed = test_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
