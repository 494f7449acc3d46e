"""What train and resume print at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from rich.console import Console
from rich.table import Table

from policybudget.assessment import pictures
from policybudget.assessment.evaluation_text import unserved
from policybudget.assessment.statistics import plus_minus, shown
from policybudget.studies.curve import Found
from policybudget.studies.figure import NAME as FIGURE
from policybudget.studies.reproduce import VERDICTS, Reproduced
from policybudget.studies.run import Finished
from policybudget.studies.summary import COSTS, SUMMARY, TABLE, Outcome
from policybudget.studies.unit import FOLDER as UNITS
from policybudget.welfare import Utilitarian


def finished(run: Finished) -> None:
    """Table, drawing and the place of a run folder.

    Args:
        run: that has ended.
    """
    console, result = Console(), run.result
    table = Table(title=f"{result.algorithm}, {result.budget} policies for {len(result.agents)} users")
    for name in ("policy", "agents", "mean return", "episode length"):
        table.add_column(name, justify="right")
    sizes = result.assignment.sum(axis=1)
    means = run.problem.objective.per_policy(jnp.asarray(result.assignment), jnp.asarray(result.returns))
    for j in range(result.budget):
        value = f"{means[j]:.2f}" if sizes[j] > 0 else "-"
        table.add_row(str(j), f"{sizes[j]:.4g}", value, f"{result.lengths[j]:.1f}")
    console.print(table)
    for line in pictures.sketch(run.problem, result):
        console.print(line, highlight=False)
    console.print(f"search  {result.search}", highlight=False)
    function = "mean over users" if run.problem.welfare == Utilitarian() else str(run.problem.welfare)
    console.print(
        f"welfare [bold]{result.welfare:.2f}[/] (greedy policies, fresh episodes, {function})", highlight=False
    )
    social = result.social
    if run.problem.welfare != Utilitarian():
        console.print(f"        mean {social['mean']:.2f}, worst {social['worst']:.2f}", highlight=False)
    if social["unserved"]:
        for line in unserved(social["unserved"], len(result.agents)):
            console.print(f"        {line}", highlight=False)
    for picture in run.figures:
        console.print(f"figure  {picture}", soft_wrap=True, highlight=False)
    console.print(f"run     {run.folder}", soft_wrap=True, highlight=False)


def study(folder: Path, found: Outcome) -> None:
    """A row per setting, or a row per seed and their mean.

    Args:
        folder: of the study.
        found: what it came to.
    """
    console, plan = Console(), found.study
    if plan.title:
        console.print(plan.title, highlight=False)
    users = {unit.configuration.population_seed for unit in plan.units}
    population = f"population seed {users.pop()} in all" if len(users) == 1 else "users drawn anew for each seed"
    seeds = {row.seeds for row in found.rows}
    many = ", ".join(f"{len(each)} seeds" if len(each) > 1 else f"seed {each[0]}" for each in sorted(seeds))
    settings = f"{len(found.rows)} settings, " if len(found.rows) > 1 else ""
    console.print(f"{settings}{many}, {population}", highlight=False)
    console.print(_by_setting(found) if settings else _by_seed(found))
    if any(len(row.seeds) > 1 for row in found.rows):
        console.print("+- is the half-width of a 95 % confidence interval of the mean over seeds", style="dim")
    console.print(f"files   {TABLE}, {COSTS}, {SUMMARY}, {FIGURE} in {folder}", soft_wrap=True, highlight=False)
    console.print(f"runs    {folder / UNITS}", soft_wrap=True, highlight=False)


def reproduced(folder: Path, found: Reproduced) -> None:
    """A row per bar and sentence of the paper.

    Args:
        folder: of the figure.
        found: what it came to.
    """
    if not found.verdicts:
        study(folder, found.outcome)
        return
    console = Console()
    console.print(found.title, highlight=False)
    table = _columns("world", "bar", "k", "welfare", "seeds", "the paper says", "this is")
    one_world = len({one.row.settings["world"] for one in found.verdicts}) == 1
    for one in found.verdicts:
        table.add_row(*["" if one_world and at == 0 else cell for at, cell in enumerate(one.shown())])
    console.print(table)
    console.print("+- is the half-width of a 95 % confidence interval of the mean over seeds", style="dim")
    names = f"{TABLE}, {COSTS}, {SUMMARY}, {VERDICTS}, {FIGURE}"
    console.print(f"files   {names} in {folder}", soft_wrap=True, highlight=False)


def curve(folder: Path, found: Found) -> None:
    """A row per budget, and the budgets that were asked for.

    Args:
        folder: of the curve.
        found: what it came to.
    """
    console, rows = Console(), found.rows
    columns = {"k": [str(row.budget) for row in rows], "welfare": [_mean(row.welfare) for row in rows]}
    if any(row.optimum is not None for row in rows):
        columns[found.reference] = [shown(row.optimum) for row in rows]
    columns["worst user"] = [f"{row.worst['mean']:.2f}{plus_minus(row.worst['ci95'])}" for row in rows]
    if rows[0].above_floor is not None:
        columns[">= floor"] = [f"{100 * (row.above_floor or 0.0):.0f} %" for row in rows]
    more = [row.one_more for row in rows]
    columns["one more adds"] = ["-" if one is None else f"{one['mean']:.2f}{plus_minus(one['ci95'])}" for one in more]
    if rows[0].any_welfare is not None:
        columns["any p"] = [shown(row.any_welfare) for row in rows]
    if rows[0].net is not None:
        columns["after cost"] = [shown(row.net) for row in rows]
    table = _columns(*columns)
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    console.print(table)
    over = f"{rows[0].seeds} seeds" if rows[0].seeds > 1 else "episodes"
    console.print(f"+- is the half-width of a 95 % confidence interval over {over}", style="dim")
    if rows[0].any_welfare is not None:
        console.print("any p: its worth beside k chosen for a power mean, at the least favourable", style="dim")
    if found.target is not None:
        reached = "no budget is shown to reach it" if found.reached is None else f"smallest budget {found.reached}"
        console.print(f"target {found.target:g}: {reached}", highlight=False)
    if found.best is not None:
        console.print(f"cost {found.cost:g} per policy: best budget {found.best}", highlight=False)
    console.print(f"files  curve.csv, curve.json, curve.png in {folder}", soft_wrap=True, highlight=False)


def _by_setting(found: Outcome) -> Table:
    known = any(row.optimum is not None for row in found.rows)
    table = _columns(*(name.replace("_", " ") for name in found.varied), "welfare", "seeds")
    if known:
        table.add_column(found.reference, justify="right")
    for row in found.rows:
        values = ["" if row.settings[name] is None else str(row.settings[name]) for name in found.varied]
        optimum = [shown(row.optimum)] if known else []
        table.add_row(*values, _mean(row.summary), str(len(row.seeds)), *optimum)
    return table


def _by_seed(found: Outcome) -> Table:
    (row,) = found.rows
    table = _columns("seed", "welfare")
    for seed, welfare in zip(row.seeds, row.welfare, strict=True):
        table.add_row(str(seed), f"{welfare:.2f}")
    table.add_section()
    table.add_row("mean", _mean(row.summary))
    return table


def _columns(*names: str) -> Table:
    table = Table()
    for name in names:
        table.add_column(name, justify="right")
    return table


def _mean(summary: Mapping[str, Any]) -> str:
    return f"[bold]{summary['mean']:.2f}[/]{plus_minus(summary['ci95'])}"
