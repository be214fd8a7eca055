#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bootstrap.sh - what the set-up of ../../bootstrap.sh does on machines that differ: apt, dpkg, id and sudo are
# stand-ins that answer from the environment and write down what they were asked.

set -u
tree=$(cd -- "$(dirname -- "$0")/../.." && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
faults=0

fault() {
    printf 'fault: %s\n--- status %s, it said:\n%s\n--- it asked:\n%s\n' "$1" "$status" "$output" "$(cat "$stage/log")"
    faults=$((faults + 1))
}

stand_in() {
    mkdir -p "$stage/bin"
    printf '#!/bin/bash\n%s\n' "$2" >"$stage/bin/$1"
    chmod +x "$stage/bin/$1"
}

# $LACKING: packages not installed. $FAILING: the apt-get verb that does not succeed. $USER_ID. $SUDO_STATUS.
# shellcheck disable=SC2016 # the stand-ins expand these
{
    stand_in dpkg-query 'case " $LACKING " in *" ${!#} "*) exit 1 ;; *) printf installed ;; esac'
    stand_in apt-get 'echo "apt-get $*" >>"$STAGE/log"; case " $* " in *" ${FAILING:-none} "*) exit 100 ;; esac'
    stand_in id 'echo "$USER_ID"'
    stand_in install 'echo "install $*" >>"$STAGE/log"'
    stand_in rm 'case "$*" in *policy-rc.d) echo "rm $*" >>"$STAGE/log" ;; *) exec /bin/rm "$@" ;; esac'
    stand_in update-rc.d 'echo "update-rc.d $*" >>"$STAGE/log"'
    stand_in sudo 'shift; [ "$SUDO_STATUS" -eq 0 ] || exit 1; "$@"'
}

# run USER_ID SUDO_STATUS LACKING FAILING ARGUMENTS...: sets status and output.
run() {
    : >"$stage/log"
    output=$(STAGE=$stage USER_ID=$1 SUDO_STATUS=$2 LACKING=$3 FAILING=$4 PATH="$stage/bin:$PATH" \
        "$tree/bootstrap.sh" "${@:5}" 2>&1)
    status=$?
}

asked() {
    grep -q -- "$1" "$stage/log"
}

run 0 1 "" none setup
[ "$status" -eq 0 ] || fault "a complete machine is not accepted"
[ ! -s "$stage/log" ] || fault "apt is asked though nothing is missing"

run 0 1 "liburcu-dev cmake" none setup core
{ [ "$status" -eq 0 ] && asked '^apt-get -q update$'; } || fault "root: the lists are not updated"
asked '^apt-get .*--no-install-recommends install cmake liburcu-dev$' || fault "root: not exactly what is missing is installed"
[[ $output == *"installing cmake liburcu-dev"* ]] || fault "root: what is installed is not said"

run 0 1 "liburcu-dev" update setup
{ [ "$status" -eq 0 ] && asked 'install liburcu-dev'; } || fault "lists that cannot be had end the set-up too early"

run 0 1 "liburcu-dev" install setup
{ [ "$status" -eq 1 ] && [[ $output == *"could not install"*liburcu-dev* ]]; } || fault "a failed install is not reported"

run 1000 1 "liburcu-dev cmake" none setup
{ [ "$status" -eq 1 ] && [ ! -s "$stage/log" ]; } || fault "a plain user: not stopped"
[[ $output == *"apt-get install --no-install-recommends cmake liburcu-dev"* ]] || fault "a plain user: no apt line"

run 1000 1 "liburcu-dev" none demo
{ [ "$status" -eq 1 ] && [[ $output != *configuring* ]]; } || fault "demo goes on without its set-up"

run 1000 0 "liburcu-dev" none setup
{ [ "$status" -eq 0 ] && asked 'install liburcu-dev'; } || fault "sudo without a password is not used"

run 0 1 "libcmocka-dev" none setup core
[ ! -s "$stage/log" ] || fault "core installs what is test's"
run 0 1 "libcmocka-dev" none setup test
asked 'install libcmocka-dev' || fault "test does not install what is test's"

# Services: not started while they are installed, not enabled afterwards; others stay as they are.
run 0 1 "munge slurmd" none setup full
asked '^apt-get .*install slurmd munge$' || fault "full does not install Slurm"
{ asked '^update-rc.d munge disable$' && asked '^update-rc.d slurmd disable$'; } ||
    fault "a service that was installed is left enabled"
! asked 'slurmctld' || fault "a service that was there before is disabled"
if [ ! -e /usr/sbin/policy-rc.d ]; then
    { asked '^install -m 755 .* /usr/sbin/policy-rc.d$' && [ "$(tail -n 5 "$stage/log" | grep -c '^rm -f /usr/sbin/policy-rc.d$')" -eq 1 ]; } ||
        fault "services may start while they are installed"
    run 0 1 "munge" install setup full
    { [ "$status" -eq 1 ] && asked '^rm -f /usr/sbin/policy-rc.d$'; } || fault "a failed install leaves its policy-rc.d"
fi
run 0 1 "liburcu-dev" none setup full
! asked 'policy-rc.d\|disable' || fault "services are looked at though none is installed"

for arguments in "" "nonsense" "setup nonsense" "demo now" "build a b" "setup core test"; do
    # shellcheck disable=SC2086 # words are meant
    run 0 1 "" none $arguments
    [ "$status" -eq 2 ] || fault "wrong usage '$arguments' is not status 2"
done
run 0 1 "" none help
{ [ "$status" -eq 0 ] && [[ $output == usage:* ]]; } || fault "help does not help"

echo "$faults faults"
[ "$faults" -eq 0 ]
