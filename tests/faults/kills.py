# SPDX-License-Identifier: MIT
#
# kills.py - SIGKILL of the driver and of a cell's process at random moments.
#
# The moment is drawn from the measured duration of an undisturbed run: waiting for it is the experiment. What must
# hold: no process outlives the driver (a job without an end shows it: what is left would work on), every output is the
# old file or a whole new one, and the next run works and takes away what the killed one left beside them.

import os
import signal
import subprocess
import time

from commands import Command
from ground import EXPLORE, TIMEOUT_S, Fault, documents_hold, environment, left_behind, marked, nobody_left, require
from outputs import OLD, Plain, examine, put_before, read

RUN = Command("run", ["run", "job.ini", "--json", "r.json", "--csv", "r.csv", "--junit", "r.xml"],
              ["r.json", "r.csv", "r.xml"], exact=False)
RECORD = Command("record", ["record", "-o", "r.mtrace", "--", "/usr/bin/sort", "job.ini", "-o", "/dev/null"], ["r.mtrace"],
                 exact=False)
REPLAY = Command("replay", ["replay", "t.mtrace", "--target", "libc", "--target", "mems:slab", "--json", "r.json"],
                 ["r.json"], exact=False)
FIT = Command("fit", ["fit", "t.mtrace", "-o", "fit.out"], ["fit.out"])
ENDLESS = Command("run", ["run", "endless.ini"])
SEARCH = Command("explore", ["explore", "explore.ini", "--schedules", "60", "--seed", "3"], program=EXPLORE)
AGAIN_EVERY = 5


def start(folder, command, mark):
    return subprocess.Popen([command.program, *command.arguments], cwd=folder, env=environment(mark), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(folder, command):
    driver = start(folder, command, "kills")
    require(driver.wait(TIMEOUT_S) == 0, "undisturbed: status %d" % driver.returncode)


def duration_of(folder, command):
    times = []
    for _ in range(3):
        began = time.monotonic()
        run(folder, command)
        times.append(time.monotonic() - began)
    return sorted(times)[1]


def outputs_hold(folder, command, plain, status):
    """`status`: None of a driver that was killed."""
    examine(command, folder, plain, status)
    documents_hold(folder)


def next_works(folder, command, plain):
    put_before(command, folder)
    run(folder, command)
    outputs_hold(folder, command, plain, 0)
    require(not left_behind(folder), "the next run leaves " + ", ".join(left_behind(folder)))


def cells(mark):
    found = []
    for process in marked(mark):
        try:
            with open("/proc/%d/cmdline" % process, "rb") as file:
                if file.read().split(b"\0")[:2] == [b"mems-stress", b"cell"]:
                    found.append(process)
        except OSError:
            pass
    return found


def guards(driver, mark):
    """What the driver has forked and is no cell: its guard."""
    found = []
    for process in set(marked(mark)) - {driver, *cells(mark)}:
        try:
            with open("/proc/%d/stat" % process, encoding="ascii", errors="replace") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == driver:
                    found.append(process)
        except OSError:
            pass
    return found


def kill(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass


def measured(folder, command):
    """How long the command takes, and what it makes."""
    put_before(command, folder)
    return duration_of(folder, command), Plain(command, folder)


def driver_killed(command, usual=None):
    """`usual`: in place of a command that does not end, how long it may take until it is killed, and what comes next. Then
    every other time the guard is killed first: the cells die with the driver all the same."""
    def row(ground, dice, most):
        folder = ground.folder()
        whole, plain = measured(folder, usual or command)
        hit = 0
        for i in range(most):
            put_before(command, folder)
            mark = "kill.%s.%d" % (command.name, i)
            driver = start(folder, command, mark)
            moment = dice.uniform(0, 1.05 * whole)
            try:
                driver.wait(moment)
            except subprocess.TimeoutExpired:
                for guard in guards(driver.pid, mark) if usual and i % 2 == 1 else ():
                    kill(guard)
                driver.kill()
                driver.wait()
            killed = driver.returncode == -signal.SIGKILL
            hit += killed
            try:
                require(killed or driver.returncode == 0, "status %d" % driver.returncode)
                nobody_left(mark)
                outputs_hold(folder, command, plain, None if killed else 0)
                if i % AGAIN_EVERY == AGAIN_EVERY - 1 or i == most - 1:
                    next_works(folder, usual or command, plain)
            except Fault as fault:
                raise Fault("%s killed after %.3f of %.3f s: %s" % (command.name, moment, whole, fault)) from None
        return hit, most, most
    return row


def worker_killed(command):
    def row(ground, dice, most):
        folder = ground.folder()
        whole, plain = measured(folder, command)
        hit = 0
        for i in range(most):
            put_before(command, folder)
            mark = "worker.%s.%d" % (command.name, i)
            driver = start(folder, command, mark)
            try:
                driver.wait(dice.uniform(0, whole))
            except subprocess.TimeoutExpired:
                pass
            victims = cells(mark)
            for victim in victims:
                kill(victim)
            hit += bool(victims)
            status = driver.wait(TIMEOUT_S)
            nobody_left(mark)
            require(status in ((0, 3) if victims else (0,)), "status %d after a cell was killed" % status)
            outputs_hold(folder, command, plain, status)
            for name in command.outputs:
                require(read(os.path.join(folder, name)) != OLD, "a cell was killed, and there is no " + name)
            if i % AGAIN_EVERY == AGAIN_EVERY - 1:
                next_works(folder, command, plain)
        return hit, most, most
    return row


ROWS = [
    ("driver: run", "SIGKILL of the driver", driver_killed(RUN)),
    ("driver: run without an end", "SIGKILL of the driver", driver_killed(ENDLESS, RUN)),
    ("driver: replay", "SIGKILL of the driver", driver_killed(REPLAY)),
    ("driver: record", "SIGKILL of the driver", driver_killed(RECORD)),
    ("driver: fit", "SIGKILL of the driver", driver_killed(FIT)),
    ("driver: explore", "SIGKILL of the driver", driver_killed(SEARCH)),
    ("driver: run", "SIGKILL of a cell", worker_killed(RUN)),
    ("driver: replay", "SIGKILL of a cell", worker_killed(REPLAY)),
]
