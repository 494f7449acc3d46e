"""The glide path of each policy: its share in stocks over the years that are left."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key
from matplotlib.figure import Figure

from policybudget.assessment import figures
from policybudget.policies.stacked import Policies, act
from policybudget.problem import RepresentedMDP
from policybudget.runs.result import Result
from policybudget.streams import Stream, derive, root
from policybudget.worlds.savers.saver import Saver
from policybudget.worlds.savers.world import OUTCOME, Account, SaversWorld

LIVES, BAND = 64, (5, 50, 95)
"""Episodes of each saver, and percentiles that are drawn."""


def paths_of_run(problem: RepresentedMDP, result: Result) -> dict[str, Figure]:
    """The picture of a run in this world: what every policy does for the savers it serves.

    Args:
        problem: that was trained for, with a :class:`SaversWorld`.
        result: of the training.

    Returns:
        One figure, by the name of its file.
    """
    world, labels = problem.world, result.assignment.argmax(axis=0)
    assert isinstance(world, SaversWorld)
    keys = jax.random.split(derive(root(0), Stream.EVALUATION), (len(labels), LIVES))
    tasks = jnp.asarray(problem.population.dynamics)
    shares = np.asarray(shares_held(world, result.policies.of(jnp.asarray(labels)), tasks, keys))
    return {"glide-paths.png": glide_paths(shares, labels, np.asarray(Saver(*tasks.T).horizon, int))}


@eqx.filter_jit
def shares_held(
    world: SaversWorld, policies: Policies, tasks: Float[Array, "n p"], keys: Key[Array, "n lives"]
) -> Float[Array, "T n lives"]:
    """Shares in stocks in whole episodes under greedy policies, one for each saver.

    Args:
        world: of savers.
        policies: n of them, that of each saver.
        tasks: (n, p) of the savers.
        keys: (n, lives) of each episode.

    Returns:
        (T, n, lives) from 0 to 1, by the years gone; what follows after a saver's horizon means nothing.
    """
    told = jnp.broadcast_to(tasks[:, None], (*keys.shape, tasks.shape[1]))

    def year(carry: tuple[Account, Array], time: Array) -> tuple[tuple[Account, Array], Array]:
        state, seen = carry
        drawn = jax.vmap(jax.vmap(lambda key: jax.random.fold_in(key, time)))(keys)
        after = jax.vmap(jax.vmap(world.step))(state, act(policies, world.actions, seen, None), drawn, told)
        return (after.state, after.observation), after.outcome[..., OUTCOME.index("share in stocks")]

    start = jax.vmap(jax.vmap(world.reset))(keys, told)
    return jax.lax.scan(year, start, jnp.arange(world.time_limit))[1]


def glide_paths(
    shares: Float[np.ndarray, "T n lives"], labels: Int[np.ndarray, " n"], horizons: Int[np.ndarray, " n"]
) -> Figure:
    """The median share of each policy over the years left, and a band where it depends on wealth.

    Args:
        shares: (T, n, lives) in stocks, by the years gone.
        labels: (n,) the policy of each saver.
        horizons: (n,) years of each saver.

    Returns:
        The figure. Bands are 5 to 95 % of the episodes of the savers that a policy serves.
    """
    figure, axis = figures.axes("years left", "share in stocks (%)")
    for policy in np.unique(labels):
        mine = np.flatnonzero(labels == policy)
        left = np.arange(1, horizons[mine].max() + 1)
        held = [[shares[horizons[i] - years, i] for i in mine if horizons[i] >= years] for years in left]
        low, middle, high = np.array([np.percentile(np.concatenate(each), BAND) for each in held]).T * 100
        colour, count = figures.colour(int(policy)), len(mine)
        axis.fill_between(left, low, high, color=colour, alpha=0.2, linewidth=0)
        name = f"policy {policy}: {count} saver{'s' * (count > 1)}"
        axis.plot(left, middle, color=colour, linewidth=1.8, label=name)
    axis.set(xlim=(horizons.max() + 0.5, 0.5), ylim=(-2, 102))
    axis.grid(color="0.9")
    axis.legend(frameon=False, fontsize=8)
    return figure
