from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.worlds.grid.resource_gathering import ResourceGathering, Walker

UP, DOWN, LEFT, RIGHT = range(4)
KEY = jax.random.key(0)
WORLD = ResourceGathering()
_step = eqx.filter_jit(WORLD.step)
HOME = 4 * 5 + 2

# 26 steps over all tiles: the closed walk of least length, as 25 is odd (FACTS: optimum at k = 1)
TOUR = (
    [LEFT, LEFT, UP, RIGHT, UP, LEFT, UP, UP, RIGHT, DOWN, RIGHT, UP, RIGHT, RIGHT, DOWN, LEFT]
    + [DOWN, LEFT, DOWN, RIGHT, UP, RIGHT, DOWN, DOWN, LEFT, LEFT]
)  # fmt: skip


def walk(moves: list[int]) -> tuple[Walker, np.ndarray, list[tuple[float, bool, bool]], np.ndarray]:
    """State, last observation, (sum of outcomes, terminated, truncated) of every step, last outcome."""
    state, observation = WORLD.reset(KEY)
    record, outcome = [], np.zeros(25)
    for move in moves:
        state, observation, out, terminated, truncated = _step(state, jnp.asarray(move), KEY)
        outcome = np.asarray(out)
        record.append((float(outcome.sum()), bool(terminated), bool(truncated)))
    return state, np.asarray(observation), record, outcome


def test_start() -> None:
    state, observation = WORLD.reset(KEY)
    np.testing.assert_array_equal(observation, [4.0, 2.0] + [0.0] * 27)
    assert int(state.time) == 0
    assert (WORLD.observation_size, WORLD.outcome_size, WORLD.actions.size, WORLD.time_limit) == (29, 25, 4, 40)


def test_observation_layout() -> None:
    _, observation, _, _ = walk([UP, LEFT])
    visited = np.zeros(25)
    visited[[3 * 5 + 2, 3 * 5 + 1]] = 1.0
    np.testing.assert_array_equal(observation, [3.0, 1.0, 0.0, 0.0, *visited])


def test_home_counts_only_when_it_is_entered() -> None:
    assert not np.asarray(walk([UP])[0].visited)[HOME]


def test_a_bump_into_the_wall_at_home_pays_home_alone() -> None:
    _, _, record, outcome = walk([DOWN])
    assert record == [(99.0, True, False)]
    assert outcome[HOME] == 99.0 and np.count_nonzero(outcome) == 1


def test_there_and_back() -> None:
    _, _, record, outcome = walk([UP, DOWN])
    assert record == [(0.0, False, False), (196.0, True, False)]
    np.testing.assert_array_equal(np.flatnonzero(outcome), [17, HOME])
    np.testing.assert_array_equal(outcome[[17, HOME]], 98.0)


def test_a_bump_elsewhere_costs_a_step_and_nothing_else() -> None:
    state, _, record, outcome = walk([LEFT, LEFT, LEFT, RIGHT, RIGHT])
    assert [r[1] for r in record] == [False, False, False, False, True]
    np.testing.assert_array_equal(np.flatnonzero(outcome), [20, 21, 22])
    assert outcome.max() == 95.0 and int(state.time) == 5


@pytest.mark.parametrize(("move", "delta"), [(UP, (-1, 0)), (LEFT, (0, -1)), (RIGHT, (0, 1))])
def test_moves(move: int, delta: tuple[int, int]) -> None:
    np.testing.assert_array_equal(walk([move])[1][:2], np.add((4, 2), delta))


def test_walls_all_around() -> None:
    assert tuple(walk([UP] * 7)[1][:2]) == (0, 2)
    assert tuple(walk([LEFT] * 7)[1][:2]) == (4, 0)
    assert tuple(walk([RIGHT] * 7)[1][:2]) == (4, 4)
    assert tuple(walk([UP, RIGHT, RIGHT, DOWN, DOWN])[1][:2]) == (4, 4)


def test_the_tour_of_26_steps_pays_everybody_74() -> None:
    _, _, record, outcome = walk(TOUR)
    assert len(TOUR) == 26 and [r[:2] for r in record[:-1]] == [(0.0, False)] * 25
    assert record[-1] == (25 * 74.0, True, False)
    np.testing.assert_array_equal(outcome, np.full(25, 74.0))


def test_the_limit_truncates_pays_nothing_and_is_no_termination() -> None:
    state, _, record, _ = walk([UP] * 40)
    assert record[:39] == [(0.0, False, False)] * 39
    assert record[39] == (0.0, False, True)
    assert int(state.time) == 40


def test_home_at_the_very_last_step_is_a_termination() -> None:
    _, _, record, outcome = walk([UP, *[LEFT, RIGHT] * 19, DOWN])
    assert record[-1][1:] == (True, False) and len(record) == 40
    assert outcome.max() == 60.0


def test_population_has_an_agent_per_tile() -> None:
    population = WORLD.population()
    assert population.size == 25 and population.names[HOME] == "tile 4,2" and population.return_scale == 100.0
    assert population.rewards.weights is None and population.parameters is not None
    np.testing.assert_array_equal(population.parameters[HOME], [4.0, 2.0])
