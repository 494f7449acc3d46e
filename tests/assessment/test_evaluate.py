from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from worlds_with_known_answers import Levers

from policybudget.assessment.evaluate import Evaluation, evaluate
from policybudget.assessment.statistics import mean_ci95
from policybudget.policies.networks import Layer, Network
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Actor, Policies
from policybudget.population import Population
from policybudget.welfare import Utilitarian

# Policy 0 pulls lever 0 in 9 of 10 cases, policy 1 pulls lever 1 in 3 of 4.
LOGITS = jnp.log(jnp.array([[[0.9, 0.1]], [[0.25, 0.75]]]))
COMMITTEE = Policies(Actor(Network((Layer(jnp.zeros((2, 1, 2)), LOGITS),)), None), Normaliser.start(1))
POPULATION = Population.from_weights([[10.0, 0.0], [0.0, 20.0], [5.0, 5.0]])
ASSIGNMENT = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], np.float32)


def judged(seed: int, greedy: bool, assignment: np.ndarray = ASSIGNMENT, episodes: int = 400) -> Evaluation:
    return evaluate(Levers(2), POPULATION, COMMITTEE, assignment, episodes, seed, greedy)


def test_greedy_by_hand() -> None:
    got = judged(1, True)
    np.testing.assert_array_equal(got.matrix, [[10.0, 0.0, 5.0], [0.0, 20.0, 5.0]])
    assert got.welfare == {"mean": (10.0 + 20.0 + 5.0) / 3, "ci95": 0.0} or np.isclose(got.welfare["mean"], 35 / 3)
    assert got.welfare["ci95"] < 1e-6
    first, second = got.policies
    assert (first["agents"], first["return"]["mean"], first["length"]["mean"]) == (2.0, 7.5, 1.0)
    assert (second["agents"], second["return"]["mean"]) == (1.0, 20.0)


def test_stochastic_near_its_expectation_and_welfare_from_the_matrix() -> None:
    got = judged(1, False)
    expected = np.array([[9.0, 2.0, 5.0], [2.5, 15.0, 5.0]])
    assert np.abs(got.matrix - expected).max() < 1.8
    np.testing.assert_allclose(got.welfare["mean"], (ASSIGNMENT * got.matrix).sum(axis=0).mean(), rtol=1e-5)
    utilities = np.einsum("kem,mn,kn->e", got.returns, np.asarray(POPULATION.rewards.weights), ASSIGNMENT) / 3
    np.testing.assert_allclose(got.welfare["ci95"], mean_ci95(utilities)["ci95"], rtol=1e-5)
    assert got.welfare["ci95"] > 0.1


def test_seeds_decide_the_episodes() -> None:
    one, again, other = judged(1, False), judged(1, False), judged(2, False)
    np.testing.assert_array_equal(one.returns, again.returns)
    assert not np.array_equal(one.returns, other.returns)


def test_soft_assignment_and_an_empty_policy() -> None:
    soft = judged(1, True, np.full((2, 3), 0.5, np.float32))
    np.testing.assert_allclose(soft.welfare["mean"], (5.0 + 10.0 + 5.0) / 3, rtol=1e-6)
    empty = judged(1, True, np.array([[1.0] * 3, [0.0] * 3], np.float32))
    assert empty.policies[1]["return"] is None and empty.policies[1]["agents"] == 0.0
    np.testing.assert_allclose(empty.welfare["mean"], 5.0, rtol=1e-6)


def test_people_count_as_many_times_as_a_user_stands_for() -> None:
    """Policy 0 serves ann (10) and, for three people, cem (5): everywhere (10 + 3 * 5) / 4."""
    population = Population.from_weights(
        [[10.0, 0.0], [0.0, 20.0], [5.0, 5.0]], agent_weights=np.array([1.0, 1.0, 3.0])
    )
    got = evaluate(Levers(2), population, COMMITTEE, ASSIGNMENT, 10, 1, True)
    assert got.policies[0]["return"]["mean"] == (10.0 + 3 * 5.0) / 4
    assert got.welfare["mean"] == np.float32((10.0 + 20.0 + 3 * 5.0) / 5) == np.float32(got.social["mean"])
    assert np.isclose(
        np.asarray(population.objective(Utilitarian()).per_policy(jnp.asarray(ASSIGNMENT), jnp.asarray(got.matrix)))[0],
        (10.0 + 3 * 5.0) / 4,
    )


def test_intervals_of_every_policy_and_user() -> None:
    got = judged(1, False)
    paid = np.asarray(POPULATION.rewards.agents(jnp.asarray(got.returns)))  # (k, e, n)
    by_hand = mean_ci95(paid[0, :, 1])["ci95"]
    np.testing.assert_allclose(got.ci95[0, 1], by_hand, rtol=1e-4)
    assert not np.isfinite(judged(1, False, episodes=1).ci95).any()


def test_key_of_episodes_is_not_that_of_the_training() -> None:
    assert not np.array_equal(judged(0, False).returns, _played(jax.random.key(0)))


def _played(key: jax.Array) -> np.ndarray:
    from policybudget.rollouts import compiled

    return np.asarray(compiled.play(Levers(2), POPULATION.rewards, COMMITTEE, key, 400, False).returns)
