# SPDX-License-Identifier: MIT
#
# test_readme.py - what lib/malloc/README.md says of the drop-in malloc: its commands, its knobs.
#
# MEMS_SOURCE and MEMS_BUILD are the tops of the tree and of its build, MEMS_CC the compiler.

import os
import re
import subprocess
import tempfile
import unittest

SOURCE, BUILD, CC = os.environ["MEMS_SOURCE"], os.environ["MEMS_BUILD"], os.environ["MEMS_CC"]
with open(os.path.join(SOURCE, "lib/malloc/README.md"), encoding="utf-8") as readme:
    PAGE = readme.read()

# Whose malloc it has is told by what only ours does with a second free.
PROGRAM = r"""
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
    void *volatile block = calloc(1, 100);
    if (fork() == 0) {
        close(2);
        free(block);
        free(block);
        _exit(0);
    }
    int status;
    wait(&status);
    free(realloc(block, 1000));
    return !(WIFSIGNALED(status) && WTERMSIG(status) == 6);
}
"""


def run(command, folder, **more):
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=100, check=False,
                          env={**os.environ, **more})


class Readme(unittest.TestCase):
    def test_commands(self):
        commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
        self.assertTrue(commands)
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "build"))
            os.symlink(BUILD, os.path.join(folder, "build/release"))
            os.symlink(os.path.join(SOURCE, "README.md"), os.path.join(folder, "README.md"))
            with open(os.path.join(folder, "program.c"), "w", encoding="utf-8") as file:
                file.write(PROGRAM)
            for command in commands:
                outcome = run(re.sub(r"^cc ", CC + " ", command), folder)
                self.assertEqual(outcome.returncode, 0, (command, outcome.stderr))
                said = "mems-malloc: the heap\n" if "print=stats" in command else ""
                self.assertEqual(outcome.stderr[:len(said) or None], said, command)

    def test_knobs(self):
        rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (\w+) \|", PAGE, re.M)
        self.assertTrue(rows)
        library = os.path.join(BUILD, "lib/libmems-malloc.so")
        said = run("true", "/", LD_PRELOAD=library, MEMS_MALLOC_CONF="nosuch=1").stderr
        names = ", ".join(name for name, _, _ in rows)
        self.assertIn("the options are " + names + "\n", said)
        for name, values, standard in rows:
            said = run("true", "/", LD_PRELOAD=library, MEMS_MALLOC_CONF=name + "=nosuch").stderr
            self.assertTrue(values in said or values.replace(", ", "|") in said, (values, said))
            right = run("true", "/", LD_PRELOAD=library, MEMS_MALLOC_CONF=name + "=" + standard)
            self.assertEqual((right.returncode, right.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
