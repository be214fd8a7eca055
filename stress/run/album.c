// SPDX-License-Identifier: MIT
//
// album.c - when pictures of memory are taken.
//
// 1. By operations, not by time. Step N of two allocators is to be the same moment of the workload,
//    so pictures have marks: the first operation, then every K-th. The worker that comes to a mark
//    looks at the memory, does its operation, and draws the picture. With one thread that is to the
//    operation; with several the sum of all is a little past the mark, and the picture says by how
//    much. With as many operations to do as the job says K is such that the marks fill the album;
//    where it is time that ends the work, K begins small and doubles whenever the album is full,
//    and the pictures of every second mark go: so the marks of all targets are of one grid.
// 2. With one thread nothing else happens between the look before and the picture, and what the
//    operation did can be told (decision.c). With several there are counters only.
// 3. Cost. The thread stands still for as long as it takes to walk over every piece four times.
//    Where time ends the work, a mark that comes before twenty times the cost of all pictures so
//    far has gone by is left out, and K doubles; where operations do, none is: the same job gives
//    the same pictures.
// 4. One place is kept for the end, after the last worker's last operation.
// 5. A forked child has the parent's album in memory, and leaves it alone.

#include "run/album.h"

#include <string.h>
#include <unistd.h>

#include "run/run.h"

#define ALBUM_EVERY 64 // where there is no number of operations to go by
#define ALBUM_SHARE 20 // of the time

void album_init(struct album *album, struct picture_album *pictures, struct mems_engine *engine,
                const struct worker *workers, unsigned threads, uint64_t operations)
{
    uint64_t marks = pictures->room > 3 ? pictures->room - 2 : 1;
    album->pictures = pictures;
    album->engine = engine;
    album->workers = workers;
    album->threads = threads;
    album->process = getpid();
    album->timed = operations == 0;
    album->every = operations > 0 ? (operations + marks - 1) / marks : ALBUM_EVERY;
    album->next = ALBUM_NEVER;
    album->spent_ns = 0;
    album->busy = false;
}

void album_begin(struct album *album, uint64_t operations, uint64_t now_ns)
{
    album->origin_operations = operations;
    album_origin(album, now_ns);
    __atomic_store_n(&album->next, album->pictures->room > 1 ? 1 : ALBUM_NEVER,
                     __ATOMIC_RELEASE); // [R:album]
}

void album_origin(struct album *album, uint64_t now_ns)
{
    __atomic_store_n(&album->origin_ns, now_ns, __ATOMIC_RELAXED);
}

static uint64_t album_done(const struct album *album)
{
    struct op_totals totals;
    op_total(album->workers, album->threads, &totals);
    uint64_t done = totals.operations;
    return done > album->origin_operations ? done - album->origin_operations : 0;
}

static uint64_t album_left_from(const struct album *album, uint64_t ahead)
{
    uint64_t next = __atomic_load_n(&album->next, __ATOMIC_ACQUIRE); // [A:album]
    uint64_t begun = next == ALBUM_NEVER ? 0 : album_done(album) + ahead;
    return next == ALBUM_NEVER ? ALBUM_NEVER
           : next <= begun     ? 0
                               : (next - begun + album->threads - 1) / album->threads;
}

uint64_t album_left(const struct album *album)
{
    return album_left_from(album, 1);
}

static uint64_t album_since(const struct album *album)
{
    uint64_t now = run_now_ns(), origin = __atomic_load_n(&album->origin_ns, __ATOMIC_RELAXED);
    return now > origin ? now - origin : 0;
}

// The next mark is the first past what is done.
static void album_turn(struct album *album)
{
    uint64_t next = (album_done(album) / album->every + 1) * album->every;
    __atomic_store_n(&album->next, next, __ATOMIC_RELEASE); // [R:album]
}

static void album_unlock(struct album *album)
{
    __atomic_store_n(&album->busy, false, __ATOMIC_RELEASE); // [R:busy]
}

bool album_begin_try(struct album *album, bool counts, uint64_t addr)
{
    if (album_left_from(album, counts) > 0 || getpid() != album->process ||
        __atomic_exchange_n(&album->busy, true, __ATOMIC_ACQUIRE)) { // [A:busy]
        return false;
    }
    bool again = album_left_from(album, counts) > 0; // another worker was there meanwhile
    bool dear = album->timed && album->pictures->count > 0 &&
                album->spent_ns * ALBUM_SHARE > album_since(album);
    if (dear && !again) {
        album->every *= 2;
        album_turn(album);
    }
    if (again || dear) {
        album_unlock(album);
        return false;
    }
    uint64_t began = run_now_ns();
    if (album->threads == 1) {
        decision_before(&album->decision, album->engine, addr);
    }
    album->spent_ns += run_now_ns() - began;
    return true;
}

// Room for one more, with a place for the end beside it: marks that the doubled K does not have go.
static void album_thin(struct album *album)
{
    struct picture_album *pictures = album->pictures;
    while (pictures->count > 1 && pictures->count + 1 >= pictures->room) {
        uint32_t kept = 0;
        album->every *= 2;
        for (uint32_t i = 0; i < pictures->count; i++) {
            uint64_t mark = pictures->pictures[i].mark;
            if (mark == 1 || mark % album->every == 0) {
                picture_copy(pictures, kept++, i);
            }
        }
        pictures->count = kept;
    }
}

static bool album_draw(struct album *album, uint64_t mark, uint64_t at_ns, uint64_t done)
{
    struct picture_album *pictures = album->pictures;
    if (!picture_draw(pictures, pictures->count, album->engine)) {
        return false;
    }
    struct picture *picture = &pictures->pictures[pictures->count++];
    picture->mark = mark;
    picture->at_ns = at_ns;
    picture->operations = done;
    return true;
}

void album_take(struct album *album, enum decision_kind kind, uint64_t addr, uint64_t asked)
{
    struct picture_album *pictures = album->pictures;
    uint64_t at_ns = album_since(album), began = run_now_ns();
    uint64_t mark = album->next, done = album_done(album);
    album_thin(album);
    bool kept = mark == 1 || mark % album->every == 0;
    if (kept && pictures->count + 1 < pictures->room && album_draw(album, mark, at_ns, done) &&
        album->threads == 1) {
        decision_after(&album->decision, album->engine, kind, addr, asked,
                       &pictures->pictures[pictures->count - 1].decision);
    }
    album_turn(album);
    if (pictures->room == 2) {
        __atomic_store_n(&album->next, ALBUM_NEVER, __ATOMIC_RELAXED);
    }
    album->spent_ns += run_now_ns() - began;
    album_unlock(album);
}

void album_end(struct album *album)
{
    struct picture_album *pictures = album->pictures;
    uint64_t done = album_done(album);
    bool there = pictures->count > 0 && pictures->pictures[pictures->count - 1].operations == done;
    __atomic_store_n(&album->next, ALBUM_NEVER, __ATOMIC_RELAXED);
    if (!there && pictures->count < pictures->room) {
        album_draw(album, done, album_since(album), done);
    }
}
