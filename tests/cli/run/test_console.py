# SPDX-License-Identifier: MIT
#
# test_console.py - what people read fits 100 columns, whatever the job; only names that are longer
# themselves may not.

import os
import re
import unittest

from stress import Case, evil

JOBS = os.environ["MEMS_JOBS"]
SANITIZED = bool(os.environ.get("MEMS_SANITIZE"))
WIDTH = 100
LONG = "mems:dynamic(fit=best,capacity=1073741824)"

ODD = {
    "long names": ("[a section whose name alone takes a good part of the line and then some more of it, all in all]\n"
                   "workload = churn\nthreads = 2\nops = 2k\nrepeats = 3\ntarget = null, %s, libc\nverify = 2\n" % LONG),
    "a name for each width": "".join("[%s]\nworkload = skeleton\ntarget = null\nops = 100\n" % ("s" * n)
                                     for n in (1, 3, 4, 5, 40, 60)),
    "many threads": "[many]\nworkload = churn\nthreads = 1024\nops = 20\nslots = 4\ntarget = libc, mems:dynamic\n",
    "huge blocks": "[huge]\nworkload = churn\nslots = 4\nsize = 64Mi-256Mi\ntouch = none\nverify = 0\nops = 50\n"
                   "target = libc, null\n",
    "slow": "[slow]\nworkload = churn\nrate = 100\nops = 20\ntarget = libc, null\nlatency = all\n",
    "refused": "[full]\nworkload = churn\nops = 2k\ntarget = mems:fixed(partitions=64x10), libc\n",
    "skipped": "[none]\nworkload = churn\nops = 100\ntarget = ?preload:no-such-allocator, "
               "?preload:no-such-allocator-with-a-very-long-name-that-nobody-has, null\n",
}


class Console(Case):
    def fits(self, text, *names):
        self.assertTrue(text)
        for line in text.splitlines():
            if len(line) > WIDTH:
                # One word that is longer itself, or a command to type.
                words = [word for word in line.split() if len(word) > WIDTH / 2]
                self.assertTrue(words or line.startswith("  again: ") or any(name in line for name in names), line)

    def shown(self, *arguments, status=0):
        outcome = self.stress("run", *arguments)
        self.assertEqual(outcome.status, status, outcome.err)
        self.fits(outcome.out)
        self.fits(outcome.err or " ")
        return outcome.out

    def test_odd_jobs(self):
        for name, job in ODD.items():
            if not (SANITIZED and name == "many threads"):
                with self.subTest(name):
                    self.shown(self.write("job.ini", job))

    def test_columns_do_not_touch(self):
        """Each row has a word for each column, in place."""
        out = self.shown(self.write("job.ini", ODD["refused"].replace("[full]", "[full]\nthreads = 2")))
        title, first, second, *rows = out[out.index("full: workload"):].splitlines()
        self.assertRegex(second, r"^target +[GMk]?ops/s +x +p50 +p99 +loc\. +rem\. +live +% +% +[GMK]iB +% +/op +ns/op result$")
        self.assertRegex(first, r"^ +rate +rel\. +alloc [num]?s +free p99 [num]?s +held int\. ext\. +RSS +cv +waits +wait$")
        libc = next(row for row in rows if row.startswith("libc"))
        self.assertEqual(len(libc.split()), 15)
        self.assertEqual(libc.split()[-1], "pass")
        self.assertIn("*pass", out)
        ends = [match.end() for match in re.finditer(r"\S+", second)][1:-1]
        self.assertTrue({match.end() for match in re.finditer(r"\S+", libc)} >= set(ends), out)

    def test_title_tells_how_many_repeats_there_are(self):
        job = self.write("job.ini", "[a]\nworkload = skeleton\ntarget = null, libc\nops = 100\nrepeats = 3\n")
        self.assertIn("; medians of 3 repeats", self.shown(job))
        self.assertNotIn("medians", self.shown(job, "--only", "a/libc/2"))
        self.assertIn("; medians of 2 repeats", self.shown(job, "--filter", "/[01]$"))

    def test_shipped_jobs(self):
        """A repeat of every section, as short as it can be: what counts is how it is told."""
        # smoke has workloads that call their process's malloc: no null for it.
        for name, targets in ("smoke", "libc"), ("policies", "null, libc"), ("processes", "null, libc"):
            if name == "smoke" and SANITIZED:
                continue  # a sanitizer's malloc is not one for the edge of a process
            with self.subTest(name):
                self.shown(os.path.join(JOBS, name + ".ini"), "--repeats", "1", "--target", targets, "--set", "verify=1",
                           *self.short(name))

    def short(self, name):
        with open(os.path.join(JOBS, name + ".ini")) as file:
            text = file.read()
        return ("--set", "runtime=20ms") if re.search(r"(?m)^runtime\b", text) else ()

    @unittest.skipIf(SANITIZED, "evil allocators do not run under sanitizers")
    def test_troubles(self):
        job = "[bad]\nworkload = churn\nsize = 777\nslots = 50\ntarget = %s, null\nops = 20k\nverify = 4\ntimeout = 1s\n"
        for sin, status in ("double", 2), ("crash", 3):
            outcome = self.stress("run", self.write("job.ini", job % evil(sin)))
            self.assertEqual(outcome.status, status)
            self.fits(outcome.out, "    at ", "failed: ", "crashed: ")

    def test_help_explains_every_column(self):
        said = self.stress("help", "table").out
        self.fits(said)
        for column in ("target", "rate", "rel. x", "alloc p50, p99", "free p99 loc.", "free p99 rem.", "held/live",
                       "int. %", "ext. %", "RSS", "cv %", "waits/op", "wait ns/op", "result"):
            self.assertRegex(said, r"(?m)^  %s +\S" % re.escape(column))


if __name__ == "__main__":
    unittest.main()
