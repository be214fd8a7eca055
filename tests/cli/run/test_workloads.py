# SPDX-License-Identifier: MIT
#
# test_workloads.py - synthetic workloads from outside: every check on several targets, by operations
# and by time; what each says of itself; a job file each that is read.

import os
import unittest

from stress import JOBS, SANITIZED, Case, evil

SECTIONS = """
[global]
target = null, libc, mems:dynamic, mems:slab, ?preload:jemalloc
verify = 4
threads = 3
sample = 10ms
"""
WORKLOADS = {
    "exchange": "slots = 50\nretain = 100\nround = 300",
    "thread-churn": "blocks = 20\ntable = 300",
    "message-passing": "proxies = 1",
    "cache-scratch": "writes = 10",
    "cache-thrash": "writes = 10",
    "simple": "main_rounds = 1",
    "inverse-square": "slots = 100",
    "random-slots": "slots = 200\nbatch = 50\nbarrier = 2",
    "pareto-slots": "slots = 200\naccess = check",
    "startup": "",
}


def job(length, **special):
    text = SECTIONS
    if SANITIZED:  # a foreign malloc and a sanitizer's do not go together
        text = text.replace(", ?preload:jemalloc", "").replace(", mems:slab", "")
    for name, keys in WORKLOADS.items():
        text += "[%s]\nworkload = %s\n%s\n%s\n" % (name, name, special.get(name, length), keys)
    return text


class Workloads(Case):
    def passes(self, text):
        outcome = self.run_job(text)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertEqual(outcome.document["verdict"], "pass")
        return [c for c in outcome.document["cells"] if c["verdict"] == "pass"]

    def test_operations(self):
        cells = self.passes(job("ops = 3000", startup="ops = 150", simple="ops = 13k",
                                **{"thread-churn": "ops = 1800"}))
        for cell in cells:
            operations = cell["report"]["operations"]
            self.assertGreater(operations["alloc"], 0)
            # What the workload's close frees is counted after the report was taken.
            self.assertLessEqual(operations["free"] + operations["free_remote"],
                                 operations["alloc"])
            where = (cell["section"], cell["target"])
            figures = {f["name"]: f["value"] for f in cell["report"]["figures"]}
            if cell["section"] == "simple":
                self.assertEqual(len(figures), 12, where)
                self.assertTrue(all(value > 0 for value in figures.values()), where)
            elif cell["section"] == "thread-churn":
                self.assertEqual(figures["threads"], 3 * 40, where)
                self.assertIn("RSS growth, last half", figures)
            elif cell["section"] == "random-slots" and cell["target"] != "null":
                self.assertGreater(figures["highest overhead at a barrier"], -100, where)
            elif cell["section"] == "startup":
                self.assertEqual(cell["report"]["latency"]["step"]["count"], 3 * 50, where)
            if cell["section"] in ("message-passing", "exchange", "random-slots", "thread-churn"):
                self.assertGreater(operations["free_remote"], 0, where)

    def test_time(self):
        text = job("runtime = 20ms")
        self.passes(text.replace("null, libc", "libc") if SANITIZED else text)

    @unittest.skipIf(SANITIZED, "the workloads' unit tests have this law in every build")
    def test_same_seed_same_operations(self):
        text = job("ops = 2000", startup="ops = 60").replace(", mems:dynamic", "").replace(
            ", mems:slab", "").replace(", ?preload:jemalloc", "")
        asked = []
        for _ in range(2):
            # But for who frees, which in exchange and thread-churn is the schedule's choice.
            asked += [{(c["section"], c["report"]["operations"]["alloc"],
                        c["report"]["operations"]["allocated_bytes"]) for c in self.passes(text)}]
        self.assertEqual(asked[0], asked[1])
        self.assertEqual(len(asked[0]), len(WORKLOADS))  # every target was asked for the same

    @unittest.skipIf(SANITIZED, "a foreign malloc and a sanitizer's do not go together")
    def test_a_leak_fails(self):
        # One that gives no block of 777 bytes out again, and one that does.
        for sin, status in ("none", 0), ("forget", 2):
            outcome = self.run_job("[a]\nworkload = thread-churn\ntarget = %s\nthreads = 2\n"
                                   "ops = 20k\nsize = 777\nleak_limit = 1Mi\n" % evil(sin))
            self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "failed")
        self.assertEqual(cell["evidence"]["check"]["name"], "leak")
        self.assertIn("leak_limit is 1048576", cell["message"])

    @unittest.skipIf(SANITIZED, "a foreign malloc and a sanitizer's do not go together")
    def test_sins_are_found(self):
        # A byte that changes in a live block, and a block inside another one. Where nothing else is
        # live or a block is the only one of its thread, that cannot happen.
        for name in ("exchange", "thread-churn", "message-passing", "simple", "inverse-square",
                     "random-slots", "pareto-slots"):
            for sin in "corrupt", "overlap":
                keys = WORKLOADS[name].replace("proxies = 1", "")
                outcome = self.run_job("[a]\nworkload = %s\ntarget = %s\nthreads = 2\nsize = 777\n"
                                       "ops = 13k\nverify = 4\n%s\n" % (name, evil(sin), keys))
                self.assertEqual(outcome.status, 2, (name, sin, outcome.out, outcome.err))
                self.assertIn(outcome.cell()["evidence"]["check"]["name"], ("stamp", "overlap"))

    def test_a_job_each(self):
        folder = os.path.join(JOBS, "workloads")
        names = sorted(os.listdir(folder))
        self.assertLessEqual(set(name + ".ini" for name in WORKLOADS), set(names))
        listed = self.stress("list", "workloads").out.split()
        for name in names:
            self.assertIn(name[:-len(".ini")], listed)
            with open(os.path.join(folder, name)) as file:
                self.assertIn("\nworkload = %s\n" % name[:-len(".ini")], file.read())


if __name__ == "__main__":
    unittest.main()
