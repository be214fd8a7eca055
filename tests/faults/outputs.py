# SPDX-License-Identifier: MIT
#
# outputs.py - what became of a command's outputs: each is as it was before, or whole; never half of one.
#
# 1. The measure is an undisturbed run of the same command (Plain). Where each run gives the same, an output is whole when
#    it is that to the byte; but for what a document says of the command itself and of the time of day, and for the
#    encoding of a trace, which may be another one where there was little memory: its operations count.
# 2. Where each run gives other figures, an output has a shape (SHAPES, by the end of its name) that all of them have:
#    the cells of a result with their verdicts and the names of their figures, the rows of a table, the cases of a JUnit
#    file, a trace's counts of operations, a page's documents, a history's runs. A reader that meets the end too early has no
#    shape to give: that is half a result, too.
# 3. Status 0 says that nothing was lost: every output is there, whole, and says what the undisturbed run's says. Of a
#    command that ended otherwise an output may be as it was; one that is new has every cell, row and case still, but
#    may tell another verdict of them (`said`, of the two parts of a shape), and of one that does not pass that it was
#    ended before all of its schedules; what passes has had all of them. A command that was killed has told nothing
#    wrong before: it is held to the same verdicts (status None).
# 4. Everybody who disturbs a command asks here, by examine(): the sweep, kills, full disks, folders that vanish.

import csv
import enum
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import xml.etree.ElementTree as ElementTree

from ground import STRESS, Fault, environment, require

OLD = b"old\n"


class State(enum.Enum):
    OLD = "as it was"
    ABSENT = "absent, as it was"
    WHOLE = "whole"


# ---- shapes: (what every whole one has, what it says besides) -----------------------------------------------------

IDENTITY = ("id", "section", "target", "repeat", "seed", "strategy", "algorithm", "threads", "operations")
DONE = (*IDENTITY, "schedules", "verdict")  # and how far a row came, and how


def keys_of(value):
    """The names in an object, and in the objects in it; of lists nothing, whose length is the run's."""
    return {name: keys_of(inner) for name, inner in value.items()} if isinstance(value, dict) else None


def rows_of(document):
    return [row for name in ("cells", "rows") for row in document.get(name, [])]


def passed(content):
    """The rows of a document that passed, with all that each run does alike in them."""
    return {json.dumps([row.get(name) for name in DONE]) for row in rows_of(json.loads(content)) if row.get("verdict") == "pass"}


def document_shape(content):
    document = json.loads(content)
    require(isinstance(document, dict) and "schema" in document, "it has no schema")
    if "tries" in document:  # those of a self-test that was stopped are as many as it says, and it says that it was
        done, times = document["done"], document["times"]
        require(len(document["tries"]) == done, "%d tries, and it says %s" % (len(document["tries"]), done))
        require(done == times or document["exit_status"] != 0, "%s of %s tries, and its exit status is 0" % (done, times))
        return sorted(document), (done, document["exit_status"])
    rows = rows_of(document)
    ids = sorted(json.dumps([row.get(name) for name in IDENTITY]) for row in rows)
    told = [json.dumps([[row.get(name) for name in DONE], keys_of(row.get("metrics")), sorted(row),
                        sorted(row.get("report") or ())], sort_keys=True) for row in rows]
    verdicts = [document.get(name) for name in ("verdict", "exit_status", "done", "judged")]
    return (sorted(document), ids), (sorted(told), verdicts)


def junit_shape(content):
    suites = ElementTree.fromstring(content)
    cases = [(suite.get("name"), case) for suite in suites.iter("testsuite") for case in suite.iter("testcase")]
    require(cases, "it has no cases")
    return (sorted((suite, case.get("classname"), case.get("name")) for suite, case in cases),
            sorted((suite, case.get("classname"), case.get("name"), [child.tag for child in case]) for suite, case in cases))


def table_shape(content):
    require(content.endswith(b"\n"), "its last line has no end")
    head, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    require(all(len(row) == len(head) for row in rows), "a row is cut")

    def of(names):
        return sorted(json.dumps([row[head.index(name)] for name in names if name in head]) for row in rows)
    return (head, of(IDENTITY)), of((*IDENTITY, "verdict"))


def trace_shape(path):
    done = subprocess.run([STRESS, "trace", "info", path], env=environment("look"), capture_output=True, check=False,
                          text=True, stdin=subprocess.DEVNULL)
    require(done.returncode == 0, done.stderr.strip())
    return "trace", re.findall(r"^  ((?:processes|operations|allocations|frees|resizes|threads) +\d+)", done.stdout, re.MULTILINE)


def page_shape(content):
    text = content.decode()
    require(text.rstrip().endswith("</html>"), "it has no end")
    documents = re.findall(r'<script type="application/json"[^>]*data-name="([^"]*)"[^>]*>(.*?)</script>', text, re.DOTALL)
    require(documents, "it has no documents")
    shapes = [(name, *document_shape(document)) for name, document in documents]
    return [shape[:2] for shape in shapes], [shape[2] for shape in shapes]


def lines_shape(content):
    require(content.endswith(b"\n"), "its last line has no end")
    shapes = [document_shape(line) for line in content.splitlines()]
    return [shape[0] for shape in shapes], [shape[1] for shape in shapes]


def history_shape(path):
    """A database is as whole as a transaction."""
    base = sqlite3.connect(path)
    try:
        require(base.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "its integrity check fails")
        return "history", [line for line in base.iterdump() if "sqlite_sequence" not in line]  # what an empty import counts, too
    finally:
        base.close()


SHAPES = [(".mtrace", trace_shape, True), (".db", history_shape, True), (".json", document_shape, False),
          (".jsonl", lines_shape, False), (".xml", junit_shape, False), (".csv", table_shape, False),
          (".html", page_shape, False)]  # the end of a name, what tells the shape, and whether it is asked for the file


def shape_of(path, content):
    """None where there is nothing to know but bytes."""
    for end, function, by_path in SHAPES:
        if end in os.path.basename(path) if end == ".mtrace" else path.endswith(end):
            try:
                return function(os.path.abspath(path) if by_path else content)
            except (ValueError, KeyError, AttributeError, TypeError, ElementTree.ParseError, sqlite3.Error, Fault) as error:
                raise Fault("%s is half a one: %s" % (os.path.basename(path), error)) from None
    return None


# ---- the same, to the byte ----------------------------------------------------------------------------------------

STAMP = re.compile(rb'timestamp="[^"]*"')


def canonical(name, content):
    """What each run of the command gives, wherever it writes."""
    if name.endswith(".json"):
        return {key: value for key, value in json.loads(content).items() if key != "command"}
    return STAMP.sub(b"", content) if name.endswith(".xml") else content


def compares_bytes(command, name):
    return command.exact and not name.endswith((".mtrace", ".db"))


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


# ---- the one that is asked ----------------------------------------------------------------------------------------

def more_of(command, folder):
    return sorted(name for name in os.listdir(folder) if command.more and re.fullmatch(command.more, name))


class Plain:
    """What an undisturbed run of a command has left in `folder`: the measure of all others."""

    def __init__(self, command, folder):
        self.content, self.shape = {}, {}
        for name in command.outputs:
            path = os.path.join(folder, name)
            self.content[name] = read(path)
            require(self.content[name] not in (None, OLD), "without a fault: no %s" % name)
            self.shape[name] = shape_of(path, self.content[name])
        self.more = sorted(shape_of(os.path.join(folder, name), None) for name in more_of(command, folder))


def is_whole(command, path, name, content, plain, strict):
    """Faults unless the output is what the undisturbed run gave, as far as that can be known."""
    shape = shape_of(path, content)
    if compares_bytes(command, name):
        require(canonical(name, content) == canonical(name, plain.content[name]),
                "%s is neither as it was nor what it is without a fault" % name)
        return
    require(shape is not None, "nothing tells whether %s is whole" % name)
    require(shape[0] == plain.shape[name][0], "%s has not all that it has without a fault" % name)
    if name.endswith(".json"):
        require(passed(content) <= passed(plain.content[name]), "%s has rows that pass and are none without a fault" % name)
    require(not strict or shape[1] == plain.shape[name][1], "%s says other things than without a fault" % name)


def examine(command, folder, plain, status, was=OLD, names=None):
    """What became of each output of `command` in `folder`, when it ended with `status` (None: it was killed); `was`: what
    there was before, None for nothing, or by names. Raises a fault where one is neither as it was nor whole, or where a
    status of 0 has lied."""
    found = {}
    for name in command.outputs if names is None else names:
        path = os.path.join(folder, name)
        content = read(path)
        before = was.get(name, OLD) if isinstance(was, dict) else was
        if content == before or (name.endswith(".db") and content and shape_of(path, content)[1] == before):
            found[name] = State.ABSENT if content is None else State.OLD
        else:
            require(content is not None, "%s is gone" % name)
            is_whole(command, path, name, content, plain, status in (0, None))
            found[name] = State.WHOLE
        require(status != 0 or found[name] is State.WHOLE, "status 0, and %s is %s" % (name, found[name].value))
    shapes = [shape_of(os.path.join(folder, name), None) for name in more_of(command, folder)]
    require(status != 0 or sorted(shapes) == plain.more, "status 0, and not the further outputs that there are without a fault")
    return found


def put_before(command, folder, fresh=True):
    """What there is before the command begins: an old file for each output; a history as it was made, if `fresh`, which
    else is the one that the last run left; no further outputs. What examine() is told of it."""
    for name in more_of(command, folder):
        os.unlink(os.path.join(folder, name))
    for name in command.outputs:
        path = os.path.join(folder, name)
        if not name.endswith(".db"):
            with open(path, "wb") as file:
                file.write(OLD)
        elif fresh:
            for rest in "-journal", "-wal", "-shm":
                if os.path.exists(path + rest):
                    os.unlink(path + rest)
            shutil.copy(os.path.join(folder, os.pardir, "inputs", name), path)
    return {name: shape_of(os.path.join(folder, name), b"")[1] if name.endswith(".db") and fresh else OLD
            for name in command.outputs}
