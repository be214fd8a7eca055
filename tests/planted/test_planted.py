#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_planted.py - whether a fuzzer has seen its bug, from what it says; and that the committed table is whole.

import csv
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True


def module():
    loader = importlib.machinery.SourceFileLoader("planted_run", os.path.join(HERE, "run"))
    run = importlib.util.module_from_spec(importlib.util.spec_from_loader("planted_run", loader))
    loader.exec_module(run)
    return run


RUN = module()
STATS = "stat::number_of_executed_units: 140\n"
DEADLY = "==7== ERROR: libFuzzer: deadly signal\n    #5 0x55 in law /x/tests/property/law.c:12:3\nSUMMARY: libFuzzer: deadly signal\n"
KEPT = "\nkept: /x/crash-1\nagain: /x/fuzz-slab /x/crash-1\n"


class Verdict(unittest.TestCase):
    def test_what_sees_a_bug(self):
        for said, seen in (("0x1 != 0x2\n[   LINE   ] --- /x/tests/property/law.h:7: error: Failure!" + DEADLY, "the law"),
                           ("/x/tests/property/law_slab.h:70: not so: a == b: 1\n" + DEADLY, "the law"),
                           ("/x/tests/property/family.h:70: block == NULL: malloc\n" + DEADLY, "the law"),
                           ("mems-malloc: free(0x10): not a block\n" + DEADLY, "the law"),
                           ("SUMMARY: AddressSanitizer: stack-buffer-overflow /x/a.c:3:4 in f\n", "AddressSanitizer stack-buffer-overflow"),
                           ("SUMMARY: AddressSanitizer: SEGV /x/a.c:3:4 in f\n", "AddressSanitizer SEGV"),
                           ("SUMMARY: AddressSanitizer: 24 byte(s) leaked in 1 allocation(s).\n", "AddressSanitizer leak"),
                           ("SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior /x/a.c\n",
                            "UndefinedBehaviorSanitizer undefined-behavior"),
                           ("SUMMARY: libFuzzer: timeout\n", "libFuzzer timeout"),
                           ("SUMMARY: libFuzzer: out-of-memory\n", "libFuzzer out-of-memory")):
            self.assertEqual(RUN.verdict(1, said + STATS + KEPT), (seen, 140), said)
        self.assertEqual(RUN.verdict(0, STATS), (None, 140)) # it has run to its end

    def test_what_is_no_fuzzing(self):
        law = "[   LINE   ] --- /x/tests/property/law.h:7: error: Failure!" + DEADLY
        for status, said in ((1, "fuzz-slab: No such file or directory\n"),
                             (1, "INFO: seed corpus\nstat::number_of_executed_units: 0\nfuzz-slab has tried nothing\n"),
                             (0, ""), (0, "stat::number_of_executed_units: 0\n"),
                             (1, law + KEPT),              # before it has tried an input
                             (1, law + STATS),             # of no input
                             (1, DEADLY + STATS + KEPT),   # it died, and nobody knows of what
                             (1, STATS),                   # something else of run.py
                             (1, "mems-malloc: MEMS_MALLOC_CONF: no key 'a'\n" + DEADLY + STATS + KEPT)):
            with self.assertRaises(RUN.Failed, msg=said):
                RUN.verdict(status, said)


class Gaps(unittest.TestCase):
    def gaps(self, names, *rows):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "planted.csv")
            with open(path, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(RUN.COLUMNS)
                writer.writerows((name, seen, "0.1", 5, "a bug", sources) for name, seen, sources in rows)
            return list(RUN.gaps(set(names), path))

    def test_what_is_missing_is_told(self):
        self.assertEqual(self.gaps("ab", ("a", "the law", "1234567"), ("b", "x == y", "1234567")), [])
        self.assertEqual(self.gaps("ab", ("a", "the law", "1234567")), ["planted.csv: no row for b"])
        self.assertEqual(self.gaps("a", ("a", "nobody", "1234567")), ["planted.csv: a: seen by nobody"])
        self.assertEqual(self.gaps("a", ("a", "", "1234567")), ["planted.csv: a: seen by nobody"])
        self.assertEqual(self.gaps("a", ("a", "the law", "1234567+")), ["planted.csv: a: '1234567+' is no commit"])
        self.assertEqual(self.gaps("a", ("a", "the law", "")), ["planted.csv: a: '' is no commit"])
        self.assertEqual(self.gaps("", ("c", "the law", "1234567")), ["planted.csv: a row for c, which is no bug"])

    def test_the_committed_table(self):
        names = {bug.name for bug in RUN.everyone()}
        self.assertEqual(list(RUN.gaps(names, os.path.join(RUN.ROOT, "results", "planted.csv"))), [])


if __name__ == "__main__":
    unittest.main()
