# SPDX-License-Identifier: MIT
#
# test_completion.py - what the last word of a command line can be; and bash and zsh, at a terminal, complete it.

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

STRESS, SOURCE = os.environ["MEMS_STRESS"], os.environ["MEMS_SOURCE"]
SCRIPTS = os.path.join(SOURCE, "stress/install")


def offered(*words):
    out = subprocess.run([STRESS, "help", "--complete", "--", *words], capture_output=True, text=True, check=True).stdout
    return [line.split("\t")[0] for line in out.splitlines()]


class Offered(unittest.TestCase):
    def check(self, words, *wanted, lacks=()):
        got = offered(*words)
        for word in wanted:
            self.assertIn(word, got)
        for word in lacks:
            self.assertNotIn(word, got)

    def test_commands(self):
        self.check([""], "run", "compare", "trace", "help", "--version")
        self.check(["re"], "replay", "record", lacks=["run"])
        self.assertEqual(offered("nosuch", ""), [])

    def test_options(self):
        self.check(["run", "--"], "--set", "--target", "--baseline", "--help")
        self.check(["faults", "x", "--f"], "--frames", lacks=["--replacement"])
        self.check(["trace", "show", "-"], "--target", "--every")
        self.check(["record", "-"], "-o", "--children")

    def test_values(self):
        self.check(["run", "--set", "ver"], "verify=")
        self.check(["run", "--set", "my section.ops"], "my section.ops=")
        self.check(["run", "--set", "workload=lar"], "workload=larson", "workload=large")
        self.check(["run", "--set", "target=libc,mems:f"], "target=libc,mems:fixed")
        self.check(["run", "--target", "mems:d"], "mems:dynamic")
        self.check(["run", "--target=null,?pre"], "--target=null,?preload:jemalloc")
        self.check(["run", "--target", "mems:dynamic(arenas=2,fi"], "mems:dynamic(arenas=2,fit=")
        self.check(["run", "--workload", "churn,lar"], "churn,larson")
        self.check(["run", "--class", "mi"], "micro")
        self.check(["compare", "a", "--metric", "rss"], "rss_peak_bytes")
        self.check(["faults", "x", "--replacement", "fifo,op"], "fifo,opt")
        self.check(["explore", "explore", "--strategy", ""], "random")
        self.check(["run", "--no-warn", "env"], "environment")
        self.check(["run", "--json", ""], ":files *")
        self.check(["record", "--spool", ""], ":folders")

    def test_sections_of_the_job(self):
        self.check(["run", "smoke", "--section", "ch"], "churn", lacks=["larson"])
        self.check(["run", "--seed", "7", "ci", "--quiet", "--section", "speed"], "speed", "speed: larson")
        self.assertEqual(offered("run", "ci", "--section").count("checks"), 0)
        self.assertEqual(offered("run", "ci", "--section", "checks"), ["checks"])
        self.check(["plan", os.path.join(SOURCE, "stress/jobs/smoke.ini"), "--section=lar"], "--section=larson")
        self.assertEqual(offered("run", "nosuch", "--section", ""), [])
        self.assertEqual(offered("run", "--section", ""), [])

    def test_exercises(self):
        self.check(["trace", "show", "be"], "belady", ":files *", lacks=["five-holes"])
        self.check(["trace", "show", "--frames", "3", ""], "belady", "five-holes")

    def test_the_history_has_them(self):
        with tempfile.TemporaryDirectory() as folder:
            kept = os.path.join(folder, "kept.db")
            self.assertEqual(offered("history", "--history", kept, "c"), [":files *"])
            for job, section in (("smoke", "two words"), ("mine", "other")):
                path = os.path.join(folder, job + ".ini")
                with open(path, "w", encoding="ascii") as file:
                    file.write(f"[{section}]\nworkload = churn\ntarget = null\nops = 100\n")
                subprocess.run([STRESS, "run", path, "--history", kept], capture_output=True, check=True)
            self.check(["history", "--history", kept, ""], "smoke", "mine", lacks=["soak"])
            self.check(["history", "--history=" + kept, "smoke", "--section", ""], "two words", lacks=["other"])
            self.check(["history", "--history", kept, "--section", ""], "two words", "other")

    def test_words(self):
        self.check(["run", ""], ":files *.ini", "smoke", "workloads/churn")
        self.check(["plan", "ni"], "nightly")
        self.check(["list", ""], "workloads", "jobs")
        self.check(["trace", ""], "info", "show")
        self.check(["trace", "info", ""], ":files *")
        self.check(["help", ""], "run", "threads", "warnings", "table")
        self.check(["record", "-o", "x", ""], ":programs")
        self.check(["selftest", ""], "aa", "sensitivity")
        self.assertEqual(offered("record", "-o", "x", "--", "ls", "-"), [":files *"])


class Terminal:
    """A shell that somebody types at."""

    def __init__(self, arguments, folder):
        self.text = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(TERM="dumb", PS1="ready>", LC_ALL="C.UTF-8", HOME=folder, HISTFILE="",
                              PATH=os.path.dirname(STRESS) + ":" + os.environ["PATH"])
            os.execvp(arguments[0], arguments)

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)

    def until(self, pattern, seconds=60):
        """Reads until the pattern has come; returns the match, and forgets what was read."""
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.text)):
            if time.monotonic() > end or not select.select([self.terminal], [], [], 1)[0] and time.monotonic() > end:
                raise AssertionError(f"no {pattern} in {self.text!r}")
            if select.select([self.terminal], [], [], 1)[0]:
                self.text += os.read(self.terminal, 4096).decode(errors="replace")
        self.text = ""
        return match

    def type(self, text):
        os.write(self.terminal, text.encode())


class Shell(unittest.TestCase):
    shell, setup = (), ""

    @classmethod
    def setUpClass(cls):
        if not cls.shell:
            raise unittest.SkipTest("the base of the others")
        if not shutil.which(cls.shell[0]):
            raise unittest.SkipTest(f"{cls.shell[0]} is not installed")
        cls.folder = tempfile.mkdtemp(prefix="mems-completion-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in ("mine.ini", "mine.txt", "other file.json"):
            with open(os.path.join(cls.folder, name), "w", encoding="ascii"):
                pass
        cls.terminal = Terminal(cls.shell, cls.folder)
        cls.addClassCleanup(cls.terminal.close)
        cls.terminal.type(cls.setup % {"scripts": SCRIPTS, "folder": cls.folder} + "\necho set up $((6 * 7))\n")
        cls.terminal.until(r"set up 42")

    def completed(self, line):
        """What the line is after a tab: its words."""
        # The line becomes the arguments of printf; what it prints is not what was typed.
        self.terminal.type(f"{line}\t\x01printf '\\074%s\\076' \x05; echo do''ne\n")
        return re.findall(r"<([^>]*)>", self.terminal.until(r"(<[^\n]*>)done").group(1))

    def check(self, line, *words):
        self.assertEqual(self.completed(line), ["mems-stress", *words])


class Bash(Shell):
    shell = ("bash", "--norc", "--noprofile", "-i")
    setup = "bind 'set enable-bracketed-paste off'; . %(scripts)s/mems-stress.bash"

    def test_command(self):
        self.check("mems-stress comp", "compare")

    def test_option(self):
        self.check("mems-stress run smoke --basel", "run", "smoke", "--baseline")

    def test_shipped_job(self):
        self.check("mems-stress run night", "run", "nightly")

    def test_file(self):
        self.check("mems-stress run min", "run", "mine.ini")

    def test_file_with_a_blank(self):
        self.check("mems-stress compare oth", "compare", "other file.json")

    def test_key(self):
        self.check("mems-stress run smoke --set threa\t4", "run", "smoke", "--set", "threads=4")

    def test_value_behind_an_equals_sign(self):
        self.check("mems-stress run smoke --set workload=lars", "run", "smoke", "--set", "workload=larson")

    def test_target_with_a_colon(self):
        self.check("mems-stress run smoke --target mems:dyn", "run", "smoke", "--target", "mems:dynamic")
        self.check("mems-stress run smoke --target libc,preload:jem", "run", "smoke", "--target", "libc,preload:jemalloc")

    def test_section_with_blanks(self):
        self.check("mems-stress run ci --section message-p", "run", "ci", "--section", "message-passing")
        self.check("mems-stress run ci --section churn\\ of", "run", "ci", "--section", "churn of all sizes")
        self.check("mems-stress run ci --section speed:\\ saw", "run", "ci", "--section", "speed: sawtooth")
        self.check("mems-stress run ci --section rand", "run", "ci", "--section", "random-slots")

    def test_exercise(self):
        self.check("mems-stress trace show bela", "trace", "show", "belady")

    def test_metric(self):
        self.check("mems-stress compare --metric rss_p", "compare", "--metric", "rss_peak_bytes")


class Zsh(Bash):
    shell = ("zsh", "-f", "-i")
    setup = ("fpath=(%(scripts)s $fpath); autoload -Uz compinit; compinit -u -d %(folder)s/dump; bindkey -e;"
             " unsetopt beep; PS1='ready>'; setopt interactive_comments")


del Shell # what is left are shells
if __name__ == "__main__":
    unittest.main()
