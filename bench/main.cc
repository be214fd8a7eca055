// SPDX-License-Identifier: MIT
//
// main.cc - binds kernels x targets x threads to Google Benchmark: the only C++ here.
//
// Exit status: 0, 1 when a measurement failed, 2 when what was asked for cannot be measured.
//
// Google Benchmark counts iterations, repeats, interleaves, filters and prints. The time is the
// child process's own (run.h); what Google Benchmark would call CPU time is this process waiting,
// so the child's is given as the counter cpu_ns instead.

#include <benchmark/benchmark.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "run.h"

namespace
{

const char *const usage =
    "mems-bench [--targets LIST] [--threads LIST] [--values KERNEL=LIST] [--benchmark_...]\n"
    "mems-bench --once KERNEL TARGET VALUE THREADS ITERATIONS\n"
    "  --targets LIST   mems:POLICY(key=value,...), libc, preload:NAME-OR-PATH, null; a '?' in\n"
    "                   front leaves it out where it is missing; default:\n"
    "                   %s\n"
    "  --threads LIST   default: 1,2\n"
    "  --values KERNEL=LIST  values of that kernel's parameter in place of its own (repeatable)\n"
    "  --once ...       one measurement in this process: prints ok NS CPU_NS [FIGURE=VALUE...] "
    "SUPPLIER\n"
    "kernels:\n";

struct options {
    std::deque<struct target> targets;
    std::vector<unsigned> threads;
    std::vector<std::pair<std::string, std::vector<uint64_t>>> values;
};

void print_usage()
{
    char list[TARGET_TEXT];
    target_standard(list, sizeof list);
    std::printf(usage, list);
    const struct kernel *kernel;
    for (size_t i = 0; (kernel = kernel_at(i)) != nullptr; i++) {
        std::printf("  %-10s %s\n", kernel->name, kernel->help);
    }
    std::printf("Google Benchmark's own options: --benchmark_filter=REGEX --benchmark_list_tests\n"
                "  --benchmark_min_time=SECONDS --benchmark_repetitions=N\n"
                "  --benchmark_enable_random_interleaving=true --benchmark_out=FILE\n");
}

bool read_numbers(const char *text, uint64_t most, std::vector<uint64_t> &numbers)
{
    numbers.clear();
    for (char *end;; text = end + 1) {
        uint64_t number = std::strtoull(text, &end, 10);
        if (end == text || number == 0 || number > most || (*end != ',' && *end != '\0')) {
            return false;
        }
        numbers.push_back(number);
        if (*end == '\0') {
            return true;
        }
    }
}

bool read_targets(const char *list, struct options &options)
{
    options.targets.clear();
    while (list != nullptr) {
        char text[TARGET_TEXT], complaint[2 * TARGET_TEXT];
        options.targets.emplace_back();
        struct target &target = options.targets.back();
        int error = target_next(&list, text, sizeof text);
        if (error == 0) {
            error = target_parse(text, &target, complaint, sizeof complaint);
        } else {
            std::snprintf(complaint, sizeof complaint, "--targets: a target is too long");
        }
        if (error != 0) {
            bool skip = error == ENOENT && target.optional;
            std::fprintf(stderr, "mems-bench: %s%s\n", complaint, skip ? "; left out" : "");
            options.targets.pop_back();
            if (!skip) {
                return false;
            }
        }
    }
    return true;
}

bool read_values(const char *text, struct options &options)
{
    std::vector<uint64_t> numbers;
    const char *equals = std::strchr(text, '=');
    std::string name(text, equals != nullptr ? static_cast<size_t>(equals - text) : 0);
    if (kernel_find(name.c_str()) == nullptr || !read_numbers(equals + 1, UINT32_MAX, numbers)) {
        std::fprintf(stderr, "mems-bench: --values %s: write KERNEL=NUMBER,NUMBER...\n", text);
        return false;
    }
    options.values.emplace_back(name, numbers);
    return true;
}

bool read_threads(const char *text, struct options &options)
{
    std::vector<uint64_t> numbers;
    if (!read_numbers(text, KERNEL_THREADS, numbers)) {
        std::fprintf(stderr, "mems-bench: --threads %s: write numbers from 1 to %d, as in 1,2\n",
                     text, KERNEL_THREADS);
        return false;
    }
    options.threads.assign(numbers.begin(), numbers.end());
    return true;
}

// Takes our options, "--key VALUE" or "--key=VALUE"; Google Benchmark has taken its own.
bool read_options(int argc, char **argv, struct options &options)
{
    const struct {
        const char *name;
        bool (*read)(const char *, struct options &);
    } table[] = {
        {"--targets", read_targets}, {"--threads", read_threads}, {"--values", read_values}};
    options.threads = {1, 2};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (const auto &row : table) {
            size_t length = std::strlen(row.name);
            if (std::strncmp(argv[i], row.name, length) != 0 ||
                (argv[i][length] != '=' && argv[i][length] != '\0')) {
                continue;
            }
            const char *value = argv[i][length] == '=' ? argv[i] + length + 1 : argv[++i];
            if (value == nullptr) {
                std::fprintf(stderr, "mems-bench: %s wants a value\n", row.name);
                return false;
            }
            if (!row.read(value, options)) {
                return false;
            }
            known = true;
            break;
        }
        if (!known) {
            std::fprintf(stderr, "mems-bench: unknown option %s; see --help\n", argv[i]);
            return false;
        }
    }
    char list[TARGET_TEXT];
    target_standard(list, sizeof list);
    return !options.targets.empty() || read_targets(list, options);
}

bool failed; // any measurement

void measure(benchmark::State &state, const struct cell &cell)
{
    auto iterations = state.max_iterations;
    double cpu_ns = 0;
    struct kernel_figure figures[KERNEL_FIGURES] = {};
    while (state.KeepRunningBatch(iterations)) {
        struct answer answer;
        if (run_spawn(&cell, static_cast<uint64_t>(iterations), &answer) != 0) {
            state.SkipWithError(answer.complaint);
            failed = true;
            return;
        }
        state.SetIterationTime(static_cast<double>(answer.ns) * 1e-9);
        cpu_ns += static_cast<double>(answer.cpu_ns);
        std::memcpy(figures, answer.figures, sizeof figures);
    }
    state.SetItemsProcessed(state.iterations() * cell.threads);
    state.counters["cpu_ns"] = cpu_ns / static_cast<double>(state.iterations());
    for (const auto &figure : figures) {
        if (figure.name[0] != '\0') {
            state.counters[figure.name] = figure.value;
        }
    }
}

void enroll(const struct cell &cell)
{
    std::string name = std::string(cell.kernel->name) + "/" + cell.target->name + "/" +
                       cell.kernel->parameter + ":" + std::to_string(cell.value) +
                       "/threads:" + std::to_string(cell.threads);
    benchmark::RegisterBenchmark(name.c_str(), measure, cell)->UseManualTime();
}

void enroll_kernel(const struct kernel *kernel, const struct options &options)
{
    std::vector<uint64_t> values;
    for (size_t i = 0; kernel->values[i] != 0; i++) {
        values.push_back(kernel->values[i]);
    }
    for (const auto &given : options.values) {
        values = given.first == kernel->name ? given.second : values;
    }
    for (uint64_t value : values) {
        for (unsigned threads : options.threads) {
            for (const struct target &target : options.targets) {
                if (threads >= kernel->threads_least && target_suits(&target, kernel)) {
                    enroll({kernel, &target, value, threads});
                }
            }
        }
    }
}

// Says in the output which file answered malloc for each target: a process of its own found out.
bool prove(const struct options &options)
{
    for (const struct target &target : options.targets) {
        struct answer answer;
        struct cell cell = {kernel_find("pair"), &target, 16, 1};
        if (run_spawn(&cell, 1, &answer) != 0) {
            std::fprintf(stderr, "mems-bench: %s: %s\n", target.name, answer.complaint);
            return false;
        }
        if (target.family == FAMILY_MALLOC) {
            benchmark::AddCustomContext(std::string("malloc of ") + target.name, answer.supplier);
        }
    }
    return true;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc > 1 && std::strcmp(argv[1], "--once") == 0) {
        return run_once(argc - 2, argv + 2);
    }
    for (int i = 1; i < argc; i++) {
        if (std::strcmp(argv[i], "--help") == 0) {
            print_usage();
            return 0;
        }
    }
    static struct options options;
    benchmark::Initialize(&argc, argv);
    if (!read_options(argc, argv, options) || !prove(options)) {
        return 2;
    }
    const struct kernel *kernel;
    for (size_t i = 0; (kernel = kernel_at(i)) != nullptr; i++) {
        enroll_kernel(kernel, options);
    }
    bool any = benchmark::RunSpecifiedBenchmarks() > 0;
    benchmark::Shutdown();
    return !any ? 2 : failed ? 1 : 0;
}
