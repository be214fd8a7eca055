# SPDX-License-Identifier: MIT
#
# allocators.py - whose malloc: where the shared objects are, and the proof that a program really ran on one.
#
# 1. Every allocator is preloaded, the C library's too: a program that is linked with another one (Debian's redis with
#    jemalloc) then runs on the C library's as the others do on theirs.
# 2. LD_PRELOAD of a file that is not there is a warning to the dynamic loader, of a static or set-user-id program it
#    is nothing at all. So nothing is believed: one run of each program on each allocator writes down which object the
#    loader bound every reference to malloc to (LD_DEBUG=bindings, a file a process, those of children included), and
#    each has to be the allocator's.

import glob
import os
import re

FOLDERS = ("/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")

# Name, file, and what installs it. Ours is the last.
KNOWN = {
    "glibc": ("libc.so.6", "libc6"),
    "jemalloc": ("libjemalloc.so.2", "libjemalloc2"),
    "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
    "mimalloc": ("libmimalloc.so.2*", "libmimalloc2.0"),
    "mems": ("libmems-malloc.so", "./bootstrap.sh build"),
}
OURS = "mems"
BASE = "glibc"

BINDING = re.compile(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: \w+ symbol `malloc'")


class Missing(Exception):
    pass


class Allocator:
    def __init__(self, name, path):
        self.name, self.path = name, os.path.realpath(path)
        if re.search(r"[:\s]", self.path):
            raise Missing(f"{name}: {self.path}: LD_PRELOAD cannot carry a colon or a space")

    def target(self):
        """As mems-stress writes it."""
        return "libc" if self.name == BASE else f"preload:{self.path}"

    def same(self, path):
        return os.path.realpath(path) == self.path

    def version(self):
        """What the file's name ends with, behind the links to it."""
        return os.path.basename(self.path)


def find(name, build):
    file, source = KNOWN[name]
    folders = (os.path.join(build, "lib"),) if name == OURS else FOLDERS
    for folder in folders:
        found = sorted(glob.glob(os.path.join(folder, file)))
        if found:
            return Allocator(name, found[0])
    raise Missing(f"{name}: no {file} in {', '.join(folders)} ({source})")


def choose(text, build):
    """Allocators of "NAME,NAME=PATH,...", or all known ones that are there, and what is missing of these."""
    chosen, absent = {}, []
    if text is None:
        for name in KNOWN:
            try:
                chosen[name] = find(name, build)
            except Missing as error:
                absent.append(str(error))
        return list(chosen.values()), absent
    for item in text.split(","):
        name, _, path = item.partition("=")
        if name in chosen:
            raise Missing(f"{name}: named twice")
        if path:
            if not os.path.isfile(path):
                raise Missing(f"{name}: {path}: no such file")
            chosen[name] = Allocator(name, path)
        elif name in KNOWN:
            chosen[name] = find(name, build)
        else:
            raise Missing(f"'{name}': known are {', '.join(KNOWN)}; others with their path, as newer=/opt/lib/libnewer.so")
    return list(chosen.values()), absent


def debugging(prefix):
    """The environment that has the loader write its bindings to PREFIX.PID."""
    return {"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": prefix}


def disproof(allocator, prefix):
    """Why the processes that wrote PREFIX.* did not run on the allocator; None when all of them did."""
    files = glob.glob(glob.escape(prefix) + ".*")
    bound = 0
    for file in files:
        with open(file, encoding="utf-8", errors="replace") as lines:
            found = [BINDING.search(line) for line in lines if "malloc'" in line]
        answers = {match[1]: match[2] for match in found if match}
        bound += len(answers)
        for object_, answer in answers.items():
            # A program that is not position independent stands in for malloc with its own stub, which is bound in turn.
            if answer in answers and not allocator.same(answer):
                answer = answers[answer]
            if not allocator.same(answer):
                return f"malloc of {object_} was answered by {answer}, not by {allocator.path}"
    if not files:
        return "the dynamic loader did not run: a static or set-user-id program"
    return None if bound else "no reference to malloc was bound: nothing says on which malloc it ran"
