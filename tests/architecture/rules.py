# SPDX-License-Identifier: MIT
#
# rules.py - the rules of the house as data; architecture.py applies them, plants.py breaks each once.
#
# A room is a folder under lib/ or stress/. Paths are relative to the top of the tree, patterns are Python's.

# Stairs go down only, siblings do not talk: what each room of lib/ may include, beside itself and the headers of
# the system. "include" are the public headers, <mems/...>.
MAY_INCLUDE = {
    "include": set(),
    "base": set(),
    "os": {"base", "include"},
    "sync": {"os", "base", "include"},
    "memory": {"sync", "os", "base", "include"},
    "heap": {"memory", "sync", "os", "base", "include"},
    "policy": {"heap", "memory", "sync", "os", "base", "include"},
    "cache": {"memory", "sync", "os", "base", "include"},
    "engine": {"cache", "policy", "heap", "memory", "sync", "os", "base", "include"},
    "malloc": {"engine", "cache", "policy", "heap", "memory", "sync", "os", "base", "include"},
}

# The same of the rooms of stress/, each line a step above the ones before it. The cell at work is three rooms that
# know each other: workloads do operations, a run has workers that do them, checks look at their blocks. And a job's
# keys are its workload's.
CELL = {"workload", "run", "check", "target", "faults", "population", "trace", "job", "measure", "disk"}
STRESS_MAY_INCLUDE = {
    "measure": set(),
    "disk": set(),
    "json": {"disk"},
    "job": {"disk", "workload"},
    "trace": {"job", "measure", "disk"},
    "target": {"job", "disk"},
    "population": {"trace", "job", "disk"},
    "faults": {"job", "json"},
    "workload": CELL,
    "run": CELL,
    "check": CELL,
    "result": CELL | {"json"},
    "compare": CELL | {"result", "json"},
    "history": CELL | {"result", "compare", "json"},
    "show": {"target", "trace", "job", "json", "disk"},
    "report": CELL | {"result", "json"},
    "lesson": {"show", "faults", "target", "trace", "job", "json"},
    "explore": CELL | {"json"},
    "shard": CELL | {"result", "json"},
    "cli": CELL | {"result", "compare", "history", "show", "explore", "shard", "report", "lesson", "json"},
}

# Public headers are the only ones of ours that these folders may use, beside their own.
OUTSIDE_LIB = ("stress", "bench")
PUBLIC_HEADERS = {"mems/mems.h", "mems/engine.h", "mems/translate.h", "mems/inject.h", "mems/schedule.h"}

# What may not be said where. `files` says where, `but` where it may all the same; the pattern is searched in code,
# without comments and strings (`in_code`), or in the raw line.
BAN = [
    {
        "rule": "seam",
        "why": "only lib/os asks the system for memory and time",
        "files": r"lib/.*\.[ch]$",
        "but": r"lib/os/",
        "pattern": r"(?<![\w.>])(mmap|munmap|mremap|madvise|mprotect|memfd_create|clock_gettime|gettimeofday"
        r"|ftruncate|syscall|nanosleep|usleep|sleep)\s*\(",
    },
    {
        "rule": "threads",
        "why": "atomics, pthread and urcu are known to base, os and sync only",
        "files": r"lib/.*\.[ch]$",
        "but": r"lib/(base|os|sync)/|lib/include/mems/translate\.h$|lib/malloc/(thread|fork)\.c$",
        "pattern": r"<(stdatomic|threads|pthread)\.h>|<urcu|\b_Atomic\b|(?<![\w.>])(pthread|urcu|rcu|cmm|atomic|mtx|thrd)_[a-z]"
        r"|__(atomic|sync)_[a-z]|\bmemory_order",
    },
    {
        "rule": "malloc",
        "why": "nothing in lib calls malloc; ask lib/os or lib/memory",
        "files": r"lib/.*\.[ch]$",
        "but": r"lib/malloc/",
        "pattern": r"(?<![\w.>])(malloc|calloc|realloc|reallocarray|free|aligned_alloc|posix_memalign|memalign|valloc"
        r"|strdup|strndup|getline|asprintf|vasprintf)\s*\(",
    },
    {
        "rule": "stdio",
        "why": "nothing in lib uses stdio but the files of mems_print_stats, malloc_info and malloc_stats; "
        "base/print.h prints",
        "files": r"lib/.*\.[ch]$",
        "but": r"lib/include/mems/mems\.h$|lib/engine/mems\.c$|lib/malloc/(info|stats)\.c$",
        "pattern": r"<stdio\.h>|(?<![\w.>])(v?[fsd]?n?printf|f?puts|f?putc|putchar|perror|f?open_memstream|fopen|fflush"
        r"|fwrite|fread|f?scanf)\s*\(|\b(stdout|stderr|stdin)\b|\bFILE\b",
    },
    {
        "rule": "memory-stream",
        "why": "when memory runs out its text ends there, and nobody is told; disk_memory (disk/memory.h) tells",
        "files": r"stress/.*\.[ch]$",
        "but": r"stress/disk/memory\.c$",
        "pattern": r"(?<![\w.>])open_w?memstream\b",
    },
    {
        "rule": "memory-stream",
        "why": "what does not fit is cut off, and nobody is told; disk_memory (disk/memory.h) grows, and tells; only "
        "run/symbols.c reads so, for libdw",
        "files": r"stress/.*\.[ch]$",
        "but": r"stress/run/symbols\.c$",
        "pattern": r"(?<![\w.>])fmemopen\b",
    },
    {
        "rule": "typedef",
        "why": "no typedefs of structs, unions or enums",
        "files": r"(lib|stress|bench)/.*\.([ch]|cc)$",
        "but": r"$^",
        "pattern": r"\btypedef\s+(struct|union|enum)\b",
    },
    {
        "rule": "machine-path",
        "why": "a path of one machine means nothing on another",
        "files": r".*",
        "but": r"$^",
        "raw": True,
        "pattern": r"(?<![\w.*$}-])/(?:home|root|work|Users|tmp/(?:wt|build|deb))/",
    },
    {
        "rule": "no-commit",
        "why": "a row of what was not committed (+): nobody can measure it again; commit, and measure",
        "files": r"results/[^/]*\.csv$",
        "but": r"$^",
        "raw": True,
        "pattern": r",[0-9a-f]{7,}\+\s*$",
    },
]

# C++ is one file: the binding of bench/ to Google Benchmark.
CXX_FILES = r".*\.(cc|cpp|cxx|hpp|hh|hxx|C)$"
CXX_PLACE = r"bench/[^/]+\.cc$"
CXX_MOST = 1

# Files that begin with the licence's line (behind a #! line), and end before they want a wall. A cli case's setup.sh
# is a line or two of data, run by run_case.sh.
SOURCES = r"(?!tests/cli/.*/setup\.sh$).*\.(c|h|cc|py|sh|cmake|pml)$|(.*/)?CMakeLists\.txt$|bootstrap\.sh$|\.ci/run$"
SLASHED = r".*\.([ch]|cc|pml)$"  # those whose comments begin with //
SPDX = "SPDX-License-Identifier: MIT"
MOST_LINES = 600

# Files whose third line says what they are: "// file.c - one line".
TITLED = r"(lib|stress|bench|tests)/.*\.([ch]|cc|pml)$"

# Both ends of an ordering edge carry the same label: [R:x] at the release, [A:x] at the acquire.
LABELLED = r"lib/.*\.[ch]$"
LABEL = r"\[([RA]):([^\]\n]+)\]"

# What clang-format decides, and what shellcheck reads.
FORMATTED = r".*\.([ch]|cc)$"
SHELL = r"(?!tests/cli/.*/setup\.sh$).*\.sh$|\.ci/run$"

# What the tree's top holds; names with a dot are tools' own.
TOP = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "bench", "bootstrap.sh", "lib", "results", "stress", "tests"}

# Never looked at when there is no git to ask.
NOT_OURS = {".git", "build", "results/local"}
