# SPDX-License-Identifier: MIT
#
# driver.py - runs mems-stress against a build, seed after seed, and says which check caught it.
#
# What counts as caught is what the driver itself says of a cell: a failed check (by its name), a crash (by its signal),
# a hang; of a command without a result (explore), its exit status, and what it says it saw. What the driver could not do - a target that is
# missing, a job that is wrong, a cell that did not start - is an error of the table, never a catch.

import json
import os
import re
import resource
import shlex
import signal
import subprocess
import time

FAILED, CRASHED = 2, 3 # of mems-stress's exit statuses, those that say something of the allocator
NOT_CAUGHT = ("harness", "supplier") # checks that say something else
# Workloads that question the process, not the blocks: released allocators have bugs there (jobs/known-bugs.ini).
PROCESS_WORKLOADS = ("destructors", "dlopen", "exits", "extreme-sizes", "first-operation", "fork-child", "fork-handler",
                     "fork-stdio", "maps", "no-memory", "signals")
ENGINE = ("mems: ", "mems-malloc: ") # what the engine and the drop-in malloc say before they abort
LOCK_ORDER = "lock order: " # lib/sync/lock.c
RACE = "WARNING: ThreadSanitizer: " # the first line of its report
# Of a build of that name: it stops at the first race, and addresses are where it can follow them.
TSAN = "tsan"
RACED = 66 # exit status
TSAN_ENVIRONMENT = {"TSAN_OPTIONS": f"halt_on_error=1:exitcode={RACED}:allocator_may_return_null=1"}
TSAN_PREFIX = ["setarch", os.uname().machine, "-R"]
GRACE_SECONDS = 10 # that a driver whose time is over has to end


class Broken(Exception):
    """A command does not do what a mutant's command must."""


def race_of(lines):
    """What ThreadSanitizer said first of all, without the process's number; or None."""
    return next((re.sub(r" \(pid=\d+\)", "", line.strip()) for line in lines if RACE in line), None)


class Catch:
    """What a command found: the check's name, its sentence, the cells that ran."""

    def __init__(self, by=None, text="", cells=0, whole=True):
        self.by, self.text, self.cells = by, text, cells
        self.whole = whole # everything ran, to its end


def cell_catch(cell):
    """What caught this cell, or None."""
    verdict, evidence = cell["verdict"], cell.get("evidence") or {}
    race = race_of(cell.get("output") or [])
    if race is not None:
        return Catch(TSAN, f"{cell['id']}: {race}")
    check = (evidence.get("check") or {}).get("name")
    text = f"{cell['id']}: {(evidence.get('check') or {}).get('text') or cell.get('message') or verdict}"
    if verdict == "failed":
        if check in NOT_CAUGHT:
            raise Broken(text)
        return Catch(check or "failed", text)
    if verdict == "crashed":
        said = [line for line in cell.get("output") or [] if line.startswith(ENGINE)] # before the engine aborts
        if said and LOCK_ORDER in said[0]:
            return Catch("ranks", f"{cell['id']}: {said[0]}")
        name = evidence.get("signal")
        return Catch(f"crash {name}" if name else "crash", f"{cell['id']}: {said[0]}" if said else text)
    if verdict == "hung":
        return Catch("hang", text)
    if verdict in ("pass", "skipped", "incomplete", "unsteady", "not run"):
        return None
    raise Broken(text)


class Driver:
    """The programs of one build."""

    def __init__(self, build, tree, work, program=None):
        self.program = os.path.abspath(program or os.path.join(build, "stress", "mems-stress"))
        self.malloc = os.path.join(build, "lib", "libmems-malloc.so")
        self.tsan = os.path.basename(build) == TSAN
        self.tree, self.work = tree, work
        self.result = os.path.join(work, "result.json")

    def words(self, command, seed):
        """The command's words and what it sets in the environment; with the seed, which counts from its own on."""
        words, environment = shlex.split(command), {}
        words = [word.replace("{malloc}", self.malloc) for word in words]
        if words[0] == "env":
            words.pop(0)
            while "=" in words[0]:
                name, value = words.pop(0).split("=", 1)
                environment[name] = value
        if words[0] != "mems-stress":
            raise Broken(f"'{command}': mems-stress is to be the program")
        words[0] = self.program
        if "--seed" in words:
            place = words.index("--seed") + 1
            seed += int(words[place]) - 1
            words[place] = str(seed)
        else:
            words += ["--seed", str(seed)]
        return words, environment, seed

    @staticmethod
    def turn(command, seed):
        """The how manieth run of the command has that seed."""
        words = shlex.split(command)
        return seed - int(words[words.index("--seed") + 1]) + 1 if "--seed" in words else seed

    def once(self, command, seed, seconds, extra=()):
        """Runs it once, `seconds` at most; (what was caught, the seed)."""
        words, environment, seed = self.words(command, seed)
        judged = words[1] == "run"
        if judged:
            words += ["--json", self.result, "--quiet", *extra]
            if os.path.exists(self.result):
                os.remove(self.result)
        status, output = self.call(words, environment, seconds)
        if judged and os.path.exists(self.result):
            with open(self.result, encoding="utf-8") as file:
                return self.judge(json.load(file)), seed
        return self.judge_status(status, output, words), seed

    def call(self, words, environment, seconds):
        """Exit status (None: its time was over) and what it printed."""
        environment = {**os.environ, "MEMS_STRESS_NO_HISTORY": "1", **(TSAN_ENVIRONMENT if self.tsan else {}), **environment}
        with open(os.path.join(self.work, "output"), "w+", encoding="utf-8", errors="replace") as output:
            child = subprocess.Popen([*(TSAN_PREFIX if self.tsan else []), *words], cwd=self.tree, env=environment,
                                     stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = child.wait(timeout=max(seconds, 0.1))
            except subprocess.TimeoutExpired:
                status = None
                os.killpg(child.pid, signal.SIGINT) # what was found by then is reported
                try:
                    child.wait(timeout=GRACE_SECONDS)
                except subprocess.TimeoutExpired:
                    pass
            except BaseException:
                end(child)
                raise
            end(child)
            output.seek(0)
            return status, output.read()

    @staticmethod
    def judge(document):
        for cell in document["cells"]:
            catch = cell_catch(cell)
            if catch is not None:
                catch.cells = len(document["cells"])
                return catch
        passed = sum(cell["verdict"] == "pass" for cell in document["cells"])
        return Catch(cells=passed, whole=passed == len(document["cells"]) > 0)

    @staticmethod
    def judge_status(status, output, words):
        lines = [line for line in output.splitlines() if line.strip()]
        if status is None or status == 0:
            return Catch(whole=status == 0)
        if status < 0:
            return Catch(f"crash {signal.Signals(-status).name[3:]}", "the driver itself: " + " ".join(lines[-1:]))
        race = race_of(lines)
        if race is not None and status == RACED:
            return Catch(TSAN, f"the driver itself: {race}") # it opens each engine once, before any cell
        if words[1] == "run" or status not in (FAILED, CRASHED):
            raise Broken(f"{shlex.join(words)}: exit status {status}: {' / '.join(lines[-3:])}")
        saw = re.search(r"^  [a-z -]+, ([^:]+): ", output, re.MULTILINE) # "  failed check, stamp: byte 3 of ..."
        return Catch(words[1] + (f" {saw[1]}" if saw else ""), " / ".join(lines[:2]))

    def until_caught(self, command, seconds, wanted=lambda catch: True):
        """Seed after seed until it is caught, by what is wanted, or the time is over. (catch, seconds, CPU seconds, seed)."""
        begin, cpu = time.monotonic(), cpu_seconds()
        seed, last = 1, None # what caught it last, and was not wanted
        while True:
            left = begin + seconds - time.monotonic()
            catch, used = self.once(command, seed, left, ["--abort"])
            spent = time.monotonic() - begin
            if catch.by is not None and wanted(catch):
                return catch, spent, cpu_seconds() - cpu, used
            last = (catch, used) if catch.by is not None or last is None else last
            if spent >= seconds:
                return last[0], spent, cpu_seconds() - cpu, last[1]
            seed += 1


def cpu_seconds():
    """Of all that has been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def end(child):
    """The whole group, and its end seen."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()
