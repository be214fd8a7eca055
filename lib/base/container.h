// SPDX-License-Identifier: MIT
//
// container.h - from a member to the struct that embeds it.

#ifndef BASE_CONTAINER_H
#define BASE_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

// The struct of `type` that embeds *pointer as `member`. The pointer's type is checked.
#define container_of(pointer, type, member)                                                        \
    ((type *)((uintptr_t)(1 ? (pointer) : &((type *)0)->member) - offsetof(type, member)))

#endif
