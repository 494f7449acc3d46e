from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO

NAN = float("nan")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"copies": 0}, "copies must be positive, got 0"),
        ({"steps": -1}, "steps must be positive"),
        ({"epochs": 0}, "epochs must be positive"),
        ({"least_iterations": -1}, "least_iterations must be 0 or more, got -1"),
        ({"widen": 0.5}, "widen must be at least 1, got 0.5"),
        ({"widen": NAN}, "widen must be at least 1, got nan"),
        ({"widen_until": 0.0}, "widen_until must be above 0 and at most 1, got 0.0"),
        ({"final_log_std": -2.0}, "final_log_std must be at most least_log_std = None, got -2.0"),
        ({"least_log_std": 0.0, "final_log_std": 0.5}, "final_log_std must be at most least_log_std = 0.0, got 0.5"),
        ({"noise_until": 1.0}, "noise_until must be at least 0 and below 1, got 1.0"),
        ({"clip": NAN}, "clip must be positive, got nan"),
        ({"minibatch": 100}, r"minibatch must divide copies x steps = 32 x 64 = 2048, got 100"),
        ({"minibatch": 4096}, "minibatch must divide"),
        ({"learning_rate": (1e-3, 0.0)}, "learning_rate must be two positive numbers"),
        ({"learning_rate": (1e-3,)}, "learning_rate must be two positive numbers"),
        ({"entropy": ()}, "entropy must be two positive numbers"),
        ({"discount": 1.01}, "discount must be between 0 and 1, got 1.01"),
        ({"discount": NAN}, "discount must be between 0 and 1"),
        ({"gae_lambda": -0.1}, "gae_lambda must be between 0 and 1"),
        ({"hidden": ()}, "hidden must be at least one positive size"),
        ({"hidden": (64, 0)}, "hidden must be at least one positive size"),
        ({"trunk": "none"}, "trunk must be one of shared, biases, separate, got 'none'"),
        ({"critic_head": "biases"}, "critic_head must be one of shared, separate"),
    ],
)
def test_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        PPO(**changes)


def test_batch() -> None:
    assert PPO(copies=8, steps=16, minibatch=128).batch == 128


def test_rewards_narrow_to_their_own_width() -> None:
    spent = np.array([0.0, 0.25, 0.5, 1.0])
    np.testing.assert_allclose(PPO(widen=16.0).width(jnp.asarray(spent)), [16, 4, 1, 1])
    np.testing.assert_allclose(PPO(widen=16.0, widen_until=1.0).width(jnp.asarray(spent)), [16, 8, 4, 1])
    np.testing.assert_allclose(PPO().width(jnp.asarray(spent)), 1)


def test_the_bound_on_the_noise_falls_in_a_line_to_the_end() -> None:
    spent = np.array([0.0, 0.6, 0.8, 1.0])
    falling = PPO(least_log_std=-1.0, final_log_std=-2.5)
    np.testing.assert_allclose(falling.least_noise(jnp.asarray(spent)), [-1, -1, -1.75, -2.5], rtol=1e-6)
    np.testing.assert_allclose(replace(falling, noise_until=0.2).least_noise(0.6), -1.75)
    assert PPO(least_log_std=-1.0).least_noise(0.9) == -1.0
    assert PPO().least_noise(0.9) is None


@pytest.mark.parametrize(
    ("settings", "watches"),
    [(PPO(), False), (PPO(least_log_std=-1.0), False), (PPO(widen=2.0), True),
     (PPO(least_log_std=-1.0, final_log_std=-2.0), True)],
)  # fmt: skip
def test_who_needs_to_know_how_much_is_spent(settings: PPO, watches: bool) -> None:
    assert settings.watches_the_clock == watches


@pytest.mark.parametrize(
    ("transitions", "steps"),
    [
        (128 * 2048, 128),  # as many iterations as there are to be
        (128 * 2048 - 1, 64),
        (64 * 2048 - 1, 32),
        (1, 32),  # four minibatches of 128 in each iteration
    ],
)
def test_rollouts_are_shortened_until_enough_iterations_fit(transitions: int, steps: int) -> None:
    robot = PPO(copies=16, steps=128, minibatch=128, least_iterations=128)
    assert robot.shortened(transitions) == replace(robot, steps=steps)
    assert replace(robot, least_iterations=0).shortened(transitions).steps == 128


@pytest.mark.parametrize(("steps", "minibatch", "expected"), [(96, 96, 24), (100, 16, 25), (128, 1024, 128)])
def test_shortened_rollouts_are_whole_minibatches(steps: int, minibatch: int, expected: int) -> None:
    assert PPO(copies=16, steps=steps, minibatch=minibatch, least_iterations=10_000).shortened(1).steps == expected
