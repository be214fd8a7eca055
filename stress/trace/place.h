// SPDX-License-Identifier: MIT
//
// place.h - where a trace may be written.

#ifndef TRACE_PLACE_H
#define TRACE_PLACE_H

#include "job/complaint.h"

// 0; ENOTSUP with a complaint where what stands at `path` is no file: a trace comes into being
// beside its place and is renamed, which would put a file in the place of a device, a pipe or a
// folder.
int trace_place_check(const char *path, struct complaint *complaint);

#endif
