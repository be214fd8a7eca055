// SPDX-License-Identifier: MIT
//
// commit.h - the commit that git has under a name: HEAD, HEAD~1, a branch, a tag.

#ifndef CLI_COMMIT_H
#define CLI_COMMIT_H

#include <stdbool.h>

#define COMMIT_TEXT 65 // a name in SHA-256 and its end

// Whether the current folder is of a git checkout that has such a commit; `commit` is then its
// whole name, in hexadecimal. Runs git, which writes nothing to the terminal.
bool commit_named(const char *word, char commit[COMMIT_TEXT]);

#endif
