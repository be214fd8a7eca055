# SPDX-License-Identifier: MIT
#
# measuring.py - what the rows of bench/goals measure with: mems-bench, mems-stress and callgrind.

import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile


def fail(text):
    sys.exit(f"goals: {text}")


def run(command, preload=""):
    """Runs it to its end, with LD_PRELOAD where that is said."""
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    environment["MEMS_STRESS_NO_HISTORY"] = "1"  # these are not the user's runs
    if preload:
        environment["LD_PRELOAD"] = preload
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    if result.returncode != 0:
        fail(f"{' '.join(command)}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def preload_of(target):
    """The shared object of "preload:PATH", "" for other targets."""
    return target.removeprefix("preload:") if target.startswith("preload:") else ""


class Bench:
    def __init__(self, build, smoke, rounds, live, library):
        self.smoke, self.build, self.library = smoke, build, library
        self.program = os.path.join(build, "bench", "mems-bench")
        self.stress = os.path.join(build, "stress", "mems-stress")
        self.rounds, self.count, self.lives, self.translations = (
            (1, 500, (1000, 2000), 10_000) if smoke else (rounds, 100_000, (1000, 100_000, live), 100_000_000))
        self.live = self.lives[-1]
        if not os.access(self.program, os.X_OK):
            fail(f"{self.program}: not there; build it, or say --build FOLDER")

    def times(self, cells, iterations):
        """{cell: [CPU ns an operation of round 0, 1, ..]}: each round measures every cell once, in random order."""
        times = {cell: [] for cell in cells}
        for _ in range(self.rounds):
            for cell in random.sample(cells, len(cells)):
                kernel, target, value = cell
                answer = run(self.once(kernel, target, value, 1, iterations), preload_of(target)).stdout.split()
                times[cell].append(int(answer[2]) / iterations)
        return times

    def once(self, *words):
        return [self.program, "--once", *(str(word) for word in words)]

    def figures(self, kernel, target, value, threads, iterations):
        """What one measurement says beside its time, and that as "ns"."""
        words = run(self.once(kernel, target, value, threads, iterations)).stdout.split()
        return {"ns": int(words[1]), **{name: float(value) for name, value in (
            word.split("=") for word in words[3:] if "=" in word)}}

    def instructions(self, kernel, target, live):
        """Instructions an operation."""
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null",
                   *self.once(kernel, target, live, 1, self.count)]
        found = re.search(r"Collected : (\d+)", run(command, preload_of(target)).stderr)
        if not found or int(found[1]) == 0:
            fail(f"{' '.join(command)}: callgrind counted nothing")
        return int(found[1]) / self.count


def ratio(over, under):
    return statistics.median(a / b for a, b in zip(over, under))


def job_run(bench, sections, **shared):
    """The cells of one interleaved run of the driver; a section is a dict of its keys."""
    shared = {"verify": 0, "latency": "none", "repeats": bench.rounds, **shared}
    text = "".join(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
                   for name, keys in {"global": shared, **sections}.items())
    with tempfile.TemporaryDirectory() as folder:
        job, out = os.path.join(folder, "job.ini"), os.path.join(folder, "result.json")
        with open(job, "w") as file:
            file.write(text)
        run([bench.stress, "run", job, "--json", out])
        with open(out) as file:
            return json.load(file)["cells"]


def job_cells(bench, sections, **shared):
    """{section: [report of repeat 0, 1, ..]} of one target."""
    cells = job_run(bench, sections, **shared)
    return {name: [cell["report"] for cell in cells if cell["section"] == name] for name in sections}


def worker_ns(reports):
    """CPU nanoseconds an operation of the workers, in each repeat: not the sampling thread's, nor what others took."""
    return [(one["system"]["worker_ns"] - one["system"]["offcpu_ns"]) / one["operations"]["all"] for one in reports]
