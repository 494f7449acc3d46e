"""Covers as text and as records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policybudget.covers.cover import Cover
from policybudget.covers.plan import CoverPlan
from policybudget.covers.tasks import Tasks

SHOWN = 40
"""Rows of a printed table before the rest is counted only."""
COLUMNS = 80
"""Of the screen."""


def cover_file(path: Path, plan: CoverPlan, tick: Callable[[str], None] | None = None) -> CoverReport:
    """Cover the tasks of a file, as ``policybudget cover`` does.

    Args:
        path: of comma-separated values, in UTF-8: a row per task, a column per parameter.
        plan: what is asked.
        tick: called after each cover, with a text that says how good it is.

    Returns:
        The covers, as they can be printed and written.

    Raises:
        PolicyBudgetError: the file or the plan is wrong.
    """
    return cover_tasks(plan.read(path), plan, tick)


def cover_tasks(tasks: Tasks, plan: CoverPlan, tick: Callable[[str], None] | None = None) -> CoverReport:
    """Cover tasks that were read before.

    Args:
        tasks: to be covered.
        plan: what is asked.
        tick: called after each cover, with a text that says how good it is.

    Returns:
        The covers, as they can be printed and written.

    Raises:
        PolicyBudgetError: the plan does not fit the tasks.
    """
    found = list[Cover]()
    for one in plan.covers(tasks):
        found.append(one)
        if tick is not None:
            tick(f"radius {one.radius:.6g}  budget {one.budget}  coverage {one.coverage:.3f}")
    return CoverReport(plan, tasks, tuple(found))


@dataclass(frozen=True)
class CoverReport:
    """The covers that were asked for.

    Attributes:
        plan: what was asked.
        tasks: that were to be covered.
        covers: one, or one for each value of a sweep.
    """

    plan: CoverPlan
    tasks: Tasks
    covers: tuple[Cover, ...]

    def as_record(self, source: str) -> dict[str, Any]:
        """What JSON keeps.

        Args:
            source: where the tasks are from.

        Returns:
            A record of the cover, or of a sweep with a record for each of its covers.
        """
        names = self.tasks.names
        about: dict[str, Any] = {
            "tasks": source,
            "columns": list(self.tasks.columns),
            "names": None if names is None else list(names),
            "standardised": self.plan.standardise,
            "seed": self.plan.seed,
        }
        records = [one.as_record() for one in self.covers]
        if self.plan.descriptions is not None:
            about["descriptions"] = self.plan.descriptions
            records = [
                record | {"nearest": nearest_tasks(self.tasks, one)}
                for record, one in zip(records, self.covers, strict=True)
            ]
        return about | (records[0] if self.plan.sweep is None else {"sweep": records})

    def text(self) -> str:
        """A line per prototype and what is covered; for a sweep, a line per cover."""
        if self.plan.sweep is not None:
            return _sweep_table(self.plan.sweep, self.covers)
        (found,) = self.covers
        lines = _numbers if self.plan.descriptions is None else _descriptions
        return "\n".join([*lines(self.tasks, found), "", *self._summary(found)])

    def _summary(self, found: Cover) -> list[str]:
        covered, total = int(found.within.any(axis=0).sum()), found.within.shape[1]
        unit = " standard deviations" if self.plan.in_deviations else ""
        return [
            f"method     {found.method}, radius {found.radius:g}{unit}, budget {found.budget}",
            f"coverage   {found.coverage:.4f} ({covered} of {total} tasks)",
            f"uncovered  {_listed(self.tasks, found.uncovered)}",
            f"bound      {_bound(found)}",
        ]


def nearest_tasks(tasks: Tasks, found: Cover) -> list[dict[str, Any]]:
    """Of each prototype, the task nearest to it.

    Args:
        tasks: with descriptions.
        found: a cover of them.

    Returns:
        For each prototype the row of the task, its description, and its distance in the unit of the radius.
    """
    assert tasks.descriptions is not None
    distances = found.distances(tasks.parameters)
    rows = found.nearest_tasks(tasks.parameters).tolist()
    return [
        {"task": row, "description": tasks.descriptions[row], "distance": float(away[row])}
        for row, away in zip(rows, distances, strict=True)
    ]


def _numbers(tasks: Tasks, found: Cover) -> list[str]:
    """Prototypes as numbers."""
    columns, room = len(tasks.columns), COLUMNS - 5 - 9
    shown = min(columns, room // 12)
    heads = [f"{_short(name, 11):>12}" for name in tasks.columns[:shown]]
    lines = [f"{'':>5}{''.join(heads)}{'tasks':>9}"]
    for k, (prototype, row) in enumerate(zip(found.prototypes[:SHOWN], found.within, strict=False)):
        numbers = "".join(f"{value:>12.5g}" for value in prototype[:shown])
        lines.append(f"{k:>5}{numbers}{int(row.sum()):>9}")
    lines += _more(found)
    if shown < columns:
        lines.append(f"and {columns - shown} more parameters")
    return lines


def _descriptions(tasks: Tasks, found: Cover) -> list[str]:
    """Prototypes as the tasks nearest to them: the numbers of an embedding mean nothing to a reader."""
    lines = [f"{'':>5}{'tasks':>9}  nearest task"]
    for k, (one, row) in enumerate(zip(nearest_tasks(tasks, found)[:SHOWN], found.within, strict=False)):
        name = "" if tasks.names is None else f"{_short(tasks.names[one['task']], 20)}: "
        lines.append(f"{k:>5}{int(row.sum()):>9}  {name}{_short(one['description'], 64 - len(name))}")
    return lines + _more(found)


def _more(found: Cover) -> list[str]:
    return [f"and {more} more prototypes"] if (more := len(found.prototypes) - SHOWN) > 0 else []


def _sweep_table(key: str, covers: Sequence[Cover]) -> str:
    lines = [f"{key:>10} {'prototypes':>11} {'coverage':>9} {'covered':>9} {'uncovered':>9} {'bound':>7}"]
    for one in covers:
        covered = int(one.within.any(axis=0).sum())
        value = f"{one.radius:.6g}" if key == "radius" else str(one.budget)
        bound = "" if one.bound is None else f"{one.bound:.4f}"
        lines.append(
            f"{value:>10} {len(one.prototypes):>11} {one.coverage:>9.4f} {covered:>9} "
            f"{one.within.shape[1] - covered:>9} {bound:>7}".rstrip()
        )
    return "\n".join(lines)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 2]}.."


def _listed(tasks: Tasks, rows: Sequence[int]) -> str:
    """Names or rows on what is left of a line."""
    if not rows:
        return "none"
    words = [f"row {row}" if tasks.names is None else _short(tasks.names[row], 20) for row in rows]
    text = f"{len(rows)}: {', '.join(words)}"
    while len(text) > 68 and len(words) > 1:
        words.pop()
        text = f"{len(rows)}: {', '.join(words)}, ..."
    return text


def _bound(found: Cover) -> str:
    if found.bound is None:
        return "none; greedy-intersection and exact have one"
    if found.bound <= found.coverage:
        return f"{found.bound:.4f}, reached: no {found.budget} prototypes cover more"
    if found.bound >= 1:
        return f"{found.bound:.4f}: perhaps {found.budget} prototypes can cover all"
    return f"{found.bound:.4f}: no {found.budget} prototypes cover a larger share"
