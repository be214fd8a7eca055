// SPDX-License-Identifier: MIT
//
// explore.h - who explores: this program, or the one beside it.

#ifndef CLI_EXPLORE_H
#define CLI_EXPLORE_H

#include "explore/explore.h"

// Set in mems-stress-explore alone; NULL elsewhere: `explore` starts that program.
extern enum explore_verdict (*cli_explorer)(const struct plan *plan,
                                            const struct explore_order *order,
                                            struct explore_result *result,
                                            struct complaint *complaint);

#endif
