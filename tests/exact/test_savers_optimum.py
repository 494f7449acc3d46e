"""The best rules for savers, against the two programmes that share nothing and against all partitions."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.exact import savers_bound
from policybudget.exact.optima import optimum
from policybudget.exact.savers_bound import bounds, of_groups
from policybudget.exact.savers_optimum import SaversOptima, candidates, certainty, returns
from policybudget.worlds.savers.planning import GRID
from policybudget.worlds.savers.population import Savers, served
from policybudget.worlds.savers.returns import Years
from policybudget.worlds.savers.saver import Saver
from policybudget.worlds.savers.world import SaversWorld

GROSS = np.stack([np.full(6, 1.01), [0.7, 0.95, 1.05, 1.15, 1.2, 1.5]], axis=1)
KNOWN = Years(np.arange(2000, 2006), np.arange(2000, 2006), GROSS)
WORLD = SaversWorld(jnp.asarray(GROSS, jnp.float32), wealth_seen=True)


def table(aversion: list[float], horizon: list[int], wealth: list[float]) -> Savers:
    n = len(aversion)
    return Savers(
        np.array(aversion),
        np.array(horizon, float),
        np.ones(n),
        np.array(wealth),
        np.full(n, 2000.0),
        np.full(n, 2005.0),
    )


SAVERS = served(table([2, 4, 8, 2], [6, 6, 6, 3], [2, 2, 2, 0]), KNOWN, list("abcd"))


def test_a_group_of_one_comes_out_at_its_own_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(savers_bound, "SHARES", np.linspace(0, 1, 26))
    assert SAVERS.dynamics is not None
    rows = SAVERS.dynamics.astype(float)[:3]
    values = of_groups(WORLD, Saver(*rows[0]), rows[:, 2], rows[:, 3], np.ones(3))
    np.testing.assert_allclose(values[[1, 2, 4]], 100.0, atol=0.1)
    assert values[0] == 0 and values[7] < values[3] + values[4] and values[6] > values[2] + values[4] - 30
    found = bounds(WORLD, SAVERS, [1, 2, 3, 4])
    # the fourth saver is a class of one; two rules are best split between neighbours
    pairs = max(values[3] + 100, values[6] + 100, values[5] + 100)
    expected = [values[7] / 4 + 25, min(pairs, 300) / 4 + 25, 100.0, 100.0]
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_own_best_rules_are_worth_100() -> None:
    known = candidates(WORLD, SAVERS)
    paid = returns(WORLD, SAVERS, known.shares)
    own = [known.names.index(f"aversion {x}") for x in (2, 4, 8, 2)]
    np.testing.assert_allclose(paid[own, range(4)], 100.0, atol=1e-2)
    assert paid.max() <= 100.01
    lines = candidates(SaversWorld(WORLD.gross), SAVERS)
    assert len(lines.names) == 66 and lines.shares.shape == (66, 6, len(GRID))
    row = lines.names.index("80 % to 20 %")
    np.testing.assert_allclose(lines.shares[row, [0, 5], 0], [0.2, 0.2 + 0.6 * 5 / 39])
    bills = certainty(WORLD, SAVERS, lines.shares[:1])
    assert bills[0, 3] == pytest.approx(np.mean(1.01 ** np.arange(1, 4)), rel=1e-4)


def test_the_optimum_by_name(tmp_path: Path) -> None:
    path = tmp_path / "savers.csv"
    path.write_text("name,risk_aversion,horizon\nbold,4,3\ncautious,8,3\n")
    found = optimum("savers:wealth", [1, 2], population=path)
    assert isinstance(found, SaversOptima)
    assert found.welfare[0] <= found.bounds[0] + 0.01 and found.welfare[1] == pytest.approx(100.0, abs=0.01)
    assert found.bounds[1] == 100.0 and found.bounds[0] < 100
    assert found.record()["budgets"][1]["rules"] == [
        {"rule": "aversion 4", "savers": ["bold"]},
        {"rule": "aversion 8", "savers": ["cautious"]},
    ]
    assert found.policies()[0]["savers"] == 2 and "no 1 rules" in found.remarks()[0]
