# SPDX-License-Identifier: MIT
#
# commands.py - every command of the driver, with its Nth system call of a kind refused.
#
# 1. What is tried. A command (COMMANDS) runs under `refuse`, which makes one call fail: the first of the seam's
#    calls, then the second, to the last that the command makes. The folder holds an old file for each output.
# 2. What must hold, whatever was refused: the command ends by itself (no signal, no hang), leaves no process, and
#    every output is the old file or a whole new one. Exit status 0: all outputs, standard output included, are what
#    they are without a fault (or, where they tell of times, whole and complete); but a target that was given no memory
#    may refuse allocations, as many as the verdict's line says (tells_of_refusals). Another status: it is one that the
#    driver documents, and standard error says something. It takes its parts of outputs away, unless that is what is
#    refused. Then the command runs again in the same folder without a fault, succeeds, and leaves nothing beside its
#    outputs.
# 3. Which commands there are says the driver itself (of_the_driver): each has a row, else a test fails.
# 4. Before main() the calls are the loader's and the C library's, the same for every command: as many as
#    `mems-stress --version` makes. They are skipped, and swept once for that command (start_up), where the loader may
#    say so, and may crash: glibc's does when it is refused its first map or the heap its first brk. Status 127 is the
#    loader's where its words stand beside it (by_loader), nowhere else: our own processes end so, too, when they cannot
#    become what they were started for.

import json
import os
import re
import subprocess

from ground import EXPLORE, NO_FILTER, REFUSE, STRESS, TIMEOUT_S, Fault, Skip, documents_hold, environment, left_behind, nobody_left, require
from outputs import OLD, Plain, examine, more_of, put_before, read

LOADER = 127  # its status when it cannot load
LOADER_SAYS = re.compile(r": error while loading shared libraries: |"
                         r"^cannot (allocate TLS data structures for initial thread|set up thread-local storage: .*)$", re.MULTILINE)
UNWRITTEN = 7
STATUSES = {1, 2, 3, 6, UNWRITTEN}


def by_loader(status, said):
    """Whether the loader has ended a program, before its first instruction."""
    return status == LOADER and LOADER_SAYS.search(said) is not None


class Command:
    def __init__(self, name, arguments, outputs=(), exact=True, others=(), seams=None, program=STRESS, more=None, most=None,
                 keeps=(), extra=None):
        self.name, self.arguments, self.outputs, self.program = name, arguments, outputs, program
        self.more = more      # other outputs, whose names are not known before: a pattern
        self.keeps = keeps    # files that stay after a failure: it goes on from them
        self.seams = seams    # the names of those that are tried; None: all
        self.most = most      # points a row, of one that is too heavy for all of them
        self.exact = exact    # its outputs are the same each time
        self.others = others  # it starts processes: their calls are refused, too, of these seams
        self.extra = extra    # variables of its environment


# hwloc asks /sys a hundred times what machine this is. `list` and `history` are refused each of these; the runs are without.
LEAN = {"HWLOC_COMPONENTS": "-linux,-x86,no_os"}
OTHERS = ("open", "write ENOSPC, and all after it", "size of a file", "map", "map, and all after it", "unmap",
          "fork, exec, thread")
FEW = ("open", "write ENOSPC, and all after it", "map")
SWAP = ("open", "read EIO", "read EINTR", "read short", "write EIO", "write ENOSPC, and all after it", "write EINTR",
        "write short", "size of a file")  # what an engine with swap calls
COMMANDS = [
    Command("schema", ["schema", "result"]),
    Command("list", ["list"]),
    Command("help", ["help", "table"]),
    Command("plan", ["plan", "job.ini"]),
    Command("fit", ["fit", "t.mtrace", "-o", "fit.out"], ["fit.out"]),
    Command("compare", ["compare", "a.json", "b.json", "--max-regression", "99%", "--json", "c.json", "--junit", "c.xml"],
            ["c.json", "c.xml"]),
    Command("trace info", ["trace", "info", "t.mtrace"]),
    Command("trace check", ["trace", "check", "t.trace"]),
    Command("trace text", ["trace", "text", "t.mtrace", "-o", "out.trace"], ["out.trace"]),
    Command("trace binary", ["trace", "binary", "t.trace", "-o", "out.mtrace"], ["out.mtrace"]),
    Command("trace show", ["trace", "show", "show.trace", "--target", "mems:segmentation", "--json", "show.json"],
            ["show.json"]),
    Command("faults", ["faults", "references", "--frames", "3", "--replacement", "fifo,arc,opt", "--json", "f.json"], ["f.json"]),
    Command("record", ["record", "-o", "r.mtrace", "--", "/usr/bin/sort", "job.ini", "-o", "/dev/null"], ["r.mtrace"],
            exact=False, others=OTHERS),
    Command("replay", ["replay", "t.mtrace", "--target", "mems:slab", "--json", "r.json"], ["r.json"], exact=False,
            others=OTHERS, extra=LEAN),
    Command("run", ["run", "sweep.ini", "--json", "r.json", "--csv", "r.csv", "--junit", "r.xml"],
            ["r.json", "r.csv", "r.xml"], exact=False, others=OTHERS, extra=LEAN),
    Command("run with swap", ["run", "swap.ini", "--json", "r.json"], ["r.json"], exact=False, others=SWAP,
            seams=("open",), extra=LEAN),
    Command("run with a baseline", ["run", "sweep.ini", "--section", "two", "--repeats", "2", "--baseline", "a.json",
                                    "--max-regression", "99%"], exact=False, extra=LEAN,
            seams=("open", "read EIO", "read short", "map")),
    Command("record with children", ["record", "--children", "-o", "r.mtrace", "--", "/bin/sh", "-c",
                                     "sort job.ini > /dev/null; :"], ["r.mtrace"], exact=False, others=FEW,
            more=r"r\.mtrace\.\d+", seams=("open", "write ENOSPC, and all after it", "rename, unlink", "map")),
    Command("explore", ["explore", "explore.ini", "--schedules", "20", "--seed", "3"], exact=False,
            seams=("fork, exec, thread",)),  # it only starts the next one
    Command("explore, its program", ["explore", "explore.ini", "--schedules", "20", "--seed", "3", "--shrink", "3", "--json", "x.json"],
            ["x.json"], exact=False, program=EXPLORE, extra=LEAN),
    # What a cell without memory comes to is kept, as it should be: its process is left to "run".
    Command("run --shard", ["run", "sweep.ini", "--shard", "1/2", "--json", "r.json"], ["r.json"], exact=False, extra=LEAN,
            keeps=("r.json.journal",)),
    Command("merge", ["merge", "s1.json", "s2.json", "--json", "m.json", "--csv", "m.csv"], ["m.json", "m.csv"]),
    Command("history", ["history", "--history", "h.db"], exact=False),  # it asks the system which machine this is
    Command("history export", ["history", "export", "--history", "h.db", "-o", "e.jsonl"], ["e.jsonl"]),
    Command("history import", ["history", "import", "b.json", "--history", "h.db"], ["h.db"], exact=False),
    Command("history prune", ["history", "prune", "--keep", "1", "--history", "h2.db"], ["h2.db"], exact=False),
    Command("report", ["report", "a.json", "-o", "r.html"], ["r.html"]),
    Command("selftest", ["selftest", "aa", "--comparisons", "1", "--repeats", "5", "--target", "null", "--json", "s.json"],
            ["s.json"], exact=False, extra=LEAN,
            seams=("open", "write ENOSPC, and all after it", "map", "map, and all after it", "fork, exec, thread", "wait")),
]


def version_of(command):
    return Command("--version", ["--version"], program=command.program)


def of_the_driver():
    """The commands that the driver says it has; of those that have commands of their own, these."""
    def said(*arguments):
        return subprocess.run([STRESS, *arguments], capture_output=True, text=True, check=True).stdout

    names = []
    for name in re.findall(r"^  ([a-z]+) +[a-z]", said("help").split("Commands:")[1].split("\n\n")[0], re.MULTILINE):
        inner = re.findall(r"^(?:usage:)? +mems-stress %s ([a-z]+) [A-Z]" % name, said(name, "--help"), re.MULTILINE)
        names += ["%s %s" % (name, word) for word in inner] or [name]
    return names


def of_the_sweep():
    """The commands that have rows."""
    return {" ".join(command.arguments[:2] if command.arguments[0] == "trace" else command.arguments[:1])
            for command in COMMANDS}


class Seam:
    def __init__(self, name, calls, error, on=False, harmless=False):
        self.name, self.calls, self.error, self.on = name, calls, error, on
        self.harmless = harmless  # who goes on after it loses nothing: the command succeeds


READS = "read,pread64,readv,getdents64,readlink"
WRITES = "write,writev,pwrite64"
MAPS = "mmap,mremap,brk"
SEAMS = [
    Seam("open", "open,openat,memfd_create,mkdir", "EMFILE"),
    Seam("read EIO", READS, "EIO"),
    Seam("read EINTR", "read,pread64", "EINTR"),
    Seam("read short", "read,pread64", "short", harmless=True),
    Seam("write EIO", WRITES, "EIO"),
    Seam("write ENOSPC, and all after it", WRITES, "ENOSPC", on=True),
    Seam("write EINTR", WRITES, "EINTR"),
    Seam("write short", "write,pwrite64", "short", harmless=True),
    Seam("sync", "fsync,fdatasync", "EIO"),
    Seam("rename, unlink", "rename,renameat2,unlink,unlinkat,rmdir,fchmod", "EACCES"),
    Seam("size of a file", "ftruncate,fallocate", "ENOSPC"),
    Seam("map", MAPS, "ENOMEM"),
    Seam("map, and all after it", MAPS, "ENOMEM", on=True),
    Seam("unmap", "munmap,madvise,mprotect", "ENOMEM"),
    Seam("fork, exec, thread", "clone,clone3,fork,vfork,execve", "EAGAIN"),
    Seam("pipe, pidfd", "pipe2,pidfd_open,dup2,dup3", "EMFILE"),
    Seam("wait", "wait4,waitid,poll,ppoll", "EINTR", harmless=True),
    Seam("lock of a file", "flock", "EIO"),
    Seam("stat", "newfstatat", "EACCES"),
    Seam("affinity", "sched_getaffinity,sched_setaffinity", "EPERM"),
]


class Point:
    """A command once, with one fault (nth 0: without). `fresh`: not after a failure, of which a history has to recover."""

    def __init__(self, folder, command, seam, nth, whose="first", fresh=True):
        self.folder, self.command = folder, command
        self.was = put_before(command, folder, fresh)
        report = os.path.join(folder, "report")
        mark = "%s.%d" % (os.path.basename(folder), nth)
        self.seam = seam
        arguments = [REFUSE, "--calls", seam.calls, "--nth", str(nth), "--with", seam.error, "--report", report,
                     "--whose", whose, "--timeout", str(TIMEOUT_S * 1000), *(["--on"] if seam.on else []), "--",
                     command.program, *command.arguments]
        done = subprocess.run(arguments, cwd=folder, env=environment(mark, command.extra), stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
        if done.returncode == NO_FILTER:
            raise Skip(done.stderr.decode(errors="replace").strip())
        require(done.returncode == 0, "refuse itself: " + done.stderr.decode(errors="replace"))
        with open(report, encoding="utf-8") as file:
            self.report = json.load(file)
        os.unlink(report)
        self.out, self.err = done.stdout, done.stderr
        self.status = self.report["status"]
        nobody_left(mark)
        require(not self.report["orphan"], "a process outlives the command")


class Good:
    """What the command gives without a fault."""

    def __init__(self, point):
        self.out, self.plain = point.out, Plain(point.command, point.folder)


REFUSED = re.compile(r"; up to ([0-9.]+) % refused \(.*\)$")
REFUSED_LEAST = 0.01  # of its allocations: beyond it the verdict's line says what a cell was refused


def conclusion(out):
    """Of a command that prints other figures each time, its last word: what it makes of them; and the share of allocations
    (%) that it says its targets have refused."""
    text = " ".join(out.decode(errors="replace").split())
    refused = REFUSED.search(text)
    return REFUSED.sub("", text).split(" ")[-1], float(refused[1]) if refused else 0.0


def tells_of_refusals(point, good):
    """A target that is given no memory may refuse allocations: it has done nothing wrong. How many they are the verdict's line
    says, as the results have them; and there are none where no memory was refused."""
    documents = [json.loads(read(os.path.join(point.folder, name))) for name in point.command.outputs if name.endswith(".json")]
    cells = [cell for document in documents for cell in document.get("cells", [])]
    shares = [(cell.get("metrics") or {}).get("refused_share") or 0 for cell in cells]
    most = 100 * max((share for share in shares if share > REFUSED_LEAST), default=0)
    told = conclusion(point.out)[1]
    require(not documents or abs(told - most) < 0.06, "%.1f %% of the allocations were refused, and it says %.1f %%" % (most, told))
    memory = point.report["hits"] > 0 and point.seam.calls == MAPS
    require(told == 0 or memory or conclusion(good.out)[1] > 0, "allocations were refused, and no memory was")


def loader_gave_up(point):
    """A cell's process ended in the loader, which takes no half of a read for an answer: the result says so, and of no cell else."""
    content = read(os.path.join(point.folder, "r.json"))
    if point.status != 3 or content in (None, OLD):
        return False
    cells = [cell for cell in json.loads(content)["cells"] if cell["verdict"] != "pass"]
    return bool(cells) and all(cell["verdict"] == "crashed" and cell["evidence"]["phase"] == "start" and
                               by_loader(cell["evidence"]["status"], "\n".join(cell["output"])) for cell in cells)


def judge_sync(point, said):
    """The disk has not taken a file, which is known by its name: then it is not written, if it is an output (a part of one, or
    the journal of a database). What a command keeps to go on with it can do without: it says so. And a folder's it does not hear of."""
    command, name = point.command, point.report["file"]
    output = re.sub(r"\.part-\w{6}$|(?<=\.db)-(journal|wal)$", "", name)
    if output in command.outputs or (command.more and re.fullmatch(command.more, output)):
        require(point.status == UNWRITTEN, "status %d, though the disk has not taken %s" % (point.status, name))
    elif name in command.keeps:
        require("cannot keep" in said and name in said, "not a word of %s, which the disk has not taken" % name)
    else:
        require(name == os.path.basename(point.folder), "who knows the file %s, that is brought to the disk?" % name)


def judge(point, good, whose):
    command, report = point.command, point.report
    said = point.err.decode(errors="replace").strip()
    told = command.arguments[0] == "record" and whose == "others"  # the status is that of the program
    require(not report["hung"], "it hangs")
    require(report["signal"] == 0, "it dies of signal %d: %s" % (report["signal"], said))
    if report["hits"] > 0 and point.seam.harmless:
        loader = whose == "others" and loader_gave_up(point)
        require(point.status == 0 or told or loader, "status %d, though nothing was lost: %s" % (point.status, said))
    if report["hits"] > 0 and point.seam.name == "sync":
        judge_sync(point, said)
    if not told:
        require(point.status in STATUSES | {0}, "status %d: %s" % (point.status, said))
        mute = point.seam.on and point.seam.calls == WRITES  # no word can be written either
        require(said or mute or point.status in (0, 2, 3), "status %d and not a word" % point.status)
    same = point.out == good.out if command.exact else conclusion(point.out)[0] == conclusion(good.out)[0]
    require(point.status != 0 or same or told, "status 0, and standard output is not what it should be")
    examine(command, point.folder, good.plain, 1 if told else point.status, point.was)
    if point.status == 0 and not told and not command.exact:
        tells_of_refusals(point, good)
    documents_hold(point.folder)


def offset(folder, command, seam, whose):
    """How many of the calls are the loader's and the C library's."""
    if whose != "first" or seam.calls == WRITES or "write" in seam.calls.split(","):
        return 0
    return Point(folder, version_of(command), seam, 0).report["calls"]


def chosen(count, dice, most):
    """All numbers up to `count`, or so many, the first and the last among them, the others by chance."""
    if count <= most:
        return range(1, count + 1)
    return sorted({1, count, *dice.sample(range(2, count), most - 2)})


def sweep(ground, command, seam, whose, dice, most):
    """Every N until a run has fewer calls than N; where there are more than `most`, some. Where a call
    was refused, what was tried, of how many."""
    folder = ground.folder()
    plain = Point(folder, command, seam, 0, whose)
    require(plain.status == 0, "without a fault: status %d: %s" % (plain.status, plain.err.decode()))
    good = Good(plain)
    before = sorted(os.listdir(folder))
    start = offset(folder, command, seam, whose)
    count = max(0, plain.report["calls"] - start)
    numbers, struck = chosen(count, dice, most), 0
    for nth in numbers:
        point = Point(folder, command, seam, start + nth, whose)
        struck += point.report["hits"] > 0
        try:
            judge(point, good, whose)
            parts = [name for name in left_behind(folder) if ".part-" in name and seam.name != "rename, unlink"]
            require(not parts, "left when it failed: " + ", ".join(parts))
            again = Point(folder, command, seam, 0, whose, fresh=False)
            require(again.status == 0, "again without the fault: status %d: %s" % (again.status, again.err.decode()))
            judge(again, good, "first")
            require(not left_behind(folder), "left: " + ", ".join(left_behind(folder)))
            left = sorted(set(os.listdir(folder)) - set(before) - set(more_of(command, folder)))
            require(not left, "left: %s" % left)
        except Fault as fault:
            raise Fault("%s, %s number %d after %d (%s), %s refused with %s: %s" % (
                command.name, seam.calls, nth, start, point.report["last"], whose, seam.error, fault)) from None
    return struck, len(numbers), count


def judge_start(point, good):
    """A process that was refused a call before main(): it is as ever, or says why it is not and has said nothing else."""
    report, said = point.report, point.err.decode(errors="replace")
    mapped = point.seam.calls == MAPS and report["signal"] in (6, 11)  # the loader, where it has no memory for a word
    ended = by_loader(report["status"], said) or mapped or \
        (report["status"] == 126 and report["last"] == "execve") or \
        (report["status"] == UNWRITTEN and point.seam.calls == WRITES and (said or point.seam.on))
    right = report["status"] == 0 and report["signal"] == 0 and point.out == good.out
    require(not report["hung"], "it hangs")
    require(right or (ended and report["hits"] > 0 and not point.out), "status %d, signal %d: %s%s" % (
        report["status"], report["signal"], said, point.out.decode(errors="replace")))


def start_up(ground, dice, most):
    """The loader's and the C library's calls, once, of `mems-stress --version`."""
    version = version_of(COMMANDS[0])
    folder = ground.folder()
    good = Point(folder, version, SEAMS[0], 0)
    struck = tried = total = 0
    for seam in SEAMS:
        count = Point(folder, version, seam, 0).report["calls"]
        total += count
        for nth in chosen(count, dice, most):
            point = Point(folder, version, seam, nth)
            try:
                judge_start(point, good)
            except Fault as fault:
                raise Fault("%s number %d of the start, refused with %s: %s" % (seam.calls, nth, seam.error, fault)) from None
            struck += point.report["hits"] > 0
            tried += 1
    return struck, tried, total


def row_of(command, seam, whose):
    return lambda ground, dice, most: sweep(ground, command, seam, whose, dice, most)


ROWS = [
    *[("driver: " + command.name, seam.name, row_of(command, seam, "first"))
      for command in COMMANDS for seam in SEAMS if command.seams is None or seam.name in command.seams],
    *[("driver: %s, processes it starts" % command.name, seam.name, row_of(command, seam, "others"))
      for command in COMMANDS for seam in SEAMS if seam.name in command.others],
    ("driver: start of a process", "all", start_up),
]
