// SPDX-License-Identifier: MIT
//
// commit.c - the commit that git has under a name: HEAD, HEAD~1, a branch, a tag.
//
// git rev-parse says it. Where there is no git, no checkout, or no such name, there is no commit:
// what git says of that is not shown, for the caller says more.

#include "cli/commit.h"

#include <stdio.h>
#include <string.h>

#include "cli/capture.h"

bool commit_named(const char *word, char commit[COMMIT_TEXT])
{
    char name[256], text[COMMIT_TEXT + 1]; // and the line's end
    char *const arguments[] = {"git", "rev-parse", "--verify", "--quiet", name, NULL};
    int wanted = snprintf(name, sizeof name, "%s^{commit}", word);
    if (*word == '\0' || *word == '-' || wanted >= (int)sizeof name ||
        capture_output(arguments, CAPTURE_UNSAID, text, sizeof text) != 0) {
        return false;
    }
    size_t length = strspn(text, "0123456789abcdef"); // "^HEAD" has a ^ before them
    if ((length != 40 && length != 64) || strcmp(text + length, "\n") != 0) {
        return false;
    }
    text[length] = '\0';
    strcpy(commit, text);
    return true;
}
