#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_outputs.py - what is told of outputs, and that drivers which lie about theirs are found: on a full disk, in a
# folder that vanishes, killed.

import json
import os
import random
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import commands  # noqa: E402
import damage  # noqa: E402
import kills  # noqa: E402
import outputs  # noqa: E402
from ground import STRESS, Fault, Skip  # noqa: E402
from outputs import OLD, State  # noqa: E402

CELLS = [{"id": "one/libc/0", "section": "one", "target": "libc", "verdict": "pass", "metrics": {"rate": 7.5}, "report": {"a": 1}},
         {"id": "one/null/0", "section": "one", "target": "null", "verdict": "pass", "metrics": {"rate": 2}, "report": {"a": 2}}]


def result(cells, **more):
    return json.dumps({"schema": "mems-stress/1", "verdict": "pass", "exit_status": 0, "cells": cells, **more}).encode()


def page(*documents):
    return ("<html>" + "".join('<script type="application/json" class="document" data-name="%d">%s</script>' % (i, text.decode())
                               for i, text in enumerate(documents)) + "</html>\n").encode()


JUNIT = (b'<testsuites><testsuite name="one" timestamp="1"><testcase name="libc" classname="job"/>'
         b'<testcase name="null" classname="job"/></testsuite></testsuites>\n')
CSV = b"section,target,repeat,verdict,rate\none,libc,0,pass,7\none,null,0,pass,8\n"

# The end of a name, a whole output, others that are whole where figures differ, and some that are not.
SAMPLES = [
    ("r.json", result(CELLS), [result([{**cell, "metrics": {"rate": 9}} for cell in CELLS])],
     [b"ha", b"{}", b"", b"[]", result([]), result(CELLS[:1]), result(CELLS)[:-1], result([CELLS[0], {**CELLS[1], "verdict": "failed"}]),
      result([CELLS[0], {**CELLS[1], "metrics": {}}]), result([CELLS[0], {**CELLS[1], "report": {}}]),
      result([{"id": cell["id"]} for cell in CELLS]), result(CELLS, verdict="failed")]),
    ("r.csv", CSV, [CSV.replace(b"7", b"9")],
     [b"", b"a,b\n", b"\n", CSV[:-1], CSV.splitlines(True)[0], CSV[:CSV.index(b"one,null")], CSV.replace(b"pass,8", b"failed,8"),
      CSV + b"one,x"]),
    ("r.xml", JUNIT, [JUNIT.replace(b'"1"', b'"2"')],
     [b"", b"ha", b"<testsuites></testsuites>", JUNIT[:-8], JUNIT.replace(b'<testcase name="null" classname="job"/>', b""),
      JUNIT.replace(b'"job"/></testsuite>', b'"job"><failure/></testcase></testsuite>')]),
    ("r.html", page(result(CELLS)), [page(result([{**cell, "metrics": {"rate": 1}} for cell in CELLS]))],
     [b"", b"ha", b"<html></html>", page(result(CELLS))[:-9], page(result(CELLS[:1])), page(b"{}"), page(result(CELLS), result(CELLS))]),
    ("r.jsonl", result(CELLS) + b"\n" + result(CELLS) + b"\n", [result(CELLS) + b"\n" + result(CELLS) + b"\n"],
     [b"", b"ha\n", result(CELLS) + b"\n", (result(CELLS) + b"\n") * 2 + b"{", result(CELLS) + b"\n" + result(CELLS)[:-4] + b"\n"]),
]
SAMPLES_EXACT = [("fit.out", b"a whole one\n", [b"ha", b"", b"a whole one", b"a whole one\n\n"])]


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="mems-outputs-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def put(self, name, content):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(content)

    def command(self, name, **more):
        return commands.Command("x", ["x"], [name], **more)


class Examine(Folder):
    """One output of each kind: whole ones, halves, what was there before."""

    def state(self, command, content, plain, status, was=OLD):
        name = command.outputs[0]
        if content is None:
            os.unlink(os.path.join(self.folder, name))
        else:
            self.put(name, content)
        return outputs.examine(command, self.folder, plain, status, was)[name]

    def refused(self, *arguments):
        with self.assertRaises(Fault, msg=repr(arguments[1:3])):
            self.state(*arguments)

    def test_each_kind(self):
        for name, good, others, halves in SAMPLES:
            command = self.command(name, exact=False)
            self.put(name, good)
            plain = outputs.Plain(command, self.folder)
            for whole in good, *others:
                self.assertEqual(self.state(command, whole, plain, 0), State.WHOLE, name)
            for half in halves:
                self.refused(command, half, plain, 0)

    def test_exact(self):
        for name, good, halves in [*SAMPLES_EXACT, *[(name, good, halves) for name, good, _, halves in SAMPLES]]:
            command = self.command(name)
            self.put(name, good)
            plain = outputs.Plain(command, self.folder)
            for status in 0, 1, 7, None:
                self.assertEqual(self.state(command, good, plain, status), State.WHOLE)
                for half in halves:
                    self.refused(command, half, plain, status)

    def test_what_was(self):
        command = self.command("r.json", exact=False)
        self.put("r.json", result(CELLS))
        plain = outputs.Plain(command, self.folder)
        for status in 7, 1, None:
            self.assertEqual(self.state(command, OLD, plain, status), State.OLD)
            self.assertEqual(self.state(command, None, plain, status, None), State.ABSENT)
            self.put("r.json", b"")
            self.refused(command, None, plain, status, OLD)      # the old one is gone
            self.refused(command, OLD, plain, status, None)      # it was not there
        self.refused(command, OLD, plain, 0)
        self.refused(command, None, plain, 0, None)

    def test_another_verdict_only_with_another_status(self):
        """A cell that was killed is told, and all the others are there."""
        command = self.command("r.json", exact=False)
        self.put("r.json", result(CELLS))
        plain = outputs.Plain(command, self.folder)
        crashed = result([CELLS[0], {**CELLS[1], "verdict": "crashed"}], verdict="failed")
        self.assertEqual(self.state(command, crashed, plain, 3), State.WHOLE)
        self.refused(command, crashed, plain, 0)
        self.refused(command, crashed, plain, None)
        self.refused(command, result(CELLS[:1], verdict="failed"), plain, 3)

    def test_what_passes_has_had_all_of_it(self):
        """A cell that was ended early says so: it does not pass with fewer schedules than without a fault."""
        command, cells = self.command("x.json", exact=False), [{**cell, "schedules": 20} for cell in CELLS]
        self.put("x.json", result(cells))
        plain = outputs.Plain(command, self.folder)
        stuck = result([{**cells[0], "schedules": 3, "verdict": "stuck"}, cells[1]])
        self.assertEqual(self.state(command, stuck, plain, 3), State.WHOLE)
        self.refused(command, stuck, plain, 0)
        self.refused(command, stuck, plain, None)
        for status in 0, 3, None:
            self.refused(command, result([{**cells[0], "schedules": 3}, cells[1]]), plain, status)
            self.refused(command, result([cells[0], {**cells[1], "id": "two/null/0"}]), plain, status)

    def test_nothing_known_is_not_whole(self):
        """Neither bytes nor a shape to compare: that cannot pass."""
        command = self.command("x.unknown", exact=False)
        self.put("x.unknown", b"something")
        plain = outputs.Plain(command, self.folder)
        self.refused(command, b"something", plain, 0)

    def test_a_plain_one_that_is_half(self):
        for content in b"{}", b"ha", OLD:
            self.put("r.json", content)
            with self.assertRaises(Fault):
                outputs.Plain(self.command("r.json", exact=False), self.folder)

    def test_trace(self):
        text = b"alloc 0 a 64\nalloc 0 b 128\nfree 0 a\nfree 0 b\n"
        shutil.copy(os.path.join(HERE, os.pardir, os.pardir, "stress", "jobs", "traces", "compaction.trace"),
                    os.path.join(self.folder, "t.trace"))
        run = damage.stress(self.folder, ["trace", "binary", "t.trace", "-o", "r.mtrace"], "traces")
        self.assertEqual(run.returncode, 0, run.stderr)
        command = self.command("r.mtrace", exact=False)
        plain = outputs.Plain(command, self.folder)
        with open(os.path.join(self.folder, "r.mtrace"), "rb") as file:
            content = file.read()
        self.assertEqual(self.state(command, content, plain, 0), State.WHOLE)
        for half in b"", b"ha", text, content[:-1], content[:len(content) // 2]:
            self.refused(command, half, plain, 7)


# Of an honest driver until it has run so many times; then one that leaves half and says 0.
LIAR = """#!/bin/sh
runs=$(cat "$0.runs" 2>/dev/null)
echo "$((${runs:-0} + 1))" > "$0.runs"
[ "${runs:-0}" -lt HONEST ] && content='a whole new one' || content=ha
for word in "$@"; do case "$word" in *fit.out) LIE;; esac; done
exit 0
"""
HALF = 'printf "%s" "$content" > "$word" || exit 7'
NOTHING = '[ "$content" = ha ] || ' + HALF


class Place:
    """What the rows want of a ground."""

    def __init__(self, folder):
        self.made, self.count = folder, 0

    def folder(self):
        self.count += 1
        path = os.path.join(self.made, "%d" % self.count)
        os.mkdir(path)
        return path


class Lies(Folder):
    """Fake drivers; each row that looks at outputs must find them."""

    def liar(self, honest, lie=HALF, before=""):
        path = os.path.join(self.folder, "liar")
        with open(path, "w", encoding="ascii") as file:
            file.write(LIAR.replace("LIE", lie).replace("HONEST", "%d" % honest).replace("exit 0", before + "\nexit 0"))
        os.chmod(path, 0o755)
        return commands.Command("fit", ["fit", "fit.out"], ["fit.out"], program=path)

    def found(self, row, most, words):
        try:
            with self.assertRaisesRegex(Fault, words):
                row(Place(self.folder), random.Random(1), most)
        except Skip as skip:
            self.skipTest(str(skip))

    def writers(self, *commands_):
        self.addCleanup(setattr, damage, "WRITERS", damage.WRITERS)
        damage.WRITERS = list(commands_)

    def test_full_disk(self):
        self.writers(self.liar(1))
        self.found(damage.full_disk, 16, "fit.out is neither")

    def test_full_disk_nothing_written(self):
        self.writers(self.liar(1, NOTHING))
        self.found(damage.full_disk, 16, "status 0, and fit.out is as it was")

    def test_files_may_not_grow(self):
        self.writers(self.liar(1))
        self.found(damage.limited([1 << 16], damage.file_size), 1, "fit.out is neither")

    def test_few_descriptors(self):
        self.writers(self.liar(1))
        self.found(damage.limited([20], damage.descriptors), 1, "fit.out is neither")

    def test_the_status_of_the_loader(self):
        """It is the loader's with the loader's words and no output; where a driver ends so by itself, it is a fault."""
        second = '[ "${runs:-0}" -lt 1 ] || { echo "%s" >&2; exit 127; }'
        for words, wrong in ("liar: why", "status 127: liar: why"), (
                "liar: error while loading shared libraries: libm.so.6: why", "it has not been loaded, and has an output"):
            self.setUp()
            self.writers(self.liar(99, before=second % words))
            self.found(damage.limited([20], damage.descriptors), 1, wrong)

    def test_folder_vanishes(self):
        self.found(damage.folder_vanishes(self.liar(3, before="sleep 0.01")), 40, "fit.out is neither")

    def test_folder_vanishes_with_it_all(self):
        """Done before the folder goes, with status 0, and nothing there."""
        self.found(damage.folder_vanishes(self.liar(3, NOTHING)), 40, "status 0, and fit.out is absent")

    def test_killed(self):
        self.found(kills.driver_killed(self.liar(3, before="sleep 0.01")), 40, "fit.out is neither")

    def test_next_after_a_kill(self):
        command = self.liar(1)
        kills.run(self.folder, command)
        plain = outputs.Plain(command, self.folder)
        with self.assertRaisesRegex(Fault, "fit.out is neither"):
            kills.next_works(self.folder, command, plain)


class Record(Folder):
    def test_no_room_for_the_end(self):
        """A trace without its end is told by the status, and is a legal one."""
        folder, limit = self.folder, 64 << 10
        what, keywords = damage.file_size(limit)
        program = [sys.executable, "-S", "-c", "x = [bytes(600 + i) for i in range(30000)]"]
        done = damage.stress(folder, ["record", "-o", "r.mtrace", "--", *program], "limit", **keywords)
        self.assertEqual(done.returncode, 7, what + done.stderr.decode())
        self.assertIn(b"STOPPED EARLY", done.stderr)
        checked = damage.stress(folder, ["trace", "check", "r.mtrace"], "check")
        self.assertEqual(checked.returncode, 0, checked.stderr)


if __name__ == "__main__":
    if not os.path.exists(STRESS):
        sys.exit("no %s: build it first" % STRESS)
    unittest.main()
