# SPDX-License-Identifier: MIT
#
# test_console.py - what people read fits 100 columns, or the terminal's where it has fewer, whatever the job; only names
# that are longer themselves may not.

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

from stress import Case, PROGRAM, evil, words

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
    def fits(self, text, *names, width=WIDTH):
        self.assertTrue(text)
        for line in text.splitlines():
            if len(line) > width:
                # One word that is longer itself, or a command to type.
                long = [word for word in line.split() if len(word) > width / 2]
                self.assertTrue(long or line.startswith("  again: ") or any(name in line for name in names), line)

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

    @words
    def test_bands(self):
        """With less room the columns stand below each other, each once, with all rows, in place."""
        job = self.write("job.ini", ODD["long names"].replace("ops = 2k", "ops = 100").replace("repeats = 3", "repeats = 1") +
                         ODD["slow"].replace("ops = 20", "ops = 2"))
        heads = ["rate", "rel.", "p50", "p99", "loc.", "rem.", "held", "int.", "ext.", "RSS", "cv", "waits", "wait"]
        for width, bands in ((40, 3), (80, 2)):
            out = self.stress("run", job, env={"COLUMNS": str(width)}).out
            self.fits(out, LONG, "a section whose name alone", width=width)
            lines = out.splitlines()
            begun = [at for at, line in enumerate(lines) if line.startswith("target")]
            self.assertEqual(len(begun), 2 * bands)
            for section in begun[:bands], begun[bands:]:
                self.assertEqual("".join(lines[at] for at in section).count(" result"), 1)
                self.assertEqual([word for at in section for word in lines[at - 1].split()], heads)
                for at in section:
                    libc = next(line for line in lines[at:] if line.startswith("libc"))
                    ends = [match.end() for match in re.finditer(r"\S+", libc.replace(" pass", "     "))][1:]
                    self.assertEqual(ends, [match.end() for match in re.finditer(r"\S+", lines[at - 1])][-len(ends):],
                                     out)
        self.assertEqual(self.stress("run", job, "--section", "slow", env={"COLUMNS": "0"}).out.count("\ntarget"), 1)

    @words
    def test_a_terminal(self):
        """Its columns hold where nobody says others."""
        terminal, other = pty.openpty()
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        job = self.write("job.ini", "[some]\nworkload = skeleton\ntarget = null\nops = 100\n")
        done = subprocess.run([PROGRAM, "run", job], stdin=subprocess.DEVNULL, stdout=other, stderr=subprocess.PIPE, check=False)
        os.close(other)
        out = b""
        while True:
            try:
                out += os.read(terminal, 65536)
            except OSError:  # all is read, and nobody writes any more
                break
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.fits(out.decode(), width=40)
        self.assertEqual(out.count(b"\ntarget"), 3)

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
