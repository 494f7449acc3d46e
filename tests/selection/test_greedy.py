from __future__ import annotations

import numpy as np

from policybudget.selection.greedy import Gains, exchanges, greedy, undominated


def test_undominated_keeps_the_first_of_equals() -> None:
    table = np.array([[1.0, 2], [3, 0], [1, 2], [0, 2], [3, 0], [2, 1]])
    assert undominated(table).tolist() == [0, 1, 5]
    assert undominated(np.zeros((3, 0))).tolist() == [0]


def test_undominated_equals_its_definition() -> None:
    table = np.random.default_rng(0).integers(0, 4, (60, 3)).astype(float)
    kept = undominated(table)
    better = (table[:, None] >= table).all(axis=2) & (table[:, None] > table).any(axis=2)
    assert {tuple(row) for row in table[kept]} == {tuple(row) for row in table[~better.any(axis=0)]}
    assert len({tuple(row) for row in table[kept]}) == len(kept)


def test_exchanges_mend_what_greedy_chose() -> None:
    """Greedy takes the wide candidate first; the two halves are better."""
    table = np.array([[1.0, 1, 1, 1, 0, 0], [0, 1.1, 1.1, 0, 1.1, 0], [1.1, 0, 0, 1.1, 0, 1.1]])
    gains = Gains(table, np.arange(3))
    chosen, bound = greedy(gains, 2)
    assert sorted(chosen.tolist()) == [1, 2] and bound == gains.worth(chosen)
    assert sorted(exchanges(table, np.array([0, 1])).tolist()) == [1, 2]
