"""Evaluation: fresh episodes of every policy, greedy and with sampled actions, and the return matrix."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from policybudget.assessment.statistics import mean_ci95
from policybudget.policies.stacked import Policies
from policybudget.population import Population, Rewards
from policybudget.rollouts.sampler import play
from policybudget.welfare import Utilitarian, Welfare
from policybudget.worlds.interface import World


@dataclass(frozen=True)
class Evaluation:
    """Returns of k policies to n agents.

    Attributes:
        returns: (k, episodes, m) feature returns of each episode.
        lengths: (k, episodes).
        matrix: (k, n) mean returns.
        welfare: of the mean utilities, with ci95; episode e of all policies together is one sample.
        social: the welfare function, mean and worst utility, and who is left outside (:meth:`Objective.summary`).
        policies: per policy, agents, mean return to them with ci95, mean length.
    """

    returns: np.ndarray
    lengths: np.ndarray
    matrix: np.ndarray
    welfare: dict[str, float]
    social: dict[str, Any]
    policies: list[dict[str, Any]]


def evaluate(
    world: World,
    population: Population,
    policies: Policies,
    assignment: np.ndarray,
    episodes: int,
    seed: int,
    greedy: bool,
    welfare: Welfare | None = None,
) -> Evaluation:
    r"""Play fresh episodes and judge the assignment by them.

    The interval of a welfare W that is no mean is that of its linear part (delta method):
    :math:`\sum_i \frac{\partial W}{\partial u_i} u_i` over the episodes.

    Args:
        assignment: (k, n) α.
        seed: of the episodes, apart from that of the training.
        welfare: the welfare function; utilitarian if None.
    """
    key = jax.random.fold_in(jax.random.key(seed), 0xE7A1)
    rewards = population.rewards
    played = play(world, rewards.features, policies, key, episodes, greedy)
    returns, lengths = np.asarray(played.returns), np.asarray(played.lengths)
    matrix = np.asarray(rewards.agents(played.returns.mean(axis=1)))
    per_episode = _paid(rewards, returns, assignment)
    objective = population.objective(welfare or Utilitarian())
    social = objective.summary(assignment, matrix)
    gets = objective.utilities(jnp.asarray(assignment), jnp.asarray(matrix))
    worth = jax.grad(objective.welfare)(gets, objective.agent_weights)
    samples = _paid(rewards, returns, assignment * np.nan_to_num(np.asarray(worth))).sum(axis=0)
    sizes = np.asarray(assignment, dtype=np.float64).sum(axis=1)
    per_policy = [
        {
            "policy": j,
            "agents": float(sizes[j]),
            "return": mean_ci95(per_episode[j] / sizes[j]) if sizes[j] > 0 else None,
            "length": mean_ci95(lengths[j]),
        }
        for j in range(len(sizes))
    ]
    return Evaluation(
        returns=returns,
        lengths=lengths,
        matrix=matrix,
        welfare={"mean": social["welfare"], "ci95": mean_ci95(samples)["ci95"]},
        social=social,
        policies=per_policy,
    )


def _paid(rewards: Rewards, returns: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Each policy's earnings in each episode (k, e), agent i's return counted ``shares`` (k, n) times."""
    mixture = np.asarray(rewards.mixture(jnp.asarray(shares)), dtype=np.float64)
    paid: np.ndarray = np.einsum("kem,km->ke", returns, mixture)
    return paid


def returns_table(agents: tuple[str, ...], matrix: np.ndarray) -> str:
    """CSV of the return matrix: a header with the n agents, then k rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(agents)
    writer.writerows([f"{value:.6g}" for value in row] for row in matrix)
    return text.getvalue()
