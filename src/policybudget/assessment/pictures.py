"""The figures of a run, and its drawing in the terminal: what every run has, and what the world's entry names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

from matplotlib.figure import Figure

from policybudget.assessment import figures, run_figures
from policybudget.errors import PolicyBudgetError
from policybudget.problem import RepresentedMDP
from policybudget.runs import inputs
from policybudget.runs.result import Result
from policybudget.worlds import registry

FOLDER = "figures"
"""Where in a run folder the figures are."""

Picture = Callable[[RepresentedMDP, Result], dict[str, Figure]]
"""What references among the pictures of a world's entry lead to: it gives figures by the name of their file."""


def draw(folder: Path, problem: RepresentedMDP, result: Result, seed: int) -> list[Path]:
    """Draw a run: its training curve, what the world's entry names, the returns, and who is served by whom.

    Agents that differ in one parameter have a histogram over it. Every figure is titled with the run.

    Args:
        folder: of the run, with its metrics.csv; the figures come into its folder ``figures``.
        problem: that was trained for.
        result: of the training.
        seed: of the training.

    Returns:
        The files, in the order in which they are listed to the user.

    Raises:
        OSError: a figure cannot be written.
    """
    drawn = _training(folder / "metrics.csv", result)
    for reference in registry.entry(problem.world.name).pictures:
        picture: Picture = resolve_name(reference)
        drawn |= picture(problem, result)
    population = problem.population
    outside = population.outside
    drawn["returns.png"] = run_figures.returns_map(result.returns, result.assignment, result.agents, outside)
    if population.parameters is not None and population.parameters.shape[1] == 1:
        parameter, name = population.parameters[:, 0], population.parameter_names[0]
        drawn["assignment.png"] = run_figures.assignment_histogram(parameter, result.assignment, name)
    title = _title(problem, result, seed)
    return [figures.save(figures.entitle(figure, title), folder / FOLDER / name) for name, figure in drawn.items()]


def _training(metrics: Path, result: Result) -> dict[str, Figure]:
    """The training curve; a damaged table is left as it is, and costs the figure alone."""
    try:
        return {"training.png": run_figures.training_curve(metrics, result.welfare)}
    except PolicyBudgetError as error:
        print(f"policybudget: no training.png: {error}", file=sys.stderr)
        return {}


def _title(problem: RepresentedMDP, result: Result, seed: int) -> str:
    method = f"{result.algorithm}, search {result.search.partition(' (')[0]}"
    return f"{inputs.short(problem.world.name)}: {method}, k = {result.budget}, n = {len(result.agents)}, seed {seed}"


def sketch(problem: RepresentedMDP, result: Result) -> list[str]:
    """A run as text, where the world's entry says how.

    Args:
        problem: that was trained for.
        result: of the training.

    Returns:
        Lines to print; none in most worlds.
    """
    reference = registry.entry(problem.world.name).sketch
    return [] if reference is None else list(resolve_name(reference)(problem, result))
