#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_show.py - the shipped traces, step by step: the textbooks' answers, on whatever policies there are; the JSON.
#
# usage: test_show.py MEMS-STRESS TRACES

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, TRACES = sys.argv[1], sys.argv[2]


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def policies():
    """Name -> the names of its options."""
    found, options = {}, None
    for line in run("list", "policies")[1].splitlines():
        name = re.match(r"^  (\S+)", line)
        option = re.match(r"^    (\S+)", line)
        if option and options is not None:
            options.add(option.group(1))
        elif name:
            options = found.setdefault(name.group(1), set())
    del found["every"]
    return found


POLICIES = policies()


class Show(unittest.TestCase):
    maxDiff = None

    def show(self, trace, *arguments):
        status, out, err = run("trace", "show", os.path.join(TRACES, trace), "--json", "-", *arguments)
        self.assertEqual((status, err), (0, ""))
        document = json.loads(out)
        self.assertEqual(document["schema"], "mems-stress/show/1")
        return document["targets"]

    def test_compaction(self):
        movers = [name for name in ("dynamic", "segmentation")
                  if name == "segmentation" or "movable" in POLICIES[name]]
        for name in set(movers) & set(POLICIES):
            target, = self.show("compaction.trace", "--target", "mems:" + name)
            said = {step["operation"]: step for step in target["steps"]}
            self.assertEqual(said["alloc P4 150"]["text"], "at 200", name)
            moves = [(move["owner"], move["from"], move["to"]) for move in said["compact"]["moves"]]
            self.assertEqual(moves, [("P4", 200, 0), ("P3", 500, 150)], name)
            self.assertEqual(target["summary"]["moved"], 250, name)
            pieces = [(piece.get("owner"), piece["at"], piece["size"]) for piece in target["end"]["pieces"]]
            self.assertEqual(pieces, [("P4", 0, 150), ("P3", 150, 100), ("P5", 250, 400), (None, 650, 374)], name)
            self.assertEqual(target["end"]["free"], 374)

    def test_before_compaction(self):
        target, = self.show("compaction.trace")
        before = next(step["map"] for step in target["steps"] if step["operation"] == "show")
        pieces = [(piece.get("owner"), piece["at"], piece["size"]) for piece in before["pieces"]]
        self.assertEqual(pieces, [(None, 0, 200), ("P4", 200, 150), (None, 350, 150), ("P3", 500, 100),
                                  (None, 600, 424)])
        self.assertEqual((before["free"], before["holes"], before["largest_hole"]), (774, 3, 424))

    def test_partitions(self):
        target, = self.show("partitions.trace", "--target", "mems:fixed")
        said = [(step["operation"], step["outcome"], step["text"]) for step in target["steps"] if step["text"]]
        place = "partition %d, 256Ki at %s"
        self.assertEqual(said, [
            ("alloc P1", "done", place % (0, "0")),
            ("alloc P2", "done", place % (1, "256Ki")),
            ("free P1", "done", "gave back 256Ki at 0"),
            ("alloc P3", "done", place % (0, "0")),
            ("alloc P4", "done", place % (2, "512Ki")),
            ("alloc P5", "done", place % (3, "768Ki")),
            ("alloc P6", "refused", "refused: no partition is free"),
            ("free P9", "nothing", "not found: it holds nothing"),
            ("free P2", "done", "gave back 256Ki at 256Ki"),
            ("alloc P6", "done", place % (1, "256Ki")),
        ])
        self.assertEqual((target["summary"]["served"], target["summary"]["refused"]), (6, 1))

    def test_every_policy(self):
        for trace in "compaction.trace", "partitions.trace", "processes.trace":
            targets = self.show(trace, "--target", "all", "--every")
            self.assertEqual([target["target"] for target in targets], ["mems:" + name for name in POLICIES])
            for target in targets:
                allocations = [step for step in target["steps"] if step["operation"].startswith("alloc")]
                summary = target["summary"]
                self.assertEqual(summary["served"] + summary["refused"], len(allocations), target["target"])
                for step in target["steps"]:
                    here = [piece for piece in step["map"]["pieces"] if "at" in piece]
                    self.assertEqual(sum(piece["size"] for piece in here), step["map"]["memory"])
                    ends = [0] + [piece["at"] + piece["size"] for piece in here]
                    self.assertTrue(all(piece["at"] >= end for piece, end in zip(here, ends)), step)
                    free = sum(piece["size"] for piece in here if piece["what"] == "hole")
                    self.assertEqual(free, step["map"]["free"], step)

    def test_drawn_in_80_columns(self):
        for trace in "compaction.trace", "partitions.trace", "processes.trace":
            status, out, err = run("trace", "show", os.path.join(TRACES, trace), "--target", "all", "--every")
            self.assertEqual((status, err), (0, ""))
            # What a step says, and the options, are as long as they are.
            wide = [line for line in out.splitlines()
                    if len(line) > 80 and not re.match(r"  opened with| +\d+  .* -> ", line)]
            self.assertEqual(wide, [])
            table = out[out.rindex("\npolicy "):].splitlines()[2:]
            self.assertEqual([line.split()[0] for line in table], ["mems:" + name for name in POLICIES])

    def test_file_beside_the_drawing(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "show.json")
            trace = os.path.join(TRACES, "compaction.trace")
            status, out, _ = run("trace", "show", trace, "--json", path)
            self.assertEqual(status, 0)
            self.assertIn("alloc P1 200 -> at 0\n", out)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(json.load(file)["trace"], trace)


unittest.main(argv=sys.argv[:1])
