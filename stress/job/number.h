// SPDX-License-Identifier: MIT
//
// number.h - numbers with units, as people write them.
//
//   number  =  factor { "*" factor }          2*4   4*4096   (factors after the first: no unit)
//   factor  =  digits [ "." digits ] [ unit ]
//
// The result must be whole: 1.5Ki is 1536, 1.5 is an error. Nothing is rounded.

#ifndef JOB_NUMBER_H
#define JOB_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "job/complaint.h"

enum number_units {
    NUMBER_COUNT, // none, or k M G T
    NUMBER_BYTES, // none, or k M G T (1000), Ki Mi Gi Ti (1024)
    NUMBER_TIME,  // ns us ms s m h, one of them required (but for 0); the value is in ns
};

// Reads all of `text`. 0 or EINVAL with a complaint without a place: "unknown unit 'kb': ...".
int number_parse(const char *text, size_t length, enum number_units units, uint64_t *value,
                 struct complaint *complaint);

// A decimal number without unit, for shares and weights. Not inf, nan or hexadecimal.
int number_parse_real(const char *text, size_t length, double *value, struct complaint *complaint);

// Writes a time with the largest unit in which it is whole: 1500000 is "1500us".
void number_write_time(uint64_t nanoseconds, char *text, size_t size);

// CPUs this process may use.
unsigned number_of_cpus(void);

#endif
