"""A day's meals, as simglucose 0.2.11 draws them at random, and what the user says of them.

Three meals and three snacks, each with a chance to take place, a time (truncated normal, rounded to a minute) and an
amount (normal, rounded to a gram, at least 0):

========= ======== ============= =================== =============
meal      chance   between       time                amount
========= ======== ============= =================== =============
breakfast 0.95     5 and 9 h     7 h, sd 60 min      45 g, sd 10
snack     0.3      9 and 10 h    9.5 h, sd 30 min    10 g, sd 5
lunch     0.95     10 and 14 h   12 h, sd 60 min     70 g, sd 10
snack     0.3      14 and 16 h   15 h, sd 30 min     10 g, sd 5
dinner    0.95     16 and 20 h   18 h, sd 60 min     80 g, sd 10
snack     0.3      20 and 23 h   21.5 h, sd 30 min   10 g, sd 5
========= ======== ============= =================== =============

Users count carbohydrate with an error: what they announce is the true amount times a lognormal number with median 1 and
``MISCOUNT`` as the standard deviation of its logarithm (not in simglucose, where they never err).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, Float, PRNGKeyArray

CHANCE = np.array([0.95, 0.3, 0.95, 0.3, 0.95, 0.3], np.float32)
EARLIEST = 60 * np.array([5, 9, 10, 14, 16, 20], np.float32)
LATEST = 60 * np.array([9, 10, 14, 16, 20, 23], np.float32)
USUAL = 60 * np.array([7, 9.5, 12, 15, 18, 21.5], np.float32)
SPREAD = np.array([60, 30, 60, 30, 60, 30], np.float32)
GRAMS = np.array([45, 10, 70, 10, 80, 10], np.float32)
GRAMS_SPREAD = np.array([10, 5, 10, 5, 10, 5], np.float32)
MISCOUNT = 0.2
NEVER = -1.0
"""The time of a meal that does not take place."""


class Meals(NamedTuple):
    """The six meals of a day.

    Attributes:
        times: (6,) minutes after midnight; -1 for a meal that does not take place.
        grams: (6,) of carbohydrate.
        counted: (6,) what the user announces, in grams.
    """

    times: Float[Array, " meals"]
    grams: Float[Array, " meals"]
    counted: Float[Array, " meals"]


def drawn(key: PRNGKeyArray) -> Meals:
    """The meals of a day.

    Args:
        key: of the draw.

    Returns:
        The meals.
    """
    when, what = jax.random.split(key)
    chance, place = jax.random.uniform(when, (2, len(CHANCE)))
    amount, miscount = jax.random.normal(what, (2, len(CHANCE)))
    first, last = ndtr((EARLIEST - USUAL) / SPREAD), ndtr((LATEST - USUAL) / SPREAD)
    times = jnp.round(USUAL + SPREAD * ndtri(first + (last - first) * place))
    grams = jnp.maximum(jnp.round(GRAMS + GRAMS_SPREAD * amount), 0.0)
    return Meals(jnp.where(chance < CHANCE, times, NEVER), grams, grams * jnp.exp(MISCOUNT * miscount))


def begun(meals: Meals, amounts: Float[Array, " meals"], start: Array, end: Array) -> Float[Array, ""]:
    """What of some amounts belongs to meals that begin in a span of time.

    Args:
        meals: of the day.
        amounts: (6,) ``meals.grams`` or ``meals.counted``.
        start: minute of the day at which the span begins.
        end: minute before which it ends.

    Returns:
        The sum of these amounts.
    """
    return jnp.sum(jnp.where((meals.times >= start) & (meals.times < end), amounts, 0.0))
