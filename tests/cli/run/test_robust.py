# SPDX-License-Identifier: MIT
#
# test_robust.py - whatever dies, whenever: no process is left behind, no result by half.
#
# MEMS_TEST_SEED repeats a random test; MEMS_ROBUST_ROUNDS says how often driver and cell are killed.

import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import unittest

from stress import PROGRAM, SANITIZED, Case, at_work, cell_of, evil, of_threads, processes, wait_for, words

SLOW = 10 if SANITIZED else 1
ROUNDS = max(5, int(os.environ.get("MEMS_ROBUST_ROUNDS", "20")) // SLOW)
SEED = int(os.environ.get("MEMS_TEST_SEED", "0")) or random.randrange(1, 1 << 32)
QUICK = """
[some work]
workload = churn
target = libc, null, mems:dynamic
threads = 2
ops = 5k
"""
LONG = """
[long]
workload = churn
target = libc
threads = 2
runtime = 60s
"""
LIMITED = """
[limited]
workload = churn
target = %s
size = 777
slots = 1000
ops = 2M
verify = 0
touch = full
memory_limit = 64Mi
timeout = 5s
"""

# A sanitizer's libc keeps what is freed, to see it used: more than the limit.
MODEST = "mems:dynamic" if SANITIZED else "libc"


def left_of(driver, job):
    """Processes that a driver left: marked by it, or its guard, which has its command line."""
    left = []
    for pid, _, command in processes():
        try:
            with open("/proc/%d/environ" % pid, "rb") as file:
                marked = b"MEMS_STRESS_RUN=%d-" % driver in file.read()
        except OSError:
            continue
        if marked or job in command:
            left.append((pid, command))
    return left


class Robust(Case):
    def start(self, text, *arguments, **keywords):
        job = self.path("job.ini")
        if not os.path.exists(job):
            self.write("job.ini", text)
        driver = subprocess.Popen([PROGRAM, "run", job, "--json", self.path("result.json"), *arguments],
                                  stdin=subprocess.DEVNULL, text=True, cwd=self.folder.name,
                                  **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **keywords})
        self.addCleanup(driver.wait)
        self.addCleanup(driver.kill)
        return driver

    def nothing_left(self, driver):
        job = self.path("job.ini")
        wait_for(lambda: not left_of(driver.pid, job))

    def result(self):
        try:
            with open(self.path("result.json")) as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def at_work(self, driver):
        cell = wait_for(lambda: cell_of(driver.pid))
        wait_for(lambda: at_work(cell))
        return cell

    # ---- the driver dies --------------------------------------------------------------------------

    def test_driver_killed_at_any_moment(self):
        dice = random.Random(SEED)
        began = time.monotonic()
        self.start(QUICK).wait()
        whole = time.monotonic() - began
        os.unlink(self.path("result.json"))
        results = 0
        for i in range(ROUNDS):
            driver = self.start(QUICK)
            try:
                driver.wait(dice.uniform(0, 1.1 * whole) if i > 0 else 0)  # one surely comes before its end
            except subprocess.TimeoutExpired:
                driver.kill()
                driver.wait()
            self.nothing_left(driver)
            document = self.result()  # whole, or there is none
            if document is not None:
                results += 1
                self.assertEqual(len(document["cells"]), 3)
                os.unlink(self.path("result.json"))
        # What killed drivers left of results, the next one cleans away.
        self.start(QUICK).wait()
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["job.ini", "result.json"])
        self.assertLess(results, ROUNDS)

    def test_driver_killed_while_the_old_result_stands(self):
        self.write("result.json", '{"old": true}')
        driver = self.start(LONG)
        self.at_work(driver)
        driver.kill()
        driver.wait()
        self.nothing_left(driver)
        self.assertEqual(self.result(), {"old": True})

    def test_guard_killed(self):
        driver = self.start(LONG)
        cell = self.at_work(driver)
        guards = [pid for pid, parent, _ in processes() if parent == driver.pid and pid != cell]
        self.assertEqual(len(guards), 1)
        os.kill(guards[0], signal.SIGKILL)
        driver.kill()
        driver.wait()
        self.nothing_left(driver)  # the cell dies with its parent

    @words
    def test_two_runs_to_one_file(self):
        drivers = [self.start(QUICK) for _ in range(4)]
        for driver in drivers:
            self.assertEqual(driver.wait(), 0)
        self.assertEqual(self.result()["verdict"], "pass")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["job.ini", "result.json"])

    # ---- interruptions ----------------------------------------------------------------------------

    def test_interrupted_at_any_moment(self):
        dice = random.Random(SEED)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * (2 if SLOW == 1 else 1):
            driver = self.start(LONG.replace("libc", "libc, null"), stdout=subprocess.PIPE)
            wait_for(lambda: cell_of(driver.pid))
            try:
                driver.wait(dice.uniform(0, 0.2))
            except subprocess.TimeoutExpired:
                pass
            driver.send_signal(number)
            out = driver.communicate()[0]
            self.assertEqual(driver.returncode, 130)
            self.assertIn("verdict: incomplete", out)
            document = self.result()
            self.assertEqual(document["verdict"], "incomplete")
            self.assertEqual([c["verdict"] for c in document["cells"]], ["incomplete", "not run"])
            self.nothing_left(driver)
            os.unlink(self.path("result.json"))

    def test_interrupted_twice(self):
        driver = self.start(LONG)
        cell = self.at_work(driver)
        os.kill(cell, signal.SIGSTOP)  # it cannot come to an end
        wait_for(lambda: stopped(cell))
        driver.send_signal(signal.SIGINT)
        wait_for(lambda: os.path.exists("/proc/%d" % cell)
                 and pending(cell) & 1 << signal.SIGTERM - 1)  # the driver asked it to
        driver.send_signal(signal.SIGINT)
        self.assertEqual(driver.wait(), 130)
        self.nothing_left(driver)
        # After the five seconds of grace there would be a result.
        self.assertEqual(os.listdir(self.folder.name), ["job.ini"])

    # ---- others meddle ----------------------------------------------------------------------------

    def test_foreign_kill(self):
        driver = self.start(LONG)
        os.kill(self.at_work(driver), signal.SIGKILL)
        self.assertEqual(driver.wait(), 3)
        cell = self.result()["cells"][0]
        self.assertEqual(cell["verdict"], "crashed")
        self.assertRegex(cell["message"], "^SIGKILL in phase run, not by this driver: ")
        self.assertEqual(cell["evidence"]["signal"], "KILL")
        for thread in cell["evidence"]["threads"]:
            if thread["operations_done"] > 2000:
                self.assertGreaterEqual(len(thread["last"]), 1000)
                self.assertEqual(thread["last"][-1]["index"] + 1, thread["operations_done"])

    def test_foreign_termination(self):
        driver = self.start(LONG)
        os.kill(self.at_work(driver), signal.SIGTERM)
        self.assertEqual(driver.wait(), 3)
        self.assertIn("not by this driver", self.result()["cells"][0]["message"])

    def test_foreign_abort(self):
        driver = self.start(LONG)
        os.kill(self.at_work(driver), signal.SIGABRT)
        self.assertEqual(driver.wait(), 3)
        cell = self.result()["cells"][0]
        self.assertIn("sent by process %d" % os.getpid(), cell["message"])
        self.assertEqual(cell["evidence"]["signal_sent_by"], os.getpid())

    @words
    def test_killed_first_when_memory_ends(self):
        driver = self.start(LONG)
        cell = self.at_work(driver)
        for pid, score in (cell, "1000"), (driver.pid, None):
            with open("/proc/%d/oom_score_adj" % pid) as file:
                self.assertEqual(file.read().strip() == "1000", score is not None)

    # ---- no place for the result ------------------------------------------------------------------

    @words
    def test_output_without_a_reader(self):
        for stream in "stdout", "stderr":
            ends = os.pipe()
            os.close(ends[0])
            driver = self.start(QUICK, **{stream: ends[1]})
            os.close(ends[1])
            self.assertEqual(driver.wait(), 7 if stream == "stdout" else 0)
            self.assertEqual(self.result()["verdict"], "pass")  # it does not die of SIGPIPE
            os.unlink(self.path("result.json"))

    @words
    def test_file_that_may_not_grow(self):
        self.write("result.json", "old")
        job = self.write("job.ini", QUICK)

        def little():
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
        done = subprocess.run([PROGRAM, "run", job, "--json", self.path("result.json"), "--quiet"],
                              preexec_fn=little, capture_output=True, text=True, check=False)
        # The stage and the output of cells are files too: no cell starts, and all the same nothing
        # dies and the old result stays.
        self.assertIn(done.returncode, (3, 7), done.stderr)
        self.assertIn("File too large", done.stdout + done.stderr)
        with open(self.path("result.json")) as file:
            self.assertEqual(file.read(), "old")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["job.ini", "result.json"])

    @words
    def test_full_disk(self):
        disk = self.path("disk")
        os.mkdir(disk)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk],
                                               capture_output=True, check=False).returncode != 0:
            self.skipTest("no small disk can be mounted here")
        try:
            with open(os.path.join(disk, "filler"), "wb", buffering=0) as filler:
                filler.write(bytes(16384))
            job = self.write("job.ini", QUICK)
            outcome = self.stress("run", job, "--json", os.path.join(disk, "result.json"))
            self.assertEqual(outcome.status, 7)
            self.assertIn("No space left on device", outcome.err)
            self.assertEqual(os.listdir(disk), ["filler"])
        finally:
            subprocess.run(["umount", disk], check=True)

    @words
    def test_folder_that_cannot_be(self):
        self.write("file", "")
        outcome = self.stress("run", self.write("job.ini", QUICK), "--json", "file/result.json")
        self.assertEqual(outcome.status, 7)
        self.assertIn("file/result.json: Not a directory", outcome.err)
        self.assertEqual(outcome.out, "")  # before anything runs

    # ---- memory -----------------------------------------------------------------------------------

    @words
    def test_no_limit_no_method(self):
        self.assertNotIn("memory_method", self.run_job(QUICK).document["cells"][0])

    def test_limit_is_kept_and_named(self):
        outcome = self.run_job(LIMITED % MODEST)
        self.assertEqual(outcome.status, 0, outcome.out)
        self.assertIn("RSS watched every", outcome.cell()["memory_method"])

    @unittest.skipIf(SANITIZED, "no evil allocators under a sanitizer")
    def test_leak_is_refused_memory(self):
        # 777 bytes of every second operation: four times the limit.
        outcome = self.run_job((LIMITED % evil("leak")).replace("ops = 2M", "ops = 700k"))
        self.assertEqual(outcome.status, 0, outcome.out)
        self.assertGreater(outcome.cell()["report"]["operations"]["refused"], 1000)
        self.assertLess(outcome.cell()["max_rss_bytes"], 88 << 20)

    def test_limit_is_the_target_s_not_the_harness_s(self):
        # The map of check 4 and the threads' stacks are more than the limit.
        # A foreign malloc and a sanitizer's do not go together.
        others = "" if SANITIZED else ", mems:dynamic, ?preload:jemalloc, ?preload:mimalloc"
        text = (LIMITED % (MODEST + others)).replace(
            "verify = 0", "verify = 4\nthreads = 16").replace("ops = 2M", "ops = 20k")
        outcome = self.run_job(text)
        self.assertEqual(outcome.status, 0, outcome.out)
        for cell in outcome.document["cells"]:
            if cell["verdict"] != "skipped":
                self.assertEqual(cell["report"]["operations"]["refused"], 0)

    @unittest.skipIf(SANITIZED, "no evil allocators under a sanitizer")
    def test_leak_that_the_limit_does_not_see(self):
        outcome = self.run_job(LIMITED % ("%s, libc" % evil("shared")))
        self.assertEqual(outcome.status, 2, outcome.out)
        cell = outcome.cell(evil("shared"))
        self.assertEqual(cell["verdict"], "failed")
        self.assertEqual(cell["evidence"]["check"]["name"], "memory_limit")
        self.assertRegex(cell["message"], "MiB were resident in 1 process; 64.0 MiB are allowed")
        self.assertLess(cell["max_rss_bytes"], 128 << 20)
        self.assertTrue(cell["evidence"]["stacks"])
        self.assertEqual(outcome.cell("libc")["verdict"], "pass")
        self.assertEqual(self.again(cell["again"]).status, 2)

    @unittest.skipIf(SANITIZED, "no evil allocators under a sanitizer")
    def test_allocator_that_dies_of_a_refusal(self):
        outcome = self.run_job(LIMITED % evil("oom"))
        self.assertEqual(outcome.status, 3, outcome.out)
        self.assertIn("SIGABRT", outcome.cell()["message"])
        self.assertIn("memory_limit", outcome.cell()["message"])

    # ---- the recorder -----------------------------------------------------------------------------

    @unittest.skipIf(SANITIZED, "the recorder does not go with a sanitizer")
    def test_killed_recorder_leaves_a_folder_until_the_next(self):
        command = [PROGRAM, "record", "-o", self.path("t.mtrace"), "--", "sleep", "60"]
        recorder = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        program = wait_for(lambda: [pid for pid, parent, words in processes()
                                    if parent == recorder.pid and words[:1] == ["sleep"]])[0]
        self.addCleanup(lambda: os.kill(program, 0))

        def spools():
            return [name for name in os.listdir(self.folder.name) if ".spool-" in name]
        wait_for(lambda: [name for folder in spools() for name in os.listdir(self.path(folder))
                          if name.startswith("%d." % program)])
        recorder.kill()
        recorder.wait()
        record = ["record", "-o", self.path("t.mtrace"), "--", "true"]
        self.assertEqual(self.stress(*record).status, 0)
        self.assertEqual(len(spools()), 1)  # the program writes on
        self._cleanups.pop()
        os.kill(program, signal.SIGKILL)
        wait_for(lambda: not os.path.exists("/proc/%d" % program))
        self.assertEqual(self.stress(*record).status, 0)
        self.assertEqual(os.listdir(self.folder.name), ["t.mtrace"])


def stopped(pid):
    """Whether every thread of a process has stopped."""
    return all(text.rsplit(")", 1)[1].split()[0] == "T" for _, text in of_threads(pid, "stat"))


def pending(pid):
    """Signals that wait for a process, as a mask."""
    with open("/proc/%d/status" % pid) as file:
        masks = re.findall(r"^S(?:ig|hd)Pnd:\s*([0-9a-f]+)", file.read(), re.MULTILINE)
    return sum(int(mask, 16) for mask in masks)


if __name__ == "__main__":
    print("again with: MEMS_TEST_SEED=%d" % SEED, file=sys.stderr)
    unittest.main()
