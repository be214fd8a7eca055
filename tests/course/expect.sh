#!/bin/sh
# SPDX-License-Identifier: MIT
#
# expect.sh - runs a program and compares what it writes to stdout with a file, byte for byte; on
# stderr it may write nothing.
#
#   expect.sh EXPECTED PROGRAM [ARGUMENT..]
expected=$1
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$@" >"$work/out" 2>"$work/err"
status=$?
if [ $status -ne 0 ] || [ -s "$work/err" ]; then
    echo "$*: exit status $status, and on stderr:"
    cat "$work/err"
    exit 1
fi
diff -u "$expected" "$work/out"
