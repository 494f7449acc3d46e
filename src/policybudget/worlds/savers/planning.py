r"""What a rule is worth to a saver, and the best rule of a saver's own, by dynamic programming.

With :math:`\tau` years left, of which each brings a contribution at its beginning, let R be wealth and all
contributions to come, and A the share of R that is invested this year. If a year is one of the table, each with the
same chance, and a is the share in stocks,

.. math::
    G = (1 - a)\, G_{bills} + a\, G_{stocks}, \qquad R' = R\, (A\, G + 1 - A)

With constant relative risk aversion everything scales with R. The certainty equivalent of final wealth is therefore
:math:`R\, g_\tau`, with :math:`g_0 = 1` and

.. math:: g_\tau(\phi) = u^{-1}\, E\, u\bigl((A G + 1 - A)\, g_{\tau - 1}(\phi')\bigr), \qquad
          u(x) = \frac{x^{1-\gamma}}{1-\gamma}

where :math:`\phi` is the share of R that is wealth, :math:`A = \phi + (1 - \phi) / \tau` and
:math:`\phi' = A G / (A G + 1 - A)`. The best rule maximises over a at every :math:`(\tau, \phi)`. Expectations are
exact: sums over all years of the table. Between points of a grid of :math:`\phi`, g is interpolated linearly
(:data:`GRID`), and shares are multiples of 2 %.

If nothing more is paid in, :math:`\phi = 1` for ever and the best share is the same at every age (Samuelson 1969,
Merton 1969). What is still to come acts as a bond: the best share falls with age (Bodie, Merton & Samuelson 1992).
"""

from __future__ import annotations

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

GRID = np.linspace(0.0, 1.0, 65)
COARSE = np.linspace(0.0, 1.0, 11)
FINE = 0.02 * np.arange(-4, 5)
"""Steps about the best of the coarse shares: what a share is worth is concave in it."""


def worth(
    shares: Float[np.ndarray, "r T g"], aversion: float, gross: Float[np.ndarray, "y 2"]
) -> Float[np.ndarray, "r T1 g"]:
    """What rules are worth to savers with some risk aversion.

    Args:
        shares: (r, T, g) in stocks, with 1 to T years left, at the g points of :data:`GRID`.
        aversion: relative risk aversion.
        gross: (y, 2) gross returns of bills and stocks, each row with the same chance.

    Returns:
        (r, T + 1, g) certainty equivalents of final wealth with 0 to T years left, in wealth and contributions to come.
    """
    found = _worth(jnp.asarray(shares, jnp.float32), jnp.float32(aversion), jnp.asarray(gross, jnp.float32))
    return np.asarray(found, np.float64)


def best_rule(
    aversion: float, gross: Float[np.ndarray, "y 2"], horizon: int
) -> tuple[Float[np.ndarray, "T1 g"], Float[np.ndarray, "T g"]]:
    """The best rule for savers with some risk aversion, whatever their horizon and wealth.

    Args:
        aversion: relative risk aversion.
        gross: (y, 2) gross returns of bills and stocks, each row with the same chance.
        horizon: T, the largest.

    Returns:
        What it is worth (T + 1, g), as :func:`worth` has it, and its shares in stocks (T, g). Neither may be changed.
    """
    return _remembered(float(aversion), np.ascontiguousarray(gross, np.float32).tobytes(), horizon)


@lru_cache(maxsize=256)
def _remembered(aversion: float, table: bytes, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    gross = jnp.asarray(np.frombuffer(table, np.float32).reshape(-1, 2))
    values, shares = (np.asarray(part, np.float64) for part in _best(jnp.float32(aversion), gross, horizon))
    values.setflags(write=False)
    shares.setflags(write=False)
    return values, shares


def at(values: Float[np.ndarray, "*rules T1 g"], horizon: int, paid_in: float) -> Float[np.ndarray, "*rules"]:
    """What rules are worth to a saver at the start.

    Args:
        values: (.., T + 1, g) as :func:`worth` has them.
        horizon: of the saver, in years, T at most.
        paid_in: share of all that the saver pays in which is there from the start.

    Returns:
        (..) certainty equivalents of final wealth, in all that is paid in.
    """
    row = values[..., horizon, :]
    low = min(int(paid_in * (len(GRID) - 1)), len(GRID) - 2)
    weight = paid_in * (len(GRID) - 1) - low
    found: np.ndarray = (1 - weight) * row[..., low] + weight * row[..., low + 1]
    return found


def utility(
    ratio: Float[np.ndarray, "*batch"], aversion: Float[np.ndarray, "*batch"] | float
) -> Float[np.ndarray, "*batch"]:
    """Utility of wealth, 0 with slope 1 where it is 1.

    Args:
        ratio: (..) wealth, positive.
        aversion: (..) relative risk aversion.

    Returns:
        (..) ``(ratio ** (1 - aversion) - 1) / (1 - aversion)``, the logarithm for an aversion of 1.
    """
    power = 1.0 - np.asarray(aversion, np.float64)
    log, flat = np.log(ratio), np.abs(power) < 1e-6
    found: np.ndarray = np.where(flat, log, np.expm1(power * log) / np.where(flat, 1.0, power))
    return found


@jax.jit
def _worth(shares: Array, aversion: Array, gross: Array) -> Array:
    def one(rule: Array) -> Array:
        def year(after: Array, inputs: tuple[Array, Array]) -> tuple[Array, Array]:
            value = _before(after, *inputs, aversion, gross)
            return value, value

        last = jnp.ones(len(GRID))
        _, values = jax.lax.scan(year, last, (1.0 + jnp.arange(len(rule)), rule))
        return jnp.concatenate([last[None], values])

    found: Array = jax.lax.map(one, shares, batch_size=8)
    return found


@partial(jax.jit, static_argnames="horizon")
def _best(aversion: Array, gross: Array, horizon: int) -> tuple[Array, Array]:
    coarse = jnp.broadcast_to(jnp.asarray(COARSE, jnp.float32)[:, None], (len(COARSE), len(GRID)))

    def year(after: Array, left: Array) -> tuple[Array, tuple[Array, Array]]:
        def best(levels: Array) -> tuple[Array, Array]:
            found = jax.vmap(lambda share: _before(after, left, share, aversion, gross))(levels)
            chosen = (found.argmax(axis=0), jnp.arange(len(GRID)))
            return levels[chosen], found[chosen]

        share, _ = best(coarse)
        share, value = best(jnp.clip(share + jnp.asarray(FINE, jnp.float32)[:, None], 0.0, 1.0))
        return value, (value, share)

    last = jnp.ones(len(GRID))
    _, (values, shares) = jax.lax.scan(year, last, 1.0 + jnp.arange(horizon))
    return jnp.concatenate([last[None], values]), shares


def _before(
    after: Float[Array, " g"],
    left: Float[Array, ""],
    share: Float[Array, " g"],
    aversion: Float[Array, ""],
    gross: Float[Array, "y 2"],
) -> Float[Array, " g"]:
    """One year of the recursion."""
    grid = jnp.asarray(GRID, jnp.float32)
    invested = (grid + (1 - grid) / left)[:, None]
    kept = invested * (gross[:, 0] + share[:, None] * (gross[:, 1] - gross[:, 0]))
    grown = kept + 1 - invested
    place = kept / grown * (len(GRID) - 1)
    low = jnp.minimum(place.astype(jnp.int32), len(GRID) - 2)
    certain = jnp.log(grown * (after[low] + (place - low) * (after[low + 1] - after[low])))
    power = jnp.where(jnp.abs(1 - aversion) < 1e-4, 1.0, 1 - aversion)
    mean = jnp.where(
        jnp.abs(1 - aversion) < 1e-4,
        certain.mean(axis=-1),
        jnp.log1p(jnp.expm1(power * certain).mean(axis=-1)) / power,
    )
    return jnp.exp(mean)
