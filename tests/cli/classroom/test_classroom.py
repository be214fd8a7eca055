#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_classroom.py - every exercise by name gives the books' answer, in the terminal, the document and the page; own
# traces and reference strings; what goes wrong; that no name becomes markup.
#
# usage: test_classroom.py MEMS-STRESS JOBS

import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, JOBS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])

# The answers as textbooks print them, by exercise and target. A count of faults stands for all of them; the frames it
# is for are part of the name.
PLACED = {
    "five-holes": {"first": "500 600 288 wait; holes 100 176 200 300 183", "best": "300 500 200 600; holes 100 83 88 88 174",
                   "worst": "600 500 388 wait; holes 100 83 200 300 276", "next": "500 600 183 wait"},
    "six-holes": {"first": "300 600 750 350 392", "best": "125 600 750 200 392", "worst": "750 635 600 350 wait"},
    "eight-holes": {"best": "18", "first": "22", "next": "36"},
    "buddies": {"buddy": "A@0+128 B@256+256 C@128+64 D@512+256 E@0+128"},
    "page-waste": {"mems:paging": "36 frames, 962 wasted"},
    "page-table": {"mems:vm-paging": "20 23 24 9"},
    "page-offset": {"mems:paging": "6622"},
    "segments": {"mems:segmentation": "649 2310 trap 1727 trap"},
    "partitions": {"mems:fixed": "P1 0, P2 1, P3 0, P4 2, P5 3, P6 wait, P9 not found, P6 1"},
    "compaction": {"mems:dynamic": "P4@0+150 P3@150+100 P5@250+400; 374 free; 250 moved",
                   "mems:segmentation": "P4@0+150 P3@150+100 P5@250+400; 374 free; 250 moved"},
    "working-set": {"ws:10": "{1 2 5 6 7} after 10, {3 4} after 26"},
    "four-pages": {"nru": "2", "fifo": "3", "lru": "1", "second-chance": "2"},
    "tlb": {"80 %": "140 ns", "98 %": "122 ns"},
    "fault-time": {"p = 1/1000": "8.2 us"},
}
FAULTS = {
    "silberschatz": {("fifo", 3): 15, ("lru", 3): 12, ("opt", 3): 9, ("clock", 3): 14, ("clock0", 3): 11,
                     ("fifo", 4): 10, ("lru", 4): 8, ("opt", 4): 8},
    "belady": {("fifo", 3): 9, ("fifo", 4): 10, ("lru", 3): 10, ("lru", 4): 8, ("opt", 3): 7, ("opt", 4): 6,
               ("clock", 3): 9, ("clock", 4): 10},
    "stallings": {("opt", 3): 6, ("lru", 3): 7, ("fifo", 3): 9, ("clock", 3): 8, ("clock0", 3): 6},
    "sweep": {(name, frames + 1): count for name, counts in (
        ("lru", (20, 18, 15, 10, 8, 7, 7)), ("fifo", (20, 18, 16, 14, 10, 10, 7)), ("opt", (20, 15, 11, 8, 7, 7, 7)))
        for frames, count in enumerate(counts)},
    "little-locality": {("lru", 3): 18, ("fifo", 3): 17, ("opt", 3): 13},
    "fifo-wins": {("fifo", 4): 6, ("lru", 4): 7},
}
# Once the frames are full: stallings' other count.
AFTER = {"opt": 3, "lru": 4, "fifo": 6, "clock": 5}
OTHERS = {"processes"}


def run(*arguments, text="", cwd=None):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, input=text, check=False, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


class Page(html.parser.HTMLParser):
    """Elements of a page, and the document in it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.raw, self.inside = [], "", False
        self.feed(text)
        self.document = json.loads(self.raw)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.inside = tag == "script" and dict(attributes).get("class") == "document"
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href") and value:
                assert value.startswith(("#", "data:")), value  # nothing from a network

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.raw += data if self.inside else ""


class Classroom(unittest.TestCase):
    maxDiff = None

    def document(self, *arguments, status=0, **options):
        got, out, err = run("trace", "show", *arguments, "--json", "-", **options)
        self.assertEqual((got, err), (status, ""))
        return json.loads(out)

    def page(self, *arguments, **options):
        got, out, err = run("trace", "show", *arguments, "--html", "-", **options)
        self.assertEqual((got, err), (0, ""))
        return Page(out)

    def names(self):
        status, out, err = run("list", "exercises")
        self.assertEqual((status, err), (0, ""))
        return re.findall(r"(?m)^  (\S+)", out)

    def test_each_is_known_here(self):
        self.assertEqual(set(self.names()), set(PLACED) | set(FAULTS) | OTHERS)

    def check_placed(self, name, document):
        answers = {target["target"]: target["answer"] for target in document["targets"]}
        for part, answer in PLACED[name].items():
            found = [value for target, value in answers.items() if part in target]
            self.assertEqual(len(found), 1, (name, part))
            self.assertTrue(found[0] == answer or found[0].startswith(answer + ";"), (name, part, found[0]))

    def check_faults(self, name, document):
        counted = {(target["algorithm"], target["frames"]): target["summary"]["faults"] for target in document["targets"]}
        self.assertEqual(counted, FAULTS[name])
        for target in document["targets"]:
            faults = [step for step in target["steps"] if step["fault"]]
            initial = [step for step in faults if step["initial"]]
            self.assertEqual(len(faults), target["summary"]["faults"])
            self.assertEqual(len(initial), target["summary"]["initial_loads"])
            self.assertTrue(target["answer"].startswith("%d faults, %d " % (len(faults), len(faults) - len(initial))))
            if name == "stallings" and target["algorithm"] in AFTER:
                self.assertEqual(len(faults) - len(initial), AFTER[target["algorithm"]])

    def test_documents_and_pages(self):
        for name in self.names():
            document = self.document(name)
            page = self.page(name)
            for shown in (document, page.document):
                self.assertEqual(shown["schema"], "mems-stress/show/1")
                self.assertEqual(shown["exercise"]["name"], name)
                if name in PLACED:
                    self.check_placed(name, shown)
                elif name in FAULTS:
                    self.check_faults(name, shown)
            # In the page every step has a map to play, but for formulas.
            for target in page.document["targets"]:
                if target.get("kind") != "calculation":
                    self.assertTrue(all("map" in step for step in target["steps"]), name)

    def test_terminal(self):
        for name in self.names():
            status, out, err = run("trace", "show", name, "--width", "100")
            self.assertEqual((status, err), (0, ""), name)
            self.assertTrue(out.startswith(name + ": "), name)
            self.assertEqual(out.count("as the books have it"), len(PLACED.get(name) or FAULTS.get(name) or ()), name)
            self.assertNotIn("the books have:", out)

    def test_reasons(self):
        steps = self.document("five-holes")["targets"][0]["steps"]
        placed = [step for step in steps if step["operation"].startswith("alloc")]
        self.assertEqual([step["choice"]["size"] for step in placed[:3]], [500, 600, 288])
        self.assertEqual(placed[0]["reason"], "first fit begins at the lowest address: 100 at 0 is too small; 500 at 120 is the "
                                              "first that holds 212; 288 of it stay free at 332")
        self.assertIn("external fragmentation", placed[3]["reason"])
        self.assertNotIn("choice", placed[3])
        # The victim of each reason is the page that is gone.
        for target in self.document("silberschatz")["targets"]:
            before = set()
            for step in target["steps"]:
                pages = {piece["page"] for piece in step["map"]["pieces"]} - {None}
                self.assertIn(step["page"], pages)
                self.assertTrue(step["reason"])
                for gone in before - pages:
                    self.assertRegex(step["text"], r"in place of %d\b" % gone)
                    self.assertRegex(step["reason"], r"\b%d\b" % gone)
                before = pages

    def test_the_table_of_references(self):
        status, out, _ = run("trace", "show", "2 3 2 1 5 2", "--frames", "3", "--replacement", "clock,clock0", "--brief")
        self.assertEqual(status, 0)
        rows = [re.sub(r" +", " ", line).strip() for line in out.splitlines()]
        self.assertEqual(rows[:6], ["clock, 3 frames", "page 2 3 2 1 5 2", "frame 0 >2* >2* >2* >2* 5* 5*", "frame 1 3* 3* 3* >3 2*",
                                    "frame 2 1* 1 >1", "fault f f f F F"])
        self.assertEqual(rows[6], "6 references, 5 faults; 2 without the 3 that filled an empty frame")
        self.assertIn("clock0, 3 frames", rows)

    def test_setup_is_not_shown(self):
        target = self.document("segments")["targets"][0]
        self.assertEqual([step["operation"] for step in target["steps"]],
                         ["show", "touch S/0 430", "touch S/1 10", "touch S/2 500", "touch S/3 400", "touch S/4 112"])

    def test_other_targets(self):
        document = self.document("five-holes", "--target", "mems:dynamic(fit=tlsf)")
        self.assertEqual([target["target"] for target in document["targets"]], ["mems:dynamic(fit=tlsf)"])
        self.assertIsNone(document["targets"][0]["expected"])
        document = self.document("six-holes", "--memory", "4096")
        self.assertEqual({target["expected"] for target in document["targets"]}, {None})
        document = self.document("belady", "--replacement", "lru,arc", "--frames", "2,5")
        self.assertEqual([(target["algorithm"], target["frames"]) for target in document["targets"]],
                         [("lru", 2), ("lru", 5), ("arc", 2), ("arc", 5)])

    def test_shipped_files_are_the_same(self):
        for name, file in (("silberschatz", "silberschatz"), ("belady", "belady"), ("stallings", "stallings"), ("sweep", "sweep"),
                           ("working-set", "working-set")):
            with open(os.path.join(JOBS, "references", file + ".txt"), encoding="utf-8") as text:
                pages = re.sub(r"#.*", "", text.read()).split()
            self.assertEqual(self.document(name)["exercise"]["input"].split(), pages)
        for name in ("compaction", "partitions", "processes"):
            with open(os.path.join(JOBS, "traces", name + ".trace"), encoding="utf-8") as text:
                lines = [line for line in (re.sub(r"\s*#.*", "", line).strip() for line in text) if line]
            self.assertEqual(self.document(name)["exercise"]["input"].split("\n")[:-1], lines)

    def test_own_trace(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "own.trace")
            with open(path, "w", encoding="utf-8") as file:
                file.write("alloc A 100\nalloc B 60\nfree A\nalloc C 30\n")
            page = self.page(path, "--target", "mems:dynamic(fit=best)", "--target", "mems:dynamic(fit=worst)")
            best, worst = page.document["targets"]
            self.assertEqual([step["choice"]["size"] for step in (best["steps"][3], worst["steps"][3])], [96, 100])
            self.assertNotIn("exercise", page.document)
            # To a file: its name is all that is said, and one that is there is replaced.
            place = os.path.join(folder, "page.html")
            for _ in range(2):
                self.assertEqual(run("trace", "show", path, "--html", place), (0, place + "\n", ""))
            self.assertEqual(sorted(os.listdir(folder)), ["own.trace", "page.html"])

    def test_own_references(self):
        by_string = self.document("7 0,1 2 0", "--frames", "2")
        self.assertEqual([target["algorithm"] for target in by_string["targets"]], ["fifo", "lru", "clock", "clock0", "opt"])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "own.txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write("# a comment: 9 9\n7 0 1\n2 0\n")
            by_file = self.document(path, "--frames", "2")
        by_input = self.document("-", "--frames", "2", text="7 0 1 2 0")
        self.assertEqual(by_string["targets"], by_file["targets"])
        self.assertEqual(by_string["targets"], by_input["targets"])

    def test_no_name_is_markup(self):
        with tempfile.TemporaryDirectory() as folder:
            path = "<img src=x onerror=alert(1)>.trace"
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write("alloc <b>&\"'</b 100\nalloc <!--P2 10\nfree ]]>P3\nalloc <script> 5\n")
            page = self.page(path, cwd=folder)
            owners = {piece.get("owner") for piece in page.document["targets"][0]["end"]["pieces"]}
            self.assertTrue({"<b>&\"'</b", "<!--P2", "<script>"} <= owners, owners)
            self.assertNotIn("img", page.tags)
            self.assertNotIn("b", page.tags)
            self.assertEqual(page.document["trace"], path)

    def wrong(self, said, *arguments, status=1, **options):
        got, out, err = run("trace", "show", *arguments, **options)
        self.assertEqual((got, out), (status, ""), err)
        self.assertIn(said, err)

    def test_ranges_of_frames(self):
        for word, frames in (("2..4", [2, 3, 4]), ("1,3..3,2", [1, 3, 2]), ("5..6,1..2", [5, 6, 1, 2])):
            out = self.document("1 2 1", "--frames", word, "--replacement", "fifo")
            self.assertEqual([target["frames"] for target in out["targets"]], frames, word)
        for word, amiss in (("4..2", "4..2"), ("0..3", "0..3"), ("1..4097", "1..4097"), ("..3", "..3"), ("2..", "2.."), ("2...4", "2...4"),
                            ("1..2..3", "1..2..3"), ("1-3", "1-3"), ("2,3..x", "3..x"), ("2,", ""), ("4294967296", "4294967296"),
                            ("1..4294967296", "1..4294967296")):
            self.wrong('"%s" is no number of frames: 1 .. 4294967295, as in 16,100, or a range of at most 4096, as in 1..7' % amiss,
                       "1 2 1", "--frames", word)

    def test_what_goes_wrong(self):
        self.wrong('did you mean the exercise "belady"? (mems-stress list exercises)', "beladi")
        self.wrong("nope: cannot be read: No such file or directory; exercises: mems-stress list exercises", "nope")
        self.wrong("--target, --memory and --unit are for traces", "belady", "--target", "mems:dynamic")
        self.wrong("--frames and --replacement are for reference strings", "five-holes", "--frames", "3")
        self.wrong("--frames and --replacement are for reference strings", "four-pages", "--frames", "3")
        self.wrong('no algorithm "fifi"; did you mean "fifo"?', "1 2 3", "--replacement", "fifi")
        self.wrong('"0" is no number of frames', "1 2 3", "--frames", "0")
        self.wrong("'x' is no page number", "-", text="1 2 x")
        self.wrong("one exercise, trace or reference string is wanted")
        self.wrong("more than the 2000 that can be looked at", "-", text="1 2 " * 1001)
        with tempfile.TemporaryDirectory() as folder:
            nowhere = os.path.join(folder, "not", "there.html")
            self.wrong("not/there.html", "belady", "--html", nowhere, status=7)
            self.assertEqual(os.listdir(folder), [])
            path = os.path.join(folder, "long.trace")
            with open(path, "w", encoding="utf-8") as file:
                file.write("alloc A 1\nfree A\n" * 1001)
            self.wrong("too many for a page", path, "--html", os.path.join(folder, "page.html"))
            self.assertEqual(os.listdir(folder), ["long.trace"])
        got, _, err = run("list", "exercise")
        self.assertEqual(got, 1)
        self.assertIn("exercises", err)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
