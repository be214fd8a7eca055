#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_faults.py - a sample of the sweep, and that the sweep can fail.

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import commands  # noqa: E402
import library  # noqa: E402
from ground import EXPLORE, REFUSE, Fault  # noqa: E402
from outputs import OLD  # noqa: E402

SEED = int(os.environ.get("MEMS_TEST_SEED", "1"))  # the same little of everything each time: all of it is the sweep's


class Refuse(unittest.TestCase):
    """The runner: counts exactly, refuses exactly one call, says what came of it."""

    def refuse(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "report")
            done = subprocess.run([REFUSE, "--report", report, *arguments], capture_output=True, text=True, check=False,
                                  stdin=subprocess.DEVNULL)
            if done.returncode == 77:
                self.skipTest(done.stderr.strip())
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(report, encoding="utf-8") as file:
                return json.load(file), done

    def test_one_write(self):
        report, done = self.refuse("--calls", "write", "--nth", "2", "--with", "ENOSPC", "--",
                                   "/bin/sh", "-c", "echo one; echo two; echo three")
        self.assertEqual(done.stdout, "one\nthree\n")
        self.assertIn("error", done.stderr)
        self.assertEqual(report["hits"], 1)

    def test_and_all_after_it(self):
        report, done = self.refuse("--calls", "write", "--nth", "2", "--with", "EIO", "--on", "--",
                                   "/bin/sh", "-c", "echo one; echo two; echo three")
        self.assertEqual(done.stdout, "one\n")
        self.assertGreaterEqual(report["hits"], 2)

    def test_short_is_true(self):
        report, done = self.refuse("--calls", "write", "--nth", "1", "--with", "short", "--",
                                   sys.executable, "-c", "import os; print(os.write(1, b'0123456789'), flush=True)")
        self.assertEqual(done.stdout, "012345\n")
        self.assertEqual(report["hits"], 1)

    def test_short_read_is_half_of_what_is_there(self):
        script = "import os; r, w = os.pipe(); os.write(w, b'0123456789'); print(os.read(r, 4096), flush=True)"
        report, done = self.refuse("--calls", "read", "--nth", "0", "--with", "short", "--", sys.executable, "-S", "-c", script)
        self.assertEqual(done.stdout, "b'0123456789'\n")
        _, done = self.refuse("--calls", "read", "--nth", "%d" % report["calls"], "--with", "short", "--", sys.executable, "-S",
                              "-c", script)
        self.assertEqual(done.stdout, "b'01234'\n")

    def test_which_file_a_sync_is_of(self):
        script = "import os, tempfile; f = tempfile.NamedTemporaryFile(prefix='odd\" '); print(f.name); os.fsync(f.fileno())"
        report, done = self.refuse("--calls", "fsync", "--nth", "1", "--with", "EIO", "--", sys.executable, "-S", "-c", script)
        self.assertIn("Input/output error", done.stderr)
        self.assertRegex(report["file"], r"^odd\? \w+$")
        self.assertTrue(done.stdout.strip().endswith(report["file"][5:]))
        report, _ = self.refuse("--calls", "fsync,write", "--nth", "1", "--with", "EIO", "--", "/bin/echo")
        self.assertEqual((report["hits"], report["file"]), (1, ""))

    def test_whose(self):
        script = "echo mine; (echo theirs; :)"
        _, done = self.refuse("--calls", "write", "--nth", "1", "--with", "EIO", "--whose", "others", "--",
                              "/bin/sh", "-c", script)
        self.assertEqual(done.stdout, "mine\n")

    def test_explore_tells_what_was_refused(self):
        """A schedule for which there was no process: not that something had taken other steps."""
        with tempfile.NamedTemporaryFile("w", suffix=".ini", encoding="ascii") as job:
            job.write("[a]\nworkload = churn\ntarget = mems:dynamic\nthreads = 2\nops = 5\nsize = 16-64\n")
            job.flush()
            report, done = self.refuse("--calls", "clone", "--nth", "2", "--with", "EAGAIN", "--", EXPLORE, "explore", job.name,
                                       "--schedules", "4")
        self.assertEqual((report["status"], report["hits"], done.stderr), (3, 1, ""), done.stdout)
        self.assertIn("no engine, process: fork: Resource temporarily unavailable\n", done.stdout)
        self.assertIn("this schedule was not played", done.stdout)
        self.assertNotIn("other steps", done.stdout)

    def test_a_crash_a_hang_an_orphan(self):
        report, _ = self.refuse("--calls", "write", "--nth", "0", "--with", "EIO", "--", "/bin/sh", "-c", "kill -SEGV $$")
        self.assertEqual(report["signal"], 11)
        report, _ = self.refuse("--calls", "write", "--nth", "0", "--with", "EIO", "--timeout", "200", "--",
                                "/bin/sleep", "60")
        self.assertEqual((report["hung"], report["signal"]), (1, 9))


class Judge(unittest.TestCase):
    """A command that does what none may do is found."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.point = commands.Point.__new__(commands.Point)
        self.point.folder = folder.name
        self.point.command = commands.Command("fit", ["fit"], ["fit.out"])
        self.point.seam = commands.SEAMS[0]
        self.point.report = {"hung": 0, "signal": 0, "hits": 1, "file": ""}
        self.point.out, self.point.err, self.point.status = b"", b"why", 7
        self.put(b"a whole new one")
        self.point.out = b""
        self.good = commands.Good(self.point)
        self.point.was = {"fit.out": OLD}
        self.put(OLD)

    def put(self, content):
        with open(os.path.join(self.point.folder, "fit.out"), "wb") as file:
            file.write(content)

    def judge(self):
        commands.judge(self.point, self.good, "first")

    def test_right(self):
        self.judge()
        self.put(b"a whole new one")
        self.judge()

    def test_wrong(self):
        def half():
            self.put(b"a whole")

        def silent():
            self.point.err = b""

        def lies():
            self.point.status = 0

        def crashes():
            self.point.report["signal"] = 11

        def hangs():
            self.point.report["hung"] = 1

        def odd():
            self.point.status = 99

        def gives_up():
            self.point.seam = next(seam for seam in commands.SEAMS if seam.harmless)

        for sin in half, silent, lies, crashes, hangs, odd, gives_up:
            self.setUp()
            sin()
            with self.assertRaises(Fault, msg=sin.__name__):
                self.judge()

    def test_what_a_target_refused(self):
        """Only where memory was refused, and as many in the verdict's line as in the results."""
        seams = {seam.name: seam for seam in commands.SEAMS}
        self.point.command = commands.Command("run", ["run"], ["r.json"], exact=False)

        def put(share):
            cells = [{"id": name, "verdict": "pass", "metrics": {"refused_share": part}} for name, part in (("a", share), ("b", 0))]
            with open(os.path.join(self.point.folder, "r.json"), "w", encoding="ascii") as file:
                json.dump({"schema": "mems-stress/1", "verdict": "pass", "exit_status": 0, "cells": cells}, file)

        def line(tail):
            return ("verdict: pass (2 pass)%s\n" % tail).encode()
        tail = "; up to 9.1 %% refused\n    (mems:vm-paging(page=4Ki) in %s)"
        put(0)
        self.point.out, self.point.status, self.point.was = line(""), 0, {"r.json": OLD}
        good = commands.Good(self.point)
        for seam, hits, share, said, right in (
                ("map", 1, 0, "", True), ("map, and all after it", 1, 0.0909, tail % "one", True), ("map", 1, 0.009, "", True),
                ("open", 1, 0, "", True), ("map", 1, 0.0909, "", False), ("map", 1, 0, tail % "one", False),
                ("map", 1, 0.5, tail % "one", False), ("open", 1, 0.0909, tail % "one", False),
                ("map", 0, 0.0909, tail % "one", False), ("map", 1, 0.0909, (tail % "one") + " and so on", False)):
            put(share)
            self.point.seam, self.point.report["hits"], self.point.out = seams[seam], hits, line(said)
            with self.subTest(seam=seam, hits=hits, share=share, said=said):
                if right:
                    commands.judge(self.point, good, "others")
                else:
                    self.assertRaises(Fault, commands.judge, self.point, good, "others")

    def test_before_main(self):
        """A process that does not come to its main() is the loader's, with its words, or the kernel's, or as ever."""
        seams = {seam.name: seam for seam in commands.SEAMS}
        words = b"mems-stress: error while loading shared libraries: libm.so.6: no\n"
        good = commands.Point.__new__(commands.Point)
        good.out = b"0.1\n"
        for seam, status, signal, last, out, err, right in (
                ("open", 0, 0, "openat", b"0.1\n", b"", True), ("open", 0, 0, "openat", b"", b"", False),
                ("open", 127, 0, "openat", b"", words, True), ("open", 127, 0, "openat", b"", b"why\n", False),
                ("open", 127, 0, "openat", b"0.1\n", words, False), ("open", 7, 0, "openat", b"", b"why\n", False),
                ("write EIO", 7, 0, "write", b"", b"why\n", True), ("write EIO", 7, 0, "write", b"", b"", False),
                ("map", -1, 11, "mmap", b"", b"", True), ("open", -1, 11, "openat", b"", b"", False),
                ("fork, exec, thread", 126, 0, "execve", b"", b"", True), ("open", 126, 0, "openat", b"", b"", False)):
            self.point.seam, self.point.out, self.point.err = seams[seam], out, err
            self.point.report = {"hung": 0, "hits": 1, "last": last, "status": status, "signal": signal}
            with self.subTest(seam=seam, status=status, signal=signal, out=out, err=err):
                if right:
                    commands.judge_start(self.point, good)
                else:
                    self.assertRaises(Fault, commands.judge_start, self.point, good)

    def test_a_cell_that_was_not_loaded(self):
        self.point.status = 3
        lost = {"verdict": "crashed", "evidence": {"phase": "start", "status": 127},
                "output": ["mems-stress: error while loading shared libraries: libm.so.6: no"]}

        def of(*cells):
            with open(os.path.join(self.point.folder, "r.json"), "w", encoding="ascii") as file:
                json.dump({"cells": cells}, file)
            return commands.loader_gave_up(self.point)
        self.assertFalse(commands.loader_gave_up(self.point))
        self.assertTrue(of(lost, {"verdict": "pass"}))
        self.assertFalse(of({"verdict": "pass"}))
        self.assertFalse(of({**lost, "output": []}))
        self.assertFalse(of({**lost, "evidence": {"phase": "run", "status": 127}}))
        self.assertFalse(of(lost, {"verdict": "failed"}))

    def test_what_the_disk_has_not_taken(self):
        """Which file it was decides: an output is not written, a journal is told of, a folder is not heard of."""
        self.point.seam = next(seam for seam in commands.SEAMS if seam.name == "sync")
        self.point.command.outputs = ["fit.out", "h.db"]
        self.point.command.keeps = ["fit.out.journal"]
        folder = os.path.basename(self.point.folder)
        kept = "cannot keep what is done in fit.out.journal: Input/output error"
        for name, status, err, right in (
                ("fit.out.part-a1B2c3", 7, "why", True), ("fit.out.part-a1B2c3", 1, "why", False), ("fit.out", 0, "", False),
                ("h.db", 7, "why", True), ("h.db", 0, "why", False), ("h.db-journal", 0, "why", False),
                ("fit.out.journal", 0, kept, True), ("fit.out.journal", 7, kept, True), ("fit.out.journal", 0, "why", False),
                (folder, 0, "", True), ("another", 7, "why", False), ("", 7, "why", False)):
            self.point.report["file"], self.point.status = name, status
            with self.subTest(name=name, status=status, err=err):
                if right:
                    commands.judge_sync(self.point, err)
                else:
                    self.assertRaises(Fault, commands.judge_sync, self.point, err)
        self.point.report["file"], self.point.err = "fit.out.part-a1B2c3", b"why"
        self.point.status, self.point.command.outputs = 1, ["fit.out"]
        self.assertRaises(Fault, self.judge)


class Rows(unittest.TestCase):
    """Whatever the driver can do has its rows, and whatever an engine asks of the system."""

    def test_every_command(self):
        self.assertEqual(set(commands.of_the_driver()), commands.of_the_sweep())

    def test_every_command_is_told(self):
        names = commands.of_the_driver()
        self.assertIn("run", names)
        self.assertIn("trace show", names)

    def test_every_seam(self):
        self.assertEqual(library.unreached(), [])


class Sample(unittest.TestCase):
    def test_a_little_of_everything(self):
        done = subprocess.run([os.path.join(HERE, "sweep"), "--sample", "--seed", str(SEED)], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    print("again with: MEMS_TEST_SEED=%d" % SEED, file=sys.stderr)
    unittest.main()
