#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_leak.py - a malloc that leaks 130 MiB an hour is seen in half a minute; without its leak 100 MiB an hour are excluded.

import json
import os
import re
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("MEMS_BUILD", os.path.join(HERE, os.pardir, os.pardir, "build", "release"))
# Four thousand operations a second, half of them allocations, and drip (tests/cli/evil) keeps some ten bytes of each for itself.
JOB = """[a]
workload = churn
size = 777
slots = 50
target = preload:%s
threads = 2
rate = 4k
arrival = fixed
warmup = 1s
runtime = 29s
sample = 50ms
rss_slope = flat
rss_slope_limit = 100Mi
"""


class Leak(unittest.TestCase):
    def cell(self, sin):
        with tempfile.TemporaryDirectory() as folder:
            job, result = os.path.join(folder, "job.ini"), os.path.join(folder, "result.json")
            with open(job, "w", encoding="utf-8") as file:
                file.write(JOB % os.path.join(BUILD, "tests", "cli", "evil", f"libevil-{sin}.so"))
            done = subprocess.run([os.path.join(BUILD, "stress", "mems-stress"), "run", job, "--json", result], check=False,
                                  capture_output=True, text=True, env={**os.environ, "MEMS_STRESS_NO_HISTORY": "1"})
            with open(result, encoding="utf-8") as file:
                return done.returncode, json.load(file)["cells"][0]

    def test_a_leak(self):
        status, cell = self.cell("drip")
        self.assertEqual((status, cell["evidence"]["check"]["name"]), (2, "rss_slope"))
        found = re.search(r"grows with the work, by (\d+) KiB an hour", cell["message"])
        self.assertIsNotNone(found, cell["message"])
        self.assertTrue(80 * 1024 < int(found.group(1)) < 200 * 1024, cell["message"])

    def test_none(self):
        status, cell = self.cell("none")
        self.assertEqual((status, cell["verdict"]), (0, "pass"))


if __name__ == "__main__":
    unittest.main()
