# SPDX-License-Identifier: MIT
#
# test_manual.py - the manual pages are sound roff, and have every command, option, key, target, workload and warning.

import os
import re
import shutil
import subprocess
import unittest

STRESS = os.environ["MEMS_STRESS"]
PAGES = {"mems-stress": "1", "mems-job": "5", "mems-trace": "5"}


def stress(*arguments):
    return subprocess.run([STRESS, *arguments], capture_output=True, text=True, check=True).stdout


class Manual(unittest.TestCase):
    def pages(self):
        for name in PAGES:
            yield name, stress("help", "--man", name)

    def lint(self, program, *options):
        if not shutil.which(program):
            self.skipTest(f"{program} is not installed")
        for name, page in self.pages():
            done = subprocess.run([program, *options], input=page, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr, done.stdout[:2000]), (0, "", ""), name)

    def test_groff(self):
        self.lint("groff", "-man", "-ww", "-Tutf8", "-z")

    def test_mandoc(self):
        self.lint("mandoc", "-Tlint", "-Wwarning")

    def test_lint_can_fail(self):
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z"], input=".TH x 1\n.nosuchmacro\n",
                                  capture_output=True, text=True, check=False)
            self.assertIn("nosuchmacro", done.stderr)

    def rendered(self, name):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        page = stress("help", "--man", name)
        text = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-rLL=1000n"], input=page, capture_output=True,
                              text=True, check=True).stdout
        return text

    def words_of(self, prefix):
        lines = stress("help", "--complete", "--", *prefix).splitlines()
        return [line.split("\t")[0] for line in lines if not line.startswith(":")]

    def test_every_command_and_option(self):
        text = self.rendered("mems-stress")
        commands = [word for word in self.words_of([""]) if not word.startswith("-")]
        self.assertIn("run", commands)
        for command in commands:
            self.assertRegex(text, rf"(?m)^ +{command} ")
            for option in self.words_of([command, "-"]):
                if option != "--help":
                    self.assertRegex(text, rf"(?m)^ +{re.escape(option)}\b", command)

    def test_every_key_workload_and_target(self):
        text = self.rendered("mems-job")
        for prefix in (["run", "--set", ""], ["run", "--workload", ""]):
            for word in self.words_of(prefix):
                self.assertRegex(text, rf"(?m)^ +{re.escape(word.rstrip('='))}\b")
        for target in ("libc", "preload:NAME-OR-PATH", "mems:POLICY(key=value,...)", "null"):
            self.assertIn(target, text)

    def test_every_warning(self):
        text = self.rendered("mems-stress")
        for word in self.words_of(["run", "--no-warn", ""]):
            self.assertRegex(text, rf"(?m)^ +{word}\b")

    def test_the_format_of_traces_is_the_document(self):
        text = self.rendered("mems-trace")
        for word in ("THE BINARY FORM", "THE TEXT FORM", "alloc P1/a 300", "posix_memalign", "FNV-1a"):
            self.assertIn(word, text)
        self.assertNotIn("`", text)
        self.assertNotIn("**", text)

    def test_a_page_that_is_not_there(self):
        done = subprocess.run([STRESS, "help", "--man", "nosuch"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("mems-stress, mems-job, mems-trace", done.stderr)


if __name__ == "__main__":
    unittest.main()
