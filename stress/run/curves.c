// SPDX-License-Identifier: MIT
//
// curves.c - the workers' histograms: started afresh while they run, put together at the end.
//
// 1. A worker has two sets of histograms and writes into one. To start afresh the sampler points it
//    to the other: one store by the sampler, one load by the worker in an operation that it times.
//    Nobody waits, and no counter is shared.
// 2. A worker that has loaded the pointer and not yet added its time adds it to the old set. That
//    set is read one turn later, when the stray time has long arrived; what a thread adds that was
//    kept from running for a whole part is counted in a later one.
// 3. For a steady state the last STEADY_PARTS parts are kept: merged over workers, the last one in
//    the set that is pending, those before it in a ring. Parts are numbered from 0.
// 4. Ordering. The set is cleaned before the pointer is stored [R:curves] and the worker's load
//    [A:curves] in workload/op.c comes before its additions. All accesses to a histogram are atomic
//    and relaxed: a stray addition during cleaning is lost or kept, never torn.

#include "run/curves.h"

static size_t curves_set_count(const struct curves_shape *shape)
{
    return (size_t)shape->threads * (shape->response ? 2 * OP_KINDS : OP_KINDS);
}

static size_t curves_part_count(const struct curves_shape *shape)
{
    unsigned kinds = shape->response ? 2 * OP_KINDS : OP_KINDS;
    return shape->steady ? (size_t)STEADY_PARTS * kinds : 0;
}

size_t curves_bytes(const struct curves_shape *shape)
{
    size_t sets = shape->afresh ? 2 : 1;
    return (sets * curves_set_count(shape) + curves_part_count(shape)) * sizeof(struct histogram);
}

void curves_init(struct curves *curves, const struct curves_shape *shape, void *memory)
{
    size_t count = curves_bytes(shape) / sizeof(struct histogram);
    struct histogram *histograms = memory;
    for (size_t i = 0; i < count; i++) {
        histogram_init(&histograms[i]);
    }
    *curves = (struct curves){
        .threads = shape->threads,
        .kinds = shape->response ? 2 * OP_KINDS : OP_KINDS,
        .parts = shape->steady ? STEADY_PARTS : 0,
        .set = {histograms, shape->afresh ? histograms + curves_set_count(shape) : NULL},
        .part = histograms + (shape->afresh ? 2 : 1) * curves_set_count(shape),
    };
}

struct histogram *curves_of(const struct curves *curves, unsigned worker)
{
    return curves->set[curves->current] + (size_t)worker * curves->kinds;
}

// All workers' histograms of one set, added to `into` by kind.
static void curves_merge(const struct curves *curves, unsigned set, struct histogram *into)
{
    for (unsigned i = 0; i < curves->threads * curves->kinds; i++) {
        histogram_merge(&into[i % curves->kinds], &curves->set[set][i]);
    }
}

static void curves_keep(struct curves *curves, unsigned set)
{
    struct histogram *into = curves->part + (size_t)(curves->turns % curves->parts) * curves->kinds;
    for (unsigned i = 0; i < curves->kinds; i++) {
        histogram_init(&into[i]);
    }
    curves_merge(curves, set, into);
    curves->turns++;
}

void curves_turn(struct curves *curves, struct worker *workers, bool counts)
{
    unsigned other = 1 - curves->current;
    if (curves->pending && curves->parts > 0) {
        curves_keep(curves, other);
    }
    for (unsigned i = 0; i < curves->threads * curves->kinds; i++) {
        histogram_clear(&curves->set[other][i]);
    }
    curves->current = other;
    curves->pending = counts;
    for (unsigned i = 0; i < curves->threads; i++) {
        // [R:curves]
        __atomic_store_n(&workers[i].latency, curves_of(curves, i), __ATOMIC_RELEASE);
    }
}

// What is told of one kind of time goes straight into the report, whose pages are there already.
static void curves_report_from(const struct histogram *from, unsigned kinds,
                               struct histogram service[OP_KINDS],
                               struct histogram response[OP_KINDS])
{
    for (unsigned kind = 0; kind < kinds; kind++) {
        histogram_merge(kind < OP_KINDS ? &service[kind] : &response[kind - OP_KINDS], &from[kind]);
    }
}

void curves_report(const struct curves *curves, unsigned first, bool with_current,
                   struct histogram service[OP_KINDS], struct histogram response[OP_KINDS])
{
    unsigned kinds = curves->kinds;
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        histogram_init(&service[kind]);
        histogram_init(&response[kind]);
    }
    unsigned kept = curves->turns < curves->parts ? 0 : curves->turns - curves->parts;
    for (unsigned i = first > kept ? first : kept; i < curves->turns; i++) {
        curves_report_from(curves->part + (size_t)(i % curves->parts) * kinds, kinds, service,
                           response);
    }
    for (unsigned i = 0; i < curves->threads; i++) {
        size_t place = (size_t)i * kinds;
        if (curves->pending) {
            curves_report_from(curves->set[1 - curves->current] + place, kinds, service, response);
        }
        if (with_current) {
            curves_report_from(curves->set[curves->current] + place, kinds, service, response);
        }
    }
}
