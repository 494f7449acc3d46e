"""Vector rewards: through any vector environment, wherever their size and their names are said."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium_worlds import Twice

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.gym.named import world_by_id
from policybudget.worlds.gym.side_by_side import SideBySide
from policybudget.worlds.gym.world import GymnasiumWorld, world_from

NEXT, SAME = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP
NAMES = ("paid", "twice")


class Declared(Twice):
    """Says so."""

    reward_space = spaces.Box(0.0, np.inf, (2,))
    reward_names = NAMES


class Named(Twice):
    """Is told its names in its registration."""

    def __init__(self, reward_names: Any = ()) -> None:
        super().__init__()


class Unnamed(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Sums up the reward, and says that it is no vector any more."""

    reward_space = reward_names = None

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        seen, reward, *rest = self.env.step(action)
        return seen, np.sum(reward), *rest  # type: ignore[return-value]


class ByHand(VectorEnv[Any, Any, Any]):
    """A vector environment that has no single ones in it."""

    single_observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
    single_action_space = spaces.Discrete(2)
    reward_names = ("a", "b", "c")

    def __init__(self, number: int) -> None:
        self.num_envs = number

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros((self.num_envs, 1), np.float32), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        never = np.zeros(self.num_envs, bool)
        return np.zeros((self.num_envs, 1), np.float32), np.outer(actions, [1, 2, 3]), never, never, {}


class SaysMore(ByHand):
    single_reward_space = spaces.Box(0.0, 9.0, (4,))


gymnasium.register("Declared-v0", entry_point=Declared)
gymnasium.register("Twice-v0", entry_point=Twice)
gymnasium.register("Named-v0", entry_point=Named, kwargs={"reward_names": NAMES})


def paid(world: GymnasiumWorld, steps: int = 12) -> list[list[list[float]]]:
    """Outcomes of each of two copies in transitions, copy i always taking action i."""
    copies = world.copies(2)
    copies.reset(0)
    each: list[list[list[float]]] = [[], []]
    for _ in range(steps):
        step = copies.step(np.arange(2))
        for i in np.flatnonzero(step.valid):
            each[i].append(step.outcome[i].tolist())
    copies.close()
    return each


def expected(number: int) -> list[list[list[float]]]:
    """What Twice pays: 10 episode + time + action / 10, in episodes of 2, 3, 2, ... steps."""
    times = [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)]
    return [[[np.float32((10 * e + t + a / 10) * f) for f in (1, 2)] for e, t in times[:number]] for a in (0, 1)]


@pytest.mark.parametrize(
    ("factory", "names"),
    [
        (Declared, NAMES),
        (Twice, ()),
        (lambda: gymnasium.make("Named-v0"), NAMES),
        (lambda n: SideBySide(Declared, n, SAME), NAMES),
        (lambda n: SideBySide(Twice, n, SAME), ()),
        (lambda n: SyncVectorEnv([Declared] * n), NAMES),
        (lambda n: SyncVectorEnv([Twice] * n, autoreset_mode=SAME), ()),
        (lambda n: gymnasium.make_vec("Declared-v0", n, "sync"), NAMES),
        (lambda n: AsyncVectorEnv([Twice] * n, context="spawn", autoreset_mode=SAME), ()),
    ],
)
def test_vectors_arrive_whole(factory: Any, names: tuple[str, ...]) -> None:
    world = world_from(factory, "twice")
    assert (world.outcome_size, world.components) == (2, names)
    for got, wanted in zip(paid(world), expected(8), strict=True):
        np.testing.assert_allclose(got[:8], wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("identifier", "names"),
    [("Declared-v0", NAMES), ("Twice-v0", ()), ("Named-v0", NAMES), ("deep-sea-treasure-v0", ())],
)
def test_ids_of_any_package(identifier: str, names: tuple[str, ...]) -> None:
    world = world_by_id(identifier)
    assert (world.outcome_size, world.components) == (2, names)


def test_as_mo_gymnasium_steps_them() -> None:
    from mo_gymnasium.wrappers.vector import MOSyncVectorEnv

    theirs = world_from(lambda n: MOSyncVectorEnv([lambda: gymnasium.make("mo-reacher-v5")] * n), "theirs").copies(2)
    ours = world_by_id("mo-reacher-v5").copies(2)
    np.testing.assert_array_equal(ours.reset(3), theirs.reset(3))
    rng = np.random.default_rng(0)
    for _ in range(150):
        action = rng.integers(0, 9, 2)
        for got, wanted in zip(ours.step(action), theirs.step(action), strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_a_vector_environment_written_by_hand() -> None:
    world = world_from(ByHand, "hand")
    assert (world.outcome_size, world.components) == (3, ("a", "b", "c"))
    assert paid(world, 1) == [[[0, 0, 0]], [[1, 2, 3]]]
    assert world_from(ByHand, "hand", components=("x", "y", "z")).components == ("x", "y", "z")
    summed = world_from(ByHand, "hand", lambda reward, info: reward.sum(axis=1), components=("all",))
    assert (summed.outcome_size, paid(summed, 1)) == (1, [[[0]], [[6]]])


def test_an_outcome_of_a_chosen_size_is_computed_from_vectors() -> None:
    world = world_from(lambda n: SyncVectorEnv([Twice] * n), "both", lambda reward, info: reward[:, 1:], 1)
    assert world.outcome_size == 1
    np.testing.assert_allclose(paid(world, 2), [[[2.0], [4.0]], [[2.2], [4.2]]], rtol=1e-6)


def test_a_wrapper_that_sums_up() -> None:
    world = world_from(lambda: Unnamed(Declared()), "sum")
    assert (world.outcome_size, world.components) == (1, ())
    np.testing.assert_allclose(paid(world, 2), [[[3.0], [6.0]], [[3.3], [6.3]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("factory", "options", "message"),
    [
        (SaysMore, {}, "world w: expected a reward of 4 components, as its reward_space says, got 3 numbers"),
        (ByHand, {"components": ("a", "b")}, "expected reward_names to be 3 different names"),
        (ByHand, {"components": ("a", "b", "b")}, "expected reward_names to be 3 different names"),
        (
            lambda n: AsyncVectorEnv([Twice] * n, context="spawn"),
            {},
            "AsyncVectorEnv cannot hold rewards of several components while it resets in the next step; make it with",
        ),
        (lambda a, b: None, {}, "world w: it is made by a function of no argument, .* got one of a, b: give them"),
    ],
)  # fmt: skip
def test_rewards_that_do_not_fit(factory: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        world_from(factory, "w", **options)


def test_a_reward_that_changes_on_the_way() -> None:
    class Changes(Twice):
        def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
            seen, reward, *rest = super().step(action)
            return seen, reward if self.time == 1 else reward[:1], *rest  # type: ignore[return-value]

    copies = world_from(Changes, "changes").copies(1)
    copies.reset(0)
    copies.step(np.zeros(1, int))
    with pytest.raises(PolicyBudgetError) as error:
        copies.step(np.zeros(1, int))
    assert str(error.value) == (
        "world changes, step 2: expected a reward that is an array of shape (2,), as before, "
        "got an array of shape (1,); return as many numbers in every step"
    )
