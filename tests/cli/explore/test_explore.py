#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_explore.py - mems-stress explore: what is right passes, what is wrong is found, told and done again.
#
# usage: test_explore.py MEMS-STRESS BROKEN EXPLORE.INI; BROKEN is the explore build with a mover that the environment
# variable BROKEN makes wrong.

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, BROKEN, JOB = sys.argv[1:4]
SCALE = 10 if os.environ.get("MEMS_SANITIZE") else 1
MOVERS = """[global]
threads = 2
ops = 20
[move]
workload = churn
size = 16-256
target = mems:segmentation(mover=yes,thread_cache=no)
"""
FOUND_BY = "6"  # a seed of which one of the first schedules shows the mover without a grace period


def start(words, environment=None):
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout, done.stderr


class Explore(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.job = self.write(MOVERS)

    def write(self, text):
        path = os.path.join(self.folder.name, "job.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def broken(self, how, *words):
        return start([BROKEN, "explore", self.job, *words], {"BROKEN": how})

    def complains(self, sentence, *words):
        status, out, err = start([PROGRAM, "explore", *words])
        self.assertEqual((status, out), (1, ""), err)
        self.assertIn(sentence, err)


class Right(Explore):
    def test_passes(self):
        status, out, err = start([PROGRAM, "explore", self.job, "--schedules", "20"])
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"^move/\S+: 20 schedules of 2 threads x 20 operations, 1 lists; \d+ points .*: pass\n$")
        self.assertGreater(int(re.search(r"(\d+) points", out)[1]), 400)  # ten an operation

    def test_pct_passes(self):
        status, out, err = start([PROGRAM, "explore", self.job, "--schedules", "20", "--strategy", "pct:3"])
        self.assertEqual((status, err), (0, ""), out)
        self.assertLess(int(re.search(r"(\d+) switches", out)[1]), 60)

    def test_result_is_alone(self):
        status, out, err = start([PROGRAM, "explore", self.job, "--schedules", "3", "--strategy", "pct:2", "--json", "-"])
        self.assertEqual((status, err), (0, ""))
        result = json.loads(out)
        cell = result["cells"][0]
        self.assertEqual((result["schema"], result["exit_status"], cell["verdict"], cell["strategy"], cell["schedules"]),
                         ("mems-stress/explore/1", 0, "pass", "pct:2", 3))
        self.assertIsNone(cell["failure"])

    def test_one_list(self):
        """The same list under other schedules, and what is kept of it only."""
        words = ["--list", "65536", "--keep", "1.1-1.3,2.2", "--schedules", "8", "--json", "-"]
        seen = set()
        for seed in "1", "2":
            cell = json.loads(start([PROGRAM, "explore", self.job, "--seed", seed, *words])[1])["cells"][0]
            self.assertEqual((cell["verdict"], cell["lists"], cell["schedules"]), ("pass", 1, 8))
            seen.add(cell["points"])
        self.assertEqual(len(seen), 2)

    def test_two_threads_where_the_job_does_not_say(self):
        self.job = self.write("[a]\nworkload = churn\nsize = 16-64\ntarget = mems:fixed\n")
        status, out, _ = start([PROGRAM, "explore", self.job, "--schedules", "1"])
        self.assertEqual(status, 0)
        self.assertIn("1 schedules of 2 threads x 20 operations", out)

    def test_every_policy(self):
        status, out, err = start([PROGRAM, "explore", JOB, "--seconds", str(2 * SCALE)])
        self.assertEqual((status, err), (0, ""), out)
        for policy in ("fixed", "dynamic", "paging", "segmentation", "vm-paging", "vm-segmentation", "slab"):
            self.assertIn(f"policies/mems:{policy}", out)

    def test_an_ordinary_run_takes_the_job(self):
        status, out, err = start([PROGRAM, "plan", JOB])
        self.assertEqual((status, err), (0, ""), out)


class Determined(Explore):
    def replay(self, seed, *words):
        status, out, err = start([PROGRAM, "explore", self.job, "--replay", seed, *words])
        self.assertEqual((status, err), (0, ""), out)
        return out

    def test_same_seed_same_steps(self):
        for strategy in ("random", "pct:3:400"):
            self.assertEqual(self.replay("65536", "--strategy", strategy), self.replay("65536", "--strategy", strategy))

    def test_another_seed_other_steps(self):
        digests = {re.search(r"digest (\w+)", self.replay(seed, "--no-trace"))[1] for seed in ("65536", "65537", "131072")}
        self.assertEqual(len(digests), 3)

    def test_trace(self):
        out = self.replay("65536")
        self.assertRegex(out, r"thread 2  == operation 1\.\d+: alloc slot \d+, \d+ bytes")
        self.assertRegex(out, r"thread 1  lock segmentation\.arena\.0")
        self.assertRegex(out, r"thread \d      cas_acquire &lock->word  sync/lock\.c:\d+")
        self.assertRegex(out, r"  -> thread [123]\n")
        self.assertRegex(out, r"\nseed 65536, strategy random: \d+ points, .*: passed\n$")

    def test_kept_operations_only(self):
        out = self.replay("65536", "--keep", "1.1-1.3,2.2")
        begun = set(re.findall(r"operation (\d+\.\d+)", out))
        self.assertTrue(begun and begun <= {"1.1", "1.2", "1.3", "2.2"}, begun)


class Wrong(Explore):
    def again(self, out, status, how):
        """Every command that the report names does it again, alike each time."""
        commands = re.findall(r"^  again: (.*)$", out, re.MULTILINE)
        for command in commands:
            first = start(shlex.split(command), {"BROKEN": how})
            self.assertEqual(first[0], status, first[1][-500:])
            self.assertEqual(first, start(shlex.split(command), {"BROKEN": how}))
        return commands

    def test_no_grace_period(self):
        status, out, err = self.broken("grace", "--seed", FOUND_BY, "--no-shrink")
        self.assertEqual((status, err), (2, ""), out)
        self.assertRegex(out, r"\n  seed \d+, strategy random, schedule \d+\n  failed check, stamp: byte \d+ of a block")
        self.assertNotIn("other steps", out)
        self.assertEqual(len(self.again(out, 2, "grace")), 1)

    def test_smallest(self):
        path = os.path.join(self.folder.name, "result.json")
        status, out, err = self.broken("short", "--shrink", "20", "--json", path)
        self.assertEqual((status, err), (2, ""), out)
        smallest = re.search(r"smallest, (\d+) of 40 operations: failed check, stamp", out)
        self.assertLess(int(smallest[1]), 12)
        self.assertEqual(len(re.findall(r"^  \d\.\d+ +\w+", out, re.MULTILINE)), int(smallest[1]))
        self.assertRegex(out, rf"\n  none of the {smallest[1]} left can be left out: 20 schedules each; the smallest from \d "
                              "failing schedules, ")
        again = self.again(out, 2, "short")
        with open(path, encoding="utf-8") as file:
            cell = json.load(file)["cells"][0]
        self.assertEqual([cell["failure"]["again"], cell["smallest"]["again"]], again)
        self.assertEqual((cell["smallest"]["kept"], cell["smallest"]["needed"], cell["smallest"]["schedules_each"]),
                         (int(smallest[1]), int(smallest[1]), 20))

    def test_none_can_be_left_out(self):
        """What the report says of the smallest list is so: without any one of its operations no schedule fails."""
        status, out, _ = self.broken("short", "--shrink", "20", "--json", "-")
        smallest = json.loads(out)["cells"][0]["smallest"]
        self.assertEqual((status, smallest["cut_short"]), (2, False))
        names = []
        for piece in smallest["operations"].split(","):
            first, _, last = piece.partition("-")
            thread, number = first.split(".")
            names += [f"{thread}.{i}" for i in range(int(number), int((last or first).split(".")[1]) + 1)]
        self.assertEqual(len(names), smallest["kept"])
        for name in names:
            rest = ",".join(other for other in names if other != name)
            done = self.broken("short", "--strategy", smallest["strategy"], "--replay", str(smallest["seed"]), "--no-trace",
                               "--keep", rest)
            self.assertEqual(done[0], 0, done[1])

    def test_time_is_for_everything(self):
        """A failure that would take minutes to be made smaller; 1 s is there, and it is told what is missing."""
        path = os.path.join(self.folder.name, "result.json")
        status, out, _ = self.broken("short", "--seconds", "1", "--shrink", "65536", "--json", path)
        with open(path, encoding="utf-8") as file:
            smallest = json.load(file)["cells"][0]["smallest"]
        self.assertEqual((status, smallest["cut_short"]), (2, True))
        self.assertLess(smallest["needed"], smallest["kept"])
        self.assertRegex(out, r"\n  cut short after [\d.]+ s, when its time was over: \d+ of the \d+ left were shown to be needed")

    def test_the_right_mover_passes_there(self):
        status, out, err = self.broken("", "--seed", FOUND_BY, "--schedules", "25")
        self.assertEqual((status, err), (0, ""), out)

    def test_stuck(self):
        for how, said in (("crash", "crash, SIGABRT"), ("deadlock", "deadlock, deadlock: thread 0"),
                          ("livelock", "livelock, livelock: thread 0")):
            status, out, err = self.broken(how, "--no-shrink")
            self.assertEqual((status, err), (3, ""), out)
            self.assertIn(said, out)
            self.assertRegex(out, r"under way: operation \d\.\d+" if how == "crash" else r"thread \d sleeps; last: ")
            self.assertNotIn("other steps", out)
            if how != "livelock":
                self.assertEqual(len(self.again(out, 3, how)), 1)

    def test_failed_outranks_a_pass(self):
        self.job = self.write(MOVERS + "[still]\nworkload = churn\ntarget = mems:fixed\n")
        status, out, _ = self.broken("crash", "--no-shrink", "--schedules", "3")
        self.assertEqual(status, 3, out)
        self.assertRegex(out, r"still/mems:fixed/0: 3 schedules .*: pass")

    def test_what_was_found_outranks_a_result_that_is_not_written(self):
        status, out, err = self.broken("crash", "--no-shrink", "--schedules", "3", "--json", "/dev/full")
        self.assertEqual(status, 3, out)
        self.assertIn("No space left", err)


class Readme(Explore):
    @unittest.skipIf(os.environ.get("MEMS_SANITIZE"), "the same in the build without sanitizers")
    def test_example(self):
        """What stress/explore/README.md shows is what its command says, but for the seconds."""
        root = os.path.normpath(os.path.join(os.path.dirname(JOB), os.pardir, os.pardir))
        with open(os.path.join(root, "stress", "explore", "README.md"), encoding="utf-8") as file:
            command, shown = re.search(r"```sh\nBROKEN=short (\S+ explore .*)\n```\n\n```text\n((?:.*\n)*?)```", file.read()).groups()
        words = shlex.split(command)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MEMS_")}
        done = subprocess.run([BROKEN, *words[1:]], cwd=root, env={**plain, "BROKEN": "short"}, capture_output=True,
                              text=True, check=False)
        said = done.stdout.replace(BROKEN, words[0]).split("\n", 1)[1]
        seconds = re.compile(r"[\d.]+ s$", re.MULTILINE)
        self.assertEqual(seconds.sub("", said), seconds.sub("", shown), "bring stress/explore/README.md's example along: it is now\n" + said)


class Complaints(Explore):
    def test_foreign_target(self):
        self.complains("libc is no engine of libmems", self.job, "--target", "libc")

    def test_flat_addresses(self):
        self.complains("leave addresses=flat out", self.job, "--target", "mems:dynamic(addresses=flat,granule=16)")

    def test_words(self):
        self.complains('--strategy "pct:": random', self.job, "--strategy", "pct:")
        for wrong in ("pct:17", "pct:0", "pct: 3", "pct:+3", "pct:3 ", "pct:3:", "pct:3: 9", "pct:3:0"):
            self.complains(f'--strategy "{wrong}": random', self.job, "--strategy", wrong)
        self.complains('--strategy "walk": random, pct:DEPTH', self.job, "--strategy", "walk")
        self.complains("with --replay SEED or --list SEED only", self.job, "--keep", "1.1")
        self.complains("with --replay SEED only", self.job, "--no-trace")
        self.complains("up to 65536", self.job, "--list", "1", "--schedules", "65537")
        self.complains("cells; say which: --only SECTION", JOB, "--list", "1")
        self.complains("there are 2 threads of 20 operations", self.job, "--list", "1", "--keep", "2.21")
        self.complains("--schedules: at least 1", self.job, "--schedules", "0")
        self.complains("there are 2 threads of 20 operations", self.job, "--replay", "1", "--keep", "3.1")
        self.complains("cells; say which: --only SECTION", JOB, "--replay", "1")
        self.complains("no job file", "--schedules", "1")
        self.complains("--seconds: at least 1", self.job, "--seconds", "0")
        self.complains("--minutes: at least 1", self.job, "--minutes", "0")
        self.complains("--shrink: 1 to 65536", self.job, "--shrink", "0")
        self.complains("--shrink: 1 to 65536", self.job, "--shrink", "65537")
        self.complains("not both", self.job, "--shrink", "9", "--no-shrink")
        for word in (["--seconds", "1"], ["--schedules", "1"], ["--json", "-"], ["--no-shrink"]):
            self.complains("--replay does one schedule again", self.job, "--replay", "1", *word)

    def test_what_cannot_be_played_is_not_changed(self):
        for key, said in (("threads=1", "schedules are of 2 to 4 threads"), ("threads=16", "schedules are of 2 to 4 threads"),
                          ("ops=5001", "1 to 5000 operations of each thread"), ("size=2Mi", "up to 1048576")):
            self.complains(said, self.job, "--set", key)

    def test_place_that_cannot_be_written(self):
        status, out, err = start([PROGRAM, "explore", self.job, "--json", os.path.join(self.folder.name, "no", "r.json")])
        self.assertEqual((status, out), (7, ""))
        self.assertIn("its folder is missing", err)

    def test_alone(self):
        lonely = os.path.join(self.folder.name, "mems-stress")
        shutil.copy(PROGRAM, lonely)
        status, _, err = start([lonely, "explore", self.job])
        self.assertEqual(status, 6)
        self.assertIn("mems-stress-explore: No such file or directory", err)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
