#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# record.sh - records the traces of this folder again, from programs of Debian.
#
# 1. What it needs: python3, sqlite3, redis-tools, gcc; and mems-stress, built (./bootstrap.sh build).
#    A program that is not here is left out, with a message and exit status 1 at the end.
# 2. The same again? The scripts' own work is the same each time. Addresses, and with threads the order between them,
#    are the machine's, so that a new trace differs in detail.
# 3. python3 has an allocator of its own for small blocks; PYTHONMALLOC=malloc turns it off, as its manual describes.
# 4. redis-server listens on 127.0.0.1 only, on a port that was free, keeps nothing on disk, and is ended by its
#    own shutdown command.
# 5. The compiler is cc1, the process of gcc that compiles; gcc itself does next to nothing.
# 6. A trace keeps the command line. Programs run inside the folder of what they read and are called without its path,
#    so that no trace names a folder of the machine that recorded it.

set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
top=$(cd -- "$here/../../.." && pwd)
stress=${MEMS_STRESS:-$top/build/release/stress/mems-stress}
out=${1:-$here}
work=$(mktemp -d)
missing=0
server=

# shellcheck disable=SC2317 # the trap calls it
clean() {
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
        kill "$server"
        wait "$server" || true
    fi
    rm -rf -- "$work"
}
trap clean EXIT

if [ ! -x "$stress" ]; then
    printf 'record.sh: %s is not there; ./bootstrap.sh build makes it, MEMS_STRESS names another\n' "$stress" >&2
    exit 1
fi
mkdir -p -- "$out"
out=$(cd -- "$out" && pwd)

# have PROGRAM TRACE: may TRACE be recorded?
have() {
    if ! command -v "$1" >/dev/null; then
        printf 'record.sh: %s is not installed; %s is left as it is\n' "$1" "$2" >&2
        missing=1
        return 1
    fi
}

record() {
    local name=$1
    shift
    "$stress" record -o "$out/$name.mtrace" -- "$@" >/dev/null
}

# Debian's python3, not one that a version manager puts in front.
python=/usr/bin/python3
if have "$python" python.mtrace; then
    cd "$here/programs"
    record python env -u PYTHONPATH -u PYTHONSTARTUP PYTHONMALLOC=malloc PYTHONHASHSEED=0 "$python" -B records.py
    record python-threads env -u PYTHONPATH -u PYTHONSTARTUP PYTHONMALLOC=malloc PYTHONHASHSEED=0 "$python" -B pipeline.py
fi

if have sqlite3 sqlite.mtrace; then
    cd "$here/programs"
    record sqlite sqlite3 -init /dev/null :memory: '.read shop.sql'
fi

if have gcc cc1.mtrace; then
    cd "$top/stress"
    gcc -E -P -O2 -D_GNU_SOURCE -I. job/job.c -o "$work/job.i"
    cd "$work"
    record cc1 "$(gcc -print-prog-name=cc1)" -quiet -fpreprocessed -O2 -g job.i -o job.s
fi

free_port() {
    local port
    for port in $(seq 17391 17490); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
}

record_redis() {
    local port tries=0
    port=$(free_port)
    cd "$work"
    "$stress" record -o "$out/redis.mtrace" -- redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no \
        --io-threads 4 --io-threads-do-reads yes --daemonize no --loglevel warning >/dev/null &
    server=$!
    until [ "$(redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null)" = PONG ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 200 ]; then
            printf 'record.sh: redis-server does not answer on port %s\n' "$port" >&2
            exit 1
        fi
        sleep 0.05
    done
    redis-benchmark -h 127.0.0.1 -p "$port" -q -n 4000 -c 50 -P 4 -r 1000 -d 100 \
        -t set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100 >/dev/null
    redis-cli -h 127.0.0.1 -p "$port" shutdown nosave
    wait "$server"
    server=
}

# Debian's redis-tools holds the server's binary under another name; the package redis-server starts a service.
if ! redis=$(command -v redis-server) && redis=$(command -v redis-check-rdb); then
    mkdir "$work/bin"
    ln -s -- "$redis" "$work/bin/redis-server"
    PATH=$work/bin:$PATH
fi
if have "${redis:-redis-server}" redis.mtrace && have redis-benchmark redis.mtrace; then
    record_redis
fi

printf 'record.sh: %s bytes in all\n' "$(cat -- "$out"/*.mtrace | wc -c)"
exit "$missing"
