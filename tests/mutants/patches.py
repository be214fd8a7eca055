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
LEAST_UNSEEN = 20    # of them unseen by the quick tests
A_CLASS_MOST = 2     # of one class
CLASSES = range(1, 46)
DROP_IN = "drop-in"
POLICIES = ("fixed", "dynamic", "paging", "segmentation", "vm-paging", "vm-segmentation", "slab", "all", DROP_IN)
BUILDS = ("release", "hostile")
RANKS = "ranks"

# Each checker of the driver (stress/check/check.h, stress/run/cell.c; `ranks` is lib/sync/lock.c's, of the hostile
# build) has a mutant that only it catches: a patch whose header says `only: CHECKER`.
CHECKERS = {
    "null": "level 1: a block without memory",
    "alignment": "level 1: a block at no multiple of what was asked for",
    "size": "level 1: a block smaller than the request",
    "calloc": "level 1: bytes that calloc left as they were",
    "resize": "level 1: bytes that a resize lost",
    "edges": "level 2: the first and last bytes of a block",
    "whole": "level 3: every byte of a block",
    "overlap": "level 4: the map of live blocks",
    "invariants": "the engine's own invariants",
    "conservation": "blocks that were freed and still live",
    RANKS: "the order of locks",
}

# Keys of a header: whether it must be there, and what is right.
KEYS = {
    "class": True, "policy": True, "detector": True, "budget": True, "command": True, "quick": True, "about": True,
    "build": False, "only": False, "without": False,
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
        if self.values["quick"] not in ("yes", "no"):
            self.refuse(f"quick: '{self.values['quick']}' is neither yes nor no")
        if self.build not in BUILDS:
            self.refuse(f"build: '{self.build}' is none of {', '.join(BUILDS)}")
        if self.only is not None and self.only not in CHECKERS:
            self.refuse(f"only: '{self.only}' is none of {', '.join(CHECKERS)}")
        if (self.only is None) != (self.without is None):
            self.refuse("'only:' and 'without:' (the same work without that check) go together")
        for command in filter(None, (self.command, self.without)):
            if "mems-stress" not in shlex.split(command):
                self.refuse(f"'{command}' does not call mems-stress")

    @property
    def bug_class(self):
        return int(self.values["class"])

    @property
    def budget(self):
        return int(self.values["budget"])

    @property
    def seen_by_quick(self):
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
        yield f"{unseen} mutants that the quick tests do not see, at least {LEAST_UNSEEN} are wanted"


def complaints(mutants):
    """What does not hold of all of them together."""
    classes = collections.Counter(mutant.bug_class for mutant in mutants.values())
    alone = {mutant.only for mutant in mutants.values()}
    for number, count in sorted(classes.items()):
        if count > A_CLASS_MOST:
            yield f"class {number} has {count} mutants, at most {A_CLASS_MOST} are allowed"
    for checker, what in CHECKERS.items():
        if checker not in alone:
            yield f"no mutant is caught by '{checker}' only ({what})"
