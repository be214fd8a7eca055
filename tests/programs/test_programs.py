# SPDX-License-Identifier: MIT
#
# test_programs.py - real programs on the library: each program of the suite's table answers as on the C library.
#
# usage: test_programs.py [unittest's options] NAME ..; NAME is Programs.test_X, Redis, or Compiler.
#
# 1. The table is bench/suite/programs.py, with its inputs and its ways to run a program. What a row prints, and the
#    files that it makes, have to be the same, byte for byte; and the dynamic loader has to say that each process of it
#    was bound to the library's malloc (allocators.py).
# 2. A program that is not installed is a test that is skipped, and says which package has it.
# 3. MEMS_BUILD is the build's folder, MEMS_MALLOC the library.

import copy
import json
import os
import re
import shlex
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import inputs
from allocators import Allocator, debugging, disproof, find
from cells import Cells, remove, scratch
from programs import PROGRAMS

BUILD = os.environ["MEMS_BUILD"]
OURS = Allocator("mems", os.environ["MEMS_MALLOC"])
THEIRS = find("glibc", BUILD)
LOAD_SECONDS = 60


class Suite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = scratch()
        cls.addClassCleanup(remove, folder)
        cls.cells = Cells(BUILD, folder)

    def prepared(self, program):
        missing = program.missing()
        if missing:
            self.skipTest(missing)
        for name in program.needs:
            path = os.path.join(self.cells.inputs, name)
            if not os.path.exists(path):
                inputs.write(name, path)

    def same(self, program):
        theirs = self.cells.run(program, THEIRS, prove=True)
        ours = self.cells.run(program, OURS, prove=True)
        self.assertEqual(ours.digest, theirs.digest, f"{program.name} answers otherwise than on the C library")


class Programs(Suite):
    """A test a row."""


def method(program):
    def test(self):
        self.prepared(program)
        self.same(program)
    return test


for row in PROGRAMS:
    if row.kind != "driver":
        setattr(Programs, "test_" + row.name, method(row))


class Redis(Suite):
    def test_under_load(self):
        """A minute of requests to one server, and then what it holds."""
        redis = next(program for program in PROGRAMS if program.name == "redis")
        self.prepared(redis)
        once = self.cells.run(redis, OURS)
        loaded = copy.copy(redis)
        loaded.questions = redis.questions * (1 + int(LOAD_SECONDS * 1e9 / once.wall_ns))
        ours = self.cells.run(loaded, OURS)
        self.assertGreaterEqual(ours.wall_ns, LOAD_SECONDS * 1e9 / 2)  # the first one may have been slow
        self.assertEqual(ours.digest, self.cells.run(redis, THEIRS).digest)  # its answers come after flushall


class Compiler(unittest.TestCase):
    """The compiler makes the same objects of this project's library, each time, on either malloc."""

    def commands(self):
        """Of each object of lib/: the compiler's words without what is put in front of it and without the output."""
        with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
            entries = json.load(file)
        found = {}
        for entry in entries:
            words = shlex.split(entry["command"])
            while os.path.basename(words[0]) in ("ccache", "sccache", "distcc"):
                words = words[1:]
            at = words.index("-o")
            if re.match(r"lib/CMakeFiles/(mems-objects|mems-malloc)\.dir/", words[at + 1]):
                found[words[at + 1]] = (words[:at] + words[at + 2:], entry["directory"])
        return found

    def compile(self, name, command, folder, allocator, **more):
        words, directory = command
        target = os.path.join(folder, name.replace("/", "_"))
        outcome = subprocess.run([*words, "-o", target], cwd=directory, capture_output=True, text=True, check=False,
                                 env={**os.environ, "LD_PRELOAD": allocator.path, "CCACHE_DISABLE": "1", **more})
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""), name)
        with open(target, "rb") as file:
            return file.read()

    def test_the_project_itself(self):
        commands = self.commands()
        self.assertGreater(len(commands), 20)
        with tempfile.TemporaryDirectory() as folder:
            name = next(iter(commands))
            debug = os.path.join(folder, "bindings")
            self.compile(name, commands[name], folder, OURS, **debugging(debug))
            self.assertIsNone(disproof(OURS, debug))
            builds = []
            with ThreadPoolExecutor(2) as pool:
                for build, allocator in (("first", OURS), ("second", OURS), ("theirs", THEIRS)):
                    out = os.path.join(folder, build)
                    os.mkdir(out)
                    jobs = [pool.submit(self.compile, name, command, out, allocator)
                            for name, command in commands.items()]
                    builds.append({name: job.result() for name, job in zip(commands, jobs)})
            for name in commands:
                self.assertTrue(builds[0][name] == builds[1][name], name + ": two builds differ")
                self.assertTrue(builds[0][name] == builds[2][name], name + ": differs from the C library's")


if __name__ == "__main__":
    unittest.main()
