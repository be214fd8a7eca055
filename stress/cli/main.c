// SPDX-License-Identifier: MIT
//
// main.c - mems-stress.

#include <string.h>

#include "cli/cli.h"
#include "cli/process.h"
#include "run/cell.h"
#include "run/child.h"

int main(int argc, char **argv)
{
    process_hold_streams();
    if (argc > 1 && strcmp(argv[1], "cell") == 0) {
        return cell_main(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        return child_main(argc - 1, argv + 1);
    }
    process_outlive_limit();
    return cli_main(argc, argv);
}
