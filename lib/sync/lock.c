// SPDX-License-Identifier: MIT
//
// lock.c - a futex lock that keeps its own account.
//
// 1. Theory. Three states of one word (Drepper, "Futexes are tricky", 2004, mutex 3): free, held,
//    held and somebody may sleep. Taking a free lock is one compare-and-swap, giving it back one
//    swap; the kernel is asked only when the word says that somebody may sleep. Whoever has slept
//    takes the lock with that bit, because it cannot know whether others sleep; that costs at most
//    one needless wake. The word also says who holds it (as the kernel's robust and PI futexes
//    do), from the very step that takes it to the one that gives it back: so a signal handler knows
//    whether it has interrupted the holder (lock_is_mine).
// 2. Spinning. A thread that finds the lock held spins a bounded while first, up to twice as long
//    as spinning has needed lately on this lock (as glibc's adaptive mutex does); where it does not
//    pay, the bound shrinks to a few steps. With one CPU nobody spins: the holder cannot run.
// 3. The account. Only the holder writes the counters, so they need no read-modify-write. The
//    uncontended way reads no clock, but for one acquisition in LOCK_HOLD_SAMPLE; the clock is read
//    for those that sleep. Counters of the contended way are stored with release after those they
//    are part of, and lock_stats loads the part before the whole, so L1 holds in every account.
// 4. Ordering. [A:lock] every step that takes it, [R:lock] the swap that gives it back: what the
//    last holder did happens before what the next one does.
// 5. Ranks. In a debug build the locks a thread holds form a list through the locks themselves, so
//    any number can be held. Taking is checked against all of them before it waits; a violation
//    is reported even when no deadlock happens this time.

#include "sync/lock.h"

#include <stddef.h>

#include "base/bits.h"
#include "base/print.h"
#include "os/os.h"
#include "sync/atomic.h"

#define SPINS_MAX 100u // steps; about as long as a sleep and a wake cost
#define SPINS_MIN 10u

#define HELD    UINT32_C(1)
#define SLEEPER UINT32_C(2) // somebody may sleep on it
#define HOLDER  2           // the rest: its number; 0: frozen
#define FROZEN  HELD

static uint32_t threads_seen;          // [atomic]
static __thread uint32_t lock_self;    // this thread's number; 0: none yet
static lock_rank_handler rank_handler; // [atomic]

// ---- ranks --------------------------------------------------------------------------------------

lock_rank_handler lock_on_rank(lock_rank_handler handler)
{
    return swap_acq_rel(&rank_handler, handler);
}

#ifdef MEMS_CHECK_RANKS
static __thread struct lock *locks_taken; // held by this thread, latest first

static void rank_complain(const struct lock *held, const struct lock *wanted)
{
    char text[200];
    struct printer line;
    print_init(&line, text, sizeof text);
    print_format(&line, "mems: lock order: %s %u (rank %u) wanted while %s %u (rank %u) is held\n",
                 wanted->name, wanted->number, (unsigned)wanted->rank, held->name, held->number,
                 (unsigned)held->rank);
    os_die(line.text, line.length);
}

static void rank_check(const struct lock *wanted)
{
    for (const struct lock *held = locks_taken; held != NULL; held = held->next) {
        if (held->rank > wanted->rank ||
            (held->rank == wanted->rank && held->number >= wanted->number)) {
            lock_rank_handler handler = load_acquire(&rank_handler);
            (handler != NULL ? handler : rank_complain)(held, wanted);
            return;
        }
    }
}

static void rank_push(struct lock *lock)
{
    lock->next = locks_taken;
    locks_taken = lock;
}

static void rank_remove(struct lock *lock)
{
    struct lock **link = &locks_taken;
    while (*link != NULL && *link != lock) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        static const char text[] = "mems: a lock is given back by a thread that does not hold it\n";
        os_die(text, sizeof text - 1);
    }
    *link = lock->next;
}

bool lock_held(const struct lock *lock)
{
    const struct lock *held = locks_taken;
    while (held != NULL && held != lock) {
        held = held->next;
    }
    return held != NULL;
}
#else
static void rank_check(const struct lock *wanted)
{
    (void)wanted;
}

static void rank_push(struct lock *lock)
{
    (void)lock;
}

static void rank_remove(struct lock *lock)
{
    (void)lock;
}

bool lock_held(const struct lock *lock)
{
    (void)lock;
    return true;
}
#endif

// ---- the account --------------------------------------------------------------------------------

// Adds to a counter of the contended way, after the counters that it is part of.
static void count_part(uint64_t *counter)
{
    store_release(counter, load_relaxed(counter) + 1); // [R:lock account]
}

static void raise_to(uint64_t *most, uint64_t value)
{
    if (value > load_relaxed(most)) {
        store_relaxed(most, value);
    }
}

static unsigned bucket_of(uint64_t ns)
{
    unsigned power = ns > 1 ? bits_log2(ns) : 0;
    unsigned half = power > 0 ? (unsigned)(ns >> (power - 1) & 1) : 0;
    unsigned bucket = 2 * power + half;
    return bucket < MEMS_LOCK_BUCKETS ? bucket : MEMS_LOCK_BUCKETS - 1;
}

static uint32_t self_number(void)
{
    while (lock_self == 0) {
        lock_self = (add_relaxed(&threads_seen, 1) + 1) & (UINT32_MAX >> HOLDER);
    }
    return lock_self;
}

// What the new holder does first.
static void account_taken(struct lock *lock)
{
    schedule_quiet_begin();
    uint32_t self = self_number();
    uint64_t acquisitions = load_relaxed(&lock->acquisitions) + 1;
    store_relaxed(&lock->acquisitions, acquisitions);
    if (lock->owner != self) {
        if (lock->owner != 0) {
            count_own(&lock->owner_switches, 1);
        }
        lock->owner = self;
    }
    if (acquisitions % LOCK_HOLD_SAMPLE == 0) {
        lock->hold_start_ns = os_clock_ns();
    }
    rank_push(lock);
    schedule_quiet_end();
}

static void account_hold(struct lock *lock)
{
    schedule_quiet_begin();
    uint64_t held_ns = os_clock_ns() - lock->hold_start_ns;
    lock->hold_start_ns = 0;
    count_own(&lock->hold_ns, held_ns);
    raise_to(&lock->max_hold_ns, held_ns);
    count_own(&lock->hold[bucket_of(held_ns)], 1);
    count_part(&lock->hold_sampled);
    schedule_quiet_end();
}

// ---- taking and giving --------------------------------------------------------------------------

void lock_init(struct lock *lock, enum lock_rank rank, const char *name, uint32_t number)
{
    *lock = (struct lock){.rank = (uint8_t)rank, .name = name, .number = number};
}

// Its number for a trace; -1: it has none.
static inline int64_t lock_told(const struct lock *lock)
{
    return lock->number == LOCK_LAST ? -1 : (int64_t)lock->number;
}

// The word of a lock that this thread holds.
static uint32_t held_word(void)
{
    return self_number() << HOLDER | HELD;
}

static bool take_free(struct lock *lock)
{
    uint32_t expected = 0;
    return cas_acquire(&lock->word, &expected, held_word()); // [A:lock]
}

// Whether spinning is of use at all; asked of the system once.
static bool many_cpus(void)
{
    static uint32_t cpus; // [atomic] 0: not asked yet
    uint32_t count = load_relaxed(&cpus);
    if (count == 0) {
        count = os_cpu_count();
        store_relaxed(&cpus, count);
    }
    return count > 1;
}

static bool take_spinning(struct lock *lock)
{
    unsigned usual = load_relaxed(&lock->spins);
    unsigned bound = 2 * usual + SPINS_MIN;
    bound = bound > SPINS_MAX ? SPINS_MAX : bound;
    bool taken = false;
    unsigned spins = 0;
    while (!taken && spins < bound && many_cpus()) {
        os_pause();
        spins++;
        taken = load_relaxed(&lock->word) == 0 && take_free(lock);
    }
    unsigned paid = taken ? spins : 0; // a failure pulls the bound down
    store_relaxed(&lock->spins, (uint8_t)((7 * usual + paid) / 8));
    return taken;
}

// It is frozen, and another may fall asleep on the bit that this thread has set, for as long as it
// is: that one wakes, or does not fall asleep, and finds it frozen too.
static void give_up(struct lock *lock)
{
    uint32_t slept_on = FROZEN | SLEEPER;
    if (cas_relaxed(&lock->word, &slept_on, FROZEN)) {
        os_wake(&lock->word, UINT32_MAX);
    }
}

// Takes it, ready to wake others, if it is free; else says that somebody may sleep on it. *word is
// what it is then.
static bool take_or_announce(struct lock *lock, uint32_t *word)
{
    *word = load_relaxed(&lock->word);
    for (;;) {
        if (*word == 0) {
            if (cas_acquire(&lock->word, word, held_word() | SLEEPER)) { // [A:lock]
                return true;
            }
        } else if ((*word & SLEEPER) != 0 || cas_relaxed(&lock->word, word, *word | SLEEPER)) {
            *word |= SLEEPER;
            return false;
        }
    }
}

// Sleeps until the lock is this thread's, then writes the account of it. false: it gave up.
static bool take_sleeping(struct lock *lock, const uint32_t *frozen)
{
    uint64_t start_ns = 0;
    uint32_t most_waiting = 0, word;
    while (!take_or_announce(lock, &word)) {
        if (frozen != NULL && load_acquire(frozen) != 0) {
            give_up(lock);
            return false;
        }
        if (start_ns == 0) {
            start_ns = os_clock_ns();
        }
        uint32_t waiting = add_relaxed(&lock->waiting, 1) + 1;
        most_waiting = waiting > most_waiting ? waiting : most_waiting;
        os_wait(&lock->word, word, 0);
        (void)add_relaxed(&lock->waiting, UINT32_MAX);
    }
    schedule_quiet_begin();
    account_taken(lock);
    count_part(&lock->contended);
    if (most_waiting != 0) {
        uint64_t wait_ns = os_clock_ns() - start_ns;
        count_own(&lock->wait_ns, wait_ns);
        raise_to(&lock->max_wait_ns, wait_ns);
        raise_to(&lock->max_waiting, most_waiting);
        count_own(&lock->wait[bucket_of(wait_ns)], 1);
        count_part(&lock->waited);
    }
    schedule_quiet_end();
    return true;
}

static __attribute__((noinline)) bool lock_slow(struct lock *lock, const uint32_t *frozen)
{
    if (take_spinning(lock)) {
        account_taken(lock);
        count_part(&lock->contended);
        count_part(&lock->spin_acquired);
        return true;
    }
    return take_sleeping(lock, frozen);
}

// `frozen` NULL: never.
static inline bool take(struct lock *lock, const uint32_t *frozen)
{
    schedule_lock("lock", lock->name, lock_told(lock));
    if (frozen != NULL && load_acquire(frozen) != 0) {
        return false;
    }
    rank_check(lock);
    if (take_free(lock)) {
        account_taken(lock);
        return true;
    }
    return lock_slow(lock, frozen);
}

void lock_lock(struct lock *lock)
{
    (void)take(lock, NULL);
}

bool lock_lock_unless(struct lock *lock, const uint32_t *frozen)
{
    return take(lock, frozen);
}

bool lock_is_mine(const struct lock *lock)
{
    return lock_self != 0 && load_relaxed(&lock->word) >> HOLDER == lock_self;
}

// Whoever is about to sleep on the word as it was does not, for it changes; and who has set the bit
// meanwhile gives up.
void lock_freeze_mine(struct lock *lock, uint32_t *frozen, uint32_t value)
{
    store_release(frozen, value);
    (void)swap_acq_rel(&lock->word, FROZEN);
    os_wake(&lock->word, UINT32_MAX);
}

bool lock_freeze(struct lock *lock, uint32_t *frozen, uint32_t value)
{
    uint32_t word = 0;
    while (!cas_acquire(&lock->word, &word, FROZEN)) { // [A:lock]
        if ((word & SLEEPER) != 0 || cas_relaxed(&lock->word, &word, word | SLEEPER)) {
            if (load_acquire(frozen) != 0) {
                give_up(lock);
                return false;
            }
            os_wait(&lock->word, word | SLEEPER, 0);
        }
        word = 0;
    }
    lock_freeze_mine(lock, frozen, value);
    return true;
}

void lock_thaw_mine(struct lock *lock)
{
    (void)swap_acq_rel(&lock->word, held_word() | SLEEPER);
}

void lock_thaw(struct lock *lock)
{
    (void)swap_release(&lock->word, 0); // [R:lock]
    os_wake(&lock->word, UINT32_MAX);
}

bool lock_try(struct lock *lock)
{
    schedule_lock("try", lock->name, lock_told(lock));
    if (load_relaxed(&lock->word) != 0 || !take_free(lock)) {
        return false;
    }
    account_taken(lock);
    return true;
}

void lock_unlock(struct lock *lock)
{
    schedule_lock("unlock", lock->name, lock_told(lock));
    rank_remove(lock);
    if (lock->hold_start_ns != 0) {
        account_hold(lock);
    }
    if ((swap_release(&lock->word, 0) & SLEEPER) != 0) { // [R:lock]
        os_wake(&lock->word, 1);
    }
    schedule_lock("unlocked", lock->name, lock_told(lock));
}

void lock_stats(const struct lock *lock, struct mems_lock_stats *stats)
{
    *stats = (struct mems_lock_stats){.hold_sample = LOCK_HOLD_SAMPLE};
    struct printer name;
    print_init(&name, stats->name, sizeof stats->name);
    print_text(&name, lock->name);
    if (lock->number != LOCK_LAST) {
        print_format(&name, ".%u", lock->number);
    }
    // Parts before wholes: [A:lock account].
    stats->spin_acquired = load_acquire(&lock->spin_acquired);
    stats->waited = load_acquire(&lock->waited);
    stats->hold_sampled = load_acquire(&lock->hold_sampled);
    stats->contended = load_acquire(&lock->contended);
    stats->acquisitions = load_relaxed(&lock->acquisitions);
    stats->wait_ns = load_relaxed(&lock->wait_ns);
    stats->max_wait_ns = load_relaxed(&lock->max_wait_ns);
    stats->max_waiting = load_relaxed(&lock->max_waiting);
    stats->owner_switches = load_relaxed(&lock->owner_switches);
    stats->hold_ns = load_relaxed(&lock->hold_ns);
    stats->max_hold_ns = load_relaxed(&lock->max_hold_ns);
    for (unsigned i = 0; i < MEMS_LOCK_BUCKETS; i++) {
        stats->wait[i] = load_relaxed(&lock->wait[i]);
        stats->hold[i] = load_relaxed(&lock->hold[i]);
    }
}
