# SPDX-License-Identifier: MIT
#
# patches.py - the mutants: what stands in a patch's header, and what must hold of all of them.

import collections
import os
import re
import shlex
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

LEAST = 40           # mutants
LEAST_UNSEEN = 20    # of them unseen by the quick tests of the release build
A_CLASS_MOST = 2     # of one class
CLASSES = range(1, 46)
ONE_CLASS = {7: 6, 12: 11} # two numbers of the table for one class: "6, 7" and "11, 12" (15 to 17 and 27, 28 are different ones)
DROP_IN = "drop-in"
POLICIES = ("fixed", "dynamic", "paging", "segmentation", "vm-paging", "vm-segmentation", "slab", "all", DROP_IN)
BUILDS = ("release", "hostile", "tsan")
EVERY_CHECK = "--set verify=4" # how a proof of `only:` runs: with all checks, and then with all but that one
SILENT_RUNS = 3 # of the counter-run, for each that the catch took
RANKS = "ranks"
UNRANKED = "unranked" # the hostile build, which does not look at the order of locks


class Checker:
    """What it looks for; `by`: what the driver calls a failure of it, and `says` what the failure's sentence then has in it;
    `why`: why there is no bug that it alone can see, and `shown`: whether a mutant shows it all the same."""

    def __init__(self, what, by, says="", why=None, shown=True):
        self.what, self.by, self.says, self.why, self.shown = what, by, says, why, shown

    def catches(self, catch):
        """Whether it is this one that caught it."""
        return catch.by == self.by and re.search(self.says, catch.text) is not None

    @property
    def alone(self):
        return self.why is None


# Every checker has a mutant that it alone catches (`only: CHECKER`): each check of the driver (mems-stress list checks),
# and the parts of those that ask several questions. Where there can be none, the row says why, and a mutant shows that
# it catches (`shows: CHECKER`).
CHECKERS = {
    "null": Checker("level 1: a block without memory", "null",
                    why="alone with verify = 1, where nobody touches a block's bytes; with every check the stamps do, and cannot "
                        "reach them (access)"),
    "alignment": Checker("level 1: a block at no multiple of what was asked for", "alignment"),
    "size": Checker("level 1: a block smaller than the request", "size"),
    "calloc": Checker("level 1: bytes that calloc left as they were", "calloc"),
    "resize": Checker("level 1: the ends of what a resize lost", "resize"),
    "stamp": Checker("level 2: the first and last bytes of a block", "stamp"),
    "whole": Checker("level 3: every byte between them", "whole"),
    "usable": Checker("level 3: bytes beyond the request", "usable"),
    "overlap": Checker("level 4: the map of live blocks", "overlap", r"overlaps the live block"),
    "double hand-out": Checker("level 4: one block given to two threads at once", "overlap", r"is handed out twice",
                               why="two owners of the same bytes write over each other's stamps, which sees it later"),
    "foreign pointer": Checker("level 4: a free of what is no block, or none any more", "crash ABRT", r"corruption: .*released|mems-malloc: .*(free|realloc) of",
                               why="the engine itself looks at what comes back, and aborts whatever the driver checks"),
    # The three are one check of the driver, mems_check, which is switched off as a whole: each has a mutant of its own, and
    # the text of the complaint tells which of them it was (the row holds it).
    "lists": Checker("level 5: lists acyclic, and each thing in its own", "invariants", r"chain of arena|chain is broken"),
    "sums": Checker("level 5: holes + live + metadata = memory", "invariants", r"held bytes|frames disagree|frames in use"),
    "counters": Checker("level 5: counters balance", "invariants", r"slabs: 0x"),
    "conservation": Checker("level 5: what was freed is not live", "conservation"),
    RANKS: Checker("level 5: the order of locks (of the hostile build: lib/sync/lock.c)", RANKS, r"lock order: "),
}

# Keys of a header: whether it must be there, and what is right.
KEYS = {
    "class": True, "policy": True, "detector": True, "budget": True, "command": True, "quick": True, "about": True,
    "build": False, "only": False, "shows": False,
}
LINE = re.compile(r"([a-z]+): *(.*\S)\s*$")


class Refused(Exception):
    """A patch is not what it must be: its name, and why."""


class Mutant:
    """One patch: its name, and its header's values."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".patch")]
        self.values = {}
        with open(path, encoding="utf-8") as file:
            self.read(file)
        self.judge()

    def refuse(self, why):
        raise Refused(f"{self.name}: {why}")

    def read(self, file):
        key = None
        for line in file:
            if line.startswith(("--- ", "diff ")):
                return
            found = LINE.match(line)
            if line.startswith(" ") and key:
                self.values[key] += " " + line.strip()
            elif found and found[1] in KEYS:
                key = found[1]
                if key in self.values:
                    self.refuse(f"'{key}' is said twice")
                self.values[key] = found[2]
            elif line.strip():
                self.refuse(f"'{line.strip()}' is no line of a header; there are {', '.join(KEYS)}")
        self.refuse("no diff follows the header")

    def judge(self):
        for key, needed in KEYS.items():
            if needed and key not in self.values:
                self.refuse(f"the header lacks '{key}:'")
        if not self.values["class"].isdigit() or self.bug_class not in CLASSES:
            self.refuse(f"class: {self.values['class']} is none of {CLASSES[0]} .. {CLASSES[-1]}")
        if self.policy not in POLICIES:
            self.refuse(f"policy: '{self.policy}' is none of {', '.join(POLICIES)}")
        if not self.values["budget"].isdigit() or not 1 <= self.budget <= 60:
            self.refuse(f"budget: {self.values['budget']} is no number of seconds from 1 to 60")
        if self.values["quick"] not in ("yes", "tsan", "no"):
            self.refuse(f"quick: '{self.values['quick']}' is none of yes, tsan (by ThreadSanitizer's build alone), no")
        if self.build not in BUILDS:
            self.refuse(f"build: '{self.build}' is none of {', '.join(BUILDS)}")
        for key, alone in (("only", True), ("shows", False)):
            name, known = self.values.get(key), [name for name, checker in CHECKERS.items() if checker.alone == alone]
            if name is not None and name not in known:
                self.refuse(f"{key}: '{name}' is none of {', '.join(known)}")
        if self.only is not None and self.shows is not None:
            self.refuse("'only:' and 'shows:' exclude each other")
        if self.checker is not None and not self.expects(self.checker.by):
            self.refuse(f"detector: '{self.detector}' lacks {self.checker.by}, which is what {self.only or self.shows} is called")
        words = shlex.split(self.command)
        if "mems-stress" not in words:
            self.refuse(f"'{self.command}' does not call mems-stress")
        if self.checker is not None and words[words.index("mems-stress") + 1] != "run":
            self.refuse(f"only: '{self.command}' is no mems-stress run, whose checks have names")

    @property
    def checker(self):
        """The row of CHECKERS that it is for, or None."""
        return CHECKERS.get(self.only or self.shows)

    @property
    def asked(self):
        """The command that is run: where one check alone is to see it, with all of them."""
        return f"{self.command} {EVERY_CHECK}" if self.only else self.command

    @property
    def without(self):
        """The same without the check that it is for, and the build to run it with."""
        if self.only == RANKS:
            return self.asked, UNRANKED
        return f"{self.asked} --set checks=all,-{self.checker.by}", self.build

    def expects(self, by):
        """Whether a check of that name was to see it."""
        return by.split()[0] in [word.split()[0] for word in self.detectors]

    @property
    def bug_class(self):
        return int(self.values["class"])

    @property
    def budget(self):
        return int(self.values["budget"])

    @property
    def seen_by_quick(self):
        """By the release build's."""
        return self.values["quick"] == "yes"

    @property
    def detectors(self):
        return [word.strip() for word in self.values["detector"].split(",")]

    @property
    def build(self):
        return self.values.get("build", "release")

    def __getattr__(self, name):
        if name in KEYS:
            return self.values.get(name)
        raise AttributeError(name)


def git(arguments, folder, **options):
    """Runs git there; an enclosing repository is not its business."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": os.path.dirname(folder)}
    return subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False,
                          **options)


def apply(mutant, folder, check=False):
    """Applies a patch to the tree in that folder; refused where it does not fit any more."""
    done = git(["apply", *(["--check"] if check else []), "--whitespace=nowarn", mutant.path], folder)
    if done.returncode != 0:
        raise Refused(f"{mutant.name}: the patch does not apply: {done.stderr.strip()}")


def everyone(folder=HERE):
    """Every mutant by name."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".patch"))
    return {name[:-len(".patch")]: Mutant(os.path.join(folder, name)) for name in names}


def too_few(mutants):
    """How many there must be."""
    unseen = sum(not mutant.seen_by_quick for mutant in mutants.values())
    if len(mutants) < LEAST:
        yield f"{len(mutants)} mutants, at least {LEAST} are wanted"
    if unseen < LEAST_UNSEEN:
        yield f"{unseen} mutants that the release build's quick tests do not see, at least {LEAST_UNSEEN} are wanted"


def complaints(mutants):
    """What does not hold of all of them together."""
    classes = collections.Counter(ONE_CLASS.get(mutant.bug_class, mutant.bug_class) for mutant in mutants.values())
    proven = {mutant.only or mutant.shows for mutant in mutants.values()}
    for number, count in sorted(classes.items()):
        if count > A_CLASS_MOST:
            yield f"class {number} has {count} mutants, at most {A_CLASS_MOST} are allowed"
    for name, checker in CHECKERS.items():
        if checker.shown and name not in proven:
            yield f"no mutant is caught by '{name}'{' only' if checker.alone else ''} ({checker.what})"


def unknown_checks(program):
    """Checks that the driver has and CHECKERS has not, and the other way round."""
    done = subprocess.run([program, "list", "checks"], capture_output=True, text=True, check=False)
    has = set(re.findall(r"^  (\S+) ", done.stdout, re.MULTILINE))
    if done.returncode != 0 or not has:
        yield f"{program} list checks: {done.stderr.strip() or 'nothing is listed'}"
        return
    known = {checker.by for checker in CHECKERS.values()} - {RANKS, "crash ABRT"} # these cannot be switched off
    for name in sorted(has - known):
        yield f"the driver has a check '{name}' that CHECKERS in patches.py has not: which mutant does only it catch?"
    for name in sorted(known - has):
        yield f"CHECKERS in patches.py has a check '{name}' that the driver has not"
