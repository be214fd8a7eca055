# SPDX-License-Identifier: MIT
#
# stress.py - runs mems-stress for the tests: a job in a folder of its own, exit status, result.
#
# MEMS_STRESS names the program, MEMS_EVIL the folder of the evil allocators.

import json
import os
import shlex
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["MEMS_STRESS"]
os.environ["MEMS_STRESS_NO_HISTORY"] = "1"  # what tests run is not the user's
os.environ.pop("COLUMNS", None)  # nor as wide as somebody's terminal
EVIL = os.environ.get("MEMS_EVIL", "")
SANITIZED = bool(os.environ.get("MEMS_SANITIZE"))
THREAD = "thread" in os.environ.get("MEMS_SANITIZE", "")
JOBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3, "stress", "jobs")


def words(test):
    """A test of what is said and written: ThreadSanitizer's build would hear nothing new, in a multiple of the time."""
    return unittest.skipIf(THREAD, "words, which are those of the other builds")(test)


def once(test):
    """A test of what other tests reach, too, and is the same in every build: one build shows it."""
    return unittest.skipIf(SANITIZED, "the same in the build without sanitizers")(test)


def evil(sin):
    return "preload:" + os.path.join(EVIL, "libevil-%s.so" % sin)


def edge(sin):
    return "preload:" + os.path.join(EVIL, "libedge-%s.so" % sin)


def wait_for(what, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        got = what()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError("waited %g s in vain" % seconds)


def is_gone(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def processes():
    """Every process that lives: (its number, its parent's, its command line)."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry) as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                with open("/proc/%s/cmdline" % entry, "rb") as file:
                    command = file.read().decode(errors="replace").split("\0")[:-1]
            except OSError:
                continue
            if fields[0] not in "ZX":
                yield int(entry), int(fields[1]), command


def cell_of(driver):
    """The process of the cell that a driver is at, None without one."""
    for pid, parent, command in processes():
        if parent == driver and command[:2] == ["mems-stress", "cell"]:
            return pid
    return None


def of_threads(process, name):
    """That file of each thread of a process: (thread, text). A thread that has ended since they were listed has none."""
    for thread in os.listdir("/proc/%d/task" % process):
        try:
            with open("/proc/%d/task/%s/%s" % (process, thread, name)) as file:
                text = file.read()
        except OSError:
            continue
        yield int(thread), text


def at_work(cell, workers=2):
    """Whether so many threads of a cell beside its first have run for 5 ms: they are past their start,
    in which a sanitizer's runtime takes no signal, and have begun with operations."""
    ran = [int(text.split()[0]) for thread, text in of_threads(cell, "schedstat") if thread != cell]
    return sum(time_ns >= 5000000 for time_ns in ran) >= workers


class Outcome:
    def __init__(self, status, out, err, document):
        self.status, self.out, self.err, self.document = status, out, err, document

    def cell(self, target=None):
        cells = [c for c in self.document["cells"] if target in (None, c["target"])]
        assert len(cells) == 1, cells
        return cells[0]


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def stress(self, *arguments, env=None):
        """Runs it; no result is expected."""
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                              cwd=self.folder.name, env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL)
        return Outcome(done.returncode, done.stdout, done.stderr, None)

    def run_job(self, text, *arguments, env=None):
        """Runs a job, with its result read back."""
        job = self.write("job.ini", text)
        result = self.path("result.json")
        outcome = self.stress("run", job, "--json", result, *arguments, env=env)
        if os.path.exists(result):
            with open(result) as file:
                outcome.document = json.load(file)
            self.assertEqual(outcome.document["exit_status"], outcome.status)
        self.assertEqual([f for f in os.listdir(self.folder.name) if ".part-" in f], [])
        return outcome

    def command(self, command):
        """The words after the program's name of such a command, and what it sets of the environment."""
        words, env = shlex.split(command), {}
        if words[0] == "env":
            words.pop(0)
            self.assertIn("=", words[0])
            while "=" in words[0]:
                name, value = words.pop(0).split("=", 1)
                env[name] = value
        self.assertEqual(os.path.basename(words[0]), "mems-stress")
        return words[1:], env

    def again(self, command):
        """Runs the command that a result gives for doing a cell again."""
        words, env = self.command(command)
        return self.stress(*words, env=env)
