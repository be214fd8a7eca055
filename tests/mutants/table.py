# SPDX-License-Identifier: MIT
#
# table.py - results as CSV: read back to go on, written whole or not at all.

import csv
import os

from driver import Catch
from patches import ROOT, git

SURVIVED = "nobody" # instead of a check's name
PROVED, NOT_PROVED, NO_PROOF = "yes", "no", "-" # of `only:` and `shows:`; -: it has none of them


def engine_of(paths):
    """The commit that last changed one of these; with a + where something is not committed."""
    commit = git(["log", "-1", "--format=%h", "--", *paths], ROOT)
    if commit.returncode != 0 or not commit.stdout.strip():
        return "unknown+"
    changed = git(["status", "--porcelain", "--", *paths], ROOT)
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")


class Table:
    """Rows by their first column; the last one is the engine's commit."""

    def __init__(self, path, columns):
        self.path, self.columns = path, columns
        self.rows = {}
        if os.path.exists(path):
            with open(path, newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    self.rows[row[columns[0]]] = row

    def has(self, name, engine):
        """Whether that one is done, for exactly this engine."""
        row = self.rows.get(name)
        return row is not None and row.get(self.columns[-1]) == engine and not engine.endswith("+")

    def keep(self, names):
        """Rows of others go."""
        self.rows = {name: row for name, row in self.rows.items() if name in names}

    def put(self, *values):
        self.rows[str(values[0])] = dict(zip(self.columns, map(str, values)))
        self.write()

    def write(self):
        part = f"{self.path}.part-{os.getpid()}"
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.rows[name] for name in sorted(self.rows))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)


def is_done(mutant, row):
    """Whether the row says all that it must: caught in time, by who was expected, and proved."""
    return row["caught_by"] != SURVIVED and mutant.expects(row["caught_by"]) and float(row["seconds"]) <= mutant.budget and \
        row.get("proved") == (PROVED if mutant.checker else NO_PROOF)


def untrue(mutant, row):
    """What a row of the table of catches says, and the mutant's header not."""
    for key in "class", "policy":
        if row[key] != mutant.values[key]:
            yield f"its row says {key} {row[key]}, its header {mutant.values[key]}"
    if row["caught_by"] == SURVIVED:
        yield f"caught by {SURVIVED}"
    elif not mutant.expects(row["caught_by"]):
        yield f"caught by {row['caught_by']}; expected: {mutant.detector}"
    elif mutant.checker and not mutant.checker.catches(Catch(row["caught_by"], row.get("text") or "")):
        yield f"'{row.get('text')}' is not what {mutant.only or mutant.shows} says"
    if float(row["seconds"]) > mutant.budget:
        yield f"{row['seconds']} s are more than its budget"
    if row.get("proved") != (PROVED if mutant.checker else NO_PROOF):
        yield f"proved: {row.get('proved')}"


def gaps(mutants, caught_path, quick_path):
    """What the two committed tables lack: a row for each mutant (of the quick tests: for each that they are said not to
    see), of a commit, which says what it must."""
    caught = Table(caught_path, ("mutant", "class", "policy", "caught_by", "seconds", "proved", "text", "engine")).rows
    quick = Table(quick_path, ("mutant", "said", "seen", "engine")).rows
    unseen = {name for name, mutant in mutants.items() if not mutant.seen_by_quick}
    for path, rows, wanted in (caught_path, caught, mutants.keys()), (quick_path, quick, unseen):
        file = os.path.basename(path)
        for lost in sorted(wanted - rows.keys()):
            yield f"{file}: no row for {lost}"
        for lost in sorted(rows.keys() - mutants.keys()):
            yield f"{file}: a row for {lost}, which is no mutant"
        for mutant, row in rows.items():
            if not row["engine"] or row["engine"].endswith("+"):
                yield f"{file}: {mutant}: '{row['engine']}' is no commit"
    for name, row in caught.items():
        if name in mutants:
            yield from (f"{name}: {why}" for why in untrue(mutants[name], row))
    for mutant, row in quick.items():
        if mutant in mutants and not mutants[mutant].values["quick"] == row["said"] == row["seen"]:
            yield f"{mutant}: its header says quick: {mutants[mutant].values['quick']}, the table {row['said']}, and seen was {row['seen']}"
