"""An evaluation as lines of at most 80 columns, and as tables of comma-separated values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

import numpy as np

from policybudget.assessment.evaluate import Evaluation
from policybudget.assessment.statistics import plus_minus, shown
from policybudget.assessment.users_served import Row, Served
from policybudget.runs.csv_file import as_csv

MANY = 30
"""Users that are shown one by one."""
SHOWN = 10
"""Of more, those whom another policy would serve nearly as well, or better."""


def welfare(kind: str, name: str, found: Evaluation, episodes: int) -> str:
    """One line.

    Args:
        kind: of actions.
        name: of the welfare function.
        found: the evaluation.
        episodes: of each policy.
    """
    value = f"{found.welfare['mean']:.2f}{plus_minus(found.welfare['ci95'])}"
    return f"{kind:<11} {name} {value} ({episodes} episodes per policy)"


def users(rows: Sequence[Served]) -> list[str]:
    """A line per user: what serves them, what they get, and what else was on offer.

    Args:
        rows: the users.
    """
    chosen, about = list(rows), "95 % intervals"
    if len(chosen) > MANY:
        chosen = sorted(rows, key=lambda row: np.inf if row.by is None else row.by)[:SHOWN]
        about = f"the {SHOWN} of {len(rows)} users with the least lead over the next best"
    outside = any(row.outside is not None for row in rows)
    header = f"{'user':<14} {'policy':>6} {'return':>9} {'+-':>7}"
    header += f" {'outside':>9}" if outside else ""
    lines = [f"{header}  {'next best':<14} {'by':>8}", *(_user(row, outside) for row in chosen)]
    return [*lines, f"({about})"]


def _user(row: Served, outside: bool) -> str:
    line = f"{row.user[:14]:<14} {row.policy:>6} {row.gets:>9.2f} {shown(row.ci95):>7}"
    if outside:
        line += f" {shown(row.outside):>9}"
    return f"{line}  {(row.next_best or '-')[:14]:<14} {shown(row.by):>8}"


def unserved(number: int, of: int) -> list[str]:
    """Who is left to their options outside.

    Args:
        number: of users whom none serves.
        of: n.
    """
    return [f"{number} of {of} users are served by none:", "no policy was shown to do better than their option outside"]


def rivals(rows: Sequence[tuple[str, Evaluation]]) -> list[str]:
    """A line per method, the run itself first.

    Args:
        rows: names and evaluations.
    """
    ours = rows[0][1]
    lines = [f"{'method':<24} {'policies':>8} {'welfare':>9} {'+-':>7} {'worst':>9} {'to ours':>9} {'+-':>7}"]
    for name, found in rows:
        spread = found.welfare["ci95"]
        line = f"{name[:24]:<24} {len(found.matrix):>8} {found.welfare['mean']:>9.2f}"
        line += f" {shown(spread):>7} {found.social['worst']:>9.2f}"
        if found is not ours:
            both = None if spread is None or ours.welfare["ci95"] is None else np.hypot(spread, ours.welfare["ci95"])
            gap = found.welfare["mean"] - ours.welfare["mean"]
            line += f" {gap:>+9.2f} {shown(both):>7}"
        lines.append(line)
    return lines


def users_csv(rows: Sequence[Served]) -> str:
    """All users, with a header.

    Args:
        rows: the users.
    """

    def cells(row: Served) -> list[Any]:
        return ["" if x is None else f"{x:.6g}" if isinstance(x, float) else x for x in astuple(row)]

    return as_csv([[field.name for field in fields(Served)], *map(cells, rows)])


def returns_csv(agents: tuple[str, ...], table: Sequence[Row]) -> str:
    """Mean returns: a row per policy, a column per user.

    Args:
        agents: n names.
        table: the policies.
    """
    return as_csv([["policy", *agents], *([row.name, *(f"{value:.6g}" for value in row.returns)] for row in table)])
