#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_run_case.sh - run_case.sh passes a right answer, and fails a wrong status, a wrong message
# and a wrong output.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/program" <<'END'
#!/bin/sh
echo "arguments: $*"
echo "mems-stress: $(cat input)" >&2
exit 3
END
chmod +x "$work/program"

fresh()
{
    rm -rf "$work/case"
    mkdir "$work/case"
    echo "one 'two three'" >"$work/case/command"
    echo 'echo prepared >input' >"$work/case/setup.sh"
    echo 3 >"$work/case/expect.status"
    echo prepared >"$work/case/expect.stderr"
    echo "arguments: one two three" >"$work/case/expect.stdout"
}
expect()
{
    status=0
    sh "$here/run_case.sh" "$work/program" "$work/case" >"$work/said" 2>&1 || status=$?
    if [ $status -ne "$1" ]; then
        echo "$2: run_case.sh ends with $status instead of $1"
        cat "$work/said"
        exit 1
    fi
}

fresh
expect 0 "a right answer"
fresh
echo 0 >"$work/case/expect.status"
expect 1 "a wrong status"
fresh
echo other >"$work/case/expect.stderr"
expect 1 "a wrong message"
fresh
: >"$work/case/expect.stdout"
expect 1 "a wrong output"
