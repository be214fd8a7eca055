// SPDX-License-Identifier: MIT
//
// number.h - numbers with units, as people write them.
//
//   number  =  product { ( "+" | "-" ) product }       $ncpus - 1      4Ki + 64
//   product =  factor { ( "*" | "/" ) factor }         2*4             1s/4
//   factor  =  "(" number ")"  |  digits [ "." digits ] [ unit ]
//
// Blanks may stand around operators. Arithmetic is exact; the result must be whole and not below 0:
// 1.5Ki is 1536, 3/2*2 is 3, 1.5 is an error. Nothing is rounded.

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

// Writes a number so that it is read back: a size of whole Ki with the largest of Ki Mi Gi Ti in
// which it is whole, a time likewise, anything else in digits.
void number_write(uint64_t number, enum number_units units, char *text, size_t size);
// Writes a time with the largest unit in which it is whole: 1500000 is "1500us".
void number_write_time(uint64_t nanoseconds, char *text, size_t size);

// CPUs this process may use.
unsigned number_of_cpus(void);

#endif
