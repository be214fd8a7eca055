// SPDX-License-Identifier: MIT
//
// selftest.c - mems-stress selftest: can a verdict be believed on this machine?

#include "compare/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "result/verdict.h"

struct selftest_settings {
    const char *target;
    struct cli_number repeats;
    struct cli_number comparisons;
    struct cli_number tries;
    struct cli_share threshold;
    struct cli_number seed;
    const char *json;
};

static const struct cli_option selftest_options[] = {
    {"target", CLI_TEXT, "TARGET", "what is measured (default: libc)",
     offsetof(struct selftest_settings, target)},
    {"repeats", CLI_NUMBER, "N", "of each comparison (default: aa 20, sensitivity 600)",
     offsetof(struct selftest_settings, repeats)},
    {"comparisons", CLI_NUMBER, "N", "of aa (default: 200)",
     offsetof(struct selftest_settings, comparisons)},
    {"tries", CLI_NUMBER, "N", "of sensitivity (default: 10)",
     offsetof(struct selftest_settings, tries)},
    {"max-regression", CLI_SHARE, "1%", "the threshold of the comparisons (default: 1%)",
     offsetof(struct selftest_settings, threshold)},
    {"seed", CLI_NUMBER, "N", "of everything (default: 1)",
     offsetof(struct selftest_settings, seed)},
    {"json", CLI_OUTPUT, "FILE", "write the result as JSON; - is standard output",
     offsetof(struct selftest_settings, json)},
    {0},
};

static FILE *selftest_out; // where the text goes: not where JSON does

static void selftest_told_aa(const struct selftest *selftest)
{
    if (selftest->done == 0) {
        fprintf(selftest_out,
                "selftest aa: churn on %s against itself, %u comparisons of %u repeats, %llu "
                "operations a cell\n",
                selftest->target, selftest->times, selftest->repeats,
                (unsigned long long)selftest->ops);
    } else if (selftest->tries[selftest->done - 1].alarm) {
        const struct selftest_try *it = &selftest->tries[selftest->done - 1];
        fprintf(selftest_out, "alarm in comparison %u: time %.4f (%.4f .. %.4f), p %.2g\n",
                selftest->done, it->ratio, it->low, it->high, it->p_holm);
    }
    fflush(selftest_out);
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K%u of %u, %u alarms%s", selftest->done, selftest->times,
                selftest->alarms, selftest->done == selftest->times ? "\r\033[K" : "");
        fflush(stderr);
    }
}

static void selftest_told_sensitivity(const struct selftest *selftest)
{
    if (selftest->done == 0) {
        fprintf(selftest_out,
                "selftest sensitivity: churn on %s, %u tries of %u repeats, %llu operations a "
                "cell\na delay of %llu steps an operation costs %.1f %% more time\n",
                selftest->target, selftest->times, selftest->repeats,
                (unsigned long long)selftest->ops, (unsigned long long)selftest->steps,
                selftest->slowdown * 100);
    } else {
        const struct selftest_try *it = &selftest->tries[selftest->done - 1];
        fprintf(selftest_out, "try %2u: time %.4f (%.4f .. %.4f), p %.2g: %s%s\n", selftest->done,
                it->ratio, it->low, it->high, it->p_holm, judge_verdict_name(it->verdict),
                it->found ? ", found" : "");
    }
    fflush(selftest_out);
}

static void selftest_sum_aa(const struct selftest *selftest, bool passed)
{
    fprintf(selftest_out, "%u alarms in %u comparisons (at most %u), %u with p <= %g; %.0f s: %s\n",
            selftest->alarms, selftest->done, selftest_alarms_allowed(selftest->times),
            selftest->significant, JUDGE_ALPHA, selftest->seconds, passed ? "pass" : "failed");
}

static void selftest_sum_sensitivity(const struct selftest *selftest, bool passed)
{
    fprintf(selftest_out,
            "found %u of %u (at least %u), inconclusive %u (at most %u); %.0f s: %s\n",
            selftest->found, selftest->done, selftest_found_wanted(selftest->times),
            selftest->inconclusive, selftest_inconclusive_allowed(selftest->times),
            selftest->seconds, passed ? "pass" : "failed");
}

static const struct selftest_kind {
    const char *name;
    unsigned repeats;
    unsigned times;
    enum verdict_exit (*run)(struct selftest *selftest, struct complaint *complaint);
    void (*told)(const struct selftest *selftest);
    void (*sum)(const struct selftest *selftest, bool passed);
} selftest_kinds[] = {
    {"aa", SELFTEST_AA_REPEATS, SELFTEST_COMPARISONS, selftest_aa, selftest_told_aa,
     selftest_sum_aa},
    {"sensitivity", SELFTEST_REPEATS, SELFTEST_TRIES, selftest_sensitivity,
     selftest_told_sensitivity, selftest_sum_sensitivity},
};

#define SELFTEST_KINDS (sizeof selftest_kinds / sizeof selftest_kinds[0])

static int selftest_complain(const char *text)
{
    fprintf(stderr, "mems-stress selftest: %s\n", text);
    return VERDICT_EXIT_USAGE;
}

static const struct selftest_kind *selftest_find(const struct cli_list *words)
{
    for (size_t i = 0; i < SELFTEST_KINDS && words->count == 1; i++) {
        if (strcmp(selftest_kinds[i].name, words->items[0]) == 0) {
            return &selftest_kinds[i];
        }
    }
    return NULL;
}

static int selftest_go(const struct selftest_kind *kind, struct selftest *selftest,
                       const char *json)
{
    struct complaint complaint = {{0}};
    int status = (int)kind->run(selftest, &complaint);
    if (complaint.text[0] != '\0') {
        selftest_complain(complaint.text);
    } else {
        kind->sum(selftest, status == VERDICT_EXIT_PASS);
    }
    if (json != NULL && status != VERDICT_EXIT_USAGE) {
        status = cli_json_write(&cli_command_selftest, selftest_json(selftest, kind->name, status),
                                json, status);
    }
    selftest_fini(selftest);
    return status;
}

// The numbers of the command line, or a message.
static int selftest_order(const struct selftest_settings *settings,
                          const struct selftest_kind *kind, struct selftest *selftest)
{
    bool aa = kind->run == selftest_aa;
    const struct cli_number *times = aa ? &settings->comparisons : &settings->tries;
    const struct cli_number *other = aa ? &settings->tries : &settings->comparisons;
    if (other->given) {
        return selftest_complain(aa ? "--tries is an option of sensitivity; aa has --comparisons"
                                    : "--comparisons is an option of aa; sensitivity has --tries");
    }
    if (times->given && (times->value == 0 || times->value > 100000)) {
        return selftest_complain(aa ? "--comparisons: 1 .. 100000" : "--tries: 1 .. 100000");
    }
    if (settings->repeats.given &&
        (settings->repeats.value < JUDGE_LEAST || settings->repeats.value > 1000)) {
        return selftest_complain("--repeats: 5 .. 1000");
    }
    *selftest = (struct selftest){
        .target = settings->target != NULL ? settings->target : "libc",
        .repeats = settings->repeats.given ? (unsigned)settings->repeats.value : kind->repeats,
        .times = times->given ? (unsigned)times->value : kind->times,
        .threshold = settings->threshold.given ? settings->threshold.value : SELFTEST_THRESHOLD,
        .seed = settings->seed.given ? settings->seed.value : 1,
        .told = kind->told,
    };
    return 0;
}

static int selftest_main(int argc, char **argv)
{
    struct selftest_settings settings = {0};
    struct selftest selftest;
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_selftest, argc, argv, &settings, &words, &status)) {
        return status;
    }
    const struct selftest_kind *kind = selftest_find(&words);
    if (kind == NULL) {
        return selftest_complain("aa or sensitivity? usage: mems-stress selftest aa|sensitivity");
    }
    status = selftest_order(&settings, kind, &selftest);
    if (status != 0) {
        return status;
    }
    status = cli_json_probe(&cli_command_selftest, settings.json);
    if (status != 0) {
        return status;
    }
    selftest_out = settings.json != NULL && strcmp(settings.json, "-") == 0 ? stderr : stdout;
    return selftest_go(kind, &selftest, settings.json);
}

const struct cli_command cli_command_selftest = {
    .name = "selftest",
    .form = "selftest aa|sensitivity [OPTIONS]",
    .help = "can a verdict be believed on this machine?",
    .about =
        "\n"
        "aa           compares a target with itself, 200 times: at most 10 may be called "
        "regressed\n"
        "             or improved. Three to six minutes, longer where much else runs.\n"
        "sensitivity  finds the delay that makes operations 5 % longer, then compares the target "
        "with\n"
        "             its slower self, 10 times: at least 9 must be called regressed with an\n"
        "             estimate within 2.5 points, at most 1 may be inconclusive. As "
        "long.\n"
        "\n"
        "Both do what a run and a paired comparison do: interleaved cells in processes of their\n"
        "own, about 5 ms of work each. Exit status: 0 pass, 2 the promise was not kept.",
    .options = selftest_options,
    .main = selftest_main,
};
