# SPDX-License-Identifier: MIT
#
# test_google_tools.py - Google's own compare.py (Debian: libbenchmark-tools, python3-scipy) reads what mems-stress writes,
# and comes to the same.
#
# It runs on Debian's python3, as its scipy is Debian's: another python3 on the way may lack it.

import json
import os
import re
import subprocess
import unittest

from stress import Case

PYTHON, TOOL = "/usr/bin/python3", "/usr/share/benchmark/compare.py"
JOB = "[work]\nworkload = churn\ntarget = libc, mems:slab\nthreads = 1,2\nops = 5k\nrepeats = 8\n"


class Tools(Case):
    def setUp(self):
        super().setUp()
        if not os.path.exists(TOOL):
            self.skipTest("no libbenchmark-tools")
        if subprocess.run([PYTHON, "-c", "import scipy.stats"], capture_output=True).returncode != 0:
            self.skipTest("no python3-scipy")

    def google(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run([PYTHON, "-B", TOOL, "--no-color", *arguments], cwd=self.folder.name, env=environment,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_two_results(self):
        job = self.write("job.ini", JOB)
        for name in ("a.json", "b.json"):
            outcome = self.stress("run", job, "--quiet", "--google-benchmark", name)
            self.assertEqual(outcome.status, 0, outcome.err)
        out = self.google("benchmarks", "a.json", "b.json")
        self.stress("compare", "a.json", "b.json", "--json", "c.json")
        with open(self.path("c.json")) as file:
            rows = {(row["section"], row["metric"]): row for row in json.load(file)["rows"]}
        names = {section for section, _ in rows}
        self.assertEqual(len(names), 4)
        for name in names:
            # Each repetition has its line, and the rank tests of both give the same p to the digits there are.
            self.assertEqual(len(re.findall("^" + re.escape(name) + r" +[-+]", out, re.M)), 8, out)
            time, cpu = re.search(re.escape(name) + r"_pvalue +(\d\.\d+) +(\d\.\d+) +U Test, Repetitions: 8 vs 8", out).groups()
            self.assertAlmostEqual(float(time), rows[name, "real_time"]["p"], delta=6e-5)
            self.assertAlmostEqual(float(cpu), rows[name, "cpu_time"]["p"], delta=6e-5)
        self.assertIn("OVERALL_GEOMEAN", out)

    def test_two_targets_of_one(self):
        self.stress("run", self.write("job.ini", JOB), "--quiet", "--google-benchmark", "a.json")
        out = self.google("filters", "a.json", "work.*/libc", "work.*/mems:slab")
        self.assertIn("U Test", out)


if __name__ == "__main__":
    unittest.main()
