# SPDX-License-Identifier: MIT
#
# test_streams.py - standard streams that are full or closed: nothing is lost without a word.

import json
import os
import shlex
import subprocess
import unittest

import stress

JOB = "[a]\nworkload = churn\nops = 1k\ntarget = libc, null\n"


class Streams(stress.Case):
    def shell(self, arguments, redirections):
        """Exit status and standard error, with the shell's redirections."""
        line = "exec %s %s %s" % (shlex.quote(stress.PROGRAM), arguments, redirections)
        done = subprocess.run(["sh", "-c", line], cwd=self.folder.name, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
        return done.returncode, done.stderr

    def test_full(self):
        self.write("job.ini", JOB)
        for arguments in ("list", "--help", "help verify", "run --help", "run job.ini",
                          "run job.ini --dry-run", "run job.ini --json -"):
            with self.subTest(arguments):
                status, err = self.shell(arguments, ">/dev/full")
                self.assertEqual(status, 7, err)
                self.assertIn("No space left on device", err)

    def test_closed_output(self):
        status, err = self.shell("list", ">&-")
        self.assertEqual(status, 7, err)
        self.assertIn("Bad file descriptor", err)

    def test_all_closed(self):
        self.write("job.ini", JOB)
        self.shell("run job.ini --json result.json", "<&- >&- 2>&-")
        with open(self.path("result.json")) as file:
            document = json.load(file)
        self.assertEqual([cell["verdict"] for cell in document["cells"]], ["pass", "pass"])
        self.assertEqual(os.listdir(self.folder.name).count("result.json"), 1)


if __name__ == "__main__":
    unittest.main()
