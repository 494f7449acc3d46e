from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from finite_rmdps import levers, random_rmdp
from trainings import train
from worlds_with_known_answers import QUICK

from policybudget.assignment.em import EM
from policybudget.errors import PolicyBudgetError
from policybudget.exact.brute_force import brute_force
from policybudget.exact.tabular import FiniteRMDP
from policybudget.worlds import check_world
from policybudget.worlds.finite.world import FiniteWorld, Place, _draw, _running

# State 0 goes to 1 or, with action 1, to 2 or 3; 1 goes back; 2 is the end; 3 holds but pays, so it is none.
MOVES = np.zeros((4, 2, 4))
MOVES[0, 0, 1] = MOVES[1, :, 0] = 1.0
MOVES[0, 1, 2], MOVES[0, 1, 3] = 0.25, 0.75
MOVES[2, :, 2] = MOVES[3, :, 3] = 1.0
PAID = np.zeros((4, 2, 3))
PAID[0, 0], PAID[0, 1], PAID[1, 1], PAID[3] = [1, 0, 0], [0, 2, 0], [0, 0, 3], [0.5, 0, 0]
START = np.array([0.5, 0.5, 0.0, 0.0])
KEYS = jax.random.split(jax.random.key(0), 4_000)


def world(**details: Any) -> FiniteWorld:
    return FiniteWorld(MOVES, PAID, START, **{"time_limit": 5} | details)


def at(state: int, time: int = 0) -> Place:
    return Place(jnp.asarray(state, jnp.int32), jnp.asarray(time, jnp.int32))


@pytest.mark.parametrize("survival", [1.0, 0.8])
def test_it_conforms(survival: float) -> None:
    assert {finding.level for finding in check_world(world(survival=survival))} == {"ok"}
    problem = levers([[1, 0], [0, 1]]).problem(1)
    findings = check_world(problem.world, problem.population)
    assert {finding.level for finding in findings} == {"ok"}


def test_description() -> None:
    assert (world().observation_size, world().outcome_size, world().actions.size, world().time_limit) == (4, 3, 2, 5)
    assert world().name == "finite"


def test_steps_that_are_certain() -> None:
    after = world().step(at(0), jnp.asarray(0), KEYS[0])
    assert int(after.state.state) == 1 and int(after.state.time) == 1
    np.testing.assert_array_equal(after.observation, [0, 1, 0, 0])
    np.testing.assert_array_equal(after.outcome, [1, 0, 0])
    assert not after.terminated and not after.truncated
    np.testing.assert_array_equal(world().step(at(1), jnp.asarray(1), KEYS[0]).outcome, [0, 0, 3])


def test_only_the_end_terminates_and_only_the_clock_truncates() -> None:
    after = jax.vmap(lambda key: world().step(at(0, 4), jnp.asarray(1), key))(KEYS)
    states = np.asarray(after.state.state)
    assert set(states) == {2, 3}
    np.testing.assert_array_equal(after.terminated, states == 2)
    np.testing.assert_array_equal(after.truncated, states == 3)
    early = world().step(at(3, 3), jnp.asarray(0), KEYS[0])
    assert not early.terminated and not early.truncated


def test_frequencies() -> None:
    after = jax.vmap(lambda key: world(survival=0.9).step(at(0), jnp.asarray(1), key))(KEYS)
    share = float((after.state.state == 3).mean())
    assert share == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 4_000))
    goes_on = float((~after.terminated).mean())
    assert goes_on == pytest.approx(0.75 * 0.9, abs=4 * np.sqrt(0.675 * 0.325 / 4_000))
    first, _ = jax.vmap(world().reset)(KEYS)
    assert float((first.state == 0).mean()) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4_000))
    assert set(np.asarray(first.state)) == {0, 1}


@pytest.mark.parametrize("draw", [0.0, np.nextafter(np.float32(1), np.float32(0))])
def test_the_impossible_is_not_drawn(draw: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax.random, "uniform", lambda key: jnp.asarray(draw, jnp.float32))
    chances = np.array([0.0, *np.full(10, 0.1), 0.0])
    assert 1 <= int(_draw(_running(chances), KEYS[0])) <= 10


@pytest.mark.parametrize("horizon", [None, 4])
def test_mean_returns_of_episodes_are_exact_values(horizon: int | None) -> None:
    drawn = random_rmdp(1, 5, 3, 2, 3)
    mdp = FiniteRMDP(drawn.transitions, drawn.features, drawn.weights, drawn.initial, 0.8, horizon)
    played, policy = mdp.problem(1).world, jnp.array([0, 1, 2, 1, 0])
    assert isinstance(played, FiniteWorld)

    def episode(key: jax.Array) -> jax.Array:
        def step(carry: tuple[Place, jax.Array], key: jax.Array) -> tuple[tuple[Place, jax.Array], jax.Array]:
            place, alive = carry
            after = played.step(place, policy[place.state], key)
            return (after.state, alive & ~after.terminated & ~after.truncated), after.outcome * alive

        first, *steps = jax.random.split(key, played.time_limit + 1)
        return jax.lax.scan(step, (played.reset(first)[0], jnp.asarray(True)), jnp.stack(steps))[1].sum(axis=0)

    sums = np.asarray(jax.vmap(episode)(KEYS))
    error = sums.std(axis=0) / np.sqrt(len(sums))
    assert (np.abs(sums.mean(axis=0) - mdp.feature_returns(np.asarray(policy))) < 4 * error).all()


def test_the_learner_finds_the_exact_optimum_of_levers() -> None:
    mdp = levers([[10, 0, 2], [0, 8, 7], [9, 0, 0]])
    best = brute_force(mdp, 2)
    assert best.welfare == pytest.approx((10 + 8 + 9) / 3)
    result = train(mdp.problem(2), EM(warm_start=5), search="plain", learner=QUICK, transitions=40 * QUICK.batch)
    assert result.welfare == pytest.approx(best.welfare)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_limit": 0}, "time_limit must be at least 1, got 0"),
        ({"survival": 1.2}, "survival must be between 0 and 1, got 1.2"),
        ({"survival": float("nan")}, "survival must be between 0 and 1, got nan"),
    ],
)
def test_bad_numbers(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        world(**change)
    assert str(error.value) == message


def test_bad_tables_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match="must sum to 1, got 0 for state 0, action 0"):
        FiniteWorld(np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), np.ones(1), 3)


def test_a_table_for_each_agent() -> None:
    moves = np.stack([MOVES, MOVES])
    moves[1, 0, 0], moves[1, 3] = [0, 0, 0, 1], [[0, 0, 0, 1], [0, 1, 0, 0]]  # agent 1 goes to 3, and may leave it
    own = FiniteWorld(moves, PAID, START, time_limit=5)
    assert own.own_dynamics and not world().own_dynamics
    for agent, reached in ((0, 1), (1, 3)):
        after = own.step(at(0), jnp.asarray(0), KEYS[0], jnp.array([float(agent)]))
        assert int(after.state.state) == reached
    np.testing.assert_array_equal(own.end, [False, False, True, False])
    with pytest.raises(PolicyBudgetError):
        FiniteWorld(np.stack([MOVES, MOVES * 0.5]), PAID, START, time_limit=5)
