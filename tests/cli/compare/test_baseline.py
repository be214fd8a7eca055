# SPDX-License-Identifier: MIT
#
# test_baseline.py - mems-stress run --baseline from outside. Rates of so short runs say nothing: the
# baselines are real results whose figures were changed by far more than any machine varies.

import copy
import json
import unittest

from stress import Case

JOB = """
[work]
workload = churn
target = libc
ops = 2k
size = 500-1000
repeats = 6
"""


class Baseline(Case):
    made = None  # the result of JOB: one run for all tests

    def setUp(self):
        super().setUp()
        self.write("job.ini", JOB)
        if Baseline.made is None:
            outcome = self.run_job(JOB)
            self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
            Baseline.made = outcome.document
        self.kept = copy.deepcopy(Baseline.made)

    def baseline(self, factor, verdicts=None):
        for cell in self.kept["cells"]:
            for name in ("ops_per_second",):
                cell["metrics"][name] *= factor
            for name in ("cpu_ns_per_op", "held_over_live", "rss_peak_bytes"):
                cell["metrics"][name] = (cell["metrics"][name] or 1) / factor
        return self.write("kept.json", json.dumps(self.kept))

    def test_better(self):
        outcome = self.run_job(JOB, "--baseline", self.baseline(1e-6), "--max-regression", "5%")
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertEqual(outcome.document["verdict"], "pass")
        self.assertEqual(outcome.document["comparison"]["regressed"], 0)
        self.assertGreater(outcome.document["comparison"]["improved"], 0)
        self.assertIn("improved", outcome.out)

    def test_regressed(self):
        kept = self.baseline(1e6)
        outcome = self.run_job(JOB, "--baseline", kept)
        self.assertEqual(outcome.status, 4, outcome.out + outcome.err)
        self.assertEqual(outcome.document["verdict"], "regressed")
        self.assertGreater(outcome.document["comparison"]["regressed"], 0)
        self.assertIn("verdict: regressed", outcome.out)
        # The comparison is told even where little is.
        self.assertIn("regressed", self.stress("run", self.path("job.ini"), "--baseline", kept, "--quiet").out)

    def test_a_failure_outranks(self):
        outcome = self.run_job(JOB, "--baseline", self.baseline(1e6), "--target", "libc",
                               "--target", "mems:fixed(partitions=64x10)")
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertGreater(outcome.document["comparison"]["regressed"], 0)
        self.assertEqual(outcome.document["verdict"], "failed")

    def test_inconclusive(self):
        few = ("--baseline", self.baseline(1), "--repeats", "2")
        outcome = self.run_job(JOB, *few)
        self.assertEqual((outcome.status, outcome.document["verdict"]), (0, "inconclusive"))
        outcome = self.run_job(JOB, *few, "--fail-inconclusive")
        self.assertEqual((outcome.status, outcome.document["verdict"]), (5, "inconclusive"))

    def test_refused(self):
        self.kept["job"]["sections"][0]["workload_version"] += 1
        outcome = self.run_job(JOB, "--baseline", self.baseline(1))
        self.assertEqual(outcome.status, 1)
        self.assertEqual(outcome.document["verdict"], "not comparable")
        self.assertIn("refused: [work]", outcome.out)
        outcome = self.run_job(JOB.replace("work]", "other]"), "--baseline", self.path("kept.json"))
        self.assertEqual(outcome.status, 1)
        self.assertIn("nothing in common", outcome.err)

    def test_unreadable_before_anything_runs(self):
        for path in ("nowhere.json", self.write("bad.json", "{}")):
            outcome = self.stress("run", self.path("job.ini"), "--baseline", path)
            self.assertEqual((outcome.status, outcome.out), (1, ""))
            self.assertIn("--baseline", outcome.err)
        outcome = self.stress("run", self.path("job.ini"), "--max-regression", "5%")
        self.assertEqual((outcome.status, outcome.out), (1, ""))
        self.assertIn("without --baseline", outcome.err)


if __name__ == "__main__":
    unittest.main()
