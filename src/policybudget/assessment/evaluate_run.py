"""What fresh episodes say of a finished run: files in its folder and tables for the screen, rivals beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from policybudget.assessment import evaluation_text as text
from policybudget.assessment.evaluate import Evaluation, evaluate
from policybudget.assessment.rivals import Rival, rival
from policybudget.assessment.statistics import mean_ci95, shown
from policybudget.assessment.trained_for import problem_of
from policybudget.assessment.users_served import Row, Served, served
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.policies.acting import Acting
from policybudget.runs import files
from policybudget.runs.folder import runs_in
from policybudget.runs.result import load
from policybudget.welfare import Utilitarian

FILES = ("evaluation.json", "evaluation.csv", "returns.csv")
"""What is written into a run folder: everything; a row per user; mean returns, a row per policy."""


@dataclass(frozen=True)
class Beside:
    """A rival, judged.

    Attributes:
        rival: who.
        found: on fresh greedy episodes.
    """

    rival: Rival
    found: Evaluation

    def rows(self) -> list[Row]:
        """Its policies in the table of returns."""
        name, many = self.rival.name, len(self.found.matrix) > 1
        return [Row(f"{name} {j}" if many else name, returns) for j, returns in enumerate(self.found.matrix)]

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.rival.name,
            "chosen": self.rival.chosen,
            **self.found.social,
            "welfare": self.found.welfare,
            "policies": self.found.policies,
        }


@dataclass(frozen=True)
class RunEvaluation:
    """What fresh episodes say of a finished run.

    Attributes:
        folder: of the run.
        greedy: of the most likely actions.
        stochastic: of sampled actions.
        users: what every user gets, of greedy actions.
        beside: rivals.
        episodes: of each policy.
        welfare: name of the welfare function.
    """

    folder: Path
    greedy: Evaluation
    stochastic: Evaluation
    users: tuple[Served, ...]
    beside: tuple[Beside, ...]
    episodes: int
    welfare: str

    def text(self) -> str:
        """Welfare, a table of the users, and one of the rivals, in lines of at most 80 columns."""
        lines = [
            text.welfare("greedy", self.welfare, self.greedy, self.episodes),
            text.welfare("stochastic", self.welfare, self.stochastic, self.episodes),
            *text.users(self.users),
        ]
        if unserved := self.greedy.social["unserved"]:
            lines += text.unserved(unserved, len(self.users))
        if self.beside:
            lines += text.rivals([("this run", self.greedy), *((one.rival.name, one.found) for one in self.beside)])
        return "\n".join([*lines, f"files  {', '.join(FILES)} in {self.folder}"])

    def write(self, seed: int) -> None:
        """Write the files.

        Args:
            seed: of the episodes, for the record.

        Raises:
            RunFolderError: something cannot be written.
        """
        kinds = {"greedy": self.greedy, "stochastic": self.stochastic}
        record: dict[str, Any] = {
            name: one.social | {"welfare": one.welfare, "policies": one.policies} for name, one in kinds.items()
        }
        record |= {"users": [asdict(user) for user in self.users], "beside": [one.record() for one in self.beside]}
        files.write_json(self.folder / FILES[0], record | {"episodes": self.episodes, "seed": seed})
        files.write(self.folder / FILES[1], text.users_csv(self.users))
        names = tuple(user.user for user in self.users)
        files.write(self.folder / FILES[2], text.returns_csv(names, rows_of(self.greedy, self.beside)))


def rows_of(found: Evaluation, beside: Sequence[Beside]) -> list[Row]:
    """All policies on offer, those of the run first.

    Args:
        found: of the run.
        beside: its rivals.
    """
    own = [Row(str(j), returns) for j, returns in enumerate(found.matrix)]
    return own + [row for one in beside for row in one.rows()]


def evaluate_run(folder: Path, episodes: int = 100, seed: int = 1, beside: Sequence[str] = ()) -> RunEvaluation:
    """Play fresh episodes of every policy of a run; write what is found into its folder (``FILES``).

    Args:
        folder: of the run.
        episodes: of each policy.
        seed: of the episodes.
        beside: other methods to judge on the same users (:func:`policybudget.assessment.rivals.rival`): run folders,
            ``sb3:FILE``, ``onnx:FILE``, ``python:FILE.py:NAME``; several policies of one method with commas.

    Returns:
        The evaluation, of greedy and of sampled actions; rivals act as they do.

    Raises:
        PolicyBudgetError: an argument is out of range, or the folder holds no run that can be evaluated.
    """
    if episodes < 1:
        raise PolicyBudgetError(f"episodes must be at least 1, got {episodes}")
    check_seed(seed)
    result = load(folder)
    problem = problem_of(folder, result)

    def judged(policies: Acting, assignment: np.ndarray, greedy: bool) -> Evaluation:
        world, users = problem.world, problem.population
        return evaluate(world, users, policies, assignment, episodes, seed, greedy, problem.welfare)

    rivals = [rival(name, problem, seed) for name in beside]
    greedy = judged(result.policies, result.assignment, True)
    others = tuple(Beside(one, judged(one.policies, one.assignment, True)) for one in rivals)
    found = RunEvaluation(
        folder=folder,
        greedy=greedy,
        stochastic=judged(result.policies, result.assignment, False),
        users=served(problem.population, result.assignment, greedy, rows_of(greedy, others)),
        beside=others,
        episodes=episodes,
        welfare="welfare" if problem.welfare == Utilitarian() else f"{problem.welfare} welfare",
    )
    found.write(seed)
    return found


@dataclass(frozen=True)
class RunsEvaluation:
    """What fresh episodes say of several runs, such as the budgets and seeds of one study.

    Attributes:
        folder: with all runs below it.
        runs: by the path of their folder below that one.
        means: of greedy welfare with 95 % intervals over runs, for runs of one folder and one budget.
    """

    folder: Path
    runs: dict[str, RunEvaluation]
    means: dict[str, dict[str, Any]]

    def text(self) -> str:
        """A line per run, and the means of those that differ in their seed alone."""
        lines = [f"{'run':<30} {'welfare':>9} {'+-':>7} {'worst':>9} {'unserved':>9}"]
        for name, run in self.runs.items():
            value, spread, social = run.greedy.welfare["mean"], run.greedy.welfare["ci95"], run.greedy.social
            lines.append(
                f"{name[-30:]:<30} {value:>9.2f} {shown(spread):>7} {social['worst']:>9.2f} {social['unserved']:>9}"
            )
        for name, mean in self.means.items():
            lines.append(f"{f'mean {name}'.strip()[-30:]:<30} {mean['mean']:>9.2f} {mean['ci95']:>7.2f}")
        about = ["(95 % intervals: of a run over its episodes, of a mean over runs)"] if self.means else []
        return "\n".join([*lines, *about, f"files  {', '.join(FILES)} in each run of {self.folder}"])


def evaluate_folder(
    folder: Path, episodes: int = 100, seed: int = 1, beside: Sequence[str] = ()
) -> RunEvaluation | RunsEvaluation:
    """Evaluate a run, or every run below a folder, such as ``train --seeds`` leaves; evaluation.json sums up.

    Args:
        folder: of the run, or of the runs.
        episodes: of each policy.
        seed: of the episodes.
        beside: as :func:`evaluate_run` has it.

    Returns:
        The evaluation.

    Raises:
        PolicyBudgetError: as in :func:`evaluate_run`.
    """
    below = runs_in(folder)
    if below == [folder]:
        return evaluate_run(folder, episodes, seed, beside)
    runs = {str(path.relative_to(folder)): evaluate_run(path, episodes, seed, beside) for path in below}
    together: dict[tuple[str, int], list[float]] = {}  # of a folder and a budget: only seeds differ
    for path in below:
        run = runs[str(path.relative_to(folder))]
        place = "" if path.parent == folder else str(path.parent.relative_to(folder))
        together.setdefault((place, len(run.greedy.matrix)), []).append(run.greedy.welfare["mean"])
    means = {
        f"{place} k = {k}".strip(): mean_ci95(values) for (place, k), values in together.items() if len(values) > 1
    }
    found = RunsEvaluation(folder, runs, means)
    each = {name: run.greedy.welfare | run.greedy.social for name, run in runs.items()}
    files.write_json(folder / FILES[0], {"means": means, "runs": each, "episodes": episodes, "seed": seed})
    return found
