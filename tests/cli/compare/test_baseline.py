# SPDX-License-Identifier: MIT
#
# test_baseline.py - mems-stress run --baseline from outside. Rates of so short runs say nothing: the
# baselines are real results whose figures were changed by far more than any machine varies.

import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

import stress
from stress import Case, once

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(stress.__file__)), "junit.xsd")

JOB = """
[work]
workload = churn
target = libc
ops = 2k
size = 500-1000
repeats = 6
"""


class Baseline(Case):
    made = None  # the result of JOB: one run for all tests

    def setUp(self):
        super().setUp()
        self.write("job.ini", JOB)
        if Baseline.made is None:
            outcome = self.run_job(JOB)
            self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
            Baseline.made = outcome.document
        self.kept = copy.deepcopy(Baseline.made)

    def baseline(self, factor, verdicts=None):
        for cell in self.kept["cells"]:
            for name in ("ops_per_second",):
                cell["metrics"][name] *= factor
            for name in ("cpu_ns_per_op", "held_over_live", "rss_peak_bytes"):
                cell["metrics"][name] = (cell["metrics"][name] or 1) / factor
            for name in ("alloc_p99_ns", "free_p99_ns"):  # where there were enough of them
                if cell["metrics"][name] is not None:
                    cell["metrics"][name] /= factor
        return self.write("kept.json", json.dumps(self.kept))

    def test_better(self):
        outcome = self.run_job(JOB, "--baseline", self.baseline(1e-6), "--max-regression", "5%")
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertEqual(outcome.document["verdict"], "pass")
        self.assertEqual(outcome.document["comparison"]["regressed"], 0)
        self.assertGreater(outcome.document["comparison"]["improved"], 0)
        self.assertIn("improved", outcome.out)

    def test_regressed(self):
        kept = self.baseline(1e6)
        outcome = self.run_job(JOB, "--baseline", kept)
        self.assertEqual(outcome.status, 4, outcome.out + outcome.err)
        self.assertEqual(outcome.document["verdict"], "regressed")
        self.assertGreater(outcome.document["comparison"]["regressed"], 0)
        self.assertIn("verdict: regressed", outcome.out)
        # The comparison is told even where little is.
        self.assertIn("regressed", self.stress("run", self.path("job.ini"), "--baseline", kept, "--quiet").out)

    def test_a_failure_outranks(self):
        outcome = self.run_job(JOB, "--baseline", self.baseline(1e6), "--target", "libc",
                               "--target", "mems:fixed(partitions=64x10)")
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertGreater(outcome.document["comparison"]["regressed"], 0)
        self.assertEqual(outcome.document["verdict"], "failed")

    def suite(self, path):
        """The comparison's tests, by the metric: the element inside, None for a pass."""
        if shutil.which("xmllint") is not None:
            valid = subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, path], capture_output=True, text=True)
            self.assertEqual(valid.returncode, 0, valid.stderr)
        suite = ElementTree.parse(path).getroot()[-1]
        self.assertEqual(suite.get("name"), "comparison")
        cases = suite.findall("testcase")
        inside = [case[0] if len(case) > 0 else None for case in cases]
        self.assertEqual(int(suite.get("tests")), len(cases))
        for element, attribute in ("failure", "failures"), ("error", "errors"), ("skipped", "skipped"):
            self.assertEqual(int(suite.get(attribute)), sum(i is not None and i.tag == element for i in inside))
        return {case.get("name"): i for case, i in zip(cases, inside)}

    def test_each_form_tells_a_regression(self):
        kept, xml = self.baseline(1e6), self.path("result.xml")
        outcome = self.run_job(JOB, "--baseline", kept, "--junit", xml, "--ci")
        rows = {"libc: " + row["metric"]: row for row in outcome.document["comparison"]["rows"]}
        suite = self.suite(xml)
        self.assertEqual(sorted(suite), sorted(rows))
        for name, row in rows.items():
            tag = {"regressed": "failure", "inconclusive": "skipped"}.get(row["verdict"])
            self.assertEqual(tag, suite[name].tag if suite[name] is not None else None, name)
        self.assertEqual(suite["libc: ops_per_second"].get("type"), "regressed")
        self.assertRegex(suite["libc: ops_per_second"].get("message"), r"^median .* ops/s: ratio .* worse is allowed$")
        errors = re.findall(r"(?m)^::error (.*)$", outcome.out)
        self.assertEqual(len(errors), 1, outcome.out)  # one for all metrics of a target
        self.assertTrue(errors[0].startswith("file=job.ini,line=2,title=regressed%3A libc in work::"), errors[0])
        self.assertIn("ops_per_second: median", errors[0])
        # The same from two results, after the runs.
        now = self.write("now.json", json.dumps(outcome.document))
        again = self.stress("compare", kept, now, "--junit", xml, "--ci")
        self.assertEqual(again.status, 4, again.err)
        self.assertEqual({name: i is not None and i.tag for name, i in self.suite(xml).items()},
                         {name: i is not None and i.tag for name, i in suite.items()})
        self.assertRegex(again.out, r"(?m)^::error title=regressed%3A libc in work::")
        both = self.stress("compare", kept, now, "--junit", "-", "--json", "-")
        self.assertEqual((both.status, both.out), (1, ""))
        self.assertIn("both go to standard output", both.err)

    def test_each_form_tells_what_is_inconclusive(self):
        xml = self.path("result.xml")
        outcome = self.run_job(JOB, "--baseline", self.baseline(1), "--repeats", "2", "--junit", xml, "--ci")
        self.assertEqual(outcome.status, 0)
        for inside in self.suite(xml).values():
            self.assertEqual(inside.tag, "skipped")
            self.assertIn("repeats", inside.get("message"))
        self.assertRegex(outcome.out, r"(?m)^::warning file=job.ini,line=2,title=inconclusive%3A libc in work::")
        self.assertNotIn("::error", outcome.out)

    def lost(self):
        """A baseline with a figure that nobody knows of libc's malloc: only the run's end tells."""
        for cell in self.kept["cells"]:
            cell["metrics"]["external_share"] = 0.5
        return self.baseline(1)

    def refused_before(self, text, kept, says, *words):
        """The run is refused before anything of it runs, which its setup would show."""
        result = self.path("never.json")
        job = self.write("never.ini", text + "setup = touch %s\n" % self.path("ran"))
        outcome = self.stress("run", job, "--baseline", kept, "--json", result, *words)
        self.assertEqual((outcome.status, outcome.out), (1, ""), outcome.err)
        self.assertIn(says, outcome.err)
        self.assertFalse(os.path.exists(result) or os.path.exists(self.path("ran")))

    def test_each_form_tells_what_is_refused(self):
        xml = self.path("result.xml")
        outcome = self.run_job(JOB, "--baseline", self.lost(), "--metric", "external_share", "--junit", xml, "--ci")
        self.assertEqual([inside.tag for inside in self.suite(xml).values()], ["error"])
        self.assertRegex(outcome.out, r"(?m)^::error file=job.ini,line=2,title=refused%3A")

    def test_inconclusive(self):
        few = ("--baseline", self.baseline(1), "--repeats", "2")
        outcome = self.run_job(JOB, *few)
        self.assertEqual((outcome.status, outcome.document["verdict"]), (0, "inconclusive"))
        outcome = self.run_job(JOB, *few, "--fail-inconclusive")
        self.assertEqual((outcome.status, outcome.document["verdict"]), (5, "inconclusive"))

    def test_refused(self):
        outcome = self.run_job(JOB, "--baseline", self.lost(), "--metric", "external_share")
        self.assertEqual(outcome.status, 1)
        self.assertEqual(outcome.document["verdict"], "not comparable")
        self.assertIn("refused: [work]", outcome.out)

    def test_refused_before_anything_runs(self):
        kept = self.baseline(1)
        self.refused_before(JOB.replace("work]", "other]"), kept, "nothing in common")
        self.refused_before(JOB.replace("churn", "larson"), kept, "[work]: workload is churn in A, larson in B")
        self.refused_before(JOB + "threads = 2\n", kept, "[work]: threads are 1 in A, 2 in B")
        self.refused_before(JOB.replace("2k", "3k"), kept, '[work]: ops is "2k" in A, "3k" in B')
        self.refused_before(JOB, kept, 'verify is "1" in A, "2" in B', "--set", "verify=2")
        self.refused_before(JOB.replace("= libc", "= null"), kept, "[work] libc: only in A, not in B")
        # The same job passes, with fewer repeats, another seed and one more target.
        outcome = self.run_job(JOB, "--baseline", self.baseline(1e-6), "--repeats", "5", "--seed", "3", "--target",
                               "libc", "--target", "null")
        self.assertEqual(outcome.status, 0, outcome.err)
        self.kept["cells"][2]["verdict"] = "crashed"
        self.refused_before(JOB, self.baseline(1), "[work] libc: repeat 2 of A: crashed")
        self.kept["cells"][2]["verdict"] = "pass"
        self.kept["job"]["sections"][0]["workload_version"] += 1
        self.refused_before(JOB, self.baseline(1), "they do other operations")

    @once
    def test_what_was_left_out(self):
        two = JOB + JOB.replace("[work]", "[other]").replace("libc", "libc, null")
        outcome = self.run_job(two)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.kept = outcome.document
        kept = self.baseline(1e-6)
        for words, says in ((["--section", "work"], {("other", None)}), (["--target", "libc"], {("other", "null")}),
                            (["--filter", "^work/"], {("other", None)})):
            outcome = self.run_job(two, "--baseline", kept, *words)
            self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
            left = [n for n in outcome.document["comparison"]["notes"] if n["kind"] == "left out"]
            self.assertEqual({(n["section"], n["target"]) for n in left}, says)
        for job, says in ((JOB, "[other]: only in A"), (two.replace(", null", ""), "[other] null: only in A")):
            self.refused_before(job, kept, says)

    @once
    def test_options_of_compare(self):
        kept = self.baseline(1e-6)
        outcome = self.run_job(JOB, "--baseline", kept, "--metric", "ops_per_second", "--metric", "rss_peak_bytes",
                               "--alpha", "0.02")
        self.assertEqual({r["metric"] for r in outcome.document["comparison"]["rows"]},
                         {"ops_per_second", "rss_peak_bytes"})
        self.assertEqual(outcome.document["comparison"]["alpha"], 0.02)
        for words, says in ((["--metric", "huge_share", "--baseline", kept], "what can be judged"),
                            (["--metric", "ops_per_second"], "--metric says nothing without --baseline"),
                            (["--alpha", "0.1"], "--alpha says nothing without --baseline")):
            outcome = self.stress("run", self.path("job.ini"), *words)
            self.assertEqual((outcome.status, outcome.out), (1, ""))
            self.assertIn(says, outcome.err)

    @once
    def test_told_before_the_run(self):
        kept = self.baseline(1e-6)
        outcome = self.run_job(JOB, "--baseline", kept)
        self.assertNotIn("warning: --baseline", outcome.err)
        outcome = self.run_job(JOB, "--baseline", kept, "--alpha", "0.001")
        says = ("6 repeats in the baseline and 6 here cannot prove a difference among 1 comparisons of a metric, "
                "however large: 7 a side would do, or 8 here")
        self.assertIn("mems-stress: warning: --baseline: " + says, outcome.err)
        self.assertIn(says, [n["reason"] for n in outcome.document["comparison"]["notes"]])
        self.assertEqual(self.run_job(JOB, "--baseline", kept, "--repeats", "8", "--alpha", "0.001").document[
            "comparison"]["regressed"], 0)

    @once
    def test_a_file_that_changed(self):
        with open(os.path.join(os.path.dirname(__file__), "../../../stress/jobs/fleet/programs.fleet")) as file:
            text = file.read()
        job = JOB.replace("churn", "fleet").replace("size = 500-1000", "distribution = d.txt")
        self.write("d.txt", text)
        outcome = self.run_job(job)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        files = outcome.document["job"]["sections"][0]["files"]
        self.assertEqual(files["distribution"]["path"], os.path.realpath(self.path("d.txt")))
        hash_ = files["distribution"]["sha256"]
        if hash_ is None:
            self.skipTest("built without libnettle")
        self.assertEqual(hash_, hashlib.sha256(text.encode()).hexdigest())
        self.kept = outcome.document
        kept = self.baseline(1e-6)
        self.assertEqual(self.run_job(job, "--baseline", kept).status, 0)
        self.write("d.txt", text + "# another\n")
        self.refused_before(job, kept, "the file of distribution is another")

    def test_unreadable_before_anything_runs(self):
        for path in ("nowhere.json", self.write("bad.json", "{}")):
            outcome = self.stress("run", self.path("job.ini"), "--baseline", path)
            self.assertEqual((outcome.status, outcome.out), (1, ""))
            self.assertIn("--baseline", outcome.err)
        outcome = self.stress("run", self.path("job.ini"), "--max-regression", "5%")
        self.assertEqual((outcome.status, outcome.out), (1, ""))
        self.assertIn("without --baseline", outcome.err)


if __name__ == "__main__":
    unittest.main()
