# SPDX-License-Identifier: MIT
#
# test_pair.py - the shortest way through malloc and free is as short as its goal says: counted, so the same on any
# machine.

import os
import shutil
import sys
import types
import unittest

sys.path.insert(0, os.environ["MEMS_BENCH"])

import dropin  # noqa: E402


@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not there")
class Pair(unittest.TestCase):
    def test_instructions(self):
        build = os.environ["MEMS_BUILD"]
        bench = types.SimpleNamespace(build=build, smoke=True)
        library = types.SimpleNamespace(name=dropin.OURS, path=os.path.join(build, "lib", "libmems-malloc.so"))
        for size, limit in dropin.SIZES.items():
            with self.subTest(size=size):
                if limit:
                    self.assertLessEqual(dropin.loop_instructions(bench, library, size), limit)


if __name__ == "__main__":
    unittest.main()
