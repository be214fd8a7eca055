#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bare_debian.sh - do both commands work on a Debian 12 that has never seen the project?
#
# usage: bare_debian.sh [COMMAND...]               default: setup demo check setup
#        bare_debian.sh --program PROGRAM [ARGUMENT...]
#
# Makes a minimal Debian in a temporary folder (debootstrap), installs git in it, clones this tree's HEAD into it and
# runs ./bootstrap.sh COMMAND there, one after the other, with the time each takes; or a program of this machine, told the
# folder of that Debian as its last argument, where the clone is /mems. Needs root, debootstrap and a
# mirror; the mirror and apt's settings are this machine's. Mounts are made in a namespace of their own and end with
# it. MEMS_BARE_KEEP=FOLDER keeps the minimal Debian as FOLDER/pristine.tar for the next trial.

set -euo pipefail
tree=$(cd -- "$(dirname -- "$0")/../.." && pwd)
commands=("$@")
[ $# -gt 0 ] || commands=(setup demo check setup)

if [ "$(id -u)" -ne 0 ]; then
    echo "bare_debian.sh: a chroot takes root" >&2
    exit 1
fi
if [ "${MEMS_BARE_INSIDE-}" != yes ]; then
    MEMS_BARE_INSIDE=yes exec unshare --mount --propagation private "$0" "${commands[@]}"
fi

stage=$(mktemp -d)
root=$stage/root
unmount() {
    local folder
    for folder in dev sys proc; do
        umount -R "$root/$folder" 2>/dev/null || true
    done
    rm -rf --one-file-system "$stage"
}
trap unmount EXIT
mkdir "$root"

inside() {
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        chroot "$root" /bin/bash -c "$1"
}

pristine=${MEMS_BARE_KEEP:-$stage}/pristine.tar
if [ -f "$pristine" ]; then
    tar -C "$root" -xf "$pristine"
else
    debootstrap --variant=minbase bookworm "$root" ${MEMS_BARE_MIRROR:+"$MEMS_BARE_MIRROR"} >"$stage/log" 2>&1 || {
        tail -5 "$stage/log"
        exit 1
    }
    cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
    rm -f "$root"/etc/apt/apt.conf.d/*packagekit "$root"/etc/apt/apt.conf.d/*debconf
    if [ -f /etc/apt/sources.list.d/debian.sources ]; then
        cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/"
        : >"$root/etc/apt/sources.list"
    fi
    cp /etc/hosts /etc/resolv.conf "$root/etc/"
    inside 'export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update && apt-get -qq -y --no-install-recommends install git >/dev/null
        apt-get clean; rm -rf /var/lib/apt/lists/*'
    if [ -n "${MEMS_BARE_KEEP-}" ]; then
        tar -C "$root" -cf "$pristine" .
    fi
fi

mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/sys"
mount --make-rslave "$root/dev"
git clone -q --no-local "$tree" "$root/mems"

if [ "${commands[0]}" = --program ]; then
    "${commands[@]:1}" "$root"
    exit
fi

times=()
for command in "${commands[@]}"; do
    SECONDS=0
    status=0
    inside "cd /mems && ./bootstrap.sh $command" || status=$?
    times+=("$command: exit status $status, $SECONDS s")
    [ "$status" -eq 0 ] || break
done
printf 'bare Debian: %s\n' "${times[@]}"
[ "$status" -eq 0 ]
