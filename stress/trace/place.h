// SPDX-License-Identifier: MIT
//
// place.h - where a trace that is written will stand.

#ifndef TRACE_PLACE_H
#define TRACE_PLACE_H

#include "job/complaint.h"

// The path to write beside and to rename to: `path`, or the file that it is a link to. From malloc.
// NULL with a complaint where what stands there is no file: renaming would put a file in the place
// of a device, a pipe or a folder.
char *trace_place(const char *path, struct complaint *complaint);

#endif
