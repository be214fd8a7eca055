// SPDX-License-Identifier: MIT
//
// fuzz.h - what a fuzzer calls, and what it brings along: libFuzzer's names.
//
// A target is one file with LLVMFuzzerTestOneInput, which hands the bytes to a law that the tests
// have too. It is built twice: with libFuzzer (preset fuzz), and with replay.c, a main that feeds
// it the files of a corpus, in every build. A law that is broken ends the process.

#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// In libFuzzer only: a target's own way to change an input, and the usual one to call from it.
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);

#endif
