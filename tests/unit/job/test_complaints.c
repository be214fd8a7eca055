// SPDX-License-Identifier: MIT
//
// test_complaints.c - every kind of bad job, each with the whole message it gets.

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "job/job.h"
#include "support/test.h"

struct bad_job {
    const char *text;
    const char *complaint;
    size_t length; // 0: up to the NUL
};

// The shortest good section, on two lines.
#define GOOD "[a]\nworkload=churn\ntarget=libc\n"
// Longer than a name can show.
#define LONG_NOTE   "0123456789012345678901234567890123456789"
#define MANY_LIMITS "1024,2048"

static const struct bad_job bad_jobs[] = {
    // Lines
    {"[a\n", "j:1:1: a section's head without its ']': write [name]", 0},
    {" []\n", "j:1:2: bad name of a section: allowed is 1 to 128 characters without [ and ]", 0},
    {"[a] b\n",
     "j:1:5: text after a section's head: only a comment (# or ; after white space) may follow", 0},
    {GOOD "churn\n", "j:4:1: expected [section], key = value, or a comment, not 'churn'", 0},
    {GOOD "  = 4\n", "j:4:3: expected [section], key = value, or a comment, not '= 4'", 0},
    {GOOD "a b = 4\n", "j:4:1: expected [section], key = value, or a comment, not 'a b = 4'", 0},
    {"slots = 4\n[a]\n",
     "j:1:1: key 'slots' before the first section: begin with [global] or [name]", 0},
    {GOOD "slots =\n",
     "j:4:8: key 'slots' has no value: give one, or leave the line out for the default", 0},
    {GOOD "slots = # 4\n",
     "j:4:9: key 'slots' has no value: give one, or leave the line out for the default", 0},
    {GOOD "note = \"\"\n",
     "j:4:9: key 'note' has no value: give one, or leave the line out for the default", 0},
    {GOOD "note = \"a\n", "j:4:8: a quoted value without its closing '\"'", 0},
    {GOOD "note = \"a\"b\n", "j:4:11: text after a quoted value: a quote inside is written \"\"",
     0},
    {GOOD "[b]\nworkload=churn\ntarget=null\n [a]\n",
     "j:7:2: section [a] twice: the first is at j:1; give each its own name", 0},
    {"",
     "j:1:1: the job has no section to run: a section begins with [name] and has at least the "
     "keys workload and target",
     0},
    {"[global]\ntarget=libc\n",
     "j:1:1: the job has no section to run: a section begins with [name] and has at least the keys "
     "workload and target",
     0},
    // Bytes
    {GOOD "no\0te=1\n", "j:4:3: byte 0x00 (NUL): a job is a text file in UTF-8", 39},
    {GOOD "note=\xff\n", "j:4:6: byte 0xff (not UTF-8): a job is a text file in UTF-8", 0},
    {GOOD "note=\xc0\xaf\n", "j:4:6: byte 0xc0 (not UTF-8): a job is a text file in UTF-8", 0},
    {GOOD "note=\xe2\x82", "j:4:6: byte 0xe2 (not UTF-8): a job is a text file in UTF-8", 0},
    {GOOD "note=\x1b[1m\n", "j:4:6: byte 0x1b (a control character): a job is a text file in UTF-8",
     0},
    {"[a]\rworkload=churn\r",
     "j:1:4: byte 0x0d (a control character): a job is a text file in UTF-8", 0},
    {"\x7f"
     "ELF",
     "j:1:1: byte 0x7f (a control character): a job is a text file in UTF-8", 0},
    // Keys
    {GOOD "thread=4\n", "j:4:1: unknown key 'thread' in section [a]; did you mean 'threads'?", 0},
    {GOOD "slost=4\n", "j:4:1: unknown key 'slost' in section [a]; did you mean 'slots'?", 0},
    {GOOD "Seed=4\n", "j:4:1: unknown key 'Seed' in section [a]; did you mean 'seed'?", 0},
    {GOOD "colour=4\n",
     "j:4:1: unknown key 'colour' in section [a]; `mems-stress list keys` prints all", 0},
    {GOOD "rounds=4\n",
     "j:4:1: key 'rounds' is one of workload larson, not of churn, which section [a] has", 0},
    {GOOD "seed=4\n\nseed=5\n",
     "j:6:1: key 'seed' twice in section [a]: the first is at j:4; keep one of them", 0},
    {"[global]\nseed=1\nseed=1\n" GOOD,
     "j:3:1: key 'seed' twice in section [global]: the first is at j:2; keep one of them", 0},
    {"[global]\nroundz=1\n" GOOD, "j:2:1: unknown key 'roundz' in [global]; did you mean 'rounds'?",
     0},
    {"[global]\nrounds=1\n" GOOD,
     "j:2:1: no section after this [global] can use key 'rounds', which is one of workload larson: "
     "leave it out, or move it before the section it is for",
     0},
    {GOOD "[global]\nseed=1\n",
     "j:5:1: no section after this [global] can use key 'seed': leave it out, or move it before "
     "the section it is for",
     0},
    {"[global]\nsize=1\n[t]\nworkload=trace\ntarget=null\ntrace=x\n",
     "j:2:1: no section after this [global] can use key 'size': leave it out, or move it before "
     "the section it is for",
     0},
    {"[t]\nworkload=trace\ntarget=null\ntrace=x\nthreads=2\n",
     "j:5:1: key 'threads' means nothing to workload trace (a recorded program, in its order): "
     "leave it out",
     0},
    {"[t]\nworkload=trace\ntarget=null\n",
     "j:1:1: section [t] lacks key 'trace', which has no default (what is replayed): allowed is a "
     "trace file",
     0},
    {"[a]\nworkload=churn\n",
     "j:1:1: section [a] lacks key 'target', which has no default (what is hammered; each target "
     "is measured on its own): allowed is targets, separated by commas: "
     "mems:POLICY(key=value,...), libc, preload:NAME-OR-PATH, null; ? in front: skipped where it "
     "is missing",
     0},
    {"# x\n[a]\ntarget=libc\n",
     "j:2:1: section [a] has no workload: give it the key 'workload', a name that `mems-stress "
     "list` prints",
     0},
    {"[a]\nworkload = chrun\n", "j:2:12: workload = chrun: no such workload; did you mean 'churn'?",
     0},
    {"[a]\nworkload=zzz\n",
     "j:2:10: workload = zzz: no such workload; `mems-stress list` prints them", 0},
    {GOOD "ops=4\nruntime=2s\n",
     "j:5:1: keys 'ops' and 'runtime' exclude each other: ops = 4 is at j:4; keep one of them", 0},
    {GOOD "runtime=2s\nops=4\n",
     "j:5:1: keys 'ops' and 'runtime' exclude each other: runtime = 2s is at j:4; keep one of them",
     0},
    // Numbers
    {GOOD "threads = 1025\n",
     "j:4:11: threads = 1025: out of range, allowed is 0 .. 1024 (0 .. 1024, where 0 is all CPUs)",
     0},
    {GOOD "slots = 0\n", "j:4:9: slots = 0: out of range, allowed is 1 .. 1000000", 0},
    {GOOD "slots = -1\n", "j:4:9: slots = -1: out of range, allowed is 1 .. 1000000", 0},
    {GOOD "slots = many\n",
     "j:4:9: slots = many: not a number: expected digits, as in 64; allowed is 1 .. 1000000", 0},
    {GOOD "slots = 0x10\n",
     "j:4:9: slots = 0x10: unknown unit 'x10': units of a number are k M G T (1000); allowed is 1 "
     ".. 1000000",
     0},
    {GOOD "slots = 1.5\n", "j:4:9: slots = 1.5: not a whole number; allowed is 1 .. 1000000", 0},
    {GOOD "slots = 1.\n",
     "j:4:9: slots = 1.: not a number: expected digits, as in 64; allowed is 1 .. 1000000", 0},
    {GOOD "seed = 18446744073709551616\n",
     "j:4:8: seed = 18446744073709551616: the number does not fit in 64 bits; allowed is 0 .. 2^64 "
     "- 1",
     0},
    {GOOD "seed = 4G*4G*4G\n",
     "j:4:8: seed = 4G*4G*4G: the number does not fit in 64 bits; allowed is 0 .. 2^64 - 1", 0},
    {GOOD "seed = 2*\n",
     "j:4:8: seed = 2*: not a number: expected digits, as in 64; allowed is 0 .. 2^64 - 1", 0},
    {GOOD "limit = 64kb\n",
     "j:4:9: limit = 64kb: unknown unit 'kb': write 64k (1000) or 64Ki (1024); units of a size are "
     "k M G T (1000) and Ki Mi Gi Ti (1024); allowed is 0 .. 1Gi",
     0},
    {GOOD "limit = 1MiB\n",
     "j:4:9: limit = 1MiB: unknown unit 'MiB': write 1M (1000) or 1Mi (1024); units of a size are "
     "k M G T (1000) and Ki Mi Gi Ti (1024); allowed is 0 .. 1Gi",
     0},
    {GOOD "limit = 64B\n",
     "j:4:9: limit = 64B: unknown unit 'B': a size without a unit is in bytes; units of a size are "
     "k M G T (1000) and Ki Mi Gi Ti (1024); allowed is 0 .. 1Gi",
     0},
    {GOOD "limit = 2Gi\n", "j:4:9: limit = 2Gi: out of range, allowed is 0 .. 1Gi", 0},
    {GOOD "runtime = 5\n",
     "j:4:11: runtime = 5: a time needs a unit: write 5s for seconds; units of a time are ns us ms "
     "s m h; allowed is 1ms .. 24h",
     0},
    {GOOD "runtime = 5sec\n",
     "j:4:11: runtime = 5sec: unknown unit 'sec': units of a time are ns us ms s m h; allowed is "
     "1ms .. 24h",
     0},
    {GOOD "runtime = 25h\n", "j:4:11: runtime = 25h: out of range, allowed is 1ms .. 24h", 0},
    {GOOD "remote = 1.5\n", "j:4:10: remote = 1.5: out of range, allowed is 0 .. 1", 0},
    {GOOD "remote = 1,5\n", "j:4:12: remote = 5: out of range, allowed is 0 .. 1", 0},
    {GOOD "remote = \"1,5\"\n",
     "j:4:11: remote = 1,5: not a number: expected digits, as in 0.25; allowed is 0 .. 1", 0},
    {GOOD "remote = nan\n",
     "j:4:10: remote = nan: not a number: expected digits, as in 0.25; allowed is 0 .. 1", 0},
    // Arithmetic
    {GOOD "slots = 1-2\n", "j:4:9: slots = 1-2: below 0; allowed is 1 .. 1000000", 0},
    {GOOD "slots = 10/4\n", "j:4:9: slots = 10/4: not a whole number; allowed is 1 .. 1000000", 0},
    {GOOD "slots = 10/(4-4)\n",
     "j:4:9: slots = 10/(4-4): division by zero; allowed is 1 .. 1000000", 0},
    {GOOD "slots = (1\n",
     "j:4:9: slots = (1: parentheses that do not match; allowed is 1 .. 1000000", 0},
    {GOOD "slots = 1)\n",
     "j:4:9: slots = 1): parentheses that do not match; allowed is 1 .. 1000000", 0},
    {GOOD "slots = 1 2\n",
     "j:4:9: slots = 1 2: '2' follows a number: expected + - * / or the end; allowed is 1 .. "
     "1000000",
     0},
    {GOOD "slots = 2*-1\n",
     "j:4:9: slots = 2*-1: not a number: expected digits, as in 64; allowed is 1 .. 1000000", 0},
    {GOOD "seed = 2*(9223372036854775807+1)\n",
     "j:4:8: seed = 2*(9223372036854775807+1): the number does not fit in 64 bits; allowed is 0 .. "
     "2^64 - 1",
     0},
    {GOOD "runtime = 2*3\n",
     "j:4:11: runtime = 2*3: a time needs a unit: write 2*3s for seconds; units of a time are ns "
     "us "
     "ms s m h; allowed is 1ms .. 24h",
     0},
    {GOOD "runtime = 1s*1s\n",
     "j:4:11: runtime = 1s*1s: a time times a time is no time: one of them has no unit; allowed is "
     "1ms .. 24h",
     0},
    {GOOD "runtime = 1s+1\n",
     "j:4:11: runtime = 1s+1: a time and a number without a unit cannot be added; units of a time "
     "are ns us ms s m h; allowed is 1ms .. 24h",
     0},
    {GOOD "runtime = 1/1s\n",
     "j:4:11: runtime = 1/1s: a number divided by a time is no time; allowed is 1ms .. 24h", 0},
    {GOOD "size = (64-16)-(2*8)\n",
     "j:4:8: size = (64-16)-(2*8): a range that ends before it begins: write the smaller first; "
     "allowed is 64, 16-1000, 64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, "
     "zipf:1.2@16-8000; within 1 .. 1Ti",
     0},
    // Sweeps
    {GOOD "threads = 1,,2\n",
     "j:4:13: threads = 1,,2: an empty piece in the list: values are separated by one comma", 0},
    {GOOD "threads = 1,2,\n",
     "j:4:15: threads = 1,2,: an empty piece in the list: values are separated by one comma", 0},
    {GOOD "threads = ,\n",
     "j:4:11: threads = ,: an empty piece in the list: values are separated by one comma", 0},
    {GOOD "limit = 4Ki, 64, 4096\n", "j:4:18: limit = 4Ki, 64, 4096: 4096 comes twice", 0},
    {GOOD "order = fifo,lifo,fifo\n", "j:4:19: order = fifo,lifo,fifo: fifo comes twice", 0},
    {GOOD "order = fifo,life\n",
     "j:4:14: order = life: allowed is fifo, lifo, random; did you mean 'lifo'?", 0},
    {GOOD "threads = 1,3..8\n",
     "j:4:13: threads = 1,3..8: the series misses its end: it goes from 7 to 9, past 8", 0},
    {GOOD "threads = 1,2,4..33\n",
     "j:4:15: threads = 1,2,4..33: the series misses its end: it goes from 32 to 64, past 33", 0},
    {GOOD "threads = 9,6..1/2\n",
     "j:4:13: threads = 9,6..1/2: the series misses its end: it goes from 3 to no whole number, "
     "past 1",
     0},
    {GOOD "threads = 1,2,5,6..8\n",
     "j:4:17: threads = 1,2,5,6..8: the 4 terms before '..' are no series, neither of sums nor of "
     "products: give its step, as in 8..32+8 or 8..32*2",
     0},
    {GOOD "threads = 8..1\n",
     "j:4:11: threads = 8..1: a series that ends before it begins: give it a step downwards, as in "
     "8..2-2",
     0},
    {GOOD "threads = 1..8*1\n", "j:4:11: threads = 1..8*1: a step of *1 leads nowhere", 0},
    {GOOD "threads = 1..8+0\n", "j:4:11: threads = 1..8+0: a step of +0 leads nowhere", 0},
    {GOOD "threads = 8..1+1\n",
     "j:4:11: threads = 8..1+1: the series misses its end: it goes from 8 to 9, past 1", 0},
    {GOOD "threads = 1..2*3*4\n",
     "j:4:11: threads = 1..2*3*4: the first operator after '..' is the step: put arithmetic in "
     "parentheses, as in 1..(2*8)",
     0},
    {GOOD "threads = 1..\n",
     "j:4:11: threads = 1..: a series is FROM..TO or FROM..TO+STEP, as in 1..8, 16..4Ki*2", 0},
    {GOOD "threads = ..4\n",
     "j:4:11: threads = ..4: a series is FROM..TO or FROM..TO+STEP, as in 1..8, 16..4Ki*2", 0},
    {GOOD "threads = 1..2..4\n",
     "j:4:11: threads = 1..2..4: a series is FROM..TO or FROM..TO+STEP, as in 1..8, 16..4Ki*2", 0},
    {GOOD "threads = x..4\n", "j:4:11: threads = x..4: not a number: expected digits, as in 64", 0},
    {GOOD "runtime = 10ms..50ms\n",
     "j:4:11: runtime = 10ms..50ms: a series of times needs its step: 10ms..50ms+10ms", 0},
    {GOOD "size = 16-64..128\n",
     "j:4:8: size = 16-64..128: a series is made of single sizes: list ranges one by one, as in "
     "16-64,64-256",
     0},
    {GOOD "slots = 1..20000\n", "j:4:9: slots = 1..20000: more than 10000 values", 0},
    {GOOD "slots = 1..200\nthreads = 1..100\n",
     "j:1:1: the sweeps of section [a] lead to more than 10000 sections", 0},
    {GOOD "threads = 1,2\nthreads = 4\n",
     "j:5:1: key 'threads' twice in section [a threads=1]: the first is at j:4; keep one of them",
     0},
    {"[a threads=1]\nworkload=churn\ntarget=null\n" GOOD "threads=1,2\n",
     "j:4:1: a sweep makes section [a threads=1] twice: the other begins at j:1:1; rename one", 0},
    {"[global]\nthreads=1,2,x\n" GOOD "threads=1\n",
     "j:2:13: threads = x: not a number: expected digits, as in 64; allowed is 0 .. 1024, where 0 "
     "is all CPUs",
     0},
    {"[global]\nrounds=1,2\n" GOOD,
     "j:2:1: no section after this [global] can use key 'rounds', which is one of workload larson: "
     "leave it out, or move it before the section it is for",
     0},
    {GOOD "note = " LONG_NOTE ",b\nlimit=" MANY_LIMITS "\nslots=1000000,2\nremote=0.25,0.5\n"
          "zeroed=yes,no\nlifetime=exp:256@16-8000,64\nseed=18446744073709551615,1\n"
          "timeout=100ms,200ms\nsample=100ms,200ms\n",
     "j:1:1: the name of a cell is longer than 128 characters: a note=#1 limit=1024 slots=1000000 "
     "remote=0.25 zeroed=yes lifetime=e...; give the section a shorter one, or sweep fewer keys",
     0},
    // Keys that depend on others
    {GOOD "arrival = poisson\n",
     "j:4:11: arrival = poisson: means nothing without rate: leave it out", 0},
    {GOOD "rate = 0\narrival = fixed\n",
     "j:5:11: arrival = fixed: means nothing without rate: leave it out", 0},
    {GOOD "steady_window = 1s\n",
     "j:4:17: steady_window = 1s: means nothing without steady: leave it out", 0},
    {GOOD "folder = /\n",
     "j:4:10: folder = /: means nothing without setup, prepare or cleanup: leave it out", 0},
    {"[global]\narrival=poisson\n" GOOD,
     "j:2:1: no section after this [global] can use key 'arrival': leave it out, or move it before "
     "the section it is for",
     0},
    {GOOD "ops = 5\nsteady = dev:5%\n",
     "j:5:10: steady = dev:5%: measures until the rate is steady, not for a number of operations: "
     "leave out steady or ops",
     0},
    {GOOD "latency = none\nlatency_limit = alloc:p99<1ms\n",
     "j:5:17: latency_limit = alloc:p99<1ms: no operation is timed (latency = none): time all, or "
     "one in N",
     0},
    {GOOD "memory_limit = 1Mi\n",
     "j:4:16: memory_limit = 1Mi: allowed is 0 (none), or 64Mi and more", 0},
    // Words, lists, ratios
    {GOOD "order = fife\n",
     "j:4:9: order = fife: allowed is fifo, lifo, random; did you mean 'fifo'?", 0},
    {GOOD "zeroed = true\n", "j:4:10: zeroed = true: allowed is yes, no", 0},
    {GOOD "latency = 1/0\n",
     "j:4:11: latency = 1/0: allowed is all, none, or 1/N with N of at least 1, as in 1/16", 0},
    {GOOD "latency = some\n",
     "j:4:11: latency = some: allowed is all, none, or 1/N with N of at least 1, as in 1/16", 0},
    {"[a]\nworkload=churn\ntarget=libc,,null\n",
     "j:3:8: target = libc,,null: an empty piece in the list: pieces are separated by one comma; "
     "allowed is targets, separated by commas: mems:POLICY(key=value,...), libc, "
     "preload:NAME-OR-PATH, null; ? in front: skipped where it is missing",
     0},
    {"[a]\nworkload=churn\ntarget=mems:dynamic(fit=best\n",
     "j:3:8: target = mems:dynamic(fit=best: parentheses that do not match; allowed is targets, "
     "separated by commas: mems:POLICY(key=value,...), libc, preload:NAME-OR-PATH, null; ? in "
     "front: skipped where it is missing",
     0},
    {"[a]\nworkload=churn\ntarget=a)(\n",
     "j:3:8: target = a)(: parentheses that do not match; allowed is targets, separated by commas: "
     "mems:POLICY(key=value,...), libc, preload:NAME-OR-PATH, null; ? in front: skipped where it "
     "is missing",
     0},
    // Distributions
    {GOOD "size = 64-16\n",
     "j:4:8: size = 64-16: a range that ends before it begins: write the smaller first; allowed is "
     "64, 16-1000, 64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, "
     "zipf:1.2@16-8000; within 1 .. 1Ti",
     0},
    {GOOD "size = 0-16\n",
     "j:4:8: size = 0-16: out of range, allowed is 1 .. 1Ti (64, 16-1000, 64/50:4k/40:1M/10, "
     "log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. 1Ti)",
     0},
    {GOOD "size = 64:4k\n",
     "j:4:8: size = 64:4k: each of several sizes needs a weight, as in 64/50:4k/40:1M/10; allowed "
     "is 64, 16-1000, 64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, "
     "zipf:1.2@16-8000; within 1 .. 1Ti",
     0},
    {GOOD "size = 64/0:4k/0\n",
     "j:4:8: size = 64/0:4k/0: all weights are 0; allowed is 64, 16-1000, 64/50:4k/40:1M/10, "
     "log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. 1Ti",
     0},
    {GOOD "size = 64/x\n",
     "j:4:8: size = 64/x: not a number: expected digits, as in 0.25; allowed is 64, 16-1000, "
     "64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. "
     "1Ti",
     0},
    {GOOD "size = gauss:4-5\n",
     "j:4:8: size = gauss:4-5: unknown distribution: allowed is SIZE, FROM-TO, "
     "SIZE/WEIGHT:SIZE/WEIGHT, log:FROM-TO, invsq:FROM-TO, exp:MEAN@FROM-TO, "
     "zipf:S@FROM-TO",
     0},
    {GOOD "size = log:0-5\n",
     "j:4:8: size = log:0-5: the range must begin at 1 or above; allowed is 64, 16-1000, "
     "64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. "
     "1Ti",
     0},
    {GOOD "size = log:5\n",
     "j:4:8: size = log:5: expected a range FROM-TO, as in 16-1000; allowed is 64, 16-1000, "
     "64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. "
     "1Ti",
     0},
    {GOOD "size = exp:5-9\n",
     "j:4:8: size = exp:5-9: expected MEAN@FROM-TO, as in exp:256@16-8000; allowed is 64, 16-1000, "
     "64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. "
     "1Ti",
     0},
    {GOOD "size = zipf:5-9\n",
     "j:4:8: size = zipf:5-9: expected S@FROM-TO, as in zipf:1.2@16-8000; allowed is 64, 16-1000, "
     "64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. "
     "1Ti",
     0},
    {GOOD "size = zipf:0@5-9\n",
     "j:4:8: size = zipf:0@5-9: the exponent of zipf is a number above 0, at most 100; allowed is "
     "64, 16-1000, 64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, "
     "zipf:1.2@16-8000; within 1 .. 1Ti",
     0},
    {GOOD "size = zipf:101@5-9\n",
     "j:4:8: size = zipf:101@5-9: the exponent of zipf is a number above 0, at most 100; allowed "
     "is 64, 16-1000, 64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, "
     "zipf:1.2@16-8000; within 1 .. 1Ti",
     0},
    {GOOD "size = exp:0@5-9\n",
     "j:4:8: size = exp:0@5-9: the mean must be at least 1; allowed is 64, 16-1000, "
     "64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. "
     "1Ti",
     0},
    {GOOD "size = 16-\n",
     "j:4:8: size = 16-: not a number: expected digits, as in 64; allowed is 64, 16-1000, "
     "64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, zipf:1.2@16-8000; within 1 .. "
     "1Ti",
     0},
    {GOOD "lifetime = 2000Ti\n", "j:4:12: lifetime = 2000Ti: a size above 1024Ti; allowed is any",
     0},
    // Variables
    {GOOD "note = a $ b\n", "j:4:10: a lone '$': write $$ for a dollar sign", 0},
    {GOOD "threads = $ncpu\n",
     "j:4:11: unknown variable '$ncpu', did you mean $ncpus: there are $ncpus, $pagesize and "
     "${NAME} of the environment",
     0},
    {GOOD "threads = 2$ncpus\n", "j:4:12: a digit just before $ncpus: write 2*$ncpus to multiply",
     0},
    {GOOD "note = x${MEMS_UNSET}\n",
     "j:4:9: the environment has no variable 'MEMS_UNSET': set it, or give a default as in "
     "${MEMS_UNSET:-default}",
     0},
    {GOOD "note = ${MEMS_UNSET\n", "j:4:8: '${' without its '}'", 0},
    {GOOD "note = ${MEMS UNSET}\n",
     "j:4:8: bad variable: write ${NAME} or ${NAME:-default}, NAME of letters, digits and _", 0},
    {GOOD "note = ${MEMS_LINES}\n",
     "j:4:8: the environment's 'MEMS_LINES' has a line break, a control character or a byte that "
     "is not UTF-8",
     0},
    {GOOD "note = ${MEMS_EMPTY}\n",
     "j:4:8: key 'note' has no value: give one, or leave the line out for the default", 0},
    // What a bad value does not hide behind, and what a workload says
    {"[global]\nseed=x\n" GOOD "seed=1\n",
     "j:2:6: seed = x: not a number: expected digits, as in 64; allowed is 0 .. 2^64 - 1", 0},
    {"[a]\nworkload=larson\ntarget=libc\n rounds = 13\n", "j:4:11: rounds = 13: brings bad luck",
     0},
    {"[a]\nworkload=larson\ntarget=libc\nrounds = 14\n",
     "j:1:1: section [a]: the stars are not right", 0},
    {GOOD "include = no-such-file.ini\n",
     "j:4:11: include = no-such-file.ini: No such file or directory", 0},
};

static void test_every_bad_job_is_told_what_is_wrong(void **state)
{
    (void)state;
    unsetenv("MEMS_UNSET");
    setenv("MEMS_LINES", "a\nb", 1);
    setenv("MEMS_EMPTY", "", 1);
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof bad_jobs / sizeof bad_jobs[0]; i++) {
        const struct bad_job *bad = &bad_jobs[i];
        struct complaint complaint = {{0}};
        struct job *job = NULL;
        size_t length = bad->length ? bad->length : strlen(bad->text);
        int error = job_parse(bad->text, length, "j", "/nowhere", &job, &complaint);
        if (error == 0 || job || strcmp(complaint.text, bad->complaint) != 0) {
            print_error("the job\n%s\nis answered %d\n%s\ninstead of\n%s\n", bad->text, error,
                        complaint.text, bad->complaint);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_long_input_makes_a_short_message(void **state)
{
    (void)state;
    enum { LENGTH = 200000 };
    char *text = malloc(LENGTH + 64);
    assert_non_null(text);
    int start = sprintf(text, GOOD "slots = ");
    memset(text + start, 'x', LENGTH);
    struct complaint complaint = {{0}};
    struct job *job = NULL;
    assert_int_equal(job_parse(text, LENGTH, "j", "/", &job, &complaint), EINVAL);
    assert_true(strlen(complaint.text) < 200);
    assert_non_null(strstr(complaint.text, "xxx...: not a number"));
    free(text);
}

static void test_the_first_complaint_wins(void **state)
{
    (void)state;
    struct complaint complaint = {{0}};
    complain(&complaint, "one %d", 1);
    complain(&complaint, "two");
    complain(NULL, "dropped");
    assert_string_equal(complaint.text, "one 1");
}

static void test_a_clip_ends_between_characters(void **state)
{
    (void)state;
    char text[200] = "";
    for (int i = 0; i < 60; i++) {
        strcat(text, "\xe2\x82\xac");
    }
    struct complaint_clip clip = complaint_clip(text);
    size_t length = strlen(clip.text);
    assert_string_equal(clip.text + length - 3, "...");
    assert_int_equal((length - 3) % 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bad_job_is_told_what_is_wrong),
        cmocka_unit_test(test_long_input_makes_a_short_message),
        cmocka_unit_test(test_the_first_complaint_wins),
        cmocka_unit_test(test_a_clip_ends_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
