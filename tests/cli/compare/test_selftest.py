# SPDX-License-Identifier: MIT
#
# test_selftest.py - the form of mems-stress selftest. Whether its promises are kept is not asked of
# a machine that does something else meanwhile, let alone under a sanitizer.

import json
import unittest

from stress import Case


class Selftest(Case):
    def test_aa(self):
        outcome = self.stress("selftest", "aa", "--comparisons", "2", "--repeats", "5", "--json", "-")
        document = json.loads(outcome.out)
        self.assertIn(outcome.status, (0, 2), outcome.err)
        self.assertEqual(document["exit_status"], outcome.status)
        self.assertEqual((document["schema"], document["selftest"]), ("mems-stress-selftest/1", "aa"))
        self.assertEqual((document["done"], len(document["tries"]), document["repeats"]), (2, 2, 5))
        self.assertEqual(document["alarms"], sum(t["alarm"] for t in document["tries"]))
        self.assertEqual(outcome.status, 2 if document["alarms"] > 0 else 0)  # of 2 none is allowed
        self.assertIn("alarms in 2 comparisons", outcome.err)
        for each in document["tries"]:
            self.assertLessEqual(each["low"], each["high"])

    def test_one_seed_one_order(self):
        both = [json.loads(self.stress("selftest", "aa", "--comparisons", "1", "--repeats", "5", "--seed", "7",
                                       "--target", "null", "--json", "-").out) for _ in range(2)]
        self.assertEqual(both[0]["tries"][0]["seed"], both[1]["tries"][0]["seed"])
        self.assertEqual(both[0]["target"], "null")

    def test_usage(self):
        for words, says in (
                ([], "aa or sensitivity"), (["ab"], "aa or sensitivity"), (["aa", "sensitivity"], "aa or sens"),
                (["aa", "--tries", "3"], "--comparisons"), (["sensitivity", "--comparisons", "3"], "--tries"),
                (["aa", "--repeats", "4"], "5 .. 1000"), (["aa", "--comparisons", "0"], "1 .. 100000"),
                (["aa", "--target", "nobody"], "no such kind"), (["aa", "--target", "?libc"], "in front of all"),
                (["sensitivity", "--target", "delay:1(libc)"], "add their steps up")):
            outcome = self.stress("selftest", *words)
            self.assertEqual(outcome.status, 1, (words, outcome.out, outcome.err))
            self.assertIn(says, outcome.err)


if __name__ == "__main__":
    unittest.main()
