# SPDX-License-Identifier: MIT
#
# test_process_evil.py - allocators that sin at the edge of a process: each must be caught, by the
# workload that is meant for it and under the right name.

import unittest

from stress import Case, edge

# A job's keys. A child that hangs is seen after a second: nothing here needs so long.
SHORT = {
    "fork-stdio": "ops = 60\nchild_timeout = 1s",
    "fork-child": "ops = 20\nchild_timeout = 1s",
    "fork-handler": "ops = 60\nforks = 30\nchild_timeout = 1s",
    "first-operation": "ops = 54\nchild_timeout = 1s",
    "signals": "ops = 10",
    "exits": "ops = 12\nhandlers = 1000\nchild_timeout = 1s",
    "dlopen": "ops = 400",
    "extreme-sizes": "ops = 2000",
    "no-memory": "ops = 4\nchild_timeout = 1s",
    "maps": "ops = 1\nchild_timeout = 1s",
    "destructors": "count = 320",
}

# Of the others none waits for a timeout, and a slow machine should not be taken for a hang.
HANGS = ("fork_lock", "child_lock", "child_hang", "exit_hang")


def job(workload, sin, ops=None):
    keys = SHORT[workload] if ops is None else "ops = %d\nchild_timeout = 1s" % ops
    text = "[it]\nworkload = %s\ntarget = %s\ntimeout = 3s\n%s\n" % (workload, edge(sin), keys)
    return text if sin in HANGS else text.replace("\ntimeout = 3s", "\ntimeout = 60s").replace("child_timeout = 1s", "child_timeout = 30s")


class Caught(Case):
    def caught(self, workload, sin, check, doing="", again=False, ops=None):
        outcome = self.run_job(job(workload, sin, ops))
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
        outcome = self.run_job(job("fork-stdio", "fork_lock", 5000))
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
            cell = self.caught(workload, "child_lock", "fork-hang", ops=5000)
            frames = self.child_frames(cell)
            self.assertTrue(any("libedge-child_lock" in frame for frame in frames), frames)

    def test_a_child_that_does_not_return_from_fork(self):
        cell = self.caught("fork-child", "child_hang", "fork-hang", "in handlers of fork")
        frames = self.child_frames(cell)
        self.assertTrue(any("libedge-child_hang" in frame for frame in frames), frames)

    def test_a_child_that_crashes(self):
        cell = self.caught("fork-child", "child_crash", "child-crash", "SIGSEGV", again=True)
        frames = self.child_frames(cell)
        self.assertTrue(any("libedge-child_crash" in frame for frame in frames), frames)
        self.caught("fork-stdio", "child_crash", "child-crash", "SIGSEGV")

    def test_a_cache_left_by_each_thread(self):
        self.caught("destructors", "leak", "leak", "resident after 320 threads")
        outcome = self.run_job(job("destructors", "leak") + "leak_limit = 1Gi\n")
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
        self.caught("maps", "oom_crash", "child-crash", "mappings left")

    def test_refused_for_ever(self):
        for workload in "no-memory", "maps":
            self.caught(workload, "oom_stuck", "refused")

    def test_exits(self):
        self.caught("exits", "exit_hang", "exit-hang")
        self.caught("exits", "exit_status", "exit-status", "status 0 in place of 7")

    def test_first_calls(self):
        self.caught("first-operation", "first_size", "usable-size")
        outcome = self.run_job(job("first-operation", "first_free"))
        self.assertEqual(outcome.status, 3, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["verdict"], "crashed")

    def test_a_signal_in_the_first_call(self):
        self.caught("signals", "signal", "errno", "errno is 4")

    def test_a_byte_changed(self):
        self.caught("fork-child", "scribble", "stamp", ops=200)
        self.caught("signals", "scribble", "stamp")
        self.caught("dlopen", "scribble", "plugin")


if __name__ == "__main__":
    unittest.main()
