"""Environments that no policy can be made for, and environments that raise what is no error: one line each."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from policybudget.errors import PolicyBudgetError
from policybudget.worlds import world_from


class Mute:
    """It has no text."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


class UnsaidError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class Own(BaseException):
    """It is no Exception."""


class Faulty(gymnasium.Env[np.ndarray, Any]):
    """What it is given to raise, it raises at a step; what it is given to pay, it pays."""

    def __init__(self, raises: BaseException | None = None, pays: Any = 1.0, at: int = 3, **own: Any) -> None:
        self.raises, self.pays, self.at, self.time = raises, pays, at, 0
        self.observation_space = own.get("sees", spaces.Box(-1, 1, (1,), np.float32))
        self.action_space = own.get("acts", spaces.Discrete(2))

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self.time += 1
        if self.time == self.at:
            if self.raises is not None:
                raise self.raises
            return self.observation_space.sample(), self.pays, False, False, {}
        return self.observation_space.sample(), 1.0, False, False, {}


@pytest.mark.parametrize(
    ("raises", "text"),
    [
        (SystemExit(3), "the environment raised SystemExit: 3"),
        (Own("enough"), "the environment raised Own: enough"),
        (GeneratorExit(), "the environment raised GeneratorExit:"),
        (UnsaidError(), "the environment raised UnsaidError: its text cannot be made, ValueError"),
    ],
)
def test_whatever_is_raised_is_one_line(raises: BaseException, text: str) -> None:
    copies = world_from(lambda: Faulty(raises, at=2), "w", time_limit=9).copies(2)
    copies.reset(0)
    copies.step(np.zeros(2, int))
    with pytest.raises(PolicyBudgetError, match=f"^world w, step 2: {text}"):
        copies.step(np.zeros(2, int))


def test_an_environment_that_cannot_be_made() -> None:
    def make() -> Any:
        raise SystemExit("not today")

    with pytest.raises(PolicyBudgetError, match="world w could not be made: SystemExit: not today"):
        world_from(make, "w")


def test_ctrl_c_stays_what_it_is() -> None:
    copies = world_from(lambda: Faulty(KeyboardInterrupt(), at=2), "w", time_limit=9).copies(1)
    copies.reset(0)
    copies.step(np.zeros(1, int))
    with pytest.raises(KeyboardInterrupt):
        copies.step(np.zeros(1, int))


def test_what_has_no_text_is_told_by_its_type() -> None:
    copies = world_from(lambda: Faulty(pays=Mute(), at=2), "w", time_limit=9).copies(1)
    copies.reset(0)
    copies.step(np.zeros(1, int))
    with pytest.raises(PolicyBudgetError, match="expected a reward that is a number, .* got something of type Mute"):
        copies.step(np.zeros(1, int))


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ({"sees": spaces.Box(-1, 1, (0,), np.float32)}, "expected an observation of 1 to 1,000,000 numbers, got 0"),
        ({"sees": spaces.Discrete(10**9)}, "expected an observation of 1 to 1,000,000 numbers, got 1,000,000,000"),
        ({"acts": spaces.Discrete(10**9)}, "output of a policy of 1 to 100,000 numbers, got 1,000,000,000"),
        ({"acts": spaces.MultiDiscrete([60_000, 60_000])}, "expected the output of a policy of 1 to 100,000 numbers"),
    ],
)  # fmt: skip
def test_spaces_that_no_policy_can_be_made_for(own: dict[str, Any], text: str) -> None:
    with pytest.raises(PolicyBudgetError, match=f"world w: .*{text}"):
        world_from(lambda: Faulty(**own), "w", time_limit=3)


class Sleepy(Faulty):
    """Its third step takes for ever."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        if self.time == self.at - 1:
            time.sleep(60)
        return super().step(action)


def test_a_step_that_takes_too_long() -> None:
    copies = replace(world_from(Sleepy, "sleepy"), step_timeout=0.2).copies(2)
    copies.reset(0)
    for _ in range(2):
        copies.step(np.zeros(2, int))
    late = r"^world sleepy, step 3: the environment took longer than 0\.2 s, the limit \(--step-timeout\)$"
    with pytest.raises(PolicyBudgetError, match=late):
        copies.step(np.zeros(2, int))
    copies.close()
