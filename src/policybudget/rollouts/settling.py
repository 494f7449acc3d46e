"""Who is served, settled on as many greedy episodes as it takes.

Whether a policy serves a user better than what the user has without any policy is a question about two numbers, one of
which is a mean over episodes. Episodes are doubled until the interval of every such mean is on one side of its option
outside, or until the most that was allowed are played. With L looks, each uses intervals (Student's t) of error
0.05 / L (Bonferroni), so that they all hold for a user and a policy with 95 %, wherever the looks stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from scipy import special

from policybudget.objective import Objective
from policybudget.population import Rewards

ERROR = 0.05
"""That a user is settled wrongly, over all looks, two-sided."""


class Settled(NamedTuple):
    """The outcome.

    Attributes:
        assignment: α; zeros for users who have an option outside that no policy was shown to beat.
        returns: mean returns of the policies in these episodes.
        episodes: of each policy that were played.
    """

    assignment: Float[Array, "k n"]
    returns: Float[Array, "k n"]
    episodes: int


def settle(
    play_on: Callable[[int, int], Float[Array, "k e m"]],
    rewards: Rewards,
    objective: Objective,
    assign: Callable[[Float[Array, "k n"]], Float[Array, "k n"]],
    first: int,
    most: int,
) -> Settled:
    """Decide who is served by which policy, and who by none.

    Args:
        play_on: takes the number of the look and a number of episodes, and plays as many more of each policy.
        rewards: of the n agents.
        objective: with the options outside.
        assign: from mean returns to α, options outside aside.
        first: episodes of each policy before the first look.
        most: episodes of each policy, in all.

    Returns:
        The assignment, and what it was decided by. Without options outside there is one look.
    """
    looks = 1 + max(0, math.ceil(math.log2(max(most, first) / first)))
    returns = play_on(0, first)
    for look in range(looks):
        mean, played = rewards.agents(returns.mean(axis=1)), int(returns.shape[1])
        assignment = assign(mean)
        if objective.outside is None:
            return Settled(assignment, mean, played)
        width = float(special.stdtrit(max(1, played - 1), 1 - ERROR / (2 * looks))) * standard_error(rewards, returns)
        surely = objective.protect(assignment, mean - width)
        open_to_doubt = bool(jnp.any(surely != objective.protect(assignment, mean + width)))
        if not open_to_doubt or played >= most:
            break
        returns = jnp.concatenate([returns, play_on(look + 1, min(played, most - played))], axis=1)
    return Settled(surely, mean, played)


def standard_error(rewards: Rewards, returns: Float[Array, "k e m"]) -> Float[Array, "k n"]:
    """Of the mean return of each policy to each agent; 0 for a single episode.

    Args:
        rewards: of the n agents.
        returns: feature returns of e episodes of each policy.
    """
    episodes = jnp.moveaxis(jnp.asarray(returns), 1, 0)
    mean = rewards.agents(episodes.mean(axis=0))
    squares = _squared_differences(rewards, episodes, mean)
    return jnp.sqrt(squares.sum(axis=0) / max(1, len(episodes) * (len(episodes) - 1)))


@eqx.filter_jit
def _squared_differences(
    rewards: Rewards, episodes: Float[Array, "e k m"], mean: Float[Array, "k n"]
) -> Float[Array, "e k n"]:
    """Of returns of each policy to each agent in each episode from their mean; compiled once per number of episodes."""
    found: Array = jax.lax.map(lambda one: (rewards.agents(one) - mean) ** 2, episodes)
    return found
