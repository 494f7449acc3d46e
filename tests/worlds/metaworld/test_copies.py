"""Copies of Meta-World: who plays what, when episodes end, what a success is worth, and saved states."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("imageio")
pytest.importorskip("metaworld")

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.metaworld.copies import PERFECT, STEPS, UNIT, MetaworldCopies
from policybudget.worlds.registry import make

TASKS = ("reach", "drawer-close", "reach")
"""Of three agents, two of whom have the same."""


@pytest.fixture(scope="module")
def copies() -> Iterator[MetaworldCopies]:
    made = MetaworldCopies(TASKS, 4, threads=2)
    yield made
    made.close()


def actions(steps: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(steps, 4, 4)).astype(np.float32)


def near_the_end(copies: MetaworldCopies, left: int) -> None:
    state = copies.state()
    copies.restore(state | {"elapsed": np.full_like(state["elapsed"], STEPS - left)})


def test_episodes_end_after_500_steps_and_the_next_play_for_others(copies: MetaworldCopies) -> None:
    first = copies.reset(0, np.array([0, 1, 2, 0]))
    assert first.shape == (4, 39) and first.dtype == np.float32
    near_the_end(copies, 2)
    one, two = (copies.step(action, np.array([1, 1, 1, 0])) for action in actions(2))
    assert not one.truncated.any() and two.truncated.all() and not two.terminated.any() and two.valid.all()
    np.testing.assert_array_equal(one.observation, one.next_observation)
    assert not np.array_equal(two.observation, two.next_observation)
    np.testing.assert_array_equal(two.observation[:, :18], two.observation[:, 18:36])  # no frame before the first
    assert [copies._names[task] for task in copies._task_of[copies._whom]] == ["drawer-close"] * 3 + ["reach"]
    assert copies.step(actions(1)[0]).next_observation.shape == (4, 39)


@pytest.mark.filterwarnings("ignore:Constant:UserWarning")  # the package's scripted policies say so
def test_a_success_pays_once_in_an_episode(copies: MetaworldCopies) -> None:
    """The scripted policy closes the drawer, and it stays closed."""
    from metaworld.policies import ENV_POLICY_MAP

    scripted = ENV_POLICY_MAP["drawer-close-v3"]()
    seen, paid = copies.reset(0, np.array([1, 1, 1, 1])), np.zeros((4, 2))
    for _ in range(130):
        led = [scripted.get_action(one.astype(np.float64)) for one in seen]
        after = copies.step(np.clip(led, -1.0, 1.0))
        seen, paid = after.observation, paid + after.outcome
        assert ((after.outcome[:, 0] >= 0) & (after.outcome[:, 0] <= 10 * UNIT + 1e-6)).all()
    assert (paid[:, 1] == PERFECT).all()


def test_a_saved_state_goes_on_to_the_last_bit_also_past_the_end_of_an_episode(copies: MetaworldCopies) -> None:
    copies.reset(5, np.array([0, 1, 1, 2]))
    near_the_end(copies, 4)
    for action in actions(2):
        copies.step(action)
    saved = copies.state()
    later = [copies.step(action, np.array([1, 0, 1, 2])) for action in actions(5)]
    other = MetaworldCopies(TASKS, 4, threads=1)
    other.restore(saved)
    again = [other.step(action, np.array([1, 0, 1, 2])) for action in actions(5)]
    for one, two in zip(later, again, strict=True):
        for name, here, there in zip(one._fields, one, two, strict=True):
            np.testing.assert_array_equal(here, there, err_msg=name)
    other.close()


def test_seeds_decide_goals(copies: MetaworldCopies) -> None:
    whom = np.array([0, 1, 2, 0])
    one, same, other = copies.reset(3, whom), copies.reset(3, whom), copies.reset(4, whom)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one[:, 36:], other[:, 36:])


def test_what_does_not_fit_is_refused(copies: MetaworldCopies) -> None:
    copies.reset(0, np.zeros(4, int))
    with pytest.raises(PolicyBudgetError, match=r"actions must be finite, got \[nan"):
        copies.step(np.full((4, 4), np.nan))
    state = copies.state()
    with pytest.raises(PolicyBudgetError, match="the saved state lacks goal"):
        copies.restore({name: value for name, value in state.items() if name != "goal"})


def test_the_world_by_name() -> None:
    world, population = make("metaworld:reach,drawer-close-v3")
    assert (world.observation_size, world.actions.size, world.outcome_size, world.time_limit) == (39, 4, 2, 500)
    assert population.names == ("reach", "drawer-close") and population.return_scale == 100.0
    copies = world.copies(2, population.dynamics)  # type: ignore[attr-defined]
    assert copies.reset(0, np.array([1, 0])).shape == (2, 39) and copies._names == ("reach", "drawer-close")
    copies.close()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "metaworld.env_dict", None)
    with pytest.raises(PolicyBudgetError, match=r"metaworld: worlds need metaworld: pip install --no-deps meta"):
        make("metaworld:reach")
