# SPDX-License-Identifier: MIT
#
# commands.py - every command that a README tells somebody to type, and who tries it.
#
# 1. Where they stand: in fenced blocks (sh: each line; text: what stands behind `$ `; ini and C are whole), and in the text and
#    its tables between backquotes, where they begin with a program of this tree or a tool that it is used with.
# 2. Who tries it: the README's own test (test_readme.py), as it stands but for SHORTER; or, where that would need root, an
#    installation, a scheduler or more than moments, the test that a row of ELSEWHERE names. Rows of FULL are typed as
#    they stand (but for SHORTER) in the label full.
# 3. test_commands.py holds this list against the READMEs: no command without somebody, no row without a command, no
#    row with a test that CTest does not have.

import os
import re

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))

# A command's beginning, the tests that run it, and why its README's test does not.
ELSEWHERE = (
    (r"git clone <this|\./bootstrap\.sh (demo|check)$", ("newcomer.half_hour",), "a Debian of its own, as root"),
    (r"\./bootstrap\.sh setup", ("architecture.bootstrap",), "installs packages"),
    (r"ctest --preset release -L (quick|soak|memcheck)$", ("soak.sample", "memcheck.plants"), "those tests themselves"),
    # tools that measure, or prove, for long
    (r"bench/goals", ("unit.bench.goals",), "every goal, with next to no work"),
    (r"bench/suite/suite", ("unit.bench.suite_run",), "tiny programs instead of large ones"),
    (r"valgrind --tool=callgrind", ("unit.bench.goals",), "instructions of the rows `instructions`"),
    (r"tests/mutants/run NAME|tests/mutants/run --(all|list|check-apply)", ("mutants.sample", "mutants.apply", "mutants.all"),
     "builds a tree for each mutant"),
    (r"tests/mutants/run --(clean|quick)", ("mutants.words",), "as many minutes as it is given"),
    (r"tests/planted/run --all", ("planted.apply", "planted.all"), "builds a tree for each patch"),
    (r"tests/faults/sweep", ("faults.sample", "faults.sweep"), "an hour"),
    (r"tests/soak/run", ("soak.sample", "soak.hour"), "an hour"),
    (r"BROKEN=short build/release/tests/cli/explore/", ("cli.explore",), "fails, as it shows"),
    (r"tests/explore/run --all", ("explore.table", "explore.all"), "minutes, and builds a tree for each patch"),
    (r"mems-stress run stress/jobs/soak\.ini --section quarter1 --target preload:", ("soak.sample",), "half a minute"),
    (r"python3 tests/models/models\.py (full|without)", ("models.small", "models.without", "models.full"), "minutes"),
    (r"tests/concurrency/torture$", ("concurrency.torture-full",), "minutes"),
    (r"MEMS_TEST_BROKEN=1 ", ("concurrency.torture-broken",), "minutes"),
    (r"(build/release/stress/)?mems-stress explore stress/jobs/explore\.ini --seconds 60", ("cli.explore",), "a minute"),
    (r"mems-stress selftest (aa|sensitivity)", ("cli.compare.selftest",), "minutes"),
    (r"mems-stress run stress/jobs/known-bugs\.ini", ("cli.run.jobs",), "minutes, and ends with 2 or 3"),
    (r"mems-stress run stress/jobs/(smoke|ci|demo|programs|nightly)\.ini( --repeats 3)?( --json results.*)?$",
     ("cli.run.jobs", "cli.run.smoke"),
     "seconds to an hour"),
    # what was installed
    (r"cmake --install|cc mine\.c \$\(pkg-config", ("install.libraries",), "an installation"),
    (r"cmake --workflow --preset package", ("install.packages",), "builds all, installs packages"),
    (r"LD_PRELOAD=libmems-malloc\.so\.0 PROGRAM", ("install.libraries",), "an installation"),
    (r"mems-stress run smoke$", ("install.driver",), "an installation"),
    (r"man mems-", ("install.manual",), "an installation"),
    # the drop-in malloc, in lib/malloc/README.md and README.md
    (r"LD_PRELOAD=\$PWD/build/release/lib|cc -static", ("unit.malloc.readme",), "a program of that test's own"),
    # schedulers and other machines
    (r"parallel --sshlogin", ("cli.run.shards",), "GNU parallel, with this machine as the only one"),
    (r"sbatch FOLDER|sh FOLDER|run JOB --slurm", ("cli.run.slurm", "slurm"), "a Slurm of that test's own"),
    # said with a placeholder
    (r"run JOB --baseline last", ("cli.history.keeping",), "a history of that test's own"),
    (r"(mems-stress )?run (JOB )?--google-benchmark FILE|mems-stress run JOB --google", ("cli.compare.google",), "a placeholder"),
    (r"mems-stress (explore JOB|trace show (WHAT|FILE)|trace info FILE|replay FILE|faults FILE|help KEY)",
     ("cli.explore", "cli.classroom.classroom", "cli.trace.replay_threads", "cli.faults.empty", "install.completion"),
     "a placeholder; with a name in place of it in a block"),
    (r"mems-stress fit ", ("cli.fit.shipped",), "byte for byte what is there"),
    (r"\./record\.sh", ("cli.trace.record_status",), "records again what is committed; the recorder is tried"),
    (r"chromium --headless", ("newcomer.half_hour", "report.browser"), "a browser"),
)

# Typed in the label full, with the exit statuses that are good: 1 where a goal may not be met on this machine.
FULL = (
    (r"\./bootstrap\.sh fuzz", (0,)),
    (r"\./bootstrap\.sh coverage", (0,)),
    (r"cmake --preset fuzz", (0,)),
    (r"build/fuzz/tests/fuzz/fuzz-slab INPUT", (0,)),
    (r"MEMS_TEST_SEED=7 ctest --preset release -R property", (0,)),
    (r"ninja -C build/release mems-malloc-checks-0", (0,)),
)

# What makes a command a matter of moments, and independent of what the machine is doing beside.
SHORTER = (
    (r"--seconds \d+", "--seconds 1"),
    (r"--schedules \d+", "--schedules 5"),
    (r"--repeats 9", "--repeats 2"),
    (r"--max-regression \d+%", "--max-regression 99%"),
    (r"(run stress/jobs/ci\.ini --section speed)(?!.*--set)", r"\1 --filter '^speed: larson/' --set runtime=20ms --repeats 2"),
    (r"mems-stress (compare|explore|replay|record|merge|run|report)$", r"mems-stress \1 --help"), # its name, in a sentence
    (r"(build/release/bench/mems-bench .*)--benchmark_repetitions=9", r"\1--benchmark_repetitions=2 --benchmark_min_time=0.0001"),
    (r"\./bootstrap\.sh fuzz \d+", "./bootstrap.sh fuzz 1"),
    (r"fuzz-slab INPUT", "fuzz-slab tests/fuzz/corpus/slab/*"),
)

# Ends that are no fault: a comparison judges the machine, too.
STATUSES = ((r"mems-stress compare |--baseline ", (0, 4)),)

BEGINNING = re.compile(
    r"((mems-stress|ctest|cmake|cc|valgrind|ninja|chromium|parallel|sbatch|sh|man|git clone|python3 (tests|bench)/\S+|[A-Z_]+=\S+) \S"
    r"|run JOB|run --google|\./[a-z]+\.sh\b|(build/\S+|tests/\w+/run|tests/faults/sweep|bench/goals|bench/suite/suite)( |$))")


def readmes():
    """The paths of all READMEs, from the tree's top."""
    found = []
    for folder, folders, files in os.walk(TREE):
        folders[:] = sorted(name for name in folders if name not in ("build", "local") and not name.startswith("."))
        found += [os.path.relpath(os.path.join(folder, name), TREE) for name in files if name == "README.md"]
    return found


def blocks(readme):
    """[(language, text)] of the fenced blocks."""
    with open(os.path.join(TREE, readme), encoding="utf-8") as file:
        return re.findall(r"^```(\w*)\n(.*?)^```$", file.read(), re.M | re.S)


def typed(block):
    """The commands of an sh block: a line each, but for those that go on after a \\; without the remark behind."""
    lines = block.replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+#\s.*", "", re.sub(r" {2,}", " ", line)).strip() for line in lines if line and line[0] != "#"]


def between_backquotes(readme):
    with open(os.path.join(TREE, readme), encoding="utf-8") as file:
        text = re.sub(r"^```.*?^```$", "", file.read(), flags=re.M | re.S)
    found = []
    for span in re.findall(r"`([^`]+)`", text):
        span = " ".join(span.split())
        if BEGINNING.match(span):
            found.append(span)
    return found


def commands(readme):
    """Every command of a README; what the text says of it again is left out."""
    found = []
    for language, block in blocks(readme):
        if language == "sh":
            found += typed(block)
        elif language == "text":
            found += [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return found + [command for command in dict.fromkeys(between_backquotes(readme)) if command not in found]


def row(table, command):
    return next((entry for entry in table if re.match(entry[0], command)), None)


def own(command):
    """Whether its README's own test runs it."""
    return row(ELSEWHERE, command) is None and row(FULL, command) is None


def shorter(command):
    for pattern, instead in SHORTER:
        command = re.sub(pattern, instead, command)
    return command


def statuses(command):
    return next((allowed for pattern, allowed in STATUSES if re.search(pattern, command)), (0,))
