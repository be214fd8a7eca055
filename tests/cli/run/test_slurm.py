#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_slurm.py - run --slurm: what is written and handed to sbatch, with an sbatch that only takes notes. On a real
# Slurm: tests/slurm.

import json
import os
import shutil
import subprocess
import unittest

from stress import Case

JOB = """[global]
target = null, libc
workload = churn
ops = ${OPS:-200}
[one]
[two]
[three]
threads = 1,2
"""
# The calls, a line each; numbers from 17 on.
SBATCH = """#!/bin/sh
echo "$@" >> calls
echo "$((16 + $(wc -l < calls)))"
"""


class Slurm(Case):
    def setUp(self):
        super().setUp()
        self.job = self.write("job.ini", JOB)
        os.mkdir(self.path("bin"))
        self.sbatch(SBATCH)

    def sbatch(self, script):
        self.write("bin/sbatch", script)
        os.chmod(self.path("bin/sbatch"), 0o755)

    def run_slurm(self, *arguments, status=0, env=None):
        outcome = self.stress("run", "job.ini", "--slurm", *arguments,
                              env={"PATH": self.path("bin") + ":" + os.environ["PATH"], **(env or {})})
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        return outcome

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def script(self, name, *arguments, status=0, env=None):
        done = subprocess.run(["sh", self.path("out/" + name), *arguments], capture_output=True, text=True,
                              cwd="/", env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_submitted(self):
        outcome = self.run_slurm("--slurm-tasks", "2", "--slurm-folder", "out", "--slurm-arg=--partition=long")
        plan = self.stress("plan", "job.ini").out.split("beginning: ")[1][:12]
        self.assertEqual(outcome.out.splitlines()[0], "job 17: 2 tasks, shards of plan %s, in %s" % (plan, self.path("out")))
        self.assertTrue(outcome.out.splitlines()[1].startswith("job 18: merges them"))
        self.assertEqual(self.read("calls").splitlines(),
                         ["--parsable %s" % self.path("out/shards.sh"),
                          "--parsable --dependency=afterany:17 %s" % self.path("out/merge.sh")])
        self.assertIn("#SBATCH --partition=long\n", self.read("out/" + "shards.sh"))
        self.assertIn("#SBATCH --partition=long\n", self.read("out/" + "merge.sh"))

    def test_scripts_by_hand(self):
        # The plan is that of the moment: neither the job nor the environment counts any more.
        self.run_slurm("--slurm-folder", "out", "--slurm-tasks", "3", "--filter", "libc", "--csv", "all.csv",
                       "--context", "who=me and you", env={"OPS": "100"})
        self.write("job.ini", "")
        for task in "3", "1":
            self.script("shards.sh", task, env={"MEMS_STRESS_SLURM": "1", "MEMS_STRESS_SEED": "9", "OPS": "300"})
        done = self.script("merge.sh", status=1)
        self.assertIn("shard-2.json: No such file", done.stderr)
        self.assertIn("(shard 2/3)", done.stderr)
        self.script("shards.sh", status=1)
        self.script("shards.sh", "4", status=1)
        self.script("shards.sh", env={"SLURM_ARRAY_TASK_ID": "2"})
        self.script("merge.sh")
        merged = json.loads(self.read("out/" + "merged.json"))
        self.assertEqual(sorted(cell["id"] for cell in merged["cells"]),
                         ["one/libc/0", "three threads=1/libc/0", "three threads=2/libc/0", "two/libc/0"])
        self.assertEqual({section["values"]["ops"] for section in merged["job"]["sections"]}, {"100"})
        self.assertEqual({cell["seed"] for cell in merged["cells"]}, {1})
        self.assertEqual(merged["context"], {"who": "me and you"})
        self.assertEqual(len(self.read("all.csv").splitlines()), 5)

    def test_default_folder_and_tasks(self):
        outcome = self.run_slurm()
        self.assertIn(": 4 tasks,", outcome.out)
        folder = [name for name in os.listdir(self.folder.name) if name.endswith(".slurm")]
        self.assertEqual(len(folder), 1)
        self.assertRegex(folder[0], r"^job-[0-9a-f]{8}\.slurm$")
        self.assertEqual(sorted(os.listdir(self.path(folder[0]))), ["merge.sh", "plan.ini", "shards.sh"])
        # Again: the same folder, the same files.
        self.run_slurm()
        self.assertEqual(len(self.read("calls").splitlines()), 4)

    def test_dry_run_writes_nothing(self):
        before = sorted(os.listdir(self.folder.name))
        outcome = self.run_slurm("--dry-run")
        self.assertTrue(outcome.out.startswith("#!/bin/sh\n"))
        self.assertIn("#SBATCH --array=1-4\n", outcome.out)
        self.assertEqual(sorted(os.listdir(self.folder.name)), before)

    def test_another_plan_in_the_folder(self):
        self.run_slurm("--slurm-folder", "out")
        plan = self.read("out/" + "plan.ini")
        outcome = self.run_slurm("--slurm-folder", "out", "--set", "ops=7", status=1)
        self.assertIn("another plan", outcome.err)
        self.assertEqual(self.read("out/" + "plan.ini"), plan)

    def test_without_sbatch(self):
        empty = self.path("empty")
        os.mkdir(empty)
        outcome = self.run_slurm("--slurm-folder", "out", status=1, env={"PATH": empty})
        self.assertIn("no sbatch here", outcome.err)
        self.assertIn("sbatch %s" % self.path("out/shards.sh"), outcome.err)
        self.assertTrue(os.path.exists(self.path("out/shards.sh")))

    def test_sbatch_that_refuses(self):
        self.sbatch("#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1\n")
        outcome = self.run_slurm("--slurm-folder", "out", status=1)
        self.assertIn("invalid partition", outcome.err)
        self.assertIn("did not take", outcome.err)
        self.sbatch("#!/bin/sh\necho sent\n")
        self.run_slurm("--slurm-folder", "out", status=1)

    def test_usage(self):
        for words, said in ((("--shard", "1/2"), "--shard"), (("--list",), "--list"), (("--resume",), "--resume"),
                            (("--baseline", "x"), "--baseline"), (("--json", "-"), "a file is wanted"),
                            (("--slurm-tasks", "0"), "1 .. 1000"), (("--slurm-folder", "no/out"), "missing"),
                            (("--slurm-arg", "long"), "one argument of sbatch"),
                            (("--slurm-arg=--comment=a\nb",), "one argument of sbatch")):
            outcome = self.stress("run", "job.ini", "--slurm", *words)
            self.assertIn(outcome.status, (1, 7), words)
            self.assertIn(said, outcome.err)
        outcome = self.stress("run", "job.ini", "--slurm-tasks", "2")
        self.assertEqual(outcome.status, 1)
        self.assertIn("without --slurm", outcome.err)

    def test_scripts_pass_shellcheck(self):
        if shutil.which("shellcheck") is None:
            self.skipTest("shellcheck is not installed")
        self.run_slurm("--slurm-folder", "out")
        for name in "shards.sh", "merge.sh":
            done = subprocess.run(["shellcheck", self.path("out/" + name)], capture_output=True, text=True)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
