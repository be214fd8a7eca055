#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_case.sh MEMS-STRESS CASE - runs one case of the command line and compares what came of it.
#
# A case is a folder; the program runs inside a copy of it, so that messages name files without a
# path and whatever is written is gone afterwards. Its files:
#
#   command        the arguments, as a shell would split them (default: run job.ini)
#   setup.sh       run before, for files that are better made than kept (optional)
#   expect.status  the exit status (required)
#   expect.stderr  all of standard error, without "mems-stress: " at the start of a line (optional)
#   expect.stdout  all of standard output (optional)
set -eu

# shellcheck disable=SC2034 # used in the eval below
program=$1
case=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -R "$case/." "$work/case"
cd "$work/case"
if [ -f setup.sh ]; then
    sh ./setup.sh
fi
arguments="run job.ini"
if [ -f command ]; then
    arguments=$(cat command)
fi
status=0
eval "set -- $arguments"
export MEMS_STRESS_NO_HISTORY=1
"$program" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
sed 's/^mems-stress: //' "$work/stderr" >"$work/stderr.plain"

failed=0
if [ "$status" != "$(cat expect.status)" ]; then
    echo "mems-stress $arguments: exit status $status instead of $(cat expect.status)"
    failed=1
fi
compare()
{
    if [ -f "$1" ] && ! diff -u "$1" "$2"; then
        echo "mems-stress $arguments: $1 differs"
        failed=1
    fi
}
compare expect.stderr "$work/stderr.plain"
compare expect.stdout "$work/stdout"
if [ $failed -ne 0 ]; then
    echo "standard error was:"
    cat "$work/stderr"
fi
exit $failed
