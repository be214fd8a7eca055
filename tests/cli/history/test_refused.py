# SPDX-License-Identifier: MIT
#
# test_refused.py - a history whose file cannot be opened, read, written, synced or cut at the Nth time: what was there is
# there, what was added is there whole or not at all, and the next command works.
#
# MEMS_REFUSE names the program that has the kernel refuse a call (tests/faults/refuse.c).

import json
import os
import random
import shutil
import sqlite3
import subprocess
import unittest

from past import Past, result
from stress import PROGRAM

REFUSE = os.environ["MEMS_REFUSE"]
NO_FILTER = 77
SEAMS = [("openat", "EMFILE"), ("pread64", "EIO"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"), ("fsync,fdatasync", "EIO"),
         ("ftruncate", "EIO"), ("unlink", "EACCES")]
POINTS = int(os.environ.get("MEMS_HISTORY_POINTS", "3"))  # of each kind, drawn by chance; 0: all


class Refused(Past):
    def refuse(self, calls, error, nth, *words):
        report = self.path("report")
        done = subprocess.run([REFUSE, "--calls", calls, "--nth", str(nth), "--with", error, "--report", report, "--",
                               PROGRAM, *words], cwd=self.folder.name, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode == NO_FILTER:
            self.skipTest("the kernel has no such filter")
        with open(report) as file:
            return json.load(file), done.stderr

    def runs(self):
        database = sqlite3.connect(self.file)
        try:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            whole = "SELECT count(*) FROM run r WHERE EXISTS (SELECT 1 FROM figure f WHERE f.run = r.id)"
            self.assertEqual(database.execute(whole).fetchall(), database.execute("SELECT count(*) FROM run").fetchall())
            return database.execute("SELECT count(*) FROM run").fetchone()[0]
        finally:
            database.close()

    def one(self, calls, error, nth, new):
        """One call refused, in a history with a result or without a file. Whether there was such a call."""
        for name in (self.file, self.file + "-journal"):
            if os.path.exists(name):
                os.unlink(name)
        if not new:
            shutil.copy(self.path("kept.db"), self.file)
        before = 0 if new else 1
        words = ["history", "import", self.path("new.json"), "--history", self.file]
        report, said = self.refuse(calls, error, nth, *words)
        where = "%s %s, call %d%s: %s" % (calls, error, nth, ", a new file" if new else "", said)
        self.assertEqual(report["signal"], 0, where)
        self.assertIn(report["status"], (0, 1, 7, 127), where)  # 127: the loader's
        if report["status"] == 0:
            self.assertEqual(self.runs(), before + 1, where)
        else:
            self.assertTrue(said, where)
            self.assertTrue(os.path.exists(self.file) or new, where)
        outcome = self.stress(*words)
        self.assertEqual(outcome.status, 0, where + outcome.err)
        self.assertEqual(self.runs(), before + 1, where)
        return report["calls"]

    def test_each(self):
        seed = int(os.environ.get("MEMS_TEST_SEED", "0")) or random.randrange(1, 1 << 31)
        chance = random.Random(seed)
        self.kept([result(1)])
        os.rename(self.file, self.path("kept.db"))
        self.write("new.json", json.dumps(result(2)))
        for calls, error in SEAMS:
            for new in (False, True):
                with self.subTest(calls=calls, error=error, new=new, seed=seed):
                    count = self.one(calls, error, 1 << 20, new)
                    points = range(1, count + 1)
                    for nth in points if POINTS == 0 else chance.sample(points, min(POINTS, count)):
                        self.one(calls, error, nth, new)


if __name__ == "__main__":
    unittest.main()
