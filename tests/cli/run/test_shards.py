#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_shards.py - one plan on many machines: shards, what a kill leaves of them, and the merge.

import json
import os
import random
import re
import shutil
import signal
import subprocess
import unittest

from stress import EVIL, JOBS, PROGRAM, SANITIZED, Case, evil, processes, wait_for

JOB = """[global]
target = null, libc, ?preload:no-such-allocator
ops = 100
repeats = 2
[a]
workload = churn
threads = 1,2
[b, "quoted"]
workload = larson
slots = 100
[c]
workload = churn
slots = 20
wait_for = a
[d]
workload = skeleton
threads = 1,2
"""
# Each start of a cell is a line of the file "starts". While there is a file "hold" the fifth cell waits in its prepare, so that
# a run is not at its end when somebody who is slow comes to interrupt it.
COUNTED = """[global]
target = null, libc
ops = 200
workload = churn
slots = 10
repeats = 2
prepare = echo $$MEMS_SECTION/$$MEMS_TARGET/$$MEMS_REPEAT >> starts; while [ -e hold ] && [ $$(wc -l < starts) -gt 4 ]; do sleep 0.01; done
[one]
[two]
[three]
[four]
"""


class Shards(Case):
    made = {}

    def load(self, name):
        with open(self.path(name)) as file:
            return json.load(file)

    def shard(self, index, count, *arguments, job="job.ini", status=0):
        name = "s%d.json" % index
        outcome = self.stress("run", job, "--shard", "%d/%d" % (index, count), "--json", name, *arguments)
        self.assertEqual(outcome.status, status, outcome.err)
        return name

    def shards(self, count=3, text=JOB):
        """The results of a job's shards, made once for all tests."""
        self.write("job.ini", text)
        names = ["s%d.json" % index for index in range(1, count + 1)]
        if (count, text) not in self.made:
            for index in range(1, count + 1):
                self.shard(index, count)
            self.made[count, text] = {}
            for name in names:
                with open(self.path(name)) as file:
                    self.made[count, text][name] = file.read()
        for name in names:
            self.write(name, self.made[count, text][name])
        return names

    def merge(self, *arguments, status=0):
        outcome = self.stress("merge", *arguments)
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        return outcome

    def refused(self, *arguments, words):
        outcome = self.merge(*arguments, "--json", "refused.json", status=1)
        self.assertFalse(os.path.exists(self.path("refused.json")))
        for word in words:
            self.assertIn(word, outcome.err)

    def edit(self, name, change, into):
        document = self.load(name)
        change(document)
        self.write(into, json.dumps(document))
        return into

    # ---- shards and their merge

    def test_merged_as_one_run(self):
        parts = self.shards()
        outcome = self.merge(*reversed(parts), "--json", "all.json", "--csv", "all.csv", "--junit", "all.xml")
        listed = self.stress("run", "job.ini", "--list").out.splitlines()
        merged = self.load("all.json")
        self.assertEqual([cell["id"] for cell in merged["cells"]], listed)
        self.assertEqual([cell["order"] for cell in merged["cells"]], list(range(len(listed))))
        whole = self.run_job(JOB)
        self.assertEqual(whole.status, 0)
        for key in "title", "text", "plan_sha256", "resume_key", "sections":
            self.assertEqual(merged["job"][key], whole.document["job"][key])
        self.assertEqual([c["seed"] for c in merged["cells"]], [c["seed"] for c in whole.document["cells"]])
        self.assertEqual([c["verdict"] for c in merged["cells"]], [c["verdict"] for c in whole.document["cells"]])
        self.assertEqual(self.stress("plan", "job.ini").out.split("beginning: ")[1][:64], merged["job"]["plan_sha256"])
        # The same table but for the figures, and the same exit status.
        lines = [re.sub(r"[-0-9.]+.*", "", line) for line in outcome.out.splitlines() if "[" not in line]
        self.assertIn("verdict: pass", outcome.out)
        for line in whole.out.splitlines():
            if "workload " in line:
                self.assertIn(line, outcome.out)
        self.assertTrue(any(line.startswith("libc") for line in lines))
        with open(self.path("all.csv")) as file:
            self.assertEqual(len(file.readlines()), 1 + len(listed))
        # Every cell as its shard has it.
        cells = {cell["id"]: cell for cell in merged["cells"]}
        for part in parts:
            for cell in self.load(part)["cells"]:
                self.assertEqual({**cell, "order": 0}, {**cells[cell["id"]], "order": 0})
        self.assertFalse([name for name in os.listdir(self.folder.name) if "journal" in name or ".part" in name])

    def test_merge_reads_what_merge_writes(self):
        parts = self.shards(3)
        self.merge(*parts, "--json", "all.json")
        self.merge(parts[0], parts[2], "--partial", "--json", "some.json")
        self.merge("some.json", parts[1], parts[1], "--json", "again.json")
        self.assertEqual(self.load("again.json")["cells"], self.load("all.json")["cells"])
        self.merge("all.json", "--json", "once-more.json")
        self.assertEqual(self.load("once-more.json")["cells"], self.load("all.json")["cells"])
        self.assertEqual(self.stress("compare", "all.json", "again.json").status, 0)

    def test_merged_compares_with_a_whole_run(self):
        self.merge(*self.shards(), "--json", "all.json")
        self.run_job(JOB)
        outcome = self.stress("compare", "result.json", "all.json", "--metric", "held_over_live")
        self.assertNotIn("not comparable", outcome.out + outcome.err)

    def test_empty_shards_pass(self):
        parts = self.shards(4, text="[a]\nworkload = churn\ntarget = null\nops = 100\n")
        self.assertEqual(sorted(len(self.load(part)["cells"]) for part in parts), [0, 0, 0, 1])
        done = self.stress("run", "job.ini", "--shard", "1/1", "--json", "whole.json")
        self.assertNotIn("no section", done.err)
        empty = [i + 1 for i, part in enumerate(parts) if not self.load(part)["cells"]][0]
        done = self.stress("run", "job.ini", "--shard", "%d/4" % empty, "--json", "anew.json")
        self.assertIn("no section of this plan falls to shard %d of 4\n" % empty, done.err)
        self.merge(*parts, "--json", "all.json")
        self.assertEqual(len(self.load("all.json")["cells"]), 1)

    def test_missing_cells_are_named(self):
        parts = self.shards(3)
        self.refused(parts[0], parts[2], words=["cells are missing", "(shard 2/3)", "--partial"])
        missing = [cell["id"] for cell in self.load(parts[1])["cells"]]
        outcome = self.merge(parts[0], parts[2], "--partial", "--json", "some.json")
        for cell in missing:
            self.assertIn("  %s (shard 2/3)" % cell, outcome.err)
        self.assertEqual(len(self.load("some.json")["cells"]) + len(missing),
                         len(self.stress("run", "job.ini", "--list").out.splitlines()))

    def test_what_waits_goes_along(self):
        parts = self.shards()
        for part in parts:
            sections = {cell["section"] for cell in self.load(part)["cells"]}
            self.assertEqual("c" in sections, "a threads=1" in sections)

    def test_failures_are_merged(self):
        self.write("job.ini", "[global]\nworkload = churn\nops = 20k\nslots = 50\nsize = 777\nverify = 4\n"
                   "[good]\ntarget = null\n[bad]\ntarget = %s\n" % evil("double"))
        statuses = []
        for index in 1, 2:
            statuses.append(self.stress("run", "job.ini", "--shard", "%d/2" % index, "--json",
                                        "s%d.json" % index).status)
        self.assertEqual(sorted(statuses), [0, 2])
        outcome = self.merge("s1.json", "s2.json", "--json", "all.json", "--junit", "all.xml", status=2)
        self.assertIn("failed: preload:", outcome.out)
        bad = [cell for cell in self.load("all.json")["cells"] if cell["verdict"] == "failed"][0]
        self.assertTrue(bad["evidence"]["backtrace"]["frames"])
        self.assertIn("at work on", outcome.out)
        self.assertEqual(self.again(bad["again"]).status, 2)
        # It is done: what it came to is told again.
        index = 1 + statuses.index(2)
        outcome = self.stress("run", "job.ini", "--shard", "%d/2" % index, "--json", "s%d.json" % index)
        self.assertEqual(outcome.status, 2)
        self.assertIn("nothing to do", outcome.err)

    def test_files_are_not_needed_for_the_merge(self):
        shutil.copy(os.path.join(JOBS, "traces", "compaction.trace"), self.path("mine.trace"))
        parts = self.shards(2, text="[global]\ntarget = null\n[t]\nworkload = trace\ntrace = mine.trace\n"
                            "[u]\nworkload = churn\nops = 100\n")
        os.remove(self.path("mine.trace"))
        self.merge(*parts, "--json", "all.json")
        section = self.load("all.json")["job"]["sections"][0]
        self.assertEqual(section["values"]["trace"], "mine.trace")
        self.assertEqual(len(section["files"]["trace"]["sha256"]), 64)

    def test_refusals(self):
        parts = self.shards()
        self.write("other.ini", JOB.replace("slots = 20", "slots = 21"))
        self.stress("run", "other.ini", "--shard", "2/3", "--json", "other.json")
        self.refused(parts[0], "other.json", words=["different plans", self.load("other.json")["job"]["plan_sha256"][:12],
                                                    self.load(parts[0])["job"]["plan_sha256"][:12], "[c]"])
        self.stress("run", "job.ini", "--shard", "2/4", "--json", "fourth.json")
        self.refused(parts[0], "fourth.json", words=["3 shards", "to 4"])
        self.stress("run", "job.ini", "--shard", "2/3", "--filter", "/1$", "--json", "filtered.json")
        self.refused(parts[0], "filtered.json", words=["--filter"])
        self.run_job(JOB)
        self.refused(parts[0], "result.json", words=["result.json", "whole run"])
        self.refused(parts[0], "job.ini", words=["job.ini:", "JSON"])
        self.refused(parts[0], "nowhere.json", words=["nowhere.json", "No such file"])

        def other_outcome(document):
            cell = next(cell for cell in document["cells"] if cell["verdict"] == "pass")
            cell["seconds"] += 1
        self.edit(parts[1], other_outcome, "twice.json")
        self.refused(*parts, "twice.json", words=["s2.json and twice.json", "different outcomes"])

        def other_text(document):
            section = document["job"]["sections"][0]
            section["text"] = section["text"].replace("ops = 100", "ops = 101")
        self.edit(parts[1], other_text, "text.json")
        self.refused(parts[0], "text.json", words=["text.json", "another hash"])

        def other_build(document):
            document["host"]["revision"] = "0123456"
            document["job"]["resume_key"] = "0" * 64
        self.edit(parts[1], other_build, "build.json")
        self.refused(parts[0], "build.json", words=["different builds", "0123456"])

        def other_machine(document):
            next(cell for cell in document["cells"] if "host" in cell)["host"] = "elsewhere"
        self.edit(parts[1], other_machine, "machine.json")
        self.refused(parts[0], "machine.json", words=["two machines", "elsewhere"])

    def test_damaged_members_are_told(self):
        parts = self.shards()
        for path, value in ((("shard", "cells"), [[9, 0, 0]]), (("shard", "sections"), [{}]), (("cells",), 7),
                            (("job", "sections"), None), (("shard", "count"), "two")):
            def damage(document):
                for key in path[:-1]:
                    document = document[key]
                document[path[-1]] = value
            self.edit(parts[0], damage, "damaged.json")
            self.refused("damaged.json", words=["damaged.json", path[-1] if path[-1] != "count" else "shard"])

        def no_wall(document):
            next(cell for cell in document["cells"] if "report" in cell)["report"]["wall_ns"] = "long"
        self.edit(parts[0], no_wall, "damaged.json")
        self.refused("damaged.json", *parts[1:], words=["wall_ns", "cell "])

    def test_machines(self):
        parts = self.shards()

        def elsewhere(document):
            document["host"]["name"] = "node7"
            document["hosts"] = [document["host"]]
            for cell in document["cells"]:
                if "host" in cell:
                    cell["host"] = "node7"
        sweep = next(part for part in parts
                     if any(c["section"] == "d threads=1" for c in self.load(part)["cells"]))
        self.edit(sweep, elsewhere, sweep)
        outcome = self.merge(*parts, "--json", "all.json", "--junit", "all.xml")
        merged = self.load("all.json")
        self.assertEqual(sorted({host["name"] for host in merged["hosts"]}),
                         sorted({"node7", merged["cells"][0]["host"], os.uname().nodename}
                                if "host" in merged["cells"][0] else {"node7", os.uname().nodename}))
        self.assertIn("hosts", {warning["code"] for warning in merged["warnings"]})
        whys = {row["sections"][0][0]: row["why"] for row in merged["scaling"]}
        self.assertIn("several machines", whys["d"])
        self.assertNotIn("several machines", whys["a"])
        self.assertIn("measured on 2 machines", outcome.out)
        with open(self.path("all.xml")) as file:
            self.assertIn('hostname="node7"', file.read())
        self.run_job(JOB)
        outcome = self.stress("compare", "result.json", "all.json", "--metric", "held_over_live")
        self.assertRegex(outcome.out + outcome.err, r"node7 and %s|%s and node7" % (2 * (os.uname().nodename,)))
        outcome = self.merge(*parts, "--no-warn", "hosts")
        self.assertNotIn("measured on 2 machines", outcome.out)

    def test_usage(self):
        self.write("job.ini", JOB)
        for words, said in ((("--shard", "3/2", "--json", "x"), "1/4 .. 4/4"),
                            (("--shard", "1/2"), "needs --json FILE"),
                            (("--shard", "1/2", "--json", "-"), "needs --json FILE"),
                            (("--shard", "1/2", "--json", "/dev/null"), "needs --json FILE"),
                            (("--resume",), "needs --json FILE"),
                            (("--shard", "1/2", "--json", "x", "--baseline", "y"), "merge")):
            outcome = self.stress("run", "job.ini", *words)
            self.assertEqual(outcome.status, 1)
            self.assertIn(said, outcome.err)
        self.assertEqual(self.stress("merge").status, 1)
        listed = [self.stress("run", "job.ini", "--list", "--shard", "%d/2" % index).out.splitlines()
                  for index in (1, 2)]
        self.assertEqual(sorted(listed[0] + listed[1]),
                         sorted(self.stress("run", "job.ini", "--list").out.splitlines()))
        outcome = self.stress("run", "job.ini", "--json", "x.json", env={"MEMS_STRESS_SHARD": "2/2"})
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertEqual([cell["id"] for cell in self.load("x.json")["cells"]], listed[1])

    # ---- what a kill leaves

    def starts(self):
        try:
            with open(self.path("starts")) as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def begin(self, *arguments, job="job.ini"):
        return subprocess.Popen([PROGRAM, "run", job, *arguments, "--quiet"], cwd=self.folder.name,
                                env={**os.environ, "SHARDS_FOLDER": self.folder.name},
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def alive(self):
        """Whether a process lives that a driver of this test has started."""
        mark = b"SHARDS_FOLDER=" + os.fsencode(self.folder.name) + b"\0"
        for pid, _, _ in processes():
            try:
                with open("/proc/%d/environ" % pid, "rb") as file:
                    if mark in file.read() + b"\0":
                        return True
            except OSError:
                pass  # it has ended, or is another user's
        return False

    def all_gone(self):
        """What a killed driver was at, a prepare too, ends soon after it, and may have written until then."""
        wait_for(lambda: not self.alive() and not self.alive())

    def kill(self, driver):
        driver.kill()
        driver.wait()
        driver.stderr.close()
        self.all_gone()

    def test_killed_at_random_moments(self):
        seed = int(os.environ.get("MEMS_TEST_SEED", random.randrange(1 << 32)))
        self.addCleanup(lambda: print("again with: MEMS_TEST_SEED=%d" % seed))
        chance = random.Random(seed)
        self.write("job.ini", COUNTED)
        kills = 0
        status = None
        while status != 0:
            driver = self.begin("--resume", "--json", self.path("r.json"))
            try:
                # The first rounds are cut short; where nothing gets done in so little time, later ones are longer.
                driver.wait(chance.uniform(0, 0.6 if SANITIZED else 0.15) * (1 + kills / 4))
            except subprocess.TimeoutExpired:
                driver.send_signal(signal.SIGKILL)
                kills += 1
            status = driver.wait(60)
            driver.stderr.close()
            self.assertIn(status, (0, -signal.SIGKILL))
            if status != 0 and os.path.exists(self.path("r.json")):
                self.load("r.json")  # whole, or not there
        self.all_gone()
        document = self.load("r.json")
        listed = self.stress("run", "job.ini", "--list").out.splitlines()
        self.assertEqual([cell["id"] for cell in document["cells"]], listed)
        self.assertEqual({cell["verdict"] for cell in document["cells"]}, {"pass"})
        starts = self.starts()
        self.assertEqual(set(starts), set(listed))
        self.assertLessEqual(len(starts), len(listed) + kills)
        outcome = self.stress("run", "job.ini", "--resume", "--json", "r.json")
        self.assertEqual(outcome.status, 0)
        self.assertIn("nothing to do", outcome.err)
        self.assertEqual(self.starts(), starts)
        self.assertFalse(os.path.exists(self.path("r.json.journal")))

    def journal_of_some(self, count=4):
        """A run of COUNTED that was killed when so many cells were kept, the last that it can before it is held."""
        self.write("job.ini", COUNTED)
        self.write("hold", "")

        def kept():
            try:
                with open(self.path("r.json.journal")) as file:
                    return sum(line.startswith('{"cell":') and line.endswith("\n") for line in file) >= count
            except FileNotFoundError:
                return False
        driver = self.begin("--shard", "1/1", "--json", self.path("r.json"))
        try:
            wait_for(kept)
        finally:
            self.kill(driver)
        os.remove(self.path("hold"))
        with open(self.path("r.json.journal"), "rb") as file:
            return file.read()

    def resume(self, *arguments):
        outcome = self.stress("run", "job.ini", "--shard", "1/1", "--json", "r.json", "--quiet", *arguments)
        self.assertEqual(outcome.status, 0, outcome.err)
        return outcome

    def test_torn_journals(self):
        journal = self.journal_of_some()
        lines = journal.splitlines(keepends=True)
        whole = b"".join(line for line in lines if line.endswith(b"\n"))
        kept = whole.count(b'{"cell":')
        last = len(whole.splitlines(keepends=True)[-1])
        for cut in (1, last - 1):
            with open(self.path("r.json.journal"), "wb") as file:
                file.write(whole[:-cut])
            outcome = self.resume()
            self.assertIn("%d bytes at its end are no whole line" % (last - cut), outcome.err)
            self.assertIn("%d of 16 cells are done already" % (kept - 1), outcome.err)
            os.remove(self.path("r.json"))
        for tail in (b"\0" * 4096, b'{"cell":{"id":"one/null/0"}}\n', b"junk\n" + lines[2]):
            with open(self.path("r.json.journal"), "wb") as file:
                file.write(whole + tail)
            outcome = self.resume()
            self.assertIn("%d bytes at its end are no whole line" % len(tail), outcome.err)
            self.assertIn("%d of 16 cells are done already" % kept, outcome.err)
            os.remove(self.path("r.json"))

    def test_kept_cells_are_as_they_were(self):
        journal = self.journal_of_some()
        kept = [json.loads(line)["cell"] for line in journal.splitlines(keepends=True) if line.startswith(b'{"cell":')
                and line.endswith(b"\n")]
        self.resume()
        cells = {cell["id"]: cell for cell in self.load("r.json")["cells"]}
        self.assertGreaterEqual(len(kept), 4)
        for cell in kept:
            self.assertEqual({**cells[cell["id"]], "again": ""}, {**cell, "again": ""})

    def test_another_run_does_not_take_its_place(self):
        journal = self.journal_of_some()
        ran = len(self.starts())
        slips = [(["--shard", "1/2"], "is of shard 1/1, and this is shard 1/2"),
                 (["--resume"], "is of shard 1/1, and this is the whole plan"),
                 (["--shard", "1/1", "--seed", "7"], "is of another plan"),
                 (["--shard", "1/1", "--set", "slots=11"], "is of another plan")]
        for arguments, said in slips:
            outcome = self.stress("run", "job.ini", *arguments, "--json", "r.json", "--quiet")
            self.assertEqual(outcome.status, 1)
            self.assertIn("r.json.journal " + said, outcome.err)
            self.assertIn("give --json another name, or remove r.json.journal", outcome.err)
            self.assertFalse(os.path.exists(self.path("r.json")))
            with open(self.path("r.json.journal"), "rb") as file:
                self.assertEqual(file.read(), journal)
        self.assertEqual(len(self.starts()), ran)
        self.assertIn("are done already", self.resume().err)
        # A result of another plan is no reason to do nothing, nor one of another shard.
        outcome = self.resume("--seed", "7")
        self.assertNotIn("nothing to do", outcome.err)
        self.assertIn("nothing to do", self.resume("--seed", "7").err)
        outcome = self.stress("run", "job.ini", "--shard", "1/2", "--json", "r.json", "--quiet")
        self.assertNotIn("nothing to do", outcome.err)

    def test_another_build_keeps_what_there_is(self):
        journal = self.journal_of_some().replace(b'"build":"', b'"build":"older, ', 1)
        with open(self.path("r.json.journal"), "wb") as file:
            file.write(journal)
        outcome = self.resume()
        self.assertIn("r.json.journal is of another build: kept as r.json.journal.old-1, begun anew", outcome.err)
        with open(self.path("r.json.journal.old-1"), "rb") as file:
            self.assertEqual(file.read(), journal)

    def test_interrupted_and_gone_on_with(self):
        self.write("job.ini", COUNTED.replace("ops = 200", "runtime = 300ms").replace("repeats = 2\n", ""))
        self.write("hold", "")
        driver = self.begin("--shard", "1/1", "--json", self.path("r.json"))
        wait_for(lambda: len(self.starts()) >= 3)
        driver.send_signal(signal.SIGTERM)
        self.assertEqual(driver.wait(60), 130)
        driver.stderr.close()
        os.remove(self.path("hold"))
        started = len(self.starts())
        document = self.load("r.json")
        done = [cell["verdict"] for cell in document["cells"]].count("pass")
        self.assertIn(done, (started - 1, started))  # but for the one that it was at
        self.assertIn(started, (3, 4, 5))
        self.assertTrue({cell["verdict"] for cell in document["cells"]} <= {"pass", "incomplete", "not run"})
        self.refused("r.json", words=["%d of 8 cells are missing" % (8 - done)])
        outcome = self.resume()
        self.assertIn("%d of 8 cells are done already" % done, outcome.err)
        self.assertEqual({cell["verdict"] for cell in self.load("r.json")["cells"]}, {"pass"})
        # The shard that was interrupted gives way to the whole one.
        self.write("half.json", json.dumps(document))
        self.merge("half.json", "r.json", "--json", "all.json")
        self.assertEqual(self.load("all.json")["cells"], self.load("r.json")["cells"])

    def test_two_at_once(self):
        self.write("job.ini", COUNTED.replace("ops = 200", "runtime = 60s"))
        driver = self.begin("--shard", "1/1", "--json", self.path("r.json"))
        try:
            wait_for(lambda: self.starts())
            outcome = self.stress("run", "job.ini", "--shard", "1/1", "--json", "r.json")
            self.assertEqual(outcome.status, 1)
            self.assertIn("process %d is at work on it" % driver.pid, outcome.err)
        finally:
            self.kill(driver)

    def test_abort_and_gone_on_with(self):
        text = ("[global]\nworkload = churn\nops = 20k\nslots = 50\nsize = 777\nverify = 4\n"
                "[bad]\ntarget = %s\n[good]\ntarget = null\n" % evil("double"))
        self.write("job.ini", text)
        for _ in range(2):
            outcome = self.stress("run", "job.ini", "--shard", "1/1", "--json", "r.json", "--abort")
            self.assertEqual(outcome.status, 2)
            self.assertEqual([c["verdict"] for c in self.load("r.json")["cells"]], ["failed", "not run"])
        outcome = self.stress("run", "job.ini", "--shard", "1/1", "--json", "r.json")
        self.assertIn("1 of 2 cells are done already", outcome.err)
        self.assertEqual(outcome.status, 2)
        self.assertEqual([c["verdict"] for c in self.load("r.json")["cells"]], ["failed", "pass"])

    def test_parallel(self):
        """GNU parallel is enough where there is no scheduler: the two commands, here with this machine as the only one."""
        if shutil.which("parallel") is None:
            self.skipTest("parallel is not installed (Debian: parallel)")
        self.write("job.ini", JOB)
        done = subprocess.run(["parallel", "--will-cite", "--sshlogin", ":", "--workdir", self.folder.name,
                               PROGRAM, "run", self.path("job.ini"), "--shard", "{}/3", "--json", "s{}.json",
                               ":::", "1", "2", "3"], cwd=self.folder.name, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env={**os.environ, "HOME": self.folder.name})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.merge("s1.json", "s2.json", "s3.json", "--json", "all.json")


if not EVIL or SANITIZED:
    for name in "test_failures_are_merged", "test_abort_and_gone_on_with":
        setattr(Shards, name, unittest.skip("no evil allocators beside a sanitizer")(getattr(Shards, name)))

if __name__ == "__main__":
    unittest.main()
