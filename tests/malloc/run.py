# SPDX-License-Identifier: MIT
#
# run.py - runs a program of this folder on a malloc: so many times, each in so many seconds, and wants "ok".
#
#   python3 run.py [OPTIONS] [--] PROGRAM [ARGUMENT...]
#
# A run has passed when it ended with status 0 and "ok" was the last line it printed; with --dies when it was ended
# by abort() and standard error matches the pattern. One that does not end is told where its threads wait, and killed
# with all that it started. Nothing of the malloc under test is loaded into this process. Exit status: 0 passed,
# 1 not, 77 the program says that this machine cannot run it.

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(description="runs a program on a malloc")
    parser.add_argument(
        "--library", default=os.environ.get("MEMS_TEST_MALLOC", ""),
        help="preloaded; empty: the malloc that the program has (default: what MEMS_TEST_MALLOC says)")
    parser.add_argument("--times", type=int, default=1, help="runs, one after the other; all must pass")
    parser.add_argument("--seconds", type=float, default=45, help="for each run")
    parser.add_argument("--dies", metavar="PATTERN", help="the program is to abort with this on standard error")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="into its environment")
    parser.add_argument("--valgrind", metavar="TOOL", help="under valgrind, as its tool runs programs")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def environment(options):
    env = dict(os.environ)
    env.pop("LD_PRELOAD", None)
    for pair in options.set:
        name, value = pair.split("=", 1)
        env[name] = value
    if options.library:
        env["LD_PRELOAD"] = options.library
    return env


def command(options):
    if not options.valgrind:
        return options.command
    # The client's malloc stays its own: no redirection. Its output goes to files that nobody wants.
    return ["valgrind", "--quiet", "--soname-synonyms=somalloc=nouserintercepts", "--tool=" + options.valgrind] + (
        ["--cachegrind-out-file=/dev/null"] if options.valgrind == "cachegrind" else []
    ) + options.command


def members(group):
    """The processes of a group: (number, command)."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.getpgid(int(entry)) == group:
                    with open("/proc/%s/cmdline" % entry, "rb") as file:
                        yield int(entry), file.read().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue


def where_threads_wait(group):
    lines = []
    for pid, line in members(group):
        lines.append("process %d: %s" % (pid, line))
        try:
            threads = sorted(os.listdir("/proc/%d/task" % pid), key=int)
        except OSError:  # it has ended meanwhile
            continue
        for tid in threads:
            words = []
            for what in ("wchan", "syscall"):
                try:
                    with open("/proc/%d/task/%s/%s" % (pid, tid, what)) as file:
                        words.append(file.read().strip())
                except OSError:
                    words.append("?")
            lines.append("    thread %s: %s; system call %s" % (tid, *words))
        if shutil.which("gdb"):
            stacks = subprocess.run(
                ["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt 12"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30, text=True, check=False,
            ).stdout
            lines += ["    " + at for at in stacks.splitlines() if re.match(r"#|Thread", at)]
    return "\n".join(lines)


def one_run(options, env):
    """None when it passed, else what is wrong with it; the process's status too."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            command(options), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, start_new_session=True
        )
        wrong = None
        try:
            child.wait(options.seconds)
        except subprocess.TimeoutExpired:
            wrong = "it hangs: it has not ended in %g s\n%s" % (options.seconds, where_threads_wait(child.pid))
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        status = child.wait()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    stdout, stderr = texts
    lines = stdout.splitlines()
    if wrong is None and options.dies is not None:
        if status != -signal.SIGABRT:
            wrong = "it should have been ended by abort()"
        elif not re.search(options.dies, stderr):
            wrong = "standard error does not match %r" % options.dies
    elif wrong is None:
        if status != 0:
            wrong = "it failed"
        elif not lines or lines[-1] != "ok":
            wrong = "it ended without saying ok"
    if wrong is None or status == SKIPPED:
        return None, status
    said = "signal %d (%s)" % (-status, signal.Signals(-status).name) if status < 0 else "exit status %d" % status
    return "%s\n%s\n-- standard output, the end:\n%s\n-- standard error, the end:\n%s" % (
        wrong, said, "\n".join(lines[-10:]), "\n".join(stderr.splitlines()[-20:])), status


def main():
    options = arguments()
    if options.library and not os.path.exists(options.library):
        sys.exit("run.py: there is no %s" % options.library)
    if options.valgrind and not shutil.which("valgrind"):
        print("skipped: there is no valgrind (Debian: valgrind)")
        sys.exit(SKIPPED)
    env = environment(options)
    begun = time.monotonic()
    for run in range(1, options.times + 1):
        wrong, status = one_run(options, env)
        if status == SKIPPED:
            print("skipped: this machine cannot run it")
            sys.exit(SKIPPED)
        if wrong is not None:
            print("run %d of %d, %s, on %s: %s" % (
                run, options.times, " ".join(options.command), options.library or "the program's own malloc", wrong))
            sys.exit(1)
    print("%d runs passed, in %.1f s" % (options.times, time.monotonic() - begun))


main()
