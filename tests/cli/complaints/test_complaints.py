# SPDX-License-Identifier: MIT
#
# test_complaints.py - what users of other drivers complain of, and cannot happen here.
#
# Each test is named after the complaint. Two have places of their own: keys (ignored ones, errors
# without key and range) in test_keys.py, a counter that threads share in
# tests/unit/run/test_alone.c.

import csv
import io
import json
import os
import re
import shutil
import subprocess
import unittest

from stress import EVIL, Case, evil

SANITIZED = bool(os.environ.get("MEMS_SANITIZE"))
JOB = "[a]\nworkload = churn\ntarget = null\nops = 500\n"


class Complaints(Case):
    def test_mixed_units_in_one_column(self):
        # A rate of tens of millions beside one of thousands, bytes beside mebibytes: one unit a
        # column, in its header; the raw values in the document and in the CSV.
        outcome = self.run_job("[a]\nworkload = churn\ntarget = null, delay:200000(null), libc, "
                               "mems:dynamic\nops = 400\nlatency = all\n", "--csv", "out.csv")
        self.assertEqual(outcome.status, 0, outcome.err)
        lines = outcome.out.splitlines()
        head = next(i for i, line in enumerate(lines) if line.startswith("target "))
        units = lines[head].split()
        self.assertRegex(units[1], r"^[kMG]?ops/s$")
        self.assertEqual(units[2], "x")
        self.assertRegex(lines[head - 1], r"rate rel\.  alloc,? (ns|us|ms) ")
        cells = {cell["target"]: cell for cell in outcome.document["cells"]}
        scale = {"ops/s": 1, "kops/s": 1e3, "Mops/s": 1e6, "Gops/s": 1e9}[units[1]]
        for line in lines[head + 1:head + 5]:
            words = line.split()
            self.assertIn(words[0], cells)
            self.assertEqual(words[-1], "pass")
            for word in words[1:-1]:
                self.assertRegex(word, r"^(-|\d+(\.\d+)?(e[+-]?\d+)?\*?)$", line)
            raw = cells[words[0]]["metrics"]["ops_per_second"]
            self.assertAlmostEqual(float(words[1]) * scale, raw, delta=max(0.006 * scale, 0.06 * raw))
        with open(self.path("out.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        for name in rows[0]:
            if name in cells["libc"]["metrics"]:
                self.fail("a column without a unit: " + name)
        for row in rows:
            metrics = cells[row["target"]]["metrics"]
            for name in metrics:
                column = next(c for c in row if c.startswith(name + " ("))
                self.assertEqual(row[column] == "", metrics[name] is None, column)
                if row[column]:
                    self.assertAlmostEqual(float(row[column]), metrics[name],
                                           delta=abs(metrics[name]) * 1e-6)

    def test_k_meaning_1024(self):
        for text, number in (("4k", 4000), ("4Ki", 4096), ("1M", 10**6), ("1Mi", 2**20),
                             ("1G", 10**9), ("1Gi", 2**30)):
            plan = self.stress("plan", self.write("job.ini", JOB + "size = %s\n" % text)).out
            self.assertIn("\nsize = %d\n" % number, plan)  # echoed in bytes
        for key, text, number in (("memory_limit", "64Mi", 64 << 20), ("memory_limit", "100M", 10**8),
                                  ("rate", "2k", 2000), ("seed", "1M", 10**6)):
            plan = self.stress("plan", self.write("job.ini", JOB + "%s = %s\n" % (key, text))).out
            self.assertIn("\n%s = %d\n" % (key, number), plan)
        for text in "4K", "4kB", "4KiB", "4kb", "4MB", "4m":
            outcome = self.stress("plan", self.write("job.ini", JOB + "size = %s\n" % text))
            self.assertEqual((outcome.status, outcome.out), (1, ""))
            self.assertIn("units of a size are k M G T (1000) and Ki Mi Gi Ti (1024)", outcome.err)
        outcome = self.stress("plan", self.write("job.ini", JOB + "rate = 2Ki\n"))  # counts no bytes
        self.assertEqual(outcome.status, 1)
        self.assertIn("units of a number are k M G T (1000)", outcome.err)

    def test_text_inside_json(self):
        # Whatever speaks meanwhile: hooks, a missing target, a failure, progress, annotations.
        job = self.write("job.ini", "[global]\nsetup = \"echo from setup; echo to err >&2\"\n"
                         "prepare = echo from prepare\ncleanup = echo from cleanup\n" + JOB.replace(
                             "null", "null, ?preload:none-such, mems:fixed(partition=64,count=16)") + "size = 4096\n")
        for form in "--json", "--csv", "--junit":
            outcome = self.stress("run", job, form, "-", "--ci")
            self.assertEqual(outcome.status, 2, outcome.err)
            self.assertIn("verdict: failed", outcome.err)
            self.assertIn("none-such", outcome.err)
            if form == "--json":
                self.assertEqual(json.loads(outcome.out)["verdict"], "failed")
            elif form == "--csv":
                rows = list(csv.reader(io.StringIO(outcome.out)))
                self.assertEqual({len(row) for row in rows}, {len(rows[0])})
            else:
                self.assertTrue(outcome.out.startswith("<?xml"))
                self.assertTrue(outcome.out.rstrip().endswith("</testsuites>"))

    def test_silently_ignored_options(self):
        job = self.write("job.ini", JOB)
        for words, says in (
                (("--max-regression", "5%"), "without --baseline"),
                (("--seed", "1", "--seed", "2"), "--seed is given twice"),
                (("--json", "a", "--json", "b"), "--json is given twice"),
                (("--list", "--dry-run"), "one of them"),
                (("--list", "--json", "a"), "--json says nothing with --list"),
                (("--list", "--quiet"), "--quiet says nothing with --list"),
                (("--dry-run", "--ci"), "--ci says nothing with --dry-run"),
                (("--dry-run", "--baseline", "a"), "--baseline says nothing with --dry-run"),
                (("--dry-run", "--context", "a=b"), "--context says nothing with --dry-run"),
                (("--set", "trace=x"), "no section of the job can use key 'trace'"),
                (("--set", "b.threads=2"), "no section [b]"),
                (("--section", "b"), "b"),
                (("--target", "nul"), 'did you mean "null"'),
                (("--no-warn", "loud"), 'did you mean "load"'),
                (("--workload", "larson"), "one of them is wanted"),
                (("--class", "micro"), "one of them is wanted"),
                (("--verbose",), "unknown option --verbose"),
                (("-q",), "unknown option -q"),
                (("another.ini",), "more than one job file")):
            outcome = self.stress("run", job, *words)
            self.assertEqual((outcome.status, outcome.out), (1, ""), words)
            self.assertIn(says, outcome.err, words)
        self.assertEqual(os.listdir(self.folder.name), ["job.ini"])

    def test_success_when_all_was_skipped(self):
        skipped = JOB.replace("null", "?preload:none-such")
        outcome = self.run_job(skipped)
        self.assertEqual((outcome.status, outcome.document["verdict"]), (6, "skipped"))
        outcome = self.run_job(skipped + "[b]\nworkload = churn\ntarget = null\nops = 500\nwait_for = a\n")
        self.assertEqual(outcome.status, 6)
        self.assertEqual({cell["verdict"] for cell in outcome.document["cells"]}, {"skipped"})
        job = self.write("job.ini", JOB)
        for words, status in ((("--filter", "nothing"), 6), (("--only", "nothing"), 1),
                              (("--section", "nothing"), 1)):
            self.assertEqual(self.stress("run", job, *words).status, status, words)

    def test_success_when_nothing_was_done(self):
        # One operation a second, and it is over before the first second is.
        outcome = self.run_job("[a]\nworkload = processes\ntarget = libc\nrate = 1\nruntime = 1ms\n",
                               "--fail-inconclusive")
        cell = outcome.cell()
        if cell["report"]["operations"]["all"] == 0:
            self.assertEqual((cell["verdict"], outcome.status), ("unsteady", 5))
            self.assertIn("nothing was measured", cell["message"])

    def test_times_of_threads_divided_by_threads(self):
        # Each operation takes 100,000 dependent steps, of a cycle at least: 10 us at 10 GHz.
        least_ns = 10000
        for threads in 1, 4:
            outcome = self.run_job("[a]\nworkload = skeleton\ntarget = delay:100000(null)\nops = 100\n"
                                   "latency = all\nthreads = %d\n" % threads)
            cell = outcome.cell()
            report, metrics = cell["report"], cell["metrics"]
            operations, latency = report["operations"], report["latency"]
            # Counters are sums over all threads.
            self.assertEqual(operations["all"], 100 * threads)
            self.assertEqual(report["fairness"]["thread_operations"], [100] * threads)
            self.assertEqual((operations["alloc"], operations["free"]), (50 * threads, 50 * threads))
            # The rate is theirs over the time by the clock, once.
            self.assertAlmostEqual(metrics["ops_per_second"],
                                   operations["all"] / (report["wall_ns"] / 1e9),
                                   delta=metrics["ops_per_second"] * 1e-6)
            self.assertGreaterEqual(report["wall_ns"], 100 * least_ns)
            # A latency is that of one operation in one thread.
            for kind in "alloc", "free":
                buckets = latency[kind]["buckets"]
                self.assertEqual(latency[kind]["count"], 50 * threads)
                self.assertEqual(sum(count for _, count in buckets), 50 * threads)
                self.assertGreaterEqual(buckets[0][0], least_ns)
                self.assertGreaterEqual(latency[kind]["p50_ns"], least_ns)
                self.assertLessEqual(latency[kind]["mean_ns"], latency[kind]["max_ns"])
                self.assertGreaterEqual(latency[kind]["mean_ns"], buckets[0][0])
            # So is the CPU's time: no less for an operation because others ran beside it.
            self.assertGreaterEqual(metrics["cpu_ns_per_op"], least_ns)

    def test_a_preload_path_that_does_not_exist(self):
        for target in "preload:./none.so", "preload:/none/such.so", "preload:none-such":
            outcome = self.run_job(JOB, "--target", target)
            self.assertEqual(outcome.status, 6, target)
            self.assertIn("none", outcome.err)
            self.assertIsNone(outcome.document)

    def test_a_preload_that_is_no_library_for_this_machine(self):
        outcome = self.run_job(JOB, "--target", "preload:" + self.write("text.so", "not ELF\n"))
        self.assertEqual(outcome.status, 1)
        self.assertIn("not a shared object", outcome.err)
        with open("/proc/self/exe", "rb") as file:
            elf = bytearray(file.read(64))
        elf[18] = 0xb7  # e_machine: aarch64
        with open(self.path("foreign.so"), "wb") as file:
            file.write(elf)
        outcome = self.run_job(JOB, "--target", "preload:" + self.path("foreign.so"))
        self.assertEqual(outcome.status, 1)
        self.assertIn("not a shared object for x86-64", outcome.err)
        self.assertIsNone(outcome.document)

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc answers instead")
    def test_a_preload_that_supplies_no_malloc(self):
        libm = re.search(r"libm\.so\.6 \(.*x86-64.*\) => (\S+)", subprocess.run(
            ["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout).group(1)
        outcome = self.run_job(JOB, "--target", "preload:" + libm)
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["verdict"], "failed")
        self.assertIn("malloc is supplied by ", outcome.cell()["message"])
        self.assertIn("not by " + os.path.realpath(libm), outcome.cell()["message"])

    @unittest.skipIf(SANITIZED, "a sanitizer's malloc answers instead")
    def test_a_preload_is_proved_by_the_process_that_has_it(self):
        copy = self.path("libmine.so")
        shutil.copy(os.path.join(EVIL, "libevil-none.so"), copy)
        cell = self.run_job(JOB, "--target", "preload:./libmine.so").cell()
        self.assertEqual(cell["verdict"], "pass")
        self.assertEqual(os.path.realpath(cell["malloc"]["path"]), os.path.realpath(copy))
        self.assertIn("version", cell["malloc"])
        notes = subprocess.run(["readelf", "-n", copy], capture_output=True, text=True).stdout
        self.assertIn(cell["malloc"]["build_id"], notes)
        self.assertGreaterEqual(len(cell["malloc"]["build_id"]), 16)

    def test_warnings_that_cannot_be_silenced(self):
        codes = [line.split()[0] for line in self.stress("help", "warnings").out.splitlines()]
        self.assertGreater(len(codes), 5)
        # As many at once as a job can provoke.
        text = ("[a]\nworkload = churn\ntarget = null, ?preload:none-such, "
                "mems:fixed(partition=64,count=1)\nops = 500\nsize = 64\nthreads = %d\n" % (os.cpu_count() + 1))
        outcome = self.run_job(text, env={"MEMS_STRESS_NONE": "1"})
        told = [warning["code"] for warning in outcome.document["warnings"]]
        for code in "skipped", "threads", "refused":
            self.assertIn(code, told)
        self.assertLessEqual(set(told), set(codes))
        everything = outcome.out + outcome.err
        for code in told + ["environment"]:
            self.assertRegex(everything, r"(?m)warning: [^\[]*(\[a\][^\[]*)?\[%s\]$" % code)
        # One by one, and all.
        for code in told + ["environment"]:
            silent = self.run_job(text, "--no-warn", code, env={"MEMS_STRESS_NONE": "1"})
            self.assertNotIn("[%s]" % code, silent.out + silent.err)
            self.assertNotIn(code, [w["code"] for w in silent.document["warnings"]])
            self.assertEqual(silent.status, outcome.status)
        silent = self.run_job(text, *(word for code in codes for word in ("--no-warn", code)),
                              env={"MEMS_STRESS_NONE": "1"})
        self.assertEqual(silent.document["warnings"], [])
        self.assertNotIn("warning:", silent.out + silent.err)

    def test_results_whose_workload_changed_between_versions(self):
        text = JOB + "repeats = 5\n"
        self.run_job(text)
        old = self.path("result.json")
        with open(old) as file:
            document = json.load(file)
        section = document["job"]["sections"][0]
        self.assertGreaterEqual(section["workload_version"], 1)
        section["workload_version"] += 1
        new = self.write("new.json", json.dumps(document))
        for pair in (old, new), (new, old):
            outcome = self.stress("compare", *pair)
            self.assertEqual(outcome.status, 1)
            self.assertIn("refused: [a]", outcome.out)
            self.assertIn("version", outcome.out)
        outcome = self.stress("run", self.path("job.ini"), "--baseline", new)
        self.assertEqual((outcome.status, outcome.out), (1, ""), outcome.err)  # before anything ran
        self.assertIn("cannot be compared: [a]: workload churn is version", outcome.err)
        # Every workload says its version, in every form.
        rows = list(csv.DictReader(io.StringIO(self.stress("run", self.path("job.ini"), "--csv", "-").out)))
        self.assertEqual({row["workload_version"] for row in rows},
                         {str(section["workload_version"] - 1)})

    def test_allocator_settings_in_the_environment_not_captured(self):
        settings = {"MALLOC_CONF": "narenas:2", "_RJEM_MALLOC_CONF": "narenas:3",
                    "GLIBC_TUNABLES": "glibc.malloc.arena_max=1", "MALLOC_ARENA_MAX": "2",
                    "MALLOC_TRIM_THRESHOLD_": "131072", "MIMALLOC_PAGE_RESET": "0",
                    "MIMALLOC_ARENA_EAGER_COMMIT": "1", "TCMALLOC_SAMPLE_PARAMETER": "524288",
                    "TCMALLOC_AGGRESSIVE_DECOMMIT": "t"}
        before = self.run_job(JOB).document["host"]["allocator_settings"]
        document = self.run_job(JOB, env={**settings, "HARMLESS": "1"}).document
        self.assertEqual(document["host"]["allocator_settings"], {**before, **settings})
        self.assertEqual(set(before) & set(settings), set(os.environ) & set(settings))


if __name__ == "__main__":
    unittest.main()
