"""A table of realised returns, and what follows for each user: the policy, how sure that is, what to try next."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from policybudget.deployment.blocks import blocks, header_of, no_table, opened, written
from policybudget.deployment.bundle import Bundle
from policybudget.deployment.enrol import TOGETHER, columns_of, usual, worth
from policybudget.deployment.few_shot import Identified, Question, identify, measure
from policybudget.errors import PolicyBudgetError
from policybudget.runs.csv_file import cell, lines

Numbers = NDArray[Any]
COLUMNS = ("name", "policy", "return")
HEADER = "name,policy,expected,low,high,gain,gain_low,gain_high,episodes,decided,next\n"


@dataclass(frozen=True)
class Log:
    """Realised returns of many users, by user; those of a user in the order of the table.

    Attributes:
        names: positions of the users, by name, in the order in which they first came.
        start: (u + 1,) where the returns of each begin; the last one is their number.
        policy: (e,) that each was realised with.
        value: (e,) the returns.
    """

    names: dict[str, int]
    start: Numbers
    policy: Numbers
    value: Numbers

    def of(self, users: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """The returns of some users.

        Args:
            users: (u,) positions; -1 for one without returns.

        Returns:
            Which of these users each return is of (e,), the policy (e,) and the return (e,).
        """
        known = users >= 0
        first = np.where(known, self.start[users], 0)
        many = np.where(known, self.start[users + 1] - first, 0)
        owner = np.repeat(np.arange(len(users)), many)
        place = np.arange(len(owner)) + np.repeat(first - (np.cumsum(many) - many), many)
        return owner, self.policy[place], self.value[place]


@dataclass(frozen=True)
class Answers:
    """What became of a table of realised returns.

    Attributes:
        users: how many there are.
        served: how many are decided, by each policy.
        unserved: for how many it is shown that no policy reaches the floor.
        open: how many are not decided.
        episodes: returns that were used.
    """

    users: int
    served: tuple[int, ...]
    unserved: int
    open: int
    episodes: int

    def text(self, out: Path) -> str:
        """In lines of at most 80 columns.

        Args:
            out: the file that was written.
        """
        lines = [f"policy {policy}: {count} users, decided" for policy, count in enumerate(self.served)]
        if self.unserved:
            lines.append(f"none: {self.unserved} users, for whom no policy reaches the floor")
        lines.append(f"{self.open} of {self.users} users are not decided by {self.episodes} returns")
        return "\n".join([*lines, f"file   {out}"])


def enrol_returns(bundle: Bundle, returns: Path, question: Question, out: Path, table: Path | None = None) -> Answers:
    """Who serves the users of a table of realised returns; a row for each is written.

    Args:
        bundle: with the policies.
        returns: columns ``name``, ``policy`` and ``return``, a row per episode; users and policies in any order, the
            returns of one user with one policy as they came.
        question: what is asked.
        out: the file to write; it appears whole or not at all.
        table: of users whose weights or task parameters are known (:func:`policybudget.deployment.enrol.columns_of`);
            what policies are expected to be worth to them says where to begin. None if there are none.

    Returns:
        How many go where.

    Raises:
        PolicyBudgetError: a file cannot be read or written, or a row is wrong; the error names its line.
    """
    log = read_log(returns, len(bundle.policies))
    served, counts, used = np.zeros(len(bundle.policies), np.int64), np.zeros(3, np.int64), 0
    with written(out, bundle) as sink:
        sink.write(HEADER)
        for names, places, prior in _users(bundle, log, table):
            owner, policy, value = log.of(places)
            measured = measure(owner, policy, value, len(names), len(bundle.policies), question)
            found = identify(measured, prior, question)
            sink.write(_lines(names, found))
            sure = found.decided & (found.policy >= 0)
            served += np.bincount(found.policy[sure], minlength=len(served))
            counts += (len(names), int((found.policy < 0).sum()), int((~found.decided).sum()))
            used += len(value)
    users, unserved, undecided = map(int, counts)
    return Answers(users, tuple(map(int, served)), unserved, undecided, used)


def _users(bundle: Bundle, log: Log, table: Path | None) -> Iterator[tuple[list[str], Numbers, Numbers]]:
    """Names, positions in the log and what policies are expected to be worth, of so many users at a time."""
    rest = log.names
    if table is not None:
        rest = dict(log.names)
        with opened(table) as source:
            for names, numbers in blocks(table, source, columns_of(bundle)):
                places = np.fromiter((log.names.get(name, -1) for name in names), np.int64, len(names))
                for name in names:
                    rest.pop(name, None)
                yield names, places, worth(bundle, numbers)
    left, prior = iter(rest), usual(bundle)
    while names := list(islice(left, TOGETHER)):
        yield names, np.fromiter((log.names[name] for name in names), np.int64, len(names)), prior


def read_log(path: Path, policies: int) -> Log:
    """A table of realised returns.

    Args:
        path: of the table.
        policies: k.

    Returns:
        The returns, by user.

    Raises:
        PolicyBudgetError: it cannot be read, or a row is wrong; the error names its line.
    """
    names, parts = dict[str, int](), [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    with opened(path) as source:
        try:
            parts += list(_parts(path, source, policies, names))
        except (csv.Error, UnicodeDecodeError) as error:
            raise no_table(path, error) from None
    user, policy, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(user, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=len(names)))])
    return Log(names, start, policy[order], value[order])


def _parts(
    path: Path, source: IO[str], policies: int, names: dict[str, int]
) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    reader = csv.reader(lines(source.readline))
    header = header_of(path, reader, COLUMNS, "returns")
    places = [header.index(name) for name in COLUMNS]
    first = 2
    while rows := list(islice(reader, TOGETHER)):
        try:
            columns = [[row[place] for row in rows if row] for place in places]
            policy = np.fromiter(map(int, columns[1]), np.int64, len(columns[1]))
            value = np.fromiter(map(float, columns[2]), float, len(columns[2]))
            good = bool(np.isfinite(value).all() and (policy >= 0).all() and (policy < policies).all())
        except (ValueError, IndexError, OverflowError):
            good = False
        if not good:
            raise PolicyBudgetError(_wrong(path, rows, places, policies, first))
        user = np.fromiter((names.setdefault(name, len(names)) for name in columns[0]), np.int64, len(columns[0]))
        yield user, policy, value
        first += len(rows)


def _wrong(path: Path, rows: list[list[str]], places: list[int], policies: int, first: int) -> str:
    """The first row that is none."""

    def good(row: list[str]) -> bool:
        try:
            whose, policy, value = (row[place] for place in places)
            return bool(whose is not None and 0 <= int(policy) < policies and np.isfinite(float(value)))
        except (ValueError, IndexError):
            return not row

    number, row = next((number, row) for number, row in enumerate(rows, first) if not good(row))
    expected = f"expected a name, a policy from 0 to {policies - 1} and a number"
    return f"{path}, row {number}: {expected}, got {','.join(row)[:60]!r}"


def _lines(names: list[str], found: Identified) -> str:
    numbers = (found.expected, found.low, found.high, found.gain, found.gain_low, found.gain_high)
    columns: list[list[str]] = [
        [cell(name) for name in names],
        ["none" if policy < 0 else str(policy) for policy in found.policy.tolist()],
        *(["" if x != x else f"{x:.6g}" for x in column.tolist()] for column in numbers),
        [str(many) for many in found.episodes.tolist()],
        ["yes" if sure else "no" for sure in found.decided.tolist()],
        ["" if policy < 0 else str(policy) for policy in found.next.tolist()],
    ]
    return "".join(f"{','.join(row)}\n" for row in zip(*columns, strict=True))
