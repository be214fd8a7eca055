# SPDX-License-Identifier: MIT
#
# test_history.py - lists, trends, export, import and compare --against, on results made by hand.

import json
import os
import random
import re
import shutil
import subprocess
import unittest

from past import Past, machine, result


class List(Past):
    def test_jobs_and_runs(self):
        self.kept([result(1), result(2, job="ci"), result(3)])
        jobs = self.history().out
        self.assertRegex(jobs, r"nightly +2  2026-10-03 10:00:00  pass")
        self.assertRegex(jobs, r"ci +1  2026-10-02 10:00:00  pass")
        out = self.history("nightly").out
        self.assertRegex(out, r" 3  2026-10-03 10:00:00  aaaa00000003 +here +1\.5  pass")
        self.assertNotIn("2026-10-02", out)
        self.assertEqual(out, self.history("stress/jobs/nightly.ini").out)
        self.assertIn("no run of the job other", self.history("other", status=1).err)

    def test_one_job_needs_no_name(self):
        self.kept([result(1), result(2)])
        self.assertEqual(self.history().out, self.history("nightly").out)

    def test_nothing_there(self):
        outcome = self.history(status=1)
        self.assertIn("no history there yet", outcome.err)
        self.assertFalse(os.path.exists(self.file))

    def test_what_others_wrote_moves_no_cursor(self):
        # A document from elsewhere, with escapes, overrides of direction and line ends wherever words may be.
        evil = "e\x1b[2K\u202ex\nverdict: \x9b"
        documents = [result(day, job=evil, target="libc", host=machine(evil, name=evil)) for day in (1, 2)]
        for document in documents:
            document["context"] = {evil: evil}
            for section in document["job"]["sections"]:
                section["name"] = evil
            for cell in document["cells"]:
                cell["section"] = evil
        self.kept(documents)
        path = self.write("evil.json", json.dumps(documents[0]))
        for outcome in (self.stress("history", "--history", self.file),
                        self.stress("history", evil, "--history", self.file, "--machine", "all"),
                        self.stress("history", "no" + evil, "--history", self.file),
                        self.stress("history", "prune", "--keep", "1", "--dry-run", "--history", self.file),
                        self.stress("compare", path, path), self.stress("merge", path, "--json", "m.json"),
                        self.stress("report", path, "-o", evil + "/r.html")):
            said = outcome.out + outcome.err
            self.assertNotRegex(said, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
            self.assertNotRegex(said, "(?m)^verdict: [^p]")
        listed = self.history().out
        self.assertIn("e\\x1b[2K\\u202ex\\x0averdict: \\u009b: 2 runs", listed)
        exported = [json.loads(line) for line in self.stress("history", "export", "--history", self.file).out.splitlines()]
        self.assertEqual([document["job"]["title"] for document in exported], [evil, evil])

    def test_wrong_words(self):
        self.kept([result(1)])
        self.assertIn("did you mean \"ops_per_second\"?", self.history("--metric", "ops_per_secnd", status=1).err)
        self.assertIn("no figures of ops_per_second in section none in the job nightly",
                      self.history("--section", "none", status=1).err)
        self.assertIn("-o says nothing here", self.history("-o", "x", status=1).err)
        self.assertIn("export: --metric says nothing here", self.history("export", "--metric", "x", status=1).err)
        self.assertIn("one job at most", self.history("a", "b", status=1).err)
        self.assertIn("which files?", self.history("import", status=1).err)
        self.assertIn("no such run", self.history("export", "--run", "7", status=1).err)


class Trends(Past):
    """A step where it was planted, and none where none was."""

    def steps(self, rates, **more):
        noise = random.Random(1)
        self.kept([result(day + 1, rate=rate * noise.gauss(1, 0.004), **more) for day, rate in enumerate(rates)])

    def test_a_step(self):
        self.steps([1] * 12 + [0.9] * 12)
        out = self.history("--ascii").out
        self.assertRegex(out, r"\| between run 12 \(aaaa00000012\) and run 13 \(aaaa00000013\)\n"
                              r" +1\d{3} k -> \d+(\.\d)? k, -(9|10)\.\d % \(-[\d.]+ \.\. -[\d.]+\), p 0\.001, worse\n")
        self.assertEqual(out, self.history("--ascii").out)  # the seed is fixed
        self.assertRegex(self.history("--metric", "cpu_ns_per_op").out, r"run 13.*\n.*, \+1[01]\.\d % .*, worse")
        out = self.history("--metric", "held_over_live", "--metric", "rss_peak_bytes").out
        self.assertNotIn("| between", out)
        self.assertEqual(out.count("[churn]"), 2)

    def test_no_step(self):
        self.steps([1] * 24)
        self.assertNotIn("| between", self.history().out)

    def test_a_drift(self):
        self.steps([1 + 0.005 * day for day in range(24)])
        out = self.history("--ascii").out
        self.assertRegex(out, r"/ drift, \+0\.\d+ % a run \(\+0\.\d+ \.\. \+0\.\d+\): [\d.]+ k -> \d+ k in 24 runs, p\s+0\.001, better\n")
        self.assertNotIn("| between", out)

    def test_json(self):
        self.steps([1] * 12 + [0.9] * 12)
        path = self.path("history.json")
        told = self.history("nightly", "--json", path, "--metric", "ops_per_second").out
        with open(path) as file:
            document = json.load(file)
        self.assertEqual(told, self.history("nightly").out)
        self.assertEqual(document, json.loads(self.history("nightly", "--json", "-").out))
        trend, = document["trends"]
        self.assertEqual((trend["outcome"], trend["drift"], len(trend["points"])), ("steps", None, 24))
        step, = trend["steps"]
        self.assertEqual((step["last_before"], step["first_after"], step["likeliest"]), (12, 13, 13))
        self.assertLess(step["change_low_share"], step["change_share"])
        self.assertEqual([run["run"] for run in document["runs"]], list(range(1, 25)))
        self.kept([result(1, job="ci")])
        self.assertIn("--json: which job?", self.history("--json", path, status=1).err)
        self.assertIn("no/such", self.history("ci", "--json", "no/such/file", status=7).err)

    def test_few_runs(self):
        self.steps([1, 1, 0.5, 0.5])
        self.assertNotIn("| between", self.history().out)

    def test_other_work_is_another_series(self):
        self.kept([result(day) for day in range(1, 9)])
        self.kept([result(day, rate=0.1, sections=[{**self.other()}]) for day in range(9, 17)])
        out = self.history("--metric", "ops_per_second").out
        self.assertNotIn("| between", out)
        self.assertIn("8 figures before it of other work", out)

    @staticmethod
    def other():
        import made
        section = made.section()
        section["values"] = {**section["values"], "size": "1k"}
        return section

    def test_a_terminal_with_utf8(self):
        self.steps([1] * 3)
        for env, blocks in (({"LC_ALL": "C.UTF-8"}, True), ({"LC_ALL": "C", "LANG": "C.UTF-8"}, False),
                            ({"LC_ALL": "", "LC_CTYPE": "", "LANG": "en_GB.utf8"}, True)):
            out = self.history(env=env).out
            self.assertEqual(any(ord(letter) > 127 for letter in out), blocks, out)
            self.assertTrue(self.history("--ascii", env=env).out.isascii())

    def test_plot(self):
        self.steps([1] * 12 + [0.9] * 12)
        out = self.history("--plot", "--runs", "0", "--target", "libc").out
        self.assertIn("[churn] libc: ops_per_second, ops/s, 24 runs", out)
        self.assertGreater(out.count("o"), 24)
        self.assertRegex(out, r"2026-10-01 +2026-10-24")


    def test_few_columns(self):
        """Two lines for each run, job and target; no figure is lost."""
        there = machine("Another, with a name of some length, as processors have", name="there")
        self.steps([1] * 12 + [0.9] * 12, target="mems:dynamic(fit=best)")
        narrow = self.history("nightly", "--ascii", env={"COLUMNS": "40"}).out
        self.assertRegex(narrow, r"(?m)^ +24 2026-10-24 10:00:00 pass\n +aaaa00000024 +here +1\.5$")
        self.assertRegex(narrow, r"(?m)^  mems:dynamic\(fit=best\)\n  \S+\|\S+ +[\d.]+ k +-\d+\.\d %$")
        self.kept([result(25, job="ci"), result(26, target="mems:dynamic(fit=best)", host=there)])
        for arguments in ((), ("nightly",), ("nightly", "--plot"), ("nightly", "--machine", "all")):
            for width in 40, 79:
                out = self.history(*arguments, "--ascii", env={"COLUMNS": str(width)}).out
                self.assertLessEqual(max(map(len, out.splitlines())), width, out)
                wide = self.history(*arguments, "--ascii").out
                told = [re.sub(r"[ _.:=+*#-]+[_.:=+*#-]| +", " ", text) for text in (out, wide)]
                self.assertEqual(sorted(set(re.findall(r"\d[\d.,:]*", told[0]))), sorted(set(re.findall(r"\d[\d.,:]*", told[1]))))


class Machines(Past):
    """Another machine's runs are no change of this one's."""

    def setUp(self):
        super().setUp()
        old, new = machine("Old"), machine("New", name="there")
        self.kept([result(day, rate=1.0 if day % 2 else 0.5, host=old if day % 2 else new) for day in range(1, 25)])

    def test_one_or_all(self):
        out = self.history("nightly").out  # none of this machine: the newest run's
        self.assertIn("no run on this machine", out)
        self.assertIn("there: New, 4 CPUs, 8 GiB, Linux 6 x86_64", out)
        self.assertRegex(out, r"nightly: 12 runs on machine [0-9a-f]{8}, the newest 10:")
        self.assertNotIn("between", out)
        self.assertIn("not shown: 12 runs on other machines; --machine all, or NAME:", out)
        self.assertRegex(out, r"\n  [0-9a-f]{8}   12 runs, here: Old, 4 CPUs")
        out = self.history("nightly", "--machine", "all").out
        self.assertEqual(out.count("12 runs on machine"), 2)
        self.assertNotIn("between", out)
        self.assertNotIn("not shown", out)

    def test_by_name(self):
        out = self.history("nightly", "--machine", "here").out
        self.assertIn("here: Old", out)
        name = out.split(" on machine ")[1][:8]
        self.assertEqual(out, self.history("nightly", "--machine", name).out)
        self.assertEqual(out, self.history("nightly", "--machine", name[:5]).out)
        err = self.history("nightly", "--machine", "elsewhere", status=1).err
        self.assertIn("no such machine here; there are: ", err)
        self.assertIn(name, err)
        document = json.loads(self.history("nightly", "--machine", "all", "--json", "-").out)
        self.assertEqual([m["hosts"] for m in document["machines"]], [["there"], ["here"]])
        self.assertEqual([len(trend["points"]) for trend in document["trends"]], [12, 12])


class Pruned(Past):
    def test_what_goes(self):
        self.kept([result(day) for day in range(1, 25)] + [result(9, job="ci")])
        out = self.history("prune", "--keep", "22", "--dry-run").out
        self.assertIn("2 runs would go, the oldest first:\n      1  2026-10-01T10:00:00Z  here       nightly\n", out)
        self.assertEqual(self.history("prune", "ci", "--keep", "1").out.split(";")[0], "0 runs are gone")
        self.assertRegex(self.history("prune", "--keep", "3").out, r"^21 runs are gone; \d+\.\d MiB, now \d+\.\d MiB\n$")
        self.assertRegex(self.history().out, r"ci +1 (?s:.)*nightly +3  2026-10-24(?s:.)*the history: \d+\.\d MiB")
        self.assertIn("0 runs would go\n", self.history("prune", "--older-than", "40000", "--dry-run").out)

    def test_wrong_words(self):
        self.kept([result(1)])
        for words in ((), ("--keep", "1", "--older-than", "2"), ("--keep", "0")):
            self.assertIn("one of them is wanted", self.history("prune", *words, status=1).err)
        self.assertIn("one job at most", self.history("prune", "a", "b", "--keep", "1", status=1).err)
        self.assertIn("--plot says nothing here", self.history("prune", "--keep", "1", "--plot", status=1).err)
        self.assertIn("--keep says nothing here", self.history("--keep", "1", status=1).err)


class Carried(Past):
    def test_export_and_import(self):
        results = [result(1), result(2, job="ci"), result(3)]
        self.assertIn("3 results added, 0 there already", self.kept(results).out)
        self.assertIn("0 results added, 3 there already", self.kept(results).out)
        out = self.stress("history", "export", "--history", self.file).out
        back = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([document["started"] for document in back], [r["started"] for r in results])
        self.assertEqual(back[0]["cells"][0]["anything"], [1, 2, 3])  # the whole of it
        path = self.path("all.jsonl")
        self.history("export", "nightly", "-o", path)
        second = self.path("second.db")
        outcome = self.stress("history", "import", path, path, "--history", second)
        self.assertEqual((outcome.status, outcome.out), (0, "2 results added, 2 there already\n"), outcome.err)
        self.file = second
        self.assertEqual(self.history("nightly").out.count("2026-10-0"), 2)

    def test_one_run_is_a_result(self):
        self.kept([result(1), result(2)])
        path = self.path("one.json")
        self.history("export", "--run", "1", "-o", path)
        self.assertEqual(self.stress("compare", path, path).status, 0)

    def test_what_is_no_result(self):
        self.kept([result(1)])
        good = json.dumps(result(2))
        for text, says in (("[", "line 1, column 1: no JSON"), ('{"started": "x"}', '"started" is "x"'), ("{} x", "started"),
                           (good[:-9], "line 1, column"), ("\0", "no JSON"),
                           (good + "}", "line 1, column %d: no JSON" % (len(good) + 1)),
                           (good + "\n\n" + good[:-1], "line 3, column"),
                           (good + "\n" + good.replace("2026-10-02", "2026-09-31"), "line 2: \"started\" is \"2026-09-31"),
                           (json.dumps(result(2), indent=1) + good.replace('"pass"', '"good"'), "\"verdict\" is"),
                           (good + good.replace('"workload_version": 2', '"workload_version": "2"'),
                            "job.sections[0].workload_version")):
            outcome = self.history("import", self.write("bad.json", text), status=1)
            self.assertIn(says, outcome.err)
            self.assertIn("bad.json", outcome.err)
            self.assertIn("nothing was added", outcome.err)
        # Nothing of it is there: neither what stands before the fault nor another file's.
        good = self.write("good.json", good)
        self.history("import", good, self.write("bad.json", "["), status=1)
        self.assertIn("1 result added, 0 there", self.history("import", good).out)
        self.file = self.path("none.db")
        self.history("import", good, self.path("bad.json"), status=1)
        self.assertFalse(os.path.exists(self.file))
        self.assertIn("cannot read", self.history("import", "not-there.json", status=1).err)

    def test_export_cannot_write(self):
        self.kept([result(1)])
        self.assertIn("cannot write", self.history("export", "-o", "no/folder.json", status=7).err)
        with open("/dev/full", "w") as full:
            from stress import PROGRAM
            done = subprocess.run([PROGRAM, "history", "export", "--history", self.file], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 7)


class Against(Past):
    def setUp(self):
        super().setUp()
        self.kept([result(1, rate=1.0), result(2, rate=2.0), result(3, rate=0.5), result(4, job="ci"),
                   result(5, rate=4.0, revision="v1-2-gbbbb00000005-dirty")])
        self.new = self.write("new.json", json.dumps(result(9, rate=1.0)))

    def against(self, *arguments, status=0):
        outcome = self.stress("compare", *arguments, "--history", self.file)
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        return outcome

    def test_words(self):
        for word, day, status in (("last", 5, 4), ("aaaa00000001", 1, 0), ("aaaa00000002", 2, 4), ("bbbb0", 5, 4),
                                  ("2026-10-03", 3, 0), ("2026-10-03T09:59", 2, 4), ("2026-10-01T10:00:00Z", 1, 0)):
            out = self.against(self.new, "--against", word, status=status).out
            self.assertIn("A: run %d of the history: nightly, 2026-10-%02dT10:00:00Z, revision " % (day, day), out)
            self.assertIn("B: " + self.new, out)

    def test_the_newest_run(self):
        out = self.against("--against", "last").out
        self.assertIn("A: run 3 of", out)
        self.assertIn("B: run 5 of", out)

    def test_runs_of_one_second(self):
        runs = [result(7, rate=1 + i / 1000) for i in range(4)]
        self.kept(runs)
        for i in range(1, 4):
            path = self.write("one.json", json.dumps(runs[i]))
            self.assertIn("A: run %d of" % (5 + i), self.against(path, "--against", "last").out)
        self.assertIn("A: run 5 of", self.against(self.write("one.json", json.dumps(runs[0])), "--against", "last", status=4).out)

    def test_refused(self):
        for word, says in (("2026-09-30", "the first is of 2026-10-01"), ("cccc", "at revision cccc"),
                           ("aaaa", "A longer part"), ("a", "are wanted"), ("lst", "are wanted")):
            self.assertIn(says, self.against(self.new, "--against", word, status=1).err)
        other = self.write("other.json", json.dumps(result(9, job="weekly")))
        self.assertIn("no other run of the job weekly", self.against(other, "--against", "last", status=1).err)
        self.assertIn("one of them", self.against(self.new, "--against", "last", "--targets", "a,b", status=1).err)
        self.assertIn("says nothing without --against", self.against(self.new, self.new, status=1).err)
        self.assertIn("2 results, 1 is wanted", self.against(self.new, self.new, "--against", "last", status=1).err)
        self.file = self.path("none.db")
        self.assertIn("no history there yet", self.against(self.new, "--against", "last", status=1).err)

    def test_machines(self):
        """Those of another machine are left out, and that is told."""
        self.kept([result(6, rate=3.0, host=machine("Other")), result(7, rate=3.0, host=machine("Other"))])
        out = self.against(self.new, "--against", "last", status=4).out
        self.assertIn("A: run 5 of", out)
        self.assertIn("left out: 2 of other machines", out)
        out = self.against(self.new, "--against", "last", "--machine", "all", status=4).out
        self.assertIn("A: run 7 of", out)
        self.assertNotIn("left out:", out)
        other = self.write("other.json", json.dumps(result(9, host=machine("Third"))))
        err = self.against(other, "--against", "last", status=1).err
        self.assertIn("no run of the job nightly that could be compared; left out: 6 of other machines", err)
        self.assertIn("says nothing without --against", self.against(self.new, self.new, "--machine", "all", status=1).err)
        self.assertIn("--machine nobody: no such", self.against(self.new, "--against", "last", "--machine", "nobody", status=1).err)

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_names_that_git_knows(self):
        self.assertIn("nor has git a commit", self.against(self.new, "--against", "HEAD", status=1).err)  # no checkout
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}

        def git(*words):
            return subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words], cwd=self.folder.name, env=env,
                                  check=True, capture_output=True, text=True).stdout.strip()
        git("init", "-q", "-b", "main")
        hashes = []
        for text in "123":
            git("commit", "-q", "--allow-empty", "-m", text)
            hashes.append(git("rev-parse", "HEAD"))
        git("tag", "v1", hashes[0])
        git("tag", "-a", "-m", "x", "annotated", hashes[1])
        # As results may have them: cut off, by git describe and changed, whole.
        self.kept([result(6, revision=hashes[0][:12]), result(7, revision="v1-1-g%s-dirty" % hashes[1][:12])])
        for word, run in (("v1", 6), ("HEAD~2", 6), ("annotated", 7), ("HEAD^", 7)):
            self.assertIn("A: run %d of" % run, self.against(self.new, "--against", word).out)
        err = self.against(self.new, "--against", "main", status=1).err
        self.assertIn("main is commit %s: " % hashes[2][:12], err)
        self.assertIn("no run of the job nightly at revision " + hashes[2], err)
        self.kept([result(8, revision=hashes[2])])
        for word in ("main", "HEAD", "@"):
            self.assertIn("A: run 8 of", self.against(self.new, "--against", word).out)
        for word in ("no-such-branch", "HEAD~9", "^HEAD", "HEAD..v1", "--all"):
            self.assertIn("nor has git a commit", self.against(self.new, "--against=" + word, status=1).err)

    def test_no_such_day(self):
        self.assertIn('"2026-02-30": the calendar has no such day', self.against(self.new, "--against", "2026-02-30", status=1).err)

    def test_a_revision_of_the_users_own(self):
        mine = result(6, rate=3.0)
        mine["context"] = {"revision": "feedface0001"}
        self.kept([mine])
        self.assertIn("revision feedface0001", self.against(self.new, "--against", "feedface", status=4).out)


if __name__ == "__main__":
    unittest.main()
