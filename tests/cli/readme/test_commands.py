#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_commands.py - every command of every README is tried by somebody: what commands.py says of them is whole, and true.
#
# MEMS_BUILD is the top of the build, whose tests are asked for by name.

import json
import os
import re
import subprocess
import unittest

import commands

READMES = commands.readmes()
ALL = {readme: commands.commands(readme) for readme in READMES}


class Commands(unittest.TestCase):
    def test_they_are_found(self):
        self.assertIn("README.md", READMES)
        self.assertIn("stress/README.md", READMES)
        self.assertGreater(sum(map(len, ALL.values())), 150)
        self.assertEqual(commands.typed("a b   c     # said\nd \\\n    e\n# only said\n"), ["a b c", "d e"])
        self.assertTrue(commands.BEGINNING.match("bench/goals pair"))
        self.assertFalse(commands.BEGINNING.match("tests/unit/target"))

    def test_each_readme_has_its_test(self):
        with open(os.path.join(os.path.dirname(__file__), "CMakeLists.txt"), encoding="utf-8") as file:
            tested = set(re.search(r"set\(readmes\s([^)]*)\)", file.read()).group(1).split())
        self.assertEqual(tested, {readme.removesuffix(".md") for readme in READMES
                                  if commands.blocks(readme) or any(map(commands.own, ALL[readme]))})

    def test_blocks_of_text_hide_no_command(self):
        for readme in READMES:
            for language, block in commands.blocks(readme):
                self.assertIn(language, ("sh", "text", "ini", "c"), readme)
                if language == "text":
                    for line in block.splitlines():
                        self.assertFalse(commands.BEGINNING.match(line), f"{readme}: not typed: {line}")

    def test_each_row_is_needed(self):
        lines = [command for found in ALL.values() for command in found]
        for table in (commands.ELSEWHERE, commands.FULL):
            for entry in table:
                self.assertTrue(any(commands.row(table, line) is entry for line in lines), entry[0])

    def test_a_command_is_known(self):
        """What its README's test types begins with a program; a placeholder has a row."""
        for readme, found in ALL.items():
            for command in filter(commands.own, found):
                self.assertRegex(command, r"^(build/release/|mems-stress |cc )", f"{readme}: nobody tries this command")
                self.assertNotRegex(command, r" (JOB|FILE|NAME|KEY|WHAT|TARGET|PROGRAM)\b", f"{readme}: nobody tries this")

    def test_others_are_there(self):
        said = subprocess.run(["ctest", "--test-dir", os.environ["MEMS_BUILD"], "--show-only=json-v1"], check=True,
                              capture_output=True, text=True).stdout
        there = {test["name"] for test in json.loads(said)["tests"]}
        for pattern, names, _ in commands.ELSEWHERE:
            self.assertEqual(sorted(set(names) - there), [], pattern)

    def test_goals_have_these_names(self):
        said = subprocess.run(["python3", "-B", os.path.join(commands.TREE, "bench/goals"), "--help"], check=True,
                              capture_output=True, text=True, env={**os.environ, "COLUMNS": "1000"}).stdout
        goals = set(re.search(r"goal +of (.*); default: all", said).group(1).split(", "))
        for found in ALL.values():
            for command in found:
                if command.startswith("bench/goals "):
                    self.assertLessEqual(set(command.split()[1:]), goals)


if __name__ == "__main__":
    unittest.main()
