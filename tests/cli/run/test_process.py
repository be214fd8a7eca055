# SPDX-License-Identifier: MIT
#
# test_process.py - the process workloads: the C library passes each, an allocator with the bug that
# one is meant for does not, and no process is left behind.

import os
import signal
import subprocess
import time
import unittest

from stress import EVIL, PROGRAM, Case

SANITIZED = bool(os.environ.get("MEMS_SANITIZE"))

# With a job's keys that make it short.
SHORT = {
    "fork-stdio": "ops = 60\nchild_timeout = 3s",
    "fork-child": "ops = 20\nchild_timeout = 3s",
    "fork-handler": "ops = 60\nforks = 30\nchild_timeout = 3s",
    "first-operation": "ops = 54\nchild_timeout = 3s",
    "signals": "ops = 10",
    "exits": "ops = 12\nhandlers = 1000\nchild_timeout = 3s",
    "dlopen": "ops = 400",
    "extreme-sizes": "ops = 2000",
    "no-memory": "ops = 4\nchild_timeout = 3s",
    "maps": "ops = 1\nchild_timeout = 3s",
    "destructors": "count = 320",
}

# What a sanitizer's own malloc and runtime cannot do: they abort where there is no memory or a size
# cannot be, hold locks of their own at a fork, and keep what threads leave.
BEYOND_SANITIZERS = {"fork-stdio", "fork-child", "fork-handler", "extreme-sizes", "no-memory",
                     "maps", "destructors", "signals", "exits", "dlopen", "first-operation"}


def edge(sin):
    return "preload:" + os.path.join(EVIL, "libedge-%s.so" % sin)


def job(workload, target, more=""):
    return "[it]\nworkload = %s\ntarget = %s\ntimeout = 5s\n%s\n%s\n" % (
        workload, target, SHORT[workload], more)


def marked(mark):
    """The processes whose environment has the mark."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/environ" % name, "rb") as file:
                    if mark.encode() in file.read():
                        found.append(int(name))
            except OSError:
                pass
    return found


class Passes(Case):
    def passes(self, workload, target="libc"):
        outcome = self.run_job(job(workload, target))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "pass")
        self.assertGreater(cell["report"]["operations"]["step"], 0)


def add_passes(workload):
    @unittest.skipIf(SANITIZED and workload in BEYOND_SANITIZERS, "not with a sanitizer's malloc")
    def libc(self):
        self.passes(workload)

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc cannot be replaced")
    def control(self):
        self.passes(workload, edge("none"))

    setattr(Passes, "test_%s" % workload.replace("-", "_"), libc)
    setattr(Passes, "test_%s_control" % workload.replace("-", "_"), control)


for name in SHORT:
    add_passes(name)


@unittest.skipIf(SANITIZED, "a sanitizer's malloc cannot be replaced")
class Caught(Case):
    def caught(self, workload, sin, check, doing="", again=False):
        outcome = self.run_job(job(workload, edge(sin)))
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "failed")
        self.assertEqual(cell["evidence"]["check"]["name"], check)
        self.assertIn(doing, cell["evidence"]["check"]["text"])
        self.assertIn("again: ", outcome.out)
        if again:
            self.assertEqual(self.again(cell["again"]).status, 2)
        return cell

    def child_frames(self, cell):
        return [frame for child in cell["evidence"]["children"] for frame in child["frames"]]

    def test_a_lock_held_over_fork_hangs_the_forker(self):
        outcome = self.run_job(job("fork-stdio", edge("fork_lock"), "others = 6").replace(
            "ops = 60", "ops = 2000"))
        self.assertEqual(outcome.status, 3, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "hung")
        frames = [frame for stack in cell["evidence"]["stacks"] for frame in stack["frames"]]
        self.assertTrue(any("fork" in frame for frame in frames), frames)
        self.assertTrue(any("libedge-fork_lock" in frame for frame in frames), frames)

    def test_a_lock_held_over_fork_in_a_handler(self):
        cell = self.caught("fork-handler", "fork_lock", "fork-hang",
                           "in fork, called by a signal handler", again=True)
        frames = self.child_frames(cell)
        self.assertTrue(any("libedge-fork_lock" in frame for frame in frames), frames)
        self.assertTrue(any("kernel: system call" in frame for frame in frames), frames)

    def test_a_lock_that_stays_in_the_child(self):
        for workload in "fork-child", "fork-stdio":
            outcome = self.run_job(job(workload, edge("child_lock")).replace("ops = 20",
                                                                             "ops = 2000")
                                   .replace("ops = 60", "ops = 5000"))
            self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
            evidence = outcome.cell()["evidence"]
            self.assertEqual(evidence["check"]["name"], "fork-hang")
            frames = self.child_frames(outcome.cell())
            self.assertTrue(any("libedge-child_lock" in frame for frame in frames), frames)

    def test_a_child_that_crashes(self):
        cell = self.caught("fork-child", "child_crash", "child-crash", "SIGSEGV", again=True)
        frames = self.child_frames(cell)
        self.assertTrue(any("libedge-child_crash" in frame for frame in frames), frames)
        self.caught("fork-stdio", "child_crash", "child-crash", "SIGSEGV")

    def test_a_cache_left_by_each_thread(self):
        outcome = self.run_job(job("destructors", edge("leak")))
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["evidence"]["check"]["name"], "leak")
        outcome = self.run_job(job("destructors", edge("leak"), "leak_limit = 1Gi"))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        growth = {f["name"]: f["value"] for f in outcome.cell()["report"]["figures"]}
        self.assertGreater(growth["growth of the resident set"], 300 * 64 * 1024 * 0.9)

    def test_sizes_that_wrap(self):
        self.caught("extreme-sizes", "wrap", "size-wrap", again=True)

    def test_errno_not_set(self):
        for workload in "extreme-sizes", "no-memory", "maps":
            self.caught(workload, "no_errno", "errno", "not ENOMEM")

    def test_errno_changed_by_free(self):
        for workload in "extreme-sizes", "maps":
            self.caught(workload, "free_errno", "errno", "free of")

    def test_alignments_not_kept(self):
        self.caught("extreme-sizes", "misalign", "alignment")

    def test_no_memory_crashes(self):
        self.caught("no-memory", "oom_crash", "child-crash", "first allocations")
        self.caught("maps", "oom_crash", "child-crash", "no mappings left")

    def test_refused_for_ever(self):
        for workload in "no-memory", "maps":
            self.caught(workload, "oom_stuck", "refused")

    def test_exits(self):
        self.caught("exits", "exit_hang", "exit-hang", again=True)
        self.caught("exits", "exit_status", "exit-status", "status 0 in place of 7")

    def test_first_calls(self):
        self.caught("first-operation", "first_size", "usable-size")
        outcome = self.run_job(job("first-operation", edge("first_free")))
        self.assertEqual(outcome.status, 3, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["verdict"], "crashed")

    def test_a_signal_in_the_first_call(self):
        self.caught("signals", "signal", "errno", "errno is 4")

    def test_a_byte_changed(self):
        for workload, check in (("fork-child", "stamp"), ("signals", "stamp"),
                                ("dlopen", "plugin")):
            outcome = self.run_job(job(workload, edge("scribble")).replace("ops = 20",
                                                                           "ops = 200"))
            self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
            self.assertEqual(outcome.cell()["evidence"]["check"]["name"], check)


class Orphans(Case):
    def start(self, text):
        mark = "MEMS_TEST_MARK=%d.%d" % (os.getpid(), time.monotonic_ns())
        environment = {**os.environ, "MEMS_TEST_MARK": mark.split("=")[1]}
        file = self.write("job.ini", text)
        driver = subprocess.Popen([PROGRAM, "run", file, "--quiet"], env=environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(driver.wait)
        self.addCleanup(driver.kill)
        return driver, mark

    def wait_for(self, condition, what):
        until = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.01)

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc cannot be replaced")
    def test_no_process_outlives_a_driver_that_is_killed(self):
        # Children that hang: in fork's own handlers, in a signal handler, at exit.
        for workload, sin in (("fork-handler", "fork_lock"), ("fork-child", "child_lock"),
                              ("exits", "exit_hang")):
            text = job(workload, edge(sin)).replace("ops = 20", "ops = 100k") \
                .replace("child_timeout = 3s", "child_timeout = 60s") \
                .replace("timeout = 5s", "timeout = 100s", 1)
            driver, mark = self.start(text)
            # The driver, the cell, and a child of it that is there to stay.
            self.wait_for(lambda: len(marked(mark)) >= 3, "no child came")
            driver.send_signal(signal.SIGKILL)
            driver.wait()
            self.wait_for(lambda: marked(mark) == [], "orphans: %s" % marked(mark))

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc cannot be replaced")
    def test_no_process_outlives_its_cell(self):
        driver, mark = self.start(job("exits", edge("exit_hang")))
        self.assertEqual(driver.wait(), 2)
        self.assertEqual(marked(mark), [])

    @unittest.skipIf(SANITIZED, "forks under load")
    def test_children_are_bounded(self):
        text = job("fork-child", "libc", "forkers = 32\nothers = 2").replace("ops = 20", "ops = 10")
        driver, mark = self.start(text)
        most = 0
        while driver.poll() is None:
            most = max(most, len(marked(mark)))
        self.assertEqual(driver.returncode, 0)
        self.assertLessEqual(most, 2 + 64)
        self.assertGreater(most, 2)
        self.assertEqual(marked(mark), [])


class Jobs(Case):
    def test_a_child_must_hang_before_its_cell(self):
        outcome = self.stress("run", self.write("job.ini", job("exits", "libc").replace(
            "child_timeout = 3s", "child_timeout = 5s")))
        self.assertEqual(outcome.status, 1)
        self.assertIn("child_timeout", outcome.err)
        self.assertIn("less than timeout", outcome.err)


if __name__ == "__main__":
    unittest.main()
