#!/bin/bash
# SPDX-License-Identifier: MIT
#
# configure.sh - what CMake decides: plain CMake is preset release, and a missing library that is optional takes only
# its feature away, with a message.
#
# usage: configure.sh [build]     with "build": also builds without any optional library, and without each

set -u
tree=$(cd -- "$(dirname -- "$0")/../.." && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
faults=0

fault() {
    printf 'fault: %s\n' "$1"
    faults=$((faults + 1))
}

# How each file is compiled, without where the build is.
commands() {
    sed "s#$stage/[a-z]*#BUILD#g" "$stage/$1/compile_commands.json"
}

configure() {
    cmake -S "$tree" -B "$stage/$1" -G Ninja "${@:2}" >"$stage/$1.log" 2>&1 || {
        cat "$stage/$1.log"
        fault "'cmake ${*:2}' does not configure"
    }
}

configure plain -DCMAKE_BUILD_TYPE=Release
configure untyped
(cd "$tree" && cmake --preset release -B "$stage/preset" >"$stage/preset.log" 2>&1) || fault "preset release does not configure"
for other in untyped preset; do
    if ! diff <(commands plain) <(commands "$other") >"$stage/diff"; then
        head -5 "$stage/diff"
        fault "plain Release and $other compile differently"
    fi
done
grep -q -- '-O2' "$stage/plain/compile_commands.json" || fault "Release is not optimised"
if grep -qE -- ' -g[0-9]? ' "$stage/plain/compile_commands.json"; then
    fault "Release carries debug symbols"
fi
# Those that `bootstrap.sh check` configures whole, here without their tests.
declare -A less=([asan]=-DBUILD_TESTING=OFF [tsan]=-DBUILD_TESTING=OFF)
for preset in debug asan tsan hostile; do
    (cd "$tree" && cmake --preset "$preset" -B "$stage/$preset" ${less[$preset]:+"${less[$preset]}"} >"$stage/$preset.log" 2>&1) || {
        tail -5 "$stage/$preset.log"
        fault "preset $preset does not configure"
    }
done
grep -q -- '-fsanitize=address,undefined' "$stage/asan/compile_commands.json" || fault "asan does not sanitize"
grep -q -- '-fsanitize=thread' "$stage/tsan/compile_commands.json" || fault "tsan does not sanitize"
grep -q -- '-DMEMS_HOSTILE' "$stage/hostile/compile_commands.json" || fault "hostile is not hostile"

# A pkg-config that has never heard of the libraries in $UNKNOWN.
cat >"$stage/pkg-config" <<'EOF'
#!/bin/bash
for argument in "$@"; do
    for unknown in $UNKNOWN; do
        case $argument in "$unknown" | "$unknown "*) exit 1 ;; esac
    done
done
exec pkg-config "$@"
EOF
chmod +x "$stage/pkg-config"

with_pkg_config=(-DPKG_CONFIG_EXECUTABLE="$stage/pkg-config" -DMEMS_WERROR=ON)
without_benchmark=(-DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON)
libraries=(jansson libzstd libdw nettle hwloc sqlite3) # what stress/CMakeLists.txt can do without
asked=$(sed -n 's/^pkg_check_modules([A-Z]* IMPORTED_TARGET \([a-z0-9]*\))$/\1/p' "$tree/stress/CMakeLists.txt")
[ "$(sort <<<"$asked")" = "$(printf '%s\n' "${libraries[@]}" | sort)" ] ||
    fault "stress/CMakeLists.txt asks for $(tr '\n' ' ' <<<"$asked"), this test knows ${libraries[*]}"

# What is missing is said, and nothing else is.
says_missing() {
    local library
    for library in "${libraries[@]}" cmocka "Google Benchmark"; do
        if grep -q -- "-- $library not found: " "$stage/$1.log"; then
            grep -qF "|$library|" <<<"|$2|" || fault "$1: $library is there, and a message says it is not"
        elif grep -qF "|$library|" <<<"|$2|"; then
            fault "$1: $library is missing, and no message says so"
        fi
    done
}

# Builds what was configured as $1: all of it, or target $2.
build() {
    if ! cmake --build "$stage/$1" --parallel "$(nproc)" ${2:+--target "$2"} >"$stage/build.log" 2>&1; then
        tail -30 "$stage/build.log"
        fault "$1: the tree does not build"
    fi
}

export UNKNOWN="cmocka ${libraries[*]}"
configure bare "${with_pkg_config[@]}" "${without_benchmark[@]}"
says_missing bare "$(printf '%s|' "${libraries[@]}")cmocka|Google Benchmark"
if [ "${1-}" = build ]; then
    build bare
    # Each alone, for what only two of them together can do; unoptimised, which takes the least time.
    for library in "${libraries[@]}"; do
        UNKNOWN=$library
        configure "$library" "${with_pkg_config[@]}" -DCMAKE_BUILD_TYPE=Debug
        says_missing "$library" "$library"
        build "$library" mems-stress
        "$stage/$library/stress/mems-stress" run --workload churn --target null --set ops=1k --quiet >"$stage/run.log" 2>&1 || {
            cat "$stage/run.log"
            fault "$library: mems-stress does not run without it"
        }
    done
fi

export UNKNOWN="liburcu-memb liburcu"
if cmake -S "$tree" -B "$stage/urcu" -G Ninja "${with_pkg_config[@]}" >"$stage/urcu.log" 2>&1; then
    fault "liburcu is required, and CMake goes on without it"
fi

echo "$faults faults"
[ "$faults" -eq 0 ]
