// SPDX-License-Identifier: MIT
//
// main.c - mems-stress.

#include <string.h>

#include "cli/cli.h"
#include "run/cell.h"

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "cell") == 0) {
        return cell_main(argc - 1, argv + 1);
    }
    return cli_main(argc, argv);
}
