# SPDX-License-Identifier: MIT
#
# test_run.py - mems-stress run from outside: exit status, table, document, signals.

import json
import os
import pty
import select
import signal
import subprocess
import unittest

from stress import PROGRAM, SANITIZED, Case, at_work, cell_of, wait_for, words

OPS = 4000 if SANITIZED else 20000
JOB = """
[work]
workload = churn
target = null, libc, mems:dynamic, mems:fixed
threads = 2
ops = %d
verify = 4
""" % OPS
LONG = """
[work]
workload = churn
target = libc
threads = 2
runtime = 60s
verify = 1
"""


class Run(Case):
    once = None  # the job's outcome and the text of its result, for all tests that only look at them

    def whole(self):
        if Run.once is None:
            outcome = self.run_job(JOB)
            with open(self.path("result.json")) as file:
                Run.once = outcome, file.read()
        return Run.once

    def test_pass(self):
        outcome = self.whole()[0]
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertEqual(outcome.err, "")  # no progress where there is no terminal
        document = outcome.document
        self.assertEqual(document["schema"], "mems-stress/1")
        self.assertEqual(document["verdict"], "pass")
        self.assertIn("[work]", document["job"]["text"])
        self.assertEqual(document["job"]["sections"][0]["values"]["threads"], "2")
        self.assertEqual(document["host"]["cores"], os.cpu_count())
        self.assertEqual(len(document["cells"]), 4)
        for cell in document["cells"]:
            operations = cell["report"]["operations"]
            self.assertEqual(operations["all"] + operations["refused"], 2 * OPS)
            self.assertEqual(operations["all"], sum(operations[kind] for kind in
                             ("alloc", "free", "free_remote", "resize")))
            self.assertGreater(cell["metrics"]["ops_per_second"], 0)
            latency = cell["report"]["latency"]["alloc"]
            self.assertEqual(sum(count for _, count in latency["buckets"]), latency["count"])
            self.assertLessEqual(latency["p50_ns"], latency["max_ns"] * 1.01)

    def test_document_is_readable(self):
        outcome, text = self.whole()
        lines = text.splitlines()
        self.assertLess(len(lines), 500 * len(outcome.document["cells"]))
        for key in "buckets", "at_ns", "live_bytes":
            curves = [line for line in lines if line.strip().startswith('"%s":[' % key)]
            self.assertGreaterEqual(len(curves), 4, key)
            for line in curves:
                self.assertRegex(line, r"\]+,?$", key)
        rates = [line for line in lines if line.strip().startswith('"ops_per_second":')]
        self.assertEqual(len(rates), len(outcome.document["cells"]))

    @words
    def test_targets_of_the_command_line(self):
        job = self.write("job.ini", JOB)
        expected = ["null", "mems:dynamic(fit=best,arenas=2)", "libc"]
        for words in (["--target", ",".join(expected)], ["--target", expected[0] + ", " + expected[1], "--target", "libc"]):
            outcome = self.stress("run", job, "--list", *words)
            self.assertEqual({line.split("/")[1] for line in outcome.out.splitlines()}, set(expected), outcome.err)
        outcome = self.stress("run", job, "--target", "null,")
        self.assertEqual(outcome.status, 1)
        self.assertIn("an empty target", outcome.err)

    def test_table(self):
        lines = self.whole()[0].out.splitlines()
        for line in lines:
            self.assertLessEqual(len(line), 100, line)
            self.assertEqual(line, line.rstrip())
        header = next(line for line in lines if line.startswith("target"))
        for unit in ("ops/s", "ns", "%"):
            self.assertIn(unit, header + lines[lines.index(header) - 1])
        # One column for header and rows: each ends where its header ends.
        rows = lines[lines.index(header) + 1:lines.index(header) + 5]
        self.assertEqual([row.split()[0] for row in rows],
                         ["null", "libc", "mems:dynamic", "mems:fixed"])
        end = header.index(" result")
        self.assertTrue(all(row[end] == " " and row[end - 1] != " " for row in rows), rows)
        self.assertEqual(rows[0].split()[2], "1.00")
        self.assertEqual(rows[0].split()[7:10], ["-", "-", "-"])  # null holds nothing
        self.assertTrue(all(row.endswith(" pass") for row in rows))
        self.assertEqual(lines[-1], "verdict: pass (4 pass)")

    def test_every_column_is_explained(self):
        lines = self.whole()[0].out.splitlines()
        end = next(i for i, line in enumerate(lines) if line.startswith("target"))
        words = set(" ".join(lines[end - 1:end + 1]).replace(",", " ").replace("/ ", " ").split())
        units = {"ns", "us", "ms", "s", "x", "%", "ops/s", "kops/s", "Mops/s", "Gops/s", "KiB",
                 "MiB", "GiB", "/op", "ns/op"}
        help_text = self.stress("help", "table").out
        columns = set(" ".join(line[2:17] for line in help_text.splitlines()
                               if line.startswith("  ")).replace("/", " ").replace(",", " ").split())
        for word in words - units:
            self.assertIn(word, columns)
        self.assertGreater(len(words - units), 10)

    def test_every_policy_keeps_every_byte(self):
        # With blocks that move and pages that leave memory, where the policy has them.
        options, policy = {}, None
        for line in self.stress("list", "policies").out.splitlines():
            word = line.split()[0]
            if line.startswith("    ") and policy:
                options[policy].add(word)
            elif line.startswith("  "):
                policy = word
                options[policy] = set()
        options.pop("every")
        targets = ["mems:" + policy for policy in options]
        targets += ["mems:%s(mover=yes)" % policy for policy in options
                    if "mover" in options[policy] and "movable" not in options[policy]]
        targets += ["mems:%s(movable=yes,mover=yes)" % policy for policy in options
                    if {"mover", "movable"} <= options[policy]]
        outcome = self.run_job("[every byte]\nworkload = churn\ntarget = %s\nthreads = 2\n"
                               "ops = %d\nverify = 4\nremote_share = 0.1\n" % (", ".join(targets), OPS))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        for target in targets:
            cell = outcome.cell(target)
            self.assertEqual((cell["verdict"], cell["report"]["operations"]["refused"]), ("pass", 0))
            self.assertTrue(cell["report"]["invariants_checked"], target)

    def test_engine_accounts_agree_with_ours(self):
        cell = self.whole()[0].cell("mems:dynamic")
        engine = cell["report"]["engine"]
        self.assertEqual(engine["allocs"], cell["report"]["operations"]["alloc"])
        self.assertEqual(engine["requested_bytes"], cell["report"]["memory"]["live_bytes"])
        self.assertEqual(engine["block_bytes"], cell["report"]["memory"]["taken_bytes"])
        self.assertEqual(cell["report"]["engine_drained"]["live_blocks"], 0)
        self.assertTrue(cell["report"]["invariants_checked"])
        self.assertTrue(cell["report"]["contention"]["locks"])

    def test_without_thread_caches(self):
        targets = ["mems:dynamic(thread_cache=no)", "mems:fixed(thread_cache=no)"]
        outcome = self.run_job(JOB, "--target", targets[0], "--target", targets[1])
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        for target in targets:
            report = outcome.cell(target)["report"]
            self.assertEqual(report["operations"]["refused"], 0, target)
            self.assertEqual(report["engine"]["refills"], 0)

    @words
    def test_fragmentation_of_what_ends_empty(self):
        job = JOB.replace("workload = churn", "workload = producer-consumer")
        self.assertNotEqual(job, JOB)
        ops = "40k" if SANITIZED else "200k"
        outcome = self.run_job(job.replace("ops = %d" % OPS, "ops = " + ops))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        for cell in outcome.document["cells"]:
            figures, samples = cell["report"]["fragmentation"], cell["report"]["samples"]
            self.assertEqual(samples["live_bytes"][-1], 0)
            self.assertIsNone(figures["internal_share_at_end"])
            engine = cell["target"].startswith("mems:")
            self.assertEqual(figures["external_share_at_most_live"] is not None, engine)
            self.assertEqual("largest_hole_bytes" in samples, engine)
            if cell["target"] != "null":
                self.assertGreater(len(samples["at_ns"]), 1)
                self.assertGreater(max(samples["live_bytes"]), 0)
                self.assertGreaterEqual(figures["internal_share_at_most_live"], 0)

    @words
    def test_same_seed_same_operations(self):
        def counts(*arguments):
            cells = self.run_job(JOB, "--target", "libc", "--target", "null", *arguments)
            return [cell["report"]["operations"]["allocated_bytes"]
                    for cell in sorted(cells.document["cells"], key=lambda c: c["target"])]
        first = counts("--seed", "7")
        self.assertEqual(first[0], first[1])
        self.assertEqual(first, counts("--seed", "7"))
        self.assertNotEqual(first, counts("--seed", "8"))

    @words
    def test_repeats_are_interleaved_and_can_be_run_again(self):
        job = JOB.replace("ops = %d" % OPS, "ops = 2000")
        document = self.run_job(job, "--repeats", "3").document
        repeats = [cell["repeat"] for cell in document["cells"]]
        self.assertEqual(repeats, sorted(repeats))
        orders = {tuple(cell["target"] for cell in document["cells"] if cell["repeat"] == repeat)
                  for repeat in range(3)}
        self.assertEqual({frozenset(order) for order in orders},
                         {frozenset(["null", "libc", "mems:dynamic", "mems:fixed"])})
        third = next(cell for cell in document["cells"]
                     if cell["repeat"] == 2 and cell["target"] == "libc")
        words = self.command(third["again"])[0]
        self.assertEqual(words[-2:], ["--only", "work/libc/2"])
        once_more = self.run_job(job, *words[2:]).cell()
        self.assertEqual(once_more["seed"], third["seed"])
        self.assertEqual(once_more["report"]["operations"]["allocated_bytes"],
                         third["report"]["operations"]["allocated_bytes"])

    @words
    def test_json_alone_on_standard_output(self):
        job = self.write("job.ini", JOB)
        outcome = self.stress("run", job, "--json", "-", "--target", "null")
        self.assertEqual(outcome.status, 0)
        self.assertEqual(json.loads(outcome.out)["verdict"], "pass")
        self.assertIn("verdict: pass", outcome.err)

    @words
    def test_quiet(self):
        job = self.write("job.ini", JOB)
        outcome = self.stress("run", job, "--quiet", "--target", "null")
        self.assertEqual(outcome.out, "verdict: pass (1 pass)\n")

    @words
    def test_who_supplies_malloc(self):
        cell = self.run_job(JOB, "--target", "libc").cell()
        self.assertTrue(os.path.isfile(cell["malloc"]["path"]))
        if not SANITIZED:
            self.assertIn("libc.so", cell["malloc"]["path"])
            self.assertIn("glibc", cell["malloc"]["version"])
            notes = subprocess.run(["readelf", "-n", cell["malloc"]["path"]],
                                   capture_output=True, text=True).stdout
            self.assertIn(cell["malloc"]["build_id"], notes)

    @words
    def test_allocator_settings_are_kept(self):
        tunables = "glibc.malloc.arena_max=1"
        document = self.run_job(JOB, "--target", "null", env={"GLIBC_TUNABLES": tunables}).document
        self.assertEqual(document["host"]["allocator_settings"]["GLIBC_TUNABLES"], tunables)

    @words
    def test_missing_target(self):
        outcome = self.run_job(JOB, "--target", "preload:no-such-allocator")
        self.assertEqual(outcome.status, 6)
        self.assertIn("libno-such-allocator.so", outcome.err)
        self.assertIn("/usr/lib", outcome.err)
        self.assertIsNone(outcome.document)

    @words
    def test_nothing_served(self):
        outcome = self.run_job("[all]\nworkload=churn\ntarget=mems:fixed(partition=64,count=16)\nsize=4096\nops=500\n")
        self.assertEqual(outcome.status, 2)
        self.assertIn("nothing was served: every one of", outcome.out)

    @words
    def test_optional_target(self):
        outcome = self.run_job(JOB, "--target", "?preload:no-such-allocator", "--target", "null")
        self.assertEqual(outcome.status, 0)
        self.assertEqual({cell["target"]: cell["verdict"] for cell in outcome.document["cells"]},
                         {"preload:no-such-allocator": "skipped", "null": "pass"})
        self.assertTrue(outcome.document["warnings"])
        outcome = self.run_job(JOB, "--target", "?preload:no-such-allocator")
        self.assertEqual(outcome.status, 6)
        self.assertEqual(outcome.document["verdict"], "skipped")

    @words
    def test_targets_that_can_never_work(self):
        for target, message in (
                ("lbic", 'did you mean "libc"'),
                ("mems:dynamik", 'did you mean "dynamic"'),
                ("mems", "which policy"),
                ("mems:dynamic(fits=best)", "fit"),
                ("mems:dynamic(fit=better)", "better"),
                ("libc(a=b)", "neither argument nor options"),
                ("mems:dynamic(fit=best", "not closed"),
                ("preload:/etc/passwd", "not a shared object")):
            outcome = self.run_job(JOB, "--target", target)
            self.assertEqual(outcome.status, 1, target)
            self.assertIn(message, outcome.err)
            self.assertIsNone(outcome.document)

    @words
    def test_place_of_a_bad_target(self):
        outcome = self.run_job(JOB.replace("libc", "lbic"))
        self.assertEqual(outcome.status, 1)
        self.assertRegex(outcome.err, r"job\.ini:4:\d+: .*lbic")

    @words
    def test_preload_path_starts_at_the_job(self):
        outcome = self.run_job(JOB.replace("null", "preload:./nothing.so"))
        self.assertEqual(outcome.status, 6)
        self.assertIn(self.path("nothing.so"), outcome.err.replace("/./", "/"))

    @words
    def test_result_that_cannot_be_written(self):
        job = self.write("job.ini", JOB)
        self.write("file", "")
        for path, why in (("file/result.json", "Not a directory"), (".", "Is a directory"),
                          (self.folder.name, "Is a directory"), ("", "No such file"),
                          ("/proc/result.json", "No such file"), ("/proc/version", "No such file"),
                          ("not/there/result.json", "its folder is missing")):
            for option in "--json", "--csv", "--junit":
                outcome = self.stress("run", job, "--target", "null", option, path)
                self.assertEqual((outcome.status, outcome.out), (7, ""), path)  # nothing has run
                self.assertIn("cannot write", outcome.err)
                self.assertIn(why, outcome.err)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["file", "job.ini"])

    @words
    def test_dry_run_is_a_job_again(self):
        job = self.write("job.ini", JOB)
        shown = self.stress("run", job, "--dry-run")
        self.assertEqual(shown.status, 0)
        twice = self.stress("run", self.write("again.ini", shown.out), "--dry-run")
        self.assertEqual(twice.out, shown.out)

    @words
    def test_usage(self):
        job = self.write("job.ini", JOB)
        for arguments, message in (
                ((), "Commands:"),
                (("rum",), 'did you mean "run"'),
                (("run",), "no job file"),
                (("run", job, job), "more than one job file"),
                (("run", job, "--jsn", "x"), "did you mean --json"),
                (("run", job, "--json"), "--json wants FILE"),
                (("run", job, "--seed", "x"), "a number is wanted"),
                (("run", job, "--quiet=1"), "takes no value"),
                (("run", job, "--section", "wrok"), 'did you mean "work"'),
                (("run", "nothing.ini"), "nothing.ini"),
                (("list", "nonsense"), "no topic"),
                (("help", "thread"), 'did you mean "threads"'),
                (("replay", job), "no --target"),
                (("replay", "nothing", "--target", "null"), "nothing")):
            outcome = self.stress(*arguments)
            self.assertEqual(outcome.status, 1, arguments)
            self.assertIn(message, outcome.err)
            self.assertEqual(outcome.out, "")

    @words
    def test_help(self):
        for arguments, text in ((("--help",), "Exit status"), (("run", "--help"), "--section"),
                                (("help", "run"), "--section"), (("help", "threads"), "threads"),
                                (("replay", "--help"), "--target"), (("list",), "churn"),
                                (("list", "policies"), "dynamic"), (("--version",), "mems-stress ")):
            outcome = self.stress(*arguments)
            self.assertEqual((outcome.status, outcome.err), (0, ""), arguments)
            self.assertIn(text, outcome.out)


class Signals(Case):
    def start(self):
        job = self.write("job.ini", LONG)
        driver = subprocess.Popen([PROGRAM, "run", job, "--json", self.path("result.json")],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(driver.wait)
        self.addCleanup(driver.kill)
        self.addCleanup(driver.stdout.close)
        self.addCleanup(driver.stderr.close)
        cell = wait_for(lambda: cell_of(driver.pid))
        wait_for(lambda: at_work(cell))
        return driver, cell

    def test_interrupted(self):
        driver, cell = self.start()
        driver.send_signal(signal.SIGINT)
        self.assertEqual(driver.wait(20), 130)
        with open(self.path("result.json")) as file:
            document = json.load(file)
        self.assertEqual(document["verdict"], "incomplete")
        self.assertEqual(document["cells"][0]["verdict"], "incomplete")
        self.assertTrue(document["cells"][0]["report"]["incomplete"])
        self.assertGreater(document["cells"][0]["report"]["operations"]["all"], 0)
        self.assertFalse(os.path.exists("/proc/%d" % cell))

    def test_killed_driver_leaves_no_orphan(self):
        driver, cell = self.start()
        driver.kill()
        driver.wait()

        def gone():
            try:
                with open("/proc/%d/stat" % cell) as file:
                    return file.read().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                return True
        wait_for(gone)
        self.assertFalse(os.path.exists(self.path("result.json")))

    def test_killed_cell(self):
        driver, cell = self.start()
        os.kill(cell, signal.SIGKILL)
        self.assertEqual(driver.wait(20), 3)
        with open(self.path("result.json")) as file:
            self.assertEqual(json.load(file)["cells"][0]["evidence"]["signal"], "KILL")

    def test_progress_on_a_terminal(self):
        job = self.write("job.ini", LONG.replace("60s", "400ms"))
        ours, theirs = pty.openpty()
        driver = subprocess.Popen([PROGRAM, "run", job], stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        text = b""
        while True:
            if select.select([ours], [], [], 20)[0]:
                try:
                    piece = os.read(ours, 4096)
                except OSError:  # the other end is closed
                    break
                text += piece
        os.close(ours)
        self.assertEqual(driver.wait(20), 0)
        self.assertIn(b"[1/1] work on libc: run", text)


if __name__ == "__main__":
    unittest.main()
