"""Glucose in the units of clinics: time in ranges, mean, variation and risk, beside the international targets.

Targets for adults with type 1 diabetes: Battelino et al. 2019, the international consensus on time in range; variation:
Danne et al. 2017. The risk index is Kovatchev's, the sum of LBGI and HBGI. All are of a simulation; none is advice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from policybudget.worlds.glucose.world import OUTCOME

COLUMNS = ("70-180 %", "<70 %", "<54 %", ">180 %", ">250 %", "mean", "CV %", "risk")
TARGETS = ("> 70", "< 4", "< 1", "< 25", "< 5", "", "<= 36", "")
WIDEST = 20
"""Characters of a name; longer ones are cut, so that a line fits 80 columns."""


@dataclass(frozen=True)
class Clinical:
    """Measures of n patients, or of other groups of days.

    Attributes:
        within: (n,) share of readings from 70 to 180 mg/dL.
        below_70: (n,) share below 70.
        below_54: (n,) share below 54.
        above_180: (n,) share above 180.
        above_250: (n,) share above 250.
        mean: (n,) mg/dL.
        variation: (n,) coefficient of variation, standard deviation over mean.
        risk: (n,) mean risk index.
    """

    within: Float[np.ndarray, " n"]
    below_70: Float[np.ndarray, " n"]
    below_54: Float[np.ndarray, " n"]
    above_180: Float[np.ndarray, " n"]
    above_250: Float[np.ndarray, " n"]
    mean: Float[np.ndarray, " n"]
    variation: Float[np.ndarray, " n"]
    risk: Float[np.ndarray, " n"]

    @property
    def meets(self) -> Bool[np.ndarray, " n"]:
        """(n,) whether all six targets are met."""
        met: np.ndarray = (
            (self.within > 0.7)
            & (self.below_70 < 0.04)
            & (self.below_54 < 0.01)
            & (self.above_180 < 0.25)
            & (self.above_250 < 0.05)
            & (self.variation <= 0.36)
        )
        return met


def clinical(totals: Float[np.ndarray, "... d"], steps: int) -> Clinical:
    """Measures from sums of outcomes.

    Args:
        totals: (.., d) sums of the outcome of the world of glucose over episodes, such as (n, d): all days of n
            patients. Sums over patients give what all of their readings have together.
        steps: how many steps are in each sum.

    Returns:
        The measures (..).
    """
    mean = dict(zip(OUTCOME, np.moveaxis(np.asarray(totals, np.float64) / steps, -1, 0), strict=True))
    variance = np.maximum(mean["glucose squared"] - mean["glucose"] ** 2, 0.0)
    return Clinical(
        within=mean["within 70-180"],
        below_70=mean["below 70"],
        below_54=mean["below 54"],
        above_180=mean["above 180"],
        above_250=mean["above 250"],
        mean=mean["glucose"],
        variation=np.sqrt(variance) / mean["glucose"],
        risk=mean["low risk"] + mean["high risk"],
    )


def clinical_table(names: Sequence[str], measures: Clinical) -> str:
    """A table in plain text, 80 columns wide at most: the targets, then a line per name.

    Args:
        names: n names, of patients or of policies.
        measures: (n,) of each.

    Returns:
        The lines. Shares and the coefficient of variation are in %, means in mg/dL; a star marks lines that meet all
        targets.
    """
    shares = (measures.within, measures.below_70, measures.below_54, measures.above_180, measures.above_250)
    columns = [*(100 * share for share in shares), measures.mean, 100 * measures.variation, measures.risk]
    rows: list[tuple[str, Sequence[str]]] = [(" ", COLUMNS), ("target ", TARGETS)]
    for name, star, *values in zip(names, measures.meets, *columns, strict=True):
        rows.append((name[:WIDEST] + " *"[int(star)], [f"{value:.1f}" for value in values]))
    width = max(len(name) for name, _ in rows)
    sizes = [max(len(row[i]) for _, row in rows) for i in range(len(COLUMNS))]
    lines = (
        f"{name:<{width}}" + "".join(f" {cell:>{size}}" for cell, size in zip(row, sizes, strict=True))
        for name, row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
