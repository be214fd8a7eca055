# SPDX-License-Identifier: MIT
#
# quick.py - do the quick tests see a mutant? Those of the engine: unit, property, concurrency, misuse.
#
# A test that fails once is run again: what fails because a machine is busy is not what sees a mutant.

import os
import re
import subprocess

from table import Table, engine_of
from tree import PARTS, TESTS, Tree

COLUMNS = ("mutant", "said", "seen", "tests", "engine")
ROOMS = "base|os|sync|memory|policy|cache|engine|heap|malloc"
SUITES = f"^(unit[.]({ROOMS})[.]|property|concurrency)"
# What the heap and the malloc family are linked into; nothing else has them.
HEAP_SUITES = "^(unit[.](heap|malloc)[.]|property[.]family|concurrency[.]heap)"
HEAP = ("lib/heap/", "lib/malloc/")


def suites_for(mutant):
    """Those that can see it."""
    with open(mutant.path, encoding="utf-8") as file:
        touched = re.findall(r"^\+\+\+ b/(\S+)", file.read(), re.MULTILINE)
    return HEAP_SUITES if all(path.startswith(HEAP) for path in touched) else SUITES


def failures(build, suites):
    """Names of the tests that fail."""
    command = ["ctest", "--test-dir", build, "-L", "quick", "-R", suites, "-j", "2", "--timeout", "120"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return re.findall(r"^\s*\d+ - (\S+) \(", done.stdout, re.MULTILINE)


def target(name):
    return "test-" + name.replace(".", "-")


def any_of(names):
    return "^(" + "|".join(re.escape(name) for name in names) + ")$"


def tests_of(build, suites):
    """Names of those that are programs."""
    listing = subprocess.run(["ctest", "--test-dir", build, "-N", "-L", "quick", "-R", suites], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    names = re.findall(r"^\s*Test\s+#\d+: (\S+)$", listing, re.MULTILINE)
    known = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], stdout=subprocess.PIPE, text=True, check=True).stdout
    known = set(re.findall(r"^(\S+): ", known, re.MULTILINE))
    return [name for name in names if target(name) in known] # others are scripts


def run(mutants, options, say):
    table = Table(options.results, COLUMNS)
    tree = Tree(options.work, options.jobs)
    wrong = []
    for mutant in mutants:
        engine = engine_of(["lib", "tests/unit", "tests/property", "tests/concurrency", mutant.path])
        if options.all and table.has(mutant.name, engine):
            continue
        tree.mutate(mutant, PARTS + TESTS)
        build = tree.build("tests", ["mems-malloc"])
        suites = options.tests or suites_for(mutant)
        names = tests_of(build, suites)
        tree.build("tests", map(target, names))
        failed = failures(build, any_of(names))
        if failed:
            failed = failures(build, any_of(failed))
        seen = "yes" if failed else "no"
        say(f"{mutant.name}: said {mutant.values['quick']}, seen {seen} {' '.join(failed)}")
        table.put(mutant.name, mutant.values["quick"], seen, " ".join(failed), engine)
        if seen != mutant.values["quick"]:
            wrong.append(mutant.name)
    tree.restore(PARTS + TESTS)
    if wrong:
        say(f"what the header says of the quick tests is wrong: {', '.join(wrong)}")
    return 1 if wrong else 0
