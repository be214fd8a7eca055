# SPDX-License-Identifier: MIT
#
# damage.py - faults that the kernel really gives: full disks, limits, devices, folders that vanish; and damaged input.
#
# A damaged file is read by a command: it ends with 0 or 1 by itself, and says why where it is 1. Of a binary trace no
# proper prefix and no flipped bit may pass: it has checksums. Where there is no room for an output the command says so
# (7), the old file stays, and nothing is left beside it.

import os
import resource
import shutil
import subprocess

from commands import COMMANDS, UNWRITTEN, Command, by_loader
from ground import STRESS, TIMEOUT_S, Fault, Skip, environment, left_behind, nobody_left, require
from outputs import Plain, State, examine, put_before


def stress(folder, arguments, mark, prefix=(), program=STRESS, **keywords):
    keywords = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **keywords}
    done = subprocess.run([*prefix, program, *arguments], cwd=folder, env=environment(mark), check=False,
                          timeout=TIMEOUT_S, **keywords)
    nobody_left(mark)
    return done


def said(done):
    return done.stderr.decode(errors="replace").strip() if done.stderr else ""


# ---- damaged input ------------------------------------------------------------------------------------------------

# A file, the command that reads it, whether it is sealed by checksums, and how many times at most.
READERS = [
    ("t.mtrace", ["trace", "check", "bad"], True, None),
    ("t.trace", ["trace", "check", "bad"], False, None),
    ("job.ini", ["plan", "bad"], False, None),
    ("a.json", ["compare", "bad", "b.json"], False, 1000),
    ("references", ["faults", "bad", "--frames", "3"], False, None),
    ("t.mtrace", ["trace", "show", "bad"], True, 100),
    ("t.mtrace", ["trace", "info", "bad"], True, 100),
    ("t.mtrace", ["fit", "bad", "-o", "out"], True, 100),
    ("t.mtrace", ["replay", "bad", "--target", "null", "--json", "out"], True, 100),
    ("t.mtrace", ["run", "traced.ini", "--json", "out"], True, 100),
]


def reader(name, arguments):
    words = arguments[:2] if arguments[0] == "trace" else arguments[:1]
    return "driver: %s, %s" % (" ".join(words), name)


def read_bad(folder, content, arguments, sealed, what):
    with open(os.path.join(folder, "bad"), "wb") as file:
        file.write(content)
    done = stress(folder, arguments, "damage")
    allowed = (1,) if sealed else (0, 1, 4)
    require("out" not in os.listdir(folder), "%s of a file %s: an output all the same" % (" ".join(arguments), what))
    require(done.returncode in allowed, "%s of a file %s: status %d: %s" % (
        " ".join(arguments), what, done.returncode, said(done)))
    told = said(done) or done.stdout  # what compare refuses, it names in its table
    require(done.returncode != 1 or told, "%s of a file %s: not a word" % (" ".join(arguments), what))


def truncated(name, arguments, sealed, limit):
    def row(ground, dice, most):
        most = min(most, limit or most)
        folder = ground.folder()
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        lengths = range(len(content))
        if most < len(lengths):
            lengths = sorted(dice.sample(lengths, most))
        for length in lengths:
            read_bad(folder, content[:length], arguments, sealed, "cut to %d bytes" % length)
        return len(lengths), len(lengths), len(content)
    return row


def flipped(name, arguments, sealed, limit):
    def row(ground, dice, most):
        most = min(most, limit or most)
        folder = ground.folder()
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        for _ in range(most):
            bad = bytearray(content)
            places = [(dice.randrange(len(bad)), dice.randrange(1, 256)) for _ in range(dice.choice((1, 1, 1, 2, 8)))]
            for place, change in dict(places).items():
                bad[place] ^= change
            read_bad(folder, bytes(bad), arguments, sealed, "with bytes changed, %s" % places)
        return most, most, most
    return row


def unreadable(ground, _dice, _most):
    """A job that is a folder, that is not there, that gives EIO when it is read, a link to itself."""
    folder = ground.folder()
    os.symlink("loop", os.path.join(folder, "loop"))
    jobs = [(".", "Is a directory"), ("missing.ini", "No such file"), ("/proc/self/mem", "Input/output error"),
            ("loop", "symbolic links"), ("job.ini/x", "Not a directory")]
    for job, why in jobs:
        for arguments in ["run", job], ["plan", job]:
            done = stress(folder, arguments, "damage")
            require(done.returncode == 1 and why in said(done), "%s: status %d: %s" % (arguments, done.returncode, said(done)))
    return (2 * len(jobs),) * 3


# ---- no room ------------------------------------------------------------------------------------------------------

WRITERS = [command for command in COMMANDS if command.outputs and not command.more and command.name != "selftest"]


def others(folder, command):
    """What is in the folder, but for what the command keeps to go on with, and a database for its next reader."""
    return sorted(set(os.listdir(folder)) - {*command.keeps, *(name + "-journal" for name in command.outputs)})


def plain_of(folder, command, arguments=None, place="."):
    """What an undisturbed run makes, in the folder `place`."""
    place = os.path.join(folder, place)
    put_before(command, place)
    done = stress(folder, arguments or command.arguments, "plain", program=command.program)
    require(done.returncode == 0, "%s without a fault: status %d: %s" % (command.name, done.returncode, said(done)))
    return Plain(command, place)


def look(folder, command, plain, done, what, was, names=None):
    """What became of the outputs, and that it is told. The loader, which has ended a program before it began, changes nothing."""
    try:
        found = examine(command, folder, plain, done.returncode, was, names)
        require(done.returncode == 0 or said(done) or done.stdout, "status %d and not a word" % done.returncode)
        if by_loader(done.returncode, said(done)):
            require(not done.stdout and State.WHOLE not in found.values(), "it has not been loaded, and has an output")
    except Fault as fault:
        raise Fault("%s, %s: %s" % (command.name, what, fault)) from None


def try_writing(folder, command, plain, what, allowed=(0, 1, 3, UNWRITTEN), **keywords):
    """The command with its outputs in place, and a fault."""
    was = put_before(command, folder)
    before = others(folder, command)
    done = stress(folder, command.arguments, "damage", program=command.program, **keywords)
    require(done.returncode in allowed or by_loader(done.returncode, said(done)), "%s, %s: status %d: %s" % (
        command.name, what, done.returncode, said(done)))
    look(folder, command, plain, done, what, was)
    require(others(folder, command) == before, "%s, %s: left %s" % (command.name, what, left_behind(folder)))


def limited(limits, limit_to):
    """A row: each writer under each of `limits`; limit_to(n): the words for it, and what makes it so for the command."""
    def row(ground, dice, most):
        folder = ground.folder()
        drawn = limits if most >= len(limits) * len(WRITERS) else sorted(dice.sample(limits, 2))
        for command in WRITERS:
            plain = plain_of(folder, command)
            for limit in drawn:
                what, keywords = limit_to(limit)
                try_writing(folder, command, plain, what, **keywords)
        tried = len(WRITERS) * len(drawn)
        return tried, tried, len(WRITERS) * len(limits)
    return row


def file_size(size):
    """Files may not grow past a limit (RLIMIT_FSIZE): SIGXFSZ is no way to end."""
    return "files of %d bytes at most" % size, {
        "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))}


def descriptors(limit):
    """Few descriptors (RLIMIT_NOFILE)."""
    return "%d files" % limit, {"prefix": ("/bin/sh", "-c", 'ulimit -n %d; exec "$@"' % limit, "sh")}


SIZES = [0, 1, 100, 512, 1000, 4096, 10000, 65536, 1 << 20]
LIMITS = list(range(4, 24))


def device_full(ground, _dice, _most):
    """Standard output, and each output, on /dev/full."""
    folder = ground.folder()
    points = 0
    for command in COMMANDS:
        if command.name == "selftest":
            continue
        plain = plain_of(folder, command)
        was = put_before(command, folder)
        with open("/dev/full", "wb") as full:
            done = stress(folder, command.arguments, "damage", program=command.program, stdout=full)
        prints = command.arguments[0] not in ("fit", "record") and \
            command.name not in ("trace text", "trace binary", "history export")
        require(done.returncode == (UNWRITTEN if prints else 0), "%s > /dev/full: status %d: %s" % (
            command.name, done.returncode, said(done)))
        require(not prints or "No space left" in said(done), "%s > /dev/full: %s" % (command.name, said(done)))
        look(folder, command, plain, done, "> /dev/full", was)
        points += 1
        for name in command.outputs:
            if name.endswith(".db"):
                continue
            arguments = ["/dev/full" if word == name else word for word in command.arguments]
            was = put_before(command, folder)
            done = stress(folder, arguments, "damage", program=command.program)
            why = "No space left" in said(done) or "device" in said(done)
            if command.keeps:  # nothing stands beside a device that it could be resumed by
                require(done.returncode == 1 and "needs --json FILE" in said(done), "a shard to /dev/full: " + said(done))
                require(not os.path.exists("/dev/full.journal"), "a journal in /dev")
                continue
            require(done.returncode == UNWRITTEN and why, "%s to /dev/full: status %d: %s" % (
                command.name, done.returncode, said(done)))
            look(folder, command, plain, done, name + " to /dev/full", was, [other for other in command.outputs if other != name])
            points += 1
    return points, points, points


# Fills a disk of its own but for some pages, runs the command, and brings out what there is then.
DISK = """mount -t tmpfs -o size=%(size)dk none disk || exit 99
cp before/* disk || exit 98
used=$(du -sk disk | cut -f1)
head -c $((%(size)d * 1024 - used * 1024 - %(free)d * 4096)) /dev/zero > disk/filler
"$@"; status=$?
rm disk/filler && cp -a disk after || exit 98
exit $status"""


def full_disk_of(scratch, command, arguments, plain, free):
    """True: the disk was full."""
    before, after, disk = (os.path.join(scratch, name) for name in ("before", "after", "disk"))
    for folder in before, after:
        shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(before)
    was = put_before(command, disk)
    for name in command.outputs:
        shutil.copy(os.path.join(disk, name), before)
    script = DISK % {"size": (free + 60) * 4, "free": free}
    done = subprocess.run(["unshare", *([] if os.geteuid() == 0 else ["-Ur"]), "-m", "/bin/sh", "-c", script, "sh",
                           command.program, *arguments], cwd=scratch, env=environment("disk"), check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S)
    nobody_left("disk")
    if done.returncode == 99 or b"unshare" in done.stderr:
        raise Skip("no disk can be mounted here")
    what = "%s, %d pages free" % (command.name, free)
    require(done.returncode in (0, UNWRITTEN), "%s: status %d: %s" % (what, done.returncode, said(done)))
    look(after, command, plain, done, "%d pages free" % free, was)
    require(others(after, command) == sorted(command.outputs), "%s: left %s" % (what, others(after, command)))
    why = "No space left" in said(done) or "disk is full" in said(done)  # as SQLite says
    require(done.returncode == 0 or why, "%s: %s" % (what, said(done)))
    return done.returncode != 0


PAGES = [0, 1, 2, 3, 4, 8, 16, 64]


def full_disk(ground, dice, most):
    """A disk of so many pages, for the outputs alone: from none free until everything has room."""
    drawn = PAGES if most >= len(PAGES) * len(WRITERS) else sorted(dice.sample(PAGES, 2))
    full = 0
    for command in WRITERS:
        scratch = ground.folder()
        os.mkdir(os.path.join(scratch, "disk"))
        os.symlink(os.path.join(os.pardir, "inputs"), os.path.join(scratch, "inputs"))  # where put_before looks
        arguments = [os.path.join("disk", word) if word in command.outputs else word for word in command.arguments]
        plain = plain_of(scratch, command, arguments, "disk")
        for free in drawn:
            hit = full_disk_of(scratch, command, arguments, plain, free)
            require(hit or free > 0, "%s: no page is free, and it says nothing" % command.name)
            full += hit
    tried = len(WRITERS) * len(drawn)
    return full, tried, len(WRITERS) * len(PAGES)


# ---- what vanishes ------------------------------------------------------------------------------------------------

def folder_gone(ground, _dice, _most):
    """The folder for the outputs is removed before the command begins in it."""
    points = 0
    for command in WRITERS:
        if any(name.endswith(".db") for name in command.outputs):
            continue  # it is an input, too
        folder = ground.folder()
        os.mkdir(os.path.join(folder, "gone"))
        before = sorted(os.listdir(folder))
        arguments = [os.path.join(folder, word) if os.path.exists(os.path.join(folder, word)) else word
                     for word in command.arguments]
        script = 'cd gone && rmdir ../gone && exec "$@"'
        done = stress(folder, arguments, "damage", prefix=("/bin/sh", "-c", script, "sh"), program=command.program)
        require(done.returncode in (1, UNWRITTEN) and said(done), "%s in a folder that is gone: status %d: %s" % (
            command.name, done.returncode, said(done)))
        require(sorted([*os.listdir(folder), "gone"]) == before, "%s in a folder that is gone: it has put something elsewhere" %
                command.name)
        points += 1
    return points, points, points


def folder_vanishes(command):
    """A command whose output's folder, `place`, is moved away at a random moment of it. What it has said 0 of is there, whole;
    else nothing is, or the whole: no half of it, and no part that the next one there does not take away."""
    def row(ground, dice, most):
        from kills import duration_of  # noqa: PLC0415
        folder = ground.folder()
        place, scratch = os.path.join(folder, "place"), os.path.join(folder, "gone")
        os.mkdir(place)
        os.mkdir(scratch)
        arguments = [os.path.join("place", word) if word in command.outputs else word for word in command.arguments]
        whole = duration_of(folder, Command(command.name, arguments, program=command.program))
        plain = Plain(command, place)
        rounds, failed = min(most, 40), 0
        for i in range(rounds):
            shutil.rmtree(place, ignore_errors=True)
            os.mkdir(place)
            mark = "vanish.%d" % i
            driver = subprocess.Popen([command.program, *arguments], cwd=folder, env=environment(mark), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                driver.wait(dice.uniform(0, whole))
            except subprocess.TimeoutExpired:
                pass
            moved = os.path.join(scratch, "%d" % i)
            os.rename(place, moved)  # all at once
            err = driver.communicate(timeout=TIMEOUT_S)[1].decode(errors="replace")
            nobody_left(mark)
            early = driver.returncode == 1 and "cannot be made beside it" in err  # before the program began
            require(driver.returncode in (0, UNWRITTEN) or early, "status %d: %s" % (driver.returncode, err))
            require(driver.returncode == 0 or "place/" in err, "no word of the place: " + err)
            require(not os.path.exists(place), "status %d: %s was made again" % (driver.returncode, place))
            examine(command, moved, plain, driver.returncode, None)
            if set(os.listdir(moved)) - set(command.outputs):  # it could not reach them any more: the next one there does
                os.rename(moved, place)
                again = subprocess.run([command.program, *arguments], cwd=folder, env=environment(mark), stdin=subprocess.DEVNULL,
                                       capture_output=True, timeout=TIMEOUT_S, check=False)
                left = sorted(set(os.listdir(place)) - set(command.outputs))
                require(again.returncode == 0 and not left, "the folder is back, status %d, and left in it: %s" % (again.returncode, left))
            failed += driver.returncode != 0
        return failed, rounds, rounds
    return row


ROWS = [
    *[(reader(name, arguments), "input cut short", truncated(name, arguments, sealed, limit))
      for name, arguments, sealed, limit in READERS],
    *[(reader(name, arguments), "input corrupted", flipped(name, arguments, sealed, limit))
      for name, arguments, sealed, limit in READERS],
    ("driver: run, plan", "job unreadable", unreadable),
    ("driver: every writer", "files may not grow (RLIMIT_FSIZE)", limited(SIZES, file_size)),
    ("driver: every writer", "few descriptors (RLIMIT_NOFILE)", limited(LIMITS, descriptors)),
    ("driver: every command", "/dev/full", device_full),
    ("driver: every writer", "full disk", full_disk),
    ("driver: every writer", "folder removed before", folder_gone),
    ("driver: run", "folder of the result vanishes",
     folder_vanishes(Command("run", ["run", "sweep.ini", "--json", "r.json"], ["r.json"], exact=False))),
    ("driver: replay", "folder of the result vanishes", folder_vanishes(
        Command("replay", ["replay", "t.mtrace", "--target", "libc", "--csv", "r.csv"], ["r.csv"], exact=False))),
    ("driver: record", "folder of the trace vanishes", folder_vanishes(
        Command("record", ["record", "-o", "r.mtrace", "--", "/usr/bin/sort", "job.ini", "-o", "/dev/null"], ["r.mtrace"],
                exact=False))),
]
