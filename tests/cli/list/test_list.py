# SPDX-License-Identifier: MIT
#
# test_list.py - what mems-stress list and trace show print is no wider than the terminal, 80 columns where there is
# none; names stand at the left, once each; what is no number in a reference string is named.
#
# usage: test_list.py MEMS-STRESS JOBS

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unittest

PROGRAM, JOBS = sys.argv[1], sys.argv[2]
TOPICS = ("workloads", "targets", "policies", "keys", "jobs", "exercises")
INDENT = {"workloads": "    "}


def run(*arguments, status=0):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout if status == 0 else done.stderr


def at_terminal(columns, *arguments):
    """What it prints at a terminal of so many columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execv(PROGRAM, [PROGRAM, *arguments])
    text = b""
    try:
        while piece := os.read(terminal, 65536):
            text += piece
    except OSError: # the other end is closed
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    return text.decode().replace("\r", "")


class Lists(unittest.TestCase):
    def check_width(self, text, columns):
        for line in text.splitlines():
            # A word is not cut, wherever it has to stand.
            if len(line.split()) > 1 or " " not in line.strip():
                longest = max(map(len, line.split()), default=0)
                self.assertTrue(len(line) <= columns or longest > columns / 3, (columns, line))

    def names(self, topic, text):
        return re.findall(rf"(?m)^{INDENT.get(topic, '  ')}(\S+)", text)

    def test_no_terminal(self):
        for topic in TOPICS:
            text = run("list", topic)
            self.check_width(text, 80)
            if topic not in ("policies", "keys", "targets"): # where a name may come again, or have blanks
                names = self.names(topic, text)
                self.assertEqual(len(names), len(set(names)), topic)

    def test_terminals(self):
        for topic in ("workloads", "jobs", "keys"):
            wide = at_terminal(200, "list", topic)
            self.assertGreater(max(map(len, wide.splitlines())), 80)
            for columns in (60, 200):
                text = at_terminal(columns, "list", topic)
                self.check_width(text, columns)
                self.assertEqual(" ".join(text.split()), " ".join(run("list", topic).split()))

    def test_what_is_said_of_jobs(self):
        text = " ".join(run("list", "jobs").split())
        self.assertIn("and on whatever other allocators are installed. ", text) # a sentence, whole
        for folder, _, names in os.walk(JOBS):
            for name in names:
                if name.endswith(".ini"):
                    word = os.path.relpath(os.path.join(folder, name), JOBS)[:-4]
                    self.assertRegex(text, rf" {word} [A-Za-z3]")

    def test_lessons(self):
        for name in self.names("exercises", run("list", "exercises")):
            self.check_width(run("trace", "show", name), 80)
        for name in ("compaction", "partitions"):
            self.check_width(run("trace", "show", os.path.join(JOBS, "traces", name + ".trace"), "--target", "all"), 80)
        wide = at_terminal(120, "trace", "show", "page-waste")
        self.check_width(wide, 120)
        self.assertGreater(max(map(len, wide.splitlines())), 80)

    def test_a_string_with_a_word_in_it(self):
        for string, where in (("1 2 3 x", "1:7: 'x'"), ("1,2,y", "1:5: 'y'"), ("7 fault", "1:3: 'fault'")):
            said = run("trace", "show", string, status=1)
            self.assertIn(where + " is no page number: digits only", said)
        self.assertIn("a trace is read from one, an operation a line", run("trace", "show", "alloc A 10", status=1))
        self.assertIn("cannot be read: No such file", run("trace", "show", "nosuch.trace", status=1))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
