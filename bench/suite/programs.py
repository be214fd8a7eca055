# SPDX-License-Identifier: MIT
#
# programs.py - the table of what the suite runs: a row a program.
#
# 1. Three kinds of rows. A driver's row is a section of suite.ini, which mems-stress runs in a process of its own; its
#    time is that of the measured phase. A program's row is a command; its time is from fork to exit. A server's row
#    is a command that serves, and one that asks; its time is the second one's, its memory the first one's.
# 2. In commands {work} is the folder of scripts beside this file, {in} the folder of generated inputs (inputs.py),
#    {out} a fresh one for what the program writes. What it prints, and the files of `made` in {out}, have to be the
#    same under every allocator.
# 3. A program is chosen because it allocates in a way that others do not, with inputs for about a second. None reads
#    the network, a clock or a file of this machine's but its own libraries.
# 4. If you change this: whoever compares two runs compares rows of one name. A changed input wants another name.

import os
import shutil

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.path.join(HERE, "work")
JOB = os.path.join(HERE, "suite.ini")


class Program:
    kind = "program"

    def __init__(self, name, about, command, package, needs=(), made=(), environment=None):
        self.name, self.about, self.command, self.package = name, about, command, package
        self.needs, self.made = needs, made
        self.environment = environment or {}

    def missing(self):
        """What is not installed, None when all is there."""
        return None if shutil.which(self.command[0]) else f"no {self.command[0]} (Debian: {self.package})"


class Driver(Program):
    kind = "driver"

    def __init__(self, name, about):
        super().__init__(name, about, ["mems-stress"], "")

    def missing(self):
        return None


class Server(Program):
    """`command` serves on the socket {out}/socket; each of `questions` is asked in turn, `answers` then tell what it holds."""

    kind = "server"

    def __init__(self, name, about, command, package, alias, questions, answers):
        super().__init__(name, about, command, package)
        self.alias, self.questions, self.answers = alias, questions, answers

    def missing(self):
        """Debian's redis-tools holds the server's binary under another name: `alias`; the package of the server starts a
        service."""
        absent = [command[0] for command in (*self.questions, *self.answers) if not shutil.which(command[0])]
        if not self.binary():
            absent.insert(0, self.command[0])
        return f"no {absent[0]} (Debian: {self.package})" if absent else None

    def binary(self):
        return shutil.which(self.command[0]) or shutil.which(self.alias)


DRIVER = {
    "larson": "2 threads replace blocks of 8-999 B and leave them to successors",
    "exchange": "2 threads swap blocks of very different sizes through a table",
    "producer-consumer": "one thread allocates 64 B, another frees",
    "random-slots": "2 threads, batches of scattered blocks, some freed by the other",
    "cache-scratch": "2 threads free and rewrite tiny blocks that one of them made",
    "cache-thrash": "2 threads rewrite tiny blocks of their own",
    "simple": "32 B, 25 to 1,600 live, half freed first in first out",
    "inverse-square": "2 threads, sizes of density 1/s^2, every byte written",
    "large": "20 blocks of 5-25 MiB, zeroed, replaced at random",
    "thread-churn": "short-lived threads that swap blocks into a table",
    "pareto-slots": "2 threads, a fifth of the slots has four fifths of the use",
}

REDIS_CLI = ["redis-cli", "-s", "{out}/socket"]

PROGRAMS = [
    *(Driver(name, about) for name, about in DRIVER.items()),
    # PYTHONMALLOC: small objects too go to malloc, not to the interpreter's own arenas.
    Program("python3", "JSON, sorting, regular expressions, a parser; PYTHONMALLOC=malloc",
            ["/usr/bin/python3", "-B", "{work}/records.py"], "python3",
            environment={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}),
    Program("sqlite3", "a database in memory: filled, indexed, changed, asked",
            ["sqlite3", "-batch", "-init", "/dev/null", ":memory:", ".read {work}/shop.sql"], "sqlite3"),
    Server("redis", "redis-server under redis-benchmark, 20 clients on a socket",
           ["redis-server", "--port", "0", "--unixsocket", "{out}/socket", "--save", "", "--appendonly", "no",
            "--enable-debug-command", "yes", "--daemonize", "no", "--dir", "{out}", "--loglevel", "warning"],
           "redis-tools", "redis-check-rdb",
           [["redis-benchmark", "-s", "{out}/socket", "-q", "-n", "30000", "-c", "20", "-P", "8", "-r", "5000", "-d", "120",
             "-t", "set,get,incr,lpush,rpop,sadd,hset,zadd,mset"]],
           [[*REDIS_CLI, "flushall"],
            [*REDIS_CLI, "eval", "for i = 1, 3000 do redis.call('hset', 'h' .. i % 97, 'field' .. i, 'value ' .. i * 7919); "
             "redis.call('zadd', 'z', i * 31 % 1009, 'm' .. i) end return redis.call('zcard', 'z')", "0"],
            [*REDIS_CLI, "debug", "digest"]]),
    Program("lua", "words of a text in tables, joined strings, trees", ["lua5.4", "{work}/words.lua", "{in}/text.txt"], "lua5.4",
            needs=("text.txt",)),
    Program("perl", "an index of a text: hashes of arrays, joined and matched", ["perl", "{work}/words.pl", "{in}/text.txt"],
            "perl", needs=("text.txt",), environment={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"}),
    Program("gawk", "words and pairs of a text in associative arrays", ["gawk", "-f", "{work}/words.awk", "{in}/text.txt"],
            "gawk", needs=("text.txt",)),
    Program("ruby", "objects, strings and hashes, grouped and joined", ["ruby", "{work}/trees.rb", "{in}/text.txt"], "ruby",
            needs=("text.txt",)),
    Program("sort", "700,000 lines, two threads", ["sort", "--parallel=2", "-S", "64M", "-o", "{out}/sorted", "{in}/rows.txt"],
            "coreutils", needs=("rows.txt",), made=("sorted",)),
    Program("g++", "a unit of C++ with containers and templates, -O2",
            ["g++", "-std=c++17", "-O2", "-c", "{in}/unit.cc", "-o", "{out}/unit.o"], "g++", needs=("unit.cc",), made=("unit.o",)),
    Program("clang", "a unit of C, -O2", ["clang", "-O2", "-c", "{in}/unit.c", "-o", "{out}/unit.o"], "clang",
            needs=("unit.c",), made=("unit.o",)),
    Program("gs", "two pages of curves and text to an image",
            ["gs", "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=png16m", "-r72", "-sOutputFile={out}/page%d.png",
             "{work}/page.ps"], "ghostscript", made=("page1.png", "page2.png")),
    Program("z3", "two problems without a solution", ["z3", "{in}/problem.smt2"], "z3", needs=("problem.smt2",)),
]
