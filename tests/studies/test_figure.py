"""Bars of a study: heights, dots of seeds, and an axis that ends where they do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from matplotlib import pyplot as plt

from policybudget.studies.figure import MARGIN, draw
from policybudget.studies.summary import Outcome, Row


def outcome(*welfare: tuple[float, ...], optimum: float | None = 74.0) -> Outcome:
    """A budget of 1, 2, ... policies, each with the welfare of its seeds."""
    rows = tuple(
        Row({"budget": number + 1}, tuple(range(len(one))), one, optimum) for number, one in enumerate(welfare)
    )
    return Outcome(cast(Any, SimpleNamespace(varied=("budget", "seed"), title="")), rows)


@pytest.mark.parametrize(
    ("welfare", "low", "high"),
    [
        (((10.0, 60.0), (70.0, 72.0)), 0.0, 74.0),  # the interval of 10 and 60 is 35 +- 318
        (((-20.0, -10.0), (50.0, 80.0)), -20.0, 80.0),
    ],
)
def test_the_axis_ends_where_seeds_and_optimum_do(
    welfare: tuple[tuple[float, ...], ...], low: float, high: float
) -> None:
    (axis,) = draw(outcome(*welfare)).axes
    margin = MARGIN * (high - low)
    assert axis.get_ylim() == pytest.approx((low - margin * (low < 0), high + margin))
    heights = [patch.get_height() for patch in axis.patches]  # type: ignore[attr-defined]
    assert heights == pytest.approx([np.mean(one) for one in welfare])
    dots = [line.get_ydata() for line in axis.lines if line.get_marker() == "o"]
    assert [list(one) for one in dots] == [list(one) for one in welfare]  # type: ignore[call-overload]
    plt.close("all")


def test_nothing_but_zeros_is_drawn() -> None:
    (axis,) = draw(outcome((0.0,), (0.0,), optimum=None)).axes
    assert axis.get_ylim() == (0.0, 1.0)
    plt.close("all")
