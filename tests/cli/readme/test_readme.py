#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_readme.py - does what the README tells a newcomer to type work?
#
# usage: test_readme.py SOURCE README BUILD CC
#
# Every fenced block of the README is tried: sh lines that begin with mems-stress or name build/release run here with BUILD in
# its place (a line that bootstrap.sh or git begins is somebody else's test); so does what stands behind a $ in a block of text;
# an ini block is run; the C block is compiled,
# linked with libmems and run; the compiler's line is run on the smallest course program. A block nobody knows is an error,
# so that none goes untried.

import os
import re
import subprocess
import sys
import tempfile

source, readme, build, cc = os.path.abspath(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3]), sys.argv[4]
os.environ["MEMS_STRESS_NO_HISTORY"] = "1"  # but for lines that name a history
text = open(readme, encoding="utf-8").read()
blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
assert blocks, f"{readme}: no fenced block"


def run(command, folder, **more):
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            shell=isinstance(command, str), timeout=100, **more)
    if result.returncode != 0:
        sys.exit(f"{readme}: {command}\nexit status {result.returncode}\n{result.stdout}")
    return result.stdout


def try_line(line, folder):
    if line.startswith(("git clone", "./bootstrap.sh")):
        return False
    if line.startswith("cc "):
        with open(os.path.join(folder, "mine.c"), "w", encoding="utf-8") as file:
            file.write('#include "mems.h"\nint main(void) { mems_init(); return mems_malloc(9) == NULL; }\n')
        line = line.replace("cc ", cc + " ", 1).replace("build/release", build).replace("$PWD", "")
        run(line.replace("lib/include", os.path.join(source, "lib/include")), folder)
        run(["./a.out"], folder)
        return True
    if line.startswith("mems-stress "):
        line = "build/release/stress/" + line
    if not line.startswith(("build/release/", "bench/")):
        sys.exit(f"{readme}: a command that this test does not know: {line}")
    line = line.replace(" stress/jobs/", " " + os.path.join(source, "stress/jobs/"))
    run(line.replace("build/release", build, 1), folder)
    return True


def try_c(code, folder):
    top, bottom = code.split("\n\n", 1)
    with open(os.path.join(folder, "engine.c"), "w", encoding="utf-8") as file:
        file.write(f"#include <stddef.h>\n{top}\nint main(void)\n{{\n{bottom}\nreturn 0;\n}}\n")
    run([cc, "-Wall", "-Werror", "engine.c", "-I", os.path.join(source, "lib/include"), "-L", build + "/lib", "-lmems",
         f"-Wl,-rpath,{build}/lib", "-o", "engine"], folder)
    run(["./engine"], folder)


def try_ini(job, folder):
    path = os.path.join(folder, "mine.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r"runtime = \w+", "runtime = 50ms", job))
    run([build + "/stress/mems-stress", "run", path], folder)


tried = 0
with tempfile.TemporaryDirectory() as here:
    for language, block in blocks:
        if language == "c":
            try_c(block, here)
            tried += 1
        elif language == "ini":
            try_ini(block, here)
            tried += 1
        elif language == "sh":
            tried += sum(try_line(line, here) for line in block.splitlines() if line)
        elif language == "text":
            tried += sum(try_line(line[2:], here) for line in block.splitlines() if line.startswith("$ "))
        else:
            sys.exit(f"{readme}: a block of an unknown kind '{language}' (sh, ini, c and text are known)")
print(f"{tried} pieces of {readme} work")
