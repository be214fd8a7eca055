#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# half_hour.py - a newcomer's first half hour: a Debian that has never seen the project, and nothing but README.md.
#
# usage: half_hour.py [--check] [--pages FOLDER]     try it, as root; the pages and their pictures into FOLDER
#        half_hour.py --list                         the commands, in their order, and the pages they leave
#
# 1. The commands are README.md's: the sh blocks of the sections in PARTS, line by line as they stand there, so that page
#    and trial cannot part. A section or a page that has gone is an error. <this repository> is this tree's HEAD.
# 2. The machine is architecture/bare_debian.sh's: debootstrap's smallest Debian 12 with git. The browser alone is this
#    machine's, for a newcomer has one.
# 3. `./bootstrap.sh check` takes most of the time and is left out without --check, and said to be.
# 4. Whether an allocator is slower (exit status 4) is for the machine to say; all else has to end well. Minutes are
#    printed beside the goal and fail nothing: they are this machine's, and a busy one's are more.

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BARE = os.path.join(TREE, "tests/architecture/bare_debian.sh")
GOAL_MINUTES = 30
HOME = "/newcomer"
# Section of README.md, what the newcomer does there.
PARTS = (("MeMS: fio for memory allocators", "the two commands"),
         ("Your own program, your own allocator", "two allocators on an own program"),
         ("In CI", "a CI job with a baseline"),
         ("Look, keep, share", "a report, a history, shards"))
LONG = "./bootstrap.sh check"
DEMO = "results/local/demo.html" # what `demo` leaves; README.md says so
VERDICTS = {"compare": (0, 4), "--baseline": (0, 4)}


def commands():
    """[(section, what, [line])] of README.md."""
    typed, section, fence = {}, None, None
    with open(os.path.join(TREE, "README.md"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("```"):
                fence = line[3:] if fence is None else None
            elif fence is None and line.startswith("#"):
                section = line.lstrip("# ")
            elif fence == "sh" and line:
                typed.setdefault(section, []).append(line)
    for section, _ in PARTS:
        if section not in typed:
            sys.exit(f"half_hour.py: README.md has no section '{section}' with commands")
    return [(section, what, typed[section]) for section, what in PARTS]


def pages():
    """What demo leaves, and what the other commands write."""
    with open(os.path.join(TREE, "README.md"), encoding="utf-8") as file:
        if f"`{DEMO}`" not in file.read():
            sys.exit(f"half_hour.py: README.md does not name {DEMO}, the page that demo leaves")
    written = re.findall(r" (?:-o|--html) (\S+\.html)", "\n".join(line for _, _, lines in commands() for line in lines))
    if not written:
        sys.exit("half_hour.py: no command of README.md writes a page")
    return [DEMO, *dict.fromkeys(written)]


class Newcomer:
    """Somebody at a terminal in ROOT."""

    def __init__(self, root):
        self.root, self.where, self.faults = root, HOME, []
        os.makedirs(root + HOME, exist_ok=True)

    def type(self, line):
        """Runs a line where the last one has led; its exit status."""
        line = line.replace("<this repository>", "/mems")
        print(f"\n$ {line}", flush=True)
        script = f'cd "{self.where}"; {line}\nstatus=$?; pwd >{HOME}/.where; exit $status'
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": HOME,
                       "LANG": "C.UTF-8"}
        status = subprocess.run(["chroot", self.root, "/bin/bash", "-c", script], env=environment, check=False).returncode
        with open(self.root + HOME + "/.where", encoding="utf-8") as file:
            self.where = file.read().strip()
        allowed = next((statuses for word, statuses in VERDICTS.items() if f" {word} " in line), (0,))
        if status not in allowed:
            self.faults.append(f"exit status {status}: {line}")
        return status

    def look(self, page, shots):
        """Opens a page in a browser: it says nothing on the console, and has drawn."""
        path = os.path.join(self.root, self.where.lstrip("/"), page)
        if not os.path.exists(path):
            self.faults.append(f"{page}: there is no such page")
            return
        browser = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--enable-logging=stderr", "--virtual-time-budget=10000", "--window-size=1100,1240"]
        folder = shots or os.path.join(self.root, "tmp")
        picture = os.path.join(folder, os.path.basename(page).replace(".html", ".png"))
        done = subprocess.run([*browser, "--dump-dom", f"file://{path}"], capture_output=True, text=True, check=False,
                              timeout=300)
        subprocess.run([*browser, f"--screenshot={picture}", f"file://{path}"], capture_output=True, check=False,
                       timeout=300)
        said = [text for text in done.stderr.splitlines() if "CONSOLE" in text]
        charts = done.stdout.count("<canvas")
        drawn = len(re.findall(r"<canvas[^>]* style=\"[^\"]*width: [1-9]", done.stdout))
        if done.returncode != 0 or said or drawn == 0 or "pass" not in done.stdout or not os.path.exists(picture):
            self.faults.append(f"{page} in a browser: status {done.returncode}, {drawn} of {charts} charts drawn, {said}")
        print(f"{page}: {os.path.getsize(path) / 1e6:.2f} MB, {drawn} charts drawn, console: {said or 'silent'}")
        if shots:
            shutil.copy(path, shots)


def chromium():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def spent():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), use.ru_utime + use.ru_stime


def minutes(what, since):
    wall, cpu = (now - then for now, then in zip(spent(), since))
    return f"{wall / 60:7.2f} {cpu / 60:7.2f}  {what}"


def half_hour(root, options):
    newcomer, table, start = Newcomer(root), [], spent()
    for _, what, lines in commands():
        table.append(f"{'':17}{what}")
        for line in lines:
            if line == LONG and not options.check:
                table.append(f"      -       -    {line} (left out: --check)")
                continue
            since = spent()
            status = newcomer.type(line)
            table.append(minutes(f"  {line[:90]}{f' (exit status {status})' if status else ''}", since))
            if status and "bootstrap" in line or not newcomer.where.endswith("mems"):
                break
    since = spent()
    for page in pages():
        newcomer.look(page, options.pages)
    table.append(minutes("the pages in a browser", since))
    print("\n   wall     CPU  minutes", *table, minutes(f"all, of {GOAL_MINUTES}", start), sep="\n")
    for fault in newcomer.faults:
        print("fault:", fault)
    return 1 if newcomer.faults else 0


def main():
    parser = argparse.ArgumentParser(usage="half_hour.py [--check] [--pages FOLDER] | --list")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--pages", type=os.path.abspath)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--root")
    options = parser.parse_args()
    if options.list:
        for section, what, lines in commands():
            print(f"{section}: {what}", *lines, sep="\n    ")
        print("Pages", *pages(), sep="\n    ")
        return 0
    lacks = [what for what, there in (("root", os.getuid() == 0), ("debootstrap", shutil.which("debootstrap")),
                                      ("chromium", chromium())) if not there]
    if lacks:
        print("skipped; this takes", ", ".join(lacks))
        return 77
    if options.pages:
        os.makedirs(options.pages, exist_ok=True)
    if not options.root:
        return subprocess.run([BARE, "--program", os.path.abspath(__file__), *sys.argv[1:], "--root"], check=False).returncode
    return half_hour(options.root, options)


if __name__ == "__main__":
    sys.exit(main())
