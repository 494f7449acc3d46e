"""Evaluation: fresh episodes of every policy, greedy and with sampled actions, and the return matrix."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from policybudget.assessment.statistics import mean_ci95
from policybudget.learning import rollout
from policybudget.learning.sampling import play
from policybudget.policies.committee import Committee, act
from policybudget.population import Population
from policybudget.worlds.interface import JaxWorld, World


@dataclass(frozen=True)
class Evaluation:
    """Returns of k policies to n agents.

    Attributes:
        returns: (k, episodes, m) feature returns of each episode.
        lengths: (k, episodes).
        matrix: (k, n) mean returns.
        welfare: mean and ci95 of the mean utility; episode e of all policies together is one sample of it.
        representatives: per policy, agents, mean return to them with ci95, mean length.
    """

    returns: np.ndarray
    lengths: np.ndarray
    matrix: np.ndarray
    welfare: dict[str, float]
    representatives: list[dict[str, Any]]


def evaluate(
    world: World,
    population: Population,
    committee: Committee,
    assignment: np.ndarray,
    episodes: int,
    seed: int,
    greedy: bool,
) -> Evaluation:
    """Play fresh episodes and judge the assignment by them.

    Args:
        assignment: (k, n) α.
        seed: of the episodes, apart from that of the training.
    """
    key = jax.random.fold_in(jax.random.key(seed), 0xE7A1)
    rewards = population.rewards
    played = play(world, rewards.features, committee, key, episodes, greedy)
    returns, lengths = np.asarray(played.returns), np.asarray(played.lengths)
    mixture = np.asarray(rewards.mixture(jax.numpy.asarray(assignment)), dtype=np.float64)
    per_episode = np.einsum("kem,km->ke", returns, mixture)
    sizes = np.asarray(assignment, dtype=np.float64).sum(axis=1)
    representatives = [
        {
            "representative": j,
            "agents": float(sizes[j]),
            "return": mean_ci95(per_episode[j] / sizes[j]) if sizes[j] > 0 else None,
            "length": mean_ci95(lengths[j]),
        }
        for j in range(len(sizes))
    ]
    return Evaluation(
        returns=returns,
        lengths=lengths,
        matrix=np.asarray(rewards.agents(played.returns.mean(axis=1))),
        welfare=mean_ci95(per_episode.sum(axis=0) / population.size),
        representatives=representatives,
    )


def returns_table(agents: tuple[str, ...], matrix: np.ndarray) -> str:
    """CSV of the return matrix: a header with the n agents, then k rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(agents)
    writer.writerows([f"{value:.6g}" for value in row] for row in matrix)
    return text.getvalue()


def trace(world: JaxWorld, committee: Committee, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One greedy episode of each policy: observations (time_limit + 1, k, o) and lengths (k)."""

    def run(committee: Committee, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        budget = committee.budget
        ongoing = rollout.start(world, budget, 1, key)

        def step(carry: tuple[rollout.Ongoing, jax.Array, jax.Array], _: None) -> Any:
            ongoing, alive, length = carry
            action = act(committee, world.actions, ongoing.observation, None)
            keys = jax.random.split(jax.random.fold_in(key, length.sum()), (budget, 1))
            after = jax.vmap(jax.vmap(world.step))(ongoing.state, action, keys)
            length = length + alive
            alive = alive & ~(after.terminated | after.truncated)
            return (rollout.Ongoing(after.state, after.observation), alive, length), after.observation

        blank = jax.numpy.zeros((budget, 1), int)
        carry, path = jax.lax.scan(step, (ongoing, blank == 0, blank), length=world.time_limit)
        return jax.numpy.concatenate([ongoing.observation[None], path])[:, :, 0], carry[2][:, 0]

    path, length = jax.jit(run)(committee, jax.random.key(seed))
    return np.asarray(path), np.asarray(length)
