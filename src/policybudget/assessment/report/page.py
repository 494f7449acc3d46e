"""An assessment as one self-contained HTML page: no network, no scripts, no files beside it."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from policybudget.assessment import curve_figures, figures, run_figures
from policybudget.assessment.curve import Row
from policybudget.assessment.report import pictures
from policybudget.assessment.report.pictures import Picture, embedded
from policybudget.errors import PolicyBudgetError
from policybudget.runs import inputs
from policybudget.worlds import registry

if TYPE_CHECKING:
    from policybudget.assessment.assess import Assessment

CARDS = 60
"""Policies that have a card; more are in the table alone."""
MAPPED = 3000
"""Users up to which the table of returns is drawn whole; of more, so many evenly."""
LONGEST = 60
"""Letters of a user's name."""


def page(assessment: Assessment, worst: list[dict[str, Any]]) -> str:
    """The page.

    Args:
        assessment: of a run.
        worst: users that are listed, as in assessment.json.

    Returns:
        HTML. Whatever comes from outside, names of users first of all, is shown as text.
    """
    environment = Environment(
        loader=PackageLoader("policybudget.assessment.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "interval": interval, "short": short}
    record, result = assessment.record, assessment.result
    served = [card for card in record["policies"] if card["evidence"] is not None]
    return environment.get_template("page.html").render(
        title=_title(assessment),
        record=record,
        result=result,
        cards=served[:CARDS],
        idle=[card["policy"] for card in record["policies"] if card["evidence"] is None],
        more=max(0, len(served) - CARDS),
        has_floor=served[0]["evidence"].get("floor") is not None if served else False,
        has_own=bool(served) and "regret_to_own" in served[0]["evidence"],
        worst=worst,
        colour=figures.colour,
        pictures=_pictures(assessment, served),
        users_hash=_users_hash(record),
    )


def _title(assessment: Assessment) -> str:
    budget, users = assessment.result.budget, len(assessment.result.agents)
    what = f"{budget} polic{'y' if budget == 1 else 'ies'} for {users} user{'s' * (users != 1)}"
    return f"{inputs.short(assessment.problem.world.name)}: {what}"


def number(value: float | None, digits: int = 2) -> str:
    """A number as a page shows it.

    Args:
        value: or None for none.
        digits: after the point.
    """
    return "–" if value is None else f"{value:,.{digits}f}".replace("-", "−")


def interval(found: dict[str, Any] | None, digits: int = 2) -> str:
    """A mean with its interval.

    Args:
        found: with ``mean`` and ``ci95``; None for none.
        digits: after the point.
    """
    if found is None:
        return "–"
    width = found.get("ci95")
    return number(found["mean"], digits) + ("" if width is None else f" ± {number(width, digits)}")


def short(text: str, most: int = LONGEST) -> str:
    """A text that has room.

    Args:
        text: of any length.
        most: letters.
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def _users_hash(record: dict[str, Any]) -> str | None:
    """Of the users' table that was trained for, if it came from a file."""
    manifest = record["manifest"] or {"inputs": {}, "world": {}}
    found: str | None = manifest["inputs"].get(manifest["world"].get("population"), {}).get("sha256")
    return found


def _pictures(assessment: Assessment, served: list[dict[str, Any]]) -> dict[str, list[Picture]]:
    """By section of the page."""
    return {
        "set": _of_set(assessment, served),
        "behaviour": _behaviour(assessment),
        "curve": _curve(assessment.record["curve"]),
        "training": _training(assessment.folder, assessment.result.welfare),
        "fairness": _fairness(assessment),
    }


def _of_set(assessment: Assessment, served: list[dict[str, Any]]) -> list[Picture]:
    found, result, record = assessment.found, assessment.result, assessment.record
    gets, some = found.got.mean(axis=0), _evenly(len(result.agents))
    outside = assessment.problem.population.outside
    table = run_figures.returns_map(
        found.matrix[:, some], result.assignment[:, some], tuple(result.agents[i] for i in some),
        None if outside is None else outside[some],
    )  # fmt: skip
    shown = [
        embedded(
            pictures.users(gets, record["floor"]),
            f"Share of users over their mean return, from {gets.min():.2f} to {gets.max():.2f}",
            "What users get: the share of users (up) with no more than a return (across).",
        ),
        embedded(
            table,
            f"Heat map of the mean return of {result.budget} policies to {len(some)} users; framed: who serves whom",
            "What each policy is worth to each user; framed: whom it serves.",
        ),
    ]
    if 0 < len(served) <= pictures.MOST_BARS:
        chart = embedded(
            pictures.means(served),
            "Mean return, CVaR and worst user of each policy with 95 % intervals; the numbers are in the table",
            "Each policy: the mean over its users, of the worst tenth (CVaR), and its worst user; 95 % intervals.",
        )
        shown.insert(0, chart)
    return shown


def _behaviour(assessment: Assessment) -> list[Picture]:
    """The world's own pictures, and returns over the parameter in which users differ."""
    problem, result, found = assessment.problem, assessment.result, list[Picture]()
    for reference in registry.entry(problem.world.name).pictures:
        for name, figure in resolve_name(reference)(problem, result).items():
            stem = Path(name).stem.replace("_", " ")
            found.append(
                embedded(
                    figure, f"{stem} of each policy, as this world is drawn", f"{stem.capitalize()} of each policy."
                )
            )
    parameters, names = problem.population.parameters, problem.population.parameter_names
    if parameters is not None and parameters.shape[1] == 1 and len(np.unique(parameters)) > 2:
        figure = pictures.over_parameter(assessment.found.matrix, np.asarray(parameters[:, 0]), names[0])
        text = f"Mean return of each policy over {names[0]} of the users"
        found.append(embedded(figure, text, f"What each policy is worth to users, by their {names[0]}."))
        histogram = run_figures.assignment_histogram(np.asarray(parameters[:, 0]), result.assignment, names[0])
        found.append(
            embedded(histogram, f"Number of users over {names[0]}, by policy", "Who is served by which policy.")
        )
    return found


def _curve(record: dict[str, Any] | None) -> list[Picture]:
    if record is None:
        return []
    figure = curve_figures.draw(
        [Row(**row) for row in record["rows"]], record["reference"], record["target"], record["best"]
    )
    return [embedded(figure, "Welfare over the number of policies, and what one more adds", "The budget curve.")]


def _training(folder: Path, welfare: float) -> list[Picture]:
    try:
        figure = run_figures.training_curve(folder / "metrics.csv", welfare)
    except PolicyBudgetError:  # a damaged or missing table costs the figure alone
        return []
    return [embedded(figure, f"Welfare over the training, {welfare:.2f} in the end", "The training.")]


def _fairness(assessment: Assessment) -> list[Picture]:
    gets = assessment.found.got.mean(axis=0)
    figure = pictures.over_orders(gets, assessment.found.matrix, assessment.problem.population.agent_weights)
    if figure is None:
        return []
    text = "Power means of the users' returns over the order p: with their own policies, and with one for everybody"
    return [embedded(figure, text, "The same returns under every power mean, from the worst user (left) to the mean.")]


def _evenly(users: int) -> np.ndarray:
    """All users, or so many of them that their table can be drawn."""
    return np.unique(np.linspace(0, users - 1, min(users, MAPPED)).astype(int))
