# SPDX-License-Identifier: MIT
#
# test_knobs.py - MEMS_MALLOC_CONF: each knob's effect, and what is said of a wrong one; what the library tells.
#
# MEMS_MALLOC is the library, MEMS_TELL the program of tell.c, MEMS_TELL_STATIC the same linked with the archive.

import os
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from probe import run

TELL = os.environ["MEMS_TELL"]
TELL_STATIC = os.environ.get("MEMS_TELL_STATIC", "")
KNOBS = ("decay", "thp", "background", "print")
NOBODY = 65534
THP = "/sys/kernel/mm/transparent_hugepage/enabled"


def tell(what, knobs=None, size=64):
    conf = {} if knobs is None else {"MEMS_MALLOC_CONF": knobs}
    return run([TELL, what, str(size)], **conf)


class Knobs(unittest.TestCase):
    def quiet(self, what, knobs=None, size=64):
        outcome = tell(what, knobs, size)
        self.assertEqual((outcome.returncode, outcome.stderr.decode()), (0, ""), (what, knobs))
        return outcome.stdout.decode()

    def complains(self, knobs, *words):
        """One line, with all of the words; and the program goes on."""
        outcome = tell("nothing", knobs)
        self.assertEqual((outcome.returncode, outcome.stdout), (0, b"done\n"), knobs)
        lines = outcome.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, (knobs, lines))
        self.assertRegex(lines[0], r"^mems-malloc: ")
        for word in ("MEMS_MALLOC_CONF", *words):
            self.assertIn(word, lines[0], knobs)

    def test_right_ones_say_nothing(self):
        for knobs in (None, "", "decay=0", "decay=never", "decay=1000", "thp=never", "thp=auto", "thp=always",
                      "background=0", "background=1", "print=none", "decay=10,thp=never,background=1,print=none"):
            self.assertEqual(self.quiet("nothing", knobs), "done\n")

    def test_unknown_is_reported_with_what_there_is(self):
        for name in ("nosuch", "deca", "decay_ms", "DECAY", "threads"):
            self.complains(name + "=1", name, *KNOBS)
        self.complains("decay=0,nosuch=1,print=none", "nosuch", *KNOBS)

    def test_bad_value_is_reported_with_what_is_right(self):
        for value in ("soon", "-1", "1.5", "10ms", "0x10", "99999999999999999999999"):
            self.complains("decay=" + value, "decay", value, "never")
        for value in ("sometimes", "1", "ALWAYS"):
            self.complains("thp=" + value, "thp", value, "never", "auto", "always")
        for value in ("2", "yes", "-1", "01"):
            self.complains("background=" + value, "background", value, "0", "1")
        for value in ("all", "1"):
            self.complains("print=" + value, "print", value, "none", "stats")

    def test_no_value_is_reported(self):
        for knobs in ("decay", "decay=", "thp=", "print"):
            self.complains(knobs, knobs.rstrip("="))

    def test_of_many_mistakes_each_is_reported_once(self):
        outcome = tell("nothing", "nosuch=1,decay=0,thp=sometimes,other=2")
        self.assertEqual((outcome.returncode, outcome.stdout), (0, b"done\n"))
        lines = outcome.stderr.decode().splitlines()
        for word in "nosuch", "sometimes", "other":
            self.assertLessEqual(sum(word in line for line in lines), 1, lines)
        self.assertTrue(1 <= len(lines) <= 3, lines)

    def test_a_wrong_one_leaves_the_others(self):
        outcome = tell("stays", "nosuch=1,decay=never")
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertEqual(len(outcome.stderr.decode().splitlines()), 1)

    def test_a_very_long_one_is_no_harm(self):
        outcome = tell("nothing", ",".join(["decay=" + "9" * 5000, "x" * 5000, "=" * 100, "," * 100]))
        self.assertEqual((outcome.returncode, outcome.stdout), (0, b"done\n"))
        self.assertTrue(all(line.startswith(b"mems-malloc: ") for line in outcome.stderr.splitlines()), outcome.stderr)

    # ---- decay -------------------------------------------------------------------------------------------------------

    def test_decay_at_once(self):
        self.quiet("falls", "decay=0")

    def test_decay_never(self):
        self.quiet("stays", "decay=never")
        self.quiet("stays", "decay=never", 1000)
        self.quiet("stays_large", "decay=never")

    def test_background(self):
        self.assertEqual(self.quiet("threads", "background=0"), "1\n")
        self.assertEqual(self.quiet("threads"), "1\n")
        self.assertEqual(self.quiet("threads", "background=1"), "2\n")
        self.quiet("falls_idle", "background=1,decay=10")
        self.quiet("falls_idle", "background=1,decay=0")

    # ---- huge pages --------------------------------------------------------------------------------------------------

    def huge(self, knobs):
        said = self.quiet("huge_pages", knobs)
        huge_kib = sum(int(kib) for kib in re.findall(r"AnonHugePages:\s+(\d+) kB", said))
        flags = [set(line.split()) for line in re.findall(r"VmFlags: (.*)", said)]
        self.assertTrue(flags)
        return huge_kib, flags

    @unittest.skipUnless(os.path.exists(THP), "a kernel without transparent huge pages")
    def test_thp(self):
        with open(THP, encoding="ascii") as file:
            system = re.search(r"\[(\w+)\]", file.read())[1]
        huge_kib, _ = self.huge("thp=never")
        self.assertEqual(huge_kib, 0)
        huge_kib, flags = self.huge("thp=always")
        self.assertTrue(all("hg" in words for words in flags) or system == "always", flags)
        if system != "never":
            self.assertGreaterEqual(huge_kib, 64 * 1024)  # half of it: the rest may be in pieces, or had none
        huge_kib, flags = self.huge("thp=auto")
        self.assertFalse(any("nh" in words for words in flags), flags)

    # ---- what it tells -----------------------------------------------------------------------------------------------

    def test_print_stats(self):
        self.assertEqual(self.quiet("nothing", "print=none"), "done\n")
        outcome = tell("nothing", "print=stats")
        self.assertEqual((outcome.returncode, outcome.stdout), (0, b"done\n"))
        at_exit = outcome.stderr.decode().splitlines()
        asked = tell("stats").stderr.decode().splitlines()
        self.assertTrue(at_exit)
        no_digits = [[re.sub(r"\d+", "N", line).split() for line in text] for text in (at_exit, asked)]
        self.assertEqual(no_digits[0][0], no_digits[1][0])

    def test_stats(self):
        outcome = tell("stats")
        self.assertEqual((outcome.returncode, outcome.stdout), (0, b""))
        self.assertRegex(outcome.stderr.decode(), r"\d{7}|\d+\.\d+ ?Mi?B|\d+ ?KiB")

    def test_info_is_xml(self):
        root = xml.etree.ElementTree.fromstring(self.quiet("info"))
        self.assertEqual(root.tag, "malloc")
        self.assertIn("version", root.attrib)
        numbers = [int(value) for element in root.iter() for value in element.attrib.values() if value.isdigit()]
        self.assertTrue(any(number >= 1 << 20 for number in numbers), numbers)

    # ---- who may say -------------------------------------------------------------------------------------------------

    @unittest.skipUnless(TELL_STATIC, "no program with the library linked in")
    @unittest.skipUnless(os.geteuid() == 0, "only root can make a program that is another user's")
    def test_set_user_id_ignores_it(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            if os.statvfs(folder).f_flag & os.ST_NOSUID:
                self.skipTest("programs there cannot change their user")
            program = shutil.copy(TELL_STATIC, os.path.join(folder, "tell"))
            said = []
            for mode in (0o755, 0o4755):
                os.chmod(program, mode)
                outcome = subprocess.run([program, "nothing", "64"], env={"MEMS_MALLOC_CONF": "nosuch=1"}, cwd="/",
                                         capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[], check=False)
                self.assertEqual((outcome.returncode, outcome.stdout), (0, b"done\n"))
                said.append(outcome.stderr.decode())
            self.assertIn("nosuch", said[0])
            self.assertEqual(said[1], "")


if __name__ == "__main__":
    unittest.main()
