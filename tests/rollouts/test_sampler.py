"""Agents with their own dynamics: copies of a world play for one agent after the other, in JAX and on the host."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from worlds_with_known_answers import mine

from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import play, sampler
from policybudget.worlds.finite.world import FiniteWorld
from policybudget.worlds.interface import JaxWorld, World
from policybudget.worlds.jax_copies import JaxOnHost

KINDS = ("JAX", "host")


def world_of(problem: RepresentedMDP, kind: str) -> World:
    """The world itself, or the same stepped on the host."""
    assert isinstance(problem.world, JaxWorld)
    return problem.world if kind == "JAX" else JaxOnHost(problem.world)


def policies(world: World, budget: int) -> Policies:
    actor = make_actor(jax.random.key(0), budget, world.observation_size, world.actions, (4,), "shared", -1.0)
    return Policies(actor, Normaliser.start(world.observation_size))


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_plays_for_another_agent_where_an_episode_ended_alone(kind: str) -> None:
    problem = mine(3)
    world, rewards = world_of(problem, kind), problem.population.rewards
    copies, shares = sampler(world, 2, 6, rewards), jnp.array([[1.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
    ongoing, served = copies.start(jax.random.key(0), shares), []
    for index in range(3):
        begun = ongoing.whom
        ongoing, batch = copies.rollout(policies(world, 2), ongoing, jax.random.key(index), 20, shares)
        assert begun is not None and batch.whom is not None and ongoing.whom is not None
        whom, ended = np.asarray(batch.whom), np.asarray(batch.terminated)
        np.testing.assert_array_equal(whom[0], begun)
        np.testing.assert_array_equal(np.asarray(batch.outcome)[..., 0], whom)  # the world got that agent's task
        after = np.concatenate([whom[1:], np.asarray(ongoing.whom)[None]])
        assert not (whom != after)[~ended].any() and (whom != after)[ended].any()
        np.testing.assert_array_equal(ended[:2, 1], np.zeros((2, 6), bool) if index == 0 else ended[:2, 1])
        served.append(whom)
    found = np.concatenate(served)
    assert set(found[:, 0].ravel()) == {0, 1} and set(found[:, 1].ravel()) == {2}
    copies.close()


def test_the_same_key_draws_the_same_agents() -> None:
    problem = mine(3)
    copies, shares = sampler(problem.world, 2, 4, problem.population.rewards), jnp.ones((2, 3))
    both = [copies.start(jax.random.key(0), shares).whom for _ in range(2)]
    np.testing.assert_array_equal(*both)
    other = copies.start(jax.random.key(1), shares).whom
    assert other is not None and (np.asarray(other) != np.asarray(both[0])).any()


@pytest.mark.parametrize("kind", KINDS)
def test_every_agent_has_its_own_returns(kind: str) -> None:
    problem = mine(4)
    world = world_of(problem, kind)
    played = play(world, problem.population.rewards, policies(world, 2), jax.random.key(0), 3, False)
    np.testing.assert_array_equal(played.returns, np.broadcast_to([0.0, 2.0, 6.0, 12.0], (2, 3, 4)))
    np.testing.assert_array_equal(played.lengths, np.full((2, 3), (1 + 2 + 3 + 4) / 4))


@pytest.mark.parametrize("greedy", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_returns_in_a_finite_world_with_a_table_for_each_agent(kind: str, greedy: bool) -> None:
    moves = np.zeros((3, 3, 2, 3))  # from state 0: agent 0 to 1, agent 1 to 2, agent 2 nowhere; 1 and 2 hold
    moves[0, 0, :, 1] = moves[1, 0, :, 2] = moves[2, 0, :, 0] = 1.0
    moves[:, 1, :, 1] = moves[:, 2, :, 2] = 1.0
    paid = np.array([1.0, 10.0, 100.0])[:, None, None].repeat(2, axis=1)
    world = FiniteWorld(moves, paid, np.array([1.0, 0, 0]), time_limit=3)
    people = Population.from_weights([[1.0], [2.0], [1.0]], dynamics=np.arange(3)[:, None])
    place = world_of(RepresentedMDP(world, people, 1), kind)
    played = play(place, people.rewards, policies(world, 2), jax.random.key(0), 2, greedy)
    expected = [1 + 10 + 10, 2 * (1 + 100 + 100), 1 + 1 + 1]
    np.testing.assert_array_equal(played.returns, np.broadcast_to(np.array(expected, np.float32), (2, 2, 3)))
    np.testing.assert_array_equal(played.lengths, np.full((2, 2), 3.0))
