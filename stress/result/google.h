// SPDX-License-Identifier: MIT
//
// google.h - a result in the form of Google Benchmark's output, for its compare.py.

#ifndef RESULT_GOOGLE_H
#define RESULT_GOOGLE_H

struct json_t;

// Of a whole document; for json_decref. With libjansson only.
struct json_t *google_of_document(const struct json_t *document);

#endif
