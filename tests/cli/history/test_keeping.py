# SPDX-License-Identifier: MIT
#
# test_keeping.py - every run is kept, whoever else runs and whoever is killed; and no run fails because it cannot be.

import json
import os
import random
import resource
import signal
import sqlite3
import string
import subprocess
import time
import unittest

import stress
from past import Past, result
from stress import PROGRAM, SANITIZED, once

SMALL = ["run", "--workload", "churn", "--target", "null", "--set", "ops=200", "--quiet"]
WHERE = ("MEMS_STRESS_NO_HISTORY", "MEMS_STRESS_HISTORY", "XDG_STATE_HOME", "HOME")
LIMIT = 1 << 20  # bytes of a file: what a cell needs has room in it
ROUNDS = int(os.environ.get("MEMS_HISTORY_ROUNDS", "4" if SANITIZED else "12"))


def ask(path, sql):
    database = sqlite3.connect(path, timeout=20)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


class Keeping(Past):
    def run_with(self, *arguments, status=0, limit=None, words=SMALL, **where):
        """A run with that environment and no other history."""
        env = {name: value for name, value in os.environ.items() if name not in WHERE}
        done = subprocess.run([PROGRAM, *words, *arguments], cwd=self.folder.name, env={**env, **where},
                              capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))))
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def runs(self, path):
        self.assertEqual(ask(path, "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(ask(path, "PRAGMA foreign_key_check"), [])
        return ask(path, "SELECT count(*) FROM run")[0][0]

    def test_where(self):
        home = self.path("home")
        os.mkdir(home)
        mine = os.path.join(home, ".local/state/mems/history.db")
        state = self.path("a/b")
        self.assertEqual(self.run_with(HOME=home).stderr, "")
        self.assertEqual(self.runs(mine), 1)
        self.assertEqual(os.stat(os.path.dirname(mine)).st_mode & 0o777, 0o700)
        self.run_with(HOME=home, XDG_STATE_HOME=state)
        self.assertEqual(self.runs(os.path.join(state, "mems/history.db")), 1)
        self.run_with(HOME=home, XDG_STATE_HOME="relative")  # to be ignored, says the specification
        self.assertEqual(self.runs(mine), 2)
        self.run_with(HOME=home, MEMS_STRESS_HISTORY=self.file)
        self.run_with("--history", self.file, HOME=home, MEMS_STRESS_HISTORY="other.db", MEMS_STRESS_NO_HISTORY="1")
        self.assertEqual(self.runs(self.file), 2)
        self.run_with("--no-history", HOME=home, MEMS_STRESS_HISTORY="other.db")
        self.run_with(HOME=home, MEMS_STRESS_HISTORY="other.db", MEMS_STRESS_NO_HISTORY="yes")
        self.assertFalse(os.path.exists(self.path("other.db")))
        self.run_with(HOME=home, MEMS_STRESS_NO_HISTORY="0")
        self.assertEqual(self.runs(mine), 3)
        self.assertIn("one of them", self.run_with("--no-history", "--history", "x", status=1).stderr)
        self.assertIn("says nothing with --list", self.run_with("--list", "--history", "x", status=1).stderr)

    def test_what(self):
        document = self.path("r.json")
        self.run_with("--history", self.file, "--json", document, "--context", "revision=feed0001")
        outcome = self.stress("history", "import", document, "--history", self.file)
        self.assertEqual(outcome.out, "0 results added, 1 there already\n")
        with open(document) as file:
            written = json.load(file)
        kept = json.loads(self.stress("history", "export", "--history", self.file).out)
        self.assertEqual(kept, written)
        self.assertIn("feed0001", self.stress("history", "--history", self.file).out)
        (job, revision), = ask(self.file, "SELECT job, revision FROM run")
        self.assertRegex(job, "^churn-[0-9a-f]{6}$")
        self.assertEqual(revision, "feed0001")

    def test_replay_too(self):
        trace = self.write("t.trace", "alloc P1 100\nfree P1\n")
        words = ["replay", trace, "--target", "libc", "--quiet"]
        self.run_with(words=words, MEMS_STRESS_HISTORY=self.file)
        self.run_with("--history", self.file, words=words, MEMS_STRESS_NO_HISTORY="1")
        self.run_with(words=words, MEMS_STRESS_HISTORY=self.file, MEMS_STRESS_NO_HISTORY="1")
        self.assertEqual(self.runs(self.file), 2)

    def test_shards_are_no_runs_and_their_whole_is_one(self):
        names = [self.path("%d.json" % i) for i in (1, 2)]
        for i, name in enumerate(names):
            self.run_with("--history", self.file, "--shard", "%d/2" % (i + 1), "--json", name,
                          words=["run", "--workload", "churn,larson", "--target", "null", "--set", "ops=200", "--quiet"])
        self.assertFalse(os.path.exists(self.file))
        self.run_with("--history", self.file, "--partial", words=["merge", names[0], "--quiet"])
        self.assertFalse(os.path.exists(self.file))
        self.run_with(*names, words=["merge", "--quiet"], MEMS_STRESS_HISTORY=self.file)
        self.assertEqual(self.runs(self.file), 1)
        self.run_with("--no-history", words=["merge", *names, "--quiet"], MEMS_STRESS_HISTORY=self.file)
        self.assertEqual(self.runs(self.file), 1)

    def test_failed_runs_too(self):
        self.run_with("--history", self.file, status=2, words=["run", "--workload", "churn", "--target",
                      "mems:fixed(partitions=64x10)", "--set", "ops=200", "--set", "size=500", "--quiet"])
        self.assertEqual(ask(self.file, "SELECT verdict FROM run"), [("failed",)])
        self.assertEqual(ask(self.file, "SELECT count(*) FROM figure"), [(0,)])

    def test_a_run_does_not_fail_for_it(self):
        # no home; a folder that cannot be made; no folder; a file that is something else; a newer one; a limit
        blocked = self.write("file", "")
        newer = self.path("newer.db")
        ask(newer, "PRAGMA application_id = 1298484563")
        ask(newer, "PRAGMA user_version = 99")
        text = self.write("text", "text " * 1000)
        noise = random.Random(1)
        self.kept([{**result(1), "noise": "".join(noise.choices(string.ascii_letters, k=2000000))}])
        os.rename(self.file, self.path("limit.db"))
        self.assertGreater(os.path.getsize(self.path("limit.db")), LIMIT)
        cases = [({}, (), None), ({"HOME": blocked}, (), None), ({"HOME": "/proc/1/nothing"}, (), None),
                 ({}, ("--history", "no/folder.db"), None), ({}, ("--history", text), None), ({}, ("--history", "."), None),
                 ({}, ("--history", newer), None), ({}, ("--history", "limit.db"), LIMIT),
                 ({}, ("--history", "/dev/full"), None), ({"MEMS_STRESS_HISTORY": "no/folder.db"}, (), None)]
        for where, arguments, limit in cases:
            done = self.run_with(*arguments, limit=limit, **where)
            self.assertIn("warning: the history does not have this run: ", done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn("verdict: pass", done.stdout)
        with open(text) as file:
            self.assertEqual(file.read(), "text " * 1000)
        self.run_with("--history", "limit.db")  # what is left of it does no harm
        self.assertEqual(self.runs(self.path("limit.db")), 2)

    def test_no_home(self):
        """Whoever asks for the history by no name is told that it has no place; nothing is made where they stand."""
        document = self.write("r.json", json.dumps(result(1)))
        said = "neither XDG_STATE_HOME nor HOME names a folder to keep it in: say --history FILE, or --no-history\n"
        for where in {}, {"HOME": "", "XDG_STATE_HOME": ""}, {"HOME": "home", "XDG_STATE_HOME": "state"}:
            for words in (["history"], ["history", "export"], ["history", "import", document], ["history", "prune", "--keep", "1"],
                          ["compare", document, "--against", "last"], [*SMALL, "--baseline", "last"]):
                done = self.run_with(words=words, status=1, **where)
                self.assertTrue(done.stderr.endswith(": " + said), done.stderr)
                self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1))
            self.assertEqual(self.run_with(**where).stderr, "mems-stress: warning: the history does not have this run: " + said)
            self.run_with("--no-history", **where)
        state = self.path("state")
        self.run_with(XDG_STATE_HOME=state)  # that is enough
        self.assertEqual(os.listdir(os.path.join(state, "mems")), ["history.db"])
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["r.json", "state"])

    def test_read_only(self):
        self.run_with("--history", self.file)
        os.chmod(self.file, 0o444)
        os.chmod(self.folder.name, 0o555)
        self.addCleanup(os.chmod, self.folder.name, 0o755)
        if os.access(self.file, os.W_OK):
            self.skipTest("this user may write anywhere")
        self.assertIn("warning: the history", self.run_with("--history", self.file).stderr)
        self.assertEqual(self.runs(self.file), 1)
        self.history()

    def test_at_once(self):
        env = {**os.environ, "MEMS_STRESS_NO_HISTORY": "0", "MEMS_STRESS_HISTORY": self.file}
        at_work = [subprocess.Popen([PROGRAM, *SMALL], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                   for _ in range(8)]
        for child in at_work:
            self.assertEqual(child.communicate()[1], b"")
            self.assertEqual(child.returncode, 0)
        self.assertEqual(self.runs(self.file), 8)

    @staticmethod
    def has_open(pid, path):
        folder = "/proc/%d/fd" % pid
        for fd in os.listdir(folder):
            try:
                if os.readlink(os.path.join(folder, fd)) == path:
                    return True
            except FileNotFoundError:  # closed since the folder was listed
                pass
        return False

    def test_waits_for_others(self):
        self.run_with("--history", self.file)
        other = sqlite3.connect(self.file, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        env = {**os.environ, "MEMS_STRESS_HISTORY": self.file, "MEMS_STRESS_NO_HISTORY": "0"}
        child = subprocess.Popen([PROGRAM, *SMALL], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        stress.wait_for(lambda: self.has_open(child.pid, self.file))
        self.assertIsNone(child.poll())
        other.execute("COMMIT")
        other.close()
        self.assertEqual(child.communicate()[1], b"")
        self.assertEqual(self.runs(self.file), 2)

    def test_killed_at_any_moment(self):
        seed = int(os.environ.get("MEMS_TEST_SEED", "0")) or random.randrange(1, 1 << 31)
        chance = random.Random(seed)
        env = {**os.environ, "MEMS_STRESS_HISTORY": self.file, "MEMS_STRESS_NO_HISTORY": "0"}
        began = time.monotonic()
        self.run_with("--history", self.file)
        took = time.monotonic() - began
        kept = 1
        for _ in range(ROUNDS):
            at_work = [subprocess.Popen([PROGRAM, *SMALL], env=env, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL) for _ in range(2)]
            time.sleep(chance.uniform(0, 1.5 * took))
            for child in at_work:
                child.send_signal(signal.SIGKILL)
                kept += child.wait() == 0
        with self.subTest(seed=seed):
            found = self.runs(self.file)
            self.assertGreaterEqual(found, kept)
            self.assertLessEqual(found, 1 + 2 * ROUNDS)
            self.run_with("--history", self.file)
            self.assertEqual(self.runs(self.file), found + 1)

    @once
    def test_shards_that_were_merged(self):
        """They are a run like others: once, however often they are merged; and nothing but the whole."""
        self.write("job.ini", "[global]\ntarget = null\nops = 200\n[a]\nworkload = churn\n[b]\nworkload = larson\n")
        for shard in "12":
            self.run_with(words=["run", "job.ini", "--shard", shard + "/2", "--json", "s%s.json" % shard, "--quiet"])
        merge = ["merge", "s1.json", "s2.json", "--history", self.file, "--quiet"]
        part = self.run_with(words=merge[:2] + merge[3:] + ["--partial"])
        self.assertIn("not kept in the history: it is no whole run", part.stderr)
        self.run_with(words=merge)
        self.run_with(words=merge + ["--json", "whole.json"])
        self.assertEqual(ask(self.file, "SELECT job, count(*) FROM run"), [("job", 1)])
        self.run_with(words=["history", "import", "whole.json", "--history", self.file])
        self.assertEqual(self.runs(self.file), 1)
        # And are what another is compared with, of the same machine as one that was not dealt.
        done = self.run_with(words=["run", "job.ini", "--baseline", "last", "--history", self.file], status=0)
        self.assertRegex(done.stdout, r"A: run 1 of the history: job, ")
        self.assertEqual(ask(self.file, "SELECT count(DISTINCT machine), count(*) FROM place"), [(1, 2)])
        done = self.run_with(words=["compare", "whole.json", "--against", "last", "--history", self.file], status=1)
        self.assertIn("no run of the job job up to", done.stderr)
        self.assertIn("A: run 1 of", self.run_with(words=["compare", "--against", "last", "--history", self.file]).stdout)

    @once
    def test_baseline_last(self):
        words = SMALL[:-1] + ["--history", self.file, "--baseline", "last"]
        self.assertIn("no history there yet", self.run_with(words=words, status=1).stderr)
        self.run_with("--history", self.file)
        self.run_with("--history", self.file, "--set", "size=64")
        out = self.run_with(words=words).stdout
        self.assertIn("A: run 1 of the history: churn-", out)  # not the one of other sizes
        self.assertIn("A: run 3 of the history: churn-", self.run_with(words=words).stdout)
        # As if all of these had been measured on another machine.
        database = sqlite3.connect(self.file)
        database.execute("UPDATE machine SET name = '01234567'")
        database.commit()
        database.close()
        done = self.run_with(words=words, status=1)
        self.assertIn("left out: 3 of other machines", done.stderr)
        self.assertEqual(self.runs(self.file), 4)
        self.write("last", "no result")
        self.assertIn("./last", self.run_with(words=SMALL + ["--baseline", "./last"], status=1).stderr)

    @once
    def test_killed_while_it_prunes(self):
        """All that was to go is there, or nothing of it; and the next one does it."""
        seed = int(os.environ.get("MEMS_TEST_SEED", "0")) or random.randrange(1, 1 << 31)
        chance = random.Random(seed)
        self.kept([result(day) for day in range(1, 25)])
        with open(self.file, "rb") as file:
            whole = file.read()
        words = [PROGRAM, "history", "prune", "--keep", "5", "--history", self.file]
        began = time.monotonic()
        self.assertEqual(subprocess.run(words, capture_output=True).stdout.split()[0], b"19")
        took = time.monotonic() - began
        for _ in range(ROUNDS // 2):
            with open(self.file, "wb") as file:
                file.write(whole)
            child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 1.2 * took))
            child.kill()
            child.wait()
            with self.subTest(seed=seed):
                self.assertIn(self.runs(self.file), (24, 5))
                self.assertEqual(subprocess.run(words, capture_output=True).returncode, 0)
                self.assertEqual(self.runs(self.file), 5)

    def test_damaged(self):
        """Whatever the file has become, each command ends in an orderly way."""
        seed = int(os.environ.get("MEMS_TEST_SEED", "0")) or random.randrange(1, 1 << 31)
        chance = random.Random(seed)
        self.kept([result(day) for day in range(1, 6)])
        with open(self.file, "rb") as file:
            whole = file.read()
        for _ in range(8):
            bytes_ = bytearray(whole)
            for _ in range(chance.choice((1, 30, 3000))):
                bytes_[chance.randrange(chance.choice((100, len(bytes_))))] = chance.randrange(256)
            with open(self.file, "wb") as file:
                file.write(bytes_[:chance.choice((len(bytes_), chance.randrange(len(bytes_))))])
            with self.subTest(seed=seed):
                for words in (["history"], ["history", "export"], ["compare", "--against", "last"],
                              ["history", "prune", "--keep", "9"]):
                    # What is told may quote the file, which is no text any more.
                    done = subprocess.run([PROGRAM, *words, "--history", self.file], capture_output=True,
                                          stdin=subprocess.DEVNULL)
                    self.assertIn(done.returncode, (0, 1, 4, 7), done.stderr)
                    self.assertTrue(done.returncode in (0, 4) or done.stderr.startswith(b"mems-stress "), done.stderr)
                done = subprocess.run([PROGRAM, *SMALL, "--history", self.file], capture_output=True)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
