// SPDX-License-Identifier: MIT
//
// capture.h - runs another program and takes what it writes.

#ifndef CLI_CAPTURE_H
#define CLI_CAPTURE_H

#include <stddef.h>

enum capture_errors {
    CAPTURE_SAID, // they are the user's to see
    CAPTURE_UNSAID,
};

// Runs `arguments`, found by PATH, to its end; what it writes to standard output is in `text`: ""
// where that is more than there is room for. 0; EIO: it did not end well; or an errno value of what
// could not be started (ENOENT: there is no such program).
int capture_output(char *const arguments[], enum capture_errors errors, char *text, size_t size);

#endif
