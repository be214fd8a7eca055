# SPDX-License-Identifier: MIT
#
# clean.py - the mutants' commands on what has no mutant: whatever is told is a false alarm.
#
# `engine` is the engine and the drop-in malloc as the commands name them. Any other target takes the place of theirs, and
# then commands are left out whose sections question the process, where released allocators have bugs, or that say nothing
# of the target; the row says how many ran, how many did not, and why not.

import collections
import re
import shlex
import time

from driver import PROCESS_WORKLOADS, Broken, Driver
from table import Table, engine_of
from tree import Tree

COLUMNS = ("target", "minutes", "rounds", "commands", "left_out", "why", "cells", "alarms", "first_alarm", "engine")
ENGINE = "engine"
# Why a command is left out.
ENGINE_ALONE = "the engine's alone" # explore, and jobs that no other target can do
PROCESS = "about the process"
GIVEN_BACK = "about memory that not every malloc gives back"


def commands_for(mutants, target):
    """Each different command once, with its build; and of those that say nothing of the target how many there are."""
    seen, alone = [], set()
    for mutant in mutants:
        words = shlex.split(mutant.command)
        if target != ENGINE:
            if "run" not in words:
                alone.add(shlex.join(words))
                continue
            words = with_target(words, target)
        command = (mutant.build if target == ENGINE else "release", shlex.join(words))
        if command not in seen:
            seen.append(command)
    return seen, len(alone)


def with_target(words, target):
    """The same command on another target."""
    kept = list(words)
    while "--target" in kept:
        place = kept.index("--target")
        del kept[place:place + 2]
    return kept + ["--target", target]


def beyond_blocks(driver, command):
    """What the command's sections are about, where that is not what a malloc does with blocks; else None."""
    words, environment, _ = driver.words(command, 1)
    words[1] = "plan"
    if "--filter" in words: # of cells: a plan has all of the sections
        place = words.index("--filter")
        del words[place:place + 2]
    status, text = driver.call(words, environment, 30)
    if status != 0:
        raise Broken(f"{shlex.join(words)}: {text.strip()}")
    return reason_of(text)


def reason_of(plan):
    workloads = set(re.findall(r"^workload = (\S+)$", plan, re.MULTILINE))
    parts = set(re.findall(r"^part = (\S+)$", plan, re.MULTILINE))
    if "extreme-sizes" in workloads and parts == {"align"}: # where a block begins
        workloads.remove("extreme-sizes")
    if workloads.intersection(PROCESS_WORKLOADS):
        return PROCESS
    if any(float(limit) < 1 for limit in re.findall(r"^kept_limit = (\S+)$", plan, re.MULTILINE)):
        return GIVEN_BACK
    return None


def told(left_out):
    return ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()) if count)


def run(mutants, minutes, target, options, say):
    tree = Tree(options.work, options.jobs)
    tree.mutate([])
    commands, alone = commands_for(mutants, target)
    left_out = collections.Counter({ENGINE_ALONE: alone})
    drivers = {build: Driver(tree.build(build, ("mems-stress", "mems-malloc")), tree.folder, tree.work)
               for build in sorted({build for build, _ in commands})}
    if target != ENGINE:
        reasons = {(build, command): beyond_blocks(drivers[build], command) for build, command in commands}
        left_out.update(reason for reason in reasons.values() if reason)
        commands = [command for command in commands if not reasons[command]]
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
                    say(f"left out: {error}")
                    left_out[ENGINE_ALONE] += 1
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
    say(f"{target}: {spent:.1f} minutes, {rounds} rounds of {len(commands)} commands, {cells} cells, {len(alarms)} alarms; "
        f"left out: {told(left_out) or 'none'}")
    Table(options.results, COLUMNS).put(target, f"{spent:.1f}", rounds, len(commands), left_out.total(), told(left_out), cells,
                                        len(alarms), alarms[0].text if alarms else "",
                                        engine_of(["lib", "stress", "tests/mutants"]))
    return 1 if alarms else 0
