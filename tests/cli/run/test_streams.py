# SPDX-License-Identifier: MIT
#
# test_streams.py - standard streams that are full or closed: nothing is lost without a word.

import json
import os
import shlex
import stat
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

    def test_result_to_what_is_no_file(self):
        self.write("job.ini", JOB)
        os.mkfifo(self.path("pipe"))
        reader = subprocess.Popen(["cat", "pipe"], cwd=self.folder.name, stdout=subprocess.PIPE)
        outcome = self.stress("run", "job.ini", "--json", "pipe")
        if not stat.S_ISFIFO(os.stat(self.path("pipe")).st_mode):
            reader.kill()
        self.assertEqual(json.loads(reader.communicate()[0])["verdict"], "pass")
        self.assertEqual(outcome.status, 0)

    def test_result_through_a_link(self):
        self.write("job.ini", JOB)
        for name in ("real.json", "link.json.tmp", "real.json.tmp"):
            self.write(name, "mine")
        os.symlink("real.json", self.path("link.json"))
        self.assertEqual(self.stress("run", "job.ini", "--json", "link.json").status, 0)
        self.assertTrue(os.path.islink(self.path("link.json")))
        with open(self.path("real.json")) as file:
            self.assertEqual(json.load(file)["verdict"], "pass")
        for name in ("link.json.tmp", "real.json.tmp"):
            with open(self.path(name)) as file:
                self.assertEqual(file.read(), "mine")
        self.assertEqual(len(os.listdir(self.folder.name)), 5)


if __name__ == "__main__":
    unittest.main()
