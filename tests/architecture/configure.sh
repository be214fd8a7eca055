#!/bin/bash
# SPDX-License-Identifier: MIT
#
# configure.sh - what CMake decides: plain CMake is preset release, and a missing library that is optional takes only
# its feature away, with a message.
#
# usage: configure.sh [build]     with "build": also builds without any optional library

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
for preset in debug asan tsan hostile; do
    (cd "$tree" && cmake --preset "$preset" -B "$stage/$preset" >"$stage/$preset.log" 2>&1) || {
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

without=(-DPKG_CONFIG_EXECUTABLE="$stage/pkg-config" -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON)
export UNKNOWN="cmocka jansson libzstd benchmark"
configure bare "${without[@]}"
libraries=(cmocka jansson zstd)
if grep -q 'find_package(benchmark' "$tree/bench/CMakeLists.txt"; then
    libraries+=(benchmark)
fi
for library in "${libraries[@]}"; do
    grep -qiE "$library.*(not found|without)|without.*$library" "$stage/bare.log" || fault "$library is missing, and no message says so"
done
if [ "${1-}" = build ]; then
    cmake --build "$stage/bare" --parallel "$(nproc)" >"$stage/build.log" 2>&1 || {
        tail -30 "$stage/build.log"
        fault "the tree does not build without the optional libraries"
    }
fi

export UNKNOWN="liburcu-memb liburcu"
if cmake -S "$tree" -B "$stage/urcu" -G Ninja "${without[@]}" >"$stage/urcu.log" 2>&1; then
    fault "liburcu is required, and CMake goes on without it"
fi

echo "$faults faults"
[ "$faults" -eq 0 ]
