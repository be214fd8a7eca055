#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# architecture.py - does the tree keep the rules of the house?
#
# usage: architecture.py rules|format|shell [TREE]
#
# Prints one line a violation, "path:line: [rule] what is wrong", and exits with 1 where there is any; with 77 (CTest
# takes that as skipped) where the tool that decides is not installed. What the rules are is in rules.py.

import os
import re
import shutil
import subprocess
import sys

import rules

SKIPPED = 77


def tracked(tree):
    """Paths of the tree's files: what git tracks or would track; every file where git does not answer."""
    listing = ["git", "-C", tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if os.path.exists(os.path.join(tree, ".git")) and shutil.which("git"):
        answer = subprocess.run(listing, capture_output=True, check=False)
        if answer.returncode == 0:
            paths = sorted(set(answer.stdout.decode().split("\0")) - {""})
            return [path for path in paths if os.path.isfile(os.path.join(tree, path))]
    found = []
    for folder, names, files in os.walk(tree):
        inside = os.path.relpath(folder, tree)
        inside = "" if inside == "." else inside + "/"
        names[:] = [name for name in names if inside + name not in rules.NOT_OURS]
        found += [inside + name for name in files]
    return sorted(found)


def read(tree, path):
    """A file's text; None for one that is not text."""
    with open(os.path.join(tree, path), "rb") as file:
        content = file.read()
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)


def code_of(text):
    """The text with comments and strings blanked, line by line; the names of included files stay."""

    def blank(match):
        token = match.group()
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if token.startswith('"') and re.match(r"\s*#\s*include\s*$", line):
            return token
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(blank, text)


# ---- includes ---------------------------------------------------------------------------------------------------------

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def room_of_include(mark, name):
    """The room of lib/ that an include names; None for a header of the system or of another folder."""
    first = name.split("/")[0]
    if first == "mems" or name in ("mems.h", "engine.h"):
        return "include"
    return first if mark == '"' and first in rules.MAY_INCLUDE else None


def lib_include(path, mark, name):
    room = path.split("/")[1]
    if room not in rules.MAY_INCLUDE:
        return "room", f"lib/{room} is no room of the house (rules.py, MAY_INCLUDE)"
    target = room_of_include(mark, name)
    if target is None:
        if mark == '"':
            return "include-path", f'"{name}" does not begin with a room of lib/'
        return None
    if path == "lib/include/mems/mems.h":
        return "public", f"mems.h includes no other header of ours, and includes {name}"
    if target != room and target not in rules.MAY_INCLUDE[room]:
        if room == "include":
            return "public", f"a public header includes lib/{target}: {name}"
        return "stairs", f"lib/{room} may not include lib/{target}: {name}"
    return None


def stress_include(path, mark, name):
    room, target = path.split("/")[1], name.split("/")[0]
    if room not in rules.STRESS_MAY_INCLUDE:
        return "room", f"stress/{room} is no room of the house (rules.py, STRESS_MAY_INCLUDE)"
    rooms = rules.STRESS_MAY_INCLUDE[room] | {room}
    if mark == '"' and target in rules.STRESS_MAY_INCLUDE and target not in rooms:
        return "stairs", f"stress/{room} may not include stress/{target}: {name}"
    return outer_include(path, mark, name)


def outer_include(path, mark, name):
    target = room_of_include(mark, name)
    if target is not None and name not in rules.PUBLIC_HEADERS:
        folder = path.split("/")[0]
        return "public-only", f"{folder}/ uses the public headers of lib only, not {name}"
    return None


def check_includes(path, code):
    if path.startswith("lib/") and path.count("/") >= 2:
        judge = lib_include
    elif path.startswith("stress/") and path.count("/") >= 2:
        judge = stress_include
    elif path.startswith(tuple(folder + "/" for folder in rules.OUTSIDE_LIB)):
        judge = outer_include
    else:
        return
    for match in INCLUDE.finditer(code):
        verdict = judge(path, match.group(1), match.group(2))
        if verdict:
            yield path, line_of(code, match.start(1)), *verdict


# ---- the other rules --------------------------------------------------------------------------------------------------


def check_bans(path, text, code):
    for ban in rules.BAN:
        if not re.match(ban["files"], path) or re.match(ban["but"], path):
            continue
        for number, line in enumerate((text if ban.get("raw") else code).split("\n"), 1):
            match = re.search(ban["pattern"], line)
            if match:
                yield path, number, ban["rule"], f"'{match.group().strip()}': {ban['why']}"


def check_shape(path, text):
    lines = text.split("\n")
    if re.match(rules.SOURCES, path):
        first = 1 if lines[0].startswith("#!") else 0
        c_like = re.match(rules.SLASHED, path)
        if first >= len(lines) or lines[first] != ("// " if c_like else "# ") + rules.SPDX:
            yield path, first + 1, "spdx", f"the first line is not the licence's ({rules.SPDX})"
        if text.count("\n") > rules.MOST_LINES:
            yield path, rules.MOST_LINES, "length", f"{text.count(chr(10))} lines, at most {rules.MOST_LINES}"
    if re.match(rules.TITLED, path):
        title = f"// {os.path.basename(path)} - "
        if not any(line.startswith(title) for line in lines[1:3]):
            yield path, 3, "title", f"the comment that says what the file is does not begin '{title}'"


def check_top(paths):
    tops = {}
    for path in paths:
        tops.setdefault(path.split("/")[0], path)
    for top, path in sorted(tops.items()):
        if top not in rules.TOP and not top.startswith("."):
            yield path, 1, "top", f"'{top}' is none of what the tree's top holds: {', '.join(sorted(rules.TOP))}"


def check_cxx(paths):
    cxx = [path for path in paths if re.match(rules.CXX_FILES, path)]
    for path in cxx:
        if not re.match(rules.CXX_PLACE, path):
            yield path, 1, "c++", "C++ lives in bench/ only"
    if len(cxx) > rules.CXX_MOST:
        yield cxx[-1], 1, "c++", f"{len(cxx)} C++ files, at most {rules.CXX_MOST}: {', '.join(cxx)}"


def essay_end(text):
    """Where a file's opening comment ends: labels that are only talked about there are no ends of an edge."""
    match = re.match(r"(?:[ \t]*(?://[^\n]*)?\n)*", text)
    return match.end() if match else 0


def check_labels(texts):
    ends = {"R": {}, "A": {}}
    for path, text in texts.items():
        if re.match(rules.LABELLED, path):
            for match in re.finditer(rules.LABEL, text[essay_end(text) :]):
                number = line_of(text, essay_end(text) + match.start())
                ends[match.group(1)].setdefault(match.group(2), (path, number))
    for mine, other, lacking in (("R", "A", "acquire"), ("A", "R", "release")):
        for label in sorted(set(ends[mine]) - set(ends[other])):
            yield *ends[mine][label], "labels", f"[{mine}:{label}] has no {lacking} [{other}:{label}]"


def check_rules(tree):
    """Every violation of the tree, as (path, line, rule, message)."""
    paths = tracked(tree)
    texts = {path: text for path in paths if (text := read(tree, path)) is not None}
    found = []
    for path, text in texts.items():
        code = text
        if re.match(rules.FORMATTED, path):
            code = code_of(text)
            found += check_includes(path, code)
        found += check_bans(path, text, code)
        found += check_shape(path, text)
    found += check_top(paths)
    found += check_cxx(paths)
    found += check_labels(texts)
    if not any(path.startswith("lib/") for path in texts):
        found.append((".", 0, "nothing", "no file under lib/ was found: this is not the tree"))
    return sorted(found)


# ---- gates that other programs decide ---------------------------------------------------------------------------------


def gate(tree, program, arguments, wanted):
    """Runs a program over the files that match; its exit status, SKIPPED without it."""
    if not shutil.which(program):
        print(f"skipped: {program} is not installed")
        return SKIPPED
    files = [path for path in tracked(tree) if re.match(wanted, path)]
    if not files:
        print(f"no file for {program}: this is not the tree")
        return 1
    status = subprocess.run([program, *arguments, *files], cwd=tree, check=False).returncode
    print(f"{program}: {len(files)} files, {'clean' if status == 0 else 'not clean'}")
    return 1 if status else 0


def check_format(tree):
    return gate(tree, "clang-format", ["--dry-run", "-Werror"], rules.FORMATTED)


def check_shell(tree):
    return gate(tree, "shellcheck", [], rules.SHELL)


def main(arguments):
    kind = arguments[1] if len(arguments) > 1 else ""
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    tree = os.path.abspath(arguments[2] if len(arguments) > 2 else default)
    if kind == "format":
        return check_format(tree)
    if kind == "shell":
        return check_shell(tree)
    if kind != "rules":
        print("usage: architecture.py rules|format|shell [TREE]", file=sys.stderr)
        return 2
    violations = check_rules(tree)
    for path, number, rule, message in violations:
        print(f"{path}:{number}: [{rule}] {message}")
    print(f"{len(tracked(tree))} files, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
