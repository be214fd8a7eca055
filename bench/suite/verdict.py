# SPDX-License-Identifier: MIT
#
# verdict.py - what the measurements of a suite say: ratios, intervals, geometric means, and whether the goals are met.
#
# 1. A row is a program, a column an allocator. A cell's time is the median over the rounds, its memory the median of
#    the peak resident sets. Each is then divided by the best of its row: 1.00 is the best.
# 2. A mean over programs is geometric (the mean of ratios that does not depend on what one divides by). Only whole
#    rows are in it, those in which every allocator gave the right answer: means of different programs do not compare.
# 3. Ours beside the best peer: the ratio of medians, with a bootstrap interval (percentiles 2.5 and 97.5). What is
#    drawn are rounds, the same for both: they were neighbours in time, and what slowed one slowed the other. The peer
#    is chosen once, by its median; choosing it in each draw would find the luckiest. Of fewer than five rounds an
#    interval says nothing, and the goal that asks for it is not judged.
# 4. Memory counts where a program uses some: where it peaks above 8 MiB on the C library's malloc (on the leanest where
#    that one is not in the run).
# 5. "12 % ahead" is a ratio of the other's time to ours of 1.12.

import math
import random
import statistics

from allocators import BASE, OURS

RIVAL = "mimalloc"
AHEAD = 1.12
BEHIND = 1.10
MEMORY_FROM_BYTES = 8 << 20
LEAST_ROUNDS = 5
DRAWS = 4000


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def interval(over, under, draws=DRAWS, seed=1):
    """(low, high) of the ratio of the medians: 95 % of the draws, each of as many rounds as there are, both alike."""
    draw = random.Random(seed)
    rounds = range(len(over))
    ratios = []
    for _ in range(draws):
        drawn = draw.choices(rounds, k=len(rounds))
        ratios.append(statistics.median(over[i] for i in drawn) / statistics.median(under[i] for i in drawn))
    ratios.sort()
    return ratios[int(0.025 * (draws - 1))], ratios[math.ceil(0.975 * (draws - 1))]


class Row:
    """times and peaks: {allocator: [of round 0, 1, ..]} of those that answered rightly; wrong: {allocator: why}."""

    def __init__(self, name, times, peaks, wrong=None):
        self.name, self.times, self.peaks, self.wrong = name, times, peaks, wrong or {}
        self.time = {allocator: statistics.median(values) for allocator, values in times.items()}
        self.peak = {allocator: statistics.median(values) for allocator, values in peaks.items()}

    def whole(self):
        return bool(self.time) and not self.wrong

    def time_ratios(self):
        best = min(self.time.values())
        return {allocator: value / best for allocator, value in self.time.items()}

    def peak_ratios(self):
        best = min(self.peak.values())
        return {allocator: value / best for allocator, value in self.peak.items()}

    def best_peer(self):
        peers = {allocator: value for allocator, value in self.time.items() if allocator != OURS}
        return min(peers, key=peers.get) if peers else None

    def beside_peer(self):
        """(ratio, low, high) of ours to the best peer; None without both."""
        peer = self.best_peer()
        if peer is None or OURS not in self.time:
            return None
        return (self.time[OURS] / self.time[peer], *interval(self.times[OURS], self.times[peer]))

    def uses_memory(self):
        return bool(self.peak) and self.peak.get(BASE, min(self.peak.values())) > MEMORY_FROM_BYTES


def means(rows, allocators):
    """({allocator: geometric mean of time}, {.. of peak}); None where no row counts."""
    whole = [row for row in rows if row.whole()]
    return ({name: geometric_mean(row.time_ratios()[name] for row in whole) for name in allocators},
            {name: geometric_mean(row.peak_ratios()[name] for row in whole if row.uses_memory()) for name in allocators})


def judge(rows, allocators):
    """The goals: [(goal, measured, met)]; met is None where it cannot be said. Empty without ours."""
    if OURS not in allocators:
        return []
    time, peak = means(rows, allocators)
    return [right(rows), fastest(time, sum(row.whole() for row in rows)), ahead(time), nowhere_behind(rows), lean(peak)]


def right(rows):
    wrong = [f"{row.name} ({row.wrong[OURS]})" for row in rows if OURS in row.wrong]
    return "answers: the same as on every other malloc", "; ".join(wrong) or f"{len(rows)} programs", not wrong


def fastest(time, count):
    peers = {name: value for name, value in time.items() if name != OURS}
    goal = "time: the best geometric mean of all"
    if not peers or time[OURS] is None:
        return goal, "nothing to compare with", None
    best = min(peers, key=peers.get)
    return goal, f"{time[OURS]:.3f}; the best peer, {best}, {peers[best]:.3f}; over {count} programs", time[OURS] <= peers[best]


def ahead(time):
    goal = f"time: at least {AHEAD - 1:.0%} ahead of {RIVAL} in geometric mean"
    if time.get(RIVAL) is None or time[OURS] is None:
        return goal, f"no {RIVAL} in this run", None
    ratio = time[RIVAL] / time[OURS]
    return goal, f"{ratio - 1:+.1%}", ratio >= AHEAD


def nowhere_behind(rows):
    goal = f"time: no program whose interval of the ratio to the best peer lies wholly above {BEHIND:.2f}"
    beside = {row.name: row.beside_peer() for row in rows}
    beside = {name: ratio for name, ratio in beside.items() if ratio}
    if not beside:
        return goal, "nothing to compare with", None
    behind = [f"{name} {ratio:.2f} [{low:.2f}, {high:.2f}]" for name, (ratio, low, high) in beside.items() if low > BEHIND]
    worst = max(beside, key=lambda name: beside[name][1])
    ratio, low, high = beside[worst]
    measured = ", ".join(behind) or f"nearest {worst}: {ratio:.2f} [{low:.2f}, {high:.2f}]"
    rounds = min(len(row.times[OURS]) for row in rows if row.name in beside)
    if rounds < LEAST_ROUNDS:
        return goal, f"{measured}; fewer than {LEAST_ROUNDS} rounds", None
    return goal, measured, not behind


def lean(peak):
    goal = f"peak RSS: geometric mean no higher than {BASE}'s"
    if peak.get(BASE) is None or peak[OURS] is None:
        return goal, "nothing to compare with", None
    return goal, f"{peak[OURS]:.3f}; {BASE} {peak[BASE]:.3f}", peak[OURS] <= peak[BASE]


# ---- tables -------------------------------------------------------------------------------------------------------------


def beside_text(row):
    beside = row.beside_peer()
    if not beside:
        return "-"
    return f"{beside[0]:.2f} [{beside[1]:.2f}, {beside[2]:.2f}] {row.best_peer()}"


def time_table(rows, allocators):
    ours = [OURS + " / best peer"] if OURS in allocators and len(allocators) > 1 else []
    yield ["time", "best ms", *allocators, *ours]
    for row in rows:
        ratios = row.time_ratios() if row.time else {}
        yield [row.name, f"{min(row.time.values()) / 1e6:.0f}" if row.time else "-",
               *(f"{ratios[name]:.2f}" if name in ratios else "wrong" for name in allocators),
               *([beside_text(row)] if ours else [])]
    time, _ = means(rows, allocators)
    yield ["geometric mean", "", *(f"{time[name]:.3f}" if time[name] else "-" for name in allocators), *([""] if ours else [])]


def peak_table(rows, allocators):
    yield ["peak RSS, MiB", "counts", *allocators]
    for row in rows:
        yield [row.name, "yes" if row.whole() and row.uses_memory() else "no",
               *(f"{row.peak[name] / 2**20:.1f}" if name in row.peak else "wrong" for name in allocators)]
    _, peak = means(rows, allocators)
    yield ["geometric mean", "", *(f"{peak[name]:.3f}" if peak[name] else "-" for name in allocators)]


def verdict_table(verdicts):
    yield ["met", "goal", "measured"]
    for goal, measured, met in verdicts:
        yield [{True: "yes", False: "no", None: "cannot be said"}[met], goal, measured]


def rendered(table, markdown, text_columns=()):
    """The lines of a table; its first row is the head. Columns of figures are flush right, but for Markdown."""
    table = [[str(cell) for cell in row] for row in table]
    if markdown:
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]
        return [lines[0], "|" + "---|" * len(table[0]), *lines[1:]]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) if i in (0, len(widths) - 1, *text_columns) else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in table]
