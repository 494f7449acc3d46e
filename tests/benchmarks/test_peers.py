"""The comparison with peers: its protocol, by tables whose answers are known, and the groups by affinity."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"
MODULES = ("common", "table", "affinity", "ours")


@pytest.fixture(scope="module")
def peers() -> Iterator[Any]:
    """The scripts, imported from their folder, as they import each other."""
    sys.path.insert(0, str(PEERS))
    try:
        yield SimpleNamespace(**{name: __import__(name) for name in MODULES})
    finally:
        sys.path.remove(str(PEERS))
        for name in MODULES:
            del sys.modules[name]


@pytest.fixture
def two_users(peers: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each wants one of two reward components."""
    monkeypatch.setattr(peers.table, "users", lambda world: np.eye(2))
    return peers.table


SPENT = {"transitions": 100_000, "cpu_seconds": 1.0, "wall_seconds": 2.0}


def test_policies_are_chosen_by_selection_episodes_and_scored_by_fresh_ones(two_users: Any) -> None:
    selection = [[[4.0, 0.0]], [[0.0, 6.0]], [[3.0, 4.5]]]  # alone, the third is worth most; together, the others
    fresh = [[[1.0, 0.0], [3.0, 0.0]], [[0.0, 7.0], [0.0, 9.0]], [[5.0, 0.5], [5.0, 0.5]]]
    record = {"method": "m", "world": "w", "k": None, "selection": selection, "fresh": fresh, **SPENT}
    one, two, five = two_users.rows_of(record)
    assert (one.k, two.k, five.k) == (1, 2, 5)
    assert one.paid.tolist() == [[5.0, 5.0], [0.5, 0.5]]
    assert two.paid.tolist() == five.paid.tolist() == [[1.0, 3.0], [7.0, 9.0]]
    assert two_users.mean_of(two, None).tolist() == [4.0, 6.0]
    assert two_users.mean_of(two, [1]).tolist() == [7.0, 9.0]


def test_a_policy_of_ones_own_is_not_chosen(two_users: Any) -> None:
    record = {"method": "m", "world": "w", "k": 1, "own": True, "users": [1], "fresh": [[[9.0, 2.0], [9.0, 4.0]]]}
    (row,) = two_users.rows_of(record | SPENT)
    assert row.whom == (1,) and row.paid.tolist() == [[2.0, 4.0]]


def test_a_line_of_the_table_is_the_mean_over_seeds_with_both_intervals(two_users: Any) -> None:
    def record(shift: float) -> dict[str, Any]:
        fresh = [[[shift, shift], [shift + 2.0, shift + 2.0]]]
        return {"method": "m", "world": "w", "k": 1, "selection": fresh, "fresh": fresh, **SPENT}

    rows = [row for shift in (0.0, 1.0) for row in two_users.rows_of(record(shift))]
    heading, line = two_users.lines(rows)
    # means 1 and 2: 1.5, over seeds +- 12.706 / 2; over two episodes that differ by 2, +- 12.706
    assert line.split() == ["1", "m", "100,000", "1.50", "12.71", "2", "6.35", "1", "2"]
    assert heading.split()[:3] == ["k", "method", "transitions"]


@given(st.integers(1, 4), st.integers(1, 6))
def test_weights_of_a_grid_are_all_multiples_on_the_simplex(peers: Any, size: int, steps: int) -> None:
    rows = np.rint(peers.common.weights_on_simplex(size, steps) * steps).astype(int)
    everything = np.array(np.meshgrid(*[range(steps + 1)] * size)).reshape(size, -1).T
    expected = {tuple(row) for row in everything.tolist() if sum(row) == steps}
    assert len(rows) == len(expected) and {tuple(row) for row in rows.tolist()} == expected


class Countdown:
    """Ends after as many steps as the seed says; pays the action and one."""

    def reset(self, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
        self.left = seed
        return np.array([float(seed)]), {}

    def step(self, action: float) -> tuple[np.ndarray, np.ndarray, bool, bool, dict[str, Any]]:
        self.left -= 1
        return np.array([float(self.left)]), np.array([action, 1.0]), self.left == 0, False, {}


def test_episodes_side_by_side_end_by_themselves(peers: Any) -> None:
    found = peers.common.play([Countdown(), Countdown(), Countdown()], lambda seen: seen[:, 0], first_seed=1)
    assert found.tolist() == [[1.0, 1.0], [3.0, 2.0], [6.0, 3.0]]


def test_a_result_that_is_there_ends_a_script(peers: Any, tmp_path: Path) -> None:
    chosen = SimpleNamespace(out=tmp_path, world="w", transitions=100_000, seed=3)
    path = peers.common.result_path(chosen, "m", 5)
    assert path == tmp_path / "w" / "m-k5-1e5-seed3.json"
    peers.common.save(path, {"method": "m"}, {"fresh": np.array([[1.00004]])}, ["numpy"])
    assert path.read_text().startswith('{"method": "m", "versions": {"python": "3.')
    assert path.read_text().endswith('"fresh": [[1.0]]}\n')
    with pytest.raises(SystemExit) as end:
        peers.common.result_path(chosen, "m", 5)
    assert end.value.code == 0


def test_advantages_are_discounted_rewards_to_come_less_their_mean_at_the_step(peers: Any) -> None:
    gamma = peers.affinity.DISCOUNT
    long, short = np.array([[1.0], [2.0]], np.float32), np.array([[4.0]], np.float32)
    found = peers.affinity.advantages([long, short])
    first = (1.0 + 2.0 * gamma - 4.0) / 2
    assert found[0] == pytest.approx(np.array([[first], [0.0]])) and found[1] == pytest.approx(np.array([[-first]]))


def test_users_whom_the_same_steps_help_are_one_group(peers: Any) -> None:
    """Two components whose gradients oppose each other: the users split by which one they want."""
    kernel = np.array([[1.0, -1.0], [-1.0, 1.0]])
    wants = np.linspace(0.0, 1.0, 20)
    weights = np.stack([wants, 1.0 - wants], axis=1)
    scores = peers.affinity.affinity(weights, kernel, np.random.default_rng(0))
    labels = peers.affinity.groups(scores, 2, np.random.default_rng(1))
    assert len(set(labels[:8])) == len(set(labels[12:])) == 1 and labels[0] != labels[-1]


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_affinity_scales_with_the_gradients_and_moves_with_the_users(peers: Any, seed: int) -> None:
    """f_i(S) = w_i K w_S / |w_S|_K is of degree one in G, and of all users S is everybody."""
    rng = np.random.default_rng(seed)
    weights, gradient = rng.dirichlet(np.ones(3), 4), rng.normal(size=(3, 5))
    kernel = gradient @ gradient.T
    scores = peers.affinity.affinity(weights, kernel, np.random.default_rng(2))
    mean = weights.mean(axis=0)
    expected = weights @ kernel @ mean / np.sqrt(mean @ kernel @ mean)
    assert scores == pytest.approx(np.repeat(expected[:, None], 4, axis=1))
    doubled = peers.affinity.affinity(weights, 4 * kernel, np.random.default_rng(2))
    assert doubled == pytest.approx(2 * scores)


def test_the_users_are_those_of_the_seed(peers: Any) -> None:
    for world, size in (("mo-halfcheetah-v5", 2), ("mo-reacher-v5", 4)):
        drawn = np.random.default_rng(0).dirichlet(np.ones(size), 100)
        assert peers.common.users(world) == pytest.approx(drawn, abs=1e-6)
