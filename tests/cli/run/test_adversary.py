# SPDX-License-Identifier: MIT
#
# test_adversary.py - the adversaries on real allocators: what theory says of each kind of them.

import unittest

from stress import SANITIZED, Case

FITS = ["mems:dynamic(fit=%s)" % fit for fit in "first next best worst buddy tlsf".split()]
# A sanitizer's runtime does not take a second malloc in front of it.
FOREIGN = [] if SANITIZED else ["?preload:jemalloc"]
UNMOVED = ["libc", *FITS, "mems:slab", *FOREIGN]
MOVED = "mems:segmentation(compact_after=1)"
# Under a sanitizer one fit stands for all: what it watches is the same for each; and each workload meets three targets,
# each target three workloads at least: neither's code knows the other's.
EVERYTHING = [*(["libc", FITS[0], "mems:slab"] if SANITIZED else UNMOVED), MOVED, "mems:fixed", "mems:paging",
              "mems:vm-paging", "null"]

JOBS = {
    "robson": "live = 512Ki\nlargest = 64Ki\n",
    "doubling": "blocks = 128\n",
    "comb": "blocks = 512\n",
    "sawtooth": "blocks = 500\ncycles = 3\n",
    "pin-per-slab": "fill = 32Ki\nsmallest = 64\n",
    "peak-pinned": "blocks = 1000\n",
    "size-shift": "cap = 200k\n",
    "realloc-growth": "most = 100k\n",
    "large": "places = 3\nreplacements = 5\nblock = 400k-800k\n",
}
SAME = "one thread's places are the same in every build; what each does is watched above"


def job(workload, targets, more="", verify=4):
    return "[%s]\nworkload = %s\ntarget = %s\nverify = %d\n%s" % (
        workload, workload, ", ".join(targets), verify, more)


def targets_of(i):
    """Those that the workload number i meets."""
    if not SANITIZED:
        return EVERYTHING
    return [EVERYTHING[(3 * i + j) % len(EVERYTHING)] for j in range(3)]


class Adversary(Case):
    def figures(self, text):
        """By name: the figure of each target, and its bound."""
        outcome = self.run_job(text)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        found = {}
        for cell in outcome.document["cells"]:
            if cell["verdict"] == "pass":
                for figure in cell["report"]["figures"]:
                    of = found.setdefault(figure["name"], {})
                    of[cell["target"]] = figure["value"], figure["bound"]
        return found

    def test_every_one_on_every_kind_of_target(self):
        self.assertEqual(set().union(*map(targets_of, range(len(JOBS)))), set(EVERYTHING))
        outcome = self.run_job("".join(job(workload, targets_of(i), keys + "threads = 2\n")
                                       for i, (workload, keys) in enumerate(JOBS.items())))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        for line in outcome.out.splitlines():
            self.assertLessEqual(len(line), 100)

    def test_ops_and_runtime_end_them(self):
        outcome = self.run_job("".join(job(workload, ["libc"], keys + "ops = 1000\nthreads = 2\n")
                                       for workload, keys in JOBS.items()))
        self.assertEqual(len(outcome.document["cells"]), len(JOBS))
        for cell in outcome.document["cells"]:
            counts = cell["report"]["operations"]
            # Two operations of the last batch at most beyond the budget; close frees the rest.
            self.assertGreaterEqual(counts["alloc"] + counts["resize"] + counts["free"], 2 * 1000,
                                    cell["section"])
        outcome = self.run_job("".join(job(workload, ["libc"], keys + "runtime = 30ms\n")
                                       for workload, keys in JOBS.items()))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)

    @unittest.skipIf(SANITIZED, SAME)
    def test_robson_is_evaded_by_moving_alone(self):
        text = job("robson", [*UNMOVED, MOVED, "null"], "live = 8Mi\nlargest = 512Ki\n", verify=2)
        found = self.figures(text)
        self.assertNotIn(MOVED, found["span"])
        self.assertNotIn("null", found["span"])
        self.assertGreaterEqual(len(found["span"]), len(UNMOVED) - 1)
        for target, (span, bound) in found["span"].items():
            # log2(n)/2 + 1 - (n - 1)/M, M = 8 Ki and n = 512 units
            self.assertAlmostEqual(bound, 9 / 2 + 1 - 511 / 8192, msg=target)
            self.assertGreaterEqual(span, bound, target)
        for target in FITS:
            blow_up, bound = found["blow-up"][target]
            self.assertGreaterEqual(blow_up, bound, target)
        # What is live, and a region of 1 MiB that is filled in part.
        self.assertLessEqual(found["blow-up"][MOVED][0], 1 + 2 / 8)

    @unittest.skipIf(SANITIZED, SAME)
    def test_doubling_catches_every_fit(self):
        found = self.figures(job("doubling", [*FITS, MOVED]))["blow-up"]
        for target in FITS:
            blow_up, bound = found[target]
            self.assertAlmostEqual(bound, 1024 * 11 / 2047, delta=0.05)
            self.assertGreaterEqual(blow_up, 0.95 * bound, target)
        self.assertLess(found[MOVED][0], 0.5 * found[MOVED][1])

    @unittest.skipIf(SANITIZED, SAME)
    def test_comb_grows_unless_holes_are_moved_together(self):
        found = self.figures(job("comb", [*FITS, "mems:slab", MOVED]))["growth"]
        for target, (growth, bound) in found.items():
            self.assertEqual(bound, 1.5)
            if target == MOVED:
                self.assertLess(growth, 1.2)
            else:
                # A region is 1 MiB of 16.
                self.assertAlmostEqual(growth, bound, delta=1.5 / 16, msg=target)

    @unittest.skipIf(SANITIZED, SAME)
    def test_pins_hurt_slabs_and_not_extents(self):
        found = self.figures(job("pin-per-slab", ["mems:slab", "mems:dynamic"]))["held"]
        self.assertGreater(found["mems:slab"][0], 0.95 * found["mems:slab"][1])
        self.assertLess(found["mems:dynamic"][0], 0.3 * found["mems:dynamic"][1])

    def test_figures_stand_below_the_table(self):
        outcome = self.run_job(job("comb", ["libc", "mems:dynamic"], "blocks = 4096\n"))
        self.assertRegex(outcome.out, r"\ngrowth, x \(bound 1\.50\): libc [\d.]+, mems:dynamic [\d.]+\n")


if __name__ == "__main__":
    unittest.main()
