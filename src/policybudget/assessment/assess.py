"""The assessment of a finished run: fresh episodes, the evidence for each policy, files, and one page to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from policybudget.assessment import beside_run, evidence, intervals
from policybudget.assessment.evidence import Samples
from policybudget.assessment.statistics import mean_ci95, plus_minus, shown
from policybudget.assessment.trained_for import problem_of
from policybudget.csv_table import read_table
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import play
from policybudget.runs import arrays, files
from policybudget.runs.csv_file import as_csv
from policybudget.runs.result import Result, load
from policybudget.streams import Stream, derive

FILES = ("assessment.json", "assessment_policies.csv", "assessment_users.csv", "assessment.html")
LISTED = 50
"""Users in assessment.json, those who are served worst; all of them are in the CSV table."""


@dataclass(frozen=True)
class Assessment:
    """What is to be known of a run before its policies are approved.

    Attributes:
        folder: of the run.
        problem: that was trained for.
        result: of the training.
        found: returns of all agents.
        record: everything that is reported, as JSON takes it.
    """

    folder: Path
    problem: RepresentedMDP
    result: Result
    found: Samples = field(repr=False)
    record: dict[str, Any]

    def text(self) -> str:
        """A table of the policies in lines of at most 80 columns."""
        lines = [f"{'policy':>6} {'users':>7} {'mean':>9} {'+-':>7} {'CVaR':>9} {'worst':>9} {'regret':>8}  hash"]
        lines += [_line(card) for card in self.record["policies"]]
        worth = self.record["welfare"][0]
        value = f"{worth['mean']:.2f}{plus_minus(worth['ci95'])}"
        lines.append(f"{worth['function']} welfare {value} (95 %, fresh episodes)")
        return "\n".join([*lines, f"files  assessment.html, .json and two tables .csv in {self.folder}"])


def _line(card: dict[str, Any]) -> str:
    """A policy in the table."""
    one, start, end = card["evidence"], f"{card['policy']:>6}", f"  {card['sha256'][:12]}"
    if one is None:
        return f"{start} {0:>7} {'-':>9} {'-':>7} {'-':>9} {'-':>9} {'-':>8}{end}"
    values = f"{one['mean']['mean']:>9.2f} {shown(one['mean']['ci95']):>7} {one['cvar']['mean']:>9.2f}"
    return f"{start} {one['agents']:>7} {values} {one['worst']['mean']:>9.2f} {one['regret']['mean']:>8.2f}{end}"


def assess_run(
    folder: Path,
    episodes: int = 100,
    seed: int = 1,
    floor: float | None = None,
    groups: str | None = None,
    alone: Path | None = None,
    curve: Path | None = None,
) -> Assessment:
    """Play fresh episodes of every policy of a run, and write what they say into its folder (``FILES``).

    Args:
        folder: of the run.
        episodes: of each policy, in each of two sets: to choose by and to judge by.
        seed: of the episodes.
        floor: the return that a user should have; each user's option outside if None, where they have one.
        groups: a column in which users differ: of the users' table, a task parameter, or ``FILE.csv:COLUMN`` of a table
            with a column ``name``; None for no groups.
        alone: folder of a run with a policy for each user, for the regret to a policy of one's own; None for none.
        curve: folder of a budget curve to show; None for none.

    Returns:
        The assessment.

    Raises:
        PolicyBudgetError: an argument is out of range, or the folder holds no run that can be assessed.
    """
    if episodes < 1:
        raise PolicyBudgetError(f"episodes must be at least 1, got {episodes}")
    check_seed(seed)
    result = load(folder)
    problem = problem_of(folder, result)
    split = None if groups is None else groups_of(problem, result, groups)
    beyond = None if alone is None else beside_run.own_policies(problem, alone, episodes, seed)
    beside = beside_run.about(folder, result, curve)
    rewards, key = problem.population.rewards, jax.random.key(seed)

    def played(stream: Stream) -> tuple[np.ndarray, np.ndarray]:
        found = play(problem.world, rewards, result.policies, derive(key, stream), episodes, True)
        return np.asarray(found.returns), np.asarray(found.lengths)

    choice, (judging, lengths) = played(Stream.CHOICE_EPISODES)[0], played(Stream.JUDGING_EPISODES)
    found = evidence.samples(problem.population, result.assignment, choice, judging)
    record = _record(problem, result, found, judging, lengths, floor, split, beyond)
    about = {"episodes": episodes, "seed": seed, "floor": floor, "groups_by": groups}
    record |= about | beside
    assessment = Assessment(folder, problem, result, found, record)
    _write(assessment)
    return assessment


def _record(
    problem: RepresentedMDP,
    result: Result,
    found: Samples,
    judging: np.ndarray,
    lengths: np.ndarray,
    floor: float | None,
    split: Mapping[str, np.ndarray] | None,
    beyond: np.ndarray | None,
) -> dict[str, Any]:
    """What episodes say; ``beyond`` (e, n) is of policies of one's own."""
    population, names = problem.population, result.agents
    weights, everybody = population.agent_weights, np.arange(len(names))
    limits = population.outside if floor is None else np.full(len(names), floor)
    cards = []
    for policy in range(result.budget):
        of = np.flatnonzero(found.serves == policy)
        one = evidence.of_agents(found, names, of, weights, limits) if len(of) else None
        if one is not None and beyond is not None:
            share = None if weights is None else weights[of]
            one["regret_to_own"] = intervals.difference(beyond[:, of], found.got[:, of], share)
        cards.append({
            "policy": policy, "sha256": arrays.fingerprint(result.arrays, policy), "evidence": one,
            "length": mean_ci95(lengths[policy]),
        })  # fmt: skip
    return {
        "policies": cards,
        "all": evidence.of_agents(found, names, everybody, weights, limits),
        "welfare": evidence.welfare_functions(population, result.assignment, judging, problem.welfare),
        "curse": evidence.curse(population, found, problem.welfare, result.assignment),
        "agents_like_these": evidence.for_agents_like_these(found),
        "unserved": int((found.serves == result.budget).sum()),
        "groups": None if split is None else evidence.groups(found, split, weights),
    }


def groups_of(problem: RepresentedMDP, result: Result, asked: str) -> dict[str, np.ndarray]:
    """Users by a column.

    Args:
        problem: with the users.
        result: of their run.
        asked: a column of the users' table, a task parameter, or ``FILE.csv:COLUMN`` of a table with a column ``name``.

    Returns:
        Positions of the users of each group, by its name.

    Raises:
        PolicyBudgetError: there is no such column, or it lacks a user.
    """
    population, (file, colon, column) = problem.population, asked.rpartition(":")
    if not colon and column in population.parameter_names:
        assert population.parameters is not None
        values = population.parameters[:, population.parameter_names.index(column)]
        return evidence.grouped(np.asarray(values, np.float64), column)
    path = file if colon else result.world.get("population")
    if path is None:
        known = ", ".join(population.parameter_names) or "none"
        raise PolicyBudgetError(f"groups must be a task parameter ({known}) or FILE.csv:COLUMN, got {asked!r}")
    table = read_table(Path(path), "groups", "user", "users")
    if column not in table.header:
        raise PolicyBudgetError(f"{path} has no column {column!r}; its columns are {', '.join(table.header)[:200]}")
    cells = table.columns[table.header.index(column)]
    if "name" in table.header:
        by_name = dict(zip((name.strip() for name in table.columns[table.header.index("name")]), cells, strict=True))
        if lacking := [name for name in result.agents if name not in by_name]:
            raise PolicyBudgetError(f"{path} has no row for user {lacking[0]!r}")
        cells = [by_name[name] for name in result.agents]
    elif len(cells) != len(result.agents):
        raise PolicyBudgetError(f"{path} must have a row per user ({len(result.agents)}), got {len(cells)}")
    return evidence.grouped(cells, column)


def _write(assessment: Assessment) -> None:
    """All files; the page comes last."""
    from policybudget.assessment.report.page import page

    folder, record = assessment.folder, assessment.record
    rows = _users(assessment)
    worst = sorted(rows, key=lambda row: row["return"])[:LISTED]
    files.write_json(folder / FILES[0], record | {"worst_users": worst})
    files.write(folder / FILES[1], as_csv(_policies_table(record["policies"])))
    header = list(rows[0])
    files.write(folder / FILES[2], as_csv([header, *([_cell(row[name]) for name in header] for row in rows)]))
    files.write(folder / FILES[3], page(assessment, worst))


def _users(assessment: Assessment) -> list[dict[str, Any]]:
    """What every user gets, in the order of the population."""
    found, result = assessment.found, assessment.result
    width, best = intervals.each_ci95(found.got), found.offered.mean(axis=0)
    gets, serves = found.got.mean(axis=0).tolist(), found.serves.tolist()
    return [
        {
            "user": name, "policy": None if policy == result.budget else policy, "return": value,
            "ci95": float(spread) if np.isfinite(spread) else None, "regret": float(other - value),
        }
        for name, policy, value, spread, other in zip(result.agents, serves, gets, width, best, strict=True)
    ]  # fmt: skip


def _policies_table(cards: list[dict[str, Any]]) -> list[list[Any]]:
    header = [
        "policy", "sha256", "users", "people", "mean", "mean_ci95", "cvar", "cvar_ci95", "worst_user", "worst",
        "worst_ci95", "none_below", "regret", "regret_ci95", "below_floor", "above_floor",
    ]  # fmt: skip
    rows: list[list[Any]] = [header]
    for card in cards:
        one = card["evidence"]
        if one is None:
            rows.append([card["policy"], card["sha256"], 0, 0, *[""] * (len(header) - 4)])
            continue
        worst, floor = one["worst"], one.get("floor", {"below": None, "above": None})
        cells = [
            card["policy"], card["sha256"], one["agents"], one["people"], one["mean"]["mean"], one["mean"]["ci95"],
            one["cvar"]["mean"], one["cvar"]["ci95"], worst["agent"], worst["mean"], worst["ci95"], worst["none_below"],
            one["regret"]["mean"], one["regret"]["ci95"], floor["below"], floor["above"],
        ]  # fmt: skip
        rows.append([_cell(cell) for cell in cells])
    return rows


def _cell(value: Any) -> Any:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value
