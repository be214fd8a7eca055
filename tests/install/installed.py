# SPDX-License-Identifier: MIT
#
# installed.py - what the tests of an installation share: an installation that was staged and then moved, and programs
# to call.
#
# MEMS_SOURCE and MEMS_BUILD are the tops of the tree and of its build; MEMS_CC and MEMS_CXX its compilers.

import os
import shutil
import subprocess
import tempfile
import unittest

SOURCE, BUILD = os.environ["MEMS_SOURCE"], os.environ["MEMS_BUILD"]
CC, CXX = os.environ["MEMS_CC"], os.environ["MEMS_CXX"]


def run(*command, status=0, **more):
    """Standard output of a command that ends with `status`."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    """cls.prefix is an installation, staged by DESTDIR for another place than it is in."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mems-install-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        stage = os.path.join(cls.folder, "stage")
        run("cmake", "--install", BUILD, "--prefix", "/opt/mems", env={**os.environ, "DESTDIR": stage})
        cls.prefix = os.path.join(cls.folder, "moved")
        os.rename(os.path.join(stage, "opt/mems"), cls.prefix)
        cls.left = os.listdir(stage) + os.listdir(os.path.join(stage, "opt"))
        cls.program = os.path.join(cls.prefix, "bin/mems-stress")
        found = run("find", cls.prefix, "-name", "libmems.a").split()
        cls.libdir = os.path.dirname(found[0])

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)
