#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_claims.py - no command writes over a file that it reads: every command of the sweep, every pair of its files.

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import subprocess  # noqa: E402

from commands import COMMANDS  # noqa: E402
from ground import STRESS, Ground, environment  # noqa: E402

JOB = "[a]\nworkload = churn\ntarget = null\nops = 10\n"


class Claims(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ground = Ground()
        cls.addClassCleanup(cls.ground.close)

    def setUp(self):
        self.folder = self.ground.folder()

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def content(self):
        found = {}
        for name in sorted(os.listdir(self.folder)):
            with open(os.path.join(self.folder, name), "rb") as file:
                found[name] = file.read()
        return found

    def refused(self, arguments, words, program=STRESS, **extra):
        """Nothing runs, nothing changes, and it is said which files are one."""
        before = self.content()
        done = subprocess.run([program, *arguments], cwd=self.folder, env=environment("claims", extra), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual(done.returncode, 1, "%s: %s" % (arguments, done.stderr))
        for word in words:
            self.assertIn(word, done.stderr, arguments)
        self.assertEqual(done.stdout, "", arguments)
        self.assertEqual(self.content(), before, arguments)

    def test_every_command(self):
        os.symlink("job.ini", os.path.join(self.folder, "link"))
        pairs = 0
        for command in COMMANDS:
            own = command.arguments[:command.arguments.index("--")] if "--" in command.arguments else command.arguments
            inputs = [word for word in own if os.path.isfile(os.path.join(self.folder, word))]
            for output in command.outputs:
                at = command.arguments.index(output)
                if command.arguments[at - 1] == "--history":
                    continue  # changed in place: what is no history is left as it is
                for name in inputs:
                    for spelled in [name, "./" + name] + ["link"] * (name == "job.ini"):
                        clash = command.arguments[:at] + [spelled] + command.arguments[at + 1:]
                        self.refused(clash, [spelled + " is the same file as ", "another name"], command.program)
                        pairs += 1
                for other in command.outputs[:command.outputs.index(output)]:
                    clash = command.arguments[:at] + ["./" + other] + command.arguments[at + 1:]
                    self.refused(clash, ["both go to ./" + other], command.program)
                    pairs += 1
        self.assertGreater(pairs, 40)

    def test_files_that_a_job_names(self):
        self.write("part.ini", "ops = 10\n")
        self.write("whole.ini", "[a]\nworkload = churn\ntarget = null\ninclude = part.ini\n")
        self.refused(["run", "whole.ini", "--csv", "part.ini"], ["--csv part.ini is the same file as the job's "])
        self.write("traced.ini", "[a]\nworkload = trace\ntarget = null\ntrace = t.mtrace\n")
        self.refused(["run", "traced.ini", "--json", "t.mtrace"], ["--json t.mtrace is the same file as the job's trace "])

    def test_files_without_an_option(self):
        self.write("report.html", self.content()["a.json"].decode())
        self.refused(["report", "report.html"], ["the page report.html is the same file as report.html"])
        self.write("r.json.journal", JOB)
        self.refused(["run", "r.json.journal", "--shard", "1/1", "--json", "r.json"], ["the journal r.json.journal is"])

    def test_files_of_the_environment(self):
        self.refused(["run", "job.ini"], ["--json job.ini is the same file as job.ini"], MEMS_STRESS_JSON="job.ini")
        self.refused(["history", "export", "-o", "h.db"], ["-o h.db is the same file as the history h.db"],
                     MEMS_STRESS_HISTORY="h.db")
        self.refused(["run", "job.ini", "--json", "h.db"], ["which is kept"], MEMS_STRESS_HISTORY="h.db",
                     MEMS_STRESS_NO_HISTORY="0")

    def test_what_is_no_file_goes_with_all(self):
        for arguments in (["fit", "t.mtrace", "-o", "/dev/null"],
                          ["record", "-o", "sort", "--", "sort", "job.ini", "-o", "/dev/null"]):
            done = subprocess.run([STRESS, *arguments], cwd=self.folder, env=environment("claims"), check=False,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
