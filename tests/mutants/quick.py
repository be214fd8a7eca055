# SPDX-License-Identifier: MIT
#
# quick.py - do the quick tests see a mutant? All of the release build that a bug of lib/ can reach.
#
# 1. They are asked in the order in which they are likely to see it: first those of the mutant's own rooms and under many
#    threads, then the engine's other rooms and laws, then the driver and what runs for long. Of each part what it needs
#    is built, and CTest stops at the first test that fails. That one is run again, by itself: what fails because a machine
#    is busy is not what sees a mutant.
# 2. One such test is enough for a yes; a no has asked all. What a mutant cannot reach is not asked: tests of sources, of
#    words, of allocators that are not ours; and of a mutant in the malloc family, those that do not have it in them.
# 3. Most of the time goes into a no. So several mutants can be asked at once, all in one tree (--together): what all tests
#    pass with is seen by none of them, unless one hides what another does, which those of different places do not. The row
#    names the company. A company that is seen says nothing of any one in it, and gets no row: ask smaller ones.

import os
import re
import subprocess

from patches import ROOT, everyone
from table import Table, engine_of
from tree import PARTS, TESTS, Failed, Tree

COLUMNS = ("mutant", "said", "seen", "tests", "with", "builds", "engine")
BUILDS = "release" # whose tests are asked here
# Whose last change makes a row old.
SOURCES = ("lib", "tests/unit", "tests/property", "tests/concurrency", "tests/misuse", "tests/malloc", "tests/mutants/quick.py")

BLIND = (r"(architecture|mutants|models|planted|install|slurm)[.]"
         r"|unit[.](job|trace|disk|measure|result|compare|show|report|history|shard|lesson|population|cli)[.]"
         r"|unit[.]bench[.](goals|suite_verdict)$|unit[.]malloc[.](exports|readme)$"
         r"|cli[.](job|complaints|compare|fit|history|report|schema|stress)[.]|cli[.](runner|readme[.]commands)$"
         r"|cli[.]run[.](language|outputs|streams|console|shards|slurm|evil|process_evil)$")

# Files that nothing but the malloc family has in it: not the engine, whose slabs are the heap's, too.
FAMILY = re.compile(r"lib/(malloc/|heap/(depot|common|front_thread|idle|look|sin))")
FAMILY_PARTS = (r"unit[.](heap|malloc)[.]|property[.]family$|concurrency[.]heap$",
                r"malloc[.]|misuse[.]malloc[.]|fuzz[.](family|conf)[.]",
                r"faults[.]|memcheck[.].*(heap|family|conf)|soak[.]|cli[.]readme$|unit[.]bench[.]")
ENGINE_PARTS = (r"unit[.]({rooms})[.]|concurrency[.]",
                r"unit[.](base|os|sync|memory|policy|cache|engine|heap|malloc)[.]|property[.]|misuse[.]|fuzz[.]|cli[.]explore$",
                r".")


def parts_for(*mutants):
    """Patterns of names, the likeliest first; what an earlier one names is not asked again."""
    touched = []
    for mutant in mutants:
        with open(mutant.path, encoding="utf-8") as file:
            touched += re.findall(r"^\+\+\+ b/(\S+)", file.read(), re.MULTILINE)
    if all(FAMILY.match(path) for path in touched):
        return FAMILY_PARTS
    rooms = "|".join(sorted({path.split("/")[1] for path in touched}))
    return tuple(part.replace("{rooms}", rooms) for part in ENGINE_PARTS)


def ctest(build, *words):
    done = subprocess.run(["ctest", "--test-dir", build, "-L", "quick", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def any_of(names):
    return "^(" + "|".join(re.escape(name) for name in names) + ")$"


def failures(build, names):
    """The tests that fail, until one did, and how: Failed, Timeout, SEGFAULT, .."""
    told = ctest(build, "-R", any_of(names), "-j", "2", "--timeout", "240", "--stop-on-failure")
    return dict(re.findall(r"^\s*\d+ - (\S+) \((\w+)", told, re.MULTILINE))


def confirmed(build, failed):
    """Those that fail again, each by itself."""
    again = {}
    for name in failed:
        again.update(failures(build, [name]))
    return again


def target(name):
    return "test-" + name.replace(".", "-")


def build_for(tree, names):
    """Builds what the tests need: their own programs, or else all there is."""
    build = tree.build("tests", ["mems-malloc"])
    known = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], stdout=subprocess.PIPE, text=True, check=True).stdout
    known = set(re.findall(r"^(\S+): ", known, re.MULTILINE))
    wanted = [target(name) for name in names]
    tree.build("tests", wanted if known.issuperset(wanted) else ["all"])


def asked(build, pattern):
    """Names of the quick tests of the pattern that are not blind."""
    names = re.findall(r"^\s*Test\s+#\d+: (\S+)$", ctest(build, "-N"), re.MULTILINE)
    return [name for name in names if re.match(pattern, name) and not re.match(BLIND, name)]


def seen_by(tree, patterns):
    """Those that see what is in the tree, and how; none: all were asked. And how many were."""
    build = tree.build("tests", ["mems-malloc"])
    done = set()
    for pattern in patterns:
        names = [name for name in asked(build, pattern) if name not in done]
        if not names:
            continue
        build_for(tree, names)
        while names:
            failed = failures(build, names)
            seen = confirmed(build, failed)
            if seen:
                return seen, len(done) + len(names)
            done.update(names if not failed else failed)
            names = [name for name in names if name not in done] # it was chance: the others still have to say
    if not done:
        raise Failed("no quick test is to be asked: that is no proof")
    return {}, len(done)


def run(mutants, options, say):
    table = Table(options.results, COLUMNS)
    table.keep(everyone())
    tree = Tree(options.work, options.jobs)
    commits = {mutant.name: engine_of([*SOURCES, os.path.relpath(mutant.path, ROOT)]) for mutant in mutants}
    if options.all:
        mutants = [mutant for mutant in mutants if not table.has(mutant.name, commits[mutant.name])]
    companies = [mutants] if options.together and mutants else [[mutant] for mutant in mutants]
    wrong = []
    for number, company in enumerate(companies, 1):
        tree.mutate(company, PARTS + TESTS)
        names, count = seen_by(tree, [options.tests] if options.tests else parts_for(*company))
        seen = "yes" if names else "no"
        how = "".join(f", {name}: {word}" for name, word in names.items())
        say(f"[{number}/{len(companies)}] {', '.join(mutant.name for mutant in company)}: said "
            f"{', '.join(sorted({mutant.values['quick'] for mutant in company}))}, seen {seen}, of {count} tests{how}")
        if names and len(company) > 1:
            say("one of these is seen, or several: ask smaller companies")
            wrong += [mutant.name for mutant in company if not mutant.seen_by_quick]
            continue
        for mutant in company:
            said, others = mutant.values["quick"], [other.name for other in company if other is not mutant]
            if (said, seen) == ("tsan", "no"):
                continue # this build's tests say nothing new: the row names whose do
            table.put(mutant.name, said, seen, " ".join(names), " ".join(others), BUILDS, commits[mutant.name])
            if (seen == "yes") != mutant.seen_by_quick:
                wrong.append(mutant.name)
    tree.restore(PARTS + TESTS)
    if wrong:
        say(f"what the header says of the quick tests is wrong{', or not shown' if options.together else ''}: {', '.join(wrong)}")
    return 1 if wrong else 0
