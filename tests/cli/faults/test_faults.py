#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_faults.py - mems-stress faults on the shipped reference strings: the textbooks' counts, in each form of output.
#
# usage: test_faults.py MEMS-STRESS REFERENCES

import json
import os
import re
import subprocess
import sys
import unittest

PROGRAM, REFERENCES = sys.argv[1], sys.argv[2]


def run(*arguments, text=None):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, input=text or "", check=False)
    return done.returncode, done.stdout, done.stderr


# What the sources of the strings print: file, algorithm, frames from .. on, faults.
COUNTS = [
    ("silberschatz.txt", "fifo", 3, [15, 10]),
    ("silberschatz.txt", "lru", 3, [12, 8]),
    ("silberschatz.txt", "opt", 3, [9, 8]),
    ("silberschatz.txt", "clock", 3, [14]),
    ("silberschatz.txt", "clock0", 3, [11]),
    ("belady.txt", "fifo", 3, [9, 10]),
    ("belady.txt", "lru", 3, [10, 8]),
    ("belady.txt", "opt", 3, [7, 6]),
    ("belady.txt", "clock", 3, [9, 10]),
    ("stallings.txt", "opt", 3, [6]),
    ("stallings.txt", "lru", 3, [7]),
    ("stallings.txt", "fifo", 3, [9]),
    ("stallings.txt", "clock", 3, [8]),
    ("stallings.txt", "clock0", 3, [6]),
    ("sweep.txt", "lru", 1, [20, 18, 15, 10, 8, 7, 7]),
    ("sweep.txt", "fifo", 1, [20, 18, 16, 14, 10, 10, 7]),
    ("sweep.txt", "opt", 1, [20, 15, 11, 8, 7, 7, 7]),
]
# Two strings of policies' case 5, from standard input.
TYPED = [
    ("7 2 3 1 2 5 3 4 6 7 7 1 0 5 4 6 2 3 0 1", 3, {"lru": 18, "fifo": 17, "opt": 13}),
    ("0 1 7 2 3 2 7 1 0 3", 4, {"fifo": 6, "lru": 7}),
]


class Faults(unittest.TestCase):
    maxDiff = None

    def rows(self, *arguments, text=None):
        status, out, err = run("faults", *arguments, "--csv", text=text)
        self.assertEqual((status, err), (0, ""))
        lines = out.splitlines()
        self.assertEqual(lines[0], "algorithm,frames,faults")
        return [tuple(line.split(",")) for line in lines[1:]]

    def test_counts(self):
        for name, algorithm, first, faults in COUNTS:
            frames = [str(first + i) for i in range(len(faults))]
            rows = self.rows(os.path.join(REFERENCES, name), "--frames", ",".join(frames), "--replacement", algorithm)
            self.assertEqual(rows, [(algorithm, *pair) for pair in zip(frames, map(str, faults))], name)

    def test_typed(self):
        for text, frames, counts in TYPED:
            rows = self.rows("-", "--frames", str(frames), "--replacement", ",".join(counts), text=text)
            self.assertEqual(rows, [(name, str(frames), str(count)) for name, count in counts.items()])

    def test_working_set(self):
        path = os.path.join(REFERENCES, "working-set.txt")
        with open(path, encoding="utf-8") as file:
            pages = re.sub(r"#.*", "", file.read()).split()
        faults = sum(page not in pages[max(0, i - 10):i] for i, page in enumerate(pages))
        self.assertEqual(self.rows(path, "--replacement", "ws:10"), [("ws:10", "-", str(faults))])

    def test_all_by_default(self):
        rows = self.rows(os.path.join(REFERENCES, "sweep.txt"), "--frames", "3,7")
        self.assertEqual(len(rows), 28)
        self.assertEqual(len({row[0] for row in rows}), 14)
        self.assertTrue(all(int(faults) == 7 for _, frames, faults in rows if frames == "7"), rows)

    def test_forms(self):
        arguments = ["faults", os.path.join(REFERENCES, "belady.txt"), "--frames", "3,4", "--replacement", "fifo,pff:2"]
        status, out, _ = run(*arguments, "--json", "-")
        self.assertEqual(status, 0)
        document = json.loads(out)
        self.assertEqual((document["schema"], document["references"], document["pages"]),
                         ("mems-stress/faults/1", 12, 5))
        self.assertEqual([(row["algorithm"], row["frames"]) for row in document["rows"]],
                         [("fifo", 3), ("fifo", 4), ("pff:2", None)])
        self.assertEqual([row["faults"] for row in document["rows"]][:2], [9, 10])
        status, out, _ = run(*arguments)
        self.assertEqual(status, 0)
        self.assertIn("12 references to 5 pages\n", out)
        self.assertRegex(out, r"\nfifo +3 +9 +75\.00\n")
        self.assertRegex(out, r"\npff:2 +- +\d+ ")


if not re.search(r"^  vm-paging ", run("list", "policies")[1], re.MULTILINE):
    print("this engine has no policy vm-paging")
    sys.exit(77)
unittest.main(argv=sys.argv[:1])
