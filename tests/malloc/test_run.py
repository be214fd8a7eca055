# SPDX-License-Identifier: MIT
#
# test_run.py - run.py must be able to fail: an early end, a wrong status, a wrong death, a hang.

import os
import subprocess
import sys
import tempfile
import unittest

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.py")


def run(script, *options):
    done = subprocess.run(
        [sys.executable, "-B", RUN, *options, "--", "sh", "-c", script],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    return done.returncode, done.stdout


class Run(unittest.TestCase):
    def test_ok(self):
        self.assertEqual(run("echo ok", "--times", "3")[0], 0)

    def test_ended_early(self):
        status, text = run("echo almost")
        self.assertEqual(status, 1)
        self.assertIn("without saying ok", text)

    def test_status(self):
        status, text = run("echo ok; echo why >&2; exit 3")
        self.assertEqual(status, 1)
        self.assertIn("exit status 3", text)
        self.assertIn("why", text)

    def test_signal(self):
        status, text = run("echo ok; kill -SEGV $$")
        self.assertEqual(status, 1)
        self.assertIn("SIGSEGV", text)

    def test_later_run(self):
        with tempfile.TemporaryDirectory() as folder:
            mark = os.path.join(folder, "mark")
            status, text = run("echo ok; [ ! -e %s ] && touch %s" % (mark, mark), "--times", "5")
            self.assertEqual(status, 1)
            self.assertIn("run 2 of 5", text)

    def test_hang(self):
        status, text = run("echo ok; sleep 100; true", "--seconds", "0.5")
        self.assertEqual(status, 1)
        self.assertIn("it hangs", text)
        self.assertIn("thread", text)

    def test_dies(self):
        dies = ("--dies", "double free of")
        self.assertEqual(run("echo double free of 7 >&2; kill -ABRT $$", *dies)[0], 0)
        self.assertEqual(run("echo another >&2; kill -ABRT $$", *dies)[0], 1)
        self.assertEqual(run("echo double free of 7 >&2; echo ok", *dies)[0], 1)

    def test_skipped(self):
        self.assertEqual(run("exit 77")[0], 77)

    def test_no_library(self):
        status, text = run("echo ok", "--library", "/nowhere/lib.so")
        self.assertEqual(status, 1)
        self.assertIn("there is no /nowhere/lib.so", text)


if __name__ == "__main__":
    unittest.main()
