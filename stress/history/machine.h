// SPDX-License-Identifier: MIT
//
// machine.h - which machines are the same, for figures that are to be comparable.

#ifndef HISTORY_MACHINE_H
#define HISTORY_MACHINE_H

struct host;
struct json_t;

struct machine {
    char name[9];    // of 8 hexadecimal digits
    char about[400]; // "AMD EPYC 7B13, 2 CPUs, 8 GiB, Linux 6 x86_64"
};

// The one this is.
void machine_of_host(const struct host *host, struct machine *machine);
// One that a document tells of, in the form of its "host"; NULL: it tells nothing.
void machine_of_document(const struct json_t *host, struct machine *machine);

#endif
