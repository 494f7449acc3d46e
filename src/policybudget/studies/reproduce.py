"""Figures of papers: runs or resumes a plan that this package ships, draws it, and says what its bars say to the paper.

Figures 1, 4 and 5 have no bars: they are made of the pictures that every run draws of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file
from importlib.resources import files as resources
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from policybudget.assessment import figures, pictures
from policybudget.errors import check_choice
from policybudget.runs import files
from policybudget.runs.csv_file import as_csv
from policybudget.studies import figure, plan
from policybudget.studies.launcher import Launcher
from policybudget.studies.published import COLUMNS, Verdict, claims, verdicts
from policybudget.studies.run_units import run_study
from policybudget.studies.study import Study
from policybudget.studies.summary import Outcome

PLANS = "plans"
VERDICTS = "verdicts.csv"
PAPER_SEEDS = 10
"""The paper's every experiment was conducted ten times."""
PICTURES: Mapping[str, str] = {"figure-1": "paths.png", "figure-4": "assignment.png", "figure-5": "assignment.png"}
"""Figures that consist of a picture per run."""
PANEL, ACROSS = (4.8, 3.0), 3
"""Inches of a picture; pictures beside each other."""


@dataclass(frozen=True)
class Reproduced:
    """A figure of a paper, made again.

    Attributes:
        name: of the figure.
        title: which says what is less than in the paper.
        outcome: of the study.
        verdicts: what its bars say to the paper; none of a figure without bars.
    """

    name: str
    title: str
    outcome: Outcome
    verdicts: tuple[Verdict, ...]


def names() -> tuple[str, ...]:
    """The figures that there are plans of."""
    found = (resources(__package__) / PLANS).iterdir()
    return tuple(sorted(one.name.removesuffix(".toml") for one in found if one.name.endswith(".toml")))


def planned(name: str, quick: bool = False, seeds: int | None = None) -> Study:
    """The trainings of a figure.

    Args:
        name: of the figure.
        quick: whether it is a first look, which is no reproduction.
        seeds: of each training; as the plan has it if None.

    Raises:
        PolicyBudgetError: there is no such figure, or a package that its worlds need is not installed.
    """
    check_choice("figure", name, names())
    with as_file(resources(__package__) / PLANS / f"{name}.toml") as path:
        return plan.load(path, quick, **({} if seeds is None else {"seeds": seeds}))


def reproduce(
    name: str,
    out: Path,
    *,
    quick: bool = False,
    seeds: int | None = None,
    launcher: Launcher | None = None,
    quiet: bool = False,
) -> Reproduced:
    """Run what is missing of a figure, draw it, and compare it with what its paper says in words.

    Args:
        name: such as ``figure-2``.
        out: folder, new or of the same figure.
        quick: whether it is a first look, which is no reproduction.
        seeds: of each training; as the plan has it if None.
        launcher: where trainings are run; processes of this machine if None.
        quiet: whether nothing is shown in the terminal.

    Raises:
        PolicyBudgetError: there is no such figure, or a training failed.
        RunFolderError: something cannot be written.
    """
    study = planned(name, quick, seeds)
    study.begin(out)
    outcome = run_study(out, study, launcher, quiet)
    title = f"{study.title}{_less(outcome, quick) if name not in PICTURES else ''}"
    found = [] if name in PICTURES else verdicts(outcome.rows, claims(name))
    if name in PICTURES:
        figures.save(figures.entitle(_panels(out, study, PICTURES[name]), title), out / figure.NAME)
    else:
        numbers = {(one.row.settings["budget"], value) for one in found if (value := _value(one)) is not None}
        lines = [(budget, value, "stated in the text") for budget, value in sorted(numbers)]
        figure.save(outcome, out, title, lines)
        note = [f"# {title}"]
        files.write(out / VERDICTS, as_csv([note, COLUMNS, *(one.cells() for one in found)]))
    return Reproduced(name, title, outcome, tuple(found))


def _less(outcome: Outcome, quick: bool) -> str:
    """What is less than in the paper."""
    fewest = min(len(row.seeds) for row in outcome.rows)
    if quick:
        return "; a first look, no reproduction"
    return "" if fewest >= PAPER_SEEDS else f"; {fewest} of the paper's {PAPER_SEEDS} seeds at least"


def _value(one: Verdict) -> float | None:
    claim, _, number = one.published.rpartition(" ")
    return float(number) if claim in ("above", "equals") else None


def _panels(root: Path, study: Study, picture: str) -> Figure:
    """The pictures of all runs."""
    high = -(-len(study.units) // ACROSS)
    wide = min(len(study.units), ACROSS)
    drawn, axes = plt.subplots(
        high, wide, figsize=(PANEL[0] * wide, PANEL[1] * high), layout="constrained", squeeze=False
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, unit, name in zip(axes.flat, study.units, study.names, strict=False):
        axis.imshow(plt.imread(root / unit.place / pictures.FOLDER / picture))
        axis.set_title(name, fontsize=9)
    return drawn
