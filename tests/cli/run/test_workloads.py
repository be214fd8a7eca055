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
                self.assertIn("RSS growth a thread", figures)
            elif cell["section"] == "random-slots" and cell["target"] != "null":
                self.assertGreater(figures["highest overhead at a barrier"], -100, where)
            elif cell["section"] == "startup":
                self.assertEqual(cell["report"]["latency"]["step"]["count"], 3 * 50, where)
            if cell["section"] in ("message-passing", "exchange", "random-slots", "thread-churn"):
                self.assertGreater(operations["free_remote"], 0, where)

    def test_time(self):
        text = job("runtime = 20ms")
        self.passes(text.replace("null, libc, mems:dynamic", "libc") if SANITIZED else text)

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
        text = "[a]\nworkload = thread-churn\ntarget = %s\nthreads = 2\nops = 20k\nsize = 777\n"
        self.assertEqual(self.run_job(text % evil("none")).status, 0)
        outcome = self.run_job(text % evil("forget"))
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "failed")
        self.assertEqual(cell["evidence"]["check"]["name"], "leak")
        self.assertIn("leak_limit is 256 bytes a thread", cell["message"])

    @unittest.skipIf(SANITIZED, "a foreign malloc and a sanitizer's do not go together")
    def test_a_thread_that_leaves_a_kilobyte_behind_fails(self):
        # By count, not by time: about as many threads as two seconds see on a busy machine.
        text = "[a]\nworkload = thread-churn\ntarget = %s\nblocks = 10\ntable = 100\n" \
               "ops = 12k\n"
        outcome = self.run_job(text % evil("creep"))
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["evidence"]["check"]["name"], "leak")
        found = int(outcome.cell()["evidence"]["check"]["found"], 0)
        self.assertTrue(900 < found < 1200, found)
        self.assertEqual(self.run_job((text + "leak_limit = 2k\n") % evil("creep")).status, 0)

    def test_a_plateau_passes(self):
        targets = "libc, mems:dynamic, mems:slab, mems:paging, null"
        if not SANITIZED:
            targets += ", ?preload:jemalloc, ?preload:mimalloc, ?preload:tcmalloc"
        outcome = self.run_job("[a]\nworkload = thread-churn\ntarget = %s\nops = 22k\n" % targets)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        for cell in outcome.document["cells"]:
            if cell["verdict"] == "pass":
                names = [f["name"] for f in cell["report"]["figures"]]
                self.assertIn("RSS growth a thread", names)

    def test_defaults_of_their_own(self):
        # What is read off the resident set must be resident, or a foreign allocator that hands over
        # pages as they are touched seems to hold nothing.
        wanted = {"doubling": {"touch": "full"}, "robson": {"touch": "full"},
                  "comb": {"touch": "page"}, "sawtooth": {"touch": "page"},
                  "pin-per-slab": {"touch": "page"}, "peak-pinned": {"touch": "page"},
                  "size-shift": {"touch": "page"}, "realloc-growth": {"touch": "page"},
                  "large": {"touch": "full", "places": "20", "replacements": "2000",
                            "block": "5242880-26214400"},
                  "exchange": {"verify": "3"}, "larson": {"size": "8-999"},
                  "churn": {"touch": "first", "verify": "1", "size": "16-1024"}}
        plan = self.stress("plan", "--workload", ",".join(wanted), "--target", "libc")
        self.assertEqual(plan.status, 0, plan.err)
        values = {}
        for line in plan.out.splitlines():
            if line.startswith("["):
                values[line[1:-1]] = section = {}
            elif " = " in line and not line.startswith("#"):
                key, value = line.split(" = ", 1)
                section[key] = value.split(" #")[0].strip()
        for name, keys in wanted.items():
            self.assertEqual({key: values[name][key] for key in keys}, keys, name)

    @unittest.skipIf(SANITIZED, "the resident set is a sanitizer's")
    def test_adversaries_see_what_libc_holds(self):
        text = "[global]\ntarget = libc\n[doubling]\nworkload = doubling\n[comb]\n" \
               "workload = comb\n[large]\nworkload = large\nplaces = 2\nreplacements = 2\n"
        outcome = self.run_job(text)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        for cell in outcome.document["cells"]:
            figures = {f["name"]: f["value"] for f in cell["report"]["figures"]}
            if cell["section"] == "doubling":  # live blocks cannot take less than themselves
                self.assertGreater(figures["blow-up"], 1)
            elif cell["section"] == "comb":
                self.assertGreater(figures["growth"], 1)
            else:
                self.assertGreater(cell["report"]["memory"]["rss_peak_bytes"], 10 << 20)

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
                self.assertIn(outcome.cell()["evidence"]["check"]["name"], ("stamp", "whole", "overlap"))

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
