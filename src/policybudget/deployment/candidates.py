"""What the policies that a run keeps besides its result are worth: candidates for when one more policy is due."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from policybudget.assessment.curve import play_candidates
from policybudget.deployment.due import FRESH
from policybudget.errors import PolicyBudgetError
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.runs.csv_file import as_csv
from policybudget.runs.kept import kept
from policybudget.runs.result import Result


def candidates_csv(run: Path, result: Result, problem: RepresentedMDP, episodes: int, seed: int) -> str:
    """Mean feature returns of every kept policy in two disjoint sets of fresh episodes: to choose by, and to judge by.

    Args:
        run: folder of a run that was trained with a pool.
        result: of the run.
        problem: with the users.
        episodes: of each policy in each set.
        seed: of the episodes.

    Returns:
        The content of candidates.csv, as :class:`policybudget.deployment.due.Candidates` reads it.

    Raises:
        PolicyBudgetError: the run keeps no other policies, or its rewards are no weights on components.
    """
    rewards = problem.population.rewards
    if not rewards.weigh_outcome:
        raise PolicyBudgetError(
            "candidates need users with weights on components of a reward: what a policy is worth to new users cannot "
            "be computed otherwise"
        )
    stored = kept(run, result.architecture)
    sets = [Policies.from_arrays(part) for part in stored.values()]
    played = play_candidates(problem.world, problem.population, sets, episodes, seed)
    names = [f"{name} {j}" for name, part in zip(stored, sets, strict=True) for j in range(part.budget)]
    chosen, judged = (np.asarray(part, np.float64).mean(axis=1) for part in (played.choose, played.judge))
    columns = list(getattr(problem.world, "components", ()) or ()) or [str(i) for i in range(chosen.shape[1])]
    rows = [
        [name, *map(float, one), *map(float, other)] for name, one, other in zip(names, chosen, judged, strict=True)
    ]
    return as_csv([["name", *columns, *(FRESH + column for column in columns)], *rows])
