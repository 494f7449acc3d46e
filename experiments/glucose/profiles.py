"""The ambulatory glucose profile of each policy's group: percentiles of true glucose over the day, on fresh days.

``python experiments/glucose/profiles.py RUN PICTURE.png``: days of every patient under the policy that serves it, those
that ``yardsticks.py`` judges on. Bands are 5-95 % and 25-75 %, the line is the median; the target range, 70-180 mg/dL,
is grey.
"""

from __future__ import annotations

import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key
from matplotlib.figure import Figure
from yardsticks import days

import policybudget as pb
from policybudget.assessment import figures
from policybudget.policies.stacked import Policies, act
from policybudget.worlds.glucose.names import glucose_world
from policybudget.worlds.glucose.population import glucose_population
from policybudget.worlds.glucose.world import OUTCOME, GlucoseWorld

SHOWN, PERCENTILES, COLUMNS = 20, (5, 25, 50, 75, 95), 3
"""Days of each patient; what is drawn; panels side by side."""


@eqx.filter_jit
def glucose(
    world: GlucoseWorld, policies: Policies, tasks: Float[Array, "n p"], keys: Key[Array, "n days"]
) -> Float[Array, "T n days"]:
    """True glucose in mg/dL at every step of whole days under greedy policies, one for each patient."""
    told = jnp.broadcast_to(tasks[:, None], (*keys.shape, tasks.shape[1]))

    def step(carry: tuple[object, Array], _: None) -> tuple[tuple[object, Array], Array]:
        state, seen = carry
        after = jax.vmap(jax.vmap(world.step))(state, act(policies, world.actions, seen, None), keys, told)
        return (after.state, after.observation), after.outcome[..., OUTCOME.index("glucose")]

    return jax.lax.scan(step, jax.vmap(jax.vmap(world.reset))(keys, told), None, world.time_limit)[1]


def drawn(levels: Float[np.ndarray, "T n days"], labels: np.ndarray) -> Figure:
    """A panel per policy that serves somebody."""
    hours = 24 * (1 + np.arange(len(levels))) / len(levels)
    served = np.unique(labels)
    rows = -(-len(served) // COLUMNS)
    figure = Figure(figsize=(3 * min(len(served), COLUMNS), 2.6 * rows), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, min(len(served), COLUMNS), sharex=True, sharey=True)).ravel()
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


def main() -> None:
    """Draw the profiles of a run."""
    folder, picture = Path(sys.argv[1]), Path(sys.argv[2])
    result, world = pb.load(folder), glucose_world("glucose")
    labels = result.assignment.argmax(axis=0)
    tasks = jnp.asarray(glucose_population(world).dynamics)
    keys = days(0)[1][:, :SHOWN]
    levels = np.asarray(glucose(world, result.policies.of(jnp.asarray(labels)), tasks, keys))
    figures.save(drawn(levels, labels), picture)
    print(f"{picture}: {SHOWN} days of {len(labels)} patients")


if __name__ == "__main__":
    main()
