// SPDX-License-Identifier: MIT
//
// mems.h - the MeMS interface: a memory-management system on top of mmap, as its course defines it.
//
// Programs written against the course's header compile and run unchanged. Addresses that
// mems_malloc returns are MeMS *virtual* addresses: they cannot be dereferenced; mems_get gives the
// host pointer behind one. Unlike the copies in circulation every call here may be made from any
// thread at any time, and none is linear in the number of blocks or holes.
//
// The first virtual address is, in this order: the macro MEMS_START_VA where it is defined before
// this header is included, the environment variable MEMS_START_VA, 1000. It may be 0: then the
// first block *is* address 0, NULL is a valid result, and mems_free(NULL) frees that block.
//
// This header includes no other header of ours. It includes <stdio.h> and <stdlib.h> because the
// course's programs rely on that.

#ifndef MEMS_MEMS_H
#define MEMS_MEMS_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif

// Sets the system up: no memory is mapped for blocks yet. A second call without mems_finish in
// between starts afresh and gives back what the first one held. The other calls set the system up
// by themselves when mems_init was not called.
void mems_init(void);

// mems_init with an explicit first virtual address, which overrides the environment.
void mems_init_at(unsigned long start_va);

// Gives everything back to the operating system. Every address is invalid afterwards.
void mems_finish(void);

// First fit over the MAIN chain, in address order: the first hole of at least `size` bytes is
// split, the rest stays a hole. Where none fits, ceil(size / PAGE_SIZE) pages are mapped and
// appended to the chain. Returns the block's virtual address; NULL with errno set to ENOMEM when
// the system refuses, EINVAL for size 0. (With first address 0 NULL may also be the first block.)
void *mems_malloc(size_t size);

// Turns a block into a hole and merges it with neighbouring holes of its MAIN node. Contents stay
// as they are. An address that is not the first byte of a live block is reported in one line on
// stderr and changes nothing.
void mems_free(void *virtual_address);

// The host pointer behind a virtual address, which may lie inside a block; NULL when no live block
// contains it. The pointer is good until the block is freed: blocks never move here.
void *mems_get(void *virtual_address);

// Prints the MAIN chain with its sub-chains, and the totals, to stdout, in the course's layout.
void mems_print_stats(void);

#ifdef MEMS_START_VA
#define mems_init() mems_init_at((unsigned long)(MEMS_START_VA))
#endif

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
