#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plants.sh PLANT VALGRIND.. - can memcheck fail a test? Each of the plant's sins must end with the exit status of
# memcheck, and be named; without one it is clean.
set -u
plant=$1
shift
faults=0

# judge SIN STATUS WORDS VALGRIND..
judge() {
    sin=$1 expected=$2 words=$3
    shift 3
    said=$("$@" "$plant" "$sin" 2>&1)
    status=$?
    if [ "$status" -ne "$expected" ] || ! printf '%s\n' "$said" | grep -q "$words"; then
        printf 'fault: %s: status %s, wanted %s and "%s"; it said:\n%s\n' "$sin" "$status" "$expected" "$words" "$said"
        faults=$((faults + 1))
    fi
}

judge nothing 0 '^' "$@"
judge read 99 'Invalid read of size 1' "$@"
judge undefined 99 'depends on uninitialised value' "$@"
judge lost 99 '100 bytes in 1 blocks are definitely lost' "$@"
echo "$faults faults"
[ "$faults" -eq 0 ]
