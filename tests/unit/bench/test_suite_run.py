# SPDX-License-Identifier: MIT
#
# test_suite_run.py - bench/suite from outside and on tiny programs: whole runs, wrong answers, mallocs that are not there.
#
# MEMS_BUILD names the build: its mems-stress, its mems-launch, its libmems-malloc.so.

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import allocators
import cells
import programs

BUILD = os.environ["MEMS_BUILD"]
SUITE = os.path.join(os.path.dirname(os.path.abspath(allocators.__file__)), "suite")
LIBRARY = os.path.join(BUILD, "lib", "libmems-malloc.so")

TINY_JOB = """[global]
target = libc
verify = 0
latency = none

[simple]
workload = simple
ops = 1k

[refused]
workload = churn
ops = 1k
size = 1Ti
"""


def suite_module():
    loader = importlib.machinery.SourceFileLoader("suite", SUITE)
    spec = importlib.util.spec_from_loader("suite", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def program(name, *command, **more):
    return programs.Program(name, "", list(command), "", **more)


PRINTS = program("prints", "/bin/sh", "-c", "echo hello; echo there > {out}/made", made=("made",))


class WholeRun(unittest.TestCase):
    """main() with a table of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        job = os.path.join(self.folder, "tiny.ini")
        with open(job, "w", encoding="ascii") as file:
            file.write(TINY_JOB)
        self.suite = suite_module()
        patch = mock.patch.object(cells, "JOB", job)
        patch.start()
        self.addCleanup(patch.stop)

    def run_suite(self, table, *arguments):
        """(exit status, stdout, the document)"""
        path = os.path.join(self.folder, "result.json")
        said, complained = io.StringIO(), io.StringIO()
        with mock.patch.object(self.suite, "PROGRAMS", table), contextlib.redirect_stdout(said), \
                contextlib.redirect_stderr(complained):
            status = self.suite.main(["--build", BUILD, "--repeats", "1", "--json", path, *arguments])
        with open(path, encoding="utf-8") as file:
            return status, said.getvalue(), json.load(file)

    def test_two_programs_one_repeat(self):
        status, said, found = self.run_suite([programs.Driver("simple", ""), PRINTS],
                                             "--allocators", f"glibc,mems={LIBRARY}")
        self.assertEqual(found["schema"], "mems-suite/1")
        self.assertEqual([column["name"] for column in found["allocators"]], ["glibc", "mems"])
        for row in found["programs"]:
            self.assertEqual(row["wrong"], {})
            for name in ("glibc", "mems"):
                self.assertGreater(row["cells"][name]["wall_ns"][0], 1000)
                self.assertGreater(row["cells"][name]["peak_rss_bytes"][0], 500_000)
        # A shell is small: the measure is of the program, not of the interpreter that started it.
        self.assertLess(found["programs"][1]["cells"]["glibc"]["peak_rss_bytes"][0], 6 << 20)
        goals = {verdict["goal"].split(":")[0]: verdict["met"] for verdict in found["verdicts"]}
        self.assertTrue(goals["answers"])
        self.assertEqual(status, 1 if any(verdict["met"] is False for verdict in found["verdicts"]) else 0)
        for text in ("geometric mean", "peak RSS, MiB", "prints", "goal"):
            self.assertIn(text, said)

    def test_peers_only(self):
        status, said, found = self.run_suite([PRINTS], "--allocators", "glibc", "--markdown")
        self.assertEqual((status, found["verdicts"]), (0, []))
        self.assertIn("| prints |", said)
        self.assertIn("mems is not in this run", said)

    def test_an_answer_that_differs_is_told_and_not_timed(self):
        told = program("told", "/bin/sh", "-c", 'echo "$LD_PRELOAD"')
        status, said, found = self.run_suite([PRINTS, told], "--allocators", f"glibc,mems={LIBRARY}")
        self.assertEqual(status, 1)
        self.assertEqual(found["programs"][1]["wrong"], {"mems": "another answer than on glibc"})
        self.assertNotIn("mems", found["programs"][1]["cells"])
        self.assertIn("wrong", said)

    def test_what_a_program_makes_is_part_of_its_answer(self):
        made = program("made", "/bin/sh", "-c", 'echo "$LD_PRELOAD" > {out}/made', made=("made",))
        _, _, found = self.run_suite([made], "--allocators", f"glibc,mems={LIBRARY}")
        self.assertEqual(found["programs"][0]["wrong"], {"mems": "another answer than on glibc"})

    def test_a_program_that_is_missing_is_skipped(self):
        absent = programs.Program("absent", "", ["no-such-program"], "some-package")
        _, said, found = self.run_suite([absent, PRINTS], "--allocators", "glibc")
        self.assertEqual(found["skipped"], {"absent": "no no-such-program (Debian: some-package)"})
        self.assertIn("not run: absent", said)


class OneCell(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.cells = cells.Cells(BUILD, self.folder)
        self.ours = allocators.Allocator("mems", LIBRARY)

    def wrong(self, row, why, allocator=None, prove=False):
        with self.assertRaisesRegex(cells.Wrong, why):
            self.cells.run(row, allocator or self.ours, prove)
        self.assertEqual(os.listdir(self.folder), ["in"])  # nothing is left

    def test_proved(self):
        self.assertGreater(self.cells.run(PRINTS, self.ours, True).wall_ns, 0)

    def test_a_library_that_is_not_there(self):
        nowhere = allocators.Allocator("mems", "/nowhere/libx.so")
        self.wrong(PRINTS, "cannot be preloaded", nowhere)
        self.wrong(program("quiet", "/bin/sh", "-c", "exec 2>&-; echo hello"), "answered by|cannot be preloaded", nowhere, True)

    def test_a_library_without_a_malloc(self):
        zlib = next((path for path in ("/usr/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib/x86_64-linux-gnu/libm.so.6")
                     if os.path.exists(path)), None)
        if zlib is None:
            self.skipTest("no library to try it with")
        self.wrong(PRINTS, "was answered by", allocators.Allocator("z", zlib), True)

    @unittest.skipUnless(os.access("/sbin/ldconfig", os.X_OK), "no static program")
    def test_a_static_program(self):
        self.wrong(program("static", "/sbin/ldconfig", "--version"), "static or set-user-id", prove=True)

    def test_statuses(self):
        self.wrong(program("status", "/bin/sh", "-c", "echo bad >&2; exit 3"), "exit status 3: bad")
        self.wrong(program("signal", "/bin/sh", "-c", "kill -SEGV $$"), "signal 11")
        self.wrong(program("absent", "no-such-program"), "exit status 127")

    def test_a_program_that_does_not_end(self):
        with mock.patch.object(cells, "TIMEOUT_S", 0.2):
            self.wrong(program("endless", "/bin/sh", "-c", "sleep 1000 & wait"), "did not end within")

    def test_a_section_that_fails(self):
        job = os.path.join(self.folder, "in", "tiny.ini")
        with open(job, "w", encoding="ascii") as file:
            file.write(TINY_JOB)
        with mock.patch.object(cells, "JOB", job):
            self.wrong(programs.Driver("refused", ""), "exit status")

    @unittest.skipIf(next(row for row in programs.PROGRAMS if row.kind == "server").missing(), "no redis")
    def test_a_server(self):
        redis = next(row for row in programs.PROGRAMS if row.kind == "server")
        quick = programs.Server("redis", "", redis.command, "", redis.alias,
                                [["redis-benchmark", "-s", "{out}/socket", "-q", "-n", "200", "-t", "set"]], redis.answers)
        found = self.cells.run(quick, self.ours, True)
        self.assertGreater(found.rss_bytes, 1 << 20)
        self.assertEqual(found.digest, self.cells.run(quick, self.ours).digest)
        ends = programs.Server("redis", "", [*redis.command, "--no-such-option", "1"], "", redis.alias, [], [])
        self.wrong(ends, "ended at once")


class Usage(unittest.TestCase):
    def complain(self, text, *arguments):
        found = subprocess.run([sys.executable, "-B", SUITE, *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(found.returncode, 2, found)
        self.assertIn(text, found.stderr)

    def test_complaints(self):
        self.complain("no program 'nothing'", "--only", "nothing")
        self.complain("at least 1", "--repeats", "0")
        self.complain("no such file", "--allocators", "glibc,newer=/nowhere.so")
        self.complain("with their path", "--allocators", "newer")
        self.complain("not there; build it", "--build", "/nowhere", "--allocators", "glibc")
        self.complain("no such folder", "--build", BUILD, "--json", "/nowhere/x.json")

    def test_list(self):
        found = subprocess.run([sys.executable, "-B", SUITE, "--build", BUILD, "--list"], capture_output=True, text=True,
                               check=True)
        for text in ("larson", "z3", "glibc", LIBRARY):
            self.assertIn(text, found.stdout)


if __name__ == "__main__":
    unittest.main()
