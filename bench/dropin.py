# SPDX-License-Identifier: MIT
#
# dropin.py - the goals of the drop-in malloc that are about one thing each: rows of bench/goals.
#
# 1. Beside the suite (suite/), whose means say how whole programs fare, these say how the shortest path does (counted,
#    so exact), how blocks that another thread frees do, how large ones do, what ten million live blocks change, and
#    what threads leave behind.
# 2. Every row measures the peers too, in the same interleaved run. Without the library (`--library`) it measures them
#    alone, prints what it found and claims nothing.
# 3. A goal of time is judged by the median over the rounds of one cell's time by another's.

import os
import re
import shutil
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "suite"))

from allocators import BASE, OURS, Allocator, Missing, choose  # noqa: E402
from measuring import fail, job_run, ratio, run  # noqa: E402


def columns_of(bench):
    """{name: Allocator} of those that are there; a smoke test has enough with two."""
    found = {column.name: column for column in choose(None, bench.build)[0]}
    if bench.library:
        if not os.path.isfile(bench.library):
            fail(f"--library {bench.library}: no such file")
        try:
            found[OURS] = Allocator(OURS, bench.library)
        except Missing as error:
            fail(f"--library: {error}")
    if OURS not in found:
        print(f"  {OURS}: no library; its peers alone")
    return {name: column for name, column in found.items() if not bench.smoke or name in (BASE, OURS)}


def tool_of(bench, name):
    path = os.path.join(bench.build, "bench", name)
    if not os.access(path, os.X_OK):
        fail(f"{path}: not there; build it")
    return path


def beside(name, ours, peers):
    """("1.02 (mimalloc)", met) of times a round: the ratio to the best peer's, by its median."""
    best = min(peers, key=lambda peer: statistics.median(peers[peer]))
    value = ratio(ours, peers[best])
    return f"{value:.3f} of the best peer's time ({best}){name}", value <= 1


# ---- instructions ---------------------------------------------------------------------------------------------------

SIZES = {16: 52, 64: None, 4096: 80}


def loop_instructions(bench, column, size):
    """Instructions a malloc and free, loop and both stubs included: the difference of two counts, to a hundredth (from run
    to run the start of a process differs by some dozens)."""
    few, many = (1000, 2000) if bench.smoke else (10_000, 110_000)
    counts = []
    for count in (few, many):
        command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
                   tool_of(bench, "mems-pair"), str(size), str(count)]
        found = re.search(r"I\s+refs:\s+([\d,]+)", run(command, column.path if column.name != BASE else "").stderr)
        if not found:
            fail(f"{' '.join(command)}: cachegrind counted nothing")
        counts.append(int(found[1].replace(",", "")))
    return round((counts[1] - counts[0]) / (many - few), 2)


def pair(bench):
    """instructions of a malloc and free of one block, stubs and loop included, beside the peers'"""
    if shutil.which("valgrind") is None:
        print("  left out: valgrind is not there (Debian: valgrind)")
        return
    columns = columns_of(bench)
    for size, limit in SIZES.items():
        counts = {name: loop_instructions(bench, column, size) for name, column in columns.items()}
        print(f"  {size} bytes: " + ", ".join(f"{name} {count:.2f}" for name, count in counts.items()), flush=True)
        if OURS in counts and limit:
            yield (f"malloc({size}) and free, last in first out: at most {limit} instructions", f"{counts[OURS]:.2f}",
                   counts[OURS] <= limit)


CHECKS = {"range": 6, "start": 5, "twice": 3}  # what is left without each: a sum of lib/malloc/inline.h's enum


def checks(bench):
    """instructions of the same pair without the checks of a release, one by one and all: what each costs"""
    if shutil.which("valgrind") is None:
        print("  left out: valgrind is not there (Debian: valgrind)")
        return
    columns = columns_of(bench)
    if OURS not in columns or bench.library or bench.smoke:
        return
    counts = {}
    for left in [0, *CHECKS.values()]:
        name = f"mems-malloc-checks-{left}"
        run(["cmake", "--build", bench.build, "--target", name])
        path = os.path.join(bench.build, "lib", f"lib{name}.so")
        counts[left] = loop_instructions(bench, Allocator(name, path), 16)
    whole = loop_instructions(bench, columns[OURS], 16)
    print(f"  16 bytes: {whole:.2f} with every check; " +
          ", ".join(f"{check} {whole - counts[left]:.2f}" for check, left in CHECKS.items()))
    yield "malloc(16) and free without checks: at most 45 instructions", f"{counts[0]:.2f}", counts[0] <= 45


# ---- the driver's workloads -------------------------------------------------------------------------------------------


def driver_times(bench, columns, sections, **shared):
    """{section: {name: [ns an operation of round 0, 1, ..]}} of one interleaved run."""
    names = {column.target(): name for name, column in columns.items()}
    times = {section: {name: [] for name in columns} for section in sections}
    cells = job_run(bench, sections, target=", ".join(names), **shared)
    for cell in sorted(cells, key=lambda cell: cell["repeat"]):
        report = cell["report"]
        times[cell["section"]][names[cell["target"]]].append(report["wall_ns"] / report["operations"]["all"])
    for section, found in times.items():
        print(f"  {section}, ns an operation: " + ", ".join(
            f"{name} {statistics.median(values):.1f}" for name, values in found.items()))
    return times


def fastest(bench, goals, sections, **shared):
    columns = columns_of(bench)
    for section, found in driver_times(bench, columns, sections, **shared).items():
        ours = found.pop(OURS, None)
        if ours and found:
            yield (goals.format(section), *beside("", ours, found))


def remote(bench):
    """producer-consumer, 64 B, one and two pairs: all frees are remote"""
    count = bench.count * (1 if bench.smoke else 50)
    yield from fastest(bench, "producer-consumer, 64 B, {}: the fastest of all",
                       {"one pair": {"threads": 2, "ops": count}, "two pairs": {"threads": 4, "ops": count // 2}},
                       workload="producer-consumer", size=64)


def server(bench):
    """larson with two threads"""
    yield from fastest(bench, "{}: the fastest of all", {"larson, 2 threads": {"threads": 2}}, workload="larson",
                       size="8-999", ops=bench.count * (1 if bench.smoke else 25))


def large(bench):
    """20 blocks of 5-25 MiB replaced at random, beside glibc"""
    columns = columns_of(bench)
    times = driver_times(bench, columns, {"large": {"ops": 20 if bench.smoke else 80}}, workload="large", threads=1)["large"]
    if OURS in times:
        value = ratio(times[OURS], times[BASE])
        yield ("20 blocks of 5-25 MiB replaced at random: within 5 % of glibc's time or better", f"{value:.3f} of glibc's",
               value <= 1.05)


# ---- many blocks --------------------------------------------------------------------------------------------------------


def scale(bench):
    """instructions and time an operation as live blocks grow, beside glibc's"""
    columns = columns_of(bench)
    few, many = bench.lives[0], bench.lives[-1]
    if OURS not in columns:
        return
    for kernel in ("lifo", "random") if shutil.which("valgrind") else ():
        counts = {name: [bench.instructions(kernel, columns[name].target(), live) for live in (few, many)]
                  for name in (OURS, BASE)}
        print(f"  {kernel}: " + ", ".join(f"{name} {one:.0f} instructions at {few}, {other:.0f} at {many}"
                                          for name, (one, other) in counts.items()), flush=True)
        growth = counts[OURS][1] / counts[OURS][0]
        yield (f"{kernel}, {many} live blocks: at most 1.5x the instructions an operation of {few}", f"{growth:.2f}x",
               growth <= 1.5)
    for kernel in ("lifo", "random"):
        cells = {(kernel, columns[name].target(), live): (name, live) for name in (OURS, BASE) for live in (few, many)}
        times = {cells[cell]: values for cell, values in bench.times(list(cells), 5 * bench.count).items()}
        growth = {name: ratio(times[name, many], times[name, few]) for name in (OURS, BASE)}
        yield (f"{kernel}, {many} live blocks: time an operation grows no more than glibc's, from {few}",
               f"{growth[OURS]:.2f}x; glibc {growth[BASE]:.2f}x", growth[OURS] <= growth[BASE])


# ---- threads --------------------------------------------------------------------------------------------------------------


def threads(bench):
    """4,096 threads of which 2 run; 3,000 that come and go: what they leave of the resident set"""
    columns = columns_of(bench)
    tool = tool_of(bench, "mems-threads")
    many, come, loads = (64, 64, (20, 50)) if bench.smoke else (4096, 3000, (200, 2000))
    grown, resting = {}, {}
    for name, column in columns.items():
        resting[name] = [int(run([tool, "idle", str(many), "2", str(each)], column.path).stdout) / 1024 for each in loads]
        grown[name] = int(run([tool, "destructors", str(come), "256"], column.path).stdout) / 1e6
    alone = int(run([tool, "idle", str(many), "0", "0"]).stdout) / 1024
    for i, each in enumerate(loads):
        print(f"  KiB a thread that rests after {each} operations, stack and all: " +
              ", ".join(f"{name} {values[i]:.1f}" for name, values in resting.items()) + f"; without any {alone:.1f}")
    print(f"  MB by which {come} threads grow it: {', '.join(f'{name} {value:.2f}' for name, value in grown.items())}")
    if OURS in columns:
        yield (f"{many} threads of which 2 run: at most 64 KiB of RSS a thread", 
               ", ".join(f"{value:.1f} KiB after {each} operations" for value, each in zip(resting[OURS], loads)),
               max(resting[OURS]) <= 64)
        yield (f"{come} threads whose key destructors allocate, and free another's blocks, in all four rounds: RSS grows by at "
               "most 1 MB", f"{grown[OURS]:.2f} MB", grown[OURS] <= 1)


DROPIN = {"malloc-pair": pair, "malloc-checks": checks, "malloc-remote": remote, "malloc-larson": server, "malloc-large": large,
          "malloc-scale": scale, "malloc-threads": threads}
