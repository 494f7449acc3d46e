r"""A continuous glucose monitor: glucose under the skin plus an error, within the range of the device.

The error model of simglucose 0.2.11 (after Breton & Kovatchev 2008): every 15 minutes

.. math::
    e_0 \sim N(0, 1), \quad e_{t+1} = 0.7\,(e_t + w_t),\ w_t \sim N(0, 1), \qquad
    \epsilon_t = -5.47 + 15.9574\, \sinh\frac{e_t + 0.5444}{1.6898},

an autoregression through Johnson's transform (unbounded form); between them a cubic spline ("not a knot") through the
eleven points of 150 minutes each. Its sensors with samples every 3 minutes (Dexcom) and every 5 (GuardianRT) share
these numbers and the range from 39 to 600 mg/dL.

Departure: the first reading of a day has the error of its own minute; simglucose's begins one sample later.
"""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

MEMORY, XI, SCALE, GAMMA, DELTA = 0.7, -5.47, 15.9574, -0.5444, 1.6898
LOWEST, HIGHEST = 39.0, 600.0
"""What the device can show, mg/dL."""
APART, BLOCK = 15, 150
"""Minutes between two points of the autoregression, and minutes under one spline."""
BLOCKS = 10
"""How many blocks have a day, and the reading at its end, in them."""
PER_BLOCK = BLOCK // APART


def errors(key: PRNGKeyArray) -> Float[Array, " points"]:
    """The errors of a day every 15 minutes.

    Args:
        key: of the draw.

    Returns:
        (101,) in mg/dL.
    """
    walk = _memory() @ jax.random.normal(key, (BLOCKS * PER_BLOCK + 1,))
    return XI + SCALE * jnp.sinh((walk - GAMMA) / DELTA)


def reading(glucose: Float[Array, ""], points: Float[Array, " points"], sample: Int[Array, ""], minutes: int) -> Array:
    """What the device shows.

    Args:
        glucose: under the skin, mg/dL.
        points: of :func:`errors`.
        sample: number of the reading since midnight.
        minutes: between two readings.

    Returns:
        mg/dL.
    """
    block = jnp.minimum(sample * minutes // BLOCK, BLOCKS - 1)
    near = jax.lax.dynamic_slice(points, (block * PER_BLOCK,), (PER_BLOCK + 1,))
    error = jnp.asarray(_spline(minutes))[sample - block * (BLOCK // minutes)] @ near
    return jnp.clip(glucose + error, LOWEST, HIGHEST)


@cache
def _memory() -> Float[np.ndarray, "points points"]:
    """From independent normal numbers to the autoregression: row t has 0.7^t, then 0.7^(t - s + 1) for the s-th."""
    points = np.arange(BLOCKS * PER_BLOCK + 1)
    powers = points[:, None] - points[None, :] + (points > 0)
    return np.where(points[:, None] >= points, MEMORY ** np.maximum(powers, 0), 0.0).astype(np.float32)


@cache
def _spline(minutes: int) -> Float[np.ndarray, "samples near"]:
    """From the eleven points of a block to its samples: a spline is linear in what it goes through."""
    from scipy.interpolate import CubicSpline  # takes half a second, which other worlds need not wait

    points = np.arange(PER_BLOCK + 1) * float(APART)
    spline = CubicSpline(points, np.eye(len(points)), bc_type="not-a-knot")
    return np.asarray(spline(np.arange(BLOCK // minutes + 1) * float(minutes)), np.float32)
