# SPDX-License-Identifier: MIT
#
# clean.py - the mutants' commands on what has no mutant: whatever is told is a false alarm.
#
# `engine` is the engine and the drop-in malloc as the commands name them. Any other target takes the place of theirs, and
# then sections whose workload questions the process are left out: released allocators have bugs there.

import re
import shlex
import time

from driver import PROCESS_WORKLOADS, Broken, Driver
from table import Table, engine_of
from tree import Tree

COLUMNS = ("target", "minutes", "rounds", "cells", "alarms", "first_alarm", "engine")
ENGINE = "engine"


def commands_for(mutants, target):
    """Each different command once; None instead of one that says nothing of the target."""
    seen = []
    for mutant in mutants:
        words = shlex.split(mutant.command)
        if target != ENGINE:
            if "run" not in words:
                continue # explore is the engine's alone
            words = with_target(words, target)
        command = (mutant.build if target == ENGINE else "release", shlex.join(words))
        if command not in seen:
            seen.append(command)
    return seen


def with_target(words, target):
    """The same command on another target."""
    kept = list(words)
    while "--target" in kept:
        place = kept.index("--target")
        del kept[place:place + 2]
    return kept + ["--target", target]


def questions_the_process(driver, command):
    """Whether the command's sections are about the process, or about memory that not every malloc gives back."""
    words, environment, _ = driver.words(command, 1)
    words[1] = "plan"
    if "--filter" in words: # of cells: a plan has all of the sections
        place = words.index("--filter")
        del words[place:place + 2]
    status, text = driver.call(words, environment, 30)
    if status != 0:
        raise Broken(f"{shlex.join(words)}: {text.strip()}")
    return is_beyond_blocks(text)


def is_beyond_blocks(plan):
    return any(f"workload = {name}\n" in plan for name in PROCESS_WORKLOADS) or \
        any(float(limit) < 1 for limit in re.findall(r"^kept_limit = (\S+)$", plan, re.MULTILINE))


def run(mutants, minutes, target, options, say):
    tree = Tree(options.work, options.jobs)
    tree.mutate(None)
    commands = commands_for(mutants, target)
    drivers = {build: Driver(tree.build(build, ("mems-stress", "mems-malloc")), tree.folder, tree.work)
               for build in sorted({build for build, _ in commands})}
    if target != ENGINE:
        commands = [(build, command) for build, command in commands if not questions_the_process(drivers[build], command)]
    if not commands:
        raise Broken(f"{target}: none of the mutants' commands can be asked of it")
    begin, rounds, cells, alarms = time.monotonic(), 0, 0, []
    while commands and time.monotonic() - begin < 60 * minutes:
        rounds += 1
        for build, command in list(commands):
            if time.monotonic() - begin >= 60 * minutes:
                break
            try:
                found, seed = drivers[build].once(command, rounds, 60 * minutes)
            except Broken as error:
                if rounds == 1 and target != ENGINE:
                    say(f"left out: {error}") # a job that only the engine can do
                    commands.remove((build, command))
                    continue
                raise
            cells += found.cells
            if found.by is not None:
                alarms.append(found)
                say(f"ALARM by {found.by} with seed {seed}: {found.text}\n  {command}")
    spent = (time.monotonic() - begin) / 60
    if cells == 0:
        raise Broken(f"{target}: no cell ran: that is no proof")
    say(f"{target}: {spent:.1f} minutes, {rounds} rounds of {len(commands)} commands, {cells} cells, {len(alarms)} alarms")
    Table(options.results, COLUMNS).put(target, f"{spent:.1f}", rounds, cells, len(alarms),
                                        alarms[0].text if alarms else "", engine_of(["lib", "stress", "tests/mutants"]))
    return 1 if alarms else 0
