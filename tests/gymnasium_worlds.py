"""Small Gymnasium environments whose every transition can be written down; importing this registers some of them."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

LENGTHS = (2, 3)
"""Episodes end after two steps by the rules, then after three by the clock, and so on in turn."""


class Counting(gymnasium.Env[Any, Any]):
    """Shows (episode, time); pays 10 episode + time + action / 10 for the step that leads to that time."""

    observation_space: Any = spaces.Box(0.0, np.inf, (2,), np.float64)
    action_space: Any = spaces.Discrete(3)

    def __init__(self) -> None:
        self.episode, self.time = -1, 0

    def observe(self) -> Any:
        return np.array([self.episode, self.time], np.float64)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.episode, self.time = self.episode + 1 if seed is None else 0, 0
        return self.observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.time += 1
        ended, by_rules = self.time == LENGTHS[self.episode % 2], self.episode % 2 == 0
        reward = 10.0 * self.episode + self.time + float(np.sum(action)) / 10
        return self.observe(), reward, ended and by_rules, ended and not by_rules, {}


class Twice(Counting):
    """Pays what Counting pays, and twice that."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        seen, reward, *rest = super().step(action)
        return seen, np.array([reward, 2 * reward]), *rest  # type: ignore[return-value]


class Nested(Counting):
    """The same as a dict of everything."""

    observation_space = spaces.Dict(
        {
            "time": spaces.Discrete(4, start=-1),
            "both": spaces.Tuple((spaces.MultiDiscrete([50, 4], start=[0, 0]), spaces.MultiBinary(2))),
            "box": spaces.Box(-1.0, 100.0, (1, 2), np.float32),
        }
    )

    def observe(self) -> Any:
        pair = np.array([self.episode, self.time])
        return {"time": self.time - 1, "both": (pair, (pair % 2).astype(np.int8)), "box": pair[None].astype(np.float32)}


def nested_flat(episode: int, time: int) -> np.ndarray:
    """What Nested shows, flattened by hand: keys of a dict in alphabetical order."""
    return np.concatenate(
        [np.eye(50)[episode], np.eye(4)[time], [episode % 2, time % 2], [episode, time], np.eye(4)[time]]
    )


class OneNumber(Counting):
    """Discrete observations that start at 5."""

    observation_space = spaces.Discrete(10, start=5)

    def observe(self) -> Any:
        return np.int64(5 + self.time)


class Troubled(gymnasium.Env[Any, Any]):
    """Runs until the environment variable TROUBLE names a trouble: "kind,step" counted over the life of the copy."""

    observation_space: Any = spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space: Any = spaces.Discrete(2)

    def __init__(self) -> None:
        self.steps = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.started = self.steps
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        kind, _, when = os.environ.get("TROUBLE", ",").partition(",")
        seen, reward = np.full(2, 0.5, np.float32), 1.0
        if kind and self.steps == int(when):
            if kind == "raise":
                raise RuntimeError("the cable\nsnapped")
            if kind == "die":
                os.kill(os.getpid(), 9)
            seen[1] = {"nan observation": np.nan}.get(kind, 0.5)
            reward = {"nan reward": np.nan, "inf reward": np.inf}.get(kind, 1.0)
        return seen, reward, self.steps - self.started == 5, False, {}


class Lever(gymnasium.Env[Any, Any]):
    """One pull, and it is over: the first lever pays 0, the second 1, the third 2 in one of four cases. Has tables."""

    observation_space: Any = spaces.Discrete(1)
    action_space: Any = spaces.Discrete(3)
    initial_state_distrib = np.ones(1)
    P: Any = MappingProxyType(
        {0: {0: [(1.0, 0, 0.0, True)], 1: [(1.0, 0, 1.0, True)], 2: [(0.25, 0, 2.0, True), (0.75, 0, 0.0, True)]}}
    )

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return 0, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        paid = 2.0 * (self.np_random.random() < 0.25) if action == 2 else float(action)
        return 0, paid, True, False, {}


gymnasium.register("Lever-v0", entry_point=Lever, max_episode_steps=5)
gymnasium.register("Troubled-v0", entry_point=Troubled)
gymnasium.register("Counting-v0", entry_point=Counting)


def copies_of(kind: Any, mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> Any:
    """A factory of vector environments."""
    return lambda number: SyncVectorEnv([kind] * number, autoreset_mode=mode)
