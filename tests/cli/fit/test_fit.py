#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_fit.py - mems-stress fit: the shipped distributions are what their commands make; what it makes, fleet runs.
#
# usage: test_fit.py MEMS-STRESS JOBS

import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, JOBS = sys.argv[1], sys.argv[2]
SANITIZED = bool(os.environ.get("MEMS_SANITIZE"))
TRACES = ["python", "python-threads", "sqlite", "redis", "cc1"]


def run(*arguments, cwd=None):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, check=False, cwd=cwd, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr.decode()


def shipped(name):
    with open(os.path.join(JOBS, "fleet", name), "rb") as file:
        return file.read()


def rows(text):
    """Of a distribution: (sizes, births, live) by row."""
    lines = [line.split() for line in text.decode().splitlines()[1:] if not line.startswith("#")]
    return [(sizes, float(births), float(live)) for sizes, births, live in lines]


class Fit(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    @unittest.skipIf(SANITIZED, "millions of operations; what they add up to is the same in every build")
    def test_the_recorded_programs(self):
        traces = [os.path.join(JOBS, "traces", name + ".mtrace") for name in TRACES]
        status, out, err = run("fit", *traces, "-o", self.path("made.fleet"))
        self.assertEqual((status, out, err), (0, b"", ""))
        self.assertEqual(self.read("made.fleet"), shipped("programs.fleet"))
        self.assertEqual(os.listdir(self.folder.name), ["made.fleet"])

    def test_a_recorded_program(self):
        self.assertEqual(run("fit", os.path.join(JOBS, "traces", "cc1.mtrace"), "-o", self.path("a"))[0], 0)
        self.assertEqual(run("fit", os.path.join(JOBS, "traces", "cc1.mtrace"))[1], self.read("a"))
        self.assertGreater(len(rows(self.read("a"))), 10)

    def test_the_log_normal(self):
        status, out, err = run("fit", "--log-normal", "64,1.2")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, shipped("log-normal.fleet"))
        self.assertEqual(run("fit", "--log-normal=64,1.2", "-o", "-")[1], out)
        self.assertAlmostEqual(sum(live for _, _, live in rows(out)), 10000, delta=0.01)
        half = run("fit", "--log-normal", "64,1.2", "--live", "5000")[1]
        for (_, births, live), (_, same, halved) in zip(rows(out), rows(half)):
            self.assertEqual(births, same)
            self.assertAlmostEqual(halved / live, 0.5, delta=1e-6)

    def test_births_come_to_half_of_all_operations(self):
        # What lives at a program's end is born and does not die: a little more than half.
        births = sum(births for _, births, _ in rows(shipped("programs.fleet")))
        self.assertTrue(500000 <= births < 560000, births)

    def test_a_bad_trace_leaves_what_was_there(self):
        with open(self.path("kept"), "w") as file:
            file.write("kept")
        with open(self.path("bad.trace"), "w") as file:
            file.write("free P1/a\n")
        status, _, err = run("fit", self.path("bad.trace"), "-o", self.path("kept"))
        self.assertEqual(status, 1)
        self.assertIn("bad.trace:1:6:", err)
        self.assertEqual(self.read("kept"), b"kept")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["bad.trace", "kept"])

    def test_fleet_runs_what_fit_makes(self):
        with open(self.path("a.trace"), "w") as file:
            for i in range(300):
                file.write("alloc P1/%d %d\n" % (i, 16 + i))
                if i >= 40:
                    file.write("free P1/%d\n" % (i - 40))
        with open(self.path("job.ini"), "w") as file:
            file.write("[it]\nworkload = fleet\ntarget = libc\nverify = 4\nthreads = 2\nremote_share = 0.5\n"
                       "ops = 20000\ndistribution = a.fleet\n")
        self.assertEqual(run("fit", "a.trace", "-o", "a.fleet", cwd=self.folder.name)[0], 0)
        status, _, err = run("run", "job.ini", "--json", "result.json", cwd=self.folder.name)
        self.assertEqual(status, 0, err)
        if os.path.exists(self.path("result.json")):
            cell = json.loads(self.read("result.json"))["cells"][0]
            figures = {figure["name"]: figure for figure in cell["report"]["figures"]}
            self.assertAlmostEqual(figures["prefilled"]["value"], figures["live at the end"]["bound"], delta=1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
