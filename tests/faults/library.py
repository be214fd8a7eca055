# SPDX-License-Identifier: MIT
#
# library.py - rows of the engine and of the drop-in malloc: programs in C that sweep by themselves (engine.c, heap.c),
# and a program on the preloaded library whose calls to the kernel are refused from outside.

import json
import os
import subprocess

from commands import by_loader, chosen
from ground import ENGINE, FAMILY, HEAP, MALLOC, NO_FILTER, REFUSE, Fault, Skip, environment, require

ALL = 100000  # points: more than there are


def counted(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Fault("%s: status %d: %s" % (" ".join(arguments[1:]), done.returncode, done.stderr.strip()[-600:]))
    return int(done.stdout)


def step_of(most):
    """Every N (1), or one in so many, from a random one on: how many there are is not known before."""
    return 1 if most >= ALL else max(2, 60 // most)


def engine_row(number, seam):
    def row(_ground, dice, most):
        step = step_of(most)
        points = sum(counted([ENGINE, number, seam, how, str(dice.randint(1, step)), str(step)]) for how in ("once", "on"))
        return points, points, points * step
    return row


def scenarios():
    """Number, policy, options and the seams that it calls, of each."""
    done = subprocess.run([ENGINE, "list"], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        number, policy, options, seams = line.split("\t")
        yield number, policy, options, seams.split(",")


def unreached():
    """Seams that a policy has and no scenario of it calls."""
    called = {}
    wanted = {}
    for _, policy, options, seams in scenarios():
        called.setdefault(policy, set()).update(seams)
        wanted.setdefault(policy, {"map", "unmap"}).update(
            {"swap-open", "swap-read", "swap-write"} if "swap=" in options else (), {"thread"} if "mover=yes" in options else ())
    return ["%s: %s" % (policy, seam) for policy in wanted for seam in sorted(wanted[policy] - called[policy])]


def engine_rows():
    for number, policy, options, seams in scenarios():
        for seam in seams:
            yield "engine: %s(%s)" % (policy, options), seam, engine_row(number, seam)


def heap_row(kind, how):
    def row(_ground, dice, most):
        step = step_of(most)
        points = counted([HEAP, kind, how, str(dice.randint(1, step)), str(step)])
        return points, points, points * step
    return row


def preload_row(calls, how):
    """`family` on libmems-malloc.so. It comes to its end, unless what is refused is the loader's."""
    def point(folder, nth):
        report = os.path.join(folder, "report")
        done = subprocess.run([REFUSE, "--calls", calls, "--nth", str(nth), "--with", "ENOMEM", "--report", report,
                               *(["--on"] if how == "on" else []), "--", FAMILY],
                              env=environment("preload", {"LD_PRELOAD": MALLOC}), capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        if done.returncode == NO_FILTER:
            raise Skip(done.stderr.strip())
        require(done.returncode == 0, "refuse itself: " + done.stderr)
        with open(report, encoding="utf-8") as file:
            return json.load(file), done.stderr

    def row(ground, dice, most):
        folder = ground.folder()
        plain, said = point(folder, 0)
        require(plain["status"] == 0 and said == "refused 0 times\n", "without a fault: " + said)
        numbers, struck = chosen(plain["calls"], dice, most), 0
        for nth in numbers:
            report, said = point(folder, nth)
            loader = by_loader(report["status"], said) and "refused" not in said
            loader = loader or (report["signal"] == 11 and nth <= 2 and "mmap" in calls)  # its first map
            # Once memory is refused for good, a program that insists on some may end by abort.
            gone = how == "on" and report["signal"] == 6 and "not so" in said
            require(report["status"] == 0 or loader or gone, "%s number %d, %s: status %d, signal %d: %s" % (
                calls, nth, how, report["status"], report["signal"], said))
            struck += report["hits"] > 0
        return struck, len(numbers), plain["calls"]
    return row


KINDS = ("mmap", "munmap", "mremap", "madvise", "any")


def rows():
    yield from engine_rows()
    for kind in KINDS:
        for how in "once", "on":
            yield "drop-in malloc: heap", kind + (", and all after it" if how == "on" else ""), heap_row(kind, how)
    for calls in "mmap,brk", "munmap", "mremap", "madvise", "mprotect":
        for how in "once", "on":
            yield ("drop-in malloc: a program", calls + (", and all after it" if how == "on" else ""),
                   preload_row(calls, how))
