// SPDX-License-Identifier: MIT
//
// law_options.h - the law of an engine's options: any text is refused with a complaint and leaves
// nothing, or opens an engine that works.

#ifndef ENGINE_LAW_OPTIONS_H
#define ENGINE_LAW_OPTIONS_H

#include "support/engine.h"

// One block: served, or refused for want of memory; the engine holds together, and closes.
static inline void options_use(struct mems_engine *engine, const char *text)
{
    struct mems_space *space = NULL;
    mems_addr addr = 0;
    char byte = 1;
    int error = mems_space_open(engine, &space);
    test_require(error == 0 || error == ENOMEM, "%s: space: %s", text, strerror(error));
    if (error == 0) {
        error = mems_alloc(space, 100, 0, &addr);
        test_require(error == 0 || error == ENOMEM, "%s: alloc: %s", text, strerror(error));
    }
    if (error == 0) {
        error = mems_write(space, addr + 99, "x", 1);
        error = error != 0 ? error : mems_read(space, addr + 99, &byte, 1);
        test_require((error == 0 && byte == 'x') || error == ENOMEM || error == ENOSPC,
                     "%s: use: %s", text, strerror(error));
        test_require(mems_release(space, addr) == 0, "%s: release", text);
    }
    test_checked(engine, true);
    test_conserved(engine);
    mems_engine_close(engine);
}

static inline void options_law(const char *policy, const char *text)
{
    static const uint64_t references[] = {0, 1, 0};
    const struct mems_config config = {
        .policy = policy, .options = text, .references = references, .reference_count = 3};
    static char mark;
    struct mems_engine *const none = (struct mems_engine *)&mark;
    struct mems_engine *engine = none;
    int error = mems_engine_open(&config, &engine);
    if (error == 0) {
        test_require(engine != none && engine != NULL, "%s: no engine", text);
        options_use(engine, text);
        return;
    }
    test_require(engine == none, "%s(%s): refused, yet the result has changed", policy, text);
    test_require(mems_complaint()[0] != '\0', "%s(%s): %s, and nobody says why", policy, text,
                 strerror(error));
}

#endif
