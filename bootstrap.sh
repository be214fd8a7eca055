#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# bootstrap.sh - from a fresh Debian 12 to a running MeMS.
#
# 1. What it needs: bash, apt and this clone. It installs the rest and asks nothing, where it may install (as root, or
#    with a sudo that wants no password). Where it may not, it prints the apt line and stops with exit status 1.
# 2. What it leaves alone: no service is enabled or started, nothing is written outside this folder but by apt, and
#    while apt installs packages with services a policy-rc.d, by which Debian's tools know that none is to be started.
# 3. Again: every step finds out whether it is done already. A second run installs nothing, asks no mirror, and
#    rebuilds what has changed only.
# 4. If you change this: a package belongs to the first group whose users need it; say in the line who uses it.

set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"

usage() {
    cat <<'EOF'
usage: ./bootstrap.sh COMMAND

  demo                    set up, build release, run stress/jobs/demo.ini, make a page of it, say where it is
  check                   set up, build release, asan and tsan, run the quick tests of all three
  fuzz [SECONDS]          set up all, build the fuzzers with clang, run each so long (default: 60)
  coverage                set up, run the quick tests with counters in lib/, print lines and branches by file, and
                          write results/coverage.csv
  setup [core|test|full]  install what is missing; each group holds the one before it (default: core)
  build [PRESET]          configure and build into build/PRESET: release (default), debug, asan, tsan, hostile,
                          coverage, fuzz
  help                    this text

Exit status: 0 all is well; 1 set-up or build did not succeed, or a test failed; 2 wrong usage; demo: that of
mems-stress. A preset's tests alone: ctest --preset release -L quick
EOF
}

# ---- what to install --------------------------------------------------------------------------------------------------

# core: what building and running the demo takes.
core=(
    cmake ninja-build make gcc g++ libc6-dev pkgconf # the build; make is what cmake without a preset takes
    liburcu-dev                                      # lib/sync: read-side sections
    libjansson-dev                                   # stress/result: the JSON document
    libzstd-dev                                      # stress/trace: compressed traces
    libdw-dev                                        # stress/run: names in backtraces
    nettle-dev                                       # stress/run: the SHA-256 of a plan
    libhwloc-dev                                     # stress/measure: cores and caches, for pinning and results
    libsqlite3-dev                                   # stress/history: every run is kept
    libjs-chart.js                                   # stress/report: draws the charts of the HTML page
    libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 # the peers that demo.ini compares with
)

# test: what tests/ and bench/ use beside.
test=(
    libcmocka-dev      # tests/unit and others
    libbenchmark-dev   # bench/
    python3            # tests/architecture, and a program whose allocations are recorded
    clang-format       # the format gate
    shellcheck         # the gate for shell scripts
    valgrind           # bench: instructions counted by callgrind
    libxml2-utils      # tests/cli: xmllint validates JUnit XML
    python3-jsonschema # tests/cli: validates JSON documents
    spin               # tests/models: checks the model of the mover's protocol
    python3-yaml       # tests/install: reads the workflow that users copy
    groff-base         # tests/install: manual pages without warnings
)

# full: what a developer wants, and what records the traces again.
full=(
    clang clang-tidy libclang-rt-14-dev # the second compiler, its sanitizers, and libFuzzer: tests/fuzz
    sqlite3 redis-tools                 # programs that are recorded; redis-tools holds the server's binary, and
                                        # unlike redis-server starts no service
    lua5.4 gawk ruby ghostscript z3 perl # bench/suite: programs that it runs on every malloc, as it does clang,
                                         # sqlite3 and redis
    libbenchmark-tools python3-scipy    # tests/cli/compare: Google Benchmark's compare.py reads what mems-stress writes
    chromium                            # tests/report: the HTML page in a browser
    gcovr                               # tests/coverage: what gcc's counters say
    debootstrap                         # a bare Debian to try this script on
    slurmctld slurmd slurm-client munge # tests/slurm: a job array on a node of its own
    parallel                            # tests/cli: shards by GNU parallel
    lintian zsh mandoc                  # tests/install: packages, completion, pages
)
# Of these, what Debian would enable and start.
services=(munge slurmctld slurmd)
# npm for the tests of the HTML report; never beside one that came from elsewhere.
command -v npm >/dev/null || full+=(npm)

# ---- saying things ----------------------------------------------------------------------------------------------------

say() {
    printf 'bootstrap: %s\n' "$*"
}

die() {
    printf 'bootstrap: %s\n' "$*" >&2
    exit 1
}

# ---- set-up -----------------------------------------------------------------------------------------------------------

# Prints those of its arguments that dpkg does not have installed.
missing_of() {
    local package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            printf '%s\n' "$package"
        fi
    done
}

setup() {
    local group=$1 wanted=("${core[@]}") missing=() as_root=()
    case $group in
    core) ;;
    test) wanted+=("${test[@]}") ;;
    full) wanted+=("${test[@]}" "${full[@]}") ;;
    *)
        say "unknown group '$group': core, test or full" >&2
        exit 2
        ;;
    esac

    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        die "set-up needs Debian's apt; elsewhere install these by hand, then use 'build': ${wanted[*]}"
    fi
    mapfile -t missing < <(missing_of "${wanted[@]}")
    if [ ${#missing[@]} -eq 0 ]; then
        say "set-up '$group' is complete"
        return
    fi

    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            local sudo=""
            command -v sudo >/dev/null && sudo="sudo "
            say "may not install packages here (not root, and no sudo without a password)." >&2
            say "Install what is missing, then run this again:" >&2
            printf '\n    %sapt-get update && %sapt-get install --no-install-recommends %s\n\n' \
                "$sudo" "$sudo" "${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo -n)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive)

    say "set-up '$group': installing ${missing[*]}"
    # Lists that cannot be had matter only if the install then fails: a cache or a local mirror may do.
    "${as_root[@]}" apt-get -q update || say "apt-get update failed; trying with the lists that are here" >&2
    install_packages "${missing[@]}" || die "apt-get could not install the packages above: ${missing[*]}"
    say "set-up '$group' is complete"
}

# With the caller's as_root. Services that come along are neither started nor enabled; those that were there before, and
# a policy-rc.d that somebody else has put there, stay as they are.
install_packages() {
    local service new=() policy=/usr/sbin/policy-rc.d file status=0
    for service in "${services[@]}"; do
        case " $* " in *" $service "*) new+=("$service") ;; esac
    done
    if [ ${#new[@]} -gt 0 ] && [ ! -e "$policy" ]; then
        file=$(mktemp)
        printf '#!/bin/sh\nexit 101\n' >"$file"
        "${as_root[@]}" install -m 755 "$file" "$policy" || status=$?
        rm -f "$file"
    else
        policy=
    fi
    if [ "$status" -eq 0 ]; then
        "${as_root[@]}" apt-get -q -y --no-install-recommends install "$@" </dev/null || status=$?
    fi
    [ -z "$policy" ] || "${as_root[@]}" rm -f "$policy"
    for service in "${new[@]}"; do
        "${as_root[@]}" update-rc.d "$service" disable >/dev/null || status=$? # systemd's unit too
    done
    return "$status"
}

# ---- build ------------------------------------------------------------------------------------------------------------

# What CMake finds, and what of tests and bench it leaves out, is news to who builds, not to who sees a demo.
configure() {
    local log
    if [ "$command" != demo ]; then
        cmake --preset "$@"
        return
    fi
    log=$(mktemp)
    if cmake --preset "$@" >"$log" 2>&1; then
        rm -f "$log"
    else
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
}

# build PRESET [TARGET [OPTION of cmake]..]
build() {
    local preset=$1 target=${2-all}
    for tool in cmake ninja gcc; do
        command -v "$tool" >/dev/null || die "$tool is not installed; './bootstrap.sh setup' installs it"
    done
    # Configured each time: a library that was missing at the last one may be here now.
    say "configuring build/$preset"
    configure "$preset" "${@:3}" || die "configuring '$preset' failed; 'cmake --list-presets' names the presets"
    say "building build/$preset; that takes a few minutes the first time"
    cmake --build --preset "$preset" --target "$target" --parallel "$(nproc)" || die "building '$preset' failed"
}

# ---- the two commands -------------------------------------------------------------------------------------------------

demo() {
    local json=results/local/demo.json page=results/local/demo.html stress=build/release/stress/mems-stress status=0
    setup core
    build release
    mkdir -p results/local
    rm -f "$json" "$page" # what is there after the run is of this run
    say "running stress/jobs/demo.ini: eight workloads on seven targets, about 40 seconds"
    "$stress" run stress/jobs/demo.ini --json "$json" || status=$?
    if [ -s "$json" ]; then
        "$stress" report "$json" -o "$page" >/dev/null || page=
        next_steps
    else
        say "the run left no results (exit status $status)" >&2
    fi
    exit "$status"
}

# With demo's names.
next_steps() {
    say "done. What to look at next:"
    printf '\n'
    [ -z "$page" ] || printf '  %s\n      the report: one file, for any browser (xdg-open %s)\n' "$PWD/$page" "$page"
    printf '  %s\n      the same and more as JSON; stress/result/README.md says what its fields are\n' "$PWD/$json"
    printf '  %s help table\n      what the columns above mean\n' "$stress"
    printf '  README.md, "Your own program, your own allocator"\n      record a program, run it on two allocators, compare them\n\n'
}

# ThreadSanitizer of gcc 12 cannot map its shadow where the kernel randomises more than 28 bits of an address.
without_wide_aslr() {
    local bits=0 no_aslr=(setarch "$(uname -m)" -R)
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null) || bits=0
    if [ "${bits:-0}" -gt 28 ] && "${no_aslr[@]}" true 2>/dev/null; then
        "${no_aslr[@]}" "$@"
    else
        "$@"
    fi
}

# The tests of all builds are one CTest run with one summary, the last thing printed; see tests/builds.cmake.
check() {
    local preset presets=(release asan tsan)
    setup test
    build release all -DMEMS_WERROR=ON
    for preset in asan tsan; do
        build "$preset" quick
    done
    mkdir -p build/check
    printf 'set(builds_root [=[%s]=])\nset(builds %s)\ninclude([=[%s/tests/builds.cmake]=])\n' \
        "$PWD/build" "${presets[*]}" "$PWD" >build/check/CTestTestfile.cmake
    say "running the quick tests of ${presets[*]}"
    without_wide_aslr ctest --test-dir build/check -L quick --parallel "$(nproc)" --timeout 300 \
        --output-on-failure --no-tests=error
}

# One after the other where there is one core, so that each has its time.
fuzz() {
    setup full
    for tool in clang ctest; do
        command -v "$tool" >/dev/null || die "$tool is not installed; './bootstrap.sh setup full' installs it"
    done
    cmake --preset fuzz "-DMEMS_FUZZ_SECONDS=$1" || die "configuring 'fuzz' failed"
    cmake --build --preset fuzz --parallel "$(nproc)" || die "building 'fuzz' failed"
    ctest --preset fuzz --parallel "$(nproc)" --timeout $(($1 + 240))
}

# Counters of an earlier run would count again. A test that fails here for being counted (it compares what a program
# prints, or looks at its memory) has been executed all the same.
coverage() {
    setup test
    command -v gcovr >/dev/null || die "gcovr is not installed; './bootstrap.sh setup full' installs it"
    build coverage
    find build/coverage -name '*.gcda' -delete
    rm -f build/coverage/tests.log
    say "running the quick tests with counters"
    ctest --preset coverage -L quick --parallel "$(nproc)" --quiet --output-log "$PWD/build/coverage/tests.log" ||
        say "some tests fail where lib/ counts: build/coverage/tests.log" >&2
    python3 tests/coverage/coverage.py build/coverage results/coverage.csv
}

# ---- which command ----------------------------------------------------------------------------------------------------

wrong_usage() {
    usage >&2
    exit 2
}

command=${1-}
case $command:$# in
demo:1 | check:1 | coverage:1) "$command" ;;
fuzz:[12]) fuzz "${2-60}" ;;
setup:[12]) setup "${2-core}" ;;
build:[12]) build "${2-release}" ;;
help:1 | -h:1 | --help:1) usage ;;
*) wrong_usage ;;
esac
