// SPDX-License-Identifier: MIT
//
// main.c - mems-stress.

#include <fcntl.h>
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

int main(int argc, char **argv)
{
    main_hold_streams();
    if (argc > 1 && strcmp(argv[1], "cell") == 0) {
        return cell_main(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        return child_main(argc - 1, argv + 1);
    }
    return cli_main(argc, argv);
}
