// SPDX-License-Identifier: MIT
//
// impostor.c - a library that calls itself an allocator and is none: malloc stays the C library's.

__attribute__((visibility("default"))) int impostor = 1;
