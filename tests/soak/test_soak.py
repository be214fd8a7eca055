# SPDX-License-Identifier: MIT
#
# test_soak.py - the soak for a moment: every quarter runs, what is done is not done again, what was killed is.

import csv
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("MEMS_BUILD", os.path.join(HERE, os.pardir, os.pardir, "build", "release"))
MOMENT = ("warmup=20ms", "runtime=50ms", "rss_slope=any", "rss_slope_limit=0") # whose slope is that of a beginning
SHORT = "[global]\ntarget = null\nworkload = skeleton\nops = %s\n[one]\n[two]\nthreads = 2\n"


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.results = os.path.join(self.folder, "soak.csv")

    def soak(self, *words):
        done = subprocess.run([sys.executable, os.path.join(HERE, "run"), "--build", BUILD, "--results", self.results,
                               *(() if "--targets" in words or "--job" not in words else ("--targets", "null")), *words],
                              capture_output=True, text=True, check=False)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("tmp")], [])
        return done.returncode, done.stdout, done.stdout + done.stderr

    def rows(self):
        with open(self.results, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def job(self, text):
        path = os.path.join(self.folder, "job.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return "--job", path

    def test_every_quarter_for_a_moment(self):
        status, _, said = self.soak(*[word for value in MOMENT for word in ("--set", value)])
        self.assertEqual(status, 0, said)
        rows = self.rows()
        self.assertEqual({row["quarter"] for row in rows}, {f"quarter{i}" for i in range(1, 5)})
        targets = {f"mems:{name}" for name in ("fixed", "dynamic", "paging", "segmentation", "vm-paging", "vm-segmentation",
                                               "slab")} | {"preload:libmems-malloc.so"}
        for quarter in {row["quarter"] for row in rows}:
            self.assertEqual({row["target"].split("(")[0] for row in rows if row["quarter"] == quarter}, targets)
        self.assertEqual(len({row["workload"] for row in rows}), 4)
        for row in rows:
            self.assertEqual((row["failures"], row["result"]), ("0", "pass"))
            self.assertGreater(int(row["operations"]), 0)

    def test_goes_on_where_it_was_stopped(self):
        job = self.job(SHORT % "1k")
        status, out, said = self.soak(*job, "one")
        self.assertEqual(status, 0, said)
        again = self.rows()[0]["engine"].endswith("+") # nothing counts as done then
        self.assertEqual([row["quarter"] for row in self.rows()], ["one"])
        status, out, said = self.soak(*job) # two is what a kill had left out
        self.assertEqual(status, 0, said)
        self.assertEqual("one: done already" in out, not again)
        self.assertIn("two: begins", out)
        self.assertEqual([row["quarter"] for row in self.rows()], ["one", "two"])
        before = self.rows()
        status, out, _ = self.soak(*self.job(SHORT % "2k"), "two") # another plan is another soak
        self.assertIn("two: begins", out)
        self.assertEqual(self.rows()[0], before[0])
        self.assertNotEqual(self.rows()[1]["plan"], before[1]["plan"])

    def test_a_failure_is_told_and_done_again(self):
        job = self.job(SHORT.replace("ops = %s", "ops = 10\nrss_slope = flat"))
        for _ in range(2):
            status, out, said = self.soak(*job, "one")
            self.assertEqual(status, 1, said)
            self.assertIn("1 quarters, 1 failures: one/null: rss_slope", out)
            self.assertNotIn("done already", out)
            self.assertEqual([(row["failures"], row["result"]) for row in self.rows()], [("1", "rss_slope")])

    def test_a_target_that_is_not_there_fails(self):
        missing = "[a]\ntarget = null, ?preload:/nowhere/libmems-malloc.so\nworkload = skeleton\nops = 10\n"
        status, out, said = self.soak(*self.job(missing))
        self.assertEqual(status, 1, said)
        self.assertIn("1 failures: a/preload:/nowhere/libmems-malloc.so: skipped", out)
        self.assertEqual([(row["target"], row["failures"], row["result"]) for row in self.rows()],
                         [("null", "0", "pass"), ("preload:/nowhere/libmems-malloc.so", "1", "skipped")])
        status, out, said = self.soak(*self.job(missing.replace(", ?preload:/nowhere/libmems-malloc.so", "")), "--targets",
                                      "null,mems:slab")
        self.assertEqual(status, 1, said)
        self.assertIn("1 failures: a/mems:slab: not in the job", out)
        self.assertNotIn("done already", out)

    def test_a_bound_that_is_not_kept_fails(self):
        saw = "[a]\ntarget = libc\nworkload = sawtooth\nsize = 1Ki-64Ki\nblocks = 50\ntouch = page\nthreads = 2\nwarmup = 50ms\n" \
              "runtime = 800ms\nsample = 2ms\nrss_slope = flat\nrss_slope_limit = %s\n"
        status, out, said = self.soak(*self.job(saw % "1"), "--targets", "libc")
        self.assertEqual(status, 1, said)
        self.assertIn("1 failures: a/libc: rss_slope", out)
        self.assertIn("too short or too noisy to exclude that the resident set grows with the work by more than 0 KiB an hour", said)
        status, out, said = self.soak(*self.job(saw % "64Ti"), "--targets", "libc")
        self.assertEqual(status, 0, said)

    def test_usage(self):
        self.assertEqual(self.soak("quarter5")[0], 2)
        self.assertIn("no quarter 'quarter5'; there are quarter1,", self.soak("quarter5")[2])
        status, out, _ = self.soak(*self.job("[a]\nworkload = nothing\n"))
        self.assertEqual(status, 2)
        self.assertIn("workload", out)
        self.assertFalse(os.path.exists(self.results))


if __name__ == "__main__":
    unittest.main()
