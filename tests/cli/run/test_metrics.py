# SPDX-License-Identifier: MIT
#
# test_metrics.py - what a cell is told by, from outside: structure and laws, never times.

import unittest

from stress import SANITIZED, Case, words
WARM = """
[work]
workload = churn
target = null, libc, mems:dynamic
threads = 2
warmup = 20ms
ops = 20k
latency = all
decay = 25ms
"""

# 20,000 blocks of 16 bytes are alive.
FLEET = """mems-fleet 1
# size births live
16 1000 20000
"""


def counts(histograms, kinds=("alloc", "free", "free_remote", "resize", "step")):
    return {kind: histograms[kind]["count"] for kind in kinds if kind in histograms}


class Metrics(Case):
    once = None  # the outcome of WARM, for all tests that only look at it

    def warm(self):
        if Metrics.once is None:
            Metrics.once = self.run_job(WARM)
            self.assertEqual(Metrics.once.status, 0, Metrics.once.out)
        return Metrics.once

    def laws(self, cell, threads):
        """What holds for every measured cell."""
        report, metrics = cell["report"], cell["metrics"]
        operations, fairness, system = report["operations"], report["fairness"], report["system"]
        self.assertEqual(sum(fairness["thread_operations"]), operations["all"])
        self.assertEqual(len(fairness["thread_operations"]), threads)
        self.assertEqual(min(fairness["thread_operations"]), fairness["least"])
        self.assertEqual(max(fairness["thread_operations"]), fairness["most"])
        self.assertAlmostEqual(fairness["jain"], 1 / (1 + fairness["cv"] ** 2), places=6)
        self.assertEqual(fairness["cv"], metrics["thread_cv"])
        self.assertGreater(system["worker_ns"], 0)
        self.assertLessEqual(system["worker_ns"], threads * report["wall_ns"])
        self.assertLessEqual(system["offcpu_ns"], system["worker_ns"])
        self.assertTrue((system["futex_waits"] is None) == (system["futex_why"] is not None))
        if system["futex_waits"] is None:
            self.assertRegex(system["futex_why"], "perf_event|trac")
        self.assertGreater(report["speed"]["before_ns"], 0)
        self.assertGreater(report["speed"]["after_ns"], 0)
        harness = report["harness"]
        self.assertGreater(harness["op_ns"], 0)
        self.assertGreater(harness["checked_ns"], 0)
        self.assertGreater(harness["checked_bytes_per_ns"], 0)
        self.assertEqual(harness["metrics_bytes"], report["memory"]["metrics_bytes"])
        self.assertEqual(harness["timed_ns"] is None, report["latency"]["one_in"] == 0)
        for kind, count in counts(report["latency"]).items():
            self.assertLessEqual(count, operations[kind] + threads)
            self.assertEqual(sum(n for _, n in report["latency"][kind]["buckets"]), count)
        memory, samples = report["memory"], report["samples"]
        self.assertGreater(memory["sample_cost_ns"], 0)
        self.assertGreater(memory["metrics_bytes"], threads * memory["metrics_thread_bytes"] / 2)
        self.assertLess(memory["metrics_bytes"], 8 << 20)
        lengths = {len(column) for name, column in samples.items() if name != "every_ns"}
        self.assertEqual(len(lengths), 1)
        for column in "at_ns", "operations", "allocated_bytes":
            self.assertEqual(samples[column], sorted(samples[column]), column)
        for pss, huge, rss in zip(samples["pss_bytes"], samples["huge_bytes"], samples["rss_bytes"]):
            self.assertEqual(pss is None, huge is None)

    def test_response_is_what_an_open_loop_shows(self):
        outcome = self.run_job("[over]\nworkload = churn\ntarget = null\nruntime = 50ms\n"
                               "rate = 1G\n[easy]\nworkload = churn\ntarget = null\n"
                               "runtime = 50ms\nrate = 100\n")
        cells = {c["section"]: c for c in outcome.document["cells"]}
        over = cells["over"]["report"]
        self.assertGreater(over["latency"]["missed"], 1000000)
        self.assertLessEqual(over["latency"]["late"], over["latency"]["begun"])
        self.assertGreater(over["latency"]["response"]["alloc"]["p50_ns"],
                           over["latency"]["alloc"]["p50_ns"])
        self.assertLessEqual(over["latency"]["begun"], over["operations"]["all"] + 1)
        self.assertRegex(outcome.out, r"response \w+, free p99")
        self.assertRegex(outcome.out, r"open loop, null: \S+ of 1 Gops/s intended; \d+ % started late")
        warnings = [w for w in outcome.document["warnings"] if w["code"] == "late"]
        self.assertTrue(any("[over]" in w["text"] for w in warnings), warnings)
        if not SANITIZED:
            # However late the end came: one at the start, and one for each hundredth of a second.
            easy = cells["easy"]["report"]
            self.assertLessEqual(easy["operations"]["all"], 2 + easy["wall_ns"] // 10000000)

    def test_a_fill_is_neither_paced_nor_counted(self):
        for workload, keys in (("larson", "slots = 3000\n"), ("inverse-square", "slots = 3000\n"),
                               ("references", "blocks = 3000\nsize = 64\n"),
                               ("random-slots", "slots = 3000\n")):
            with self.subTest(workload):
                # Paced, the fill would take 300 seconds and be half of the operations at least.
                outcome = self.run_job("[a]\nworkload = %s\ntarget = libc\nops = 10\nrate = 1000\n"
                                       "%s" % (workload, keys))
                report = outcome.cell()["report"]
                self.assertLess(report["operations"]["all"], 300)
                self.assertGreater(report["memory"]["live_bytes"], 3000 * 4)

    def test_a_fleet_has_its_population_before_it_is_measured(self):
        self.write("a.fleet", FLEET)
        outcome = self.run_job("[a]\nworkload = fleet\ntarget = libc\nthreads = 2\nrate = 5000\n"
                               "runtime = 100ms\ndistribution = a.fleet\n")
        cell = outcome.cell()
        self.laws(cell, 2)
        figures = {f["name"]: f["value"] for f in cell["report"]["figures"]}
        self.assertEqual(figures["prefilled"], 20000)
        most = 1000 + 5000 * cell["report"]["wall_ns"] / 1e9  # a fill would be 20,000
        self.assertLess(cell["report"]["operations"]["all"], most)
        self.assertLess(cell["report"]["latency"]["alloc"]["count"], most)
        self.assertGreater(min(cell["report"]["samples"]["live_bytes"]), 20000 * 16 * 0.9)

    def test_a_budget_begins_after_the_fill_and_is_the_same_each_time(self):
        job = ("[a]\nworkload = larson\ntarget = null\nthreads = 3\nops = 5000\nslots = 500\n")
        sums = [self.run_job(job).cell()["report"]["operations"]["all"] for _ in range(3)]
        self.assertEqual(sums, 3 * [15000])

    @words
    def test_simple_has_no_open_loop(self):
        outcome = self.run_job("[a]\nworkload = simple\ntarget = null\nrate = 10\n")
        self.assertEqual(outcome.status, 1)
        self.assertIn("rate", outcome.err)

    def test_the_harness_does_not_grow(self):
        if SANITIZED:
            self.skipTest("a sanitizer's own memory grows")
        for workload in ("churn", "larson", "pareto-slots", "simple", "inverse-square", "exchange",
                         "cache-thrash", "sawtooth", "random-slots"):
            with self.subTest(workload):
                memory = self.run_job("[a]\nworkload = %s\ntarget = null\nruntime = 50ms\n"
                                      % workload).cell()["report"]["memory"]
                self.assertLess(memory["rss_end_bytes"] - memory["rss_baseline_bytes"], 64 << 10)

    @words
    def test_holes_for_each_block_and_waste(self):
        outcome = self.run_job("[a]\nworkload = churn\ntarget = mems:fixed, mems:dynamic, libc\n"
                               "ops = 20k\n")
        for cell in outcome.document["cells"]:
            fragmentation = cell["report"]["fragmentation"]
            figures = {f["name"] for f in cell["report"]["figures"]}
            engine = cell["target"] != "libc"
            for name in ("holes_per_block_at_end", "holes_per_block_at_most_live",
                         "waste_bytes_per_block"):
                self.assertEqual(fragmentation[name] is not None, engine, name)
            self.assertEqual("waste a partition" in figures, cell["target"] == "mems:fixed")
            if engine:
                stats = cell["report"]["engine"]
                self.assertAlmostEqual(fragmentation["holes_per_block_at_end"],
                                       stats["holes"] / stats["live_blocks"])
                self.assertAlmostEqual(
                    fragmentation["waste_bytes_per_block"],
                    (stats["block_bytes"] - stats["requested_bytes"]) / stats["live_blocks"], 3)

    @words
    def test_scaling_is_told_below_the_tables(self):
        outcome = self.run_job("[a]\nworkload = churn\ntarget = null, libc\nops = 1000\n"
                               "threads = 1, 2\n")
        self.assertRegex(outcome.out, r"scaling a, null: E\(2\) [0-9.]+\n")
        self.assertIn("no scalability fit: ", outcome.out)
        self.assertRegex(outcome.out, r"scaling a, libc: E\(2\) [0-9.]+\n")
        alone = self.run_job("[a]\nworkload = churn\ntarget = null\nops = 1000\n")
        self.assertNotIn("scaling", alone.out)

    def test_warm_up_is_left_out(self):
        for cell in self.warm().document["cells"]:
            self.laws(cell, 2)
            report = cell["report"]
            self.assertGreater(report["warmup_ns"], 0)
            # ops= counts from the end of the warm-up, to within the batch under way then.
            self.assertGreaterEqual(report["operations"]["all"], 2 * 20000 - 2 * 64)
            self.assertEqual(report["samples"]["operations"][-1], report["operations"]["all"])
            self.assertEqual(report["samples"]["allocated_bytes"][-1],
                             report["operations"]["allocated_bytes"])

    def test_warm_up_by_count(self):
        """Of 250 operations in the warm-up and 50 after it, to within a batch of 64."""
        outcome = self.run_job("[work]\nworkload = churn\ntarget = null\nrate = 500\n"
                               "warmup = 500ms\nops = 50\n")
        operations = outcome.cell()["report"]["operations"]["all"]
        self.assertTrue(0 < operations < 200, operations)

    def test_decay(self):
        for cell in self.warm().document["cells"]:
            decay = cell["report"]["memory"]["decay"]
            self.assertGreaterEqual(len(decay["after_ns"]), 5)  # 0, 1, 2, 5, 10, 20, 25 ms
            self.assertEqual(len(decay["after_ns"]), len(decay["rss_bytes"]))
            self.assertEqual(decay["after_ns"], sorted(set(decay["after_ns"])))
            self.assertGreaterEqual(decay["after_ns"][-1], 25000000)
            memory = cell["report"]["memory"]
            if memory["rss_peak_bytes"] > memory["rss_baseline_bytes"]:
                self.assertGreaterEqual(decay["left_share"], 0)
            else: # of nothing: as the null target, which has no blocks, may be
                self.assertIsNone(decay["left_share"])
            self.assertEqual(decay["left_share"], cell["metrics"]["decay_left_share"])
        plain = self.run_job(WARM.replace("decay = 25ms", "").replace("ops = 20k", "ops = 500"), "--target", "libc")
        self.assertIsNone(plain.cell("libc")["report"]["memory"]["decay"])

    def test_pictures_of_the_memory_map(self):
        """As many as were asked for at most, of engines only, each whole; of the same operations whatever the target."""
        outcome = self.run_job("[work]\nworkload = churn\ntarget = libc, mems:dynamic, mems:slab\nops = 3000\nmap = 5\n")
        self.assertNotIn("map", outcome.cell("libc")["report"])
        marks = []
        for target in ("mems:dynamic", "mems:slab"):
            pictures = outcome.cell(target)["report"]["map"]
            self.assertLessEqual(len(pictures), 5)
            marks.append([picture["operations"] for picture in pictures])
            for picture in pictures:
                self.assertEqual(sum(piece[1] for piece in picture["pieces"]), picture["memory_bytes"])
                if picture["drawn"] == "cells":
                    self.assertEqual(sum(piece[2] for piece in picture["pieces"]), picture["taken_bytes"])
                    self.assertEqual(sum(piece[4] for piece in picture["pieces"]), picture["holes"])
                else:
                    holes = [piece[1] for piece in picture["pieces"] if piece[0] == "hole"]
                    self.assertEqual((len(holes), max(holes, default=0)), (picture["holes"], picture["largest_hole_bytes"]))
            self.assertTrue(any(picture["decision"]["what"] != "unknown" for picture in pictures))
        self.assertEqual(marks, [[1, 1000, 2000, 3000]] * 2)
        plain = self.run_job("[work]\nworkload = churn\ntarget = mems:dynamic\nops = 500\n")
        self.assertNotIn("map", plain.cell("mems:dynamic")["report"])

    def test_victims_bear_their_rule_out(self):
        """Pages that had to go: what replacement passed on the way to them."""
        target = "mems:vm-paging(page=4Ki,frames=12,low=0,high=1,thread_cache=no,replacement=%s)"
        algorithms = ("fifo", "lru", "clock", "nru", "arc")
        outcome = self.run_job("[work]\nworkload = references\nstream = zipf:1\nblocks = 40\nsize = 4Ki\nops = 300\nmap = 100\n"
                               "target = %s\n" % ", ".join(target % name for name in algorithms))
        for name in algorithms:
            made = [picture["decision"] for picture in outcome.cell(target % name)["report"]["map"]]
            victims = [one for one in made if one["what"] == "touch, fault" and one["victim_space"] > 0]
            self.assertGreater(len(victims), 10, name)
            for one in victims:
                self.assertEqual(one["candidates"], 0 if name == "arc" else 12, one)
                if name in ("fifo", "lru"):
                    self.assertEqual(one["passed"], 0, one)
                elif name == "clock":
                    round_once = one["candidates_referenced"] == 12 and one["passed"] == 0
                    self.assertTrue(round_once or (one["passed"] == one["passed_referenced"] and not one["victim_referenced"]), one)
                elif name == "nru":
                    self.assertEqual(one["lower_class"], 0, one)
            self.assertTrue(name in ("fifo", "lru", "arc") or any(one["passed"] for one in victims), name)

    @words
    def test_figures_with_pictures_are_no_comparison(self):
        """What pictures cost is in the figures of the targets that have any: the run says so, and compare refuses them."""
        text = "[work]\nworkload = churn\ntarget = libc, null, mems:dynamic, mems:slab\nops = 500\nrepeats = 2\n"
        outcome = self.run_job(text, "--set", "map=5")
        told, = [warning["text"] for warning in outcome.document["warnings"] if warning["code"] == "map"]
        self.assertIn("[work] pictures of memory were taken of mems:dynamic, mems:slab: ", told)
        self.assertIn(told, " ".join((outcome.out + outcome.err).split()))
        for a, b, named in (("libc", "mems:slab", "mems:slab"), ("mems:dynamic", "null", "mems:dynamic"),
                            ("mems:dynamic", "mems:slab", "both")):
            done = self.stress("compare", "result.json", "--targets", "%s,%s" % (a, b))
            self.assertEqual(done.status, 1, done.out + done.err)
            self.assertIn("pictures of memory (map) were taken of %s," % named, " ".join(done.out.split()))
        plain = self.stress("compare", "result.json", "--targets", "libc,null", "--metric", "ops_per_second")
        self.assertEqual(plain.status, 0, plain.out + plain.err)
        # The same target twice did the same twice: told, not refused.
        same = self.stress("compare", "result.json", "result.json")
        self.assertEqual(same.status, 0, same.out + same.err)
        self.assertEqual(same.out.count("pictures of memory (map) were taken"), 2)
        plain = self.run_job(text)
        self.assertEqual([warning for warning in plain.document["warnings"] if warning["code"] == "map"], [])
        self.assertNotIn("pictures", self.stress("compare", "result.json", "--targets", "libc,mems:slab").out)

    def test_holes_and_native_figures(self):
        outcome = self.warm()
        null, libc, engine = (outcome.cell(t)["report"] for t in ("null", "libc", "mems:dynamic"))
        for report in (null, libc):
            self.assertIsNone(report["fragmentation"]["concentration"])
            self.assertIsNone(report["fragmentation"]["unusable_share_by_log2_bytes"])
        curve = engine["fragmentation"]["unusable_share_by_log2_bytes"]
        self.assertEqual(curve, sorted(curve))
        self.assertEqual(curve[0], 0)
        self.assertEqual(curve[-1], 1)
        self.assertTrue(0 <= engine["fragmentation"]["concentration"] < 1)
        self.assertIsNone(null["memory"]["native"])
        self.assertIsNone(engine["memory"]["native"])
        self.assertIsNone(null["memory"]["rss_overhead"])
        self.assertIsNotNone(libc["memory"]["rss_overhead"])
        if not SANITIZED:
            native = libc["memory"]["native"]
            self.assertGreaterEqual(native["uordblks"] + native["hblkhd"], libc["memory"]["live_bytes"])

    def test_open_loop(self):
        outcome = self.run_job("[work]\nworkload = churn\ntarget = libc, mems:dynamic\nthreads = 2\n"
                               "rate = 20k\narrival = poisson\nops = 2k\nlatency = all\n")
        self.assertEqual(outcome.status, 0, outcome.out)
        for cell in outcome.document["cells"]:
            self.laws(cell, 2)
            latency = cell["report"]["latency"]
            self.assertEqual(counts(latency), counts(latency["response"]))
            for kind, response in latency["response"].items():
                self.assertGreaterEqual(response["mean_ns"], latency[kind]["mean_ns"])
                self.assertGreaterEqual(response["max_ns"], latency[kind]["max_ns"])
            self.assertLessEqual(latency["late"], cell["report"]["operations"]["all"])
            self.assertIsNotNone(cell["metrics"]["alloc_response_p99_ns"])

    @words
    def test_the_closed_loop_does_the_same(self):
        """When operations start does not change which they are."""
        job = "[work]\nworkload = churn\ntarget = libc\nops = 500\nlatency = all\n"
        closed, fixed, poisson = (
            self.run_job(job + more).cell()["report"]
            for more in ("", "rate = 100k\n", "rate = 100k\narrival = poisson\n"))
        self.assertEqual(closed["operations"], fixed["operations"])
        self.assertEqual(closed["operations"], poisson["operations"])
        self.assertEqual(closed["memory"]["live_bytes"], poisson["memory"]["live_bytes"])
        self.assertIsNone(closed["latency"]["response"])
        self.assertIsNone(closed["latency"]["late"])

    def test_an_open_loop_stops_and_is_not_hung(self):
        """Two operations a second against a timeout of a fifth, and a runtime within the first batch."""
        outcome = self.run_job("[work]\nworkload = churn\ntarget = libc\nrate = 2\ntimeout = 200ms\n"
                               "runtime = 700ms\n")
        self.assertEqual(outcome.status, 0, outcome.out)
        # What is left of the batch is done after the end, unpaced, and does not count.
        self.assertLessEqual(outcome.cell()["report"]["operations"]["all"], 3)

    def test_steady(self):
        job = ("[work]\nworkload = churn\ntarget = null\nruntime = 60s\nsteady = dev:100%\n"
               "steady_window = 50ms\nsample = 3ms\n")
        outcome = self.run_job(job)
        self.assertEqual(outcome.status, 0, outcome.out)
        cell = outcome.cell()
        self.laws(cell, 1)
        steady = cell["report"]["steady"]
        self.assertTrue(steady["reached"])
        self.assertLessEqual(steady["deviation_share"], 1)
        self.assertGreaterEqual(steady["at_ns"], 50000000)
        self.assertGreaterEqual(cell["report"]["wall_ns"], 50000000)

    def test_unsteady(self):
        outcome = self.run_job("[work]\nworkload = churn\ntarget = null\nruntime = 800ms\n"
                               "steady = dev:0.00001%\nsteady_window = 20ms\nsample = 1ms\n")
        self.assertEqual(outcome.status, 0, outcome.out)
        cell = outcome.cell()
        self.laws(cell, 1)
        self.assertEqual(cell["verdict"], "unsteady")
        self.assertIn("did not become steady (dev:0.00001%)", cell["message"])
        self.assertFalse(cell["report"]["steady"]["reached"])
        self.assertGreater(cell["report"]["steady"]["deviation_share"], 0.0000001)
        self.assertIn("did not become steady", outcome.out)

    @words
    def test_nothing_but_warm_up(self):
        trace = self.write("t.trace", "alloc A 100\nfree A\n")
        outcome = self.run_job("[work]\nworkload = trace\ntrace = %s\ntarget = libc\nwarmup = 1m\n"
                               % trace)
        self.assertEqual(outcome.cell()["verdict"], "unsteady", outcome.out)
        self.assertIn("within the warm-up", outcome.cell()["message"])

    @words
    def test_latency_limit(self):
        job = "[work]\nworkload = churn\ntarget = libc\nops = 20k\nlatency_limit = %s\n"
        kept = self.run_job(job % "alloc:p50<10s")
        self.assertEqual(kept.status, 0, kept.out)
        missed = self.run_job(job % "alloc:p50<1ns")
        self.assertEqual(missed.status, 2, missed.out)
        cell = missed.cell()
        self.assertEqual(cell["verdict"], "failed")
        self.assertRegex(cell["message"], r"check latency_limit: alloc:p50<1ns: p50 of the service "
                                          r"of alloc is [\d.]+ .s, over \d+ timed operations")
        self.assertGreater(cell["report"]["operations"]["all"], 0)  # and the figures are there
        none = self.run_job(job % "free_remote:p50<1s")
        self.assertIn("no operation of kind free_remote was timed", none.cell()["message"])

    @words
    def test_bad_keys(self):
        head = "[work]\nworkload = churn\ntarget = null\n"
        for keys, message in (
                ("steady = often\n", "4:10: steady = often: allowed is dev:P% or slope:P%"),
                ("steady = dev:5%\nsteady_window = 5s\n",
                 "5:17: steady_window = 5s: longer than runtime = 1s"),
                ("latency_limit = alloc:p99\n", "4:17: latency_limit = alloc:p99: allowed is KIND:pN"),
                ("latency_limit = alloc:p99<1us\nlatency = none\n", "no operation is timed (latency = none)"),
                ("arrival = poisson\n", "4:11: arrival = poisson: means nothing without rate")):
            job = self.write("bad.ini", head + keys)
            outcome = self.stress("run", job)
            self.assertEqual(outcome.status, 1, keys)
            self.assertIn("bad.ini:" + message if message[0].isdigit() else message, outcome.err)

    @words
    def test_memory_does_not_grow_with_the_run(self):
        bounds = set()
        for length in ("ops = 100", "ops = 200k", "runtime = 30ms"):
            memory = self.run_job("[work]\nworkload = churn\ntarget = null\n%s\n" % length
                                  ).cell()["report"]["memory"]
            # The stage holds the section's text, which is rounded up to pages.
            bounds.add(memory["metrics_bytes"] // 65536)
        self.assertEqual(len(bounds), 1)

    @words
    def test_scaling(self):
        sections = "".join("[t%d]\nworkload = churn\ntarget = null, libc\nthreads = %d\nops = 5k\n"
                           % (n, n) for n in (1, 2, 3))
        other = "[other]\nworkload = churn\ntarget = null\nops = 5k\nslots = 7\n"
        scaling = self.run_job(sections + other).document["scaling"]
        self.assertEqual([s["target"] for s in scaling], ["null", "libc"])
        for sweep in scaling:
            self.assertEqual(sweep["sections"], ["t1", "t2", "t3"])
            self.assertEqual([p["threads"] for p in sweep["points"]], [1, 2, 3])
            self.assertEqual(sweep["points"][0]["efficiency"], 1)
            self.assertIsNone(sweep["usl"])
            self.assertIn("a fit needs at least 4", sweep["why"])
        self.assertEqual(self.run_job(other).document["scaling"], [])


if __name__ == "__main__":
    unittest.main()
