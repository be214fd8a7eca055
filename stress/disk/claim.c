// SPDX-License-Identifier: MIT
//
// claim.c - no file is both read and written over by one command, and no place written twice.
//
// 1. Why. An output takes the place of what stands at its name (disk.c): `report a.json -o a.json`
//    would leave a page where a measurement was, and succeed. So whoever is about to read or write
//    a file that the user named says so here, first; the claim that does not go with an earlier one
//    is refused, before anything runs.
//
//                  read    kept    written
//        read      good    good    refused
//        kept      good    good    refused
//        written   refused refused refused
//
// 2. The same file. Names say little: ./a.json, a link to it, another case of mount. Two claims are
//    of one file where device and inode are the same; where there is no file yet, where the folder
//    and the last part of the name are. A link that leads nowhere is replaced, as disk.c does.
// 3. What is no file (a pipe, a terminal, standard output) keeps nothing that an output could take
//    away: it may be read and written. But of two outputs that go there each would be in the
//    midst of the other: that is refused as it is of a file. "-" is standard output where it is
//    written, and is that alone: where the shell has sent it is the shell's.
// 4. Said twice. A claim of the same use under the same name as before is the same claim: an option
//    may be read from the command line and again from the environment.
// 5. Bounds. A list for the life of the process; a command has as many files as words and keys. A
//    file that goes away and comes back between two claims is another one: this guards against a
//    slip of the hand, not against another process.
// 6. If you change this: each option that names a file has its use in the table (cli/option.h); a
//    file that is found otherwise (a job's include and trace, the place of the history) is claimed
//    where it is found. tests/faults/test_claims.py takes every command of the sweep of
//    faults, and each pair of its files.

#include "disk/claim.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct claim {
    enum claim_use use;
    bool file; // or may become one
    dev_t device;
    ino_t inode; // of the file; of its folder where there is none; standard output: 0
    char *name;  // its last part where there is no file, else NULL
    char *path, *as;
};

static struct claim *claims;
static size_t claim_count;

// Where a file would stand that is not there: its folder and its name in `claim`. Whether there is
// such a folder.
static bool claim_place(const char *path, struct claim *claim)
{
    struct stat folder;
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    if (stat(dirname(copy), &folder) != 0) {
        return false;
    }
    claim->device = folder.st_dev;
    claim->inode = folder.st_ino;
    const char *slash = strrchr(path, '/');
    claim->name = strdup(slash != NULL ? slash + 1 : path);
    return claim->name != NULL;
}

static bool claim_is_stdout(const struct claim *claim)
{
    return claim->use == CLAIM_WRITTEN && strcmp(claim->path, "-") == 0;
}

// Whether it can meet another claim.
static bool claim_look(const char *path, struct claim *claim)
{
    struct stat status;
    if (strcmp(path, "-") == 0 || *path == '\0') {
        return *path != '\0' && claim->use == CLAIM_WRITTEN;
    }
    if (stat(path, &status) != 0) {
        claim->file = claim->use != CLAIM_READ && claim_place(path, claim);
        return claim->file;
    }
    claim->device = status.st_dev;
    claim->inode = status.st_ino;
    claim->file = S_ISREG(status.st_mode);
    return claim->file || claim->use == CLAIM_WRITTEN;
}

static bool claim_is_same_place(const struct claim *a, const struct claim *b)
{
    bool named = a->name != NULL && b->name != NULL;
    return a->device == b->device && a->inode == b->inode &&
           (named ? strcmp(a->name, b->name) == 0 : a->name == b->name);
}

static bool claim_goes_with(const struct claim *a, const struct claim *b)
{
    bool any = a->use == CLAIM_WRITTEN || b->use == CLAIM_WRITTEN;
    bool both = a->use == CLAIM_WRITTEN && b->use == CLAIM_WRITTEN;
    return a->file && b->file ? !any : !both;
}

static bool claim_is_same(const struct claim *a, const struct claim *b)
{
    return a->use == b->use && strcmp(a->as, b->as) == 0 && strcmp(a->path, b->path) == 0;
}

static void claim_tell(const struct claim *a, const struct claim *b, char *why, size_t size)
{
    const struct claim *output = b->use == CLAIM_WRITTEN ? b : a;
    const struct claim *other = output == a ? b : a;
    const char *space = *output->as != '\0' ? " " : "";
    if (other->use == CLAIM_WRITTEN) {
        snprintf(why, size, "%s and %s both go to %s: give them a place each", a->as, b->as,
                 claim_is_stdout(b) ? "standard output" : b->path);
        return;
    }
    snprintf(why, size,
             "%s%s%s is the same file as %s%s%s, which is %s: what it holds would be lost; give "
             "the output another name",
             output->as, space, output->path, other->as, *other->as != '\0' ? " " : "", other->path,
             other->use == CLAIM_READ ? "read" : "kept");
}

static void claim_forget(struct claim *claim)
{
    free(claim->name);
    free(claim->path);
    free(claim->as);
}

// 0, EEXIST, or EALREADY: it was said before.
static int claim_check(const struct claim *made, char *why, size_t size)
{
    for (size_t i = 0; i < claim_count; i++) {
        const struct claim *earlier = &claims[i];
        if (claim_is_same(earlier, made)) {
            return EALREADY;
        }
        if (!claim_goes_with(earlier, made) && claim_is_same_place(earlier, made)) {
            claim_tell(earlier, made, why, size);
            return EEXIST;
        }
    }
    return 0;
}

int claim_file(const char *path, enum claim_use use, const char *as, char *why, size_t size)
{
    struct claim made = {.use = use};
    if (!claim_look(path, &made)) {
        return 0;
    }
    made.path = strdup(path);
    made.as = strdup(as != NULL ? as : "");
    struct claim *more = made.path != NULL && made.as != NULL
                             ? realloc(claims, (claim_count + 1) * sizeof *claims)
                             : NULL;
    if (more == NULL) {
        claim_forget(&made);
        snprintf(why, size, "%s: %s", path, strerror(ENOMEM));
        return ENOMEM;
    }
    claims = more;
    int error = claim_check(&made, why, size);
    if (error == 0) {
        claims[claim_count++] = made;
    } else {
        claim_forget(&made);
    }
    return error == EALREADY ? 0 : error;
}
