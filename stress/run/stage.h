// SPDX-License-Identifier: MIT
//
// stage.h - the memory that a cell's process shares with the driver.
//
// One memfd a cell: the order (what to run), the phase, the evidence, the report, and behind them
// the histories, the workers and the pictures of memory. The driver writes the order before the
// process starts; from then on the cell writes and the driver reads, so that whatever way the
// process ends, what it had noted by then is there.

#ifndef RUN_STAGE_H
#define RUN_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/history.h"
#include "run/picture.h"
#include "run/pin.h"
#include "run/report.h"
#include "run/unwind.h"
#include "target/target.h"
#include "workload/op.h"

enum stage_phase {
    STAGE_BORN, // not yet in main
    STAGE_PREPARE,
    STAGE_RUN,
    STAGE_DRAIN,
    STAGE_CHECK,
    STAGE_DONE,
};

enum evidence_kind { EVIDENCE_NONE, EVIDENCE_CHECK, EVIDENCE_CRASH, EVIDENCE_REFUSED };

#define EVIDENCE_TRACES 64

// Where one thread was.
struct evidence_trace {
    int32_t tid;
    int32_t worker;       // -1: not one
    uint32_t done;        // [atomic] 1: it is complete
    bool outside;         // the thread did not answer: the driver looked
    struct unwind unwind; // as far as it came
    char text[4096];      // the driver's: a line a frame
};

// Why a cell ended before its time. `claimed` is taken by the first thread that has something to
// say; the others wait for the end.
struct evidence {
    uint32_t claimed; // [atomic]
    int32_t process;  // [atomic] that claimed it: the cell's, or a child of its own
    uint32_t kind;    // [atomic] stored last: the rest is complete
    int32_t signal;   // of a crash
    int32_t sender;   // process that sent the signal; 0: the thread's own doing
    int32_t worker;   // -1: not one
    uint64_t address; // of a fault
    char check[48];
    char text[512];
    uint64_t block, size, expected, found;
    uint32_t slot, generation, owner;
    struct evidence_trace trace; // of the thread that failed
    uint32_t dumps;              // [atomic] threads that answered the driver's question
    struct evidence_trace dump[EVIDENCE_TRACES];
    uint32_t mapped;  // [atomic] somebody copies the map
    char maps[32768]; // of /proc/self/maps, what belongs to files
};

#define STAGE_CHILDREN     64
#define STAGE_CHILD_TRACES 32
#define CHILD_FRAMES       48

enum child_state { CHILD_NONE, CHILD_BORN, CHILD_AT_WORK, CHILD_FAILED, CHILD_DONE };

// What the cell and a process that it started tell each other: run/child.h.
struct child_post {
    uint32_t state; // [atomic] enum child_state
    int32_t parent;
    uint64_t seed;
    uint64_t argument[6]; // the workload's
    uint64_t steps;       // [atomic] done by the child
    uint64_t progress;    // [atomic] goes up with each step and each thing it does
    char workload[40];    // whose `child` a started process is to run
    char doing[128];      // what the child is about to do
    // of a failure
    char check[48];
    char text[400];
    uint64_t block, size, expected, found;
};

// Where one thread of a child was, or crashed: run/child_trace.c.
struct child_trace {
    int32_t process, tid;
    uint32_t frame_count; // [atomic] stored after the frames
    uint32_t done;        // [atomic] 1: text is complete
    uint64_t frames[CHILD_FRAMES];
    char text[4096]; // a line a frame, then what the kernel says
};

struct stage {
    // [ro] the order
    uint32_t magic;
    uint32_t threads;
    uint64_t seed;
    uint64_t bytes; // of the whole mapping
    uint64_t text_offset, history_offset, worker_offset;
    uint64_t album_offset; // 0: no pictures
    char target[8192];     // as a job would say it, path resolved
    char preload[4096];    // what must supply malloc; empty: anything
    char pin[PIN_TEXT];    // CPUs of the workers; empty: not pinned
    struct target_demand demand;
    // [cell]
    uint32_t phase; // [atomic] enum stage_phase
    uint64_t ticks; // [atomic] grows while the cell waits on purpose
    int32_t file;   // this memory's descriptor in the cell's process
    struct child_post children[STAGE_CHILDREN];
    uint32_t child_trace_count; // [atomic] may be past STAGE_CHILD_TRACES
    struct child_trace child_traces[STAGE_CHILD_TRACES];
    struct evidence evidence;
    struct cell_report report;
};

// Makes a stage for `threads` workers and a section's text. The descriptor is inherited by a child
// that clears FD_CLOEXEC. 0 or errno.
int stage_create(unsigned threads, const char *text, struct stage **stage, int *file);
// The same with room for so many pictures of the memory map, of so many pieces each.
int stage_create_pictured(unsigned threads, const char *text, unsigned pictures, unsigned pieces,
                          struct stage **stage, int *file);
// In the cell's process. NULL with errno.
struct stage *stage_attach(int file);
void stage_detach(struct stage *stage);

const char *stage_text(const struct stage *stage);
struct history *stage_history(struct stage *stage, unsigned worker);
struct worker *stage_workers(struct stage *stage);
// NULL: none were asked for.
struct picture_album *stage_album(struct stage *stage);

// Operations done so far by all workers.
uint64_t stage_operations(struct stage *stage);
// What the watchdog calls progress: grows with operations, and while the cell waits on purpose for
// an intended start or the resident set's decay (stage_tick).
uint64_t stage_progress(struct stage *stage);
const char *stage_phase_name(uint32_t phase);

static inline uint32_t stage_phase(const struct stage *stage)
{
    return __atomic_load_n(&stage->phase, __ATOMIC_ACQUIRE);
}

static inline void stage_enter(struct stage *stage, enum stage_phase phase)
{
    __atomic_store_n(&stage->phase, (uint32_t)phase, __ATOMIC_RELEASE);
}

// Seldom: every hundredth of a second or so.
static inline void stage_tick(struct stage *stage)
{
    __atomic_fetch_add(&stage->ticks, 1, __ATOMIC_RELAXED);
}

#endif
