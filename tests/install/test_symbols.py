# SPDX-License-Identifier: MIT
#
# test_symbols.py - libmems.so exports what lib/libmems.symbols lists, and what the sources make public has a line there.
#
# MEMS_SOURCE and MEMS_BUILD are the tops of the tree and of its build.

import os
import re
import subprocess
import unittest

SOURCE, BUILD = os.environ["MEMS_SOURCE"], os.environ["MEMS_BUILD"]
LIST = os.path.join(SOURCE, "lib/libmems.symbols")
WHAT_TO_DO = ("lib/libmems.symbols: %s. A new function of a public header gets a line 'NAME VERSION', VERSION being the "
              "one in CMakeLists.txt; a function that is not for users is not declared between the visibility pragmas of "
              "lib/include/mems. A line goes only together with a new major version.")


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], capture_output=True, text=True, check=True).stdout


def defined(name, table):
    """Symbols that are defined and visible: name -> version node."""
    found = {}
    for line in readelf(table, os.path.join(BUILD, "lib", name)).splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[4] in ("GLOBAL", "WEAK") and fields[5] == "DEFAULT" and fields[6] not in ("UND", "ABS"):
            symbol, _, node = fields[7].partition("@@")
            found[symbol] = node
    return found


class Symbols(unittest.TestCase):
    def setUp(self):
        with open(LIST, encoding="ascii") as file:
            lines = [line.split() for line in file if not line.startswith("#")]
        self.listed = {name: version for name, version in lines}
        self.assertEqual(len(self.listed), len(lines), "a name is listed twice")
        with open(os.path.join(SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
            self.version = file.read().split("project(mems VERSION ")[1].split()[0]

    def test_sorted_and_not_of_the_future(self):
        self.assertEqual(list(self.listed), sorted(self.listed))
        number = lambda version: [int(part) for part in version.split(".")]
        for name, version in self.listed.items():
            self.assertTrue(re.fullmatch(r"\d+\.\d+\.\d+", version), name)
            self.assertLessEqual(number(version), number(self.version), name)

    def test_exported(self):
        exported = defined("libmems.so", "--dyn-syms")
        self.assertEqual(set(exported), set(self.listed), WHAT_TO_DO % "what the library exports differs")
        self.assertEqual(set(exported.values()), {"MEMS_" + self.version.split(".")[0]})

    def test_what_the_sources_make_public_is_listed(self):
        # The archive has every object, before the linker's script takes what has no line.
        public = set(defined("libmems.a", "--syms"))
        for name in sorted(public - set(self.listed)):
            self.fail(WHAT_TO_DO % f"{name} is public and has no line")
        for name in sorted(set(self.listed) - public):
            self.fail(WHAT_TO_DO % f"{name} has a line and is gone")


if __name__ == "__main__":
    unittest.main()
