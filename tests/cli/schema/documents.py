# SPDX-License-Identifier: MIT
#
# documents.py - documents of many kinds of runs, each made once: by the name of the kind, with the
# name of its schema.

import json
import os
import signal
import subprocess
import time

from stress import EVIL, PROGRAM, cell_of, evil

JOBS = os.environ["MEMS_JOBS"]
BROKEN = os.environ.get("MEMS_EXPLORE_BROKEN")  # the explore build with a mover that is wrong
SANITIZED = bool(os.environ.get("MEMS_SANITIZE"))


def edge(sin):
    return "preload:" + os.path.join(EVIL, "libedge-%s.so" % sin)


def churn(target="libc", more=""):
    return "[work]\nworkload = churn\nslots = 50\ntarget = %s\n%s\n" % (target, more)


# kind: (job, exit status, more arguments)
RUNS = {
    "pass": (churn("null, libc, mems:dynamic, ?preload:no-such-allocator",
                   "threads = 2\nops = 2k\nrepeats = 2\nlatency = all\nverify = 4"), 0, ()),
    "warm-up": (churn("libc, mems:paging", "warmup = 5ms\nops = 2k\ndecay = 5ms"), 0, ()),
    "open loop": ("[global]\ntarget = libc\nlatency = all\nrate = 20k\n[a]\nworkload = churn\nthreads = 2\nops = 500\n"
                  "remote_share = 0.5\n[b]\nworkload = realloc-growth\nops = 500\n"
                  "[c]\nworkload = startup\nops = 20\n", 0, ()),
    "steady": (churn("null", "runtime = 60s\nsteady = dev:100%\nsteady_window = 20ms\nsample = 2ms"), 0, ()),
    "unsteady": (churn("null", "runtime = 300ms\nsteady = dev:0.00001%\nsteady_window = 20ms\nsample = 1ms"), 0, ()),
    "sweep": ("[a]\nworkload = churn\ntarget = null, libc\nops = 1k\nthreads = 1,2,4\n", 0, ()),
    "pinned": (churn("libc", "threads = 2\npin = spread\nops = 1k"), 0, ()),
    "figures": ("[a]\nworkload = robson\ntarget = mems:dynamic(fit=first)\nverify = 1\n", 0, ()),
    "a file": ("[it]\nworkload = trace\ntrace = %s/traces/sqlite.mtrace\ntarget = null\n" % JOBS, 0, ()),
    "context": (churn("null", "ops = 1k"), 0, ("--context", "ticket=7", "--context", "why=a = b")),
    "skipped": (churn("?preload:no-such-allocator"), 6, ()),
    "pictures": (churn("libc, mems:dynamic, mems:vm-paging", "runtime = 20ms\nsample = 1ms\nmap = 5"), 0, ()),
    "engine refuses": (churn("mems:fixed(partitions=64x10)", "ops = 2k"), 0, ()),
}
EVIL_RUNS = {
    "failed check": (churn(evil("double"), "size = 777\nops = 20k\nverify = 4"), 2, ()),
    "crash": (churn(evil("crash"), "size = 777\nops = 20k\nverify = 4"), 3, ()),
    "hang": (churn(evil("hang"), "size = 777\nops = 20k\nverify = 4\ntimeout = 500ms"), 3, ()),
    "memory limit": (churn(evil("leak"), "verify = 0\nops = 200k\nmemory_limit = 64Mi"), None, ()),
    "children": ("[it]\nworkload = fork-child\ntarget = %s\ntimeout = 3s\nops = 20\nchild_timeout = 500ms\n"
                 % edge("child_crash"), 2, ()),
}


class Documents:
    def __init__(self, folder):
        self.folder = folder
        self.made = {}  # kind: (schema, document)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def call(self, *arguments, env=None, program=PROGRAM):
        return subprocess.run([program, *arguments], capture_output=True, text=True, cwd=self.folder,
                              stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})

    def make(self, kind, schema, status, *arguments, env=None, program=PROGRAM):
        """What the command writes to standard output is the document, the whole of it."""
        done = self.call(*arguments, env=env, program=program)
        if status is not None and done.returncode != status:
            raise AssertionError("%s: status %d\n%s" % (kind, done.returncode, done.stderr))
        self.made[kind] = schema, json.loads(done.stdout)

    def make_runs(self, runs):
        for number, (kind, (job, status, more)) in enumerate(runs.items()):
            job = self.write("%s-%d.ini" % (schema_name(kind), number), job)
            self.make(kind, "result", status, "run", job, "--json", "-", *more)

    def make_interrupted(self):
        job = self.write("long.ini", churn("libc, null", "runtime = 60s\ntimeout = 120s"))
        driver = subprocess.Popen([PROGRAM, "run", job, "--json", self.path("long.json")],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while cell_of(driver.pid) is None and driver.poll() is None:
                time.sleep(0.01)  # between two looks
            driver.send_signal(signal.SIGINT)
            status = driver.wait(60)
        finally:
            driver.kill()
        if status != 130:
            raise AssertionError("interrupted: status %d" % status)
        with open(self.path("long.json")) as file:
            self.made["interrupted"] = "result", json.load(file)

    def make_shards(self):
        job = self.write("dealt.ini", churn("libc, null", "ops = 1k"))
        for shard in "1", "2":  # there is one section: the second is empty
            path = self.path("shard%s.json" % shard)
            done = self.call("run", job, "--shard", shard + "/2", "--json", path)
            if done.returncode != 0:
                raise AssertionError("shard %s: status %d\n%s" % (shard, done.returncode, done.stderr))
            with open(path) as file:
                self.made["shard " + shard] = "result", json.load(file)
        self.make("merged", "result", 0, "merge", self.path("shard1.json"), self.path("shard2.json"), "--json", "-")

    def make_comparisons(self):
        job = self.write("kept.ini", churn("libc, null", "ops = 1k\nrepeats = 6"))
        self.make("kept", "result", 0, "run", job, "--json", "-")
        kept = json.loads(json.dumps(self.made["kept"][1]))
        for cell in kept["cells"]:
            cell["metrics"]["ops_per_second"] *= 1e6
        better = self.write("better.json", json.dumps(kept))
        kept["cells"][-1]["verdict"] = "crashed"
        crashed = self.write("crashed.json", json.dumps(kept))
        same = self.write("same.json", json.dumps(self.made["kept"][1]))
        kept = json.loads(json.dumps(self.made["kept"][1]))
        for cell in kept["cells"]:
            cell["metrics"]["external_share"] = 0.5  # which nobody can know of these targets
        lost = self.write("lost.json", json.dumps(kept))
        self.make("baseline regressed", "result", 4, "run", job, "--baseline", better, "--json", "-")
        self.make("baseline inconclusive", "result", 0, "run", job, "--baseline", same, "--repeats", "2", "--json", "-")
        self.make("baseline refused", "result", 1, "run", job, "--baseline", lost, "--metric",
                  "external_share", "--json", "-")
        self.make("compare refused", "comparison", 1, "compare", crashed, same, "--json", "-")
        self.make("compare", "comparison", 4, "compare", better, same, "--json", "-")
        self.make("compare targets", "comparison", None, "compare", same, "--targets", "libc,null", "--json", "-")

    def make_history(self):
        """Of one result many, days apart: with a step, and with a drift."""
        lines = []
        for day in range(1, 25):
            document = json.loads(json.dumps(self.made["kept"][1]))
            document["started"] = "2026-10-%02dT10:00:00Z" % day
            for cell in document["cells"]:
                cell["metrics"]["ops_per_second"] = (1000 if day < 13 else 800) + day % 3
                cell["metrics"]["cpu_ns_per_op"] = 100 + day + 0.1 * (day % 3)
            lines.append(json.dumps(document))
        self.write("kept.jsonl", "\n".join(lines))
        done = self.call("history", "import", "kept.jsonl", "--history", "kept.db")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        self.make("history", "history", 0, "history", "--metric", "ops_per_second", "--metric", "cpu_ns_per_op",
                  "--machine", "all", "--history", "kept.db", "--json", "-")

    def make_others(self):
        trace = os.path.join(JOBS, "traces", "compaction.trace")
        self.make("replay", "result", 0, "replay", trace, "--target", "libc", "--target", "mems:segmentation",
                  "--json", "-")
        self.make("show", "show", 0, "trace", "show", trace, "--target", "mems:segmentation", "--every", "--json", "-")
        for kind in ("five-holes", "silberschatz", "four-pages", "tlb", "working-set"):
            self.make("exercise " + kind, "show", 0, "trace", "show", kind, "--json", "-")
        self.make("show paged", "show", 0, "trace", "show", os.path.join(JOBS, "traces", "processes.trace"),
                  "--target", "mems:paging", "--every", "--json", "-")
        self.make("faults", "faults", 0, "faults", os.path.join(JOBS, "references", "belady.txt"), "--frames", "3,4",
                  "--replacement", "fifo,lru,ws:3", "--json", "-")

    def make_explored(self):
        """Schedules that pass; and with a mover that copies too little, whose failure is made smaller."""
        job = self.write("explored.ini", "[move]\nworkload = churn\nsize = 16-256\n"
                         "target = mems:segmentation(mover=yes,thread_cache=no)\n")
        self.make("explore", "explore", 0, "explore", job, "--schedules", "2", "--json", "-")
        if BROKEN:
            self.make("explore failed", "explore", 2, "explore", job, "--shrink", "4", "--json", "-",
                      env={"BROKEN": "short"}, program=BROKEN)

    def make_selftest(self):
        self.make("selftest", "selftest", None, "selftest", "aa", "--comparisons", "1", "--repeats", "5",
                  "--target", "null", "--json", "-")

    def make_talkative(self):
        """The dynamic linker prints into the cells' output."""
        job = self.write("talks.ini", churn("null", "ops = 100"))
        self.make("output", "result", 0, "run", job, "--json", "-", env={"LD_DEBUG": "statistics"})

    def make_all(self):
        self.make_runs(RUNS)
        self.make_interrupted()
        self.make_shards()
        self.make_comparisons()
        self.make_history()
        self.make_others()
        if not SANITIZED:
            self.make_runs(EVIL_RUNS)
            self.make_explored()
            self.make_selftest()
            self.make_talkative()


def schema_name(kind):
    return kind.replace(" ", "-")
