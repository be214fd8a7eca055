// SPDX-License-Identifier: MIT
//
// topology.c - the machine's CPUs, cores, packages and caches, as far as this process may use them.
//
// hwloc knows; where it is not built in, the affinity mask is all there is.

#include "measure/topology.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef MEMS_HAVE_HWLOC
#include <hwloc.h>

static void topology_add(struct topology *topology, hwloc_obj_t unit)
{
    if (topology->cpu_count == TOPOLOGY_CPUS) {
        return;
    }
    struct topology_cpu *cpu = &topology->cpus[topology->cpu_count++];
    *cpu = (struct topology_cpu){.number = unit->os_index};
    hwloc_obj_t core = unit;
    while (core != NULL && core->type != HWLOC_OBJ_CORE) {
        core = core->parent;
    }
    hwloc_obj_t package = unit;
    while (package != NULL && package->type != HWLOC_OBJ_PACKAGE) {
        package = package->parent;
    }
    cpu->package = package != NULL ? package->logical_index : 0;
    cpu->core = core != NULL ? core->logical_index : unit->logical_index;
    // The threads of a core follow one another.
    for (size_t i = topology->cpu_count - 1; i-- > 0;) {
        const struct topology_cpu *before = &topology->cpus[i];
        if (before->package == cpu->package && before->core == cpu->core) {
            cpu->thread = before->thread + 1;
            break;
        }
    }
}

static bool topology_ask(struct topology *topology)
{
    static const hwloc_obj_type_t caches[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
                                              HWLOC_OBJ_L3CACHE};
    hwloc_topology_t machine;
    hwloc_obj_t unit = NULL;
    if (hwloc_topology_init(&machine) != 0) {
        return false;
    }
    bool loaded = hwloc_topology_load(machine) == 0;
    while (loaded && (unit = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_PU, unit)) != NULL) {
        topology_add(topology, unit);
    }
    for (unsigned i = 0; loaded && i < 3; i++) {
        hwloc_obj_t cache = hwloc_get_obj_by_type(machine, caches[i], 0);
        if (cache != NULL) {
            topology->cache_bytes[i] = cache->attr->cache.size;
            topology->cache_line_bytes = cache->attr->cache.linesize;
        }
    }
    if (loaded) {
        topology->packages = (unsigned)hwloc_get_nbobjs_by_type(machine, HWLOC_OBJ_PACKAGE);
        topology->cores = (unsigned)hwloc_get_nbobjs_by_type(machine, HWLOC_OBJ_CORE);
        topology->nodes = (unsigned)hwloc_get_nbobjs_by_type(machine, HWLOC_OBJ_NUMANODE);
    }
    hwloc_topology_destroy(machine);
    return topology->cpu_count > 0;
}
#else
static bool topology_ask(struct topology *topology)
{
    (void)topology;
    return false;
}
#endif

void topology_look(struct topology *topology)
{
    memset(topology, 0, sizeof *topology);
    topology->known = topology_ask(topology);
    cpu_set_t allowed;
    if (topology->known || sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return;
    }
    for (unsigned i = 0; i < CPU_SETSIZE && topology->cpu_count < TOPOLOGY_CPUS; i++) {
        if (CPU_ISSET(i, &allowed)) {
            topology->cpus[topology->cpu_count++] = (struct topology_cpu){.number = i, .core = i};
        }
    }
}

static int topology_apart(const void *a, const void *b)
{
    const struct topology_cpu *left = a;
    const struct topology_cpu *right = b;
    if (left->thread != right->thread) {
        return left->thread < right->thread ? -1 : 1;
    }
    if (left->core != right->core) {
        return left->core < right->core ? -1 : 1;
    }
    return left->package < right->package ? -1 : left->package > right->package;
}

// Cores are numbered through the whole machine; to take packages in turn they must be numbered
// within each.
static void topology_number_cores(const struct topology *topology, struct topology_cpu *cpus)
{
    for (size_t i = 0; i < topology->cpu_count; i++) {
        unsigned first = topology->cpus[i].core;
        for (size_t j = 0; j < topology->cpu_count; j++) {
            const struct topology_cpu *other = &topology->cpus[j];
            if (other->package == topology->cpus[i].package && other->core < first) {
                first = other->core;
            }
        }
        cpus[i] = topology->cpus[i];
        cpus[i].core -= first;
    }
}

size_t topology_cpus(const struct topology *topology, enum topology_order order,
                     unsigned numbers[TOPOLOGY_CPUS])
{
    struct topology_cpu spread[TOPOLOGY_CPUS];
    const struct topology_cpu *cpus = topology->cpus;
    if (order == TOPOLOGY_SPREAD) {
        topology_number_cores(topology, spread);
        qsort(spread, topology->cpu_count, sizeof spread[0], topology_apart);
        cpus = spread;
    }
    for (size_t i = 0; i < topology->cpu_count; i++) {
        numbers[i] = cpus[i].number;
    }
    return topology->cpu_count;
}
