from __future__ import annotations

from typing import Any

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
