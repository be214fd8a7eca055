#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# torture_table.py - the table of the torture: parts add up, an interrupted run goes on, a late read or a lost addition fails.

import csv
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TORTURE = os.path.join(HERE, "torture")
sys.dont_write_bytecode = True

# Says what the test would, of 100 reads.
PROGRAM = """#!/bin/sh
case $MEMS_TEST_SCENARIO in 0) name=segmentation;; 1) name=dynamic;; 2) name=vm-segmentation;; 3) name=vm-paging;; esac
echo "$name(a=1,b=2): 3 readers, 1 movers; 100 reads, 5 yields, moves 7 done and 1 abandoned, 4 grace periods; ages %s; additions 50, lost %d"
exit %d
"""
CLEAN = ("100" + " 0" * 10, 0, 0)


def module():
    loader = importlib.machinery.SourceFileLoader("torture", TORTURE)
    torture = importlib.util.module_from_spec(importlib.util.spec_from_loader("torture", loader))
    loader.exec_module(torture)
    return torture


class Torture(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.results = os.path.join(self.folder, "torture.csv")

    def torture(self, says, *words):
        program = os.path.join(self.folder, "program")
        with open(program, "w", encoding="utf-8") as file:
            file.write(PROGRAM % says if isinstance(says, tuple) else says)
        os.chmod(program, 0o755)
        done = subprocess.run([sys.executable, TORTURE, "--program", program, "--results", self.results, *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def rows(self):
        with open(self.results, newline="", encoding="utf-8") as file:
            return {row["policy"]: row for row in csv.DictReader(file)}

    def test_parts_add_up(self):
        status, said = self.torture(CLEAN, "--reads", "400", "--part", "100")
        self.assertEqual(status, 0, said)
        rows = self.rows()
        self.assertEqual({name: (row["parts"], row["reads"], row["age_0"], row["additions"]) for name, row in rows.items()},
                         {"segmentation": ("2", "200", "200", "100"), "dynamic": ("2", "200", "200", "100"),
                          "vm-segmentation": ("1", "100", "100", "50"), "vm-paging": ("1", "100", "100", "50")})
        self.assertEqual((rows["dynamic"]["options"], rows["dynamic"]["movers"], rows["dynamic"]["age_10"]), ("a=1,b=2", "1", "0"))

    def test_goes_on(self):
        torture = module()
        table = torture.Table(self.results, torture.COLUMNS)
        table.put("vm-paging", "", 3, 4, 2, 200, *[0] * (len(torture.SUMS) - 1), "1.0", "1234567")
        options = type("Options", (), {"program": os.path.join(self.folder, "program"), "part": 100})
        self.torture(CLEAN, "vm-segmentation", "--reads", "2000", "--part", "100") # which writes the program
        self.assertEqual(torture.torture(3, "vm-paging", 300, options, table, "1234567"), [])
        self.assertEqual((table.rows["vm-paging"]["parts"], table.rows["vm-paging"]["reads"]), ("3", "300"))
        for engine in "7654321", "7654321+": # of another commit, and of none
            self.assertEqual(torture.torture(3, "vm-paging", 100, options, table, engine), [])
            self.assertEqual(table.rows["vm-paging"]["parts"], "1")
            self.assertEqual(table.rows["vm-paging"]["engine"], engine)

    def test_what_is_wrong_fails(self):
        for says, told in ((("99 0 1" + " 0" * 8, 0, 1), "exit status 1, 1 reads of a copy given up, 0 additions lost"),
                           (("99 0 1" + " 0" * 8, 0, 0), "1 reads of a copy given up"), # whatever its status
                           ((CLEAN[0], 2, 0), "0 reads of a copy given up, 2 additions lost"),
                           ((CLEAN[0], 0, 1), "vm-paging: exit status 1, 0 reads of a copy given up, 0 additions lost")):
            status, said = self.torture(says, "vm-paging", "--reads", "2000", "--part", "100")
            self.assertEqual(status, 1, said)
            self.assertIn(told, said)
            self.assertFalse(os.path.exists(self.results)) # it is not counted
        for says in "#!/bin/sh\nexit 0\n", "#!/bin/sh\necho segmentation\nexit 1\n":
            status, said = self.torture(says, "vm-paging", "--reads", "2000")
            self.assertEqual(status, 2, said)
            self.assertIn("no account", said)

    def test_usage(self):
        self.assertEqual(self.torture(CLEAN, "paging")[0], 2)
        self.assertEqual(self.torture(CLEAN, "--reads", "10")[0], 2)


if __name__ == "__main__":
    unittest.main()
