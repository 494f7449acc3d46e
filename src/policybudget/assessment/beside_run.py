"""What lies in and beside a run folder and belongs in its assessment: other seeds, certificates, where it came from."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from sklearn.metrics import adjusted_rand_score

from policybudget.assessment.evidence import samples
from policybudget.assessment.seeds import interquartile_mean
from policybudget.assessment.statistics import mean_ci95
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import play
from policybudget.runs import files, schemas
from policybudget.runs.result import Result, load
from policybudget.streams import Stream, derive

RECORDS = {"certificate": "generalisation.json", "configuration": "config.json", "manifest": "manifest.json"}
"""Records of a run folder that a report shows, where they are there."""
MANIFEST = ("world", "inputs", "sha256", "libraries")
"""What is taken over from the manifest."""


def about(folder: Path, result: Result, curve: Path | None = None) -> dict[str, Any]:
    """Everything beside the episodes of an assessment.

    Args:
        folder: of the run.
        result: of the run.
        curve: folder of a budget curve; None for none.

    Returns:
        ``seeds`` (:func:`over_seeds`), ``curve`` (its record), and the records of the folder; None where something is
        not there.

    Raises:
        RunFolderError: a record is damaged, or the curve is none.
    """
    found = {name: _record(folder / file) for name, file in RECORDS.items()}
    if found["manifest"] is not None:
        found["manifest"] = {name: found["manifest"][name] for name in MANIFEST}
    if found["configuration"] is not None:
        files.checked(folder / RECORDS["configuration"], found["configuration"], schemas.Seeded)
    return {"seeds": over_seeds(folder, result), "curve": None if curve is None else _curve(curve)} | found


def _curve(folder: Path) -> dict[str, Any]:
    """curve.json of a finished budget curve."""
    path = folder / "curve.json"
    if (record := _record(path)) is None:
        raise RunFolderError(f"{folder} is no folder of a finished budget curve: it has no curve.json")
    found = files.checked(path, record, schemas.CurveFound)
    budgets = [row.budget for row in found.rows]
    adds = [row.one_more is not None for row in found.rows]
    if budgets != sorted(set(budgets)) or adds != [True] * (len(adds) - 1) + [False]:
        raise RunFolderError(
            f"{path} is damaged: expected ascending budgets, and what one more adds for all but the last"
        )
    if found.best is not None and found.best not in budgets:
        raise RunFolderError(f"{path} is damaged: the best budget is none of the curve")
    return record


def _record(path: Path) -> dict[str, Any] | None:
    return files.read_json(path) if path.exists() else None


def over_seeds(folder: Path, result: Result) -> dict[str, Any] | None:
    """How alike trainings are that differ in their seed alone: those beside a run in a folder of seeds.

    Args:
        folder: of the run.
        result: of the run.

    Returns:
        ``seeds``, ``welfare`` of each, ``mean`` with ci95 over seeds, ``interquartile_mean``, and ``same_groups``, the
        mean adjusted Rand index of all pairs of assignments (1: the same groups; 0: as alike as chance); None where
        there are no others.
    """
    beside = sorted(path.parent for path in folder.resolve().parent.glob("seed-*/manifest.json"))
    if not folder.resolve().name.startswith("seed-") or len(beside) < 2:
        return None
    others = [load(path) for path in beside]
    alike = [one for one in others if one.agents == result.agents and one.budget == result.budget]
    if len(alike) < 2:
        return None
    labels = [np.where(one.assignment.sum(axis=0) > 0, one.assignment.argmax(axis=0), -1) for one in alike]
    pairs = [float(adjusted_rand_score(one, other)) for one, other in combinations(labels, 2)]
    welfare = [one.welfare for one in alike]
    return {
        "seeds": len(alike), "welfare": welfare, **mean_ci95(welfare),
        "interquartile_mean": interquartile_mean(np.array(welfare)), "same_groups": float(np.mean(pairs)),
    }  # fmt: skip


def own_policies(problem: RepresentedMDP, alone: Path, episodes: int, seed: int) -> Float[np.ndarray, "e n"]:
    """What users are paid by a policy of their own.

    Args:
        problem: whose users are served.
        alone: folder of a run for the same users.
        episodes: of each policy.
        seed: of the episodes.

    Returns:
        (e, n) returns, in episodes of judgement.

    Raises:
        PolicyBudgetError: the run is one for other users, or has fewer policies than users.
    """
    result, population = load(alone), problem.population
    if result.agents != population.names:
        raise PolicyBudgetError(f"{alone} was trained for {len(result.agents)} other users")
    if result.budget < population.size:
        raise PolicyBudgetError(
            f"--alone needs a run with a policy for each of the {population.size} users, got one with {result.budget}"
        )
    key = derive(jax.random.key(seed), Stream.JUDGING_EPISODES, 1)
    played = play(problem.world, population.rewards, result.policies, key, episodes, True)
    returns = np.asarray(played.returns)
    return samples(population, result.assignment, returns, returns).got
