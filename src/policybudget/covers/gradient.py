r"""Gradient descent on prototypes and a soft assignment of tasks to them, as published.

.. math::
    \min_{\theta, w} \sum_i \mathrm{ReLU}( \sum_k \mathrm{softmax}(w_i)_k \|\theta_k - \theta_i\|_\infty - \epsilon )

Source: Ge et al. 2025 (Learning Policy Committees for Effective Personalization in MDPs with Diverse Tasks) and their
code: Adam with a step of 0.01 from one random start, at most 10 000 iterations; after 2 000 of them it stops when an
iteration changes the loss by less than 1e-3.

The start is not published. Here :math:`\theta` starts at K tasks drawn at random and w at standard normal numbers.
Equal tasks share one row of w.

If K prototypes can cover all tasks, the minima are the covers. If not, tasks that no prototype can cover pull like the
others, and a minimum need not cover most tasks. ``local_search.py`` starts from this descent and covers more.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from policybudget.covers.boxes import Space, padded

RATE = 0.01
"""Adam's step, in units of the scale."""
MOST_ITERATIONS, LEAST_ITERATIONS = 10_000, 2_000
STILL = 1e-3
"""The descent ends when the loss changes by less."""
_Carry = tuple[tuple[Array, Array], optax.OptState, Array, Array, Array]
FARTHEST = 1e12
"""Numbers are cut off here, so that single precision stays finite."""


def gradient(space: Space, budget: int, seed: int = 0) -> Float[np.ndarray, "k d"]:
    """Prototypes at the end of the descent.

    Args:
        space: the tasks.
        budget: K.
        seed: of the start.

    Returns:
        Centres of boxes (K, d), in the units of ``space``. A box may cover no task.
    """
    random = np.random.default_rng(seed)
    rows, weights = padded(space.counts)
    start = random.choice(len(space.points), budget, replace=budget > len(space.points))
    points = np.minimum(space.points, FARTHEST)
    logits = random.normal(size=(len(space.points), budget))
    found = _descend(
        jnp.asarray(points[rows], jnp.float32),
        jnp.asarray(weights, jnp.float32),
        jnp.float32(min(float(space.reach.min()), FARTHEST)),
        (jnp.asarray(points[start], jnp.float32), jnp.asarray(logits[rows], jnp.float32)),
    )
    return np.asarray(found, np.float64)


def loss(
    prototypes: Float[Array, "k d"],
    logits: Float[Array, "p k"],
    points: Float[Array, "p d"],
    weights: Float[Array, " p"],
    radius: Float[Array, ""],
) -> Float[Array, ""]:
    r"""The published loss: :math:`\sum_i \mathrm{ReLU}(\sum_k \mathrm{softmax}(w_i)_k \|\theta_k - \theta_i\| - ε)`.

    Args:
        prototypes: (k, d) θ.
        logits: (p, k) w.
        points: (p, d) distinct tasks.
        weights: (p,) how many tasks each point stands for.
        radius: ε, in the units of the points.

    Returns:
        The loss, in the units of the points.
    """
    distance = jnp.abs(points[:, None] - prototypes).max(axis=2)
    return weights @ jax.nn.relu((jax.nn.softmax(logits) * distance).sum(axis=1) - radius)


@jax.jit
def _descend(
    points: Float[Array, "p d"],
    weights: Float[Array, " p"],
    radius: Float[Array, ""],
    start: tuple[Float[Array, "k d"], Float[Array, "p k"]],
) -> Float[Array, "k d"]:
    """Adam until the loss stands still."""
    adam = optax.adam(RATE)

    def going_on(carry: _Carry) -> Array:
        _, _, iteration, now, before = carry
        still = (iteration > LEAST_ITERATIONS) & (jnp.abs(now - before) < STILL)
        return (iteration < MOST_ITERATIONS) & ~still

    def step(carry: _Carry) -> _Carry:
        values, state, iteration, before, _ = carry
        now, slope = jax.value_and_grad(lambda both: loss(both[0], both[1], points, weights, radius))(values)
        change, state = adam.update(slope, state)
        return optax.apply_updates(values, change), state, iteration + 1, now, before

    infinite = jnp.float32(jnp.inf)
    (prototypes, _), *_ = jax.lax.while_loop(
        going_on, step, (start, adam.init(start), jnp.int32(0), infinite, infinite)
    )
    return prototypes
