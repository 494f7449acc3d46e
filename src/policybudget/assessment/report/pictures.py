"""The pictures of a page: the figures of a run as everywhere else, and those that only an assessment has."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from policybudget.assessment import figures
from policybudget.assessment.portfolio import power_means

SMALL = 200_000
"""Bytes up to which a picture is drawn as SVG, which stays sharp; larger ones are PNG."""
ORDERS = np.concatenate([1.0 - np.geomspace(50.0, 0.02, 60), [1.0]])
KINDS = (("mean", "mean of its users", "o", 0), ("cvar", "CVaR, worst tenth", "s", 4), ("worst", "worst user", "D", 1))
"""Of evidence that a chart shows: the key, the label, the marker and the colour."""
MOST_BARS = 40
"""Policies whose means have room beside each other."""


@dataclass(frozen=True)
class Picture:
    """A figure in a page.

    Attributes:
        source: of an ``img``, a data URI.
        text: what it shows, for those who do not see it.
        caption: below it.
    """

    source: str
    text: str
    caption: str


def embedded(figure: Figure, text: str, caption: str) -> Picture:
    """A figure as a data URI, closed afterwards.

    Args:
        figure: to embed.
        text: what it shows, for those who do not see it.
        caption: below it.
    """
    vector = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "policybudget"}):
        figure.savefig(vector, format="svg", metadata={"Date": None})
    content, kind = vector.getvalue(), "svg+xml"
    if len(content) > SMALL:
        raster = io.BytesIO()
        figure.savefig(raster, format="png", dpi=130)
        if raster.tell() < len(content):
            content, kind = raster.getvalue(), "png"
    plt.close(figure)
    return Picture(f"data:image/{kind};base64,{base64.b64encode(content).decode()}", text, caption)


def means(cards: list[dict[str, Any]]) -> Figure:
    """Mean return, CVaR and the worst user of each policy, with intervals.

    Args:
        cards: of the policies that serve somebody, as in assessment.json.
    """
    high = max(2.0, 0.9 + 0.34 * len(cards))
    figure, axis = plt.subplots(figsize=(figures.SIZE[0], high), layout="constrained")
    rows = np.arange(len(cards))[::-1]
    kinds = (
        ("mean", "mean of its users", "o", 0),
        ("cvar", "CVaR, worst tenth", "s", 4),
        ("worst", "worst user", "D", 1),
    )
    for shift, (kind, label, marker, colour) in enumerate(kinds):
        values = [card["evidence"][kind]["mean"] for card in cards]
        widths = [card["evidence"][kind]["ci95"] or 0.0 for card in cards]
        places = rows + 0.22 * (1 - shift)
        axis.errorbar(
            values, places, xerr=widths, label=label, fmt=marker, color=figures.colour(colour), markersize=5,
            capsize=2, linewidth=1.2,
        )  # fmt: skip
    axis.set_yticks(rows, [f"policy {card['policy']}" for card in cards])
    axis.set_xlabel("return")
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="0.9", axis="x")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def users(gets: Float[np.ndarray, " n"], floor: float | None) -> Figure:
    """How many users get at most how much.

    Args:
        gets: (n,) mean returns.
        floor: the return that a user should have; a line.
    """
    figure, axis = figures.axes("mean return of a user", "share of users with no more (%)")
    ordered = np.sort(gets)
    at = np.unique(np.linspace(0, len(ordered) - 1, 400).astype(int))
    axis.step(ordered[at], 100 * (at + 1) / len(ordered), where="post", color=figures.colour(0), linewidth=1.8)
    if floor is not None:
        axis.axvline(floor, color=figures.colour(1), linestyle="--", linewidth=1.2, label=f"floor {floor:g}")
        axis.legend(frameon=False, fontsize=8)
    axis.set_ylim(0, 100)
    axis.grid(color="0.9")
    return figure


def over_parameter(matrix: Float[np.ndarray, "k n"], parameter: Float[np.ndarray, " n"], name: str) -> Figure:
    """What each policy is worth over the parameter in which users differ.

    Args:
        matrix: (k, n) mean returns.
        parameter: (n,) of the users.
        name: of the parameter, with its unit.
    """
    figure, axis = figures.axes(name, "mean return")
    order = np.argsort(parameter, kind="stable")
    order = order[np.unique(np.linspace(0, len(order) - 1, 300).astype(int))]
    for policy, row in enumerate(matrix):
        marks = np.unique(np.linspace(0, len(order) - 1, 8).astype(int)).tolist()
        axis.plot(
            parameter[order], row[order], color=figures.colour(policy), marker=figures.MARKERS[policy % 10],
            markevery=marks, markersize=4, linewidth=1.3, label=f"policy {policy}",
        )  # fmt: skip
    if len(matrix) <= 20:
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    axis.grid(color="0.9")
    return figure


def over_orders(
    gets: Float[np.ndarray, " n"], matrix: Float[np.ndarray, "k n"], weights: np.ndarray | None
) -> Figure | None:
    """The power means of what users get, and of what they would get if one of the policies served everybody.

    Args:
        gets: (n,) mean returns of the users.
        matrix: (k, n) mean returns of every policy to every user.
        weights: (n,) how many people users stand for; None for one each.

    Returns:
        The figure; None where a return is negative, of which there are no power means.
    """
    if gets.min() < 0 or matrix.min() < 0:
        return None
    figure, axis = figures.axes("order p: 1 is the mean, 0 Nash's, far down the worst user", "power mean of returns")
    own = power_means(gets[None], ORDERS, weights)[0]
    one = power_means(matrix, ORDERS, weights).max(axis=0)
    across = -np.log10(1.0 - ORDERS + 0.02)
    axis.plot(across, own, color=figures.colour(0), linewidth=1.8, label="each user with its policy")
    axis.plot(
        across, one, color=figures.colour(1), linewidth=1.5, linestyle="--", label="the best one of them for everybody"
    )
    shown = [-50.0, -10.0, -3.0, -1.0, 0.0, 0.5, 1.0]
    axis.set_xticks([-np.log10(1.0 - p + 0.02) for p in shown], [f"{p:g}" for p in shown])
    axis.legend(frameon=False, fontsize=8)
    axis.grid(color="0.9")
    return figure
