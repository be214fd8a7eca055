# SPDX-License-Identifier: MIT
#
# test_google.py - Google Benchmark's output, read by mems-stress compare; and ours, as it would write it.
#
# MEMS_BENCH names mems-bench, where it was built.

import json
import os
import subprocess
import unittest

import made
from stress import Case

BENCH = os.environ.get("MEMS_BENCH", "")


def entries(name="BM_Alloc/16", repetitions=8, scale=1.0, unit="ns", units=1.0, **changes):
    """Repetitions that vary by a few thousandths, and the aggregates behind them."""
    rows = []
    for index in range(repetitions):
        wobble = scale * (1 + (index * 7 % 5 - 2) / 1000)
        rows.append({"name": name, "run_name": name, "run_type": "iteration", "repetitions": repetitions,
                     "repetition_index": index, "threads": 1, "iterations": 1000, "real_time": 100 * wobble / units,
                     "cpu_time": 90 * wobble / units, "time_unit": unit, "items_per_second": 1e7 / wobble, **changes})
    return rows + [{**rows[0], "name": name + "_" + word, "run_type": "aggregate", "aggregate_name": word,
                    "real_time": 1e9, "cpu_time": 1e9} for word in ("mean", "median", "stddev")]


def output(*parts):
    return {"context": {"date": "2026-11-26T10:00:00+00:00", "host_name": "here", "executable": "./bm", "num_cpus": 2,
                        "caches": []}, "benchmarks": [row for part in parts for row in part]}


class Read(Case):
    def compare(self, a, b, *arguments, status=0):
        outcome = self.stress("compare", self.write("a.json", json.dumps(a)), self.write("b.json", json.dumps(b)),
                              "--json", self.path("c.json"), *arguments)
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        self.rows = {}
        if status != 1:
            with open(self.path("c.json")) as file:
                self.rows = {(r["section"], r["metric"]): r for r in json.load(file)["rows"]}
        return outcome

    def test_same_slower_and_faster(self):
        one, two = entries(), entries("BM_Free/16")
        self.compare(output(one, two), output(one, two))
        self.assertEqual(len(self.rows), 6)
        self.assertEqual({row["verdict"] for row in self.rows.values()}, {"pass"})
        outcome = self.compare(output(one, two), output(entries(scale=1.2), two), status=4)
        for metric, ratio in (("real_time", 1.2), ("cpu_time", 1.2), ("items_per_second", 1 / 1.2)):
            row = self.rows["BM_Alloc/16", metric]
            self.assertEqual((row["verdict"], row["repeats_a"], row["target"]), ("regressed", 8, "benchmark"))
            self.assertAlmostEqual(row["ratio"], ratio, 6)
            self.assertEqual(self.rows["BM_Free/16", metric]["verdict"], "pass")
        self.assertIn("[BM_Alloc/16] benchmark: 8 and 8 repeats", outcome.out)
        self.compare(output(entries(scale=1.2)), output(one))
        self.assertEqual({row["verdict"] for row in self.rows.values()}, {"improved"})

    def test_units(self):
        for unit, units in (("us", 1e3), ("ms", 1e6), ("s", 1e9)):
            self.compare(output(entries()), output(entries(unit=unit, units=units)))
            self.assertAlmostEqual(self.rows["BM_Alloc/16", "real_time"]["median_b"], 100, 6)
            self.assertAlmostEqual(self.rows["BM_Alloc/16", "cpu_time"]["ratio"], 1, 6)

    def test_what_is_not_there(self):
        bare = [{k: v for k, v in row.items() if k not in ("items_per_second", "run_name", "threads")} for row in entries()]
        self.compare(output(bare), output(bare))
        self.assertEqual({metric for _, metric in self.rows}, {"real_time", "cpu_time"})
        lost = [{k: v for k, v in row.items() if k != "items_per_second"} for row in entries()]
        self.assertIn("0 of 8 cells of B: it was lost", " ".join(
            self.compare(output(entries()), output(lost), status=1).out.split()))
        self.assertIn("items_per_second is not known in A", self.compare(output(lost), output(entries())).out)
        manual = entries("BM_Alloc/manual_time")
        self.compare(output(manual), output(manual))
        self.assertEqual({metric for _, metric in self.rows}, {"real_time", "items_per_second"})

    def test_chosen_metrics(self):
        self.compare(output(entries()), output(entries(scale=1.2)), "--metric", "cpu_time", status=4)
        self.assertEqual(list(self.rows), [("BM_Alloc/16", "cpu_time")])

    def test_few_repetitions(self):
        outcome = self.compare(output(entries(repetitions=1)), output(entries(repetitions=1)))
        self.assertIn("1 repeat a side, 5 are the least", outcome.out)
        self.compare(output(entries(repetitions=1)), output(entries(repetitions=1)), "--fail-inconclusive", status=5)

    def test_aggregates_only(self):
        means = [row for row in entries() if row["run_type"] == "aggregate"]
        for a, b, name in ((means, entries(), "a.json"), (entries(), means, "b.json")):
            err = self.compare(output(a), output(b), status=1).err
            self.assertIn(name + ": aggregates only", err)
            self.assertIn("--benchmark_repetitions=9, and without --benchmark_report_aggregates_only", err)
        self.assertIn("no benchmark in it", self.compare(output(), output(entries()), status=1).err)

    def test_what_is_wrong(self):
        for changes, says in (({"run_type": "mean"}, 'benchmarks[0].run_type: "iteration" or "aggregate"'),
                              ({"run_type": None}, 'benchmarks[0].run_type: "iteration" or "aggregate"'),
                              ({"time_unit": "min"}, 'benchmarks[0].time_unit: "ns", "us", "ms" or "s" is wanted'),
                              ({"time_unit": 1}, "benchmarks[0].time_unit: a text is wanted"),
                              ({"real_time": "1"}, "benchmarks[0].real_time: a number from 0 on is wanted"),
                              ({"cpu_time": -1}, "benchmarks[0].cpu_time: a number from 0 on is wanted"),
                              ({"items_per_second": []}, "benchmarks[0].items_per_second: a number from 0 on is wanted"),
                              ({"threads": 1.5}, "benchmarks[0].threads: a whole number from 0 on is wanted"),
                              ({"run_name": 7}, "benchmarks[0].run_name: a text is wanted")):
            self.assertIn(says, self.compare(output(entries(**changes)), output(entries()), status=1).err)
        self.assertIn("benchmarks[0].run_type", self.compare({"benchmarks": [7]}, output(entries()), status=1).err)
        self.assertIn('no "benchmarks"', self.compare({"benchmarks": 7}, output(entries()), status=1).err)

    def test_refused(self):
        broken = entries(error_occurred=True, error_message="out of memory")
        self.assertIn("repeat 0 of B: failed", self.compare(output(entries()), output(broken), status=1).out)
        both = output(entries(), entries("BM_Free/16"))
        self.assertIn("[BM_Free/16]: only in A", self.compare(both, output(entries()), status=1).out)
        self.assertIn("only in B", self.compare(output(entries()), both).out)
        other = entries(threads=2)
        self.assertIn("threads are 1 in A, 2 in B", self.compare(output(entries()), output(other), status=1).out)
        ours = made.document(made.cells())
        self.assertIn("nothing in common", self.compare(output(entries()), ours, status=1).err)

    @unittest.skipUnless(BENCH, "no mems-bench")
    def test_what_mems_bench_writes(self):
        path = self.path("bench.json")
        done = subprocess.run([BENCH, "--targets", "null,mems:slab", "--threads", "1", "--benchmark_filter=^pair/.*size:16/",
                               "--benchmark_min_time=0.0001", "--benchmark_repetitions=5", "--benchmark_out=" + path],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        outcome = self.stress("compare", path, path)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertIn("[pair/mems:slab/size:16/threads:1/manual_time] benchmark: 5 and 5 repeats", outcome.out)
        self.assertRegex(outcome.out, r"real_time +\S+ +\S+ +1\.000")
        self.assertNotIn("cpu_time", outcome.out)


class Write(Case):
    JOB = "[a job]\nworkload = churn\ntarget = libc, mems:fixed(partitions=64x10)\nthreads = 2\nops = 2k\nrepeats = 3\nsize = 500\n"

    def test_as_google_writes(self):
        path = self.path("g.json")
        outcome = self.run_job(self.JOB, "--google-benchmark", path)
        self.assertEqual(outcome.status, 2)  # the small partitions refuse everything
        with open(path) as file:
            written = json.load(file)
        cells = [cell for cell in outcome.document["cells"] if cell["target"] == "libc"]
        self.assertEqual(written["context"]["cells_left_out"], 3)
        self.assertEqual(written["context"]["num_cpus"], outcome.document["host"]["cores"])
        self.assertEqual([row["repetition_index"] for row in written["benchmarks"]], [cell["repeat"] for cell in cells])
        for row, cell in zip(written["benchmarks"], cells):
            self.assertEqual((row["name"], row["run_name"]), ("a job/libc/threads:2",) * 2)
            self.assertEqual((row["run_type"], row["threads"], row["repetitions"], row["time_unit"]), ("iteration", 2, 3, "ns"))
            self.assertEqual(row["iterations"], cell["report"]["operations"]["all"])
            rate = cell["metrics"]["ops_per_second"]
            self.assertAlmostEqual(row["items_per_second"] / rate, 1, 6)
            self.assertAlmostEqual(row["real_time"] * rate / 1e9, 1, 6)
            self.assertEqual(row["cpu_time"], cell["metrics"]["cpu_ns_per_op"] or 0)
            self.assertEqual(row["rss_peak_bytes"], cell["metrics"]["rss_peak_bytes"])
            self.assertNotIn(None, row.values())
        outcome = self.stress("compare", path, path)  # and is read by ours
        self.assertIn("[a job/libc/threads:2] benchmark: 3 and 3 repeats", outcome.out)

    def test_where(self):
        job = self.write("job.ini", self.JOB)
        outcome = self.stress("run", job, "--target", "null", "--google-benchmark", "-")
        self.assertEqual(len(json.loads(outcome.out)["benchmarks"]), 3)
        self.assertEqual(self.stress("run", job, "--google-benchmark", "no/folder", "--target", "null").status, 7)
        self.assertIn("says nothing with --dry-run",
                      self.stress("run", job, "--google-benchmark", "x", "--dry-run").err)
        self.assertIn("both go to", self.stress("run", job, "--google-benchmark", "x", "--json", "x").err)


if __name__ == "__main__":
    unittest.main()
