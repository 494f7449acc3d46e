"""Gymnasium environments as worlds: the same transitions in every autoreset mode, one clear line for trouble."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium_worlds import LENGTHS, Counting, Nested, OneNumber, Troubled, copies_of, nested_flat

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.worlds.gym.copies import GymnasiumCopies
from policybudget.worlds.gym.world import NO_LIMIT, GymnasiumWorld, world_from
from policybudget.worlds.interface import Box, Discrete, MultiDiscrete

MODES = tuple(AutoresetMode)
Transitions = list[tuple[Any, ...]]


def transitions(world: GymnasiumWorld, number: int, steps: int) -> list[Transitions]:
    """Valid transitions of each copy, in order; copy i always takes action i."""
    copies = world.copies(number)
    now, each = copies.reset(0), [[] for _ in range(number)]
    for _ in range(steps):
        step = copies.step(np.arange(number))
        for i in np.flatnonzero(step.valid):
            record = now[i].tolist(), step.next_observation[i].tolist(), step.outcome[i].tolist()
            each[i].append((*record, bool(step.terminated[i]), bool(step.truncated[i])))
        now = step.observation
    copies.close()
    return each


def by_hand(action: int, number: int) -> Transitions:
    """What Counting does."""
    told: Transitions = []
    episode = 0
    while len(told) < number:
        length = LENGTHS[episode % 2]
        for time in range(1, length + 1):
            ended, reward = time == length, np.float32(10 * episode + time + action / 10)
            ends = ended and episode % 2 == 0, ended and episode % 2 == 1
            told.append(([episode, time - 1], [episode, time], [reward], *ends))
        episode += 1
    return told[:number]


@pytest.mark.parametrize("mode", MODES)
def test_all_autoreset_modes_give_the_same_transitions(mode: AutoresetMode) -> None:
    for action, given in enumerate(transitions(world_from(copies_of(Counting, mode), "counting"), 3, 24)):
        assert given[:17] == by_hand(action, 17)


@pytest.mark.parametrize("mode", MODES)
def test_resets_are_no_transitions_only_where_they_take_a_step(mode: AutoresetMode) -> None:
    copies = world_from(copies_of(Counting, mode), "counting").copies(1)
    copies.reset(0)
    valid = [bool(copies.step(np.zeros(1, int)).valid[0]) for _ in range(7)]
    assert valid == ([True, True, False, True, True, True, False] if mode is AutoresetMode.NEXT_STEP else [True] * 7)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("kind", "flat"), [(Nested, nested_flat), (OneNumber, lambda episode, time: np.eye(10)[time])])
def test_nested_and_discrete_observations_are_flattened(mode: AutoresetMode, kind: Any, flat: Any) -> None:
    world = world_from(copies_of(kind, mode), "nested")
    assert world.observation_size == len(flat(0, 0))
    (given,) = transitions(world, 1, 20)
    for (seen, following, *rest), (before, after, *expected) in zip(given[:14], by_hand(0, 14), strict=True):
        assert seen == flat(*before).tolist() and following == flat(*after).tolist() and rest == expected


def test_several_processes_give_the_same_transitions() -> None:
    world = world_from(lambda n: AsyncVectorEnv([Counting] * n, context="spawn"), "counting")
    assert [given[:12] for given in transitions(world, 2, 17)] == [by_hand(0, 12), by_hand(1, 12)]


def test_buffers_that_an_environment_uses_again_are_copied() -> None:
    copies = world_from(lambda n: SyncVectorEnv([Counting] * n, copy=False), "counting").copies(1)
    first = copies.reset(0)
    steps = [copies.step(np.zeros(1, int)) for _ in range(2)]
    assert [first.tolist(), *(step.observation.tolist() for step in steps)] == [[[0, 0]], [[0, 1]], [[0, 2]]]


class Recording(gymnasium.Env[Any, Any]):
    """Keeps the actions that reach it."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, actions: Any) -> None:
        self.action_space, self.taken = actions, []

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), action
        self.taken.append(np.asarray(action).tolist())
        return np.zeros(1, np.float32), 0.0, False, False, {}


@pytest.mark.parametrize(
    ("space", "known", "given", "expected"),
    [
        (spaces.Discrete(3, start=-1), Discrete(3), [0, 2], [-1, 1]),
        (spaces.MultiDiscrete([3, 2]), MultiDiscrete((3, 2)), [[0, 1], [2, 0]], [[0, 1], [2, 0]]),
        (spaces.MultiDiscrete([3, 2], start=[10, 20]), MultiDiscrete((3, 2)), [[0, 1]], [[10, 21]]),
        (spaces.MultiDiscrete([[3, 2], [2, 2]]), MultiDiscrete((3, 2, 2, 2)), [[0, 1, 1, 0]], [[[0, 1], [1, 0]]]),
        (spaces.MultiBinary(3), MultiDiscrete((2, 2, 2)), [[0, 1, 1]], [[0, 1, 1]]),
        (
            spaces.Box(np.array([-3.0, 0.0]), np.array([1.0, 10.0]), dtype=np.float64),
            Box(2, (-3.0, 0.0), (1.0, 10.0)),
            [[-1.0, 1.0], [0.0, 0.5], [-7.0, 7.0]],
            [[-3.0, 10.0], [-1.0, 7.5], [-3.0, 10.0]],
        ),
        (
            spaces.Box(np.array([2.0, -np.inf, -np.inf]), np.array([np.inf, 5.0, np.inf]), dtype=np.float64),
            Box(3, (2.0, -np.inf, -np.inf), (np.inf, 5.0, np.inf)),
            [[-1.0, 1.0, 0.0], [0.5, -0.5, 3.0], [-9.0, 9.0, -9.0]],
            [[2.0, 5.0, 0.0], [3.5, 3.5, 3.0], [2.0, 5.0, -9.0]],
        ),
        (spaces.Box(0, 10, (1,), np.int64), Box(1, (0.0,), (10.0,)), [[0.17], [-1.0]], [[6], [0]]),
        (spaces.Box(-1.0, 1.0, (1, 2), np.float64), Box(2, (-1.0, -1.0), (1.0, 1.0)), [[0.5, 2.0]], [[[0.5, 1.0]]]),
    ],
)  # fmt: skip
def test_actions_reach_the_environment_as_its_space_has_them(space: Any, known: Any, given: Any, expected: Any) -> None:
    world = world_from(lambda n: SyncVectorEnv([lambda: Recording(space)] * n), "recording")
    assert world.actions == known
    copies = world.copies(1)
    copies.reset(0)
    kind = np.float32 if isinstance(known, Box) else np.int32
    for action in given:
        copies.step(np.array([action], kind))
    np.testing.assert_allclose(copies.env.envs[0].taken, expected, rtol=1e-6)


def test_the_largest_float_is_no_bound() -> None:
    largest = float(np.finfo(np.float32).max)
    world = world_from(lambda n: SyncVectorEnv([lambda: Recording(spaces.Box(-largest, largest, (1,)))] * n), "wide")
    assert world.actions == Box(1, (-np.inf,), (np.inf,))


def test_time_limits_of_wrapped_environments() -> None:
    wrapped = copies_of(lambda: gymnasium.wrappers.TimeLimit(Counting(), 7))
    assert world_from(wrapped, "wrapped").time_limit == 7
    assert world_from(copies_of(lambda: gymnasium.make("CartPole-v1", max_episode_steps=9)), "short").time_limit == 9
    assert world_from(copies_of(Counting), "endless").time_limit == NO_LIMIT
    assert world_from(copies_of(Counting), "told", time_limit=4).time_limit == 4


def breaks(number: int) -> Any:
    raise ValueError("no\nlicence")


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (breaks, "world mine could not be made: ValueError: no licence"),
        (lambda n: Counting(), "the factory of world mine must give a Gymnasium VectorEnv, got Counting"),
        (
            lambda n: SyncVectorEnv([lambda: Recording(spaces.Dict({}))] * n),
            "world mine has actions of kind Dict; supported are",
        ),
    ],
)
def test_factories_that_do_not_fit(factory: Any, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        world_from(factory, "mine")


def test_a_factory_must_listen_to_the_number_of_copies() -> None:
    with pytest.raises(WorldError, match="must give a VectorEnv of 3 copies, got SyncVectorEnv"):
        world_from(lambda n: SyncVectorEnv([Counting]), "mine").copies(3)


def troubled(kind: str, monkeypatch: pytest.MonkeyPatch, factory: Any = None) -> GymnasiumCopies:
    world = world_from(factory or copies_of(Troubled), "troubled")
    monkeypatch.setenv("TROUBLE", f"{kind},4")
    copies = world.copies(2)
    copies.reset(0)
    return copies


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("raise", "world troubled, step 4: the environment raised RuntimeError: the cable snapped"),
        ("nan reward", "world troubled, step 4: reward, component 0 of copy 0: expected a finite number, got nan"),
        ("inf reward", "world troubled, step 4: reward, component 0 of copy 0: expected a finite number, got inf"),
        (
            "nan observation",
            "world troubled, step 4: observation, component 1 of copy 0: expected a finite number, got nan",
        ),
    ],
)
def test_trouble_is_told_with_world_step_and_component(
    kind: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = troubled(kind, monkeypatch)
    for _ in range(3):
        assert copies.step(np.zeros(2, int)).outcome.tolist() == [[1.0], [1.0]]
    with pytest.raises(WorldError) as error:
        copies.step(np.zeros(2, int))
    assert str(error.value) == message
    copies.close()


@pytest.mark.parametrize(
    ("kind", "message"), [("die", "a worker process died"), ("raise", "RuntimeError: the cable snapped")]
)
def test_a_worker_that_dies(kind: str, message: str, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    copies = troubled(kind, monkeypatch, lambda n: AsyncVectorEnv([Troubled] * n, context="spawn"))
    for _ in range(3):
        copies.step(np.zeros(2, int))
    with pytest.raises(WorldError, match=f"world troubled, step 4: .*{message}"):
        copies.step(np.zeros(2, int))
    workers = copies.env.processes
    copies.close()
    for worker in workers:
        worker.join(5)
        assert not worker.is_alive()
    del copies
    assert "Traceback" not in capfd.readouterr().err


def test_rewards_of_another_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = world_from(copies_of(Counting), "counting", outcome_size=2).copies(3)
    copies.reset(0)
    with pytest.raises(WorldError, match=r"step 1: expected 2 reward components for each of 3 copies, got .* \(3, 1\)"):
        copies.step(np.zeros(3, int))


def test_an_outcome_of_ones_own() -> None:
    world = world_from(copies_of(Counting), "both", lambda reward, info: np.stack([reward, -reward], 1), 2)
    copies = world.copies(1)
    copies.reset(0)
    assert copies.step(np.zeros(1, int)).outcome.tolist() == [[1.0, -1.0]]
