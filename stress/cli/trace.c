// SPDX-License-Identifier: MIT
//
// trace.c - mems-stress trace: what is in a trace, and from one form to the other.

#include "cli/trace.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: mems-stress trace info FILE\n"
    "       mems-stress trace check FILE\n"
    "       mems-stress trace text FILE [-o OUT]\n"
    "       mems-stress trace binary FILE -o OUT\n"
    "       mems-stress trace show FILE [--target mems:POLICY(...)]... [OPTIONS]\n"
    "\n"
    "FILE is a trace in its binary form (from 'mems-stress record') or its text form; which one "
    "is\n"
    "seen from its first bytes. stress/trace/FORMAT.md describes both.\n"
    "\n"
    "  info    operations by kind and call, sizes, peaks, threads, frees by another thread\n"
    "  check   whether it is whole and legal: no block used that is not there\n"
    "  text    writes the text form, one operation a line, to OUT or standard output\n"
    "  binary  writes the binary form to OUT\n"
    "  show    does it step by step on a policy and draws the memory; 'trace show --help' says "
    "more\n"
    "\n"
    "Exit status: 0 done; 1 wrong usage, or FILE cannot be read, is damaged or not legal; 7 OUT\n"
    "cannot be written. 'info' and 'text' of a damaged binary trace show what is readable, and\n"
    "still exit with 1.\n";

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

struct options {
    const char *action;
    const char *file;
    const char *output;
};

// -1: go on; else the exit status.
static int options_read(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {{"output", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    optind = 0;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":o:h", table, NULL)) != -1;) {
        switch (option) {
        case 'o':
            options->output = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case ':':
            return wrong("a value is missing after ", argv[optind - 1]);
        default:
            return wrong("unknown option ", argv[optind - 1]);
        }
    }
    if (argc - optind < 1) {
        return wrong("info, check, text, binary or show, and a FILE are needed", "");
    }
    options->action = argv[optind];
    options->file = argv[optind + 1];
    if (argc - optind < 2) {
        return wrong("a FILE is missing after ", options->action);
    }
    if (argc - optind > 2) {
        return wrong("one FILE only, not also ", argv[optind + 2]);
    }
    return -1;
}

static int act(const struct options *options, const struct trace *trace, bool whole)
{
    struct complaint complaint = {""};
    int error = 0;
    if (strcmp(options->action, "info") == 0) {
        error = info(trace, options->file, &complaint);
    } else if (strcmp(options->action, "text") == 0) {
        error = trace_write_text(trace, options->output, &complaint);
    } else if (whole && strcmp(options->action, "binary") == 0) {
        error = trace_write_binary(trace, options->output, &complaint);
    } else if (whole) {
        printf("%s: %zu operations, whole and legal\n", options->file, trace->op_count);
    }
    if (error != 0) {
        return complained(&complaint, error == EINVAL ? 1 : 7);
    }
    if (fflush(stdout) != 0) {
        complain(&complaint, "standard output: %s", strerror(errno));
        return complained(&complaint, 7);
    }
    return 0;
}

static int action_check(const struct options *options)
{
    static const char *const actions[] = {"info", "check", "text", "binary", NULL};
    for (unsigned i = 0; actions[i] != NULL; i++) {
        if (strcmp(options->action, actions[i]) == 0) {
            if (i == 3 && options->output == NULL) {
                return wrong("binary needs -o OUT", "");
            }
            if (i < 2 && options->output != NULL) {
                return wrong("-o means nothing to ", options->action);
            }
            return 0;
        }
    }
    return wrong("info, check, text, binary or show, not ", options->action);
}

int cli_trace(int argc, char **argv)
{
    struct options options = {0};
    if (argc > 1 && strcmp(argv[1], "show") == 0) {
        return cli_trace_show(argc - 1, argv + 1);
    }
    int status = options_read(argc, argv, &options);
    if (status >= 0) {
        return status;
    }
    if (action_check(&options) != 0) {
        return 1;
    }
    struct complaint complaint = {""};
    struct trace *trace = NULL, *part = NULL;
    int error = trace_read_part(options.file, &trace, &part, &complaint);
    if (error == 0) {
        status = act(&options, trace, true);
    } else {
        status = complained(&complaint, 1);
        if (part != NULL) {
            act(&options, part, false);
        }
    }
    trace_free(trace);
    trace_free(part);
    return status;
}
