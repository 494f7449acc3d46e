from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from policybudget.selection.cutting_planes import Relaxation, relax
from policybudget.selection.greedy import Gains, greedy


def textbook(table: np.ndarray, budget: int) -> float:
    """The linear relaxation with a variable for every agent and candidate."""
    candidates, agents = table.shape
    cost = np.append(np.zeros(candidates), -table.T.ravel())
    rows = []
    for i, j in itertools.product(range(agents), range(candidates)):
        row = np.zeros(len(cost))
        row[candidates + i * candidates + j], row[j] = 1.0, -1.0
        rows.append(row)
    for i in range(agents):
        row = np.zeros(len(cost))
        row[candidates * (i + 1) : candidates * (i + 2)] = 1.0
        rows.append(row)
    rows.append(np.append(np.ones(candidates), np.zeros(agents * candidates)))
    sides = np.concatenate([np.zeros(agents * candidates), np.ones(agents), [budget]])
    return -float(linprog(cost, A_ub=np.array(rows), b_ub=sides, bounds=(0, 1)).fun)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("budget", [2, 3, 5])
def test_the_relaxation_is_as_strong_as_the_textbooks(seed: int, budget: int) -> None:
    random = np.random.default_rng(seed)
    table = random.uniform(size=(9, 7)) if seed % 2 else (random.uniform(size=(9, 7)) > 0.6).astype(float)
    gains = Gains(table, np.arange(9))
    relaxation = Relaxation(gains)
    chosen, bound = greedy(gains, budget)
    relaxed = relax(relaxation, budget, chosen)
    expected = textbook(table, budget)
    worths = {one: gains.worth(np.array(one)) for one in itertools.combinations(range(9), budget)}
    best = max(worths.values())
    assert best <= bound + 1e-9
    # it stops early once it has proved the set that it was given
    assert relaxed.bound / relaxation.factor == pytest.approx(max(expected, best), rel=1e-7)
    for j in range(9):
        with_it = max(worth for one, worth in worths.items() if j in one)
        assert relaxed.bound_with[j] / relaxation.factor >= with_it - 1e-9
