#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_report.py - the page that mems-stress report makes: whole, by itself, and safe whatever a result says.
#
# usage: test_report.py MEMS-STRESS RESULT.json TRACES

import copy
import html.parser
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM, RESULT, TRACES = map(os.path.abspath, sys.argv[1:4])
MOST_BYTES = 3000000
EVIL = "</script><script>alert('x')</script><!-- \"&amp;<b>' ]]> \u2028 \U0001f600"
VOID = {"meta", "link", "br", "img", "input", "hr"}


def run(*arguments, **more):
    return subprocess.run([PROGRAM, "report", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          check=False, **more)


class Page(html.parser.HTMLParser):
    """Which elements a page has, with what is amiss: what is not closed, what points outside."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.shape, self.amiss, self.outside = [], [], [], []
        self.documents, self.scripts, self.styles, self.titles = [], [], [], []
        self.feed(text)
        self.close()
        if self.stack:
            self.amiss.append("not closed: %s" % self.stack)

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        self.shape.append((tag, tuple(names)))
        for name, value in attributes:
            if name in ("src", "href", "data", "action", "poster", "srcset") and not value.startswith(("#", "data:,")):
                self.outside.append((tag, name, value))
            if name.startswith("on"):
                self.amiss.append("code in %s of %s" % (name, tag))
        if tag not in VOID:
            self.stack.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1][0] != tag:
            self.amiss.append("</%s> after %s" % (tag, self.stack[-1:]))
        else:
            self.stack.pop()

    def handle_data(self, data):
        tag, attributes = self.stack[-1] if self.stack else ("", {})
        if tag == "script" and attributes.get("type") == "application/json":
            self.documents.append((attributes["data-name"], json.loads(data)))
        elif tag == "script":
            self.scripts.append(data)
        elif tag == "style":
            self.styles.append(data)
        elif tag == "title":
            self.titles.append(data)


def evil(value, key=""):
    """The document with every text and every name of a member that is a user's made evil."""
    if isinstance(value, dict):
        return {name + EVIL if key in ("context", "allocator_settings") else name: evil(inner, name)
                for name, inner in value.items()}
    if isinstance(value, list):
        return [evil(inner, key) for inner in value]
    return value + EVIL if isinstance(value, str) and key not in ("schema", "verdict") else value


class Report(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        with open(RESULT) as file:
            self.result = json.load(file)
        self.result["cells"] = self.result["cells"][:5]

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, document):
        with open(self.path(name), "w") as file:
            if isinstance(document, str):
                file.write(document)
            else:
                json.dump(document, file)
        return self.path(name)

    def page(self, *arguments):
        out = self.path("page.html")
        done = run(*arguments, "-o", out)
        self.assertEqual((done.returncode, done.stderr, done.stdout), (0, "", out + "\n"))
        self.assertLess(os.path.getsize(out), MOST_BYTES)
        with open(out, encoding="utf-8") as file:
            page = Page(file.read())
        self.assertEqual(page.amiss, [])
        self.assertEqual(page.outside, [])
        self.assertEqual([tag for tag, _ in page.shape].count("html"), 1)
        return page

    def refused(self, status, what, *arguments):
        done = run(*arguments, cwd=self.folder.name)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertIn(what, done.stderr)
        self.assertTrue(done.stderr.startswith("mems-stress"), done.stderr)

    def test_whole(self):
        page = self.page(RESULT)
        self.assertEqual(page.titles, ["mems-stress: " + os.path.basename(RESULT)])
        (name, document), = page.documents
        self.assertEqual(name, os.path.basename(RESULT))
        with open(RESULT) as file:
            whole = json.load(file)
        self.assertEqual([cell["id"] for cell in document["cells"]], [cell["id"] for cell in whole["cells"]])
        self.assertEqual(document["warnings"], whole["warnings"])
        self.assertEqual(document["job"]["text"], whole["job"]["text"])
        for made, cell in zip(document["cells"], whole["cells"]):
            held, all_held = made["report"]["samples"]["held_bytes"], cell["report"]["samples"]["held_bytes"]
            self.assertEqual(len(held), min(len(all_held), 160))
            self.assertEqual((held[0], held[-1], max(held)), (all_held[0], all_held[-1], max(all_held)))
            self.assertEqual(made["report"]["latency"]["alloc"]["buckets"], cell["report"]["latency"]["alloc"]["buckets"])
            rate, wanted = made["metrics"]["ops_per_second"], cell["metrics"]["ops_per_second"]
            self.assertAlmostEqual(rate / wanted, 1, 6)

    def test_a_part_without_scripts(self):
        """What the page says where JavaScript is off, and a book of the whole that is none."""
        self.result["shard"] = {"index": 1, "count": 2, "sections": [
            {"name": "elsewhere", "sha256": "", "shard": 2, "targets": ["libc", "null"]}],
            "cells": [[0, target, repeat] for target in (0, 1) for repeat in range(4)]}
        name = self.write("part.json", self.result)
        self.page(name)
        with open(self.path("page.html"), encoding="utf-8") as file:
            self.assertIn("<li>part.json: %s, %d of 8 cells missing</li>" % (self.result["verdict"], 8 - len(self.result["cells"])), file.read())
        shard = self.result["shard"]
        for wrong in ({"index": "1"}, {"sections": 7}, {"cells": [[1, 0, 0]]}, {"cells": [[0, 2, 0]]}, {"cells": [[-1, 0, 0]]},
                      {"cells": [[0, 0]]}, {"sections": [{"name": "elsewhere", "targets": ["libc"]}]}):
            self.result["shard"] = {**shard, **wrong}
            self.refused(1, "part.json: shard: ", self.write("part.json", self.result))

    def test_no_network(self):
        page = self.page(RESULT)
        policy = [names for tag, names in page.shape if tag == "meta" and "http-equiv" in names]
        self.assertEqual(len(policy), 1)
        for style in page.styles:
            self.assertEqual([word for word in ("@import", "url(") if word in style], [])
        library = [script for script in page.scripts if "Chart.js v" in script[:200]]
        self.assertEqual(len(library), 1)
        for script in page.scripts:
            self.assertEqual([word for word in ("fetch(", "XMLHttpRequest", "WebSocket", "importScripts", "eval(") if word in script], [])
            if script not in library:
                self.assertEqual([word for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write") if word in script], [])

    def test_evil_texts(self):
        document = evil(self.result)
        tame = self.page(self.write("tame.json", self.result), "--title", "tame")
        wild = self.page(self.write("wild.json", document), "--title", EVIL)
        self.assertEqual(wild.shape, tame.shape)
        self.assertEqual(wild.scripts, tame.scripts)
        self.assertEqual("".join(wild.titles), EVIL)
        shown = wild.documents[0][1]
        self.assertEqual(shown["job"]["title"], document["job"]["title"])
        self.assertEqual([cell["section"] for cell in shown["cells"]], [cell["section"] for cell in document["cells"]])
        self.assertEqual(shown["host"]["allocator_settings"], document["host"]["allocator_settings"])

    def test_evil_name(self):
        page = self.page(self.write("a\"><script>b<&'.json", self.result))
        self.assertEqual(page.documents[0][0], "a\"><script>b<&'.json")

    def test_several(self):
        second = copy.deepcopy(self.result)
        second["verdict"] = "failed"
        page = self.page(self.write("one.json", self.result), self.write("two.json", second))
        self.assertEqual([(name, document["verdict"]) for name, document in page.documents],
                         [("one.json", "pass"), ("two.json", "failed")])
        self.assertEqual(page.titles, ["mems-stress: one.json, two.json"])

    def heading(self, *arguments):
        shown = self.page(*arguments).documents[0][1]["job"]
        self.assertEqual(shown["path"].endswith("/demo.ini"), shown["title"] == "demo")
        return shown["title"]

    def test_heading_without_a_job_file(self):
        """Options make a job up, or replay does: the page says what was done to whom."""
        made = self.path("made.json")
        subprocess.run([PROGRAM, "run", "--workload", "churn", "--workload", "comb", "--target", "libc", "--target", "mems:fixed", "--set",
                        "threads=1,2", "--set", "ops=100", "--quiet", "--no-history", "--json", made], check=True, capture_output=True)
        self.assertEqual(self.heading(made), "churn, comb on libc, mems:fixed")
        self.assertEqual(self.heading(RESULT), "demo")
        trace = next(section for section in self.result["job"]["sections"] if section["workload"] == "trace")
        self.result["job"].update(title="replay", path="/tmp/replay", sections=[trace])
        self.result["cells"] = [{**cell, "section": trace["name"], "target": target, "repeat": repeat}
                                for cell, target, repeat in zip(self.result["cells"], ("libc", "a", "b", "a", "c"), (0, 0, 0, 1, 0))]
        file = os.path.basename(trace["values"]["trace"])
        self.assertEqual(self.heading(self.write("replay.json", self.result)), "trace %s on libc, a, b, c" % file)
        for cell, target in zip(self.result["cells"], "abcde"):
            cell["target"] = target
        self.result["cells"].append({**cell, "target": "f"})
        self.assertEqual(self.heading(self.write("many.json", self.result)), "trace %s on a, b, c, d and 2 more" % file)
        self.result["job"].update(path="/tmp/replay.ini")
        self.assertEqual(self.page(self.write("file.json", self.result)).documents[0][1]["job"]["title"], "replay")

    def test_show(self):
        shown = self.path("show.json")
        trace = os.path.join(TRACES, "compaction.trace")
        subprocess.run([PROGRAM, "trace", "show", trace, "--quiet", "--every", "--json", shown], check=True,
                       capture_output=True)
        page = self.page(shown)
        self.assertEqual(page.documents[0][1]["schema"], "mems-stress/show/1")

    def test_places(self):
        path = self.write("one.json", self.result)
        done = run(path, "-o", "-")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(Page(done.stdout).amiss, [])
        done = run(path, cwd=self.folder.name)
        self.assertEqual((done.returncode, done.stdout), (0, "report.html\n"))
        self.assertTrue(os.path.exists(self.path("report.html")))

    def test_bad_input(self):
        self.refused(1, "no result; usage: mems-stress report RESULT.json")
        self.refused(1, "cannot read gone.json: No such file or directory", "gone.json")
        self.refused(1, "cannot read .: Is a directory", ".")
        self.write("no.json", "{\n \"schema\": ")
        self.refused(1, "no.json:2:", "no.json")
        self.write("other.json", {"a": 1})
        self.refused(1, "other.json: no document of mems-stress: no \"schema\"", "other.json")
        self.write("faults.json", {"schema": "mems-stress/faults/1"})
        self.refused(1, "faults.json: a document of schema \"mems-stress/faults/1\"", "faults.json")
        self.write("twice.json", "{\"schema\": \"mems-stress/1\", \"schema\": \"mems-stress/1\"}")
        self.refused(1, "twice.json:1:", "twice.json")
        self.refused(1, "--titel", "no.json", "--titel", "x")
        for left_out, what in ((("cells",), "cells: an array is wanted"), (("job", "sections"), "job.sections: an array is wanted"),
                               (("cells", 3, "target"), "cells[3].target: a text is wanted"),
                               (("job", "sections", 1, "threads"), "job.sections[1].threads: a whole number is wanted")):
            document = copy.deepcopy(self.result)
            inner = document
            for key in left_out[:-1]:
                inner = inner[key]
            del inner[left_out[-1]]
            self.write("bad.json", document)
            self.refused(1, "bad.json: " + what, "bad.json")
        cell, section = self.result["cells"][2], self.result["job"]["sections"][0]
        self.write("cell.json", {**self.result, "cells": [*self.result["cells"], cell]})
        self.refused(1, "cell.json: the cell \"%s\" is there twice" % cell["id"], "cell.json")
        self.write("section.json", {**self.result, "job": {**self.result["job"], "sections": [*self.result["job"]["sections"], section]}})
        self.refused(1, "section.json: the section \"%s\" is there twice" % section["name"], "section.json")
        self.assertFalse(os.path.exists(self.path("report.html")))

    def test_whole_or_not(self):
        path = self.write("one.json", self.result)
        self.refused(7, "/dev/full", path, "-o", "/dev/full")
        self.refused(7, "nowhere", path, "-o", self.path("nowhere/page.html"))
        page = self.write("page.html", "what was there")

        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

        done = run(path, "-o", page, preexec_fn=small_files)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("page.html", done.stderr)
        with open(page) as file:
            self.assertEqual(file.read(), "what was there")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["one.json", "page.html"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
