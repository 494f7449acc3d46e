r"""Gains of policies over a baseline, and the greedy choice of k of them.

Above what agents have in any case (the outside option, or the worst policy), the welfare W of a set is monotone
submodular. So greedy earns at least :math:`1 - (1 - 1/k)^k \ge 1 - 1/e` of what is possible, and no k candidates are
worth more than any set T plus the k largest gains of one candidate over T (Nemhauser, Wolsey & Fisher 1978).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

TOLERANCE = 1e-9
"""How near worth and bound are when they count as equal, as a share of what the best of all candidates would gain."""
BLOCK = 1 << 22


@dataclass(frozen=True)
class Gains:
    """What policies earn above the baseline, the form in which W is monotone submodular.

    Attributes:
        table: (q, u) gain of q candidates for the u agents whom some candidate helps, times the weight of the agent.
        rows: (q,) which rows of the value table they are.
    """

    table: Float[np.ndarray, "q u"]
    rows: Int[np.ndarray, " q"]

    def worth(self, chosen: Int[np.ndarray, " chosen"]) -> float:
        """Total gain of a set of candidates.

        Args:
            chosen: their indices, 0 to q - 1.

        Returns:
            The sum over the agents of the best gain in the set.
        """
        return float(self.table[chosen].max(axis=0, initial=0.0).sum())

    @property
    def most(self) -> float:
        """Total gain if every agent had the best candidate of all."""
        return float(self.table.max(axis=0, initial=0.0).sum())


def undominated(table: Float[np.ndarray, "p u"]) -> Int[np.ndarray, " q"]:
    """The candidates that no other candidate dominates; of equal ones the first.

    A candidate dominates another if it is at least as good for every agent.

    Args:
        table: gain of each of p candidates for each of u agents.

    Returns:
        (q,) rows of the table, ascending.
    """
    kept, rows = np.empty_like(table), list[int]()
    for row in np.argsort(-table.sum(axis=1), kind="stable"):
        values = table[row]
        if not dominated(values, kept[: len(rows)]):
            kept[len(rows)] = values
            rows.append(int(row))
    return np.array(sorted(rows))


def dominated(values: Float[np.ndarray, " u"], table: Float[np.ndarray, "r u"]) -> bool:
    """Whether some row of a table is at least as good for every agent.

    Args:
        values: (u,) of one candidate.
        table: (r, u) of other candidates.

    Returns:
        True if some row is.
    """
    if len(values):  # few are as good where these values are at their best
        peak = int(values.argmax())
        table = table[table[:, peak] >= values[peak]]
    return bool((table >= values).all(axis=1).any())


def greedy(gains: Gains, budget: int) -> tuple[Int[np.ndarray, " k"], float]:
    """Choose k candidates one after the other, then exchange candidates as long as that pays.

    Args:
        gains: of the candidates.
        budget: k, from 1 to q.

    Returns:
        The candidates, and a bound: no k candidates are worth more.
    """
    table = gains.table
    served, chosen, bound = np.zeros(table.shape[1]), list[int](), gains.most
    for _ in range(budget):
        more = _totals(table, served) - served.sum()
        bound = min(bound, served.sum() + np.partition(more, -budget)[-budget:].sum())
        chosen.append(int(more.argmax()))
        served = np.maximum(served, table[chosen[-1]])
    bound = min(bound, served.sum() / (1 - (1 - 1 / budget) ** budget))
    better = exchanges(table, np.array(chosen))
    served = table[better].max(axis=0, initial=0.0)
    more = _totals(table, served) - served.sum()
    bound = min(bound, served.sum() + np.partition(more, -budget)[-budget:].sum())
    return better, float(max(bound, served.sum()))


def exchanges(table: Float[np.ndarray, "q u"], chosen: Int[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
    """Exchange one candidate for another as long as the total gain grows.

    Args:
        table: gain of each of q candidates for each of u agents.
        chosen: k candidates to begin with.

    Returns:
        k candidates; no exchange of one of them gains anything.
    """
    chosen, worth = chosen.copy(), table[chosen].max(axis=0, initial=0.0).sum()
    position, since = 0, 0
    while since < len(chosen):
        others = np.delete(chosen, position)
        totals = _totals(table, table[others].max(axis=0, initial=0.0))
        since += 1
        if totals.max() > worth * (1 + 1e-12):
            chosen[position], worth, since = totals.argmax(), totals.max(), 0
        position = (position + 1) % len(chosen)
    return chosen


def _totals(table: np.ndarray, served: np.ndarray) -> Float[np.ndarray, " q"]:
    """Total gain with each candidate added to what is served; in blocks, so that large tables are not copied."""
    step = max(1, BLOCK // max(1, table.shape[1]))
    blocks = [np.maximum(table[i : i + step], served).sum(axis=1) for i in range(0, len(table), step)]
    totals: np.ndarray = np.concatenate(blocks)
    return totals
