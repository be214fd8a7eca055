// SPDX-License-Identifier: MIT
//
// trace.c - mems-stress trace: what is in a trace, and from one form to the other.

#include "cli/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

// ---- figures ------------------------------------------------------------------------------------

static unsigned threads_seen(const struct trace_account *account)
{
    unsigned count = 0;
    for (size_t i = 0; i < account->thread_room; i++) {
        count += account->thread_ops[i] > 0;
    }
    return count;
}

void trace_summary_print(FILE *out, const struct trace_account *account)
{
    uint64_t allocs = account->kind[TRACE_ALLOC] + account->kind[TRACE_ALLOC_ZEROED];
    double share =
        account->frees > 0 ? 100.0 * (double)account->remote_frees / (double)account->frees : 0;
    fprintf(out, "  operations         %llu\n", (unsigned long long)account->ops);
    fprintf(out, "  allocations        %llu (%llu B)\n", (unsigned long long)allocs,
            (unsigned long long)account->allocated_bytes);
    fprintf(out, "  frees              %llu, %llu of them by another thread (%.2f %%)\n",
            (unsigned long long)account->frees, (unsigned long long)account->remote_frees, share);
    fprintf(out, "  resizes            %llu\n", (unsigned long long)account->kind[TRACE_RESIZE]);
    fprintf(out, "  threads            %u at most at once\n", threads_seen(account));
    fprintf(out, "  peak live          %llu blocks; %llu B requested\n",
            (unsigned long long)account->peak_blocks, (unsigned long long)account->peak_bytes);
    fprintf(out, "  live at the end    %llu blocks; %llu B requested\n",
            (unsigned long long)account->live_blocks, (unsigned long long)account->live_bytes);
    fprintf(out, "  largest            %llu B\n", (unsigned long long)account->largest);
}

static void print_counts(const struct trace_account *account)
{
    printf("by kind:\n");
    for (unsigned i = 0; i < TRACE_KINDS; i++) {
        if (account->kind[i] > 0) {
            printf("  %-18s %llu\n", trace_kind_name(i), (unsigned long long)account->kind[i]);
        }
    }
    printf("by call:\n");
    for (unsigned i = TRACE_CALL_MALLOC; i < TRACE_CALLS; i++) {
        if (account->call[i] > 0) {
            printf("  %-18s %llu\n", trace_call_name(i), (unsigned long long)account->call[i]);
        }
    }
    printf("by size at allocation (B):     allocations       peak live\n");
    for (unsigned i = 0; i < TRACE_CLASSES; i++) {
        if (account->allocs_class[i] > 0 || account->peak_class[i] > 0) {
            printf("  up to %-18llu %17llu %15llu\n", 1ull << i,
                   (unsigned long long)account->allocs_class[i],
                   (unsigned long long)account->peak_class[i]);
        }
    }
    printf("by thread:\n");
    for (size_t i = 0; i < account->thread_room; i++) {
        if (account->thread_ops[i] > 0) {
            printf("  %-18zu %llu\n", i, (unsigned long long)account->thread_ops[i]);
        }
    }
}

// The operations are legal: what the account cannot take it has no memory for.
static int info(const struct trace *trace, const char *path, struct complaint *complaint)
{
    struct trace_account account;
    const char *wrong = NULL;
    trace_account_init(&account);
    for (size_t i = 0; i < trace->op_count && wrong == NULL; i++) {
        wrong = trace_account_add(&account, &trace->ops[i]);
    }
    if (wrong != NULL) {
        complain(complaint, "%s: not enough memory to count its operations", path);
        trace_account_fini(&account);
        return ENOMEM;
    }
    printf("%s:\n", path);
    if (trace->program != NULL) {
        printf("  program            %s\n", trace->program);
    }
    if (trace->host != NULL) {
        printf("  host               %s\n", trace->host);
    }
    printf("  processes          %zu\n", trace->process_count);
    trace_summary_print(stdout, &account);
    print_counts(&account);
    trace_account_fini(&account);
    return 0;
}

// ---- the command --------------------------------------------------------------------------------

static int wrong(const char *what, const char *value)
{
    fprintf(stderr, "mems-stress trace: %s%s\nTry 'mems-stress trace --help'.\n", what, value);
    return 1;
}

static int complained(const struct complaint *complaint, int status)
{
    fprintf(stderr, "mems-stress trace: %s\n", complaint->text);
    return status;
}

struct trace_settings {
    const char *output;
};

static const struct cli_option trace_no_options[] = {{0}};
static const struct cli_option trace_output_options[] = {
    {"o", CLI_OUTPUT, "OUT", "where it is written", offsetof(struct trace_settings, output)},
    {"output", CLI_OUTPUT, "OUT", "the same", offsetof(struct trace_settings, output)},
    {0},
};

static int trace_info_main(int argc, char **argv);
static int trace_check_main(int argc, char **argv);
static int trace_text_main(int argc, char **argv);
static int trace_binary_main(int argc, char **argv);

static const struct cli_command trace_info = {
    .name = "trace info",
    .form = "trace info FILE",
    .help = "operations by kind and call, sizes, peaks, threads, frees by another thread",
    .options = trace_no_options,
    .main = trace_info_main,
};

static const struct cli_command trace_legal = {
    .name = "trace check",
    .form = "trace check FILE",
    .help = "whether it is whole and legal: no block used that is not there",
    .options = trace_no_options,
    .main = trace_check_main,
};

static const struct cli_command trace_text = {
    .name = "trace text",
    .form = "trace text FILE [-o OUT]",
    .help = "write the text form, one operation a line, to OUT or standard output",
    .options = trace_output_options,
    .inputs = true,
    .main = trace_text_main,
};

static const struct cli_command trace_binary = {
    .name = "trace binary",
    .form = "trace binary FILE -o OUT",
    .help = "write the binary form to OUT",
    .options = trace_output_options,
    .inputs = true,
    .main = trace_binary_main,
};

// What is done with a trace that was read; `whole` where all of it is readable. 0 or errno.
typedef int (*trace_action)(const struct trace *trace, const char *path, const char *output,
                            bool whole, struct complaint *complaint);

static int trace_do_info(const struct trace *trace, const char *path, const char *output,
                         bool whole, struct complaint *complaint)
{
    (void)output;
    (void)whole;
    return info(trace, path, complaint);
}

static int trace_do_check(const struct trace *trace, const char *path, const char *output,
                          bool whole, struct complaint *complaint)
{
    (void)output;
    (void)complaint;
    if (whole) {
        printf("%s: %zu operations, whole and legal\n", path, trace->op_count);
    }
    return 0;
}

static int trace_do_text(const struct trace *trace, const char *path, const char *output,
                         bool whole, struct complaint *complaint)
{
    (void)path;
    (void)whole;
    return trace_write_text(trace, output, complaint);
}

static int trace_do_binary(const struct trace *trace, const char *path, const char *output,
                           bool whole, struct complaint *complaint)
{
    (void)path;
    return whole ? trace_write_binary(trace, output, complaint) : 0;
}

static int trace_act(trace_action action, const struct trace *trace, const char *path,
                     const char *output, bool whole)
{
    struct complaint complaint = {""};
    int error = action(trace, path, output, whole, &complaint);
    if (error != 0) {
        return complained(&complaint, error == EINVAL ? 1 : 7);
    }
    if (fflush(stdout) != 0) {
        complain(&complaint, "standard output: %s", strerror(errno));
        return complained(&complaint, 7);
    }
    return 0;
}

static int trace_read_and(trace_action action, const char *path, const char *output)
{
    struct complaint complaint = {""};
    struct trace *trace = NULL, *part = NULL;
    int status;
    if (trace_read_part(path, &trace, &part, &complaint) == 0) {
        status = trace_act(action, trace, path, output, true);
    } else {
        status = complained(&complaint, 1);
        if (part != NULL) {
            trace_act(action, part, path, output, false);
        }
    }
    trace_free(trace);
    trace_free(part);
    return status;
}

static int trace_main(const struct cli_command *command, trace_action action, int argc, char **argv)
{
    struct trace_settings settings = {0};
    struct cli_list words = {0};
    int status;
    if (!cli_parse(command, argc, argv, &settings, &words, &status)) {
        return status;
    }
    if (words.count != 1) {
        return words.count == 0 ? wrong("a FILE is missing after ", argv[0])
                                : wrong("one FILE only, not also ", words.items[1]);
    }
    if (action == trace_do_binary && settings.output == NULL) {
        return wrong("binary needs -o OUT", "");
    }
    return trace_read_and(action, words.items[0], settings.output);
}

static int trace_info_main(int argc, char **argv)
{
    return trace_main(&trace_info, trace_do_info, argc, argv);
}

static int trace_check_main(int argc, char **argv)
{
    return trace_main(&trace_legal, trace_do_check, argc, argv);
}

static int trace_text_main(int argc, char **argv)
{
    return trace_main(&trace_text, trace_do_text, argc, argv);
}

static int trace_binary_main(int argc, char **argv)
{
    return trace_main(&trace_binary, trace_do_binary, argc, argv);
}

static const struct cli_command *const trace_parts[] = {
    &trace_info, &trace_legal, &trace_text, &trace_binary, &cli_command_trace_show, NULL,
};

static int cli_trace(int argc, char **argv)
{
    if (argc < 2) {
        return wrong("info, check, text, binary or show, and a FILE are needed", "");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_help(&cli_command_trace, stdout);
        return 0;
    }
    for (size_t i = 0; trace_parts[i] != NULL; i++) {
        if (strcmp(strchr(trace_parts[i]->name, ' ') + 1, argv[1]) == 0) {
            return trace_parts[i]->main(argc - 1, argv + 1);
        }
    }
    return wrong("info, check, text, binary or show, not ", argv[1]);
}

const struct cli_command cli_command_trace = {
    .name = "trace",
    .form = "trace PART FILE [OPTIONS]",
    .help = "draw, check and convert traces",
    .about =
        "\nFILE is a trace in its binary form (from 'mems-stress record') or its text form; which "
        "one is\nseen from its first bytes. mems-trace(5), stress/trace/FORMAT.md in the sources, "
        "describes both.\n"
        "\n"
        "Exit status: 0 done; 1 wrong usage, or FILE cannot be read, is damaged or not legal; 7 "
        "OUT\ncannot be written. 'info' and 'text' of a damaged binary trace show what is "
        "readable, and\nstill exit with 1.",
    .parts = trace_parts,
    .main = cli_trace,
};
