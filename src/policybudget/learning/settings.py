"""Hyperparameters of the learner. The dataclass is the configuration: options, files and records derive from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.policies.networks import Sharing
from policybudget.settings import check_options, option

MOST_IN_BATCH, MOST_LAYERS = 100_000_000, 100
"""Transitions per policy and iteration, and hidden layers."""
LEAST_MINIBATCHES = 4
"""Of an iteration whose rollout was shortened."""
Surrogate = Callable[[Any, Any, float], Any]
"""From ratios and advantages (k, B) and the clipping: what each transition adds to the objective, to be maximised."""


def surrogate(ratio: Float[Array, "*batch"], advantage: Float[Array, "*batch"], clip: float) -> Float[Array, "*batch"]:
    r"""Eq. 15, :math:`\min(\rho A, \mathrm{clip}(\rho, 1-\epsilon, 1+\epsilon) A)`, to be maximised.

    Args:
        ratio: ρ, the probability of the action now over that when it was sampled.
        advantage: A.
        clip: ε.
    """
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)


@dataclass(frozen=True)
class PPO:
    """PPO for k policies at once (Ivanov & Ben-Porat 2024, Section 3.2 and Appendix B).

    Pairs ``(start, end)`` are annealed exponentially over the training. Every field but one is an option of the command
    line, with a line of help.

    Args:
        surrogate: the objective of the actors, for those who bring one of their own; from Python only.

    Raises:
        PolicyBudgetError: a setting is out of range.
    """

    copies: int = option(32, "parallel copies of the world per policy (E)", most=1_000_000)
    steps: int = option(64, "steps of each copy per iteration (T)", most=1_000_000)
    stagger: bool = option(False, "first episodes of copies are cut short, so that episodes end evenly apart; robots")
    least_iterations: int = option(0, "where so many do not fit, steps are halved, down to 4 minibatches per iteration")
    minibatch: int = option(128, "transitions per policy in a minibatch")
    epochs: int = option(4, "passes over the batch per iteration", most=10_000)
    learning_rate: tuple[float, float] = option((1e-3, 1e-4), "Adam step size, start and end")
    entropy: tuple[float, float] = option((5e-2, 1e-3), "entropy bonus, start and end")
    clip: float = option(0.2, "PPO clipping of the probability ratio")
    discount: float = option(0.99, "discount factor")
    gae_lambda: float = option(0.95, "lambda of generalized advantage estimation")
    bootstrap_truncated: bool = option(True, "a time limit is not an end: bootstrap from the last observation")
    gradient_norm: float = option(
        0.5, "norm to which gradients are clipped: of shared layers, and of each policy's own"
    )
    adam_epsilon: float = option(1e-8, "epsilon of Adam")
    kl_limit: float = option(
        0.05, "a policy is done with a batch when a moving average of its KL passes this; 0: never"
    )
    hidden: tuple[int, ...] = option((64, 64), "sizes of the hidden layers", most=100_000)
    trunk: Sharing = option("shared", "actor's hidden layers: shared, biases (a bias per policy) or separate")
    critic: str = option("mixture", "what critics predict: mixture (the mean of their agents) or features (the paper)")
    critic_sees_agent: bool = option(
        False, "where agents have dynamics of their own, critics see their parameters (policies never do)"
    )
    critic_head: Sharing = option("separate", "critic's last layer: shared or separate")
    log_std: float = option(-1.0, "log standard deviation of box actions at the start")
    least_log_std: float | None = option(None, "log standard deviation of box actions at least, no bound if not given")
    final_log_std: float | None = option(None, "what least_log_std falls to at the end, as it was if not given")
    noise_until: float = option(0.6, "share of the transitions after which least_log_std falls to final_log_std")
    normalise_observations: bool = option(False, "scale observations by their running mean and deviation")
    widen: float = option(1.0, "reward functions of targets are so many times as wide at the start; 1: never")
    widen_until: float = option(0.5, "share of the transitions after which rewards that were widened have their width")
    surrogate: Surrogate = surrogate

    def __post_init__(self) -> None:
        positive = ("copies", "steps", "minibatch", "epochs", "clip", "gradient_norm", "adam_epsilon")
        for name in positive:
            if not getattr(self, name) > 0:
                raise PolicyBudgetError(f"{name} must be positive, got {getattr(self, name)}")
        if self.batch % self.minibatch:
            raise PolicyBudgetError(
                f"minibatch must divide copies x steps = {self.copies} x {self.steps} = {self.batch}, "
                f"got {self.minibatch}"
            )
        if self.least_iterations < 0:
            raise PolicyBudgetError(f"least_iterations must be 0 or more, got {self.least_iterations}")
        for name in ("learning_rate", "entropy"):
            if len(getattr(self, name)) != 2 or not all(value > 0 for value in getattr(self, name)):
                raise PolicyBudgetError(f"{name} must be two positive numbers, got {getattr(self, name)}")
        if not self.widen >= 1:
            raise PolicyBudgetError(f"widen must be at least 1, got {self.widen}")
        if not 0 < self.widen_until <= 1:
            raise PolicyBudgetError(f"widen_until must be above 0 and at most 1, got {self.widen_until}")
        least = -math.inf if self.least_log_std is None else self.least_log_std
        if self.final_log_std is not None and not self.final_log_std <= least:
            raise PolicyBudgetError(
                f"final_log_std must be at most least_log_std = {self.least_log_std}, got {self.final_log_std}"
            )
        if not 0 <= self.noise_until < 1:
            raise PolicyBudgetError(f"noise_until must be at least 0 and below 1, got {self.noise_until}")
        for name in ("discount", "gae_lambda"):
            if not 0 <= getattr(self, name) <= 1:
                raise PolicyBudgetError(f"{name} must be between 0 and 1, got {getattr(self, name)}")
        if not self.hidden or min(self.hidden) < 1:
            raise PolicyBudgetError(f"hidden must be at least one positive size, got {self.hidden}")
        allowed = {
            "trunk": ("shared", "biases", "separate"),
            "critic": ("features", "mixture"),
            "critic_head": ("shared", "separate"),
        }
        for name, choices in allowed.items():
            check_choice(name, getattr(self, name), choices)
        check_options(self)
        if self.batch > MOST_IN_BATCH:
            raise PolicyBudgetError(f"copies x steps must be at most {MOST_IN_BATCH:,}, got {self.batch:,}")
        if len(self.hidden) > MOST_LAYERS:
            raise PolicyBudgetError(f"hidden must be at most {MOST_LAYERS} layers, got {len(self.hidden)}")

    def critic_outputs(self, features: int) -> int:
        """Numbers that a critic predicts per observation.

        Args:
            features: m.
        """
        return features if self.critic == "features" else 1

    def shortened(self, transitions: int) -> PPO:
        """These settings with rollouts as short as it takes to fit enough iterations.

        Agents change their policies between iterations, and each begins with fresh experience: of few transitions, more
        is learned in many short iterations than in a few long ones (docs/findings.md).

        Args:
            transitions: per policy, in all.
        """
        half = self.copies * (self.steps // 2)
        fit = self.steps % 2 == 0 and half % self.minibatch == 0 and half >= LEAST_MINIBATCHES * self.minibatch
        if transitions >= self.least_iterations * self.batch or not fit:
            return self
        return replace(self, steps=self.steps // 2).shortened(transitions)

    def width(self, spent: float | Float[Array, ""]) -> Float[Array, ""]:
        r"""How wide the reward functions are that policies learn from, times their own: :math:`w^{\max(0, 1 - t / u)}`.

        Args:
            spent: t, the share of the transitions that was spent; w is ``widen`` and u ``widen_until``.
        """
        return self.widen ** jnp.maximum(0.0, 1.0 - spent / self.widen_until)

    def least_noise(self, spent: float | Float[Array, ""]) -> float | Float[Array, ""] | None:
        r"""The least log standard deviation of actions in a box: :math:`b + (b' - b) \max(0, t - u) / (1 - u)`.

        Args:
            spent: t, the share of the transitions that was spent; b is ``least_log_std``, b' ``final_log_std`` and u
                ``noise_until``.

        Returns:
            The bound; None for none.
        """
        if self.least_log_std is None or self.final_log_std is None:
            return self.least_log_std
        fallen = jnp.maximum(0.0, spent - self.noise_until) / (1.0 - self.noise_until)
        return self.least_log_std + (self.final_log_std - self.least_log_std) * fallen

    @property
    def watches_the_clock(self) -> bool:
        """Whether something depends on the share of the training's transitions that was spent."""
        return self.widen != 1 or self.final_log_std is not None

    @property
    def batch(self) -> int:
        """Transitions per policy and iteration."""
        return self.copies * self.steps
