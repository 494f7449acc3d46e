"""A table of new users of any length: read, computed and written a block at a time."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from policybudget.deployment.bundle import Bundle
from policybudget.deployment.enrol import FARTHEST, TOGETHER, Enrolled, columns_of, enrol, fit
from policybudget.errors import PolicyBudgetError
from policybudget.runs import files
from policybudget.runs.csv_file import cell, lines

HEADER = "name,policy,expected,ci95,gain\n"


@dataclass(frozen=True)
class Counts:
    """What became of a table of new users.

    Attributes:
        users: how many there are.
        served: how many by each policy.
        unserved: how many by none, for want of a policy above the floor.
        close: how many where the best policy leads by less than the interval.
    """

    users: int
    served: tuple[int, ...]
    unserved: int
    close: int

    def text(self, out: Path) -> str:
        """In lines of at most 80 columns.

        Args:
            out: the file that was written.
        """
        lines = [f"policy {policy}: {count} users" for policy, count in enumerate(self.served)]
        if self.unserved:
            lines.append(f"none: {self.unserved} users, for whom no policy is expected above the floor")
        lines.append(f"{self.close} of {self.users} users have a second policy within the interval of the first")
        return "\n".join([*lines, f"file   {out}"])


def enrol_file(bundle: Bundle, table: Path, out: Path) -> Counts:
    """Who serves the users of a table; a row for each is written.

    Args:
        bundle: with the policies.
        table: a header with the columns of :func:`policybudget.deployment.enrol.columns_of`, and ``name`` if users have
            names; a row per user.
        out: the file to write; it appears whole or not at all.

    Returns:
        How many go where.

    Raises:
        PolicyBudgetError: a file cannot be read or written, or a row is wrong; the error names its line.
    """
    files.replaceable(out)
    if bundle.folder.resolve() in out.resolve().parents:
        raise PolicyBudgetError(f"{out} is in the bundle, which is sealed; give a file elsewhere")
    columns, beside = columns_of(bundle), out.with_name(f".{out.name}.{os.getpid()}")
    served, unserved, close, users = np.zeros(len(bundle.policies), np.int64), 0, 0, 0
    try:
        with _opened(table) as source, beside.open("w", encoding="utf-8", newline="") as sink:
            sink.write(HEADER)
            for names, numbers in _blocks(table, source, columns, users):
                found = enrol(bundle, numbers)
                sink.write(_lines(names, found))
                users += len(names)
                served += np.bincount(found.policy[found.policy >= 0], minlength=len(served))
                unserved += int((found.policy < 0).sum())
                close += int((found.gain < found.ci95).sum())
        beside.replace(out)
    except OSError as error:
        raise files.cannot_write(out, error) from error
    finally:
        beside.unlink(missing_ok=True)
    return Counts(users, tuple(map(int, served)), unserved, close)


def _opened(table: Path) -> IO[str]:
    try:
        return table.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise PolicyBudgetError(f"cannot read {table}: {(error.strerror or str(error)).lower()}") from None


def _blocks(
    path: Path, source: IO[str], columns: tuple[str, ...], first: int
) -> Iterator[tuple[list[str], NDArray[Any]]]:
    """Names and numbers of so many users at a time."""
    try:
        reader = csv.reader(lines(source.readline))
        header = [cell.strip() for cell in next(reader, [])]
        if lacking := [name for name in columns if name not in header]:
            raise PolicyBudgetError(f"{path} has no column {lacking[0]!r}; users need {', '.join(columns)[:200]}")
        if twice := [name for name in (*columns, "name") if header.count(name) > 1]:
            raise PolicyBudgetError(f"{path} has column {twice[0]!r} twice")
        places = [header.index(name) for name in columns]
        named = header.index("name") if "name" in header else None
        pick = itemgetter(*places, places[0])  # once more the first, so that one column is a tuple, too
        filled = filter(None, reader)  # without empty lines
        while rows := list(islice(filled, TOGETHER)):
            try:
                cells = map(float, chain.from_iterable(map(pick, rows)))
                numbers = np.fromiter(cells, float, len(rows) * (len(places) + 1)).reshape(len(rows), -1)[:, :-1]
            except (ValueError, IndexError):
                numbers = np.full((1, 1), np.nan)
            if not fit(numbers).all() or set(map(len, rows)) != {len(header)}:
                raise PolicyBudgetError(_wrong(path, rows, places, header, first + 2))
            first += len(rows)
            names = (
                [str(first - len(rows) + i) for i in range(len(rows))] if named is None else [r[named] for r in rows]
            )
            yield names, numbers
    except (csv.Error, UnicodeDecodeError) as error:
        raise PolicyBudgetError(f"cannot read {path}: expected a table of comma-separated values ({error})") from None


def _wrong(path: Path, rows: list[list[str]], places: list[int], header: list[str], line: int) -> str:
    """The first cell that is no finite number."""
    for number, row in enumerate(rows, line):
        if len(row) != len(header):
            return f"{path}, row {number}: expected {len(header)} columns, got {len(row)}"
        for place in places:
            try:
                good = bool(fit(np.array(float(row[place]))).all())
            except ValueError:
                good = False
            if not good:
                where = f"{path}, row {number}, column {header[place]}"
                return f"{where}: expected a finite number (at most {FARTHEST:g}), got {row[place]!r:.60}"
    return f"{path} is no table of numbers"


def _lines(names: list[str], found: Enrolled) -> str:
    labels = [str(policy) for policy in range(int(found.policy.max(initial=0)) + 1)] + ["none"]  # -1 is the last one
    policies = map(labels.__getitem__, found.policy.tolist())
    columns = [map(cell, names), policies, found.expected.tolist(), found.ci95.tolist()]
    if np.isnan(found.gain).any():  # with one policy there is no second best
        return "".join(map("%s,%s,%.6g,%.6g,\n".__mod__, zip(*columns, strict=True)))
    return "".join(map("%s,%s,%.6g,%.6g,%.6g\n".__mod__, zip(*columns, found.gain.tolist(), strict=True)))
