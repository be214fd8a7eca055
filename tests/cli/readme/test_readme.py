#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_readme.py - does what a README tells a newcomer to type work?
#
# usage: test_readme.py README BUILD CC           its blocks and commands, but for those that commands.py gives to others
#        test_readme.py --full README BUILD CC    those that commands.py has in FULL, in the tree itself
#
# Every fenced block is tried: commands are typed in a folder that looks like the tree with BUILD as its build/release; an ini
# block is run; the C block is compiled, linked with libmems and run. A block nobody knows is an error, so that none goes
# untried. The line that compiles mine.c has the smallest course program.

import os
import re
import shutil
import subprocess
import sys
import tempfile

import commands

MINE = '#include "mems.h"\nint main(void) { mems_init(); return mems_malloc(9) == NULL; }\n'


def fail(what, output=""):
    sys.exit(f"{what}\n{output}")


class Place:
    """A folder that looks like the tree, for one README."""

    def __init__(self, folder, readme, build, cc):
        self.folder, self.readme, self.build, self.cc, self.tried = folder, readme, build, cc, 0
        for name in os.listdir(commands.TREE):
            if name not in ("build", "results") and not name.startswith("."):
                os.symlink(os.path.join(commands.TREE, name), os.path.join(folder, name))
        for made in ("build", "results/local", "bin"):
            os.makedirs(os.path.join(folder, made))
        os.symlink(build, os.path.join(folder, "build/release"))
        os.symlink(os.path.join(commands.TREE, "results/demo"), os.path.join(folder, "results/demo"))
        with open(os.path.join(folder, "bin/cc"), "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {shutil.which(cc)} "$@"\n')
        os.chmod(os.path.join(folder, "bin/cc"), 0o755)
        self.write("mine.c", MINE)
        self.environment = {**os.environ, "MEMS_STRESS_NO_HISTORY": "1", # but for lines that name a history
                            "PATH": f"{folder}/bin:{build}/stress:{os.environ['PATH']}"}

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, command, allowed=(0,)):
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=100, check=False)
        if done.returncode not in allowed:
            fail(f"{self.readme}: {command}\nexit status {done.returncode}", done.stdout)
        self.tried += 1

    def type(self, command):
        self.run(commands.shorter(command), commands.statuses(command))
        if command.startswith("cc mine.c"):
            self.run("./a.out")

    def c(self, code):
        top, bottom = code.split("\n\n", 1)
        self.write("engine.c", f"#include <stddef.h>\n{top}\nint main(void)\n{{\n{bottom}\nreturn 0;\n}}\n")
        self.run("cc -Wall -Werror engine.c -I lib/include -L build/release/lib -lmems"
                 " -Wl,-rpath,$PWD/build/release/lib -o engine && ./engine")

    def ini(self, job):
        self.write("mine.ini", re.sub(r"runtime = \w+", "runtime = 50ms", job))
        self.run("mems-stress run mine.ini")


def short(readme, build, cc):
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder, readme, build, cc)
        for language, block in commands.blocks(readme):
            if language == "c":
                place.c(block)
            elif language == "ini":
                place.ini(block)
            elif language not in ("sh", "text"):
                fail(f"{readme}: a block of an unknown kind '{language}' (sh, ini, c and text are known)")
        for command in filter(commands.own, commands.commands(readme)):
            place.type(command)
    print(f"{place.tried} pieces of {readme} work")


def full(readme):
    tried = 0
    for command in commands.commands(readme):
        entry = commands.row(commands.FULL, command)
        if entry is not None:
            print(f"$ {commands.shorter(command)}", flush=True)
            status = subprocess.run(["bash", "-c", commands.shorter(command)], cwd=commands.TREE, check=False).returncode
            if status not in entry[1]:
                fail(f"{readme}: {command}\nexit status {status}")
            tried += 1
    print(f"{tried} commands of {readme} work")


if __name__ == "__main__":
    if sys.argv[1] == "--full":
        full(sys.argv[2])
    else:
        short(sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3])
