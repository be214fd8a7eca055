# SPDX-License-Identifier: MIT
#
# test_machine.py - machine output is alone on its stream: whatever happens, standard output holds the
# whole of it or nothing.

import csv
import io
import json
import os
import unittest
import xml.etree.ElementTree as ElementTree

from stress import Case, evil

JOBS = os.environ["MEMS_JOBS"]
SANITIZED = bool(os.environ.get("MEMS_SANITIZE"))
TRACE = os.path.join(JOBS, "traces", "compaction.trace")
REFERENCES = os.path.join(JOBS, "references", "belady.txt")

GOOD = "[a]\nworkload = churn\ntarget = null, ?preload:no-such-allocator\nthreads = 3\nops = 500\n"
REFUSING = "[a]\nworkload = churn\ntarget = mems:fixed(partitions=64x10), null\nops = 2k\n"
FAILING = "[a]\nworkload = churn\nslots = 50\nsize = 777\ntarget = %s, null\nops = 20k\nverify = 4\ntimeout = 1s\n"
SKIPPED = "[a]\nworkload = churn\ntarget = ?preload:no-such-allocator\n"
# What ends before there is anything to say: (job, exit status).
NOTHING = {
    "not a job": ("[a\n", 1),
    "no such key": (GOOD + "sloots = 3\n", 1),
    "no such target": ("[a]\nworkload = churn\ntarget = preload:no-such-allocator\n", 6),
}


def json_of(text):
    return json.loads(text)


def csv_of(text):
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows and len({len(row) for row in rows}) == 1, text
    return rows


def xml_of(text):
    return ElementTree.fromstring(text)


FORMS = {"--json": json_of, "--csv": csv_of, "--junit": xml_of}


class Machine(Case):
    def alone(self, status, parse, *arguments, env=None):
        outcome = self.stress(*arguments, env=env)
        self.assertIn(outcome.status, status if isinstance(status, tuple) else (status,), outcome.err)
        parsed = parse(outcome.out)
        self.assertNotIn("warning:", outcome.out)
        return parsed, outcome.err

    def silent(self, status, *arguments):
        outcome = self.stress(*arguments)
        self.assertEqual((outcome.status, outcome.out), (status, ""), outcome.err)
        self.assertTrue(outcome.err.strip())

    def test_run(self):
        good, refusing = self.write("good.ini", GOOD), self.write("refusing.ini", REFUSING)
        skipped = self.write("skipped.ini", SKIPPED)
        for form, parse in FORMS.items():
            with self.subTest(form):
                _, err = self.alone(0, parse, "run", good, form, "-", "--ci")
                self.assertIn("warning: ", err)
                self.assertIn("::notice ", err)
                self.assertIn("verdict: pass", err)
                self.alone(0, parse, "run", good, form, "-", "--quiet")
                self.alone(0, parse, "run", refusing, form, "-", env={"MEMS_STRESS_SEDE": "1"})
                self.alone(6, parse, "run", skipped, form, "-")

    @unittest.skipIf(SANITIZED, "evil allocators do not run under sanitizers")
    def test_run_that_fails(self):
        for sin, status in ("double", 2), ("crash", 3), ("hang", 3):
            job = self.write("job.ini", FAILING % evil(sin))
            for form, parse in FORMS.items():
                with self.subTest(sin=sin, form=form):
                    _, err = self.alone(status, parse, "run", job, form, "-", "--ci")
                    self.assertIn("again: ", err)

    def test_run_that_cannot_begin(self):
        for name, (text, status) in NOTHING.items():
            job = self.write("job.ini", text)
            for form in FORMS:
                with self.subTest(name=name, form=form):
                    self.silent(status, "run", job, form, "-")
        self.silent(1, "run", self.write("good.ini", GOOD), "--json", "-", "--baseline", "nowhere.json")
        self.silent(1, "run", self.write("good.ini", GOOD), "--json", "-", "--no-warn", "nonsense")

    def test_two_forms_one_of_them_on_the_stream(self):
        good = self.write("good.ini", GOOD)
        self.alone(0, json_of, "run", good, "--json", "-", "--csv", "x.csv", "--junit", "x.xml")
        with open(self.path("x.csv"), newline="") as file:
            csv_of(file.read())
        ElementTree.parse(self.path("x.xml"))

    def test_baseline_and_compare(self):
        job = self.write("job.ini", "[a]\nworkload = churn\ntarget = libc, null\nops = 500\nrepeats = 8\n")
        kept, _ = self.alone(0, json_of, "run", job, "--json", "-")
        for cell in kept["cells"]:
            cell["metrics"]["ops_per_second"] *= 1e6
        better = self.write("better.json", json.dumps(kept))
        kept["job"]["sections"][0]["workload_version"] += 1
        other = self.write("other.json", json.dumps(kept))
        for form, parse in FORMS.items():
            _, err = self.alone(4, parse, "run", job, "--baseline", better, form, "-", "--ci")
            self.assertIn("::error ", err)
        for form in "--json", "--junit":
            _, err = self.alone(0, FORMS[form], "compare", better, better, form, "-", "--ci")
            self.assertIn("comparison: ", err)
            self.alone(1, FORMS[form], "compare", better, other, form, "-", "--ci")
            self.silent(1, "compare", better, "nowhere.json", form, "-")
            self.silent(1, "compare", better, "--targets", "x,y", form, "-")

    def test_replay(self):
        for form, parse in FORMS.items():
            self.alone(0, parse, "replay", TRACE, "--target", "libc", "--target", "?preload:no-such-allocator",
                       form, "-")
            self.silent(1, "replay", "nowhere.trace", "--target", "libc", form, "-")
            self.silent(6, "replay", TRACE, "--target", "preload:no-such-allocator", form, "-")

    def test_selftest(self):
        if not SANITIZED:
            self.alone((0, 2), json_of, "selftest", "aa", "--comparisons", "1", "--repeats", "5", "--target", "null",
                       "--json", "-")
        self.silent(1, "selftest", "aa", "--target", "nobody", "--json", "-")

    def test_faults(self):
        self.alone(0, json_of, "faults", REFERENCES, "--frames", "3,4", "--json", "-")
        self.alone(0, csv_of, "faults", REFERENCES, "--frames", "3,4", "--csv")
        self.silent(1, "faults", "nowhere.txt", "--frames", "3", "--json", "-")
        self.silent(1, "faults", REFERENCES, "--frames", "3", "--replacement", "nonsense", "--csv")

    def test_show(self):
        shown, _ = self.alone(0, json_of, "trace", "show", TRACE, "--target", "all", "--json", "-", "--every")
        self.assertGreater(len(shown["targets"]), 1)
        self.silent(1, "trace", "show", "nowhere.trace", "--target", "mems:dynamic", "--json", "-")
        self.silent(1, "trace", "show", TRACE, "--target", "libc", "--json", "-")

    def test_plan(self):
        good = self.write("good.ini", GOOD)

        def plan_of(text):
            again = self.stress("plan", self.write("again.ini", text))
            self.assertEqual((again.status, again.out), (0, text), again.err)

        self.alone(0, plan_of, "plan", good, env={"MEMS_STRESS_SEDE": "1"})
        for name, (text, status) in NOTHING.items():
            with self.subTest(name):
                self.silent(status, "plan", self.write("job.ini", text))

    def test_fit(self):
        def rows_of(text):
            first, *lines = text.splitlines()
            self.assertRegex(first, r"^mems-fleet \d+$")
            rows = [line.split() for line in lines if not line.startswith("#")]
            self.assertTrue(rows)
            self.assertEqual({len(row) for row in rows}, {3})
            return [[float(number) for number in row[1:]] for row in rows]

        self.alone(0, rows_of, "fit", TRACE)
        self.alone(0, rows_of, "fit", "--log-normal", "64,1", "-o", "-")
        self.silent(1, "fit", "nowhere.trace")

    def test_schema(self):
        self.alone(0, json_of, "schema", "result")
        self.silent(1, "schema", "nonsense")


if __name__ == "__main__":
    unittest.main()
