"""Evaluation: fresh episodes of every policy, greedy and with sampled actions, and the return matrix."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from policybudget.assessment.statistics import mean_ci95, plus_minus
from policybudget.assessment.trained_for import problem_of
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.policies.stacked import Policies
from policybudget.population import Population, Rewards
from policybudget.rollouts.sampler import play
from policybudget.runs import files
from policybudget.runs.result import load
from policybudget.welfare import Utilitarian, Welfare
from policybudget.worlds.interface import World


@dataclass(frozen=True)
class Evaluation:
    """Returns of k policies to n agents.

    Attributes:
        returns: (k, episodes, m) feature returns of each episode.
        lengths: (k, episodes) in steps.
        matrix: (k, n) mean returns.
        welfare: of the mean utilities, with ci95; episode e of all policies together is one sample. A single episode
            has no ci95 (None).
        social: the welfare function, mean and worst utility, and who is left outside (:meth:`Objective.summary`).
        policies: per policy, agents, mean return to them with ci95, mean length.
    """

    returns: np.ndarray
    lengths: np.ndarray
    matrix: np.ndarray
    welfare: dict[str, Any]
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
    """The return matrix as comma-separated values.

    Args:
        agents: n names.
        matrix: (k, n) returns.

    Returns:
        A header with the agents, then a row per policy.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(agents)
    writer.writerows([f"{value:.6g}" for value in row] for row in matrix)
    return text.getvalue()


@dataclass(frozen=True)
class RunEvaluation:
    """What fresh episodes say of a finished run.

    Attributes:
        greedy: of the most likely actions.
        stochastic: of sampled actions.
        episodes: of each policy.
        agents: n, those that the run was trained for.
        welfare: name of the welfare function.
    """

    greedy: Evaluation
    stochastic: Evaluation
    episodes: int
    agents: int
    welfare: str

    def text(self) -> str:
        """A line or two for each of the two kinds of actions."""
        lines = []
        for name, one in (("greedy", self.greedy), ("stochastic", self.stochastic)):
            value = f"{one.welfare['mean']:.2f}{plus_minus(one.welfare['ci95'])}"
            lines.append(f"{name:<11} {self.welfare} {value} ({self.episodes} episodes per policy)")
            if unserved := one.social["unserved"]:
                lines.append(f"{name:<11} {unserved} of {self.agents} users do better outside, served by none")
        return "\n".join(lines)


def evaluate_run(folder: Path, episodes: int = 100, seed: int = 1) -> RunEvaluation:
    """Play fresh episodes of every policy of a run; write evaluation.json and returns.csv into its folder.

    Args:
        folder: of the run.
        episodes: of each policy.
        seed: of the episodes.

    Returns:
        The evaluation, of greedy and of sampled actions.

    Raises:
        PolicyBudgetError: an argument is out of range, or the folder holds no run that can be evaluated.
    """
    if episodes < 1:
        raise PolicyBudgetError(f"episodes must be at least 1, got {episodes}")
    check_seed(seed)
    result = load(folder)
    problem = problem_of(folder, result)
    played = {
        name: evaluate(
            problem.world, problem.population, result.policies, result.assignment, episodes, seed, greedy,
            problem.welfare,
        )
        for name, greedy in (("greedy", True), ("stochastic", False))
    }  # fmt: skip
    record = {name: one.social | {"welfare": one.welfare, "policies": one.policies} for name, one in played.items()}
    files.write_json(folder / "evaluation.json", record | {"episodes": episodes, "seed": seed})
    files.write(folder / "returns.csv", returns_table(result.agents, played["greedy"].matrix))
    name = "welfare" if problem.welfare == Utilitarian() else f"{problem.welfare} welfare"
    return RunEvaluation(played["greedy"], played["stochastic"], episodes, problem.population.size, name)
