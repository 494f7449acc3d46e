"""Users who change, as tables: where they stood, who they are now, and who moves; a block at a time."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from policybudget.deployment.blocks import blocks, header_of, no_table, opened, written
from policybudget.deployment.bundle import Bundle
from policybudget.deployment.due import Tally
from policybudget.deployment.enrol import TOGETHER, columns_of, gain_ci95, worth
from policybudget.deployment.reassign import NONE, Moves, Rule, Standing, reassign
from policybudget.errors import PolicyBudgetError
from policybudget.runs.csv_file import cell, harmless, lines

Numbers = NDArray[Any]
HEADER = "name,policy,expected,gain,ci95,status,waiting\n"
MOST_WAITING = 1_000_000


@dataclass(frozen=True)
class Reassigned:
    """What became of a table of users.

    Attributes:
        users: how many there are.
        moved: to another policy.
        held: who would gain more than the cost, and stayed.
        new: who were not served before.
        unserved: for want of a policy above the floor.
        left: who were in the table of before, and are not in this one.
        gained: expected returns of those who moved, less what they had: mean over all users.
    """

    users: int
    moved: int
    held: int
    new: int
    unserved: int
    left: int
    gained: float

    def text(self, out: Path) -> str:
        """In lines of at most 80 columns.

        Args:
            out: the file that was written.
        """
        stay = self.users - self.moved - self.held - self.new - self.unserved
        lines = [
            f"moved     {self.moved} of {self.users} users, {self.gained:.4g} per user and episode over all",
            f"held      {self.held}, who would gain more than the cost: unsure, or not for long",
            f"stay      {stay}",
            f"new       {self.new}",
            f"unserved  {self.unserved}, for whom no policy is expected above the floor",
        ]
        lines += [f"left      {self.left}, no longer in the table"] if self.left else []
        return "\n".join([*lines, f"file      {out}"])


def reassign_file(
    bundle: Bundle, table: Path, rule: Rule, out: Path, before: Path | None = None, tally: Tally | None = None
) -> Reassigned:
    """Who moves, of the users of a table; a row for each is written.

    Args:
        bundle: with the policies.
        table: users as they are now, as :func:`policybudget.deployment.enrol_file.enrol_file` takes them.
        rule: when users move.
        out: the file to write; it appears whole or not at all. It is the ``before`` of the next table.
        before: where the users stood: ``name``, ``policy``, and ``waiting`` if there is such a column; what this
            function or an enrolment wrote. None if all are new.
        tally: is told what each user has now; None if nobody asks whether another policy is due.

    Returns:
        How many did what.

    Raises:
        PolicyBudgetError: a file cannot be read or written, or a row is wrong; the error names its line.
    """
    known = Before.read(before, len(bundle.policies)) if before is not None else Before({}, Standing.new(0))
    counts, gained, seen = np.zeros(6, np.int64), 0.0, np.zeros(len(known.names), bool)
    with opened(table) as source, written(out, bundle) as sink:
        sink.write(HEADER)
        for names, users in blocks(table, source, columns_of(bundle)):
            places = known.places(names)
            seen[places[places >= 0]] = True
            standing, value = known.of(places), worth(bundle, users)
            best = value.argmax(axis=1)
            ci95 = gain_ci95(bundle, users, best, np.where(standing.policy >= 0, standing.policy, best))
            moves = reassign(standing, value, ci95, rule)
            sink.write(_lines(names, moves, ci95))
            if tally is not None:
                tally.add(users[~moves.unserved], moves.expected[~moves.unserved])
            counts[:5] += (
                len(names), moves.moved.sum(), moves.held.sum(), moves.new.sum(), moves.unserved.sum()
            )  # fmt: skip
            gained += float(moves.gain[moves.moved].sum())
    counts[5] = (~seen).sum()
    users_, moved, held, new, unserved, left = map(int, counts)
    return Reassigned(users_, moved, held, new, unserved, left, gained / max(users_, 1))


@dataclass(frozen=True)
class Before:
    """Where users stood.

    Attributes:
        names: positions by name.
        standing: of all of them.
    """

    names: dict[str, int]
    standing: Standing

    def places(self, names: list[str]) -> Numbers:
        """Positions of some users.

        Args:
            names: u of them.

        Returns:
            (u,) -1 for who was not there.
        """
        return np.fromiter((self.names.get(harmless(name), -1) for name in names), np.int64, len(names))

    def of(self, places: Numbers) -> Standing:
        """Where some users stood.

        Args:
            places: (u,) their positions; -1 for who was not there.
        """
        found, known = Standing.new(len(places)), places >= 0
        found.policy[known] = self.standing.policy[places[known]]
        found.waiting[known] = self.standing.waiting[places[known]]
        return found

    @staticmethod
    def read(path: Path, policies: int) -> Before:
        """From a table.

        Args:
            path: of the table.
            policies: k.

        Raises:
            PolicyBudgetError: it cannot be read, a row is wrong, or a name is there twice.
        """
        names, parts = dict[str, int](), [np.empty((0, 2), np.int64)]
        with opened(path) as source:
            try:
                _read(path, source, policies, names, parts)
            except (csv.Error, UnicodeDecodeError) as error:
                raise no_table(path, error) from None
        policy, waiting = np.concatenate(parts).T
        return Before(names, Standing(policy, waiting))


def _read(path: Path, source: IO[str], policies: int, names: dict[str, int], parts: list[Numbers]) -> None:
    """Adds names, and policies with tables of waiting."""
    reader = csv.reader(lines(source.readline))
    header = header_of(path, reader, ("name", "policy"), "users of before")
    name, policy = header.index("name"), header.index("policy")
    waits = header.index("waiting") if "waiting" in header else None
    while rows := list(islice(reader, TOGETHER)):
        found = np.zeros((len(rows), 2), np.int64)
        for index, row in enumerate(rows):
            line = len(names) + 2
            try:
                found[index] = (
                    NONE if row[policy] == "none" else int(row[policy]),
                    0 if waits is None else int(row[waits]),
                )
                good = NONE <= found[index, 0] < policies and 0 <= found[index, 1] <= MOST_WAITING
                names[row[name]] = len(names)
            except (ValueError, IndexError, OverflowError):
                good = False
            if not good or len(names) != line - 1:
                raise PolicyBudgetError(
                    f"{path}, row {line}: expected a name that comes once, a policy from 0 to {policies - 1} or none"
                    f"{'' if waits is None else ', and tables of waiting'}, got {','.join(row)[:60]!r}"
                )
        parts.append(found)


def _lines(names: list[str], moves: Moves, ci95: Numbers) -> str:
    status = np.full(len(names), "stays", dtype="U8")
    for word, of in (("moves", moves.moved), ("held", moves.held), ("new", moves.new), ("none", moves.unserved)):
        status[of] = word
    columns: list[list[str]] = [
        [cell(name) for name in names],
        ["none" if policy < 0 else str(policy) for policy in moves.standing.policy.tolist()],
        *([f"{x:.6g}" for x in column.tolist()] for column in (moves.expected, moves.gain, ci95)),
        status.tolist(),
        [str(tables) for tables in moves.standing.waiting.tolist()],
    ]
    return "".join(f"{','.join(row)}\n" for row in zip(*columns, strict=True))
