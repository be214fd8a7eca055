// SPDX-License-Identifier: MIT
//
// json.c - --json of the commands that end in a document of their own.

#include <stdlib.h>

#include "cli/cli.h"
#include "result/document.h"

static int json_complain(const struct cli_command *command, const char *text, int status)
{
    fprintf(stderr, "mems-stress %s: %s\n", command->name, text);
    return status;
}

int cli_json_probe(const struct cli_command *command, const char *path)
{
    struct complaint complaint = {{0}};
    if (path != NULL && !document_possible()) {
        return json_complain(command, "--json: this build has no libjansson", VERDICT_EXIT_USAGE);
    }
    if (path != NULL && document_probe(path, &complaint) != 0) {
        return json_complain(command, complaint.text, VERDICT_EXIT_UNWRITTEN);
    }
    return 0;
}

int cli_json_write(const struct cli_command *command, struct json_t *root, const char *path,
                   int status)
{
    struct complaint complaint = {{0}};
    char *text = document_print(root, &complaint);
    int error = text == NULL ? 1 : document_write(path, text, &complaint);
    free(text);
    if (error != 0) {
        json_complain(command, complaint.text, 0);
        return status == VERDICT_EXIT_PASS ? VERDICT_EXIT_UNWRITTEN : status;
    }
    return status;
}
