#!/bin/sh
# SPDX-License-Identifier: MIT
#
# compile.sh - compiles the course's programs as a student does, with one -I and one -l, in every
# language that mems.h promises, warnings being errors; then runs them.
#
#   compile.sh CC CXX INCLUDE-DIRECTORY LIBRARY-DIRECTORY [FLAG..]
here=$(dirname -- "$0")
cc=$1 cxx=$2 include=$3 library=$4
shift 4
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH="$library"

try() { # compiler, then its flags
    for program in example zero merge; do
        "$@" -Wall -Wextra -pedantic -Werror -I"$include" "$here/programs/$program.c" -o "$work/$program" \
            -L"$library" -lmems || { echo "failed: $* $program.c"; exit 1; }
        "$here/expect.sh" "$here/expected/$program.txt" "$work/$program" || exit 1
    done
}

for standard in c99 c11 gnu99 gnu17; do
    try "$cc" -std=$standard "$@"
done
for standard in c++11 c++17; do
    try "$cxx" -x c++ -std=$standard "$@"
done
