// SPDX-License-Identifier: MIT
//
// main.c - mems-stress.

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "run/cell.h"
#include "run/child.h"

// Whoever started us may have closed the standard streams. A file that took one of their numbers
// would get what is printed, or be lost on the way to a cell; what stands there instead fails
// every use, as a closed stream does, and is not handed on.
static void main_hold_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0) {
            open("/dev/null", (stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
        }
    }
}

static void main_on_limit(int signal)
{
    (void)signal;
}

// Past the limit on a file's size write fails with EFBIG, which commands tell. A handler, not
// SIG_IGN: that would be handed on to the programs that they start.
static void main_outlive_limit(void)
{
    const struct sigaction action = {.sa_handler = main_on_limit, .sa_flags = SA_RESTART};
    sigaction(SIGXFSZ, &action, NULL);
}

int main(int argc, char **argv)
{
    main_hold_streams();
    if (argc > 1 && strcmp(argv[1], "cell") == 0) {
        return cell_main(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        return child_main(argc - 1, argv + 1);
    }
    main_outlive_limit();
    return cli_main(argc, argv);
}
