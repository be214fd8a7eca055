# SPDX-License-Identifier: MIT
#
# test_new.py - operator new runs out of memory where libstdc++ came late, or is linked in.
#
# MEMS_BUILD is the top of the build, MEMS_CC and MEMS_CXX are the compilers.

import os
import shutil
import subprocess
import tempfile
import unittest

LIB = os.path.join(os.environ["MEMS_BUILD"], "lib")
CC, CXX = os.environ["MEMS_CC"], os.environ["MEMS_CXX"]

LATE = r"""
#include <dlfcn.h>
#include <stdint.h>
int main(void)
{
    void *(*new_one)(unsigned long) = dlsym(RTLD_DEFAULT, "_Znwm");
    return dlopen("libstdc++.so.6", RTLD_NOW) == 0 || new_one == 0 || new_one(SIZE_MAX / 2) == 0;
}
"""

LINKED = r"""
#include <cstdint>
#include <new>
#include <unistd.h>
static int calls;
static void handler()
{
    if (++calls == 3) {
        std::set_new_handler(nullptr);
    }
}
int main(int argc, char **)
{
    volatile std::size_t huge = SIZE_MAX / 2 - 64;
    if (argc == 2) {
        std::set_new_handler(handler);
    }
    try {
        ::operator delete(::operator new(huge));
    } catch (const std::bad_alloc &) {
        return ::operator new(huge, std::nothrow) == nullptr && calls == (argc == 2 ? 3 : 0) ? 0 : 1;
    }
    return 2;
}
"""


class New(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = os.path.join(folder.name, "program")

    def build(self, compiler, language, text, *options):
        subprocess.run([compiler, "-w", "-O1", "-x", language, "-", "-x", "none", *options, "-o", self.program],
                       input=text, text=True, check=True)

    def test_library_that_came_late_throws(self):
        self.build(CC, "c", LATE)
        outcome = subprocess.run([self.program], capture_output=True, text=True, check=False,
                                 env={**os.environ, "LD_PRELOAD": os.path.join(LIB, "libmems-malloc.so")})
        self.assertEqual(outcome.returncode, -6, outcome.stderr)
        self.assertIn("terminate called after throwing an instance of 'std::bad_alloc'", outcome.stderr)

    @unittest.skipUnless(shutil.which(CXX), "no C++ compiler")
    def test_static_program_throws(self):
        for link in "-static", "-static-pie":
            self.build(CXX, "c++", LINKED, link, os.path.join(LIB, "libmems-malloc.a"))
            for arguments in [], ["handler"]:
                outcome = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False)
                self.assertEqual((outcome.returncode, outcome.stderr), (0, ""), (link, arguments))


if __name__ == "__main__":
    unittest.main()
