# SPDX-License-Identifier: MIT
#
# borrow.py - a mutant's programs out of a build that is there: only what the patch touches is compiled.
#
# The build's files are linked into a folder of ours (hard links: no bytes are copied), and of the commands that ninja has
# for the programs those are run there that compile a touched source, now the mutated one, and all that archive and link.
# What a command writes is unlinked first, so that the build itself stays as it is. A patch of a header is refused: who
# includes it is ninja's to know.

import os
import re
import shutil
import subprocess

from tree import Failed

PARTS = ("lib", "stress") # of the build
PROGRAMS = ("stress/mems-stress", "stress/mems-stress-explore", "lib/libmems-malloc.so")


def touched(mutant):
    """The sources that the patch changes."""
    with open(mutant.path, encoding="utf-8") as file:
        paths = re.findall(r"^\+\+\+ b/(\S+)", file.read(), re.MULTILINE)
    if not all(path.endswith(".c") for path in paths):
        raise Failed(f"--borrow: {mutant.name} touches {', '.join(paths)}; only sources can be exchanged")
    return paths


def chosen(commands, sources, root, tree):
    """Of the build's commands those to run, with the tree's sources in place of the build's."""
    for command in commands:
        source = re.search(r" -c (\S+)$", command)
        if source is None:
            if command.startswith(": && "): # ninja's archives and links
                yield command
        elif os.path.relpath(source[1], root) in sources:
            yield command[:source.start(1)] + os.path.join(tree, os.path.relpath(source[1], root))


def outputs(command):
    return re.findall(r" -o (\S+)| qc (\S+\.a)", command)


def share(build, folder):
    """The build's files, under their names, in the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in PARTS:
        for place, _, names in os.walk(os.path.join(build, part)):
            there = os.path.join(folder, os.path.relpath(place, build))
            os.makedirs(there, exist_ok=True)
            for name in names:
                try:
                    os.link(os.path.join(place, name), os.path.join(there, name), follow_symlinks=False)
                except OSError: # another file system
                    shutil.copy2(os.path.join(place, name), os.path.join(there, name), follow_symlinks=False)


def root_of(build):
    """The sources that the build is of."""
    try:
        with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
            return re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", file.read(), re.MULTILINE)[1]
    except OSError as error:
        raise Failed(f"--borrow: {build} is no build: {error}") from error


def borrowed(build, mutant, tree, work):
    """The folder with the mutant's programs; `tree` has its sources."""
    build, folder = os.path.abspath(build), os.path.join(work, "borrowed")
    sources = touched(mutant)
    asked = subprocess.run(["ninja", "-C", build, "-t", "commands", *PROGRAMS], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        raise Failed(f"{build}: {asked.stderr.strip() or asked.stdout.strip()}")
    share(build, folder)
    compiled = 0
    for command in chosen(asked.stdout.splitlines(), sources, root_of(build), tree):
        compiled += " -c " in command
        for names in outputs(command):
            path = os.path.join(folder, names[0] or names[1])
            if os.path.lexists(path):
                os.remove(path)
        done = subprocess.run(command, shell=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{command} fails:\n{done.stdout[-3000:]}")
    if compiled == 0:
        raise Failed(f"{build}: nothing there is compiled from {', '.join(sources)}")
    return folder
