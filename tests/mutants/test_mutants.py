# SPDX-License-Identifier: MIT
#
# test_mutants.py - the command itself: headers, the table, and what counts as caught, with a driver that says what it is told to.

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
import warnings
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import borrow  # noqa: E402
import clean  # noqa: E402
import patches  # noqa: E402
import quick  # noqa: E402
from driver import Broken, Catch, Driver  # noqa: E402
from table import Table, gaps, is_done  # noqa: E402
from tree import Failed  # noqa: E402

HEADER = """class: 4
policy: dynamic
detector: overlap
budget: 5
command: mems-stress run job.ini
quick: no
about: a bug,
  told in two lines
"""
DIFF = "--- a/lib/x.c\n+++ b/lib/x.c\n@@ -1 +1 @@\n-a\n+b\n"


def cell(verdict, check=None, **evidence):
    if check:
        evidence["check"] = {"name": check, "text": "so it is"}
    return {"id": "s/t/0", "verdict": verdict, "message": "m", "evidence": evidence}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Headers(Case):
    def mutant(self, header=HEADER, diff=DIFF):
        return patches.Mutant(self.write("m.patch", header + "\n" + diff))

    def test_what_it_says(self):
        mutant = self.mutant()
        self.assertEqual((mutant.name, mutant.bug_class, mutant.budget, mutant.seen_by_quick), ("m", 4, 5, False))
        self.assertEqual(mutant.values["about"], "a bug, told in two lines")
        self.assertEqual((mutant.build, mutant.only, mutant.shows, mutant.checker), ("release", None, None, None))

    def test_the_same_without_a_check(self):
        mutant = self.mutant(HEADER.replace("overlap", "invariants").replace("quick: no", "quick: no\nonly: lists"))
        self.assertEqual(mutant.checker.by, "invariants")
        self.assertEqual(mutant.asked, "mems-stress run job.ini --set verify=4")
        self.assertEqual(mutant.without, ("mems-stress run job.ini --set verify=4 --set checks=all,-invariants", "release"))
        mutant = self.mutant(HEADER.replace("overlap", "ranks").replace("quick: no", "quick: no\nbuild: hostile\nonly: ranks"))
        self.assertEqual(mutant.without, (mutant.asked, "unranked"))
        mutant = self.mutant(HEADER.replace("quick: no", "quick: no\nshows: double hand-out"))
        self.assertEqual((mutant.checker.by, mutant.checker.alone), ("overlap", False))
        self.assertEqual(mutant.asked, mutant.command)

    def test_who_is_expected(self):
        mutant = self.mutant(HEADER.replace("overlap", "stamp, crash, explore"))
        for by, expected in (("stamp", True), ("crash SEGV", True), ("explore whole", True), ("whole", False)):
            self.assertEqual(mutant.expects(by), expected)

    def test_what_is_refused(self):
        for old, new, told in (("class: 4\n", "", "lacks 'class:'"), ("class: 4", "class: 46", "1 .. 45"),
                               ("class: 4", "class: four", "1 .. 45"), ("dynamic", "dynamik", "policy: 'dynamik'"),
                               ("budget: 5", "budget: 61", "1 to 60"), ("quick: no", "quick: maybe", "none of yes, tsan"),
                               ("quick: no", "quick: no\nonly: overlap\nshows: foreign pointer", "exclude each other"),
                               ("quick: no", "quick: no\nonly: luck", "'luck' is none of alignment, size"),
                               ("quick: no", "quick: no\nonly: size", "'overlap' lacks size"),
                               ("quick: no", "quick: no\nonly: null", "'null' is none of"),
                               ("quick: no", "quick: no\nshows: overlap", "'overlap' is none of null, double hand-out"),
                               ("run job.ini\n", "explore job.ini\nonly: overlap\n", "no mems-stress run"),
                               ("mems-stress run", "stress run", "does not call mems-stress"),
                               ("budget: 5", "budget: 5\nbudget: 6", "said twice"), ("about:", "abuot:", "no line of a header")):
            with self.assertRaisesRegex(patches.Refused, told):
                self.mutant(HEADER.replace(old, new))
        with self.assertRaisesRegex(patches.Refused, "no diff follows"):
            self.mutant(diff="")

    def test_what_must_hold_of_all(self):
        told = "\n".join(patches.complaints({str(i): self.mutant() for i in range(3)}))
        for part in "class 4 has 3 mutants", "caught by 'overlap' only", "no mutant is caught by 'double hand-out' (":
            self.assertIn(part, told)
        both = [self.mutant(HEADER.replace("class: 4", f"class: {number}")) for number in (11, 12, 12)]
        self.assertIn("class 11 has 3 mutants", "\n".join(patches.complaints(dict(enumerate(both)))))
        told = "\n".join(patches.too_few({str(i): self.mutant() for i in range(3)}))
        for part in "3 mutants, at least 40", "3 mutants that the release build's quick tests do not see, at least 20":
            self.assertIn(part, told)

    def test_what_the_driver_checks(self):
        names = {checker.by for checker in patches.CHECKERS.values()} - {"ranks", "crash ABRT"}
        for listed, told in ((names, ""), (names - {"size"}, "has a check 'size' that the driver has not"),
                             (names | {"luck"}, "a check 'luck' that CHECKERS in patches.py has not"),
                             ((), "nothing is listed")):
            program = self.write("list", "#!/bin/sh\necho 'Checks:'\n" + "".join(f"echo '  {name}  x'\n" for name in listed))
            os.chmod(program, 0o755)
            self.assertIn(told, "\n".join(patches.unknown_checks(program)))
            self.assertEqual(bool(told), bool(list(patches.unknown_checks(program))))

    def test_a_patch_that_does_not_apply(self):
        os.mkdir(os.path.join(self.folder, "lib"))
        self.write("lib/x.c", "c\n")
        with self.assertRaisesRegex(patches.Refused, "m: the patch does not apply"):
            patches.apply(self.mutant(), self.folder, check=True)


class Tables(Case):
    def test_rows_stay_and_are_replaced(self):
        path = os.path.join(self.folder, "deep", "t.csv")
        Table(path, ("mutant", "seed", "engine")).put("b", 1, "abc")
        Table(path, ("mutant", "seed", "engine")).put("a", 2, "abc")
        table = Table(path, ("mutant", "seed", "engine"))
        table.put("b", 3, "def+")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mutant,seed,engine\na,2,abc\nb,3,def+\n")
        self.assertEqual(os.listdir(os.path.dirname(path)), ["t.csv"])
        self.assertTrue(table.has("a", "abc"))
        self.assertFalse(table.has("a", "def"))
        self.assertFalse(table.has("b", "def+"), "what is not committed is done again")


class Results(Case):
    CAUGHT = "mutant,class,policy,caught_by,seconds,seed,proved,text,engine\n"
    QUICK = "mutant,said,seen,tests,with,engine\n"

    def mutants(self, *names, header=HEADER):
        path = self.write("m.patch", header + "\n" + DIFF)
        return {name: patches.Mutant(path) for name in names}

    def told(self, mutants, caught, seen):
        return "\n".join(gaps(mutants, self.write("mutants.csv", self.CAUGHT + caught),
                              self.write("mutants-quick.csv", self.QUICK + seen)))

    def test_those_that_are_committed(self):
        folder = os.path.join(patches.ROOT, "results")
        self.assertEqual(list(gaps(patches.everyone(), os.path.join(folder, "mutants.csv"),
                                   os.path.join(folder, "mutants-quick.csv"))), [])

    def test_whole(self):
        self.assertEqual(self.told(self.mutants("a"), "a,4,dynamic,overlap,1,1,-,so it is,abc\n", "a,no,no,,b c,abc\n"), "")

    def test_rows_that_lack_or_are_too_many(self):
        told = self.told(self.mutants("a"), "b,4,slab,stamp,1,1,-,,abc\n", "b,no,no,,,abc\n")
        for part in ("mutants.csv: no row for a", "mutants.csv: a row for b", "mutants-quick.csv: no row for a",
                     "mutants-quick.csv: a row for b"):
            self.assertIn(part, told)
        mutants = self.mutants("a")
        mutants["a"].values["quick"] = "yes"
        self.assertNotIn("mutants-quick.csv", self.told(mutants, "", ""))

    def test_rows_that_say_what_they_must_not(self):
        told = self.told(self.mutants("a", "b"), "a,4,slab,nobody,61,9,yes,,abc\nb,5,dynamic,stamp,1,1,-,,abc+\n",
                         "a,no,yes,unit.x,,abc\nb,yes,yes,unit.x,,abc\n")
        for part in ("a: caught by nobody", "'abc+' is no commit", "a: its row says policy slab, its header dynamic",
                     "b: its row says class 5, its header 4", "a: 61 s are more", "a: proved: yes",
                     "b: caught by stamp; expected: overlap", "a: its header says quick: no, the table no, and seen was yes",
                     "b: its header says quick: no, the table yes"):
            self.assertIn(part, told)

    def test_what_is_not_proved(self):
        header = HEADER.replace("overlap", "invariants").replace("quick: no", "quick: yes\nonly: sums")
        mutants = self.mutants("a", header=header)
        for row, told in (("1,1,yes,x: frames in use", ""), ("1,1,no,x: frames in use", "a: proved: no"),
                          ("1,1,-,x: frames in use", "a: proved: -"), ("1,1,yes,x: chain is broken", "a: 'x: chain is broken' is not what sums says")):
            self.assertEqual(self.told(mutants, f"a,4,dynamic,invariants,{row},abc\n", ""), told)

    def test_what_is_done_again(self):
        mutant = self.mutants("a", header=HEADER.replace("quick: no", "quick: no\nonly: overlap"))["a"]
        done = {"caught_by": "overlap", "seconds": "5.0", "proved": "yes"}
        self.assertTrue(is_done(mutant, done))
        for key, value in (("caught_by", "nobody"), ("caught_by", "stamp"), ("seconds", "5.1"), ("proved", "no"), ("proved", "")):
            self.assertFalse(is_done(mutant, {**done, key: value}), value)
        self.assertFalse(is_done(mutant, {"caught_by": "overlap", "seconds": "5.0"}), "a row of an older table")


class Quick(Case):
    def parts(self, *paths):
        diff = "".join(f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n" for path in paths)
        return quick.parts_for(patches.Mutant(self.write("m.patch", HEADER + "\n" + diff)))

    def test_who_can_see_it(self):
        self.assertEqual(self.parts("lib/malloc/malloc.c", "lib/heap/depot.c"), quick.FAMILY_PARTS)
        self.assertEqual(self.parts("lib/heap/ledger.c")[1:], quick.ENGINE_PARTS[1:]) # the slab policy's as well
        self.assertEqual(self.parts("lib/sync/lock.c", "lib/heap/depot.c")[0], "unit[.](heap|sync)[.]|concurrency[.]")

    def asks(self, names, fails):
        """What is said of tests of those names; `fails` gives what a run of some of them says."""
        runs = []

        class Tree:
            @staticmethod
            def build(kind, targets):
                return kind

        def failures(build, some):
            runs.append(list(some))
            return fails(len(runs), some)
        with mock.patch.multiple(quick, failures=failures, build_for=lambda tree, some: None,
                                 asked=lambda build, pattern: [name for name in names if name.startswith(pattern)]):
            return (*quick.seen_by(Tree, ("a", "b")), runs)

    def test_one_that_fails_twice_is_enough(self):
        seen, count, runs = self.asks(["a1", "a2", "b1"], lambda run, some: {"a2": "Failed"} if "a2" in some else {})
        self.assertEqual((seen, count, runs), ({"a2": "Failed"}, 2, [["a1", "a2"], ["a2"]]))

    def test_one_that_fails_once_is_chance(self):
        seen, count, runs = self.asks(["a1", "a2", "b1"], lambda run, some: {"a2": "Timeout"} if run == 1 else {})
        self.assertEqual((seen, count, runs), ({}, 3, [["a1", "a2"], ["a2"], ["a1"], ["b1"]]))

    def test_no_test_is_no_proof(self):
        with self.assertRaises(Failed):
            self.asks([], lambda run, some: {})

    def test_who_cannot(self):
        for name in "architecture.rules", "mutants.words", "models.small", "planted.apply", "cli.complaints.keys", "unit.job.job", "cli.readme.commands":
            self.assertRegex(name, "^(" + quick.BLIND + ")")
        for name in "cli.explore", "cli.run.smoke", "unit.memory.frame", "faults.sample", "malloc.preload.fork.load", "soak.sample":
            self.assertNotRegex(name, "^(" + quick.BLIND + ")")


class Runs(Case):
    """The command itself, with what is told to it in place of builds and drivers."""

    @staticmethod
    def module():
        loader = importlib.machinery.SourceFileLoader("mutants_run", os.path.join(HERE, "run"))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutants_run", loader))
        loader.exec_module(module)
        module.say = lambda text: None
        warnings.simplefilter("ignore", ResourceWarning) # the tree's lock, which is held until the program ends
        return module

    def run_with(self, error):
        """The exit status of a run whose only mutant ends like that."""
        module = self.module()
        name = next(iter(patches.everyone()))

        def catch(mutant, tree, options):
            if isinstance(error, Exception):
                raise error
            return ("stamp", "1.0", 1, "-", "so it is"), error
        module.catch = catch
        return module.main([name, "--work", os.path.join(self.folder, "work"), "--results", os.path.join(self.folder, "t.csv")])

    def test_statuses(self):
        self.assertEqual([self.run_with(end) for end in (True, False)], [0, 1])
        for error in patches.Refused("does not apply"), Failed("does not build"), Broken("cannot"):
            self.assertEqual(self.run_with(error), 2)

    def caught(self, header, catch, others=()):
        """What a catch with seed 2 is worth, where runs without the check end like the others."""
        module = self.module()
        mutant = patches.Mutant(self.write("m.patch", header + "\n" + DIFF))
        turns = []

        class Fake(Driver):
            def until_caught(self, command, seconds, wanted=None):
                return catch, 1.0, 1.0, 2

            def once(self, command, seed, seconds, extra=()):
                turns.append(seed)
                return others[min(len(turns), len(others)) - 1], seed
        module.Driver = Fake
        values, good = module.catch(mutant, mock.Mock(folder="", work="", build=lambda kind, targets: kind), mock.Mock(borrow=None, slack=1))
        return values[3], good, turns

    def test_what_a_catch_is_worth(self):
        seen, silent = Catch("overlap", "x/0: overlaps the live block"), Catch(cells=1)
        self.assertEqual(self.caught(HEADER, seen), ("-", True, []))
        self.assertEqual(self.caught(HEADER, Catch("stamp", "x/0")), ("-", False, []), "it was not expected")
        self.assertEqual(self.caught(HEADER, Catch()), ("-", False, []))
        only = HEADER.replace("quick: no", "quick: no\nonly: overlap")
        self.assertEqual(self.caught(only, seen, [silent]), ("yes", True, [1, 2, 3, 4, 5, 6]), "three times as many seeds")
        self.assertEqual(self.caught(only, seen, [silent] * 5 + [Catch("stamp", "")]), ("no", False, [1, 2, 3, 4, 5, 6]))
        self.assertEqual(self.caught(only, seen, [Catch(whole=False)]), ("no", False, [1]))
        self.assertEqual(self.caught(only, Catch("overlap", "is handed out twice")), ("no", False, []))


class Catches(Case):
    def driver(self, program):
        path = self.write("fake", "#!" + sys.executable + "\nimport json, sys, time\n"
                          "out = sys.argv[sys.argv.index('--json') + 1] if '--json' in sys.argv else None\n"
                          "seed = int(sys.argv[sys.argv.index('--seed') + 1])\n"
                          "def say(*cells): json.dump({'cells': cells}, open(out, 'w'))\n" + program)
        os.chmod(path, 0o755)
        return Driver(self.folder, self.folder, self.folder, path)

    def caught(self, program, command="mems-stress run job.ini", seconds=5):
        return self.driver(program).until_caught(command, seconds)

    def test_by_name(self):
        for verdict, by in ((cell("failed", "overlap"), "overlap"), (cell("crashed", signal="SEGV"), "crash SEGV"),
                            (cell("crashed"), "crash"), (cell("hung"), "hang")):
            catch, _, _, seed = self.caught(f"say({cell('pass')!r}, {verdict!r})\nsys.exit(2)\n")
            self.assertEqual((catch.by, seed, catch.cells), (by, 1, 2))

    def test_lock_order_is_told_from_a_crash(self):
        for line, by in (("mems: lock order: a 0 (rank 2) wanted while b 0 (rank 3) is held", "ranks"), ("oops", "crash ABRT")):
            aborted = {**cell("crashed", signal="ABRT"), "output": ["before", line]}
            catch = self.caught(f"say({aborted!r})\nsys.exit(3)\n")[0]
            self.assertEqual(catch.by, by)
            self.assertEqual("lock order: a 0" in catch.text, by == "ranks")
        aborted = {**cell("crashed", signal="ABRT"), "output": ["mems: corruption: block released twice"]}
        catch = self.caught(f"say({aborted!r})\nsys.exit(3)\n")[0]
        self.assertEqual((catch.by, catch.text), ("crash ABRT", "s/t/0: mems: corruption: block released twice"))

    def test_a_race_is_told_from_a_crash(self):
        raced = {**cell("crashed"), "output": ["=====", "WARNING: ThreadSanitizer: data race (pid=7)", "  Write of size 8"]}
        catch = self.caught(f"say({raced!r})\nsys.exit(3)\n")[0]
        self.assertEqual((catch.by, catch.text), ("tsan", "s/t/0: WARNING: ThreadSanitizer: data race"))
        early = "print('=====\\nWARNING: ThreadSanitizer: data race (pid=7)')\n"
        catch = self.caught(early + "sys.exit(66)\n")[0]
        self.assertEqual((catch.by, catch.text), ("tsan", "the driver itself: WARNING: ThreadSanitizer: data race"))
        for other in early + "sys.exit(1)\n", "sys.exit(66)\n":
            with self.assertRaises(Broken):
                self.caught(other)
        build = os.path.join(self.folder, "tsan")
        self.assertTrue(Driver(build, self.folder, self.folder).tsan)
        self.assertFalse(Driver(self.folder, self.folder, self.folder).tsan)

    def test_the_turn_of_a_seed(self):
        for command, seed, turn in (("mems-stress run x", 4, 4), ("mems-stress run x --seed 10", 12, 3)):
            self.assertEqual(Driver.turn(command, seed), turn)
            self.assertEqual(Driver("", "", "").words(command, turn)[2], seed)

    def test_seed_after_seed(self):
        program = f"say({cell('failed', 'stamp')!r} if seed == 12 else {cell('pass')!r})\n"
        self.assertEqual(self.caught(program, "mems-stress run job.ini --seed 10")[3], 12)

    def test_until_the_one_that_is_wanted(self):
        program = f"say({cell('failed', 'overlap')!r} if seed == 3 else {cell('crashed', signal='SEGV')!r})\n"
        catch, _, _, seed = self.driver(program).until_caught("mems-stress run job.ini", 20, lambda catch: catch.by == "overlap")
        self.assertEqual((catch.by, seed), ("overlap", 3))
        catch = self.driver(program).until_caught("mems-stress run job.ini", 1, lambda catch: catch.by == "stamp")[0]
        self.assertIn(catch.by, ("crash SEGV", "overlap")) # the last there was

    def test_who_catches(self):
        for name, by, text, right in (("double hand-out", "overlap", "x/0: 0x10 is handed out twice: ..", True),
                                      ("double hand-out", "overlap", "x/0: 0x10 .. 0x20 overlaps the live block of", False),
                                      ("foreign pointer", "crash ABRT", "x/0: mems: corruption: block released twice at once: 0x8", True),
                                      ("foreign pointer", "crash ABRT", "x/0: SIGABRT in phase run", False),
                                      ("foreign pointer", "crash ABRT", "x/0: mems-malloc: double free of 0x10, a block", True), ("size", "size", "", True)):
            self.assertEqual(patches.CHECKERS[name].catches(Catch(by, text)), right)

    def test_what_nobody_catches(self):
        catch, seconds, _, _ = self.caught(f"say({cell('pass')!r})\n", seconds=0.5)
        self.assertIsNone(catch.by)
        self.assertGreaterEqual(seconds, 0.5)

    def test_time_that_is_over(self):
        catch = self.caught("time.sleep(60)\n", seconds=0.3)[0]
        self.assertIsNone(catch.by)
        self.assertFalse(catch.whole)

    def test_what_was_skipped_says_nothing(self):
        for verdicts, cells, whole in ((("pass", "pass"), 2, True), (("pass", "skipped"), 1, False), ((), 0, False)):
            found = Driver.judge({"cells": [cell(verdict) for verdict in verdicts]})
            self.assertEqual((found.by, found.cells, found.whole), (None, cells, whole))

    def test_a_crash_of_the_driver(self):
        self.assertEqual(self.caught("import os, signal\nos.kill(os.getpid(), signal.SIGABRT)\n")[0].by, "crash ABRT")

    def test_a_command_without_a_result(self):
        catch = self.caught("print('deadlock at step 7')\nsys.exit(2)\n", "mems-stress explore job.ini --seed 3")[0]
        self.assertEqual((catch.by, catch.text), ("explore", "deadlock at step 7"))
        catch = self.caught("print('  seed 7, strategy random, schedule 1\\n  failed check, stamp: byte 1')\nsys.exit(2)\n",
                            "mems-stress explore job.ini --seed 3")[0]
        self.assertEqual(catch.by, "explore stamp")

    def test_what_is_no_catch(self):
        for program in ("sys.exit(1)\n", "sys.exit(6)\n", f"say({cell('failed', 'harness')!r})\n",
                        f"say({cell('not started')!r})\n"):
            with self.assertRaises(Broken):
                self.caught(program)

    def test_environment_and_names(self):
        words, environment, _ = self.driver("").words("env A=b mems-stress run x --target preload:{malloc}", 2)
        self.assertEqual(environment, {"A": "b"})
        self.assertEqual(words[3:], ["--target", "preload:" + os.path.join(self.folder, "lib", "libmems-malloc.so"), "--seed", "2"])


class Borrowed(Case):
    COMMANDS = ["cc -o lib/a.o -c /src/lib/a.c", "cc -o lib/b.o -c /src/lib/b.c", "cd /build && cmake -o x",
                ": && cmake -E rm -f lib/m.a && ar qc lib/m.a lib/a.o lib/b.o && ranlib lib/m.a && :", ": && cc -o stress/p lib/m.a && :"]

    def test_only_what_is_touched_is_compiled(self):
        run = list(borrow.chosen(self.COMMANDS, ["lib/b.c"], "/src", "/tree"))
        self.assertEqual(run, ["cc -o lib/b.o -c /tree/lib/b.c", *self.COMMANDS[3:]])
        self.assertEqual([borrow.outputs(command) for command in run], [[("lib/b.o", "")], [("", "lib/m.a")], [("stress/p", "")]])

    def test_headers_are_refused(self):
        mutant = patches.Mutant(self.write("m.patch", HEADER + "\n" + DIFF))
        self.assertEqual(borrow.touched(mutant), ["lib/x.c"])
        mutant = patches.Mutant(self.write("m.patch", HEADER + "\n" + DIFF.replace("x.c", "x.h")))
        with self.assertRaisesRegex(Failed, "m touches lib/x.h"):
            borrow.touched(mutant)

    def test_the_build_stays_as_it_is(self):
        os.makedirs(os.path.join(self.folder, "build", "lib"))
        os.makedirs(os.path.join(self.folder, "build", "stress"))
        self.write("build/lib/m.a", "old")
        ours = os.path.join(self.folder, "ours")
        for _ in range(2):
            borrow.share(os.path.join(self.folder, "build"), ours)
            self.assertEqual(os.listdir(os.path.join(ours, "lib")), ["m.a"])


class Clean(Case):
    def test_commands(self):
        class One:
            build = "hostile"
            command = "mems-stress run a.ini --target preload:{malloc}"

        class Other:
            build = "release"
            command = "mems-stress explore a.ini"
        self.assertEqual(clean.commands_for([One, One, Other], "libc"), ([("release", "mems-stress run a.ini --target libc")], 1))
        commands, alone = clean.commands_for([One, One, Other], "engine")
        self.assertEqual((len(commands), alone), (2, 0))

    def test_what_others_are_asked(self):
        for plan, reason in (("workload = churn\nkept_limit = 1\n", None), ("workload = churn\nkept_limit = 0.9\n", clean.GIVEN_BACK),
                             ("workload = fork-child\nkept_limit = 1\n", clean.PROCESS),
                             ("workload = extreme-sizes\npart = align\n", None),
                             ("workload = extreme-sizes\npart = align\n\nworkload = extreme-sizes\npart = refuse\n", clean.PROCESS)):
            self.assertEqual(clean.reason_of(plan), reason, plan)

    def test_what_was_left_out_is_told(self):
        self.assertEqual(clean.told({clean.PROCESS: 2, clean.GIVEN_BACK: 0, clean.ENGINE_ALONE: 1}), "2 about the process, 1 the engine's alone")


class Usage(Case):
    def complaint(self, *arguments):
        done = subprocess.run([sys.executable, os.path.join(HERE, "run"), *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        return done.stderr

    def test_complaints(self):
        self.assertIn("one of: NAME", self.complaint())
        self.assertIn("one of: NAME", self.complaint("--all", "--list"))
        self.assertIn("no mutant 'nothing'", self.complaint("nothing"))
        self.assertIn("no number of minutes", self.complaint("--clean", "long", "libc"))
        self.assertIn("at least 1", self.complaint("--all", "--slack", "0"))


if __name__ == "__main__":
    unittest.main()
