# SPDX-License-Identifier: MIT
#
# ground.py - where faults are tried: the programs, a folder with inputs, what a process leaves.
#
# Everything that is tried gets the variable MEMS_FAULT_MARK with a value of its own, and of the process that tries it:
# several may, at the same time. Who still has it when the command is over is an orphan.

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.join(HERE, os.pardir, os.pardir)
BUILD = os.environ.get("MEMS_BUILD", os.path.join(TREE, "build", "release"))
STRESS = os.path.realpath(os.path.join(BUILD, "stress", "mems-stress"))
EXPLORE = STRESS + "-explore"
MALLOC = os.path.realpath(os.path.join(BUILD, "lib", "libmems-malloc.so"))
TOOLS = os.path.realpath(os.path.join(BUILD, "tests", "faults"))
REFUSE = os.path.join(TOOLS, "test-faults-refuse")
ENGINE = os.path.join(TOOLS, "test-faults-engine")
HEAP = os.path.join(TOOLS, "test-faults-heap")
FAMILY = os.path.join(TOOLS, "test-faults-family")
TIMEOUT_S = 60
NO_FILTER = 77

JOB = """[one]
workload = churn
target = libc, mems:dynamic
threads = 2
ops = 300
slots = 64

[two]
workload = skeleton
target = null
ops = 200
"""

# A cell of the engine and one without an allocator: little to do, so that each of its calls can be refused in turn.
SWEEP_JOB = """[one]
workload = churn
target = mems:dynamic
threads = 2
ops = 100
slots = 32

[two]
workload = skeleton
target = null
ops = 200
"""

# Two thirds of it do not fit in memory.
SWAP_JOB = """[swapped]
workload = churn
target = mems:vm-paging(page=4Ki,frames=6,swap=256Ki), mems:vm-segmentation(capacity=24Ki,swap=256Ki)
ops = 60
slots = 24
size = 1Ki-4Ki
"""

EXPLORE_JOB = """[small]
workload = churn
target = mems:dynamic, mems:segmentation(mover=yes,thread_cache=no)
threads = 2
ops = 20
size = 16-512
"""

ENDLESS_JOB = """[endless]
workload = churn
target = libc, mems:dynamic
threads = 2
runtime = 1h
"""

TRACE_JOB = """[traced]
workload = trace
target = null
trace = bad
"""


class Fault(Exception):
    """What was promised did not hold."""


class Skip(Exception):
    """This machine cannot give the fault."""


def require(condition, text):
    if not condition:
        raise Fault(text)


# Where programs put what they need for a while; nothing may stay there. Set by the ground.
temporary = {}


def unique(mark):
    return "%d.%s" % (os.getpid(), mark)


def environment(mark, extra=None):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MEMS_STRESS", "MEMS_FAULT"))}
    return {**kept, "MEMS_FAULT_MARK": unique(mark), "LC_ALL": "C", "MEMS_STRESS_NO_HISTORY": "1", **temporary, **(extra or {})}


def marked(mark):
    """The processes that have the mark."""
    found = []
    wanted = b"MEMS_FAULT_MARK=" + unique(mark).encode() + b"\0"
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/environ" % name, "rb") as file:
                    if wanted in file.read() + b"\0":
                        found.append(int(name))
            except OSError:
                pass
    return found


def nobody_left(mark, seconds=20):
    """Every process with the mark ends by itself, and soon; else they are ended, and it is a fault."""
    until = time.monotonic() + seconds
    left = marked(mark)
    while left and time.monotonic() < until:
        time.sleep(0.005)
        left = marked(mark)
    for process in left:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    require(not left, "%d processes outlive the command" % len(left))


def documents_hold(folder):
    """A JSON document that is there is a whole one."""
    for name in os.listdir(folder):
        if name.endswith(".json") and os.path.getsize(os.path.join(folder, name)) > 4:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                try:
                    json.load(file)
                except ValueError as error:
                    raise Fault("%s is no whole document: %s" % (name, error)) from None


def left_behind(folder):
    return sorted(name for name in os.listdir(folder) if ".part-" in name or ".spool-" in name)


class Ground:
    """A folder with one of each input. Made once, copied for each command."""

    def __init__(self):
        self.made = tempfile.mkdtemp(prefix="mems-faults-")
        self.count = 0
        self.inputs = os.path.join(self.made, "inputs")
        os.mkdir(self.inputs)
        self.temporary = os.path.join(self.made, "temporary")
        os.mkdir(self.temporary)
        temporary["TMPDIR"] = self.temporary
        shutil.copy(os.path.join(TREE, "stress", "jobs", "traces", "compaction.trace"), self.input("show.trace"))
        self.write("job.ini", JOB)
        self.write("sweep.ini", SWEEP_JOB)
        self.write("swap.ini", SWAP_JOB)
        self.write("explore.ini", EXPLORE_JOB)
        self.write("traced.ini", TRACE_JOB)
        self.write("endless.ini", ENDLESS_JOB)
        self.write("references", " ".join(str(i * 7 % 11) for i in range(200)) + "\n")
        self.write("program", "#!/bin/sh\nexec sort " + self.input("job.ini") + " > /dev/null\n")
        os.chmod(self.input("program"), 0o755)
        self.stress("record", "-o", "t.mtrace", "--", "sort", "job.ini", "-o", "/dev/null")
        self.stress("trace", "text", "t.mtrace", "-o", "t.trace")
        for name in "a.json", "b.json":
            self.stress("run", "job.ini", "--section", "two", "--repeats", "5", "--json", name)
        for database, results in ("h.db", ["a.json"]), ("h2.db", ["a.json", "b.json"]):
            self.stress("history", "import", *results, "--history", database)
        for shard in "1", "2":
            self.stress("run", "job.ini", "--shard", shard + "/2", "--json", "s%s.json" % shard)

    def input(self, name):
        return os.path.join(self.inputs, name)

    def write(self, name, text):
        with open(self.input(name), "w", encoding="utf-8") as file:
            file.write(text)

    def stress(self, *arguments):
        subprocess.run([STRESS, *arguments], cwd=self.inputs, env=environment("set-up"), check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def folder(self):
        """A new one, with the inputs."""
        self.count += 1
        path = os.path.join(self.made, "%d" % self.count)
        shutil.copytree(self.inputs, path)
        return path

    def nothing_stays(self):
        left = os.listdir(self.temporary)
        require(not left, "left where temporary files are: " + ", ".join(left))

    def close(self):
        temporary.clear()
        shutil.rmtree(self.made, ignore_errors=True)
