#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run.py - one fuzzer for so many seconds: from the committed corpus, with its dictionary.
#
#   run.py build/fuzz/tests/fuzz/fuzz-NAME [--seconds 60] [--length 4096]
#   run.py build/fuzz/tests/fuzz/fuzz-NAME --choose 8
#
# 1. Where things are. corpus/NAME and dictionary/NAME.txt are beside this file and never written to by a run. What
#    a run finds stands in work/NAME beside the program, where the next one goes on.
# 2. What fails. An input that crashes, breaks the law, leaks, or takes more than 20 s or 2 GiB is kept in work/NAME,
#    and the last lines say how to replay it. A run that has tried nothing fails too. libFuzzer's 20 s are of the clock:
#    on a machine that others use as well, an input must have taken them of the CPU, too, else the run goes on.
# 3. --choose N writes into corpus/NAME the N inputs of work/NAME that together reach most, the one that adds most first,
#    beside what is there. A regression is committed by hand, as corpus/NAME/regression-WORD.

import argparse
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SLOW_S = 20


def command(program, work, length):
    name = program.name.removeprefix("fuzz-")
    words = [str(program), f"-max_len={length}", "-len_control=20", f"-timeout={SLOW_S}", "-rss_limit_mb=2048", f"-artifact_prefix={work}/"]
    dictionary = HERE / "dictionary" / f"{name}.txt"
    if dictionary.exists():
        words.append(f"-dict={dictionary}")
    return words


def found(work):
    return {path for path in work.iterdir() if path.is_file()}


def is_slow(program, path):
    """Whether it takes so much of a CPU."""
    again = subprocess.run([str(program), "-timeout=1000000", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SLOW_S, SLOW_S)))
    return again.returncode != 0


def fuzz(program, work, corpus, seconds, length):
    until = time.monotonic() + seconds
    while True:
        before = found(work)
        status = fuzz_once(program, work, corpus, max(1, int(until - time.monotonic())), length)
        new = sorted(found(work) - before)
        if status == 0 or not new or any(not path.name.startswith("timeout-") or is_slow(program, path) for path in new):
            for path in new:
                print(f"\nkept: {path}\nagain: {program} {path}")
            return status
        for path in new:
            path.unlink()
        if time.monotonic() >= until:
            return 0
        print("the machine was busy, the input is not slow: on")


def fuzz_once(program, work, corpus, seconds, length):
    kept = work / "corpus"
    kept.mkdir(exist_ok=True)
    run = subprocess.run(
        command(program, work, length)
        + [f"-max_total_time={seconds}", "-print_final_stats=1", "-verbosity=1", str(kept), str(corpus)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        errors="replace",
    )
    lines = run.stdout.splitlines()
    units = re.search(r"stat::number_of_executed_units:\s*(\d+)", run.stdout)
    print("\n".join(lines[-60:] if run.returncode else [line for line in lines if line.startswith("stat::")]))
    if run.returncode != 0:
        return 1
    if units is None or int(units.group(1)) == 0:
        print(f"{program.name} has tried nothing")
        return 1
    return 0


# A control file of such a merge says of each input (FT lines) all that it reaches.
def features(control):
    names, reached = [], {}
    lines = control.read_text(errors="replace").splitlines()
    count = int(lines[0])
    names = lines[2 : 2 + count]
    for line in lines[2 + count :]:
        words = line.split()
        if words[0] == "FT":
            reached[names[int(words[1])]] = set(words[2:])
    return reached


def choose(program, work, corpus, most, length):
    with tempfile.TemporaryDirectory() as folder:
        control = pathlib.Path(folder, "control")
        subprocess.run(
            command(program, work, length)
            + ["-set_cover_merge=1", f"-merge_control_file={control}", folder, str(corpus), str(work / "corpus")],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        reached = features(control)
    seen = set()
    for name in [name for name in reached if pathlib.Path(name).parent == corpus]:
        seen |= reached.pop(name)
    for number in range(most):
        best = max(reached, key=lambda name: len(reached[name] - seen), default=None)
        if best is None or not reached[best] - seen:
            break
        seen |= reached.pop(best)
        shutil.copyfile(best, corpus / f"found-{number}")
        print(f"{corpus / f'found-{number}'}: {len(seen)} reached")
    return 0


def main():
    parser = argparse.ArgumentParser(description="one fuzzer, from the committed corpus")
    parser.add_argument("program", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--length", type=int, default=4096)
    parser.add_argument("--choose", type=int, metavar="N")
    options = parser.parse_args()
    name = options.program.name.removeprefix("fuzz-")
    work = options.program.parent / "work" / name
    work.mkdir(parents=True, exist_ok=True)
    if options.choose is not None:
        return choose(options.program, work, HERE / "corpus" / name, options.choose, options.length)
    return fuzz(options.program, work, HERE / "corpus" / name, options.seconds, options.length)


if __name__ == "__main__":
    sys.exit(main())
