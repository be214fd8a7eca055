// SPDX-License-Identifier: MIT
//
// process.c - what a driver's process sees to before anything else.

#include "cli/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

// Whoever started us may have closed the standard streams. A file that took one of their numbers
// would get what is printed, or be lost on the way to a cell; what stands there instead fails
// every use, as a closed stream does, and is not handed on.
void process_hold_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0) {
            open("/dev/null", (stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
        }
    }
}

static void process_on_limit(int signal)
{
    (void)signal;
}

// Past the limit on a file's size write fails with EFBIG, which commands tell. A handler, not
// SIG_IGN: that would be handed on to the programs that they start.
void process_outlive_limit(void)
{
    const struct sigaction action = {.sa_handler = process_on_limit, .sa_flags = SA_RESTART};
    sigaction(SIGXFSZ, &action, NULL);
}
