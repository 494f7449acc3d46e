"""The ambulatory glucose profile of each policy's patients: percentiles of true glucose over the day."""

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
from policybudget.worlds.glucose.world import OUTCOME, Day, GlucoseWorld

DAYS, PERCENTILES, ABREAST = 20, (5, 25, 50, 75, 95), 3
"""Days of each patient; what is drawn; panels side by side."""
MOST = 12
"""Policies that have a panel: those that serve most patients."""


def profiles_of_run(problem: RepresentedMDP, result: Result) -> dict[str, Figure]:
    """The picture of a run in this world: days of every patient under the policy that serves it.

    Args:
        problem: that was trained for, with a :class:`GlucoseWorld`.
        result: of the training.

    Returns:
        One figure, by the name of its file.
    """
    world, labels = problem.world, result.assignment.argmax(axis=0)
    assert isinstance(world, GlucoseWorld)
    keys = jax.random.split(derive(root(0), Stream.EVALUATION), (len(labels), DAYS))
    tasks = jnp.asarray(problem.population.dynamics)
    levels = np.asarray(glucose(world, result.policies.of(jnp.asarray(labels)), tasks, keys))
    return {"glucose.png": profiles(levels, labels)}


@eqx.filter_jit
def glucose(
    world: GlucoseWorld, policies: Policies, tasks: Float[Array, "n p"], keys: Key[Array, "n days"]
) -> Float[Array, "T n days"]:
    """True glucose at every step of whole days under greedy policies, one for each patient.

    Args:
        world: of glucose.
        policies: n of them, that of each patient.
        tasks: (n, p) of the patients.
        keys: (n, days) of each day.

    Returns:
        (T, n, days) in mg/dL.
    """
    told = jnp.broadcast_to(tasks[:, None], (*keys.shape, tasks.shape[1]))

    def step(carry: tuple[Day, Array], _: None) -> tuple[tuple[Day, Array], Array]:
        state, seen = carry
        after = jax.vmap(jax.vmap(world.step))(state, act(policies, world.actions, seen, None), keys, told)
        return (after.state, after.observation), after.outcome[..., OUTCOME.index("glucose")]

    return jax.lax.scan(step, jax.vmap(jax.vmap(world.reset))(keys, told), None, world.time_limit)[1]


def profiles(levels: Float[np.ndarray, "T n days"], labels: Int[np.ndarray, " n"]) -> Figure:
    """A panel for each policy that serves somebody.

    Args:
        levels: (T, n, days) glucose in mg/dL from midnight to midnight.
        labels: (n,) the policy of each patient.

    Returns:
        The figure. Bands are 5-95 % and 25-75 %, the line is the median, the target range of 70-180 mg/dL is grey.
    """
    hours = 24 * (1 + np.arange(len(levels))) / len(levels)
    served, sizes = np.unique(labels, return_counts=True)
    served = np.sort(served[np.argsort(-sizes, kind="stable")[:MOST]])
    rows, abreast = -(-len(served) // ABREAST), min(len(served), ABREAST)
    figure = Figure(figsize=(3 * max(abreast, 2), 2.6 * rows), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, abreast, sharex=True, sharey=True)).ravel()
    for axis, policy in zip(axes, served, strict=False):
        group = levels[:, labels == policy].reshape(len(levels), -1)
        low, quarter, middle, three, high = np.percentile(group, PERCENTILES, axis=1)
        colour = figures.colour(int(policy))
        axis.axhspan(70, 180, color="0.92", zorder=0)
        axis.fill_between(hours, low, high, color=colour, alpha=0.25, linewidth=0)
        axis.fill_between(hours, quarter, three, color=colour, alpha=0.45, linewidth=0)
        axis.plot(hours, middle, color=colour, linewidth=1.5)
        count = int((labels == policy).sum())
        axis.set_title(f"policy {policy}: {count} patient{'s' * (count > 1)}", fontsize=9)
        axis.set(xlim=(0, 24), ylim=(0, 400), xticks=range(0, 25, 6))
        axis.grid(color="0.9", linewidth=0.6)
    for axis in axes[len(served) :]:
        axis.set_visible(False)
    figure.supxlabel("time of day (h)", fontsize=9)
    figure.supylabel("glucose (mg/dL)", fontsize=9)
    return figure
