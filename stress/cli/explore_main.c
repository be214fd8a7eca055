// SPDX-License-Identifier: MIT
//
// explore_main.c - mems-stress-explore: mems-stress whose engine is the explore build. Started by
// `mems-stress explore`.

#include "cli/explore.h"

#include "cli/cli.h"
#include "cli/process.h"

int main(int argc, char **argv)
{
    process_hold_streams();
    process_outlive_limit();
    cli_explorer = explore_run;
    return cli_main(argc, argv);
}
