"""A budget curve as a resumable plan: train a pool (or a training per budget), judge it, and write what was found.

The folder of a curve has plan.json, the trainings below ``trainings``, what each of them is worth below ``points``, and
in the end curve.csv, curve.json and curve.png.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from policybudget import runtime
from policybudget.assessment import curve as curves
from policybudget.assessment import figures
from policybudget.assessment.curve import COLUMNS, Point, Row, play_candidates, point
from policybudget.assessment.curve_figures import draw
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.progress import progress
from policybudget.runs import files, inputs, schemas
from policybudget.runs.csv_file import as_csv
from policybudget.runs.folder import locked, new_folder
from policybudget.runs.kept import kept
from policybudget.runs.manifest import FORMAT, check_format
from policybudget.runs.result import load
from policybudget.search.pool import WITHIN, Pool
from policybudget.studies.run_units import run_units
from policybudget.studies.study import Study
from policybudget.studies.summary import known_optima
from policybudget.training.configuration import Configuration
from policybudget.training.configuration import preset as preset_of

PLAN, POINTS, TRAININGS = "plan.json", "points", "trainings"
FILES = ("curve.csv", "curve.json", "curve.png")
SPENT = 2
"""Transitions of a pool, in those of one training with the largest budget."""
JUDGED_BY = 1
"""Added to the seed of a training: that of the episodes which judge it."""


@dataclass(frozen=True)
class Curve:
    """A budget curve that can be computed.

    Args:
        study: the trainings: one pool per seed, or one per budget and seed.
        budgets: ascending.
        seeds: ascending.
        dedicated: whether every budget is trained by itself.
        episodes: of each policy, in each of the three sets.
        floor: the return that an agent should have; None for none.
    """

    study: Study
    budgets: tuple[int, ...]
    seeds: tuple[int, ...]
    dedicated: bool
    episodes: int
    floor: float | None

    @staticmethod
    def of(
        configuration: Configuration,
        budgets: Iterable[int],
        seeds: Iterable[int],
        dedicated: bool = False,
        episodes: int = 50,
        floor: float | None = None,
    ) -> Curve:
        """A curve, each of its trainings checked.

        Args:
            configuration: of a training with one of the budgets.
            budgets: ascending.
            seeds: ascending.
            dedicated: whether every budget is trained by itself; a pool serves all of them if not.
            episodes: of each policy, in each of the three sets.
            floor: the return that an agent should have; None for none.

        Raises:
            PolicyBudgetError: a setting is out of range, or the search cannot train a pool.
        """
        budgets, seeds = tuple(budgets), tuple(seeds)
        if episodes < 2:
            raise PolicyBudgetError(f"episodes must be at least 2, got {episodes}")
        if dedicated:
            return Curve(Study.of(configuration, budgets, seeds), budgets, seeds, True, episodes, floor)
        usual = configuration.search
        if isinstance(usual, Pool):
            pool = usual
        elif usual in WITHIN.values():
            pool = Pool(within=usual.name)
        else:
            raise PolicyBudgetError(
                f"a pool is trained by search {', '.join(WITHIN)}, with the options that --search pool gives it; use "
                f"--dedicated for {usual.name} with others"
            )
        pooled = replace(
            configuration,
            budget=budgets[0],
            search=replace(pool, pool_budgets=",".join(map(str, budgets))),
            transitions=SPENT * configuration.transitions,
        )
        return Curve(Study.of(pooled, budgets[:1], seeds), budgets, seeds, False, episodes, floor)

    @staticmethod
    def load(folder: Path) -> Curve:
        """The curve of a folder.

        Args:
            folder: of the curve.

        Raises:
            PolicyBudgetError: a file is missing, damaged, of another format, or has settings out of range.
        """
        record = files.read_json(folder / PLAN)
        check_format(folder / PLAN, record)
        plan = files.checked(folder / PLAN, record, schemas.CurveRecord)
        study = Study.load(folder / TRAININGS)
        budgets, seeds = tuple(plan.budgets), tuple(plan.seeds)
        search = study.units[0].configuration.search
        pooled = isinstance(search, Pool) and search.pool_budgets == ",".join(map(str, budgets))
        trained = budgets if plan.dedicated else budgets[:1]
        asked = [(budget, seed) for budget in trained for seed in seeds]
        there = [(unit.configuration.budget, unit.configuration.seed) for unit in study.units]
        if there != asked or not (plan.dedicated or pooled):
            raise RunFolderError(f"{folder / PLAN} does not fit the trainings in {folder / TRAININGS}: it was changed")
        return Curve(study, budgets, seeds, plan.dedicated, plan.episodes, plan.floor)

    def save(self, folder: Path) -> None:
        """Write plan.json and the files of the trainings.

        Args:
            folder: of the curve; it exists.

        Raises:
            RunFolderError: something cannot be written.
        """
        self.study.save(folder / TRAININGS)
        files.write_json(folder / PLAN, {"format": FORMAT} | self._settings())

    def _settings(self) -> dict[str, Any]:
        return {
            "budgets": self.budgets, "seeds": self.seeds, "dedicated": self.dedicated, "episodes": self.episodes,
            "floor": self.floor,
        }  # fmt: skip

    @property
    def transitions(self) -> int:
        """Of all policies of one seed."""
        return sum(unit.total for unit in self.study.units) // len(self.seeds)


@dataclass(frozen=True)
class Found:
    """What a curve came to.

    Attributes:
        curve: what was asked.
        rows: one per budget.
        reference: what ``optimum`` in the rows is, in a word.
        target: welfare that is wanted; None for none.
        reached: the smallest budget that is shown to reach it; None for none.
        cost: of a policy, in units of welfare; None for none.
        best: the budget of the largest welfare less cost; None without a cost.
    """

    curve: Curve
    rows: tuple[Row, ...]
    reference: str
    target: float | None
    reached: int | None
    cost: float | None
    best: int | None

    def record(self) -> dict[str, Any]:
        """For JSON."""
        asked = {"target": self.target, "reached": self.reached, "cost_per_policy": self.cost, "best": self.best}
        about = {"reference": self.reference, "transitions": self.curve.transitions} | asked
        return self.curve._settings() | about | {"rows": [asdict(row) for row in self.rows]}


def budget_curve(
    world: str,
    budgets: Iterable[int],
    out: str | Path,
    *,
    seeds: Iterable[int] = (0,),
    preset: str = "default",
    dedicated: bool = False,
    episodes: int = 50,
    floor: float | None = None,
    target: float | None = None,
    cost_per_policy: float | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Found:
    """What k policies are worth for every k, as ``policybudget curve`` with the same settings finds it.

    Args:
        world: by name.
        budgets: ascending.
        out: folder of the curve, new or empty.
        seeds: of the trainings, ascending.
        preset: what is not given comes from it.
        dedicated: whether every budget is trained by itself; a pool serves all of them if not.
        episodes: of each policy, in each of the three sets.
        floor: the return that an agent should have; None for none.
        target: welfare that is wanted; None for none.
        cost_per_policy: in units of welfare; None for none.
        quiet: whether nothing is shown in the terminal.
        **settings: fields of :class:`policybudget.training.configuration.Configuration`, such as ``transitions``.

    Returns:
        The curve.

    Raises:
        PolicyBudgetError: a setting is out of range, or a training failed.
    """
    budgets, seeds = tuple(budgets), tuple(seeds)
    chosen = {"cores": len(runtime.available())} | settings | {"budget": budgets[0], "seed": seeds[0]}
    curve = Curve.of(replace(preset_of(preset, world), **chosen), budgets, seeds, dedicated, episodes, floor)
    with locked(new_folder(Path(out))) as folder:
        curve.save(folder)
        return compute(folder, curve, target, cost_per_policy, quiet)


def compute(
    folder: Path, curve: Curve, target: float | None = None, cost: float | None = None, quiet: bool = False
) -> Found:
    """Train what is not trained, judge what is not judged, and write ``FILES``.

    Args:
        folder: of the curve; it has the files of ``curve.save``.
        curve: what is asked.
        target: welfare that is wanted.
        cost: of a policy, in units of welfare.
        quiet: whether nothing is shown in the terminal.

    Raises:
        PolicyBudgetError: a training failed (the others can be resumed), or a file is damaged.
    """
    run_units(folder / TRAININGS, curve.study, quiet=quiet)
    configuration = curve.study.units[0].configuration
    problem, best = configuration.problem(), known_optima(configuration, curve.budgets)
    with progress("judging", len(curve.seeds)) as tick:
        seeds = []
        for seed in curve.seeds:
            seeds.append(_points(folder, curve, problem, seed))
            tick(f"judged seed {seed}")
    rows = curves.curve(seeds, [None] * len(curve.budgets) if best is None else best.welfare, cost)
    reached = None if target is None else curves.smallest(rows, target)
    word = "optimum" if best is None else best.word
    found = Found(curve, rows, word, target, reached, cost, curves.best_for_cost(rows))
    files.write(folder / FILES[0], as_csv([COLUMNS, *(row.cells() for row in rows)]))
    files.write_json(folder / FILES[1], found.record())
    figure = draw(rows, word, target, found.best)
    how = "a training per budget" if curve.dedicated else "one pool"
    over = f"{len(seeds)} seed{'s' * (len(seeds) > 1)}"
    title = f"{inputs.short(problem.world.name)}: {how}, n = {problem.population.size}, {over}"
    try:
        figures.save(figures.entitle(figure, title), folder / FILES[2])
    except OSError as error:
        raise files.cannot_write(folder, error) from error
    return found


def _points(folder: Path, curve: Curve, problem: RepresentedMDP, seed: int) -> list[Point]:
    """One training of the curve (or one per budget), judged once."""
    path = folder / POINTS / f"seed-{seed}.json"
    if path.exists():
        record = files.checked(path, files.read_json(path), schemas.PointsRecord)
        if (record.episodes, record.floor) == (curve.episodes, curve.floor):
            if tuple(one.budget for one in record.points) != curve.budgets:
                raise RunFolderError(f"{path} does not fit {folder / PLAN}: delete it, and it is made again")
            return [Point(**(msgspec.structs.asdict(one) | {"chosen": tuple(one.chosen)})) for one in record.points]
    units = [unit for unit in curve.study.units if unit.configuration.seed == seed]
    runs = [folder / TRAININGS / unit.place for unit in units]
    world, population, judged_by = problem.world, problem.population, (seed + JUDGED_BY) % 2**32

    def judged(sets: list[Policies], budgets: Iterable[int]) -> list[Point]:
        candidates = play_candidates(world, population, sets, curve.episodes, judged_by)
        return [point(population, problem.welfare, candidates, k, curve.floor) for k in budgets]

    if curve.dedicated:
        points = [judged([load(run).policies], [budget])[0] for run, budget in zip(runs, curve.budgets, strict=True)]
    else:
        points = judged(_pool(runs[0]), curve.budgets)
    files.write_json(path, {"episodes": curve.episodes, "floor": curve.floor, "points": list(map(asdict, points))})
    return points


def _pool(folder: Path) -> list[Policies]:
    """All policies of a training, in parts that each have a normaliser of their own."""
    result = load(folder)
    return [result.policies, *map(Policies.from_arrays, kept(folder, result.architecture).values())]
