#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_run.py - the table of what explore is worth: a row is written, kept and refused; the mutants' lists are lists.

import csv
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
PROGRAM = os.environ["MEMS_STRESS"]


def module():
    loader = importlib.machinery.SourceFileLoader("explore_run", RUN)
    run = importlib.util.module_from_spec(importlib.util.spec_from_loader("explore_run", loader))
    loader.exec_module(run)
    return run


class Table(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_it(self, *words):
        return subprocess.run([sys.executable, RUN, *words, "--driver", PROGRAM, "--work", self.folder, "--results",
                               os.path.join(self.folder, "t.csv")], capture_output=True, text=True, check=False)

    def row(self):
        with open(os.path.join(self.folder, "t.csv"), newline="", encoding="utf-8") as file:
            row, = csv.DictReader(file)
        return row

    def test_a_row(self):
        done = self.run_it("fixed pct:3 10", "--schedules", "20", "--goal", "0")
        self.assertEqual(done.returncode, 0, done.stderr)
        row = self.row()
        self.assertEqual([row[name] for name in ("row", "target", "strategy", "operations", "operations_in_all", "schedules",
                                                 "goal", "failures")],
                         ["fixed pct:3 10", "mems:fixed", "pct:3", "10", "20", "20", "met", "0"])
        self.assertGreater(float(row["points_per_operation"]), 5)
        self.assertGreater(float(row["schedules_per_cpu_minute"]), 0)

    def test_a_policy_below_the_goal_fails(self):
        done = self.run_it("fixed pct:3 10", "--schedules", "2", "--goal", "1000000000")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"\nfixed pct:3 10: \d+ schedules a minute .*; the goal is 1000000000 of 10\n")
        self.assertEqual(self.row()["goal"], "not met")
        done = self.run_it("fixed pct:3 20", "--schedules", "2", "--goal", "1000000000") # which has none
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_usage(self):
        for words, said in ((("slabs",), "no row 'slabs'"), ((), "one of: ROW"), (("--all", "--limit", "65537"), "at most 65536")):
            done = self.run_it(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)

    def test_lists_pass_without_their_mutants(self):
        run = module()
        explorer = run.Explorer(PROGRAM, self.folder)
        mutants = run.everyone()
        for name, shape in run.LISTS.items():
            self.assertIn(name, mutants)
            job = {key: value for key, value in shape.items() if key not in ("list", "keep")}
            cell = explorer.cell(job, "--list", str(shape["list"]), "--keep", shape["keep"], "--schedules", "20")
            self.assertEqual((cell["verdict"], cell["lists"]), ("pass", 1))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
