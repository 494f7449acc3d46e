"""Methods beside a run: policies of another run, or policies that were trained elsewhere, judged on the same users."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from policybudget.errors import PolicyBudgetError
from policybudget.policies.acting import Acting
from policybudget.policies.elsewhere.sources import BEGINNINGS, KINDS, policies_from
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import play
from policybudget.rollouts.settling import settle
from policybudget.runs.result import load

FIRST, MOST = 32, 256
"""Episodes of each policy to choose a user's policy by, and at most to settle who is better off without one."""


@dataclass(frozen=True)
class Rival:
    """A method beside a run.

    Attributes:
        name: for tables.
        policies: its k policies.
        assignment: α.
        chosen: how users got their policies, in words.
    """

    name: str
    policies: Acting
    assignment: Float[np.ndarray, "k n"]
    chosen: str


def rival(text: str, problem: RepresentedMDP, seed: int) -> Rival:
    """A method by what was typed.

    Args:
        text: ``NAME=`` at will, then a run folder, or sources of policies separated by commas.
        problem: whose users are served.
        seed: of the episodes that choose each user's policy.

    Returns:
        The method. The policies of a run keep its assignment; others are assigned as ours are: to each user the one
        that is best in episodes of their own, or none where an option outside is not shown to be worse.

    Raises:
        PolicyBudgetError: a source cannot be read, or the run is one for other users.
    """
    name, _, rest = text.rpartition("=") if "=" in text else ("", "", text)
    if Path(rest).is_dir():
        result = load(rest)
        if result.agents != problem.population.names:
            raise PolicyBudgetError(
                f"{rest} was trained for {len(result.agents)} other users; only runs for the same users are compared"
            )
        return Rival(name or Path(rest).name, result.policies, np.asarray(result.assignment), "as its run has it")
    sources = rest.split(",")
    if not all(source.startswith(BEGINNINGS) for source in sources):
        raise PolicyBudgetError(f"beside a run stand a run folder, {KINDS}; got {rest!r}, which is none and no folder")
    policies = policies_from(sources, problem.world)
    return Rival(name or _short(sources), policies, assigned(problem, policies, seed), "best in episodes of their own")


def assigned(problem: RepresentedMDP, policies: Acting, seed: int) -> Float[np.ndarray, "k n"]:
    """Who is served by which of some policies, by greedy episodes that nothing else is measured by.

    Args:
        problem: whose users are served.
        policies: k of them.
        seed: of the episodes.

    Returns:
        α: each user's best policy; zeros for users whose option outside no policy was shown to beat.
    """
    rewards, objective = problem.population.rewards, problem.objective
    key = jax.random.fold_in(jax.random.key(seed), 0xA551)

    def play_on(look: int, episodes: int) -> Array:
        own = jax.random.fold_in(key, look)
        return play(problem.world, rewards, policies, own, episodes, True).returns

    def assign(returns: Array) -> Array:
        return jax.nn.one_hot(jnp.argmax(returns, axis=0), policies.budget, axis=0)

    return np.asarray(settle(play_on, rewards, objective, assign, FIRST, MOST).assignment)


def _short(sources: list[str]) -> str:
    """A name for a table."""
    first = Path(sources[0].partition(":")[2].partition(".py:")[0]).name
    return first if len(sources) == 1 else f"{first} and {len(sources) - 1} more"
