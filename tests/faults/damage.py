# SPDX-License-Identifier: MIT
#
# damage.py - faults that the kernel really gives: full disks, limits, devices, folders that vanish; and damaged input.
#
# A damaged file is read by a command: it ends with 0 or 1 by itself, and says why where it is 1. Of a binary trace no
# proper prefix and no flipped bit may pass: it has checksums. Where there is no room for an output the command says so
# (7), the old file stays, and nothing is left beside it.

import os
import resource
import subprocess

from commands import COMMANDS, OLD, UNWRITTEN, Command, is_whole
from ground import STRESS, TIMEOUT_S, Skip, environment, left_behind, nobody_left, require


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
        return len(lengths), len(content)
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
        return most, most
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
    return 2 * len(jobs), 2 * len(jobs)


# ---- no room ------------------------------------------------------------------------------------------------------

WRITERS = [command for command in COMMANDS if command.outputs and not command.more and command.name != "selftest"]


def others(folder, command):
    """What is in the folder, but for what the command keeps to go on with."""
    return sorted(set(os.listdir(folder)) - set(command.keeps))


def try_writing(folder, command, what, good=None, **keywords):
    """The command with its outputs in place, and a fault. True: it succeeded all the same."""
    for name in command.outputs:
        if good is None:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(OLD)
    before = others(folder, command)
    done = stress(folder, command.arguments, "damage", **keywords)
    require(done.returncode in (0, 1, 3, UNWRITTEN), "%s, %s: status %d: %s" % (
        command.name, what, done.returncode, said(done)))
    require(done.returncode == 0 or said(done) or done.stdout, "%s, %s: not a word" % (command.name, what))
    for name in command.outputs:
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        require(content == OLD or len(content) > len(OLD), "%s, %s: %s is empty" % (command.name, what, name))
        if content != OLD:
            is_whole(folder, name, content, content if command.exact else None)
        else:
            require(done.returncode != 0, "%s, %s: status 0 and no %s" % (command.name, what, name))
    require(others(folder, command) == before, "%s, %s: left %s" % (command.name, what, left_behind(folder)))
    return done.returncode == 0


def file_sizes(ground, dice, most):
    """Files may not grow past a limit (RLIMIT_FSIZE): SIGXFSZ is no way to end."""
    folder = ground.folder()
    sizes = [0, 1, 100, 512, 1000, 4096, 10000, 65536, 1 << 20]
    sizes = sizes if most >= len(sizes) * len(WRITERS) else sorted(dice.sample(sizes, 2))
    for command in WRITERS:
        for size in sizes:
            try_writing(folder, command, "files of %d bytes at most" % size,
                        preexec_fn=lambda size=size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    return len(WRITERS) * len(sizes), len(WRITERS) * len(sizes)


def open_files(ground, dice, most):
    """Few descriptors (RLIMIT_NOFILE)."""
    folder = ground.folder()
    limits = list(range(4, 24))
    limits = limits if most >= len(limits) * len(WRITERS) else sorted(dice.sample(limits, 2))
    for command in WRITERS:
        for limit in limits:
            prefix = ("/bin/sh", "-c", 'ulimit -n %d; exec "$@"' % limit, "sh")
            done = stress(folder, command.arguments, "damage", prefix=prefix)
            require(done.returncode in (0, 1, 3, UNWRITTEN, 127), "%s, %d files: status %d: %s" % (
                command.name, limit, done.returncode, said(done)))
    return len(WRITERS) * len(limits), len(WRITERS) * len(limits)


def device_full(ground, _dice, _most):
    """Standard output, and each output, on /dev/full."""
    folder = ground.folder()
    points = 0
    for command in COMMANDS:
        if command.name == "selftest":
            continue
        with open("/dev/full", "wb") as full:
            done = stress(folder, command.arguments, "damage", program=command.program, stdout=full)
        prints = command.arguments[0] not in ("fit", "record") and \
            command.name not in ("trace text", "trace binary", "history export")
        require(done.returncode == (UNWRITTEN if prints else 0), "%s > /dev/full: status %d: %s" % (
            command.name, done.returncode, said(done)))
        require(not prints or "No space left" in said(done), "%s > /dev/full: %s" % (command.name, said(done)))
        points += 1
        for name in command.outputs:
            arguments = ["/dev/full" if word == name else word for word in command.arguments]
            done = stress(folder, arguments, "damage")
            why = "No space left" in said(done) or "device" in said(done)
            require(done.returncode == UNWRITTEN and why, "%s to /dev/full: status %d: %s" % (
                command.name, done.returncode, said(done)))
            points += 1
    return points, points


def full_disk(ground, dice, most):
    """A disk of so many pages, for the outputs alone: from none free until everything has room."""
    scratch = ground.folder()
    disk = os.path.join(scratch, "disk")
    os.mkdir(disk)
    pages = [0, 1, 2, 3, 4, 8, 16, 64]
    pages = pages if most >= len(pages) * len(WRITERS) else sorted(dice.sample(pages, 2))
    for command in WRITERS:
        arguments = [os.path.join("disk", word) if word in command.outputs else word for word in command.arguments]
        for free in pages:
            names = " ".join(os.path.join("disk", name) for name in command.outputs)
            script = ("mount -t tmpfs -o size=%dk none disk || exit 99\n"
                      "for name in %s; do echo old > $name; done\n"
                      "head -c $((%d * 4096 - %d * 4096)) /dev/zero > disk/filler\n"
                      '"$@"; status=$?\n'
                      "echo; echo LEFT; ls disk; exit $status") % ((free + 40) * 4, names, free + 40, free + len(command.outputs))
            done = subprocess.run(["unshare", *([] if os.geteuid() == 0 else ["-Ur"]), "-m", "/bin/sh", "-c", script, "sh",
                                   STRESS, *arguments], cwd=scratch, env=environment("disk"), check=False,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S)
            nobody_left("disk")
            if done.returncode == 99 or b"unshare" in done.stderr:
                raise Skip("no disk can be mounted here")
            what = "%s, %d pages free" % (command.name, free)
            require(done.returncode in (0, UNWRITTEN), "%s: status %d: %s" % (what, done.returncode, said(done)))
            left = set(done.stdout.decode().split("\nLEFT\n")[-1].split())
            require(left - set(command.keeps) == {*command.outputs, "filler"}, "%s: left %s" % (what, left))
            require(done.returncode == 0 or "No space left" in said(done), "%s: %s" % (what, said(done)))
    return len(WRITERS) * len(pages), len(WRITERS) * len(pages)


# ---- what vanishes ------------------------------------------------------------------------------------------------

def folder_gone(ground, _dice, _most):
    """The folder for the outputs is removed: before the command begins, and while it runs in it."""
    points = 0
    for command in WRITERS:
        folder = ground.folder()
        os.mkdir(os.path.join(folder, "gone"))
        arguments = [os.path.join(folder, word) if os.path.exists(os.path.join(folder, word)) else word
                     for word in command.arguments]
        script = 'cd gone && rmdir ../gone && exec "$@"'
        done = stress(folder, arguments, "damage", prefix=("/bin/sh", "-c", script, "sh"))
        require(done.returncode in (1, UNWRITTEN) and said(done), "%s in a folder that is gone: status %d: %s" % (
            command.name, done.returncode, said(done)))
        points += 1
    return points, points


def folder_vanishes(arguments):
    """A command whose output's folder is removed at a random moment of it."""
    def row(ground, dice, most):
        from kills import duration_of  # noqa: PLC0415
        folder = ground.folder()
        place, scratch = os.path.join(folder, "place"), os.path.join(folder, "gone")
        os.mkdir(place)
        os.mkdir(scratch)
        whole = duration_of(folder, Command(arguments[0], arguments))
        rounds = min(most, 40)
        for i in range(rounds):
            os.makedirs(place, exist_ok=True)
            mark = "vanish.%d" % i
            driver = subprocess.Popen([STRESS, *arguments], cwd=folder, env=environment(mark), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                driver.wait(dice.uniform(0, whole))
            except subprocess.TimeoutExpired:
                pass
            os.rename(place, os.path.join(scratch, "%d" % i))  # all at once
            err = driver.communicate(timeout=TIMEOUT_S)[1].decode(errors="replace")
            nobody_left(mark)
            early = driver.returncode == 1 and "cannot be made beside it" in err  # before the program began
            require(driver.returncode in (0, UNWRITTEN) or early, "status %d: %s" % (driver.returncode, err))
            require(driver.returncode == 0 or "place/" in err, "no word of the place: " + err)
        return rounds, rounds
    return row


ROWS = [
    *[(reader(name, arguments), "input cut short", truncated(name, arguments, sealed, limit))
      for name, arguments, sealed, limit in READERS],
    *[(reader(name, arguments), "input corrupted", flipped(name, arguments, sealed, limit))
      for name, arguments, sealed, limit in READERS],
    ("driver: run, plan", "job unreadable", unreadable),
    ("driver: every writer", "files may not grow (RLIMIT_FSIZE)", file_sizes),
    ("driver: every writer", "few descriptors (RLIMIT_NOFILE)", open_files),
    ("driver: every command", "/dev/full", device_full),
    ("driver: every writer", "full disk", full_disk),
    ("driver: every writer", "folder removed before", folder_gone),
    ("driver: run", "folder of the result vanishes", folder_vanishes(["run", "job.ini", "--json", "place/r.json"])),
    ("driver: replay", "folder of the result vanishes",
     folder_vanishes(["replay", "t.mtrace", "--target", "libc", "--csv", "place/r.csv"])),
    ("driver: record", "folder of the trace vanishes",
     folder_vanishes(["record", "-o", "place/r.mtrace", "--", "/usr/bin/sort", "job.ini", "-o", "/dev/null"])),
]
