"""Evaluation: fresh episodes of every policy, and the return matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from policybudget.assessment.statistics import mean_ci95, student
from policybudget.policies.acting import Acting
from policybudget.population import Population, Rewards
from policybudget.rollouts.sampler import play
from policybudget.rollouts.settling import standard_error
from policybudget.welfare import Utilitarian, Welfare
from policybudget.worlds.interface import World

_standard_error = eqx.filter_jit(standard_error)


@dataclass(frozen=True)
class Evaluation:
    """Returns of k policies to n agents.

    Attributes:
        returns: (k, episodes, m) feature returns of each episode.
        lengths: (k, episodes) in steps.
        matrix: (k, n) mean returns.
        ci95: (k, n) half-widths of their 95 % intervals (Student's t); infinite for a single episode.
        welfare: of the mean utilities, with ci95; episode e of all policies together is one sample. A single episode
            has no ci95 (None).
        social: the welfare function, mean and worst utility, and who is left outside (:meth:`Objective.summary`).
        policies: per policy, agents, mean return to them by agent weights with ci95, mean length.
    """

    returns: np.ndarray
    lengths: np.ndarray
    matrix: np.ndarray
    ci95: np.ndarray
    welfare: dict[str, Any]
    social: dict[str, Any]
    policies: list[dict[str, Any]]


def evaluate(
    world: World,
    population: Population,
    policies: Acting,
    assignment: np.ndarray,
    episodes: int,
    seed: int,
    greedy: bool,
    welfare: Welfare | None = None,
) -> Evaluation:
    """Play fresh episodes and judge the assignment by them.

    Args:
        world: where to play.
        population: the n agents.
        policies: k of them.
        assignment: (k, n) α.
        episodes: of each policy.
        seed: of the episodes, apart from that of the training.
        greedy: take the most likely action, or draw one.
        welfare: the welfare function; utilitarian if None.

    Returns:
        Returns, lengths and welfare.
    """
    key = jax.random.fold_in(jax.random.key(seed), 0xE7A1)
    played = play(world, population.rewards, policies, key, episodes, greedy)
    return judge(population, np.asarray(played.returns), assignment, welfare, np.asarray(played.lengths))


def judge(
    population: Population,
    returns: np.ndarray,
    assignment: np.ndarray,
    welfare: Welfare | None = None,
    lengths: np.ndarray | None = None,
) -> Evaluation:
    r"""Judge an assignment by episodes that had no part in it.

    The interval of a welfare W that is no mean is that of its linear part (delta method):
    :math:`\sum_i \frac{\partial W}{\partial u_i} u_i` over the episodes.

    Args:
        population: the n agents.
        returns: (k, episodes, m) feature returns of fresh episodes of k policies.
        assignment: (k, n) α.
        welfare: the welfare function; utilitarian if None.
        lengths: (k, episodes) in steps; 0 if None.

    Returns:
        Returns, lengths and welfare.
    """
    rewards = population.rewards
    lengths = np.zeros(returns.shape[:2]) if lengths is None else lengths
    matrix = np.asarray(rewards.agents(jnp.asarray(returns.mean(axis=1))))
    objective = population.objective(welfare or Utilitarian())
    social = objective.summary(assignment, matrix)
    gets = objective.utilities(jnp.asarray(assignment), jnp.asarray(matrix))
    worth = jax.grad(objective.welfare)(gets, objective.agent_weights)
    samples = _paid(rewards, returns, assignment * np.nan_to_num(np.asarray(worth))).sum(axis=0)
    sizes = np.asarray(assignment, dtype=np.float64).sum(axis=1)
    weights = np.ones(matrix.shape[1]) if population.agent_weights is None else np.asarray(population.agent_weights)
    people = (np.asarray(assignment, np.float64) * weights).sum(axis=1)
    error = np.asarray(_standard_error(rewards, jnp.asarray(returns)))
    per_episode = _paid(rewards, returns, assignment * weights)
    per_policy = [
        {
            "policy": j,
            "agents": float(sizes[j]),
            "return": mean_ci95(per_episode[j] / people[j]) if people[j] > 0 else None,
            "length": mean_ci95(lengths[j]),
        }
        for j in range(len(sizes))
    ]
    return Evaluation(
        returns=returns,
        lengths=lengths,
        matrix=matrix,
        ci95=error * student(returns.shape[1]) if returns.shape[1] > 1 else np.full_like(error, np.inf),
        welfare={"mean": social["welfare"], "ci95": mean_ci95(samples)["ci95"]},
        social=social,
        policies=per_policy,
    )


def _paid(rewards: Rewards, returns: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Each policy's earnings in each episode (k, e), agent i's return counted ``shares`` (k, n) times."""
    mixture = np.asarray(rewards.mixture(jnp.asarray(shares)), dtype=np.float64)
    paid: np.ndarray = np.einsum("kem,km->ke", returns, mixture)
    return paid
