// SPDX-License-Identifier: MIT
//
// info.c - what programs may ask glibc's malloc beside memory, answered for this one.
//
// 1. malloc_trim gives back what is free: the calling thread's empty slabs, those of threads that
//    have none of their own, what others have lent or not taken in yet (heap/idle.c), and all free
//    memory of the depot. `pad` says nothing here.
// 2. mallinfo2, by glibc's names:
//    arena     bytes of slabs and of free memory           ordblks  free pieces of that memory
//    smblks    small blocks that are free                  fsmblks  bytes of these
//    hblks     large blocks in use                         hblkhd   bytes of these
//    uordblks  bytes of small blocks in use                fordblks arena - uordblks
//    usmblks   the most bytes that were ever mapped        keepcost what can go back
//    mallinfo has the same in ints, the largest int where one is too small.
// 3. mallopt takes glibc's parameters and has no use for any: how blocks are cut does not depend on
//    thresholds, arenas are threads, and what M_PERTURB would show is shown without it. The knobs
//    are MEMS_MALLOC_CONF's (conf.c).
// 4. Figures are taken before anything is printed: stdio allocates.

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#include "heap/common.h"
#include "heap/depot.h"
#include "heap/front.h"
#include "heap/idle.h"
#include "heap/look.h"
#include "malloc/malloc.h"

MALLOC_EXPORT int malloc_trim(size_t pad)
{
    (void)pad;
    if (front_here != &front_none) {
        front_trim(front_here);
    }
    common_trim();
    uint64_t purged = idle_purge(true);
    purged += depot_purge(true);
    return purged != 0;
}

// ---- mallinfo ----------------------------------------------------------------------------------

MALLOC_EXPORT struct mallinfo2 mallinfo2(void)
{
    struct look look;
    look_take(&look);
    uint64_t arena = look.slab_bytes + look.dirty_bytes + look.clean_bytes;
    return (struct mallinfo2){
        .arena = arena,
        .ordblks = look.holes,
        .smblks = look.free_blocks,
        .hblks = look.large_blocks,
        .hblkhd = look.large_bytes,
        .usmblks = look.peak_bytes,
        .fsmblks = look.free_bytes,
        .uordblks = look.used_bytes,
        .fordblks = arena - look.used_bytes,
        .keepcost = look.dirty_bytes,
    };
}

static int to_int(size_t value)
{
    return value > INT_MAX ? INT_MAX : (int)value;
}

MALLOC_EXPORT struct mallinfo mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    return (struct mallinfo){
        .arena = to_int(wide.arena),
        .ordblks = to_int(wide.ordblks),
        .smblks = to_int(wide.smblks),
        .hblks = to_int(wide.hblks),
        .hblkhd = to_int(wide.hblkhd),
        .usmblks = to_int(wide.usmblks),
        .fsmblks = to_int(wide.fsmblks),
        .uordblks = to_int(wide.uordblks),
        .fordblks = to_int(wide.fordblks),
        .keepcost = to_int(wide.keepcost),
    };
}

// ---- malloc_info -------------------------------------------------------------------------------

static void write_look(FILE *stream, const struct look *look)
{
    fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n", stream);
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        const struct look_class *row = &look->class[class];
        if (row->slabs != 0) {
            fprintf(stream, "<class size=\"%u\" slabs=\"%llu\" blocks=\"%llu\" used=\"%llu\"/>\n",
                    slab_class_size(class), (unsigned long long)row->slabs,
                    (unsigned long long)row->blocks, (unsigned long long)row->used);
        }
    }
    fputs("</sizes>\n</heap>\n", stream);
    for (size_t i = 0; i < look_figure_count; i++) {
        fprintf(stream, "<figure name=\"%s\" value=\"%llu\"/>\n", look_figures[i].name,
                (unsigned long long)look_value(look, &look_figures[i]));
    }
    // As glibc writes them, for programs that read its output.
    fprintf(stream,
            "<total type=\"rest\" count=\"%llu\" size=\"%llu\"/>\n"
            "<total type=\"mmap\" count=\"%llu\" size=\"%llu\"/>\n"
            "<system type=\"current\" size=\"%llu\"/>\n<system type=\"max\" size=\"%llu\"/>\n"
            "</malloc>\n",
            (unsigned long long)(look->free_blocks + look->holes),
            (unsigned long long)(look->free_bytes + look->dirty_bytes + look->clean_bytes),
            (unsigned long long)look->large_blocks, (unsigned long long)look->large_bytes,
            (unsigned long long)look->mapped_bytes, (unsigned long long)look->peak_bytes);
}

MALLOC_EXPORT int malloc_info(int options, FILE *stream)
{
    if (options != 0) {
        return EINVAL;
    }
    struct look look;
    look_take(&look);
    write_look(stream, &look);
    return 0;
}

// ---- mallopt -----------------------------------------------------------------------------------

MALLOC_EXPORT int mallopt(int parameter, int value)
{
    static const int known[] = {
        M_MXFAST,   M_NLBLKS,       M_GRAIN,   M_KEEP,       M_TRIM_THRESHOLD, M_TOP_PAD,
        M_MMAP_MAX, M_CHECK_ACTION, M_PERTURB, M_ARENA_TEST, M_ARENA_MAX,      M_MMAP_THRESHOLD,
    };
    (void)value;
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i] == parameter) {
            return 1;
        }
    }
    return 0;
}
