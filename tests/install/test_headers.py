# SPDX-License-Identifier: MIT
#
# test_headers.py - each public header alone is a whole program to every compiler there is, in C and in C++.

import os
import shutil
import subprocess
import unittest

SOURCE = os.environ["MEMS_SOURCE"]
INCLUDE = os.path.join(SOURCE, "lib/include")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", INCLUDE]
COMPILERS = [(compiler, language) for language, compilers in
             {"c": ("gcc", "clang"), "c++": ("g++", "clang++")}.items()
             for compiler in compilers if shutil.which(compiler)]


class Headers(unittest.TestCase):
    def headers(self):
        names = sorted(os.listdir(os.path.join(INCLUDE, "mems")))
        self.assertIn("engine.h", names)
        return [f"mems/{name}" for name in names]

    def complaint(self, compiler, language, text):
        done = subprocess.run([compiler, "-x", language, f"-std={language}17", *STRICT, "-"], input=text, text=True,
                              capture_output=True, check=False)
        return done.stderr if done.returncode else ""

    def test_alone_and_twice(self):
        for header in self.headers():
            for compiler, language in COMPILERS:
                with self.subTest(header=header, compiler=compiler):
                    text = f"#include <{header}>\n#include <{header}>\nint main(void) {{ return 0; }}\n"
                    self.assertEqual(self.complaint(compiler, language, text), "")

    def test_all_together(self):
        names = self.headers()
        for order in (names, names[::-1]):
            for compiler, language in COMPILERS:
                with self.subTest(order=order, compiler=compiler):
                    text = "".join(f"#include <{name}>\n" for name in order)
                    self.assertEqual(self.complaint(compiler, language, text + "int main(void) { return 0; }\n"), "")

    def test_a_bad_header_is_seen(self):
        compiler, language = COMPILERS[0]
        self.assertNotEqual(self.complaint(compiler, language, "uint64_t x;\n"), "")


if __name__ == "__main__":
    unittest.main()
