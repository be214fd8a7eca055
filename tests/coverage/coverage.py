#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# coverage.py - what of lib/ the tests executed: lines and branches by file, and the functions that nobody called.
#
#   coverage.py BUILD [CSV]
#
# 1. Counted is what gcc's counters in BUILD (preset coverage) say of all programs that ended by themselves; a process
#    that is killed, or aborts, has counted nothing. Branches that the compiler makes where the source has none (gcovr
#    calls them unreachable) do not count, nor does mems-explore, which is made otherwise: hostile, with checked ranks;
#    nor what runs while its writes are refused (faults/), since a file of counters cut short takes all earlier ones away.
# 2. Goals: LINES and BRANCHES, in per cent, of lib/ as a whole.
# 3. Gaps. A function that no test calls, and a file below FILE_LINES per cent, is a row of gaps.txt with the reason.
#    One that is not there, and a row that is none any more, are named, and the exit status is 1.
# 4. Ranges. Lines that nobody executed in functions that are called are printed with what gaps.txt says of the function
#    (~FUNCTION WHY). What random tests reach differs from run to run: a range without a row, and a row without a range,
#    are told and are no failure, up to RANGE_LINES lines in a row. Such a row also excuses the whole function, called or not.
# 5. CSV gets a row for each file, and one for lib/ as a whole, with the commit that last changed lib/ or its tests.
# 6. Tests. The row of lib/ says how many tests ran, how many of them failed, and how many did not run, by CTest's summary in
#    BUILD/tests.log: what they would have executed is not in the figures. Without a summary, or where a test's program is
#    not there (Not Run), the exit status is 1; one that fails, as some do for being counted, or is skipped is told.

import csv
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
LINES, BRANCHES, FILE_LINES, RANGE_LINES = 90.0, 75.0, 75.0, 5
SOURCES = ["lib", "tests"]
sys.path.insert(0, str(TOP / "tests" / "mutants"))
sys.dont_write_bytecode = True

from table import engine_of  # noqa: E402


# One object after the other: gcovr with more than one worker waits for ever where one of them fails.
def measured(build):
    run = subprocess.run(
        ["gcovr", "--root", str(TOP), "--filter", str(TOP / "lib") + "/", "--exclude-unreachable-branches", "--json"]
        + ["--gcov-ignore-parse-errors", "--exclude-directories", ".*/(mems-explore.dir|refused)(/.*)?"]
        + ["--object-directory", str(build), str(build)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(run.stdout)["files"]


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


# A function's name, whichever object it is in.
def base_of(function):
    return function["name"].split(".")[0].lstrip("*").removeprefix("family_")


# Lines in a row that nobody executed, of one function: (function, first, last, how many).
def ranges_of(lines, starts):
    def function_of(number):
        return starts[max((start for start in starts if start <= number), default=min(starts))]

    row = []
    for line in sorted(lines, key=lambda line: line["line_number"]) if starts else []:
        number = line["line_number"]
        if row and (line["count"] > 0 or function_of(number) != function_of(row[0])):
            yield function_of(row[0]), row[0], row[-1], len(row)
            row = []
        row += [number] if line["count"] == 0 else []
    if row:
        yield function_of(row[0]), row[0], row[-1], len(row)


class File:
    def __init__(self, row):
        lines = [line for line in row["lines"] if not line.get("gcovr/noncode")]
        branches = [branch for line in lines for branch in line.get("branches", [])]
        self.name = row["file"]
        self.lines, self.hit = len(lines), sum(line["count"] > 0 for line in lines)
        self.branches, self.taken = len(branches), sum(branch["count"] > 0 for branch in branches)
        # A function that two objects have, under two names, is counted by its lines: of all its objects together.
        functions = sorted(row.get("functions", []), key=lambda function: function["lineno"])
        starts = sorted({function["lineno"] for function in functions}) + [1 << 30]
        calls = {}
        for function in functions:
            name = base_of(function)
            end = starts[starts.index(function["lineno"]) + 1]
            body = [line["count"] for line in lines if function["lineno"] <= line["line_number"] < end]
            calls[name] = max(calls.get(name, 0), function["execution_count"], *body, 0)
        self.uncalled = {name for name, count in calls.items() if count == 0}
        self.ranges = list(ranges_of(lines, {function["lineno"]: base_of(function) for function in functions}))


# "lib/x.c function why", "lib/x.c * why" for a file below FILE_LINES, "lib/x.c ~function why" for a part of one.
def known():
    gaps = {}
    for line in (HERE / "gaps.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, function, why = line.split(None, 2)
            gaps[name, function] = why
    return gaps


# Prints the parts of functions that nobody executed; returns those that ought to have a reason.
def ranges(files, gaps):
    print("\nlines not executed, of functions that are called:")
    faults, found = [], set()
    for file in files:
        for function, first, last, count in file.ranges:
            found.add((file.name, "~" + function))
            if function in file.uncalled:
                continue
            why = gaps.get((file.name, "~" + function))
            print(f"  {file.name}:{first}-{last} {function}: {why or 'no reason is listed'}")
            if why is None and count > RANGE_LINES:
                faults.append(f"{file.name}:{first}-{last} is not covered, and gaps.txt does not say why (~{function})")
    idle = sorted(gap for gap in gaps if gap[1].startswith("~") and gap not in found)
    print("".join(f"  {name} {function}: covered this time\n" for name, function in idle), end="")
    return faults


# What CTest's log says of the tests: (ran, failed, did not run, of these without a program), or None.
def tests_of(log):
    summary = re.search(r"^\d+% tests passed, (\d+) tests? failed out of (\d+)$", log, re.M)
    if summary is None:
        return None
    failed, total = map(int, summary.groups())
    absent = len(re.findall(r"^\s*\d+ - .*\(Not Run\)\s*$", log[summary.end():], re.M))
    skipped = len(re.findall(r"^\s*\d+ - .*\(Skipped\)\s*$", log[summary.end():], re.M))
    return total - absent - skipped, failed - absent, absent + skipped, absent


def write(path, files, tests):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("file", "lines", "executed", "branches", "taken", "ran", "failed", "not run", "sources"))
        commit = engine_of(SOURCES)
        for file in files:
            table.writerow((file.name, file.lines, file.hit, file.branches, file.taken, "", "", "", commit))
        sums = [sum(getattr(file, of) for file in files) for of in ("lines", "hit", "branches", "taken")]
        table.writerow(("lib", *sums, *(tests[:3] if tests else ("unknown",) * 3), commit))


def main():
    if len(sys.argv) not in (2, 3) or not pathlib.Path(sys.argv[1]).is_dir():
        print("usage: coverage.py BUILD [CSV]", file=sys.stderr)
        return 2
    files = sorted((File(row) for row in measured(pathlib.Path(sys.argv[1]).resolve())), key=lambda file: file.name)
    gaps, found, faults = known(), set(), []
    if not files:
        print("coverage: no counters: are the tests built with the preset coverage, and run?", file=sys.stderr)
        return 1
    print(f"{'file':44} {'lines':>6} {'%':>6} {'branches':>9} {'%':>6}")
    for file in files:
        print(
            f"{file.name:44} {file.lines:6} {percent(file.hit, file.lines):6.1f}"
            f" {file.branches:9} {percent(file.taken, file.branches):6.1f}"
        )
        found |= {(file.name, name) for name in file.uncalled}
        if percent(file.hit, file.lines) < FILE_LINES:
            found.add((file.name, "*"))
    print("\nnot called, or below the file's least:")
    for gap in sorted(found):
        why = gaps.get(gap) or gaps.get((gap[0], "~" + gap[1]))
        print(f"  {gap[0]} {gap[1]}: {why or 'NOT IN gaps.txt'}")
        if why is None:
            faults.append(f"{gap[0]} {gap[1]} is not covered, and gaps.txt does not say why")
    faults += ranges(files, gaps)
    gaps = {gap: why for gap, why in gaps.items() if not gap[1].startswith("~")}
    faults += [f"{gap[0]} {gap[1]} is covered: take it out of gaps.txt" for gap in sorted(set(gaps) - found)]
    log = pathlib.Path(sys.argv[1]) / "tests.log"
    tests = tests_of(log.read_text(errors="replace")) if log.exists() else None
    if tests is None:
        faults.append(f"{log} has no summary of the tests: nobody knows which ran")
    elif tests[3] > 0:
        faults.append(f"{tests[3]} tests have no program: what they would execute is not counted")
    if len(sys.argv) == 3:
        write(sys.argv[2], files, tests)
    lines = percent(sum(file.hit for file in files), sum(file.lines for file in files))
    branches = percent(sum(file.taken for file in files), sum(file.branches for file in files))
    if lines < LINES:
        faults.append(f"lines: {lines:.1f} %, the goal is {LINES:.0f} %")
    if branches < BRANCHES:
        faults.append(f"branches: {branches:.1f} %, the goal is {BRANCHES:.0f} %")
    print()
    for fault in faults:
        print(f"coverage: {fault}")
    said = f"{tests[0]} tests ran, {tests[1]} of them failed, {tests[2]} did not run" if tests else "tests unknown"
    print(f"coverage of lib/: {lines:.1f} % of lines, {branches:.1f} % of branches; {said}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
