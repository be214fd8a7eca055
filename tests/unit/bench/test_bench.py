# SPDX-License-Identifier: MIT
#
# test_bench.py - every kernel of mems-bench on every target for a moment; what it says of bad input.
#
#   test_bench.py MEMS-BENCH TARGETS

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BENCH, TARGETS = sys.argv[1:3]
KERNELS = ("pair", "batch", "remote", "lifo", "random", "replace", "translate", "access", "moving", "reference")
MEMS_ONLY = ("translate", "access", "moving", "reference")
NEEDS = {"moving": ("mems:segmentation", "mems:vm-segmentation"), "reference": "mems:vm-paging"}  # which of TARGETS have what it needs
PARAMETERS = {"pair": "size", "batch": "blocks", "remote": "size", "lifo": "live", "random": "live", "replace": "size", "translate": "size",
              "access": "size", "moving": "mover", "reference": "pages"}
VALUES = {"pair": (16, 4096), "batch": (10, 300), "remote": (64,), "lifo": (100, 1000), "random": (100, 1000), "replace": (4096,),
          "translate": (64,), "access": (64,), "moving": (1, 2), "reference": (1000,)}

if "preload:" not in TARGETS:  # a sanitizer's build: what it watches is the same for each value
    VALUES = {kernel: values[:2 if kernel == "moving" else 1] for kernel, values in VALUES.items()}


def run(*words, **environment):
    return subprocess.run([BENCH, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **environment})


def present(target):
    """Whether an optional target's library is here, by the program's own word."""
    return not target.startswith("?") or run("--once", "pair", target[1:], "16", "1", "1").stdout.find("no lib") < 0


def split(targets):
    return [t for t in re.findall(r"[^,(]+(?:\([^)]*\))?", targets)]


class Kernels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.targets = [t.lstrip("?") for t in split(TARGETS) if present(t)]
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            values = [w for k, v in VALUES.items() for w in ("--values", f"{k}={','.join(map(str, v))}")]
            cls.done = run("--targets", TARGETS, *values, "--benchmark_min_time=0.00001", f"--benchmark_out={out.name}",
                           LD_PRELOAD="")
            with open(out.name, encoding="utf-8") as file:
                cls.text = file.read()

    def test_exit_status(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout + self.done.stderr)

    def test_every_cell_ran(self):
        rows = {row["run_name"].removesuffix("/manual_time"): row for row in json.loads(self.text)["benchmarks"]}
        expected = {f"{kernel}/{target}/{PARAMETERS[kernel]}:{value}/threads:{threads}"
                    for kernel in KERNELS for target in self.targets for value in VALUES[kernel] for threads in (1, 2)
                    if (kernel != "remote" or threads > 1) and (kernel not in MEMS_ONLY or target.startswith("mems:"))
                    and target.startswith(NEEDS.get(kernel, ""))}
        self.assertEqual(set(rows), expected)
        for name, row in rows.items():
            self.assertFalse(row.get("error_occurred"), f"{name}: {row.get('error_message')}")
            self.assertGreater(row["real_time"], 0, name)
            self.assertGreaterEqual(row["cpu_ns"], 0, name)

    @unittest.skipUnless("?preload:mems-malloc" in TARGETS, "a sanitizer's build preloads nothing")
    def test_nobody_says_what(self):
        """Every policy, the drop-in and the C library, by one thread and two, by sizes."""
        done = run("--benchmark_list_tests")
        for target in ("fixed", "dynamic", "paging", "segmentation", "vm-paging", "vm-segmentation", "slab"):
            for size in (16, 1024, 32768):
                for threads in (1, 2):
                    self.assertIn(f"replace/mems:{target}/size:{size}/threads:{threads}/", done.stdout)
        for target in "libc", "preload:mems-malloc":
            self.assertIn(f"replace/{target}/size:16/threads:2/", done.stdout)

    def test_suppliers(self):
        context = json.loads(self.text)["context"]
        for target in self.targets:
            if target == "libc" or target.startswith("preload:"):
                noun = target.removeprefix("preload:")
                self.assertIn("/lib", context[f"malloc of {target}"])
                if target != "libc":
                    self.assertIn(noun, context[f"malloc of {target}"])

    def test_environment_is_not_measured(self):
        """libc is libc whatever the caller preloads."""
        for target in self.targets:
            if target.startswith("preload:"):
                library = json.loads(self.text)["context"][f"malloc of {target}"]
                done = run("--targets", "libc", "--threads", "1", "--benchmark_filter=^pair/libc/size:16/",
                           "--benchmark_min_time=0.00001", LD_PRELOAD=library)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotIn(f"malloc of libc: {library}", done.stdout + done.stderr)
                wrong = run("--once", "pair", "libc", "16", "1", "1", LD_PRELOAD=library)
                self.assertEqual((wrong.returncode, wrong.stdout), (1, f"failed libc: malloc is answered by {library}\n"))


class BadInput(unittest.TestCase):
    def check(self, words, status, said):
        done = run(*words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(said, done.stdout + done.stderr)

    def test_targets(self):
        for target, said in (("jemalloc", "write mems:POLICY(key=value,...), libc, preload:NAME-OR-PATH or null"),
                             ("mems:paged", "unknown policy 'paged'"), ("mems:dynamic(fit=bst)", "fit"),
                             ("mems:dynamic(fit=best", "end with one ')'"), ("preload:nosuch", "no libnosuch.so*"),
                             ("preload:/nosuch.so", "/nosuch.so")):
            self.check(["--targets", target], 2, said)

    def test_a_missing_optional_target_is_left_out(self):
        done = run("--targets", "null,?preload:nosuch", "--benchmark_list_tests")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("left out", done.stderr)
        self.assertNotIn("nosuch", done.stdout)

    def test_options(self):
        self.check(["--thread", "1"], 2, "unknown option --thread")
        self.check(["--threads", "0"], 2, "numbers from 1 to 64")
        self.check(["--threads"], 2, "--threads wants a value")
        self.check(["--values", "pear=1"], 2, "write KERNEL=NUMBER")
        self.check(["--targets", "null", "--benchmark_filter=nothing_is_called_this"], 2, "")

    def test_a_failed_measurement_fails_the_run(self):
        self.check(["--targets", "mems:dynamic(capacity=64Ki)", "--threads", "1", "--values", "random=10000",
                    "--benchmark_filter=^random/"], 1, "out of memory")

    def test_once(self):
        self.check(["--once", "pair"], 2, "takes KERNEL TARGET VALUE THREADS ITERATIONS")
        self.check(["--once", "pear", "libc", "16", "1", "1"], 2, "no kernel \"pear\"")
        self.check(["--once", "remote", "null", "16", "1", "1"], 2, "at least 2 threads")
        self.check(["--once", "translate", "libc", "16", "1", "1"], 2, "cannot measure libc")
        self.check(["--once", "pair", "null", "16", "1", "-1"], 2, "whole numbers from 1")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
