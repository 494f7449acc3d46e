r"""Whether policy k + 1 is due: whether it would bring more welfare than it costs.

A bundle alone cannot tell: it knows what its k policies are worth to new users, not what another one would be. Two
sources can, and each says something else.

* A *budget curve* (``policybudget curve``) says what one more policy brings to the users that it was made for, with an
  interval over seeds. It knows nothing of users who changed since.
* *Candidates* are policies whose mean feature returns :math:`F_c` are known, such as those of a pool. For users with
  weights w on the features, who have :math:`V(w)` now and pay c for moving, adding the best of them brings

  .. math:: \max_c \frac1u \sum_w \bigl(w^\top F_c - V(w) - c\bigr)^+ .

  That is exact up to the evaluation of F, and a lower bound on what k + 1 policies could bring: a policy that is
  trained for these users, or k + 1 chosen afresh, may bring more. The best of many noisy candidates seems better than
  it is; where they come with a second set of episodes, the first set chooses, and the second one says what it is worth.

Users whom nobody serves are left out: what they have without a policy is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.deployment.blocks import blocks, columns_in, opened
from policybudget.deployment.bundle import Bundle
from policybudget.deployment.enrol import columns_of
from policybudget.deployment.verify import CANDIDATES
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.runs import files
from policybudget.runs.schemas import CurveFound

Numbers = NDArray[Any]
FRESH = "fresh."
"""What columns of a second set of episodes begin with."""
AT_ONCE = 4_000_000
"""Worths of candidates that are computed at once."""


@dataclass(frozen=True)
class Due:
    """What another policy would bring.

    Attributes:
        source: who says so, in words.
        gain: in welfare, per user.
        ci95: half-width of its 95 % interval; None where there is none.
        cost: of a policy, in units of welfare.
        bound: whether another policy than those that were looked at may bring more.
    """

    source: str
    gain: float
    ci95: float | None
    cost: float
    bound: bool

    @property
    def verdict(self) -> str:
        """``due``, ``not due`` or ``open``."""
        width = self.ci95 or 0.0
        if self.gain - width > self.cost:
            return "due"
        return "not due" if self.gain + width <= self.cost and not self.bound else "open"

    def text(self, budget: int) -> str:
        """In two lines.

        Args:
            budget: k, how many policies there are.
        """
        width = "" if self.ci95 is None else f" +- {self.ci95:.4g}"
        least = "at least " if self.bound else ""
        said = {"open": "not shown to be due"}.get(self.verdict, self.verdict)
        return (
            f"policy number {budget + 1}: {said}\n"
            f"  {self.source}: it brings {least}{self.gain:.4g}{width}, and costs {self.cost:.4g}"
        )


def by_curve(folder: Path, budget: int, cost: float) -> Due:
    """What a budget curve says of the users that it was made for.

    Args:
        folder: of the curve.
        budget: k, how many policies there are.
        cost: of a policy, in units of welfare.

    Raises:
        RunFolderError: there is no such curve, it is damaged, or has no larger budget than k.
    """
    path = folder / "curve.json"
    curve = files.checked(path, files.read_json(path), CurveFound)
    found = next((row.one_more for row in curve.rows if row.budget == budget), None)
    if found is None:
        raise RunFolderError(f"{path} does not say what one more policy than {budget} brings: it needs larger budgets")
    return Due("by the curve, for the users it was made for", found.mean, found.ci95, cost, False)


@dataclass(frozen=True)
class Candidates:
    """Policies that might be added.

    Attributes:
        names: c of them.
        features: (c, m) mean feature returns.
        fresh: (c, m) the same in other episodes, by which they are judged; ``features`` where there are none.
    """

    names: tuple[str, ...]
    features: Numbers
    fresh: Numbers

    @staticmethod
    def read(path: Path, columns: tuple[str, ...]) -> Candidates:
        """From a table with a row per policy.

        Args:
            path: of the table: the columns, optionally ``fresh.COLUMN`` for each of them, and ``name``.
            columns: of the features, m of them.

        Raises:
            PolicyBudgetError: a column is missing, a row is wrong, or there is none.
        """
        header = columns_in(path)
        second = tuple(FRESH + name for name in columns)
        wanted = columns + (second if any(name in header for name in second) else ())
        with opened(path) as source:
            parts = list(blocks(path, source, wanted))
        if not parts:
            raise PolicyBudgetError(f"{path} has no candidates: expected a header and a row per policy")
        numbers = np.concatenate([numbers for _, numbers in parts])
        names = tuple(name for some, _ in parts for name in some)
        return Candidates(names, numbers[:, : len(columns)], numbers[:, -len(columns) :])


class Tally:
    """What each candidate would bring to users who are looked at block by block.

    Args:
        candidates: c of them.
        switching: cost of moving, in units of return.

    Attributes:
        users: how many were looked at.
        chosen_by: (c,) what each brings to all of them, in the episodes that choose.
        judged_by: (c,) the same in the others.
    """

    def __init__(self, candidates: Candidates, switching: float) -> None:
        self.candidates, self.switching, self.users = candidates, switching, 0
        self.chosen_by, self.judged_by = (np.zeros(len(candidates.names)) for _ in range(2))

    def add(self, weights: Numbers, has: Numbers) -> None:
        """More users.

        Args:
            weights: (u, m) on the features.
            has: (u,) what each has now, in units of return.
        """
        self.users += len(weights)
        step = max(1, AT_ONCE // len(self.candidates.names))
        for start in range(0, len(weights), step):
            some, least = weights[start : start + step], has[start : start + step, None] + self.switching
            more = some @ self.candidates.features.T - least
            self.chosen_by += np.maximum(more, 0.0).sum(axis=0)
            self.judged_by += np.where(more > 0, some @ self.candidates.fresh.T - least, 0.0).sum(axis=0)

    def due(self, cost: float) -> Due:
        """What the best of them brings.

        Args:
            cost: of a policy, in units of welfare.
        """
        best = int(self.chosen_by.argmax())
        gain = float(self.judged_by[best]) / max(self.users, 1)
        return Due(f"candidate {self.candidates.names[best]}, for these users", gain, None, cost, True)


def tally_of(bundle: Bundle, table: Path | None, switching: float) -> Tally | None:
    """For the users of a bundle.

    Args:
        bundle: with the policies.
        table: of the candidates; None for those that are sealed in the bundle.
        switching: cost of moving, in units of return.

    Returns:
        The tally; None where no candidates are known.

    Raises:
        PolicyBudgetError: returns of the bundle are not linear in users' weights, or the table is wrong.
    """
    if table is None:
        table = bundle.folder / CANDIDATES
        if CANDIDATES not in bundle.record.files:
            return None
    if bundle.features is None:
        raise PolicyBudgetError(
            f"candidates need users with weights on components of a reward, and {bundle.folder} has none: what a "
            "policy is worth to them cannot be computed"
        )
    return Tally(Candidates.read(table, columns_of(bundle)), switching)
