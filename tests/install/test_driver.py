# SPDX-License-Identifier: MIT
#
# test_driver.py - an installed mems-stress finds what came with it, wherever it was moved to: the recorder, the
# libraries that the workload dlopen loads, mems-stress-explore, the shipped jobs.

import json
import os
import re
import unittest

from installed import Installed, SOURCE, run


class Driver(Installed):
    def stress(self, *arguments, **more):
        return run(self.program, *arguments, cwd=self.folder, **more)

    def test_records_and_replays(self):
        trace = self.path("mine.mtrace")
        self.assertEqual(self.stress("record", "-o", trace, "--", "/bin/echo", "-o", "it runs"), "-o it runs\n")
        self.assertIn("/bin/echo", self.stress("trace", "info", trace))
        self.stress("replay", trace, "--target", "libc", "--quiet")

    def test_loads_the_libraries_of_dlopen(self):
        out = self.stress("run", "--workload", "dlopen", "--target", "libc", "--set", "ops=20", "--json", "-")
        self.assertEqual([cell["verdict"] for cell in json.loads(out)["cells"]], ["pass"])

    def test_explores(self):
        out = self.stress("explore", "explore", "--schedules", "2", "--filter", "^[a-z]*/mems:dynamic")
        self.assertIn("schedules", out)

    def test_a_shipped_job_by_name(self):
        out = self.stress("run", "smoke", "--section", "churn", "--target", "libc", "--set", "ops=100", "--json", "-")
        document = json.loads(out)
        self.assertEqual(document["job"]["path"], os.path.join(self.prefix, "share/mems/jobs/smoke.ini"))
        self.assertIn(" run smoke ", document["cells"][0]["again"])
        self.assertEqual(self.stress("run", "workloads/churn", "--list"),
                         self.stress("run", os.path.join(SOURCE, "stress/jobs/workloads/churn.ini"), "--list"))

    def test_a_file_comes_before_a_shipped_job(self):
        self.write("smoke", "[mine]\nworkload = churn\ntarget = null\n")
        try:
            self.assertEqual(self.stress("run", "smoke", "--list"), "mine/null/0\n")
        finally:
            os.remove(self.path("smoke"))

    def test_every_shipped_job_is_there_and_can_be_planned(self):
        shipped = re.findall(r"(?m)^  (\S+)", self.stress("list", "jobs"))
        files = [os.path.relpath(os.path.join(folder, name), os.path.join(SOURCE, "stress/jobs"))
                 for folder, _, names in os.walk(os.path.join(SOURCE, "stress/jobs"))
                 for name in names if name.endswith(".ini")]
        self.assertEqual(sorted(shipped), sorted(name[:-4] for name in files))
        for job in shipped:
            if job.startswith("workloads/"):
                self.stress("run", job, "--list", status=None) # what is not installed here has no cells
            else:
                self.stress("plan", job)

    def test_a_job_that_is_not_there(self):
        with self.assertRaisesRegex(AssertionError, 'is called "smoke"'):
            self.stress("run", "smokee")
        for word in ("../smoke", "./smoke", "/smoke", "workloads/../smoke", ""):
            with self.assertRaisesRegex(AssertionError, "exit status 1"):
                self.stress("run", word)

    def test_pages_and_completion_are_there(self):
        for name in ("man/man1/mems-stress.1", "man/man1/mems-stress-explore.1", "man/man5/mems-job.5",
                     "man/man5/mems-trace.5", "bash-completion/completions/mems-stress",
                     "zsh/site-functions/_mems-stress"):
            self.assertTrue(os.path.getsize(os.path.join(self.prefix, "share", name)) > 0, name)


if __name__ == "__main__":
    unittest.main()
