r"""Local search: many starts, a short descent from each, then moves of single boxes.

1. **Starts.** A third are tasks at random; a third are tasks in the manner of k-means++, far from those drawn before; a
   third are boxes that grow at random from one task each, drawn by how many tasks not yet covered they cover.
2. **Descent.** From every start, 150 steps of Adam on the loss of ``gradient.py`` (Ge et al. 2025), in one compiled
   batch. Distances are in units of the radius, w starts at minus the distance, and Adam's step falls to zero. Each
   start keeps the step that covered most (ties: the lower loss).
3. **Moves.** One prototype after the other moves to where its box covers most of what the others leave: along one axis
   at a time (``shifted`` in ``boxes.py``) or, if no such move covers more, to one of the boxes that grew at random.
   This ends when no move covers more. Each prototype is then centred on the bounding box of what it covers.

The starts and the moves do most of the work: see ``docs/covers.md`` for the descent alone and for the published one.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from policybudget.covers.boxes import Space, centre, padded, shifted

STARTS = 96
STEPS = 150
RATE = 0.1
"""Adam's first step, in units of the radius for prototypes."""
SHARPNESS = 3.0
"""How much w differs at first per radius of distance."""
BOXES = 600
"""Random boxes from which starts are drawn; fewer for large tables:"""
PAIRS = 2_000_000
"""boxes times tasks."""
GREED = 3.0
"""A box is drawn in proportion to this power of what it would cover."""
FARTHEST = 1e12


def local_search(space: Space, budget: int, seed: int = 0) -> Float[np.ndarray, "c d"]:
    """Centres of at most K boxes that cover much.

    Args:
        space: the tasks.
        budget: K.
        seed: of the starts.

    Returns:
        Centres (c, d), in the units of ``space``.
    """
    random = np.random.default_rng(seed)
    grown = Grown.at_random(space, random)
    return moved(space, descended(space, budget, grown, random), grown)


class Grown(NamedTuple):
    """Boxes that grew at random. Some starts are drawn from them, and a prototype may move to one of them.

    Attributes:
        centres: (b, d) of the boxes, in the units of the space.
        covers: (b, p) the tasks in each.
    """

    centres: Float[np.ndarray, "b d"]
    covers: Bool[np.ndarray, "b p"]

    @staticmethod
    def at_random(space: Space, random: np.random.Generator) -> Grown:
        """Boxes from one task each.

        Args:
            space: the tasks.
            random: where the order of growth comes from.
        """
        centres = _random_boxes(space, random)
        return Grown(centres, space.covered(centres))


def descended(space: Space, budget: int, grown: Grown, random: np.random.Generator) -> Float[np.ndarray, "s k d"]:
    """The prototypes of every start where they covered most, best start first; without the moves.

    Args:
        space: the tasks.
        budget: K.
        grown: boxes from which a third of the starts are drawn.
        random: where the starts come from.

    Returns:
        Prototypes (starts, K, d), in the units of ``space``.
    """
    points = np.minimum(space.points / space.reach, FARTHEST)
    starts = np.minimum(_starts(space, budget, grown, random), FARTHEST)
    rows, weights = padded(space.counts)
    found, covered, loss = _descend(
        jnp.asarray(points[rows], jnp.float32),
        jnp.asarray(weights, jnp.float32),
        jnp.asarray(starts, jnp.float32),
    )
    order = np.lexsort((np.asarray(loss), -np.asarray(covered)))
    prototypes: np.ndarray = np.asarray(found, np.float64)[order] * space.reach
    return prototypes


def moved(space: Space, starts: Float[np.ndarray, "s k d"], grown: Grown) -> Float[np.ndarray, "c d"]:
    """The best of the starts after each was moved box by box.

    Args:
        space: the tasks.
        starts: (starts, K, d) prototypes to begin with, in the units of ``space``.
        grown: boxes that a prototype may move to.

    Returns:
        Centres (c, d) of at most K boxes.
    """
    best, most = np.zeros((0, space.points.shape[1])), -1
    for prototypes in starts:
        found = _moved(space, prototypes, grown)
        covered = int(space.counts[space.covered(found).any(axis=0)].sum())
        if covered > most:
            best, most = found, covered
        if most == space.tasks:
            break
    return best if len(best) else centre(space.points[:1])[None]  # single precision may miss every task


def _moved(space: Space, prototypes: Float[np.ndarray, "k d"], grown: Grown) -> Float[np.ndarray, "c d"]:
    """Move boxes in turn until no move covers more; without those that cover nothing of their own."""
    lower, since, k = prototypes - space.reach, 0, 0
    inside = np.array([space.inside(corner) for corner in lower])
    while since < len(lower):
        others = np.delete(inside, k, axis=0).any(axis=0)
        left = np.where(others, 0, space.counts)
        before = left[inside[k]].sum()
        corner = shifted(space, left, lower[k])
        now = space.inside(corner)
        if left[now].sum() <= before:
            jump = int((grown.covers @ left).argmax())
            corner, now = grown.centres[jump] - space.reach, grown.covers[jump]
        since += 1
        if left[now].sum() > before:
            lower[k], inside[k], since = corner, now, 1
        k = (k + 1) % len(lower)
    centres, taken = [], np.zeros(len(space.points), bool)
    for row in inside[np.argsort(-(inside @ space.counts), kind="stable")]:
        if (mine := row & ~taken).any():
            centres.append(centre(space.points[mine]))
            taken |= row
    return np.array(centres).reshape(len(centres), space.points.shape[1])


def _starts(space: Space, budget: int, grown: Grown, random: np.random.Generator) -> Float[np.ndarray, "s k d"]:
    """Prototypes to begin with, a third of the starts of each kind."""
    points, total = space.points / space.reach, space.tasks
    starts = np.empty((STARTS, budget, points.shape[1]))
    for number, start in enumerate(starts):
        nearest, left = np.full(len(points), FARTHEST), space.counts.copy()
        for k in range(budget):
            worth = (grown.covers @ left / total) ** GREED
            if number % 3 == 2 and worth.any():
                box = random.choice(len(worth), p=worth / worth.sum())
                start[k], left = grown.centres[box] / space.reach, np.where(grown.covers[box], 0, left)
            else:
                worth = space.counts * (nearest if number % 3 == 1 and nearest.any() else 1.0)
                start[k] = points[random.choice(len(points), p=worth / worth.sum())]
                nearest = np.minimum(nearest, np.abs(points - start[k]).max(axis=1))
    return starts


def _random_boxes(space: Space, random: np.random.Generator) -> Float[np.ndarray, "b d"]:
    """Centres of boxes that were grown at random from a task each: the nearer a task, the sooner it is taken in."""
    points = space.points
    size = max(1, min(BOXES, PAIRS // len(points)))
    seeds = np.arange(size) % len(points) if size >= len(points) else random.choice(len(points), size, replace=False)
    distance = np.array([(np.abs(points - points[seed]) / space.reach).max(axis=1) for seed in seeds])
    order = np.argsort(distance * random.random(distance.shape), axis=1, kind="stable")
    least, most, rows = points[seeds], points[seeds], np.arange(size)
    for column in order.T:
        low, high = np.minimum(least, points[column]), np.maximum(most, points[column])
        fits = (distance[rows, column] <= 2) & (high - low <= space.width).all(axis=1)
        least, most = np.where(fits[:, None], low, least), np.where(fits[:, None], high, most)
    middle: np.ndarray = least + (most - least) / 2
    return middle


@jax.jit
def _descend(
    points: Float[Array, "p d"], weights: Float[Array, " p"], starts: Float[Array, "s k d"]
) -> tuple[Float[Array, "s k d"], Float[Array, " s"], Float[Array, " s"]]:
    """Adam from every start; the prototypes where they covered most, the weight covered, and the loss there."""
    return jax.vmap(partial(_descend_one, points, weights))(starts)


def _descend_one(
    points: Float[Array, "p d"], weights: Float[Array, " p"], prototypes: Float[Array, "k d"]
) -> tuple[Float[Array, "k d"], Float[Array, ""], Float[Array, ""]]:
    steps = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))

    def loss_of(values: tuple[Array, Array]) -> tuple[Array, Array]:
        distance = jnp.abs(points[:, None] - values[0]).max(axis=2)
        excess = jax.nn.relu((jax.nn.softmax(values[1]) * distance).sum(axis=1) - 1.0)
        return weights @ excess, weights @ (distance.min(axis=1) <= 1.0)

    def step(carry: tuple[Any, ...], _: None) -> tuple[tuple[Any, ...], None]:
        values, state, best = carry
        (loss, covered), slope = jax.value_and_grad(loss_of, has_aux=True)(values)
        better = (covered > best[1]) | ((covered == best[1]) & (loss < best[2]))
        best = jax.tree.map(partial(jnp.where, better), (values[0], covered, loss), best)
        change, state = steps.update(slope, state)
        return (optax.apply_updates(values, change), state, best), None

    distance = jnp.abs(points[:, None] - prototypes).max(axis=2)
    values = (prototypes, -SHARPNESS * distance)
    best = (prototypes, jnp.float32(-1.0), jnp.float32(jnp.inf))
    (_, _, best), _ = jax.lax.scan(step, (values, steps.init(values), best), None, STEPS + 1)
    return best
