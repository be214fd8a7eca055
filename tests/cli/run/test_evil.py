# SPDX-License-Identifier: MIT
#
# test_evil.py - allocators that sin: each must be caught, by the check that is meant for it.

import json
import os
import subprocess
import unittest

from stress import PROGRAM, Case, evil, once, processes

JOB = """
[some work]
workload = churn
target = %s
threads = %d
size = 777
slots = 50
ops = 20k
verify = %d
timeout = 60s
"""
HANGS = ("hang", "blocked")


def soon(job):
    """The job for who hangs: of the others none waits for the timeout, and a slow machine should not be taken for one."""
    return job.replace("timeout = 60s", "timeout = 1s")


def evil_is_mapped(pid, sin):
    try:
        with open("/proc/%d/maps" % pid) as file:
            return "libevil-%s.so" % sin in file.read()
    except OSError:
        return False


def reads_symbols():
    """Whether the program was built with libdw, which gives frames their names."""
    return b"libdw.so" in subprocess.run(["ldd", PROGRAM], capture_output=True, check=True).stdout


NAMES = reads_symbols()


class Evil(Case):
    def sin(self, name, verify=4, threads=1):
        job = soon(JOB) if name in HANGS else JOB
        return self.run_job(job % (evil(name), threads, verify))

    def caught(self, name, check, verify, threads=1):
        outcome = self.sin(name, verify, threads)
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "failed")
        found = cell["evidence"]["check"]
        self.assertIn(found["name"], check, found)
        self.assertEqual(cell["evidence"]["worker"] < threads, True)
        self.assertTrue(cell["evidence"]["threads"][0]["last"])
        self.assertTrue(cell["evidence"]["backtrace"]["frames"])
        self.assertIn("again: ", outcome.out)
        # The command in the evidence does it again.
        self.assertEqual(self.again(cell["again"]).status, 2)
        return cell

    def test_control(self):
        for verify in 0, 4:
            outcome = self.sin("none", verify, threads=2)
            self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
            self.assertEqual(outcome.cell()["verdict"], "pass")

    def test_double_hand_out(self):
        cell = self.caught("double", ["overlap"], 4)
        self.assertIn(" is handed out twice: it is the live block of slot ", cell["evidence"]["check"]["text"])
        self.caught("double", ["stamp"], 3)
        self.caught("double", ["stamp"], 2)

    def test_overlap(self):
        self.caught("overlap", ["overlap"], 4)
        self.caught("overlap", ["stamp", "whole"], 3)

    def test_misaligned(self):
        self.caught("misaligned", ["alignment"], 1)

    def test_corrupted_middle(self):
        self.caught("corrupt", ["whole"], 3)

    def test_corrupted_middle_is_past_level_two(self):
        self.assertEqual(self.sin("corrupt", 2).status, 0)

    def test_corrupted_edge(self):
        self.caught("edge", ["stamp"], 2)

    def test_short_block(self):
        self.caught("short", ["size"], 1)

    def test_usable_size_larger_than_real(self):
        self.caught("usable", ["usable", "stamp"], 3)
        self.caught("usable", ["overlap"], 4)
        # Nobody uses what nobody asked for below that.
        self.assertEqual(self.sin("usable", 2).status, 0)

    def test_crash(self):
        outcome = self.sin("crash", 1, threads=2)
        self.assertEqual(outcome.status, 3, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "crashed")
        self.assertEqual(cell["evidence"]["signal"], "SEGV")
        self.assertEqual(cell["evidence"]["address"], "0x10")
        self.assertEqual(cell["evidence"]["phase"], "run")
        frames = cell["evidence"]["backtrace"]["frames"]
        self.assertTrue(any("libevil-crash" in frame for frame in frames), frames)
        worker = cell["evidence"]["threads"][cell["evidence"]["worker"]]
        self.assertEqual(worker["at_work_on"]["kind"], "alloc")
        self.assertEqual(worker["at_work_on"]["size_bytes"], 777)
        self.assertEqual(self.again(cell["again"]).status, 3)

    def test_abort(self):
        outcome = self.sin("abort")
        self.assertEqual(outcome.status, 3)
        self.assertEqual(outcome.cell()["evidence"]["signal"], "ABRT")

    def test_silent_exit(self):
        outcome = self.sin("exit")
        self.assertEqual(outcome.status, 3)
        self.assertEqual(outcome.cell()["verdict"], "crashed")
        self.assertIn("status 0", outcome.cell()["message"])

    def test_hang(self):
        outcome = self.sin("hang", 1, threads=2)
        self.assertEqual(outcome.status, 3, outcome.out + outcome.err)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "hung")
        self.assertIn("no progress", cell["message"])
        stacks = cell["evidence"]["stacks"]
        self.assertEqual(len(stacks), 3)  # two workers and the cell's first thread
        self.assertTrue(any("libevil-hang" in frame for stack in stacks
                            for frame in stack["frames"]), stacks)

    def test_killed(self):
        outcome = self.sin("kill", 1, threads=2)
        self.assertEqual(outcome.status, 3)
        cell = outcome.cell()
        self.assertRegex(cell["message"], "SIGKILL in phase run, not by this driver")
        self.assertIn("alloc", [t["at_work_on"]["kind"] for t in cell["evidence"]["threads"]])
        self.assertEqual(self.again(cell["again"]).status, 3)

    def test_hang_with_signals_blocked(self):
        outcome = self.sin("blocked", 1, threads=2)
        self.assertEqual(outcome.status, 3)
        self.assertEqual(outcome.cell()["verdict"], "hung")
        stacks = outcome.cell()["evidence"]["stacks"]
        self.assertEqual(len(stacks), 3)
        silent = [stack for stack in stacks if stack["from_outside"]]
        self.assertEqual(len(silent), 1, stacks)
        if NAMES:
            self.assertRegex(silent[0]["frames"][0], r"^spin\+0x[0-9a-f]+ \(.*libevil-blocked.so\+")
            self.assertRegex(silent[0]["frames"][1], r"^sin_locked")
            self.assertIn("does not answer signals, looked at from outside", outcome.out)

    def test_names(self):
        frames = self.sin("crash").cell()["evidence"]["backtrace"]["frames"]
        self.assertRegex(frames[0], r"libevil-crash\.so\+0x[0-9a-f]+\)")
        if NAMES:
            functions = [frame.split("+")[0] for frame in frames]
            self.assertEqual([name.split(".")[0] for name in functions[:2]], ["sin_locked", "malloc"])
            self.assertIn("worker_live", functions)  # static, in our own program

    def test_smashed_stack(self):
        outcome = self.sin("smash", 1, threads=2)
        self.assertEqual(outcome.status, 3)
        cell = outcome.cell()
        self.assertEqual(cell["verdict"], "crashed")
        self.assertEqual(cell["evidence"]["address"], "0x10")
        self.assertIn("libevil-smash", cell["evidence"]["backtrace"]["frames"][0])
        worker = cell["evidence"]["threads"][cell["evidence"]["worker"]]
        self.assertEqual(worker["at_work_on"]["size_bytes"], 777)

    def test_jump_to_nowhere(self):
        cell = self.sin("nowhere").cell()
        self.assertEqual(cell["verdict"], "crashed")
        frames = cell["evidence"]["backtrace"]["frames"]
        self.assertEqual(frames[0], "0x0")
        self.assertIn("libevil-nowhere", frames[1])

    def test_daemon_goes_with_its_cell(self):
        def daemons():
            return [pid for pid, _, command in processes() if command[:2] == ["mems-stress", "cell"]
                    and evil_is_mapped(pid, "orphan")]
        outcome = self.sin("orphan")
        self.assertEqual(outcome.cell()["verdict"], "crashed")
        self.assertEqual(daemons(), [])

    def test_last_operations_on_the_console(self):
        outcome = self.sin("crash", 1)
        self.assertRegex(outcome.out, r"thread 0 had done \d+ operations, the last:\n(    \w+ slot \d+ 0x[0-9a-f]+"
                                      r" size 777\n){4}    at work on alloc slot \d+ size 777\n")

    def test_refusals_show(self):
        outcome = self.sin("refuse")
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertAlmostEqual(outcome.cell()["report"]["operations"]["refused_share"], 0.01, 2)
        self.assertGreater(outcome.cell()["report"]["operations"]["refused"], 50)

    def test_impostor(self):
        outcome = self.sin("impostor")
        self.assertEqual(outcome.status, 2)
        self.assertIn("malloc is supplied by", outcome.cell()["message"])
        self.assertIn("libevil-impostor.so", outcome.cell()["message"])

    def replayed(self, name, lines, verify):
        trace = self.write("trace.txt", "".join(lines))
        result = self.path("result.json")
        outcome = self.stress("replay", trace, "--target", evil(name), "--verify", str(verify),
                              "--json", result)
        with open(result) as file:
            outcome.document = json.load(file)
        return outcome

    def test_calloc_that_does_not_clear(self):
        lines = ["alloc P/a 777\nfree P/a\nalloc P/b 777 call=calloc\nfree P/b\n"]
        outcome = self.replayed("dirty", lines, 1)
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["evidence"]["check"]["name"], "calloc")
        self.assertEqual(self.again(outcome.cell()["again"]).status, 2)
        self.assertEqual(self.replayed("none", lines, 4).status, 0)

    def test_realloc_that_does_not_copy(self):
        lines = ["alloc P/a 777\nresize P/a 5000\nfree P/a\n"]
        outcome = self.replayed("forget", lines, 1)
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["evidence"]["check"]["name"], "resize")
        self.assertEqual(self.replayed("none", lines, 4).status, 0)

    @once
    def test_one_check_alone(self):
        """Where nothing else looks, a sin is seen by its check only."""
        trace = self.write("trace.txt", "alloc P/a 777\nresize P/a 5000\nfree P/a\nalloc P/b 777 call=calloc\nfree P/b\n")
        churn = JOB.replace("20k", "2k")
        replay = "[some work]\nworkload = trace\ntrace = " + trace + "\ntarget = %s\n# threads = %d\nverify = %d\n"
        for sin, check, verify, job in (("misaligned", "alignment", 1, churn), ("short", "size", 4, churn),
                                        ("dirty", "calloc", 4, replay), ("forget", "resize", 1, replay),
                                        ("edge", "stamp", 4, churn), ("corrupt", "whole", 4, churn),
                                        ("usable", "usable", 3, churn)):
            job = job % (evil(sin), 1, verify)
            outcome = self.run_job(job)
            self.assertEqual(outcome.cell()["evidence"]["check"]["name"], check)
            self.assertEqual([w for w in outcome.document["warnings"] if w["code"] == "checks"], [])
            outcome = self.run_job(job + "checks = all,-%s\n" % check)
            self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
            self.assertIn(" verify %d without %s" % (verify, check), " ".join(outcome.out.split()))
            warnings = [w["text"] for w in outcome.document["warnings"] if w["code"] == "checks"]
            self.assertEqual(warnings, ["[some work] ran without %s: that it passed says nothing of these checks" % check])
            self.assertEqual(outcome.document["job"]["sections"][0]["values"]["checks"], "all,-" + check)
        # The other way round: that check, and no other one.
        outcome = self.run_job(churn % (evil("edge"), 1, 4) + "checks = stamp\n")
        self.assertEqual(outcome.cell()["evidence"]["check"]["name"], "stamp")

    @once
    def test_two_owners_without_the_map(self):
        job = JOB.replace("20k", "2k") % (evil("double"), 1, 4)
        for off, seen in (("-overlap", "stamp"), ("-overlap,-stamp", "whole"), ("-overlap,-stamp,-whole", None)):
            outcome = self.run_job(job + "checks = all,%s\n" % off)
            evidence = outcome.cell().get("evidence")
            self.assertEqual(evidence["check"]["name"] if evidence else None, seen, outcome.out)

    def test_blocks_that_are_lost(self):
        job = JOB + "lost_limit = 1000\n"
        for name, sin in (("leak", True), ("none", False), ("creep", True)):
            outcome = self.run_job(job % (evil(name), 1 if name != "creep" else 4, 0))
            self.assertEqual(outcome.status, 2 if sin else 0, outcome.out + outcome.err)
            if sin:
                found = outcome.cell()["evidence"]["check"]
                self.assertEqual(found["name"], "lost")
                self.assertGreater(int(found["found"], 16), 1000)
        # What the C library keeps of threads that were is not lost.
        job = "[a]\nworkload = thread-churn\ntarget = %s\nthreads = 2\nruntime = 100ms\nlost_limit = 1\n"
        outcome = self.run_job(job % evil("none"))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        job = JOB + "lost_limit = 1000\n"
        # One that cannot tell, and one that tells of its caches too.
        for target in "null", "libc":
            self.assertEqual(self.run_job(job % (target, 2, 0)).status, 0)

    def test_memory_that_is_kept(self):
        job = "[a]\nworkload = churn\ntarget = %s\nsize = 1Mi\nslots = 20\nops = 500\ntouch = page\n" \
              "decay = 10ms\nkept_limit = 0.5\n"
        outcome = self.run_job(job % evil("none")) # it never gives anything back
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["evidence"]["check"]["name"], "kept")
        self.assertEqual(self.run_job(job % "libc").status, 0)
        self.assertEqual(self.run_job(job.replace("0.5", "1") % evil("none")).status, 0)

    def test_memory_that_grows_with_the_work(self):
        job = "[a]\nworkload = %s\ntarget = %s\nthreads = 2\nwarmup = 50ms\nruntime = 800ms\n" \
              "sample = 2ms\nrss_slope = flat\nlost_limit = 1\n"
        work = "churn\nsize = 777\nslots = 50"
        outcome = self.run_job(job % (work, evil("drip"))) # ten bytes a block, and no block is lost
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertEqual(outcome.cell()["evidence"]["check"]["name"], "rss_slope")
        self.assertRegex(outcome.cell()["message"],
                         r"the resident set grows with the work, by \d+ KiB an hour \(\d+ \.\. \d+ with 99.99 % and "
                         r"99 % confidence, \d+ looks in \S+ s\) beyond what settles")
        # One that stands; one that goes up and comes back; one that is not asked.
        for passes in (job % (work, evil("none")),
                       job % ("sawtooth\nsize = 1Ki-64Ki\nblocks = 50\ntouch = page", "libc"),
                       job.replace("flat", "any") % (work, evil("drip"))):
            outcome = self.run_job(passes)
            self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
            figures = {f["name"]: f["value"] for f in outcome.cell()["report"]["figures"]}
            self.assertEqual("RSS slope" in figures, "flat" in passes)
            if "flat" in passes:
                self.assertLessEqual(figures["RSS slope, at least"], 0)
                self.assertLessEqual(figures["RSS slope, at least"], figures["RSS slope"])
                self.assertLessEqual(figures["RSS slope"], figures["RSS slope, at most"])

    def test_a_slope_that_is_not_known_does_not_pass(self):
        outcome = self.run_job("[a]\nworkload = churn\ntarget = libc\nops = 10\nrss_slope = flat\n")
        self.assertEqual(outcome.status, 2, outcome.out + outcome.err)
        self.assertIn("say nothing of its slope: let the cell run for longer", outcome.cell()["message"])

    def test_one_cell_ends_the_run_where_it_shall(self):
        job = "[global]\nworkload = churn\nsize = 777\nslots = 50\nops = 20k\nverify = 4\n" \
              "timeout = 60s\n[a]\ntarget = libc\n[b]\ntarget = %s\ncleanup = echo > gone\n" \
              "[c]\ntarget = libc\n"
        for sin, status, verdict in (("double", 2, "failed"), ("crash", 3, "crashed"),
                                     ("hang", 3, "hung")):
            outcome = self.run_job((soon(job) if sin in HANGS else job) % evil(sin), "--abort")
            self.assertEqual(outcome.status, status, outcome.out + outcome.err)
            self.assertEqual([(c["section"], c["verdict"]) for c in outcome.document["cells"]],
                             [("a", "pass"), ("b", verdict), ("c", "not run")])
            self.assertIn("1 not run", outcome.out)
            self.assertTrue(os.path.exists(self.path("gone")))
            os.remove(self.path("gone"))
        outcome = self.run_job(job % "libc", "--abort")
        self.assertEqual([c["verdict"] for c in outcome.document["cells"]], ["pass"] * 3)

    def test_one_cell_does_not_end_the_run(self):
        targets = ", ".join([evil("crash"), evil("hang"), evil("none"), "libc"])
        outcome = self.run_job(soon(JOB) % (targets, 1, 4))
        self.assertEqual(outcome.status, 3)
        verdicts = {c["target"]: c["verdict"] for c in outcome.document["cells"]}
        self.assertEqual(verdicts, {evil("crash"): "crashed", evil("hang"): "hung",
                                    evil("none"): "pass", "libc": "pass"})
        # A failed check outweighs a crash.
        targets = ", ".join([evil("crash"), evil("double")])
        self.assertEqual(self.run_job(JOB % (targets, 1, 4)).status, 2)


if __name__ == "__main__":
    unittest.main()
