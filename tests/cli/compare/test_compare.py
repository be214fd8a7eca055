# SPDX-License-Identifier: MIT
#
# test_compare.py - mems-stress compare from outside, with results made by hand.

import json
import re
import unittest

from made import cells, document, section
from stress import Case, words


class Compare(Case):
    def result(self, name, made):
        return self.write(name, json.dumps(made))

    def compare(self, a, b, *arguments):
        """Both as documents; the outcome with the comparison as its document."""
        out = self.path("comparison.json")
        outcome = self.stress("compare", self.result("a.json", a), self.result("b.json", b), *arguments,
                              "--json", out)
        self.assertLessEqual(max(len(line) for line in (outcome.out or "-").splitlines()), 100 + len(self.path("")))
        with open(out) as file:
            outcome.document = json.load(file)
        return outcome

    def verdicts(self, outcome):
        return {row["metric"]: row["verdict"] for row in outcome.document["rows"]}

    def test_pass(self):
        outcome = self.compare(document(cells()), document(cells(ops_per_second=0.99)))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertEqual(outcome.err, "")
        self.assertEqual(set(self.verdicts(outcome).values()), {"pass"})
        self.assertNotIn("free_p99_ns", self.verdicts(outcome))  # neither side knows it
        self.assertEqual(outcome.document["schema"], "mems-stress-comparison/1")
        self.assertEqual(outcome.document["judged"], 5)
        self.assertIn("comparison: 5 pass", outcome.out)

    def test_regressed(self):
        outcome = self.compare(document(cells()), document(cells(ops_per_second=0.9)))
        self.assertEqual(outcome.status, 4)
        self.assertEqual(self.verdicts(outcome)["ops_per_second"], "regressed")
        self.assertEqual(self.verdicts(outcome)["cpu_ns_per_op"], "pass")
        row = [r for r in outcome.document["rows"] if r["metric"] == "ops_per_second"][0]
        self.assertAlmostEqual(row["ratio"], 0.9, 3)
        self.assertLess(row["low"], 0.9)
        self.assertLess(row["high"], 0.95)
        self.assertLessEqual(row["p"], row["p_holm"])
        self.assertEqual(row["effect"], -1)
        self.assertEqual((row["unit"], row["repeats_a"], row["repeats_b"]), ("ops/s", 8, 8))

    def test_direction_and_threshold(self):
        a, b = document(cells()), document(cells(ops_per_second=1.1, rss_peak_bytes=1.1))
        outcome = self.compare(a, b)
        self.assertEqual(outcome.status, 4)
        self.assertEqual(self.verdicts(outcome)["ops_per_second"], "improved")
        self.assertEqual(self.verdicts(outcome)["rss_peak_bytes"], "regressed")
        for option in ("--max-regression", "--threshold"):
            self.assertEqual(self.compare(a, b, option, "15%").status, 0)
        self.assertEqual(self.compare(a, b, "--metric", "ops_per_second").status, 0)
        self.assertEqual(self.compare(a, b, "--metric", "alloc_p99_ns", "--metric", "alloc_p99_ns").document["judged"], 1)

    def test_inconclusive(self):
        wide = cells()
        for i, cell in enumerate(wide):
            cell["metrics"]["ops_per_second"] *= 0.8 if i % 2 else 1.1
        outcome = self.compare(document(cells()), document(wide))
        self.assertEqual(outcome.status, 0)
        self.assertEqual(self.verdicts(outcome)["ops_per_second"], "inconclusive")
        self.assertIn("holds the threshold", outcome.out)
        self.assertEqual(self.compare(document(cells()), document(wide), "--fail-inconclusive").status, 5)

    def test_too_few(self):
        outcome = self.compare(document(cells(repeats=3)), document(cells(repeats=8)), "--fail-inconclusive")
        self.assertEqual(outcome.status, 5)
        self.assertEqual(set(self.verdicts(outcome).values()), {"inconclusive"})
        self.assertIn("3 repeats a side, 5 are the least", outcome.out)
        self.assertIsNone(outcome.document["rows"][0]["p"])

    @words
    def test_a_reason_is_told_once(self):
        """A hundred pairs of too few repeats: a line a row, 80 columns, and why in one place."""
        targets = ["target-%d" % number for number in range(100)]
        a = document([cell for target in targets for cell in cells(target=target, repeats=3)])
        out = self.compare(a, a, "--metric", "ops_per_second", "--metric", "cpu_ns_per_op").out
        self.assertEqual(out.count("5 are the least"), 1)
        self.assertIn("\n1: 200 rows: 3 repeats a side, 5 are the least", out)
        self.assertEqual(len(re.findall(r"^  ops_per_second .* inconclusive 1$", out, re.MULTILINE)), 100)
        table = out.split("\n", 2)[2]  # behind the files' names
        self.assertLessEqual(max(map(len, table.splitlines())), 80)
        self.assertLess(len(out.splitlines()), 520)

    def test_unsteady(self):
        outcome = self.compare(document(cells()), document(cells(verdict="unsteady", ops_per_second=0.5)))
        self.assertEqual(outcome.status, 0)
        self.assertEqual(self.verdicts(outcome)["ops_per_second"], "inconclusive")

    def test_refused(self):
        crashed = cells()
        crashed[3].update(verdict="crashed", metrics=None)
        del crashed[3]["metrics"]
        for made, says in (
                (document(cells(), [section(workload_version=1)]), "version 2 in A, 1 in B"),
                (document(cells(), [section(threads=1)]), "threads are 2 in A, 1 in B"),
                (document(cells(), [section(values={"size": "64", "touch": "first"})]), 'size is "16-64" in A, "64" in B'),
                (document(cells(target="null")), "only in A"),
                (document(crashed), "repeat 3 of B: crashed"),
                (document(cells(verdict="incomplete")), "repeat 0 of B: incomplete")):
            outcome = self.compare(document(cells()), made)
            self.assertEqual(outcome.status, 1, says)
            self.assertIn("refused: [churn]", outcome.out)
            self.assertIn(says, outcome.out)
            self.assertEqual(outcome.document["refused"], 1)
            self.assertEqual(outcome.document["rows"], [])
            self.assertIn(says, [n for n in outcome.document["notes"] if n["refused"]][0]["reason"])

    def test_what_differs_and_may(self):
        other = section(values={"size": "16-64", "seed": "9", "repeats": "5", "touch": "first", "verify": "1"})
        self.assertEqual(self.compare(document(cells()), document(cells(repeats=6), [other])).status, 0)

    def test_unreadable(self):
        good = self.result("good.json", document(cells()))
        bad = document(cells())
        bad["cells"][2]["metrics"]["ops_per_second"] = "fast"
        missing = document(cells())
        del missing["job"]["sections"][0]["threads"]
        lost = document(cells(section="lost"))
        negative = document(cells())
        negative["cells"][0]["metrics"]["rss_peak_bytes"] = -1
        odd = document(cells())
        odd["cells"][1]["verdict"] = "good"
        for text, says in (
                (json.dumps(bad), "cells[2].metrics.ops_per_second: a number or null is wanted"),
                (json.dumps(missing), "job.sections[0].threads: a whole number"),
                (json.dumps(lost), "cells[0].section: the name of one of job.sections"),
                (json.dumps(negative), "cells[0].metrics.rss_peak_bytes: a number from 0 on"),
                (json.dumps(odd), "cells[1].verdict: pass, failed"),
                (json.dumps({"schema": "mems-stress/9"}), 'schema "mems-stress/9"'),
                (json.dumps({"benchmarks": []}), "no benchmark in it"),
                (json.dumps({"benchmark": []}), "no result of mems-stress"),
                (json.dumps([]), "no result of mems-stress"),
                ('{"schema":', "bad.json:1:"),
                ("", "bad.json:")):
            for order in (0, 1):
                pair = [good, self.write("bad.json", text)]
                outcome = self.stress("compare", *(pair[::-1] if order else pair))
                self.assertEqual(outcome.status, 1)
                self.assertEqual(outcome.out, "")
                self.assertIn(says, outcome.err)
                self.assertIn("bad.json", outcome.err)
        for path in ("nowhere.json", "."):
            outcome = self.stress("compare", good, path)
            self.assertEqual(outcome.status, 1)
            self.assertIn("cannot read %s" % path, outcome.err)

    def test_targets(self):
        made = document(cells() + cells(target="mems:dynamic(fit=best,arenas=2)", cpu_ns_per_op=1.2))
        # What they have in common, a machine that slows down, does not hide it.
        for cell in made["cells"]:
            cell["metrics"]["cpu_ns_per_op"] *= 1 + cell["repeat"] / 4
        path = self.result("a.json", made)
        both = "libc,mems:dynamic(fit=best,arenas=2)"
        outcome = self.stress("compare", path, "--targets", both, "--json", "-")
        self.assertEqual(outcome.status, 4)
        comparison = json.loads(outcome.out)  # nothing else is on its stream
        self.assertIn("comparison:", outcome.err)
        row = [r for r in comparison["rows"] if r["metric"] == "cpu_ns_per_op"][0]
        self.assertEqual((row["verdict"], row["paired"], row["effect"]), ("regressed", True, 1))
        self.assertAlmostEqual(row["ratio"], 1.2, 6)
        for words in (["--targets", "libc"], ["--targets", "libc,"], ["--targets", "a,b,c"],
                      ["--targets", "libc,nobody"], [path, "--targets", both]):
            outcome = self.stress("compare", path, *words)
            self.assertEqual(outcome.status, 1)
            self.assertIn("compare:", outcome.err)

    def test_usage(self):
        good = self.result("good.json", document(cells()))
        for words, says in (
                ([], "0 results"), ([good], "1 result"), ([good, good, good], "3 results"),
                ([good, good, "--metric", "ops_per_secund"], 'did you mean "ops_per_second"'),
                ([good, good, "--metric", "huge_share"], "what can be judged: ops_per_second, cpu_ns_per_op"),
                ([good, good, "--max-regression", "5"], "5% or 0.05"),
                ([good, good, "--max-regression", "x"], "5% or 0.05"),
                ([good, good, "--alpha", "-1"], "5% or 0.05"),
                ([good, good, "--alpha", "0"], "above 0"),
                ([good, good, "--max-regression"], "wants"),
                ([good, good, "--max-regresion", "5%"], "did you mean --max-regression")):
            outcome = self.stress("compare", *words)
            self.assertEqual(outcome.status, 1, words)
            self.assertIn(says, outcome.err)
        outcome = self.stress("compare", good, good, "--json", "/dev/full")
        self.assertEqual(outcome.status, 7)

    def test_many_at_once(self):
        """A row among many needs more repeats, and is told how many."""
        names = ["section %d" % i for i in range(12)]
        sections = [section(name) for name in names]
        a = document([cell for name in names for cell in cells(name, repeats=5)], sections)
        b = document([cell for name in names for cell in cells(name, repeats=5, ops_per_second=0.5)], sections)
        outcome = self.compare(a, b)
        self.assertEqual(outcome.status, 0)
        self.assertIn("among 12 comparisons: 6 could", " ".join(outcome.out.split()))
        for document_ in (a, b):
            document_["cells"] = [dict(cell, repeat=cell["repeat"] + 5 * part, metrics={
                name: value * (1 + part * 1e-5) for name, value in cell["metrics"].items()})
                                  for cell in document_["cells"] for part in range(2)]
        self.assertEqual(self.compare(a, b).status, 4)

    def test_zero_and_null(self):
        a, b = document(cells()), document(cells())
        for cell in a["cells"]:
            cell["metrics"].update(refused_share=0, external_share=None)
        for cell in b["cells"]:
            cell["metrics"].update(refused_share=0.5, external_share=None)
        outcome = self.compare(a, b, "--metric", "refused_share", "--metric", "external_share")
        self.assertEqual(outcome.status, 4)
        self.assertEqual(self.verdicts(outcome), {"refused_share": "regressed"})
        row = outcome.document["rows"][0]
        self.assertEqual((row["ratio"], row["from_zero"]), (None, True))
        self.assertRegex(outcome.out, r"refused_share +0 +0.5 +inf +inf +inf")
        self.assertIn("external_share is not known", outcome.out)
        for cell in b["cells"]:  # less than anybody would act on
            cell["metrics"].update(refused_share=0.005)
        self.assertEqual(self.compare(a, b, "--metric", "refused_share").status, 0)

    def test_no_operations_at_all(self):
        b = document(cells(ops_per_second=0))
        outcome = self.compare(document(cells()), b)
        self.assertEqual(outcome.status, 4)
        row = [r for r in outcome.document["rows"] if r["metric"] == "ops_per_second"][0]
        self.assertEqual((row["verdict"], row["ratio"], row["from_zero"]), ("regressed", 0, False))

    def test_lost(self):
        b = document(cells())
        for cell in b["cells"]:
            cell["metrics"]["cpu_ns_per_op"] = None
        outcome = self.compare(document(cells()), b)
        self.assertEqual((outcome.status, outcome.document["refused"]), (1, 1))
        self.assertIn("cpu_ns_per_op is known in all of A, and in 0 of 8 cells of B", " ".join(outcome.out.split()))

    def test_tenfold(self):
        """2 sections x 3 targets x 5 repeats are enough for what nobody can overlook."""
        made = []
        for slow in (1, 0.1):
            made.append(document([cell for name in "ab" for target in ("libc", "null", "mems:dynamic")
                                  for cell in cells(name, target, repeats=5, ops_per_second=slow)],
                                 [section("a"), section("b")]))
        outcome = self.compare(*made)
        self.assertEqual(outcome.status, 4)
        self.assertEqual(outcome.document["regressed"], 6)
        self.assertEqual({row["family"] for row in outcome.document["rows"]}, {6})

    def test_latency(self):
        outcome = self.compare(document(cells()), document(cells(alloc_p99_ns=10)))
        self.assertEqual(outcome.status, 4)
        self.assertEqual(self.verdicts(outcome)["alloc_p99_ns"], "regressed")

    def test_files(self):
        def one(text, **file):
            values = {"size": "16-64", "distribution": text}
            return document(cells(), [section(values=values, files={"distribution": file})])
        a = one("d.txt", path="/one/d.txt", sha256="a" * 64)
        self.assertEqual(self.compare(a, one("e.txt", path="/two/e.txt", sha256="a" * 64)).status, 0)
        outcome = self.compare(a, one("d.txt", path="/one/d.txt", sha256="b" * 64))
        self.assertEqual(outcome.status, 1)
        self.assertIn("refused: [churn]: the file of distribution is another", outcome.out)
        outcome = self.compare(a, one("d.txt", path="/one/d.txt", sha256=None))
        self.assertEqual(outcome.status, 0)
        self.assertIn("note: [churn]: whether the file of distribution is the same is unknown", outcome.out)
        self.assertEqual([n["kind"] for n in outcome.document["notes"]], ["note"])
        outcome = self.stress("compare", self.path("a.json"), self.result("c.json", one("d", path=1, sha256=None)))
        self.assertIn("job.sections[0].files.distribution.path: a text is wanted", outcome.err)

    def test_missing_section(self):
        both = document(cells() + cells("other"), [section(), section("other")])
        outcome = self.compare(both, document(cells()))
        self.assertEqual(outcome.status, 1)
        self.assertIn("refused: [other]: only in A, not in B", outcome.out)
        self.assertEqual(self.compare(document(cells()), both).status, 0)

    def test_speed(self):
        a, b = document(cells()), document(cells(ops_per_second=0.5, cpu_ns_per_op=2, alloc_p99_ns=2))
        for made, slow in ((a, 1), (b, 2)):
            for cell in made["cells"]:
                cell["report"] = {"speed": {"before_ns": 500000 * slow, "after_ns": 500000 * slow}}
        outcome = self.compare(a, b)
        self.assertEqual((outcome.status, outcome.document["inconclusive"]), (0, 3))
        self.assertIn("the machine itself was 2.00x slower while B ran", " ".join(outcome.out.split()))
        for cell in b["cells"]:
            cell["report"]["speed"] = {"before_ns": 500000, "after_ns": 500000}
        self.assertEqual(self.compare(a, b).document["regressed"], 3)

    def test_circumstances(self):
        a, b = document(cells()), document(cells())
        a["host"] = {"cpu": "X", "cores": 2, "libc": "glibc 2.36", "allocator_settings": {}}
        b["host"] = {"cpu": "X", "cores": 4, "libc": "glibc 2.41", "load": [1, 2, 3],
                     "allocator_settings": {"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"}}
        for made, build in ((a, "aa"), (b, "bb")):
            for cell in made["cells"]:
                cell["malloc"] = {"path": "/lib/libc.so.6", "version": "", "build_id": build}
        outcome = self.compare(a, b)
        self.assertEqual(outcome.status, 0)
        reasons = [n["reason"] for n in outcome.document["notes"]]
        self.assertEqual(reasons, [
            'number of CPUs differs: "2" in A, "4" in B', 'libc differs: "glibc 2.36" in A, "glibc 2.41" in B',
            'GLIBC_TUNABLES differs: "glibc.malloc.arena_max=1" in B, not set in A',
            'build id of its malloc differs: "aa" in A, "bb" in B'])
        self.assertIn("note: GLIBC_TUNABLES differs:", outcome.out)
        self.assertIn("note: libc: build id of its malloc differs", outcome.out)


if __name__ == "__main__":
    unittest.main()
