// SPDX-License-Identifier: MIT
//
// population.h - which blocks a program keeps: how often each size is born, how many of it live.
//
// 1. Theory. A program in its steady state is a population: blocks of size class c are born b_c
//    times an operation, and n_c of them live on average. By Little's law they live n_c / b_c
//    operations each, so that d_c = b_c / n_c is the rate at which one of them dies. Sizes, births
//    and live counts are all that is kept; order and the life of single blocks are given up. The
//    workload fleet does what such a population does, for as long as one likes.
// 2. Format. Text. The first line is the version; then a row a line, three words each, with sizes
//    that go up and do not overlap. '#' begins a comment that goes on to the end of the line.
//
//      mems-fleet 1
//      # size        births   live
//      24            90000    1200.5
//      1025-1152     5200.25  31.4
//
//      size    a size in bytes or a range of them, both ends included, each size in it as likely as
//              another; 1 .. 1Ti, with k M G T (1000) and Ki Mi Gi Ti (1024) as in job files
//      births  in a million operations, decimal, 0 or more; an operation is an allocation or a free
//      live    blocks alive on average, decimal; above 0 where there are births. A row without
//              births lives from the start to the end
//
//    What counts of the births is their proportions: a population in its steady state is born as
//    often as it dies, so that births come to half a million. Both are at least 1e-15 where they
//    are not 0, and at most 1e15. At most 4096 rows.
// 3. Failure. A file that breaks any of this is refused with line and column. A row that means
//    nothing (neither born nor alive) is refused, too.

#ifndef POPULATION_POPULATION_H
#define POPULATION_POPULATION_H

#include <stddef.h>
#include <stdint.h>

#include "job/complaint.h"

#define POPULATION_ROWS 4096
#define POPULATION_MOST (UINT64_C(1) << 40) // the largest size

struct population_row {
    uint64_t low, high; // sizes low .. high
    double births;      // in a million operations
    double live;
};

// rows[i].high < rows[i + 1].low; births > 0 implies live > 0                                  (P1)
struct population {
    struct population_row *rows;
    size_t count;
    double births, live; // of all rows
};

// Reads a file. 0, the errno of the file, EINVAL (with place in the complaint) or ENOMEM.
int population_read(const char *path, struct population *population, struct complaint *complaint);
// The same from memory: `name` stands for the file in complaints.
int population_parse(const char *text, size_t length, const char *name,
                     struct population *population, struct complaint *complaint);
void population_fini(struct population *population);

// As a file, with each line of `comment` behind a '#' (NULL: none). Seven digits of each rate. The
// caller frees it; NULL: no memory.
char *population_text(const struct population *population, const char *comment);

// The size class that fitted populations put a size into: exact up to 128 bytes, above that eight
// an octave, none wider than 12.5 % of its least size. Classes are numbered upwards from 1; size 0
// counts as 1.
#define POPULATION_CLASSES 600
unsigned population_class(uint64_t size);
void population_class_sizes(unsigned class, uint64_t *low, uint64_t *high);

// What recorded programs come to, one after the other: births an operation and live counts averaged
// over all operations. A resize is a death and a birth. Blocks that live at a program's end die
// with it. `remote_share` gets the share of frees done by another thread than the one that
// allocated. 0, EINVAL, ENOMEM or the errno of a file, with a complaint.
int population_fit(const char *const *paths, size_t count, struct population *population,
                   double *remote_share, struct complaint *complaint);

// `live` blocks whose sizes are log-normal, and whose lives are equally long: the logarithm of a
// size is normal around ln(median) with the spread sigma, rounded up to whole bytes. Classes with
// less than a billionth of the blocks are left out. 0 or ENOMEM; 1 <= median <= 1Gi, 0 < sigma
// <= 4.
int population_log_normal(double median, double sigma, double live, struct population *population);

#endif
