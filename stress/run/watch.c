// SPDX-License-Identifier: MIT
//
// watch.c - waits for a cell's process, and ends it when it makes no progress or takes too much.
//
// 1. Progress is a new phase or a higher sum of the workers' operations and of the cell's waits on
//    purpose, read from the stage. A cell without any for the timeout is hung; so is one that has
//    run for its time and the timeout on top and still has not ended.
// 2. A hung process is asked by signal where each of its threads is (run/evidence.c answers), and
//    given a second to say so. A thread that does not answer (it blocks signals, or there are no
//    handlers yet) and the threads of its children are looked at from outside (run/symbols.c).
//    Then all are killed.
// 3. A cell that has evidence to give ends itself. Should it not manage to within two seconds, it
//    is killed, and the evidence counts.
// 4. Memory. RLIMIT_DATA (run/spawn.c) refuses private memory past the limit at once; what it does
//    not see (shared mappings, children, each with a limit of its own) is caught by looking at what
//    is resident, so often that a cell that fills 8 GiB a second is past its limit by no more than
//    that limit. The limit is the target's: what was resident before the first operation comes on
//    top, and with check 4 half of the limit, which its map may take (4 bytes for each 8 of a
//    block). Such a cell is stopped, looked at, and killed.
// 5. Interrupted, the process is asked to end (SIGTERM) and given five seconds. (A second
//    interruption ends the driver itself: run/drive.c.)
// 6. A dead process is not waited for before everything that it left is gone (run/guard.c).

#include "run/watch.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/clock.h"
#include "run/evidence.h"
#include "run/footprint.h"
#include "run/guard.h"
#include "run/symbols.h"

#define WATCH_TICK_MS       100u
#define WATCH_LEAST_TICK_MS 5u
#define WATCH_FASTEST       (8ull << 30) // bytes a second
#define WATCH_DUMP_NS       1000000000u
#define WATCH_EVIDENCE_NS   2000000000u
#define WATCH_GRACE_NS      5000000000u
#define WATCH_OWN_LATER     (16u << 20) // beyond the baseline: stacks, histories, samples
#define WATCH_OWN_UNKNOWN   (32u << 20) // before there is a baseline
#define WATCH_LOOKS         16 // threads that are looked at from outside; each takes milliseconds

// What the watchdog remembers from look to look.
struct watch_state {
    uint32_t phase;
    uint64_t progress;
    uint64_t progressed_ns; // when one of the two last changed
    uint64_t run_ns;        // when the measured phase was first seen; 0: not yet
    uint64_t claimed_ns;    // when evidence was first seen to be written; 0: not yet
    uint64_t ticked_ns;
    struct footprint footprint;
};

unsigned watch_tick_ms(uint64_t memory_bytes)
{
    uint64_t ms = memory_bytes * 1000 / WATCH_FASTEST;
    if (memory_bytes == 0 || ms > WATCH_TICK_MS) {
        return WATCH_TICK_MS;
    }
    return ms < WATCH_LEAST_TICK_MS ? WATCH_LEAST_TICK_MS : (unsigned)ms;
}

uint64_t watch_allowed(const struct watch *watch, uint64_t baseline_bytes)
{
    uint64_t own = baseline_bytes > 0 ? baseline_bytes + WATCH_OWN_LATER : WATCH_OWN_UNKNOWN;
    return watch->memory_bytes + own + (watch->mapped ? watch->memory_bytes / 2 : 0);
}

static void watch_pause(int pidfd, unsigned milliseconds)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    poll(&wait, pidfd >= 0 ? 1 : 0, (int)milliseconds);
}

static bool watch_is_dead(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

// The end of all that is left of it.
static void watch_reap(pid_t pid, struct watch_end *end)
{
    guard_sweep(pid);
    while (wait4(pid, &end->status, 0, &end->usage) < 0 && errno == EINTR) {
    }
}

static void watch_kill(pid_t pid, struct watch_end *end)
{
    end->killed = !watch_is_dead(pid);
    kill(pid, SIGKILL);
    watch_reap(pid, end);
}

// How often the kernel has killed for want of memory since it was started; 0 where it does not say.
static uint64_t watch_oom_kills(void)
{
    char line[128];
    uint64_t count = 0;
    FILE *in = fopen("/proc/vmstat", "re");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, "oom_kill ", 9) == 0) {
            count = strtoull(line + 9, NULL, 10);
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    return count;
}

// ---- where threads are --------------------------------------------------------------------------

// The next free dump; NULL: there is none.
static struct evidence_trace *watch_dump_next(struct stage *stage)
{
    uint32_t index = __atomic_fetch_add(&stage->evidence.dumps, 1, __ATOMIC_RELAXED);
    return index < EVIDENCE_TRACES ? &stage->evidence.dump[index] : NULL;
}

static bool watch_answered(struct stage *stage, pid_t thread)
{
    for (uint32_t i = 0; i < EVIDENCE_TRACES; i++) {
        const struct evidence_trace *dump = &stage->evidence.dump[i];
        if (__atomic_load_n(&dump->done, __ATOMIC_ACQUIRE) != 0 && dump->tid == thread) {
            return true;
        }
    }
    return false;
}

// Looks at the threads of one process that have not answered. Returns how many more it may look at.
static unsigned watch_look_at(struct stage *stage, pid_t pid, unsigned most)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && most > 0 && (entry = readdir(folder)) != NULL) {
        pid_t thread = (pid_t)atoi(entry->d_name);
        struct evidence_trace *dump =
            thread > 0 && !watch_answered(stage, thread) ? watch_dump_next(stage) : NULL;
        if (dump != NULL) {
            dump->tid = (int32_t)thread;
            dump->worker = -1;
            dump->outside = true;
            symbols_look(pid, thread, &dump->unwind);
            __atomic_store_n(&dump->done, 1, __ATOMIC_RELEASE);
            most--;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return most;
}

static void watch_look(struct stage *stage, struct footprint *family)
{
    char path[64];
    unsigned most = WATCH_LOOKS;
    if (__atomic_exchange_n(&stage->evidence.mapped, 1, __ATOMIC_RELAXED) == 0) {
        snprintf(path, sizeof path, "/proc/%d/maps", (int)family->cell);
        unwind_maps(path, stage->evidence.maps, sizeof stage->evidence.maps);
    }
    footprint_family(family);
    for (unsigned i = 0; i < family->count; i++) {
        most = watch_look_at(stage, family->pid[i], most);
    }
}

// Signals every thread of the process. Returns how many there were.
static uint32_t watch_ask_threads(pid_t pid)
{
    char path[64];
    uint32_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return 0;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        int tid = atoi(entry->d_name);
        if (tid > 0 && syscall(SYS_tgkill, pid, tid, evidence_dump_signal()) == 0) {
            count++;
        }
    }
    closedir(folder);
    return count;
}

static uint32_t watch_answers(struct stage *stage)
{
    uint32_t answers = 0;
    for (uint32_t i = 0; i < EVIDENCE_TRACES; i++) {
        answers += __atomic_load_n(&stage->evidence.dump[i].done, __ATOMIC_ACQUIRE);
    }
    return answers;
}

static void watch_dump(struct stage *stage, struct footprint *family, int pidfd)
{
    if (stage_phase(stage) != STAGE_BORN) { // else no handlers yet: the signal would only kill
        uint32_t asked = watch_ask_threads(family->cell);
        uint64_t until = clock_monotonic_ns() + WATCH_DUMP_NS;
        asked = asked < EVIDENCE_TRACES ? asked : EVIDENCE_TRACES;
        while (watch_answers(stage) < asked && clock_monotonic_ns() < until) {
            watch_pause(pidfd, 10);
        }
    }
    watch_look(stage, family);
}

// ---- what can be wrong --------------------------------------------------------------------------

// True when the cell is hung, with the reason.
static bool watch_is_hung(struct stage *stage, const struct watch *watch, struct watch_state *state,
                          struct watch_end *end)
{
    uint64_t now = clock_monotonic_ns();
    uint32_t phase = stage_phase(stage);
    uint64_t progress = stage_progress(stage);
    if (phase != state->phase || progress != state->progress) {
        state->phase = phase;
        state->progress = progress;
        state->progressed_ns = now;
    }
    if (phase == STAGE_RUN && state->run_ns == 0) {
        state->run_ns = now;
    }
    double seconds = (double)watch->timeout_ns / 1e9;
    if (now - state->progressed_ns > watch->timeout_ns) {
        snprintf(end->reason, sizeof end->reason,
                 "no progress for %.3g s in phase %s, after %llu operations", seconds,
                 stage_phase_name(phase), (unsigned long long)stage_operations(stage));
        return true;
    }
    if (phase == STAGE_RUN && watch->limit_ns != 0 &&
        now - state->run_ns > watch->limit_ns + watch->timeout_ns) {
        snprintf(end->reason, sizeof end->reason,
                 "its time was over %.3g s ago and not every thread has ended", seconds);
        return true;
    }
    return false;
}

// True when the cell writes its evidence and does not come to an end with it.
static bool watch_is_stuck(struct stage *stage, pid_t pid, struct watch_state *state)
{
    const struct evidence *evidence = &stage->evidence;
    if (__atomic_load_n(&evidence->process, __ATOMIC_ACQUIRE) != pid) {
        return false; // nobody has, or a child of the cell
    }
    uint64_t now = clock_monotonic_ns();
    if (state->claimed_ns == 0) {
        state->claimed_ns = now;
    }
    return now - state->claimed_ns > WATCH_EVIDENCE_NS;
}

// True when the cell has taken more memory than it may; then it is stopped, and the evidence says
// so.
static bool watch_is_too_large(struct stage *stage, pid_t pid, const struct watch *watch,
                               struct watch_state *state)
{
    struct evidence *evidence = &stage->evidence;
    if (watch->memory_bytes == 0) {
        return false;
    }
    uint64_t baseline = __atomic_load_n(&stage->report.baseline_rss_bytes, __ATOMIC_RELAXED);
    uint64_t allowed = watch_allowed(watch, baseline);
    uint64_t taken = footprint_read(&state->footprint, allowed);
    if (taken <= allowed) {
        return false;
    }
    kill(-pid, SIGSTOP);
    if (__atomic_exchange_n(&evidence->claimed, 1, __ATOMIC_ACQ_REL) != 0) {
        kill(-pid, SIGCONT); // it fails in its own way at this moment
        return false;
    }
    unsigned processes = state->footprint.count;
    snprintf(evidence->check, sizeof evidence->check, "memory_limit");
    snprintf(
        evidence->text, sizeof evidence->text,
        "%.1f MiB were resident in %u process%s; %.1f MiB are allowed, and %.1f for the harness",
        (double)taken / 0x1p20, processes, processes == 1 ? "" : "es",
        (double)watch->memory_bytes / 0x1p20, (double)(allowed - watch->memory_bytes) / 0x1p20);
    evidence->worker = -1;
    evidence->found = taken;
    evidence->expected = allowed;
    watch_look(stage, &state->footprint);
    __atomic_store_n(&evidence->kind, EVIDENCE_CHECK, __ATOMIC_RELEASE);
    return true;
}

// Asks the process to end, and makes it.
static void watch_interrupt(pid_t pid, int pidfd, struct watch_end *end)
{
    uint64_t until = clock_monotonic_ns() + WATCH_GRACE_NS;
    kill(pid, SIGTERM);
    end->interrupted = true;
    while (clock_monotonic_ns() < until) {
        if (watch_is_dead(pid)) {
            watch_reap(pid, end);
            return;
        }
        watch_pause(pidfd, WATCH_TICK_MS);
    }
    watch_kill(pid, end);
}

static void watch_tick(const struct watch *watch, struct watch_state *state)
{
    uint64_t now = clock_monotonic_ns();
    if (now - state->ticked_ns >= WATCH_TICK_MS * 1000000ull) {
        state->ticked_ns = now;
        watch->tick(watch->arg);
    }
}

void watch_cell(struct stage *stage, pid_t pid, const struct watch *watch, struct watch_end *end)
{
    int pidfd = pidfd_open(pid, 0);
    unsigned pause_ms = watch_tick_ms(watch->memory_bytes);
    uint64_t oom_kills = watch_oom_kills();
    uint64_t now = clock_monotonic_ns();
    struct watch_state state = {.progressed_ns = now, .ticked_ns = now};
    memset(end, 0, sizeof *end);
    footprint_open(&state.footprint, pid);
    for (;;) {
        if (watch_is_dead(pid)) {
            watch_reap(pid, end);
            break;
        }
        if (watch->interrupted()) {
            watch_interrupt(pid, pidfd, end);
            break;
        }
        if (watch_is_too_large(stage, pid, watch, &state) || watch_is_stuck(stage, pid, &state)) {
            watch_kill(pid, end);
            break;
        }
        if (watch_is_hung(stage, watch, &state, end)) {
            end->hung = true;
            watch_dump(stage, &state.footprint, pidfd);
            watch_kill(pid, end);
            break;
        }
        watch_pause(pidfd, pause_ms);
        watch_tick(watch, &state);
    }
    end->out_of_memory = watch_oom_kills() > oom_kills;
    if (pidfd >= 0) {
        close(pidfd);
    }
}
