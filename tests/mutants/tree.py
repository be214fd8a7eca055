# SPDX-License-Identifier: MIT
#
# tree.py - the mutated copy of the sources, and its builds.
#
# One copy, WORK/tree, is brought to the sources' state before each mutant: a file is written only where it differs, so
# that a build compiles what the last mutant and this one changed, and nothing else (the compiler cache spares the former).
# A file that is written back gets a new time: the object that the mutant left is older.

import fcntl
import os
import shutil
import subprocess

from patches import ROOT, apply

PARTS = ("CMakeLists.txt", "lib", "stress", "bench")
TESTS = ("tests", "results", "README.md", "CMakePresets.json", "bootstrap.sh")
SETTINGS = {
    "release": ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF"],
    "hostile": ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DBUILD_TESTING=OFF", "-DMEMS_CHECK_RANKS=ON", "-DMEMS_HOSTILE=ON"],
    "tsan": ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DBUILD_TESTING=OFF", "-DMEMS_CHECK_RANKS=ON", "-DMEMS_SANITIZE=thread"],
    "unranked": ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DBUILD_TESTING=OFF", "-DMEMS_CHECK_RANKS=OFF", "-DMEMS_HOSTILE=ON"],
    "tests": ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=ON"],
    "faults": ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=ON"],  # tests/planted
    "fuzz": ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DBUILD_TESTING=ON", "-DCMAKE_C_COMPILER=clang",
             "-DCMAKE_CXX_COMPILER=clang++", "-DMEMS_CHECK_RANKS=ON", "-DMEMS_FUZZ=ON", "-DMEMS_SANITIZE=address,undefined"],
}


class Failed(Exception):
    """The copy does not build."""


class Tree:
    """The copy in one folder of work, which nobody else uses meanwhile."""

    def __init__(self, work, jobs):
        self.work = os.path.abspath(work)
        self.folder = os.path.join(self.work, "tree")
        self.jobs = jobs
        os.makedirs(self.folder, exist_ok=True)
        self.lock = open(os.path.join(self.work, "lock"), "w", encoding="ascii")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Failed(f"{self.work}: another run is at work there; give this one another --work") from error

    def restore(self, parts=PARTS):
        """The sources as they are."""
        wanted = set()
        for part in parts:
            for path in files_below(part):
                wanted.add(path)
                write_if_other(os.path.join(ROOT, path), os.path.join(self.folder, path))
        for part in parts:
            for path in files_below(part, self.folder):
                if path not in wanted:
                    os.remove(os.path.join(self.folder, path))

    def mutate(self, mutants, parts=PARTS):
        """The sources with these in them."""
        self.restore(parts)
        for mutant in mutants:
            apply(mutant, self.folder)

    def build(self, kind, targets):
        """Builds the targets; returns the folder of the build."""
        folder = os.path.join(self.work, kind)
        if not os.path.exists(os.path.join(folder, "build.ninja")):
            cache = ["-DCMAKE_%s_COMPILER_LAUNCHER=ccache" % language for language in ("C", "CXX")]
            self.call(["cmake", "-G", "Ninja", "-S", self.folder, "-B", folder, *SETTINGS[kind],
                       *(cache if shutil.which("ccache") else [])])
        self.call(["ninja", "-C", folder, *(["-j", str(self.jobs)] if self.jobs else []), *targets])
        return folder

    @staticmethod
    def call(command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)} fails:\n{done.stdout[-3000:]}")


def files_below(part, root=ROOT):
    """Paths, from the root on, of the files of a part."""
    start = os.path.join(root, part)
    if os.path.isfile(start):
        yield part
    for folder, folders, names in os.walk(start):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def write_if_other(source, target):
    with open(source, "rb") as file:
        content = file.read()
    try:
        with open(target, "rb") as file:
            if file.read() == content:
                return
    except OSError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(content)
    shutil.copymode(source, target)
