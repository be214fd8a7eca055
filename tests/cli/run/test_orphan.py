# SPDX-License-Identifier: MIT
#
# test_orphan.py - processes that a cell starts: bounded, and gone with it, however it ends.

import os
import signal
import subprocess
import time
import unittest

from stress import PROGRAM, Case, edge, wait_for

JOB = """
[it]
workload = %s
target = %s
timeout = %ds
child_timeout = %ds
%s
"""


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

    def test_no_process_outlives_a_driver_that_is_killed(self):
        # Children that hang: in fork's own handlers, in a signal handler, at exit.
        for workload, sin in (("fork-handler", "fork_lock"), ("fork-child", "child_lock"),
                              ("fork-child", "child_hang"), ("exits", "exit_hang")):
            driver, mark = self.start(JOB % (workload, edge(sin), 100, 60, "ops = 100k"))
            # The driver, the cell, and a child of it that is there to stay.
            wait_for(lambda: len(marked(mark)) >= 3, 30)
            driver.send_signal(signal.SIGKILL)
            driver.wait()
            wait_for(lambda: marked(mark) == [], 30)

    def test_no_process_outlives_its_cell(self):
        driver, mark = self.start(JOB % ("exits", edge("exit_hang"), 5, 1, "ops = 5"))
        self.assertEqual(driver.wait(), 2)
        self.assertEqual(marked(mark), [])

    def test_children_are_bounded(self):
        driver, mark = self.start(JOB % ("fork-child", "libc", 30, 20,
                                         "forkers = 32\nothers = 2\nops = 5"))
        most = 0
        while driver.poll() is None:
            most = max(most, len(marked(mark)))
        self.assertEqual(driver.returncode, 0)
        self.assertLessEqual(most, 2 + 64)
        self.assertGreater(most, 2)
        self.assertEqual(marked(mark), [])


if __name__ == "__main__":
    unittest.main()
