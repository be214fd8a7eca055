# SPDX-License-Identifier: MIT
#
# test_language.py - sweeps, plans, cells by name, gates, hooks and the environment, from outside.

import hashlib
import json
import os
import re
import signal
import subprocess
import unittest

from stress import JOBS, PROGRAM, SANITIZED, Case, evil, is_gone, wait_for

QUICK = "workload = churn\ntarget = null\nops = 500\n"


class Plans(Case):
    def plan(self, *arguments):
        outcome = self.stress("plan", *arguments)
        self.assertEqual((outcome.status, outcome.err), (0, ""), arguments)
        return outcome.out

    def test_the_plan_of_a_plan_is_the_same(self):
        jobs = [os.path.join(folder, name) for folder, _, names in os.walk(JOBS)
                for name in names if name.endswith(".ini")]
        self.assertGreater(len(jobs), 20)
        if SANITIZED:  # plans of every table and of random jobs are in the unit tests, without a process for each
            jobs = [os.path.join(JOBS, name) for name in ("smoke.ini", "policies.ini")]
        for job in jobs:
            text = self.plan(job)
            with open(job) as file:
                sections = re.findall(r"^\[(.*)\]$", file.read(), re.MULTILINE)
            for section in sections:  # a sweep adds its values to the name
                if section != "global":
                    self.assertRegex(text, r"(?m)^\[%s( .*)?\]$" % re.escape(section), job)
            self.assertEqual(self.plan(self.write("again.ini", text)), text, job)
        self.assertIn(os.path.join(JOBS, "smoke.ini"), jobs)

    def test_a_dry_run_shows_the_plan(self):
        job = os.path.join(JOBS, "policies.ini")
        self.assertEqual(self.stress("run", job, "--dry-run").out, self.plan(job))

    def test_the_hash_can_be_checked(self):
        text = self.plan(os.path.join(JOBS, "smoke.ini"))
        content = "".join(line + "\n" for line in text.splitlines() if not line.startswith("#"))
        known = re.search("^# SHA-256 .*: ([0-9a-f]{64})$", text, re.MULTILINE)
        if known:
            self.assertEqual(known.group(1), hashlib.sha256(content.encode()).hexdigest())
        else:
            self.assertIn("without libnettle", text)

    def test_overrides(self):
        job = self.write("job.ini", "[a]\n%s[b]\n%s" % (QUICK, QUICK))
        text = self.plan(job, "--set", "threads=1,2", "--set", "b.threads=3", "--seed", "7",
                         "--repeats", "2", "--target", "libc", "--section", "a")
        self.assertEqual(re.findall(r"^\[(.*)\]$", text, re.MULTILINE),
                         ["a threads=1", "a threads=2"])
        for line in "seed = 7", "repeats = 2", "target = libc", "# 4 cells, in this order:":
            self.assertIn(line + "\n", text)
        self.assertEqual(self.stress("plan", job, "--set", "threads=0x").err,
                         "--set threads=0x: threads = 0x: unknown unit 'x': units of a number are "
                         "k M G T (1000); allowed is 0 .. 1024, where 0 is all CPUs\n")

    def test_workloads_without_a_job(self):
        text = self.plan("--workload", "churn,larson", "--target", "libc", "--set", "threads=2")
        self.assertEqual(re.findall(r"^\[(.*)\]$", text, re.MULTILINE), ["churn", "larson"])
        listed = self.stress("list", "workloads").out
        classes = re.findall(r"^  (\S+)$", listed, re.MULTILINE)
        self.assertIn("threads", classes)
        members = re.search(r"^  threads\n((    .*\n)+)", listed, re.MULTILINE).group(1)
        members = re.findall(r"^    (\S+)", members, re.MULTILINE) # what goes on below stands further in
        text = self.plan("--class", "threads", "--target", "null", "--set", "threads=2")
        self.assertEqual(re.findall(r"^workload = (.*)$", text, re.MULTILINE), members)
        for arguments, message in (
                (("--workload", "chrun"), '--workload chrun: no such workload; did you mean "churn"?'),
                (("--class", "thread"), '--class thread: no such class; did you mean "threads"?'),
                (("--workload", "churn"), "no --target"),
                (("--workload", "churn", "x.ini"), "one of them is wanted"),
                ((), "no job file")):
            outcome = self.stress("run", *arguments)
            self.assertEqual((outcome.status, outcome.out), (1, ""), arguments)
            self.assertIn(message, outcome.err)

    def test_one_word_runs(self):
        result = self.path("result.json")
        outcome = self.stress("run", "--workload", "churn,larson", "--target", "null", "--set",
                              "ops=500", "--set", "threads=1,2", "--json", result)
        self.assertEqual(outcome.status, 0, outcome.err)
        with open(result) as file:
            document = json.load(file)
        self.assertEqual(len(document["cells"]), 4)
        self.assertEqual(self.again(document["cells"][0]["again"]).status, 0)


class Cells(Case):
    def test_only_is_exactly_that_cell(self):
        job = self.write("job.ini", "[a b]\n%ssize = 16-64,128-4Ki\nrepeats = 2\n" % QUICK)
        more = ("--set", "threads=1,2", "--seed", "5", "--target", "null", "--target", "libc")
        names = self.stress("run", job, "--list", *more).out.splitlines()
        self.assertEqual(len(set(names)), 2 * 2 * 2 * 2)
        self.assertIn("a b size=128-4Ki threads=2/libc/1", names)
        whole = self.stress("run", job, "--json", "-", *more)
        cells = {cell["id"]: cell for cell in json.loads(whole.out)["cells"]}
        self.assertEqual(list(cells), names)
        for name in names[::3]:
            words, env = self.command(cells[name]["again"])
            self.assertEqual(words[-2:], ["--only", name])
            outcome = self.stress(*words, "--json", "-", env=env)
            self.assertEqual(outcome.status, 0, outcome.err)
            once = json.loads(outcome.out)["cells"]
            self.assertEqual(len(once), 1)
            for key in "id", "seed":
                self.assertEqual(once[0][key], cells[name][key])
            self.assertEqual(once[0]["report"]["operations"]["allocated_bytes"],
                             cells[name]["report"]["operations"]["allocated_bytes"])

    def test_filter(self):
        job = self.write("job.ini", "[a]\n%sthreads=1..3\n[b]\n%s" % (QUICK, QUICK))
        outcome = self.stress("run", job, "--list", "--filter", "=[23]/|^b")
        self.assertEqual(sorted(outcome.out.splitlines()),
                         ["a threads=2/null/0", "a threads=3/null/0", "b/null/0"])
        for arguments, status, message in (
                (("--only", "b/nul/0"), 1, 'did you mean "b/null/0"?'),
                (("--filter", "x"), 6, "none of 4 cells, nothing to run: the expression is matched "
                                       "with SECTION/TARGET/REPEAT"),
                (("--filter", "["), 1, "regular expression")):
            outcome = self.stress("run", job, *arguments)
            self.assertEqual((outcome.status, outcome.out), (status, ""))
            self.assertIn(message, outcome.err)


class Gates(Case):
    def verdicts(self, outcome):
        return {cell["section"]: cell["verdict"] for cell in outcome.document["cells"]}

    def test_a_gate_opens(self):
        outcome = self.run_job("[a]\n%s[b]\n%swait_for=a\n" % (QUICK, QUICK))
        self.assertEqual(outcome.status, 0)
        self.assertEqual(self.verdicts(outcome), {"a": "pass", "b": "pass"})

    def test_a_gate_stays_closed(self):
        job = ("[bad]\nworkload=churn\ntarget=mems:fixed(partition=64,count=16)\nsize=4096\nops=50\n"
               "[b]\n%swait_for=bad\n[c]\n%swait_for=b\n[d]\n%s[e]\n%swait_for=d\n")
        outcome = self.run_job(job % (QUICK, QUICK, QUICK, QUICK))
        self.assertEqual(outcome.status, 2)  # of what failed
        self.assertEqual(self.verdicts(outcome), {"bad": "failed", "b": "skipped", "c": "skipped",
                                                  "d": "pass", "e": "pass"})
        messages = {cell["section"]: cell["message"] for cell in outcome.document["cells"]}
        self.assertIn("it waits for bad, bad/mems:fixed(partition=64,count=16)/0: failed",
                      messages["b"])
        self.assertIn("it waits for b, b/null/0: skipped", messages["c"])
        self.assertIn("[b] null was skipped: it waits for bad", outcome.out)

    def test_what_is_not_installed_does_not_close_a_gate(self):
        job = "[a]\n%s[b]\n%swait_for=all\n" % (QUICK.replace("null", "null, ?preload:none-such"),
                                                QUICK)
        outcome = self.run_job(job)
        self.assertEqual(outcome.document["cells"][-1]["verdict"], "pass")
        outcome = self.run_job("[a]\n%s[b]\n%swait_for=all\n" % (
            QUICK.replace("null", "?preload:none-such"), QUICK))
        self.assertEqual(outcome.status, 6)
        self.assertIn("of which nothing ran", outcome.document["cells"][-1]["message"])

    def test_a_section_alone_waits_for_nobody(self):
        job = self.write("job.ini", "[a]\n%s[b]\n%swait_for=a\n" % (QUICK, QUICK))
        self.assertEqual(self.stress("run", job, "--section", "b", "--quiet").out,
                         "verdict: pass (1 pass)\n")


class Hooks(Case):
    LOG = 'echo "$0 $MEMS_SECTION/$MEMS_TARGET/$MEMS_REPEAT" >> log'

    def log(self):
        with open(self.path("log")) as file:
            return file.read().splitlines()

    def hook(self, name):
        """A line of the job: the hook writes its name and what it is told."""
        return '%s = "%s"\n' % (name, self.LOG.replace("$0", name).replace('"', '""')
                                .replace("$", "$$"))

    def test_when_and_where_they_run(self):
        hooks = "".join(map(self.hook, ("setup", "prepare", "cleanup")))
        os.mkdir(self.path("elsewhere"))
        job = self.write("job.ini", "[global]\nrepeats = 2\n[a]\n%s%s[b]\n%s%s" %
                         (QUICK, hooks, QUICK, self.hook("prepare")))
        done = subprocess.run([PROGRAM, "run", job, "--quiet"], cwd=self.path("elsewhere"),
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.log(), [
            "setup a//", "prepare a/null/0", "prepare b/null/0", "prepare a/null/1", "cleanup a//",
            "prepare b/null/1"])

    def test_the_plan_runs_them_in_the_same_place(self):
        job = self.write("job.ini", "[a]\n%s%s" % (QUICK, self.hook("setup")))
        os.mkdir(self.path("elsewhere"))
        plan = self.write("elsewhere/plan.ini", self.stress("plan", job).out)
        self.assertEqual(self.stress("run", plan).status, 0)
        self.assertEqual(self.log(), ["setup a//"])

    def test_failed_setup(self):
        outcome = self.run_job("[a]\n%ssetup = echo said >&2; exit 3\nrepeats=2\n%s[b]\n%s" %
                               (QUICK, self.hook("cleanup"), QUICK))
        self.assertEqual(outcome.status, 3)
        first, b, second = sorted(outcome.document["cells"], key=lambda c: c["repeat"] * 2 + (
            c["section"] == "b"))
        self.assertEqual(first["message"],
                         "did not start: setup ended with status 3: echo said >&2; exit 3")
        self.assertEqual(first["verdict"], "crashed")
        self.assertIn("said", json.dumps(first["output"]))
        self.assertIn("  | said", outcome.out)
        self.assertEqual((second["verdict"], second["message"]),
                         ("skipped", "the section's setup has failed"))
        self.assertEqual(b["verdict"], "pass")
        self.assertEqual(self.log(), ["cleanup a//"])

    def test_failed_prepare_and_cleanup(self):
        outcome = self.run_job("[a]\n%srepeats=2\nprepare = kill -9 $$$$\n" % QUICK)
        self.assertEqual([(cell["verdict"], cell["message"]) for cell in outcome.document["cells"]],
                         [("crashed", "did not start: prepare ended with SIGKILL: kill -9 $$")] * 2)
        outcome = self.run_job("[a]\n%srepeats=2\ncleanup = false\n" % QUICK)
        self.assertEqual(outcome.status, 3)
        self.assertEqual([(cell["verdict"], cell["message"]) for cell in outcome.document["cells"]],
                         [("pass", ""), ("crashed", "cleanup ended with status 1: false")])

    def test_a_hanging_one_is_ended_with_all_it_started(self):
        outcome = self.run_job('[a]\n%stimeout=200ms\nsetup = "sleep 300 & echo $$! > pid; wait"\n'
                               % QUICK)
        self.assertEqual(outcome.status, 3)
        self.assertIn("setup did not end within 0.2 s (timeout) and was killed",
                      outcome.document["cells"][0]["message"])
        with open(self.path("pid")) as file:
            pid = int(file.read())
        wait_for(lambda: is_gone(pid))

    def start(self, job):
        driver = subprocess.Popen([PROGRAM, "run", self.write("job.ini", job), "--json",
                                   self.path("result.json")], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(driver.wait)
        self.addCleanup(driver.kill)
        return driver

    def read_pid(self):
        def pid():
            try:
                with open(self.path("pid")) as file:
                    return int(file.read() or 0)
            except OSError:
                return 0
        return wait_for(pid)

    def test_cleanup_after_an_interruption(self):
        driver = self.start("[a]\nworkload=churn\ntarget=libc\nruntime=60s\n%s"
                            "prepare = echo 1 > pid\n" % self.hook("cleanup"))
        self.read_pid()
        driver.send_signal(signal.SIGINT)
        self.assertEqual(driver.wait(20), 130)
        self.assertEqual(self.log(), ["cleanup a//"])

    def test_interrupted_setup(self):
        driver = self.start('[a]\n%ssetup = "sleep 300 & echo $$! > pid; wait"\n%s' %
                            (QUICK, self.hook("cleanup")))
        pid = self.read_pid()
        driver.send_signal(signal.SIGINT)
        self.assertEqual(driver.wait(20), 130)
        wait_for(lambda: is_gone(pid))
        self.assertEqual(self.log(), ["cleanup a//"])
        with open(self.path("result.json")) as file:
            self.assertEqual(json.load(file)["cells"][0]["verdict"], "not run")

    def test_killed_driver_leaves_no_hook(self):
        driver = self.start('[a]\n%ssetup = "sleep 300 & echo $$! > pid; wait"\n' % QUICK)
        pid = self.read_pid()
        driver.kill()
        driver.wait()
        wait_for(lambda: is_gone(pid))


class Environment(Case):
    def test_options_from_the_environment(self):
        job = self.write("job.ini", "[a]\n" + QUICK)
        outcome = self.stress("run", job, "--list", env={
            "MEMS_STRESS_REPEATS": "2", "MEMS_STRESS_TARGET": "null\nlibc",
            "MEMS_STRESS_SET": "threads=1..2"})
        self.assertEqual(outcome.err, "")
        self.assertEqual(sorted(outcome.out.splitlines()), sorted(
            "a threads=%d/%s/%d" % (threads, target, repeat) for threads in (1, 2)
            for target in ("null", "libc") for repeat in (0, 1)))
        # The command line holds against it.
        outcome = self.stress("run", job, "--list", "--repeats", "1", "--target", "null",
                              env={"MEMS_STRESS_REPEATS": "2", "MEMS_STRESS_TARGET": "libc"})
        self.assertEqual(outcome.out, "a/null/0\n")

    def test_every_option_has_its_variable(self):
        text = self.stress("run", "--help").out
        self.assertIn("MEMS_STRESS_SEED", text)
        options = re.findall(r"^  --([a-z-]+)", text, re.MULTILINE)
        options.remove("help")
        self.assertGreater(len(options), 10)
        for option in options:
            name = "MEMS_STRESS_" + option.upper().replace("-", "_")
            outcome = self.stress("run", "none.ini", env={name: ""})
            self.assertNotIn("warning", outcome.err, name)

    def test_what_is_wrong_with_it_is_told(self):
        job = self.write("job.ini", "[a]\n" + QUICK)
        outcome = self.stress("run", job, "--list", env={"MEMS_STRESS_SEDE": "1"})
        self.assertEqual((outcome.status, outcome.out), (0, "a/null/0\n"))
        self.assertIn("warning: MEMS_STRESS_SEDE of the environment is no option", outcome.err)
        for name, value in ("SEED", "x"), ("QUIET", "maybe"):
            outcome = self.stress("run", job, env={"MEMS_STRESS_" + name: value})
            self.assertEqual(outcome.status, 1)
            self.assertIn("MEMS_STRESS_" + name, outcome.err)
        self.assertEqual(self.stress("run", job, "--list", env={"MEMS_STRESS_QUIET": "no"}).status, 0)

    def test_context(self):
        outcome = self.run_job("[a]\n" + QUICK, "--context", "branch=main", "--context",
                               "note=a=b, c")
        self.assertEqual(outcome.document["context"], {"branch": "main", "note": "a=b, c"})
        for arguments, message in ((("--context", "x"), "KEY=VALUE is wanted"),
                                   (("--context", "x=1", "--context", "x=2"), "given twice")):
            outcome = self.stress("run", self.write("job.ini", "[a]\n" + QUICK), *arguments)
            self.assertEqual(outcome.status, 1)
            self.assertIn(message, outcome.err)


class Complaints(Case):
    """What users of other drivers complain of, and cannot happen here."""

    def test_k_is_1000_and_sizes_are_echoed_in_bytes(self):
        job = self.write("job.ini", "[a]\n%ssize = 4k-4Ki\nmemory_limit=64Mi\n" % QUICK)
        text = self.stress("plan", job).out
        self.assertIn("size = 4000-4096\n", text)
        self.assertIn("memory_limit = 67108864\n", text)

    def test_no_option_is_silently_ignored(self):
        for lines, message in (("arrival = poisson\n", "means nothing without rate"),
                               ("thread = 1\n", "did you mean 'threads'?"),
                               ("runtime = 1s\n", "exclude each other")):
            job = self.write("job.ini", "[a]\n" + QUICK + lines)
            outcome = self.stress("run", job)
            self.assertEqual((outcome.status, outcome.out), (1, ""))
            self.assertIn(message, outcome.err)
            self.assertRegex(outcome.err, r"job\.ini:5:\d+: ")

    def test_an_error_names_key_range_and_place(self):
        job = self.write("job.ini", "[a]\n%sthreads = 1,2,5000\n" % QUICK)
        self.assertRegex(self.stress("run", job).err,
                         r"job\.ini:5:15: threads = 5000: out of range, allowed is 0 \.\. 1024")

    def test_nothing_ran_is_not_success(self):
        job = self.write("job.ini", "[a]\n" + QUICK.replace("null", "?preload:none-such"))
        self.assertEqual(self.stress("run", job).status, 6)


@unittest.skipIf(SANITIZED, "an evil allocator under a sanitizer")
class Failures(Case):
    def test_the_command_for_a_failure_has_what_shaped_it(self):
        outcome = self.run_job("[a]\nworkload=churn\ntarget=null\nops=20k\nsize=777\n", "--target",
                               evil("misaligned"), "--set", "threads=1,2", "--seed", "3",
                               "--repeats", "2")
        self.assertEqual(outcome.status, 2)
        self.assertEqual(len(outcome.document["cells"]), 4)
        for cell in outcome.document["cells"]:
            words = self.command(cell["again"])[0]
            self.assertIn("threads=1,2", words)
            self.assertEqual(words[-2:], ["--only", cell["id"]])
        self.assertEqual(self.again(outcome.document["cells"][0]["again"]).status, outcome.status)

    def test_the_command_has_the_environment_that_shaped_it(self):
        env = {"SIZE": "777", "IT'S": "no", "OTHER": "$(false) 'b'", "EMPTY": "", "UNUSED": "1",
               "MALLOC_ARENA_MAX": "1", "_RJEM_MALLOC_CONF": "narenas:1, a b", "GLIBC_TUNABLES": "", "MIMALLOC_VERBOSE": "0",
               "MEMS_STRESS_SEED": "4"}
        job = ("[a b]\nworkload=churn\ntarget=null\nops=20k\nsize=${SIZE}\nseed=${NOT_SET:-8}\nthreads=${EMPTY:-1}\n"
               "setup=true ${OTHER} ${SIZE}\n")
        with open(self.path("part.ini"), "w") as file:
            file.write("repeats=${MALLOC_ARENA_MAX}\n")
        outcome = self.run_job("[global]\ninclude=part.ini\n" + job, "--target", evil("misaligned"), env=env)
        self.assertEqual(outcome.status, 2, outcome.err)
        command = outcome.cell()["again"]
        self.assertIn("again: " + command, outcome.out)
        words, found = self.command(command)
        wanted = {name: env[name] for name in ("SIZE", "OTHER", "EMPTY", "MALLOC_ARENA_MAX", "_RJEM_MALLOC_CONF",
                                               "GLIBC_TUNABLES", "MIMALLOC_VERBOSE")}
        self.assertEqual({n: v for n, v in found.items() if not n.startswith("MEMS_") or n == "MEMS_STRESS_SEED"}, wanted)
        self.assertEqual(command.count("MALLOC_ARENA_MAX="), 1)
        # By a shell, in an environment that has none of it.
        clean = {name: value for name, value in os.environ.items() if name not in env}
        done = subprocess.run(["sh", "-c", command + " --json -"], env=clean, cwd=self.folder.name, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 2, done.stderr)
        once = json.loads(done.stdout)
        for key in "id", "seed":
            self.assertEqual(once["cells"][0][key], outcome.cell()[key])
        settings = once["host"]["allocator_settings"]
        self.assertEqual(settings["_RJEM_MALLOC_CONF"], env["_RJEM_MALLOC_CONF"])


if __name__ == "__main__":
    unittest.main()
