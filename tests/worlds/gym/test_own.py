"""Agents with environments of their own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium_worlds import Counting

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.population import Population
from policybudget.rollouts.sampler import play, sampler
from policybudget.users import OwnSettings
from policybudget.worlds import world_for_agents
from policybudget.worlds.gym.named import world_by_id
from policybudget.worlds.gym.own import ForAgents
from policybudget.worlds.gym.world import GymnasiumWorld
from policybudget.worlds.interface import World

NAMES = ("ann", "bob", "cat")
PEOPLE = Population.from_weights([[1.0]] * 3, NAMES, dynamics=np.zeros((3, 0)))


class Own(Counting):
    """Pays a number of its own in each of two steps; shows it, and a draw."""

    observation_space: Any = spaces.Box(-np.inf, np.inf, (2,), np.float64)

    def __init__(self, number: float, wrong: str = "") -> None:
        self.number, self.wrong, self.time, self.given = number, wrong, 0, 0.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.time, self.given = 0, (options or {}).get("more", 0.0)
        return np.array([self.number, self.np_random.random()]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.time += 1
        if self.wrong == "raise":
            raise RuntimeError("the motor broke")
        seen = np.array([np.nan if self.wrong == "observation" else self.number, self.np_random.random()])
        reward = np.nan if self.wrong == "reward" else self.number + self.given
        return seen, reward, self.time == 2, False, {}


def world(wrong: str = "", **details: Any) -> GymnasiumWorld:
    """Of ann, bob and cat, who are paid 0, 1 and 2 a step; something is wrong with bob's."""
    return world_for_agents(lambda i: Own(i, wrong if i == 1 else ""), 3, "own", names=NAMES, **details)


def policies(of: World) -> Policies:
    actor = make_actor(jax.random.key(0), 2, of.observation_size, of.actions, (4,), "shared", -1.0)
    return Policies(actor, Normaliser.start(of.observation_size))


def test_every_episode_is_played_in_the_environment_of_its_agent() -> None:
    copies = sampler(world(), 2, 4, PEOPLE.rewards)
    shares = jnp.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    began = copies.start(jax.random.key(0), shares)
    _, batch = copies.rollout(policies(world()), began, jax.random.key(1), 12, shares)
    assert batch.whom is not None
    whom, valid, ended = np.asarray(batch.whom), np.asarray(batch.valid), np.asarray(batch.terminated)
    assert valid.sum() == 8 * 8 and ended.sum() == 8 * 4  # two steps and a reset, in turn
    for seen in (batch.observation, batch.outcome):
        np.testing.assert_array_equal(np.asarray(seen)[..., 0][valid], whom[valid])
    changed = whom[1:] != whom[:-1]
    assert changed.any() and not changed[~ended[:-1]].any()
    assert set(whom[:, 0].ravel()) == {0, 1} and set(whom[:, 1].ravel()) == {1, 2}
    copies.close()


def test_play_gives_every_agent_its_own_returns_and_options_of_resets() -> None:
    for of, expected in ((world(), [0, 2, 4]), (world(options=[{}, {"more": 5.0}, {"more": 0.5}]), [0, 12, 5])):
        played = play(of, PEOPLE.rewards, policies(of), jax.random.key(0), 3, True)
        np.testing.assert_array_equal(played.returns, np.broadcast_to(np.array(expected, np.float32), (2, 3, 3)))
        np.testing.assert_array_equal(played.lengths, np.full((2, 3), 2.0))


def test_a_seed_decides_all_that_is_drawn_whoever_was_played_for_before() -> None:
    env = ForAgents(Own, (), NAMES)

    def drawn(seed: int, agents: tuple[int, ...]) -> list[tuple[float, float]]:
        found = []
        for index, agent in enumerate(agents):
            env.whom = agent
            found.append(tuple(env.reset(seed=seed if index == 0 else None)[0].tolist()))
        return found

    first = drawn(3, (0, 2, 2, 0))
    assert [number for number, _ in first] == [0, 2, 2, 0] and len(set(first)) == 4
    drawn(7, (1, 0))
    assert drawn(3, (0, 2, 2, 0)) == first and drawn(4, (0, 2, 2, 0)) != first


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("reward", "agent bob: expected its environment to give finite numbers, got reward nan"),
        ("observation", "got reward 1.0 and an observation that is not finite"),
        ("raise", "agent bob: its environment raised RuntimeError: the motor broke"),
    ],
)
def test_what_one_agents_environment_does_wrong_is_said_with_its_name(wrong: str, text: str) -> None:
    of = world(wrong)
    with pytest.raises(WorldError) as error:
        play(of, PEOPLE.rewards, policies(of), jax.random.key(0), 1, True)
    assert str(error.value).startswith("world own, step 1: agent bob: ") and text in str(error.value)
    assert "\n" not in str(error.value)


def test_environments_must_have_the_same_spaces() -> None:
    class Wide(Own):
        observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float64)

    with pytest.raises(PolicyBudgetError, match="world own: agent bob: expected the observation_space of agent ann"):
        world_for_agents(lambda i: Wide(i) if i == 1 else Own(i), 3, "own", names=NAMES)
    with pytest.raises(PolicyBudgetError, match=r"world own: agent 1: expected one gymnasium.Env, got str"):
        world_for_agents(lambda i: Own(i) if i == 0 else "bob", 2, "own")


@pytest.mark.parametrize(
    ("user", "text"),
    [
        (OwnSettings("bob", {"gravity": 9}, {}), "agent bob: the environment refuses env.gravity = 9 ("),
        (OwnSettings("bob", {"g": 9}, {"x_init": "far"}), "agent bob: its reset with reset.x_init = 'far' raised "),
    ],
)
def test_an_argument_that_the_environment_refuses(user: OwnSettings, text: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        world_by_id("Pendulum-v1", [OwnSettings("ann", {"g": 4}, {}), user])
    assert str(error.value).startswith("world gym:Pendulum-v1: agent bob: ") and text in str(error.value)
    assert "\n" not in str(error.value)


def test_gravities_of_pendulums() -> None:
    of = world_by_id("Pendulum-v1", [OwnSettings(f"{g}", {"g": g}, {}) for g in (0, 10)])
    copies = of.copies(2)
    copies.reset(0, np.array([0, 1]))
    speeds = np.array([abs(copies.step(np.zeros((2, 1), np.float32)).observation[:, 2]) for _ in range(30)])
    assert of.own_dynamics and np.ptp(speeds[:, 0]) < 1e-5 < np.ptp(speeds[:, 1])
    copies.close()
