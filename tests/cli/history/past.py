# SPDX-License-Identifier: MIT
#
# past.py - histories for the tests: results made by hand, days apart.

import json
import os
import tempfile

import made
from stress import Case

if os.access("/dev/shm", os.W_OK):  # where syncing takes no time
    tempfile.tempdir = "/dev/shm"

DAY = "2026-10-%02dT10:00:00Z"


def machine(cpu, name="here"):
    return {"name": name, "cpu": cpu, "cores": 4, "memory_bytes": 8200000000, "kernel": "Linux 6.1.0-18-amd64 x86_64"}


def result(day, job="nightly", rate=1.0, revision="aaaa%08d", target="libc", host=None, **changes):
    """A result of that day; its rates are `rate` times the usual ones."""
    document = made.document(made.cells(target=target, ops_per_second=rate, cpu_ns_per_op=1 / rate), **changes)
    document["job"]["title"] = job
    document.update(started=DAY % day, seconds=1.5, verdict="pass", context={},
                    host={**(host or {"name": "here"}), "revision": revision % day if "%" in revision else revision})
    return document


class Past(Case):
    def setUp(self):
        super().setUp()
        self.file = self.path("h.db")

    def kept(self, results):
        path = self.write("results.jsonl", "".join(json.dumps(result) + "\n" for result in results))
        outcome = self.stress("history", "import", path, "--history", self.file)
        self.assertEqual(outcome.status, 0, outcome.err)
        return outcome

    def history(self, *arguments, status=0, env=None):
        outcome = self.stress("history", *arguments, "--history", self.file, env=env)
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        told = outcome.err if "-" in arguments else outcome.out  # a document goes out alone
        self.assertLessEqual(max(map(len, told.splitlines() or [""])), 80 if status == 0 else 1000, told)
        return outcome
