#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# plants.py - can the checker fail? Breaks each rule in a copy of the tree, and asks for exactly those complaints.
#
# usage: plants.py [TREE]

import os
import re
import shutil
import subprocess
import sys
import tempfile

import architecture

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKER = os.path.join(HERE, "architecture.py")


def source(path, body):
    """A file that keeps every rule but what its body breaks."""
    return f"// SPDX-License-Identifier: MIT\n//\n// {os.path.basename(path)} - planted.\n\n{body}\n"


# The rule a plant breaks, its path, its body (on line 5).
PLANTS = [
    ("stairs", "lib/base/plant_up.c", '#include "os/os.h"'),
    ("stairs", "lib/os/plant_up.c", '#include "sync/lock.h"'),
    ("stairs", "lib/memory/plant_up.h", '  #  include "engine/engine.h"'),
    ("stairs", "lib/policy/plant_sibling.c", '#include "cache/cache.h"'),
    ("stairs", "lib/policy/replacement/plant_sibling.c", '#include "cache/cache.h"'),
    ("stairs", "lib/cache/plant_sibling.c", '#include "policy/policy.h"'),
    ("stairs", "lib/engine/plant_up.c", '#include "malloc/malloc.h"'),
    ("stairs", "lib/base/plant_public.c", "#include <mems/engine.h>"),
    ("public", "lib/include/mems/plant.h", '#include "base/tree.h"'),
    ("include-path", "lib/base/plant_path.c", '#include "tree.h"'),
    ("room", "lib/attic/plant.c", '#include "base/tree.h"'),
    ("stairs", "stress/measure/plant_up.c", '#include "run/run.h"'),
    ("stairs", "stress/job/plant_up.h", '#include "run/run.h"'),
    ("stairs", "stress/run/plant_up.c", '#include "result/verdict.h"'),
    ("stairs", "stress/result/plant_up.c", '#include "compare/compare.h"'),
    ("stairs", "stress/faults/plant_up.c", '#include "result/json.h"'),
    ("room", "stress/attic/plant.c", '#include "job/job.h"'),
    ("public-only", "stress/run/plant.c", '#include "base/rng.h"'),
    ("public-only", "bench/plant.c", '#include "engine/engine.h"'),
    ("threads", "lib/policy/plant_atomic.c", "#include <stdatomic.h>"),
    ("threads", "lib/cache/plant_qualifier.c", "static _Atomic int x;"),
    ("threads", "lib/engine/plant_pthread.c", "int f(void) { return pthread_yield_now(); }"),
    ("threads", "lib/memory/plant_rcu.c", "void f(void) { /* why */ rcu_read_lock(); }"),
    ("threads", "lib/memory/plant_builtin.c", "int f(int *p) { return __atomic_load_n(p, 0); }"),
    ("malloc", "lib/engine/plant_malloc.c", "void *f(void) { return malloc(1); }"),
    ("malloc", "lib/sync/plant_free.c", "void f(void *p) { free (p); }"),
    ("stdio", "lib/cache/plant_stdio.c", "#include <stdio.h>"),
    ("stdio", "lib/engine/plant_print.c", "int f(char *s) { return snprintf(s, 1, 0); }"),
    ("seam", "lib/memory/plant_map.c", "void *f(void) { return mmap(0, 1, 0, 0, -1, 0); }"),
    ("seam", "lib/sync/plant_clock.c", "int f(void) { return clock_gettime(0, 0); }"),
    ("memory-stream", "stress/result/plant_stream.c", "FILE *f(char **t, size_t *n) { return open_memstream(t, n); }"),
    ("memory-stream", "stress/disk/plant_stream.c", "FILE *(*f)(wchar_t **, size_t *) = open_wmemstream;"),
    ("memory-stream", "stress/report/plant_stream.h", 'static FILE *f(char *t) { return fmemopen(t, 9, "w"); }'),
    ("typedef", "stress/run/plant_typedef.h", "typedef struct plant plant;"),
    ("machine-path", "stress/jobs/plant.ini", "trace = /ho" + "me/someone/a.trace"),
    ("machine-path", "results/plant.json", '{"command": "/wo' + 'rk/a/mems-stress"}'),
    ("no-commit", "results/plant.csv", "mutant,engine\nplant,a2a102a+"),
    ("c++", "stress/run/plant.cc", "int x;"),
    ("length", "lib/base/plant_length.c", "\n" * 600),
    ("labels", "lib/sync/plant_release.c", "int x; // [R:planted release]"),
    ("labels", "lib/sync/plant_acquire.c", "int x; // [A:planted-acquire]"),
]

# Whole files: their first lines are what is wrong.
RAW_PLANTS = [
    ("spdx", "lib/base/plant_spdx.c", "// no licence\n//\n// plant_spdx.c - planted.\n"),
    ("spdx", "tests/plant.sh", "#!/bin/sh\necho\n"),
    ("spdx", "lib/plant.cmake", "# SPDX-License-Identifier: GPL\n"),
    ("top", "slow-unit-planted", "left over\n"),
    ("title", "tests/unit/base/test_plant.c", "// SPDX-License-Identifier: MIT\n\nint x;\n"),
]

# What looks like a violation and is none.
INNOCENT = [
    ("lib/engine/plant_good.c", '#include "policy/policy.h"\n#include "cache/cache.h"\n#include <mems/engine.h>'),
    ("lib/memory/plant_good.c", "// malloc(1), rcu_read_lock() and <stdio.h>\nchar s[] = \"free(p) \\\" printf(\";"),
    ("lib/policy/plant_good.c", "void f(struct p *p) { p->free(p); p->ops.mmap(p); os_free(p); mems_malloc(1); }"),
    ("lib/sync/plant_good.c", "int x; // [R:planted-pair]\nint y; // [A:planted-pair]"),
    ("stress/run/plant_stream.c", "// not open_memstream(), nor fmemopen()\nFILE *f(char **t, size_t *n) { return disk_memory(t, n); }"),
    ("stress/run/plant_good.c", '#include <mems/engine.h>\n#include <pthread.h>\n#include "job/job.h"'),
]


def plant(tree, path, text):
    target = os.path.join(tree, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


def copy_of(tree, target, wanted=""):
    for path in filter(re.compile(wanted).match, architecture.tracked(tree)):
        os.makedirs(os.path.dirname(os.path.join(target, path)), exist_ok=True)
        shutil.copyfile(os.path.join(tree, path), os.path.join(target, path))


def ask(kind, tree):
    answer = subprocess.run([sys.executable, "-B", CHECKER, kind, tree], capture_output=True, text=True, check=False)
    return answer.returncode, answer.stdout + answer.stderr


def complaints(tree):
    status, output = ask("rules", tree)
    found = set(re.findall(r"^([^:\n]+):(\d+): \[([a-z+-]+)\]", output, re.MULTILINE))
    return status, {(rule, path, int(line)) for path, line, rule in found}


def test_rules(tree):
    """Faults of the checker over the rules that rules.py holds."""
    before = complaints(tree)[1]
    for _, path, body in PLANTS:
        plant(tree, path, body + "\n" if path.endswith((".ini", ".json")) else source(path, body))
    for _, path, text in RAW_PLANTS:
        plant(tree, path, text)
    for path, body in INNOCENT:
        plant(tree, path, source(path, body))
    status, after = complaints(tree)
    named = {(rule, path) for rule, path, _ in after - before}
    expected = {(rule, path) for rule, path, *_ in PLANTS + RAW_PLANTS}
    faults = [f"not seen: [{rule}] planted in {path}" for rule, path in sorted(expected - named)]
    faults += [f"seen, but not planted: [{rule}] in {path}" for rule, path in sorted(named - expected)]
    lines = {(rule, path): line for rule, path, line in after}
    for rule, path, body in PLANTS:
        if path.endswith(".c") and rule not in ("length",) and lines.get((rule, path), 5) != 5:
            faults.append(f"[{rule}] in {path}: line {lines[rule, path]} named, line 5 broken")
    if status != 1:
        faults.append(f"exit status {status} with violations, not 1")
    return faults


def test_gate(tree, kind, path, text):
    """Faults of a gate: it must not name the plant before it is there, and complain of it after."""
    status, output = ask(kind, tree)
    if status == architecture.SKIPPED:
        print(output.strip())
        return []
    faults = [f"the {kind} gate names {path} before it is there"] if path in output else []
    plant(tree, path, text)
    status, output = ask(kind, tree)
    if status != 1 or path not in output:
        faults.append(f"the {kind} gate does not see {path} (exit status {status})")
    os.remove(os.path.join(tree, path))
    return faults


def test_empty():
    """A tree without files must not pass for a clean one."""
    with tempfile.TemporaryDirectory() as empty:
        return [f"'{kind}' passes an empty tree" for kind in ("rules", "format", "shell") if ask(kind, empty)[0] == 0]


def main(arguments):
    original = arguments[1] if len(arguments) > 1 else os.path.join(HERE, "..", "..")
    # The gates' tools take seconds for the whole tree; whether a gate hears them, a corner of it shows.
    with tempfile.TemporaryDirectory(prefix="mems-plants-") as tree:
        copy_of(original, tree, r"\.clang-format$|lib/base/|bootstrap\.sh$")
        faults = test_gate(tree, "format", "lib/base/plant_format.c", "int  main ( ) {return 0;}\n")
        faults += test_gate(tree, "shell", "tests/plant_shell.sh", "#!/bin/sh\necho $1\n")
    with tempfile.TemporaryDirectory(prefix="mems-plants-") as tree:
        copy_of(original, tree)
        faults += test_rules(tree)
    faults += test_empty()
    for fault in faults:
        print(fault)
    print(f"{len(PLANTS) + len(RAW_PLANTS) + 2} violations planted, {len(faults)} faults of the checker")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
