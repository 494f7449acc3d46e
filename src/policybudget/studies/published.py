"""What papers say of their figures in words, and what our bars say to it.

Bars that are printed without a number are no published values, and are not read off: they are "figure only". A bar with
a number is *above*, *within* or *below* it, by the 95 % interval of its mean over seeds (Student's t). Where the text
says that one is lower than another, the difference has an interval of its own (Welch's t): *lower*, *not told apart*,
*higher*. A single seed has no interval, and its verdict says so.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from typing import Any

import numpy as np

from policybudget.assessment.statistics import plus_minus
from policybudget.studies.summary import Row

FILE = "published.csv"
ANY = "*"
SAYS = {-1: "below", 0: "within", 1: "above"}
"""A bar and a number."""
THAN = {-1: "lower", 0: "not told apart", 1: "higher"}
"""A bar and another."""
FIGURE_ONLY = "figure only"
ROUNDING = 0.05
"""What a number with one digit after the point may be off."""
ALIKE = 1e-6
"""Share of a mean by which seeds may differ by rounding alone."""


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper on bars of a figure.

    Attributes:
        world: of the bars; ``*`` for any.
        label: of the bars.
        budgets: of the bars.
        claim: "above" or "equals" a value, or "less than" the bars of another label.
        value: in units of welfare; None where another label is meant.
        other: the label.
        source: where the paper says it.
    """

    world: str
    label: str
    budgets: tuple[int, ...]
    claim: str
    value: float | None
    other: str
    source: str

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.claim} {self.other if self.value is None else f'{self.value:g}'}"


@dataclass(frozen=True)
class Verdict:
    """What a bar says to a claim.

    Attributes:
        row: the bar.
        published: the claim in words.
        verdict: above, within, below; lower, not told apart, higher; or that there is nothing to compare with.
        source: where the paper says it.
    """

    row: Row
    published: str
    verdict: str
    source: str = ""

    def cells(self) -> list[Any]:
        """A line of verdicts.csv, in the order of ``COLUMNS``."""
        settings, summary = self.row.settings, self.row.summary
        names = [settings[name] for name in ("world", "label", "budget")]
        found = [summary["mean"], summary["ci95"], len(self.row.seeds)]
        return [*names, *found, self.published, self.verdict, self.source]

    def shown(self) -> list[str]:
        """A row for the terminal: world, label, budget, welfare, seeds, claim and verdict."""
        world, label, budget, mean, ci95, seeds, published, verdict, _ = self.cells()
        return [world, label, str(budget), f"{mean:.2f}{plus_minus(ci95)}", str(seeds), published, verdict]


COLUMNS = ("world", "label", "budget", "welfare", "ci95", "seeds", "published", "verdict", "source")


def claims(figure: str) -> tuple[Claim, ...]:
    """What the paper of a figure says in words.

    Args:
        figure: such as ``figure-2``.
    """
    text = (resources(__package__) / FILE).read_text(encoding="utf-8")
    return tuple(
        Claim(
            one["world"], one["label"], tuple(map(int, one["budget"].split())), one["claim"],
            float(one["value"]) if one["value"] else None, one["other"], one["source"],
        )
        for one in csv.DictReader(text.splitlines())
        if one["figure"] == figure
    )  # fmt: skip


def verdicts(rows: Sequence[Row], said: Sequence[Claim]) -> list[Verdict]:
    """What bars say to claims: one at least for each bar.

    Args:
        rows: the bars.
        said: of the figure.
    """
    found = []
    for row in rows:
        about = [claim for claim in said if _is_about(claim, row)]
        found += [_verdict(row, claim, rows) for claim in about] or [Verdict(row, "-", FIGURE_ONLY)]
    return found


def _is_about(claim: Claim, row: Row) -> bool:
    one = row.settings
    return claim.label == one["label"] and claim.world in (ANY, one["world"]) and one["budget"] in claim.budgets


def _verdict(row: Row, claim: Claim, rows: Sequence[Row]) -> Verdict:
    alone = " (one seed)" if len(row.seeds) == 1 else ""
    if claim.value is not None:
        return Verdict(row, claim.text, SAYS[side(row, claim.value)] + alone, claim.source)
    mine = {name: value for name, value in row.settings.items() if name in ("world", "budget", "transitions")}
    for other in rows:
        if other.settings["label"] == claim.other and mine.items() <= other.settings.items():
            return Verdict(row, claim.text, THAN[order(row, other)] + alone, claim.source)
    return Verdict(row, claim.text, "nothing to compare with", claim.source)


def side(row: Row, value: float) -> int:
    """Whether a mean is below a number, above it, or not told apart from it.

    Args:
        row: the bar.
        value: the number, rounded to one digit after the point.

    Returns:
        -1, 1 or 0.
    """
    away, width = row.summary["mean"] - value, row.summary["ci95"] or 0.0
    return 0 if abs(away) <= width + ROUNDING else (1 if away > 0 else -1)


def order(row: Row, other: Row) -> int:
    """Whether a mean is below another, above it, or not told apart from it.

    Args:
        row: the bar.
        other: another.

    Returns:
        -1, 1 or 0.
    """
    away = row.summary["mean"] - other.summary["mean"]
    if min(len(row.seeds), len(other.seeds)) > 1 and not _constant(row, other):
        from scipy import stats  # takes half a second, which trainings need not wait

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # seeds of one of the two are alike: it has no variance
            interval = stats.ttest_ind(row.welfare, other.welfare, equal_var=False).confidence_interval(0.95)
        if interval.low <= 0 <= interval.high:
            return 0
    return int(away > 0) - int(away < 0)


def _constant(*rows: Row) -> bool:
    """Whether no seed differs from another but by rounding, so that there is no spread to compare with."""
    return all(np.ptp(row.welfare) <= ALIKE * max(np.abs(row.welfare)) for row in rows)
