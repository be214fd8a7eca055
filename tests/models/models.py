#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# models.py - checks the model of the mover's protocol (mover.pml) by Spin, and that it is a model of our code.
#
#   models.py rules          each rule's line of code is there, each label is a rule's, and this check can fail
#   models.py small | full   the states of each configuration, all of them: no error
#   models.py without [NAME] the model without a rule: Spin finds an error, whose way is printed in words
#
# A search counts only if it was exhaustive: no bitstate, no end by depth, memory or time. A model without a rule is
# searched breadth first, so its way is a shortest one.

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MEMORY_MB = 3000

SMALL = {
    "two accessors": "BLOCKS=1 PLACES=2",
    "a batch of two": "BLOCKS=2 PLACES=3 ACCESSORS=1 BATCHES=1 SECTIONS=2",
    "swap": "SWAP=1 BLOCKS=1 PLACES=2 ACCESSORS=1 SECTIONS=2",
    "release and reuse": "RELEASES=1 BLOCKS=1 PLACES=2 ACCESSORS=1",
    "two movers, a lock": "MOVERS=2 BLOCKS=1 PLACES=2 BATCHES=1",
    "two movers, tags": "MOVERS=2 TAGS=1 BLOCKS=1 PLACES=3 BATCHES=1 ACCESSORS=1 SECTIONS=2",
}
FULL = {
    "three batches, two sections each": "BLOCKS=1 PLACES=2 SECTIONS=2 BATCHES=3",
    "batches of two, two touches a section": "BLOCKS=2 PLACES=3 TOUCHES=2",
    "three accessors": "BLOCKS=1 PLACES=2 ACCESSORS=3",
    "two movers, a lock, batches of two": "MOVERS=2 BLOCKS=2 PLACES=3 BATCHES=1",
    "two movers, tags": "MOVERS=2 TAGS=1 BLOCKS=1 PLACES=3 BATCHES=1 SECTIONS=2",
    "swap, two sections each": "SWAP=1 BLOCKS=1 PLACES=2 SECTIONS=2",
    "swap, batches of two": "SWAP=1 BLOCKS=2 PLACES=3",
    "release and reuse, regions unmapped": "RELEASES=2 TRIMS=1 BLOCKS=1 PLACES=3 ACCESSORS=1",
    "release and reuse, beside a block in use": "RELEASES=1 BLOCKS=2 PLACES=3 BATCHES=1",
    "release and swap": "SWAP=1 RELEASES=1 BLOCKS=1 PLACES=2",
    "two releases and swap": "SWAP=1 RELEASES=2 BLOCKS=1 PLACES=2 ACCESSORS=1",
}
# What the model is without a rule, where the error shows.
WITHOUT = {
    "NO_GRACE": "BLOCKS=1 PLACES=2",
    "JOIN_GRACE": "BLOCKS=1 PLACES=2",
    "STORE_PUBLISH": "BLOCKS=1 PLACES=2",
    "NO_CANCEL": "BLOCKS=1 PLACES=2",
    "STORE_CANCEL": "BLOCKS=1 PLACES=2",
    "NO_TAG": "MOVERS=2 BLOCKS=1 PLACES=3 BATCHES=1",
    "REUSE_EARLY": "BLOCKS=1 PLACES=2",
    "MARK_CACHED": "RELEASES=1 BLOCKS=1 PLACES=2 ACCESSORS=1",
    "STORE_RELEASE": "RELEASES=1 BLOCKS=1 PLACES=2 ACCESSORS=1",
    "KEEP_GENERATION": "RELEASES=1 BLOCKS=1 PLACES=2 ACCESSORS=1",
    "STORE_BEGIN": "SWAP=1 RELEASES=1 BLOCKS=1 PLACES=2 ACCESSORS=1",
    "FAULT_INSIDE": "SWAP=1 BLOCKS=1 PLACES=2",
    "FAULT_UNLOCKED": "SWAP=1 BLOCKS=1 PLACES=3",
    "FAULT_EARLY": "SWAP=1 BLOCKS=1 PLACES=2",
    "DIRTY_EARLY": "SWAP=1 BLOCKS=1 PLACES=2 ACCESSORS=1 SECTIONS=3",
    "TRIM_EARLY": "RELEASES=1 TRIMS=1 BLOCKS=1 PLACES=3 ACCESSORS=1",
    "TRIM_PINNED": "RELEASES=1 TRIMS=1 BLOCKS=1 PLACES=3 ACCESSORS=1 BATCHES=1",
}

LABEL = r"\[model:([^\]\n]+)\]"


def fail(text):
    sys.exit(f"models.py: {text}")


# ---- Spin ------------------------------------------------------------------------------------------------------------


def run(command, folder):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def search(flags, folder, breadth=False, optimise="-O0"):
    """Every state of the model; what pan says, and the CPU seconds it took."""
    for name in os.listdir(HERE):
        if name.endswith(".pml"):
            shutil.copy(os.path.join(HERE, name), folder)
    status, text = run(["spin", *flags, "-a", "mover.pml"], folder)
    if status != 0:
        fail(f"spin {' '.join(flags)}:\n{text}")
    how = ["-DBFS"] if breadth else []
    status, text = run(["gcc", optimise, "-w", "-DSAFETY", f"-DMEMLIM={MEMORY_MB}", *how, "-o", "pan", "pan.c"], folder)
    if status != 0:
        fail(f"gcc of what spin made:\n{text}")
    before = os.times()
    _, text = run(["./pan", "-m200000", "-w20"], folder)
    after = os.times()
    return text, after.children_user - before.children_user


def figure(pattern, text):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else fail(f"no {pattern!r} in what the search said:\n{text}")


def is_exhaustive(text):
    """Whether every state was visited, by Spin's own account."""
    said = re.search(r"^Full statespace search for:", text, re.M) is not None
    cut = re.search(r"Search not completed|max search depth too small|truncated|out of memory|Bit statespace|hash conflict.*lost",
                    text, re.I)
    return said and cut is None


def flags_of(sizes):
    return [f"-D{size}" for size in sizes.split()]


def check_sound(name, sizes, optimise):
    with tempfile.TemporaryDirectory() as folder:
        text, seconds = search(flags_of(sizes), folder, optimise=optimise)
        if figure(r"errors: (\d+)", text) != 0:
            fail(f"{name} ({sizes}): an error\n" + trail(flags_of(sizes), folder))
        if not is_exhaustive(text):
            fail(f"{name} ({sizes}): the search did not see every state\n{text}")
        print(f"{name} ({sizes}): no error in {figure(r'([0-9.e+]+) states, stored', text):,.0f} states, "
              f"{seconds:.1f} s, {figure(r'([0-9.]+).total actual memory usage', text):.0f} MB", flush=True)


def trail(flags, folder):
    _, text = run(["spin", *flags, "-t", "-T", "mover.pml"], folder)
    return text.split("#processes")[0]


def check_without(name):
    flags = flags_of(WITHOUT[name]) + [f"-D{name}"]
    with tempfile.TemporaryDirectory() as folder:
        text, seconds = search(flags, folder, breadth=True)
        if figure(r"errors: (\d+)", text) == 0:
            fail(f"{name} ({WITHOUT[name]}): no error found; the rule is not needed, or the model cannot tell")
        what = re.search(r"^pan:\d+: (.*)$", text, re.M).group(1)
        steps = trail(flags, folder)
        if "accessor" not in steps and "mover" not in steps and "owner" not in steps:
            fail(f"{name}: no words for the way to the error\n{steps}")
        print(f"{name} ({WITHOUT[name]}): {what}, {seconds:.1f} s\n{steps}", flush=True)


# ---- rules -----------------------------------------------------------------------------------------------------------


def rules_of(essay):
    """label -> (codes [(file, text, how many lines)], names of the models without it)"""
    rules, label = {}, None
    for line in essay.split("\n"):
        if found := re.match(r"//    " + LABEL, line):
            label = found.group(1)
            rules[label] = ([], [])
        elif label and (found := re.match(r"//        (lib/\S+): (.+?)(?: x(\d+))?$", line)):
            file, code, lines = found.groups()
            rules[label][0].append((file, code, int(lines or 1)))
        elif label and (found := re.match(r"//        without: (.+)$", line)):
            rules[label][1].extend(found.group(1).split())
        elif label and not line.startswith("//    "):
            break
    return rules


def kept(text, label, code):
    """How many lines with the label have the code, or the line after them."""
    lines = text.split("\n") + [""]
    return sum(f"[model:{label}]" in line and (code in line or code in lines[i + 1]) for i, line in enumerate(lines))


def without_each(text, gone):
    """The text without `gone`, in one place after the other."""
    pieces = text.split(gone)
    return [gone.join(pieces[:i]) + gone.join(pieces[i:]) for i in range(1, len(pieces))]


def complaints(essay, model, sources, tried):
    """What is wrong. `model`: the model without the essay; sources: file -> text; tried: WITHOUT's names."""
    rules, wrong = rules_of(essay), []
    for label, (codes, without) in rules.items():
        if not codes:
            wrong.append(f"[model:{label}] names no code")
        for file, code, lines in codes:
            if (there := kept(sources.get(file, ""), label, code)) != lines:
                wrong.append(f"[model:{label}]: {file} has {there} such lines, not {lines}: {code}")
        if f"[model:{label}]" not in model:
            wrong.append(f"[model:{label}] is nowhere in the model")
        wrong += [f"[model:{label}]: no model without it is tried: {name}" for name in without if name not in tried]
    named = {name for _, without in rules.values() for name in without}
    wrong += [f"{name} is tried, and is no rule's" for name in tried if name not in named]
    wrong += [f"{name}: the model does not know it" for name in named if f"({name})" not in model]
    for file, text in sources.items():
        for label in re.findall(LABEL, text):
            if label not in rules:
                wrong.append(f"{file}: [model:{label}] is no rule of the model")
            elif file not in (f for f, _, _ in rules[label][0]):
                wrong.append(f"{file}: [model:{label}]: the rule does not name this file")
    return wrong


def check_rules():
    with open(os.path.join(HERE, "mover.pml"), encoding="utf-8") as file:
        essay = file.read()
    model, sources = "", {}
    for name in sorted(os.listdir(HERE)):
        if name.endswith(".pml") and name != "mover.pml":
            with open(os.path.join(HERE, name), encoding="utf-8") as file:
                model += file.read()
    for folder, _, names in os.walk(os.path.join(TOP, "lib")):
        for name in names:
            if name.endswith((".c", ".h")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    sources[os.path.relpath(path, TOP)] = file.read()
    if wrong := complaints(essay, model, sources, WITHOUT):
        fail("\n" + "\n".join(wrong))
    planted = 0
    for label, (codes, _) in rules_of(essay).items():
        for file, code, _ in codes:  # each line gone, and each label gone, must be seen
            marked = [text for gone in (f"[model:{label}]", code) for text in without_each(sources[file], gone)
                      if gone != code or kept(text, label, code) != kept(sources[file], label, code)]
            planted += len(marked)
            for text in marked:
                if not complaints(essay, model, dict(sources, **{file: text}), WITHOUT):
                    fail(f"nobody misses a line or label of [model:{label}] in {file}: {code}")
    if not complaints(essay, model, dict(sources, **{"lib/x.c": "[model:none]"}), WITHOUT):
        fail("nobody minds a label without a rule")
    if not complaints(essay, model, sources, {**WITHOUT, "NOBODY": ""}):
        fail("nobody minds a name without a rule")
    print(f"{len(rules_of(essay))} rules are kept; {planted + 2} plants were found")


def main(words):
    began = time.monotonic()
    if words == ["rules"]:
        check_rules()
    elif words in (["small"], ["full"]):
        small = words == ["small"]
        for name, sizes in (SMALL if small else FULL).items():
            check_sound(name, sizes, "-O0" if small else "-O2")
    elif words[:1] == ["without"] and all(name in WITHOUT for name in words[1:]):
        for name in words[1:] or WITHOUT:
            check_without(name)
    else:
        fail(f"usage: models.py rules | small | full | without [{' | '.join(WITHOUT)}]..")
    print(f"{time.monotonic() - began:.1f} s")


main(sys.argv[1:])
