r"""The numbers that tell savers apart: what a world is told of an agent, column by column.

Money is counted in all that a saver pays in, the wealth at the start and T contributions of the same real size. What
differs then is only the share of it that is there from the start: a contribution is (1 - paid in) / T.
"""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Array, Float

Scalar = Float[Array, ""]
LONGEST = 50
"""Years of the longest horizon."""


class Saver(NamedTuple):
    """Numbers of a saver.

    Attributes:
        horizon: T, years until the money is needed.
        paid_in: share of all that is paid in which is there from the start, 0 to 1.
        aversion: relative risk aversion; policies never see it.
        best: certainty equivalent of the final wealth under the best rule of the saver's own, in all that is paid in.
        first: row of the first year that returns are drawn from.
        span: how many years there are to draw from.
    """

    horizon: Scalar
    paid_in: Scalar
    aversion: Scalar
    best: Scalar
    first: Scalar
    span: Scalar
