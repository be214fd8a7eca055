# SPDX-License-Identifier: MIT
#
# test_process.py - the process workloads: the C library passes each, and so does the allocator from
# which those that sin are made.

import unittest

from stress import SANITIZED, Case, edge

# With a job's keys that make it short.
SHORT = {
    "fork-stdio": "ops = 60\nchild_timeout = 30s",
    "fork-child": "ops = 20\nchild_timeout = 30s",
    "fork-handler": "ops = 60\nforks = 30\nchild_timeout = 30s",
    "first-operation": "ops = 54\nchild_timeout = 30s",
    "signals": "ops = 10",
    "exits": "ops = 12\nhandlers = 1000\nchild_timeout = 30s",
    "dlopen": "ops = 400",
    "extreme-sizes": "ops = 2000",
    "no-memory": "ops = 4\nchild_timeout = 30s",
    "maps": "ops = 1\nchild_timeout = 30s",
    "destructors": "count = 320",
}

def job(workload, target, more=""):
    return "[it]\nworkload = %s\ntarget = %s\ntimeout = 60s\n%s\n%s\n" % (
        workload, target, SHORT[workload], more)


# A sanitizer's malloc is not the C library's: it aborts where there is no memory or a size cannot
# be, has locks of its own at a fork, keeps what threads leave, and lets nobody take its place.
@unittest.skipIf(SANITIZED, "not with a sanitizer's malloc")
class Passes(Case):
    def passes(self, workload, target="libc"):
        outcome = self.run_job(job(workload, target))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "pass")
        self.assertGreater(cell["report"]["operations"]["step"], 0)


def add_passes(workload):
    def libc(self):
        self.passes(workload)

    def control(self):
        self.passes(workload, edge("none"))

    setattr(Passes, "test_%s" % workload.replace("-", "_"), libc)
    setattr(Passes, "test_%s_control" % workload.replace("-", "_"), control)


for name in SHORT:
    add_passes(name)


class Jobs(Case):
    def test_a_child_must_hang_before_its_cell(self):
        outcome = self.stress("run", self.write("job.ini", job("exits", "libc").replace(
            "child_timeout = 30s", "child_timeout = 60s")))
        self.assertEqual(outcome.status, 1)
        self.assertIn("child_timeout", outcome.err)
        self.assertIn("less than timeout", outcome.err)

    def test_children_are_bounded_by_threads(self):
        outcome = self.stress("run", self.write("job.ini", job("exits", "libc", "threads = 33")))
        self.assertEqual(outcome.status, 1)
        self.assertIn("32 or less", outcome.err)


if __name__ == "__main__":
    unittest.main()
