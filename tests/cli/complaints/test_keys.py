# SPDX-License-Identifier: MIT
#
# test_keys.py - two complaints about keys of jobs: silently ignored ones, and "error in line N".
#
# Both go through the tables, as `mems-stress list keys` and `help KEY` show them: a key that is added
# is tried too.

import os
import re
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from stress import PROGRAM, SANITIZED, Case

JOBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "stress", "jobs")
# What a workload must be given.
MUST = {"fleet": {"distribution": os.path.join(JOBS, "fleet", "programs.fleet")},
        "trace": {"trace": os.path.join(JOBS, "traces", "sqlite.mtrace")},
        "message-passing": {"threads": "2"}, "producer-consumer": {"threads": "2"}}
# By kind of key: what is no value of it.
BAD = {"a number": ("x", "1x", "-1", "1.5", "9" * 30), "a size": ("x", "1kB", "-1", "1K", "9" * 30),
       "a time": ("x", "1", "-1s", "1sec", "9" * 18 + "h"), "a decimal": ("x", "1e", "1,x"),
       "sizes": ("x", "-1", "16-", "9" * 30), "a share": ("x", "1/0", "2"),
       "one word": ("?!x",), "yes": ("maybe",)}
# Texts that have a form, with what is not of that form. The others are free.
FORMS = {"checks": ("all,-x", "everything", "-all", "all,,size"),
         "steady": ("x", "dev:0%", "slope"), "latency_limit": ("x", "alloc:p100<1us", "alloc:p50<1"),
         "pin": ("x", "1-"), "stream": ("x", "zipf:x"), "workload": ("?!x", "chrun"),
         "target": ("x", "libcc", "mems:none", "mems:dynamic(fit=x)", "mems:dynamic(", "libc,,null")}
FREE = {"setup", "prepare", "cleanup", "wait_for", "group", "folder"}


def output(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=True).stdout


def tables():
    """Every key of every table: (workload or None, key)."""
    workload = None
    for line in output("list", "keys").splitlines()[1:]:
        if not line.startswith(" "):
            workload = None if line.startswith("every") else line.split()[1]
        elif not line.startswith("   "):
            yield workload, line.split()[0]


def kinds(name):
    """The kind of a key, by workload."""
    parts = re.split(r"^workload (\S+)\n", output("help", name), flags=re.MULTILINE)
    texts = dict(zip([None] + parts[1::2], [parts[0]] + parts[2::2]))
    return {workload: re.search(r"^  kind +(.*)$", text, re.MULTILINE).group(1)
            for workload, text in texts.items() if "\n  kind " in text}


def share_of(cases, share):
    """One case in `share`, others each day: a process a case, all of which only `full` has the time for."""
    if os.environ.get("MEMS_KEYS_ALL"):
        return cases
    first = int(time.time() // 86400) % share
    print("cases from %d in steps of %d" % (first, share))
    return cases[first::share]


class Keys(Case):
    @classmethod
    def setUpClass(cls):
        cls.tables = list(tables())
        cls.names = sorted({key for _, key in cls.tables})
        with ThreadPoolExecutor(2) as pool:
            cls.kinds = dict(zip(cls.names, pool.map(kinds, cls.names)))
        cls.workloads = re.findall(r"^    (\S+)", output("list", "workloads"), re.MULTILINE)

    def plan(self, number, workload, *lines, target="libc"):
        """The outcome of the plan of a section, whose last line is the one to blame."""
        keys = dict(MUST.get(workload, {}))
        for line in lines:
            keys.pop(line.split(" =")[0], None)
        head = [] if any(line.startswith("workload =") for line in lines) else ["workload = " + workload]
        head += [] if any(line.startswith("target =") for line in lines) else ["target = " + target]
        text = ["[a]"] + head + ["%s = %s" % item for item in keys.items()] + list(lines)
        return self.stress("plan", self.write("job%d.ini" % number, "\n".join(text) + "\n")), len(text)

    def each(self, cases, judge):
        """judge(number, case) for each case, two at a time."""
        with ThreadPoolExecutor(2) as pool:
            troubles = [trouble for trouble in pool.map(judge, range(len(cases)), cases) if trouble]
        self.assertEqual(troubles, [])

    def test_error_in_line_n_without_key_and_range(self):
        cases = []
        for workload, key in self.tables:
            kind = self.kinds[key][workload]
            bad = FORMS.get(key) or next((values for name, values in BAD.items()
                                          if kind.startswith(name)), ())
            if not bad and key not in FREE and kind != "text" and not kind.startswith("a file"):
                self.fail("no bad value is known for %s, %s" % (key, kind))
            cases += [(workload or "churn", key, value) for value in bad + ("",)]
        self.assertGreater(len(cases), 400)

        def judge(number, case):
            workload, key, value = case
            outcome, line = self.plan(number, workload, "%s = %s" % (key, value))
            place = r"^(mems-stress: )?\S*job%d\.ini:%d:\d+: " % (number, line)
            named = r"key '%s' has no value: give one" % key if value == "" else (
                r"(key )?'?%s'? = .*(allowed is|expected|did you mean|a series is|a list|prints them|is no"
                r"|wanted|such|options|not closed|match|separated)" % key)
            if (outcome.status, outcome.out) != (1, "") or not re.search(place + named, outcome.err):
                return case, outcome.status, outcome.err
            return None
        self.each(share_of(cases, 10 if SANITIZED else 1), judge)

    def test_a_key_that_nobody_knows(self):
        cases = [(workload or "churn", key) for workload, key in self.tables if len(key) > 3]

        def judge(number, case):
            workload, key = case
            # Two letters the other way round.
            wrong = key[:1] + key[2] + key[1] + key[3:] if key[1] != key[2] else key + "x"
            outcome, line = self.plan(number, workload, wrong + " = 1")
            if outcome.status != 1 or not re.search(
                    r"job%d\.ini:%d:1: unknown key '%s' in section \[a\]; did you mean '" % (number, line, wrong),
                    outcome.err):
                return case, wrong, outcome.err
            return None
        self.each(share_of(cases, 10 if SANITIZED else 1), judge)

    def test_silently_ignored_keys(self):
        # A key is in the plan of a workload, or it is refused: there is nothing between.
        common = [key for workload, key in self.tables if workload is None
                  if key not in ("workload", "target", "wait_for")]  # of nothing: no wait
        own = {workload: [key for w, key in self.tables if w == workload] for workload in self.workloads}
        values = {"a number": "2", "a size": "64Mi", "a time": "700ms", "sizes": "64"}
        special = {"touch": "full", "arrival": "poisson", "steady": "dev:9%", "latency": "1/7",
                   "latency_limit": "step:p50<60s", "pin": "compact", "wait_for": "all", "folder": ".",
                   "seed": "7", "timeout": "20s"}
        cases = [(workload, key) for workload in self.workloads for key in common
                 if key not in own[workload]]
        cases += [(workload, key) for workload in self.workloads
                  for key in {key for _, key in self.tables} - set(common) - set(own[workload])
                  - {"workload", "target", "wait_for"}]
        self.assertGreater(len(cases), 1500)

        def judge(number, case):
            workload, key = case
            kind = next(iter(self.kinds[key].values()))
            value = special.get(key) or next((v for name, v in values.items() if kind.startswith(name)),
                                             "true")
            outcome, line = self.plan(number, workload, "%s = %s" % (key, value))
            if outcome.status == 0:
                return None if re.search(r"^%s = " % key, outcome.out, re.MULTILINE) else (
                    case, "accepted, and not in the plan")
            if not re.search(r"job%d\.ini:%d:\d+: .*%s" % (number, line, key), outcome.err):
                return case, outcome.err
            return None
        self.each(share_of(cases, 30 if SANITIZED else 6), judge)

    def test_keys_that_mean_nothing_beside_others(self):
        cases = (
            ("churn", "arrival = poisson"), ("churn", "steady_window = 1s"), ("churn", "folder = ."),
            ("churn", "remote_share = 0.1"), ("random-slots", "cross_rate = 5"),
            ("fleet", "remote_share = 0.1"), ("realloc-growth", "chunk = 8Ki"),
            ("realloc-growth", "growth = half", "chunk = 8Ki"), ("references", "references = x"),
            ("references", "threads = 2", "opt = 7k"), ("churn", "ops = 5", "runtime = 1s"),
            ("churn", "ops = 5", "steady = dev:5%"),
            ("churn", "latency = none", "latency_limit = alloc:p50<1s"),
            ("extreme-sizes", "rate = 10"), ("extreme-sizes", "latency = all"),
            ("extreme-sizes", "latency_limit = step:p50<1s"), ("pareto-slots", "touch = full"),
            ("trace", "threads = 2"), ("trace", "size = 64"), ("trace", "ops = 5"),
            ("fork-child", "threads = 2"), ("large", "size = 64"), ("maps", "verify = 4"), ("maps", "checks = none"), ("churn", "verify = 0", "checks = all,-size"),
            ("churn", "verify = 1", "checks = overlap"))

        def judge(number, case):
            workload, *lines = case
            outcome, line = self.plan(number, workload, *lines)
            key = lines[-1].split()[0]
            # Of two that exclude each other either may be named.
            at = r"job%d\.ini:(%d|%d):\d+: .*%s" % (number, line, line - 1, key)
            if outcome.status != 1 or not re.search(at, outcome.err):
                return case, outcome.status, outcome.err
            return None
        self.each(cases, judge)


if __name__ == "__main__":
    unittest.main()
