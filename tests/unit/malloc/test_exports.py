# SPDX-License-Identifier: MIT
#
# test_exports.py - either library has the names of lib/malloc/exports.txt, and no other.
#
# MEMS_SOURCE and MEMS_BUILD are the tops of the tree and of its build.

import os
import subprocess
import unittest

SOURCE, BUILD = os.environ["MEMS_SOURCE"], os.environ["MEMS_BUILD"]


def defined(name, *options):
    listed = subprocess.run(["nm", "--defined-only", *options, os.path.join(BUILD, "lib", name)], check=True,
                            capture_output=True, text=True).stdout
    return {line.split()[-1] for line in listed.splitlines() if len(line.split()) == 3}


class Exports(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(SOURCE, "lib/malloc/exports.txt"), encoding="ascii") as file:
            self.names = set(file.read().split())

    def test_shared(self):
        self.assertEqual(defined("libmems-malloc.so", "-D"), self.names)

    def test_archive(self):
        self.assertEqual(defined("libmems-malloc.a", "-g"), self.names)

    def test_archive_is_one_object(self):
        # Else the linker could take some of the family, and the C library's malloc beside it.
        listed = subprocess.run(["ar", "t", os.path.join(BUILD, "lib/libmems-malloc.a")], check=True,
                                capture_output=True, text=True).stdout
        self.assertEqual(len(listed.split()), 1)


if __name__ == "__main__":
    unittest.main()
