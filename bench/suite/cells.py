# SPDX-License-Identifier: MIT
#
# cells.py - runs one program on one allocator: its time, its peak resident set, and a digest of its answer.
#
# 1. A program is run by mems-launch (launch.c says why), a section of suite.ini by mems-stress, which proves its
#    malloc by itself; a server by this process, which reads its VmHWM before it ends it.
# 2. A cell's environment is the same for all: a short list of variables, and those by which allocators are told what
#    to do (SETTINGS), which are whoever's that runs the suite. Each cell has an empty folder of its own.
# 3. Failure: Wrong, with one line: a status that is not 0, an answer that differs, a malloc of somebody else's, a run
#    that does not end. A process of ours never outlives its cell.

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from allocators import debugging, disproof
from programs import JOB, WORK

SETTINGS = re.compile(r"(MALLOC_|MIMALLOC_|TCMALLOC_|MEMS_MALLOC_)\w*|MALLOC_CONF|GLIBC_TUNABLES")
TIMEOUT_S = 300


class Wrong(Exception):
    pass


class Cell:
    """What one run gave."""

    def __init__(self, wall_ns, rss_bytes, digest):
        self.wall_ns, self.rss_bytes, self.digest = wall_ns, rss_bytes, digest


def settings():
    return {key: value for key, value in os.environ.items() if SETTINGS.fullmatch(key)}


def digest_of(parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little") + part)
    return total.hexdigest()[:16]


def tail(text):
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "nothing on stderr"


class Cells:
    """Runs cells; `folder` holds the inputs, and a folder for each cell while it runs."""

    def __init__(self, build, folder):
        self.stress = os.path.join(build, "stress", "mems-stress")
        self.launch = os.path.join(build, "bench", "mems-launch")
        self.folder, self.inputs = folder, os.path.join(folder, "in")
        os.makedirs(self.inputs, exist_ok=True)

    def run(self, program, allocator, prove=False):
        """A Cell, or raises Wrong. `prove`: and the loader says whose malloc it was (slower: not for the clock)."""
        with tempfile.TemporaryDirectory(dir=self.folder) as out:
            debug = os.path.join(out, "bindings") if prove and program.kind != "driver" else None
            cell = getattr(self, "run_" + program.kind)(program, allocator, out, debug)
            why = disproof(allocator, debug) if debug else None
            if why:
                raise Wrong(why)
            return cell

    def fill(self, command, out):
        return [word.replace("{work}", WORK).replace("{in}", self.inputs).replace("{out}", out) for word in command]

    def environment(self, program, out):
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": out, "TMPDIR": out, "LC_ALL": "C", "TZ": "UTC", "MEMS_STRESS_NO_HISTORY": "1",
                **settings(), **program.environment}

    def finish(self, command, **options):
        """Runs it to its end: (stdout, stderr). A group of its own, which is ended with it, come what may."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   start_new_session=True, **options)
        try:
            said, complained = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Wrong(f"did not end within {TIMEOUT_S} s") from None
        finally:
            end_group(process)
        if process.returncode != 0:
            raise Wrong(f"{os.path.basename(command[0])}: exit status {process.returncode}: {tail(complained or said)}")
        return said, complained

    # ---- programs ----------------------------------------------------------------------------------------------------

    def run_program(self, program, allocator, out, debug):
        report = os.path.join(out, "report.json")
        # What is for the program's loader must not be for the launcher's.
        loader = ["env", *(f"{key}={value}" for key, value in debugging(debug).items())] if debug else []
        said, complained = self.finish([self.launch, report, allocator.path, *loader, *self.fill(program.command, out)],
                                       env=self.environment(program, out), cwd=out)
        with open(report, encoding="ascii") as file:
            figures = json.load(file)
        if figures["signal"] or figures["exit_status"]:
            ended = f"signal {figures['signal']}" if figures["signal"] else f"exit status {figures['exit_status']}"
            raise Wrong(f"{ended}: {tail(complained)}")
        if b"cannot be preloaded" in complained:
            raise Wrong(tail(complained))
        made = []
        for name in program.made:
            with open(os.path.join(out, name), "rb") as file:
                made.append(file.read())
        return Cell(figures["wall_ns"], figures["max_rss_bytes"], digest_of([said, *made]))

    # ---- sections of suite.ini -----------------------------------------------------------------------------------------

    def run_driver(self, program, allocator, out, _debug):
        result = os.path.join(out, "result.json")
        self.finish([self.stress, "run", JOB, "--section", program.name, "--target", allocator.target(), "--repeats", "1",
                     "--quiet", "--json", result], env=self.environment(program, out), cwd=out)
        with open(result, encoding="utf-8") as file:
            cell = json.load(file)["cells"][0]
        if cell["verdict"] != "pass":
            raise Wrong(f"{cell['verdict']}: {cell['message']}")
        if not allocator.same(cell["malloc"]["path"]):
            raise Wrong(f"malloc was answered by {cell['malloc']['path']}, not by {allocator.path}")
        return Cell(cell["report"]["wall_ns"], cell["max_rss_bytes"], digest_of([b"pass"]))

    # ---- servers -------------------------------------------------------------------------------------------------------

    def run_server(self, program, allocator, out, debug):
        command = self.fill(program.command, out)
        alias = os.path.join(out, command[0])  # the binary decides by its name what it is
        os.symlink(program.binary(), alias)
        server = subprocess.Popen([alias, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL, start_new_session=True, cwd=out,
                                  env={**self.environment(program, out), **(debugging(debug) if debug else {}),
                                       "LD_PRELOAD": allocator.path})
        try:
            wait_for_socket(server, os.path.join(out, "socket"))
            begin_ns = time.monotonic_ns()
            for question in program.questions:
                said, _ = self.finish(self.fill(question, out), env=self.environment(program, out), cwd=out)
                if b"rror" in said:
                    raise Wrong(f"{question[0]}: {tail(said)}")
            wall_ns = time.monotonic_ns() - begin_ns
            answers = [self.finish(self.fill(answer, out), env=self.environment(program, out), cwd=out)[0]
                       for answer in program.answers]
            rss_bytes = peak_of(server.pid)
            server.terminate()
            server.communicate(timeout=TIMEOUT_S)
            if server.returncode != 0:
                raise Wrong(f"{command[0]}: exit status {server.returncode}")
        finally:
            end_group(server)
        return Cell(wall_ns, rss_bytes, digest_of(answers))


def end_group(process):
    """Ends what is left of a group of processes."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def peak_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024


def wait_for_socket(server, path):
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise Wrong(f"ended at once, exit status {server.returncode}: {tail(server.stderr.read())}")
        with socket.socket(socket.AF_UNIX) as attempt:
            try:
                attempt.connect(path)
                return
            except OSError:
                time.sleep(0.005)
    raise Wrong(f"does not answer within {TIMEOUT_S} s")


def scratch():
    """A folder whose path is short enough for a socket's, in memory where there is a place for that."""
    return tempfile.mkdtemp(prefix="suite-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
