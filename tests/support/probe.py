#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# probe.py - runs the cases of programs made with probe.h, each in a process of its own.
#
# usage: probe.py PROGRAM .. [-- unittest's own options]
#
# MEMS_MALLOC is the library that is preloaded; without it the programs run on the C library's malloc. A test a name,
# over all its sizes: a case dies by SIGABRT with exactly one line on stderr, one of those that it announced; a case
# that announced none ends with 0 and says nothing on stderr.

import os
import signal
import subprocess
import sys
import unittest

SKIPPED = 77
SECONDS = 60


def environment(**more):
    """The environment of a process on the library, with no knob from outside."""
    made = {name: value for name, value in os.environ.items() if name != "MEMS_MALLOC_CONF"}
    if os.environ.get("MEMS_MALLOC"):
        made["LD_PRELOAD"] = os.environ["MEMS_MALLOC"]
    made.update(more)
    return made


def run(command, **more):
    return subprocess.run(command, env=environment(**more), capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=SECONDS, check=False)


def cases(program):
    """Name -> its sizes, in the program's order."""
    listed = subprocess.run([program, "list"], env=environment(), capture_output=True, text=True, check=True)
    found = {}
    for line in listed.stdout.splitlines():
        name, size = line.split()
        found.setdefault(name, []).append(size)
    return found


def judge(test, program, name, size, **more):
    outcome = run([program, name, size], **more)
    said = outcome.stdout.decode().splitlines()
    expected = [line.removeprefix("expect ") for line in said if line.startswith("expect ")]
    err = outcome.stderr.decode(errors="replace")
    if outcome.returncode == SKIPPED:
        test.skipTest(" ".join(said))
    if not expected:
        test.assertEqual((outcome.returncode, err), (0, ""))
        return
    test.assertIn(err, [line + "\n" for line in expected])
    test.assertEqual(outcome.returncode, -signal.SIGABRT)


def method(program, name, sizes):
    def test(self):
        for size in sizes:
            with self.subTest(size=size):
                judge(self, program, name, size)
    return test


def suite(program):
    """A test case class of a program's cases."""
    noun = os.path.basename(program)
    tests = {f"test_{name}": method(program, name, sizes) for name, sizes in cases(program).items()}
    if not tests:
        raise SystemExit(f"{program} lists no case")
    return type(noun, (unittest.TestCase,), tests)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    for number, path in enumerate(arguments[:cut]):
        globals()[f"suite_{number}"] = suite(path)
    unittest.main(argv=[sys.argv[0], *arguments[cut + 1:]])
