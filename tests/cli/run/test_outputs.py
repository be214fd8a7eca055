#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_outputs.py - the forms of a result: CSV, JUnit XML, annotations; machine output alone on its stream.

import csv
import io
import os
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from stress import SANITIZED, Case, evil

HERE = os.path.dirname(os.path.abspath(__file__))

JOB = """[one]
workload = churn
target = null, libc, ?preload:no-such-allocator
ops = 2000
repeats = 2

[two, "quoted" <&>]
workload = skeleton
target = null
ops = 1000
"""

EVIL = """[bad]
workload = churn
size = 777
slots = 50
target = %s, null
ops = 20000
repeats = 2
verify = 4
timeout = 1s
"""


class Outputs(Case):
    def run_csv(self, text, *arguments):
        outcome = self.stress("run", self.write("job.ini", text), "--csv", "-", *arguments)
        return outcome, list(csv.DictReader(io.StringIO(outcome.out, newline="")))

    def run_junit(self, text):
        path = self.path("result.xml")
        outcome = self.stress("run", self.write("job.ini", text), "--junit", path)
        return outcome, path, ElementTree.parse(path).getroot()

    def validate(self, path):
        if shutil.which("xmllint") is None:
            self.skipTest("xmllint is not installed (Debian: libxml2-utils)")
        return subprocess.run(["xmllint", "--noout", "--schema", os.path.join(HERE, "junit.xsd"), path],
                              capture_output=True, text=True)

    def test_csv_has_a_row_a_cell(self):
        outcome, rows = self.run_csv(JOB)
        self.assertEqual(outcome.status, 0)
        self.assertEqual(len(rows), 7)
        self.assertEqual({row["section"] for row in rows}, {"one", 'two, "quoted" <&>'})
        for row in rows:
            self.assertNotIn(None, row)
            measured = row["verdict"] == "pass"
            self.assertEqual(bool(row["ops_per_second (ops/s)"]), measured)
            if measured:
                self.assertGreater(float(row["ops_per_second (ops/s)"]), 0)
        for name in rows[0]:
            if name not in ("section", "workload", "workload_version", "threads", "target", "repeat", "order", "seed",
                            "verdict", "message"):
                self.assertRegex(name, r"^\S+ \(\S+\)$")

    def test_what_no_file_names_is_called_run(self):
        """And not by the option that made it up."""
        path = self.path("result.xml")
        outcome = self.stress("run", "--workload", "churn", "--target", "null", "--set", "ops=100", "--junit", path, "--ci")
        self.assertEqual(outcome.status, 0)
        self.assertEqual(ElementTree.parse(path).getroot().find(".//testcase").get("classname"), "run.churn")
        self.assertIn("::notice title=mems-stress run::verdict: pass", outcome.out + outcome.err)

    def test_figures_are_those_of_the_document(self):
        outcome = self.run_job(JOB, "--csv", self.path("result.csv"))
        with open(self.path("result.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        for cell, row in zip(outcome.document["cells"], rows):
            for name, value in cell.get("metrics", {}).items():
                column = next(key for key in row if key.split(" ")[0] == name)
                self.assertEqual(float(row[column]) if row[column] else None, value)

    def test_machine_output_is_alone_on_its_stream(self):
        outcome, rows = self.run_csv(JOB)
        self.assertTrue(rows)
        self.assertTrue(outcome.out.startswith("section,"))
        self.assertIn("verdict: pass", outcome.err)
        self.assertIn("skipped", outcome.err)

    def test_two_forms_need_two_places(self):
        job = self.write("job.ini", JOB)
        for place, said in ("-", "standard output"), ("x", "x"), ("/dev/null", "/dev/null"):
            outcome = self.stress("run", job, "--csv", place, "--junit", place)
            self.assertEqual((outcome.status, outcome.out), (1, ""))
            self.assertEqual(outcome.err, "mems-stress run: --csv and --junit both go to %s: give them a place each\n" % said)

    def test_a_form_that_cannot_be_written(self):
        job = self.write("job.ini", JOB)
        outcome = self.stress("run", job, "--junit", self.path("job.ini/x.xml"))
        self.assertEqual(outcome.status, 7)
        self.assertIn("job.ini/x.xml", outcome.err)

    def test_junit_of_a_good_run(self):
        _, path, root = self.run_junit(JOB)
        self.assertEqual([suite.get("tests") for suite in root], ["6", "1"])
        self.assertEqual([suite.get("skipped") for suite in root], ["2", "0"])
        self.assertEqual(root[1].get("name"), 'two, "quoted" <&>')
        for suite in root:
            self.assertEqual((suite.get("failures"), suite.get("errors")), ("0", "0"))
            self.assertEqual(len(suite.findall("testcase")), int(suite.get("tests")))
        valid = self.validate(path)
        self.assertEqual(valid.returncode, 0, valid.stderr)

    @unittest.skipIf(SANITIZED, "evil allocators do not run under sanitizers")
    def test_junit_of_a_bad_run(self):
        for sin, element, verdict in ("double", "failure", "failed"), ("crash", "error", "crashed"), ("hang", "error", "hung"):
            outcome, path, root = self.run_junit(EVIL % evil(sin))
            self.assertNotEqual(outcome.status, 0)
            found = [case.find(element) for case in root[0].findall("testcase") if case.find(element) is not None]
            self.assertTrue(found, sin)
            for trouble in found:
                self.assertEqual(trouble.get("type"), verdict)
                self.assertIn("again: ", trouble.text)
            valid = self.validate(path)
            self.assertEqual(valid.returncode, 0, valid.stderr)

    def test_the_schema_can_say_no(self):
        path = self.write("bad.xml", '<testsuites><testsuite name="x"/></testsuites>')
        self.assertNotEqual(self.validate(path).returncode, 0)

    def test_annotations(self):
        outcome = self.stress("run", self.write("job.ini", JOB), "--ci")
        self.assertRegex(outcome.out, r"(?m)^::warning title=skipped::")
        self.assertRegex(outcome.out, r"(?m)^::notice title=mems-stress job::verdict: pass, exit status 0$")
        self.assertNotIn("::error", outcome.out)

    @unittest.skipIf(SANITIZED, "evil allocators do not run under sanitizers")
    def test_an_error_names_place_and_command(self):
        outcome = self.stress("run", self.write("job.ini", EVIL % evil("double")), "--ci")
        errors = re.findall(r"(?m)^::error (.*)$", outcome.out)
        self.assertEqual(len(errors), 1, outcome.out)
        self.assertTrue(errors[0].startswith("file=job.ini,line=1,title=failed%3A "), errors[0])
        self.assertIn("%0A", errors[0])
        self.assertIn("again: ", errors[0])


if __name__ == "__main__":
    unittest.main()
