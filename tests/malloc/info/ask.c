// SPDX-License-Identifier: MIT
//
// ask.c - what mallinfo2, mallinfo, mallopt and malloc_trim answer, and whether it is true.

#include "malloc/info/resident.h"

#include <errno.h>

// ---- mallinfo2 ----------------------------------------------------------------------------------

// No more than a quarter, and a slab or two, beyond what was asked for.
static void rose(const char *what, size_t before, size_t now, size_t bytes)
{
    probe_require(now >= before + bytes && now <= before + bytes + bytes / 2 + (1 << 20),
                  "%zu bytes are asked for, %s went from %zu to %zu", bytes, what, before, now);
}

static void fell(const char *what, size_t before, size_t now)
{
    size_t apart = now > before ? now - before : before - now;
    probe_require(apart < 65536, "all is freed, %s was %zu and is %zu", what, before, now);
}

static void small_in_use(size_t size)
{
    struct mallinfo2 before = mallinfo2();
    void *first = resident_fill(size, 8 << 20);
    struct mallinfo2 filled = mallinfo2();
    rose("uordblks", before.uordblks, filled.uordblks, 8 << 20);
    probe_require(filled.arena >= filled.uordblks, "arena %zu, uordblks %zu", filled.arena,
                  filled.uordblks);
    resident_free(first);
    struct mallinfo2 after = mallinfo2();
    fell("uordblks", before.uordblks, after.uordblks);
    fell("hblkhd", before.hblkhd, after.hblkhd);
}

static void large_in_use(size_t size)
{
    struct mallinfo2 before = mallinfo2();
    void *first = resident_fill(size, 2 * size);
    struct mallinfo2 filled = mallinfo2();
    rose("hblkhd", before.hblkhd, filled.hblkhd, 2 * size);
    probe_require(filled.hblks == before.hblks + 2, "hblks %zu, then %zu", before.hblks,
                  filled.hblks);
    resident_free(first);
    struct mallinfo2 after = mallinfo2();
    fell("hblkhd", before.hblkhd, after.hblkhd);
    probe_require(after.hblks == before.hblks, "hblks %zu, then %zu", before.hblks, after.hblks);
}

static void *of_a_thread(void *bytes)
{
    return resident_fill(200, *(size_t *)bytes);
}

// What other threads have in use counts, those that are gone as well.
static void all_threads(size_t size)
{
    (void)size;
    size_t bytes = 4 << 20;
    void *first[4];
    pthread_t threads[4];
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 4; i++) {
        probe_require(pthread_create(&threads[i], NULL, of_a_thread, &bytes) == 0, "no thread");
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &first[i]);
    }
    rose("uordblks", before.uordblks, mallinfo2().uordblks, 4 * bytes);
    for (int i = 0; i < 4; i++) {
        resident_free(first[i]);
    }
}

// The old one has ints of the same.
static void old_mallinfo(size_t size)
{
    void *first = resident_fill(size, 4 << 20);
    struct mallinfo2 wide = mallinfo2();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo narrow = mallinfo();
#pragma GCC diagnostic pop
    probe_require((size_t)narrow.uordblks == wide.uordblks && (size_t)narrow.arena == wide.arena &&
                      (size_t)narrow.hblkhd == wide.hblkhd,
                  "mallinfo says %d, mallinfo2 %zu", narrow.uordblks, wide.uordblks);
    resident_free(first);
}

// ---- mallopt ------------------------------------------------------------------------------------

static void known_options(size_t size)
{
    static const struct {
        int option, value;
    } KNOWN[] = {{M_MXFAST, 64},      {M_TRIM_THRESHOLD, 1 << 20},
                 {M_TOP_PAD, 0},      {M_MMAP_THRESHOLD, 1 << 20},
                 {M_MMAP_MAX, 65536}, {M_CHECK_ACTION, 3},
                 {M_PERTURB, 0},      {M_ARENA_TEST, 2},
                 {M_ARENA_MAX, 8}};
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        int answer = mallopt(KNOWN[i].option, KNOWN[i].value);
        probe_require(answer == 1, "mallopt(%d, %d) is %d", KNOWN[i].option, KNOWN[i].value,
                      answer);
    }
    probe_free(probe_malloc(size));
}

static void unknown_options(size_t size)
{
    static const int UNKNOWN[] = {12345, -12345, 1 << 30, -100};
    for (size_t i = 0; i < sizeof UNKNOWN / sizeof UNKNOWN[0]; i++) {
        int answer = mallopt(UNKNOWN[i], 1);
        probe_require(answer == 0, "mallopt(%d, 1) is %d", UNKNOWN[i], answer);
    }
    probe_free(probe_malloc(size));
}

// ---- malloc_info and malloc_stats ---------------------------------------------------------------

static void bad_info(size_t size)
{
    (void)size;
    errno = 0;
    int answer = malloc_info(1, stdout);
    probe_require(answer == EINVAL || (answer == -1 && errno == EINVAL),
                  "malloc_info(1, ..) is %d, errno %d", answer, errno);
}

// ---- malloc_trim --------------------------------------------------------------------------------

static void trimmed(size_t size)
{
    resident_free(resident_fill(size, 1 << 20));
    malloc_trim(0);
    size_t before = resident_bytes();
    resident_free(resident_fill(size, RESIDENT_FILL));
    int answer = malloc_trim(0);
    resident_back(before, "malloc_trim");
    int again = malloc_trim(0);
    probe_require(again == 0, "there was nothing left, malloc_trim is %d", again);
    (void)answer; // what is left for it depends on what went back by itself
}

static void *first_of_thread[4];
static pthread_barrier_t filled_barrier, freed_barrier;
static bool thread_frees;

static void *idle_thread(void *slot)
{
    void **mine = slot;
    *mine = resident_fill(200, RESIDENT_FILL / 4);
    pthread_barrier_wait(&filled_barrier);
    if (thread_frees) {
        resident_free(*mine);
    }
    pthread_barrier_wait(&freed_barrier);
    pause();
    return NULL;
}

// Threads that do nothing more keep nothing: whether they freed what they had, or another did.
static void idle_threads(bool frees)
{
    thread_frees = frees;
    pthread_barrier_init(&filled_barrier, NULL, 5);
    pthread_barrier_init(&freed_barrier, NULL, 5);
    size_t before = resident_bytes();
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        probe_require(pthread_create(&thread, NULL, idle_thread, &first_of_thread[i]) == 0,
                      "no thread");
    }
    pthread_barrier_wait(&filled_barrier);
    resident_there(before, "threads have filled the heap");
    pthread_barrier_wait(&freed_barrier);
    for (int i = 0; !frees && i < 4; i++) {
        resident_free(first_of_thread[i]);
    }
    resident_work(100);
    malloc_trim(0);
    resident_back(before, "malloc_trim");
}

static void idle_threads_freed(size_t size)
{
    (void)size;
    idle_threads(true);
}

static void idle_threads_were_freed(size_t size)
{
    (void)size;
    idle_threads(false);
}

static void *busy_thread(void *unused)
{
    resident_free(resident_fill(100, 10 << 20));
    return unused;
}

// Threads that came and went leave nothing.
static void gone_threads(size_t size)
{
    (void)size;
    probe_in_thread(busy_thread, NULL);
    malloc_trim(0);
    size_t before = resident_bytes();
    for (int i = 0; i < 30; i++) {
        probe_in_thread(busy_thread, NULL);
    }
    malloc_trim(0);
    resident_back(before, "malloc_trim");
}

int main(int argc, char **argv)
{
    static const struct probe PROBES[] = {
        {"small_in_use", small_in_use, PROBE_ONE},
        {"large_in_use", large_in_use, PROBE_LARGE},
        {"all_threads", all_threads, PROBE_ONE},
        {"old_mallinfo", old_mallinfo, PROBE_ONE},
        {"known_options", known_options, PROBE_ONE},
        {"unknown_options", unknown_options, PROBE_ONE},
        {"bad_info", bad_info, PROBE_ONE},
        {"trimmed", trimmed, PROBE_ONE},
        {"trimmed_large", trimmed, PROBE_LARGE},
        {"idle_threads_freed", idle_threads_freed, PROBE_ONE},
        {"idle_threads_were_freed", idle_threads_were_freed, PROBE_ONE},
        {"gone_threads", gone_threads, PROBE_ONE},
    };
    return probe_main(PROBES, sizeof PROBES / sizeof PROBES[0], argc, argv);
}
