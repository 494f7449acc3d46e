"""A table of new users of any length: read, computed and written a block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from policybudget.deployment.blocks import blocks, opened, written
from policybudget.deployment.bundle import Bundle
from policybudget.deployment.enrol import Enrolled, columns_of, enrol
from policybudget.runs.csv_file import cell

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
    columns, served = columns_of(bundle), np.zeros(len(bundle.policies), np.int64)
    unserved, close, users = 0, 0, 0
    with opened(table) as source, written(out, bundle) as sink:
        sink.write(HEADER)
        for names, numbers in blocks(table, source, columns):
            found = enrol(bundle, numbers)
            sink.write(_lines(names, found))
            users += len(names)
            served += np.bincount(found.policy[found.policy >= 0], minlength=len(served))
            unserved += int((found.policy < 0).sum())
            close += int((found.gain < found.ci95).sum())
    return Counts(users, tuple(map(int, served)), unserved, close)


def _lines(names: list[str], found: Enrolled) -> str:
    labels = [str(policy) for policy in range(int(found.policy.max(initial=0)) + 1)] + ["none"]  # -1 is the last one
    policies = map(labels.__getitem__, found.policy.tolist())
    columns = [map(cell, names), policies, found.expected.tolist(), found.ci95.tolist()]
    if np.isnan(found.gain).any():  # with one policy there is no second best
        return "".join(map("%s,%s,%.6g,%.6g,\n".__mod__, zip(*columns, strict=True)))
    return "".join(map("%s,%s,%.6g,%.6g,%.6g\n".__mod__, zip(*columns, found.gain.tolist(), strict=True)))
