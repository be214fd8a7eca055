# SPDX-License-Identifier: MIT
#
# test_jobs.py - the shipped jobs: one a workload, each with a header that says how it is run; those of
# the workloads run, for moments.

import os
import re
import unittest

from stress import SANITIZED, Case

JOBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "stress", "jobs")
# A sanitizer's malloc is none of those that these are about.
EDGE = {"destructors", "dlopen", "exits", "extreme-sizes", "first-operation", "fork-child",
        "fork-handler", "fork-stdio", "maps", "no-memory", "signals"}


class Jobs(Case):
    def workloads(self):
        return re.findall(r"^    (\S+)", self.stress("list", "workloads").out, re.MULTILINE)

    def test_one_a_workload(self):
        jobs = {name[:-4] for name in os.listdir(os.path.join(JOBS, "workloads"))}
        self.assertEqual(jobs, set(self.workloads()))
        for name in jobs:
            with open(os.path.join(JOBS, "workloads", name + ".ini")) as file:
                self.assertRegex(file.read(), r"(?m)^workload = %s$" % name)

    def test_headers(self):
        for folder in JOBS, os.path.join(JOBS, "workloads"):
            for name in sorted(os.listdir(folder)):
                if name.endswith(".ini"):
                    path = os.path.join(folder, name)
                    with open(path) as file:
                        head = file.read().split("\n[")[0]
                    command = "mems-stress run stress/jobs/" + os.path.relpath(path, JOBS)
                    self.assertIn("#   " + command, head)

    @unittest.skipIf(SANITIZED, "a plan's figures are the same in every build; to size those jobs it reads every trace")
    def test_times(self):
        """What is planned fits what the headers say: about so long, cells' starts and ends on top."""
        for name, least, most in (("smoke", 5, 20), ("ci", 100, 180), ("nightly", 2700, 3600),
                                  ("allocators", 200, 480), ("soak", 3500, 3600)):
            plan = self.stress("plan", os.path.join(JOBS, name + ".ini")).out
            planned = float(re.search(r"^# Planned: (\S+) s of", plan, re.MULTILINE).group(1))
            cells = plan.count(" seed ")
            if " (its target is not here)" not in plan:
                self.assertGreater(planned, least, name)
            self.assertLess(planned + 0.05 * cells, most * 1.1, name)

    @unittest.skipIf("thread" in os.environ.get("MEMS_SANITIZE", ""), "their unit tests show it, in a tenth of the time")
    def test_each_workload_for_a_moment(self):
        results = []
        for name in self.workloads():
            if SANITIZED and name in EDGE:
                continue
            words = ["--set", "count=20"] if name == "destructors" else ["--set", "runtime=10ms"]
            # Steps that are whole processes take longer.
            words = ["--set", "runtime=200ms"] if name in EDGE - {"destructors"} else words
            words += [] if name == "references" else ["--target", "libc"]
            results.append(self.path(name + ".json"))
            outcome = self.stress("run", os.path.join(JOBS, "workloads", name + ".ini"), *words, "--json", results[-1])
            self.assertEqual(outcome.status, 0, name + outcome.out + outcome.err)
            self.assertNotIn("failed", outcome.out)
        if not SANITIZED:  # what the driver wrote, the driver reads
            for words in ["report", *results, "-o", self.path("x.html")], ["history", "import", *results, "--history", self.path("x.db")]:
                outcome = self.stress(*words)
                self.assertEqual((outcome.status, outcome.err), (0, ""), words[0])


if __name__ == "__main__":
    unittest.main()
