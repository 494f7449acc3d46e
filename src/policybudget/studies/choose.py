r"""The best k of the policies of several runs, as a run.

Whoever trains with several seeds, searches or settings has more policies than the budget. Which k of them are worth
most together is a question of its own::

    V[c, i]   mean return of policy c to agent i, over fresh greedy episodes           (all policies of all runs)
    best k    argmax over sets of k policies of the welfare, each agent with its best  (selection/choice.py)
    assign    each agent goes with its best of the k, by further episodes
    judge     by further episodes again

The choice is exact where welfare is the mean and V has at most 100 000 values; elsewhere policies are exchanged as long
as that helps. The users are those of the first run. The policies act as they did, by the same numbers.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from policybudget.assessment.curve import assign
from policybudget.assessment.trained_for import problem_of
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.policies.joining import alone, join
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.progress import progress
from policybudget.rollouts.batch import Played
from policybudget.rollouts.sampler import play
from policybudget.runs import arrays, files, inputs
from policybudget.runs.folder import runs_in
from policybudget.runs.result import Result, load
from policybudget.selection.choice import choose
from policybudget.streams import Stream, derive
from policybudget.studies.extension import BASE, base_of


@dataclass(frozen=True, eq=False)
class Candidates:
    """The policies of several runs.

    Attributes:
        problem: whose users are served: that of the first run.
        folders: of the runs, each once.
        results: of the runs.
        policies: (run, policy) of every candidate; of those that act by the same numbers, the first.
    """

    problem: RepresentedMDP
    folders: tuple[Path, ...]
    results: tuple[Result, ...]
    policies: tuple[tuple[int, int], ...]

    @staticmethod
    def of(runs: Iterable[str | Path]) -> Candidates:
        """The candidates in run folders.

        Args:
            runs: run folders, or folders of runs.

        Raises:
            PolicyBudgetError: a run cannot be read, or the runs do not go together.
        """
        folders = tuple(dict.fromkeys(folder.absolute() for run in runs for folder in runs_in(Path(run))))
        if not folders:
            raise PolicyBudgetError("choose needs at least one run folder")
        results = tuple(load(folder) for folder in folders)
        for folder, result in zip(folders, results, strict=True):
            _check_alike(folders[0], results[0], folder, result)
        distinct = dict[str, tuple[int, int]]()
        for number, result in enumerate(results):
            for policy in range(result.budget):
                distinct.setdefault(arrays.fingerprint(result.arrays, policy), (number, policy))
        return Candidates(problem_of(folders[0], results[0]), folders, results, tuple(distinct.values()))

    def of_rows(self, chosen: Int[np.ndarray, " k"]) -> Policies:
        """Some of the candidates as one set, in which nothing is shared.

        Args:
            chosen: (k) their indices.
        """
        parts = [alone(self.results[run].arrays, policy) for run, policy in (self.policies[row] for row in chosen)]
        return Policies.from_arrays(join(parts, self.results[0].architecture))


def _check_alike(first: Path, one: Result, other: Path, result: Result) -> None:
    """Refuse policies that cannot stand beside those of the first run."""
    worlds = [inputs.short(str(each.world.get("name"))) for each in (one, result)]
    if worlds[0] != worlds[1]:
        raise PolicyBudgetError(
            f"{first} is of world {worlds[0]}, {other} of {worlds[1]}; only policies of the same world are put together"
        )
    if one.architecture.separate != result.architecture.separate:
        raise PolicyBudgetError(
            f"the policies of {first} and {other} differ in what they observe, in their actions or in the sizes of "
            "their networks; only policies of one shape can be put together"
        )


def choose_policies(
    runs: Iterable[str | Path], out: str | Path, *, budget: int, episodes: int = 100, seed: int = 0
) -> Result:
    """Choose the best k policies of several runs, as ``policybudget choose`` does.

    Args:
        runs: run folders, or folders of runs, of one world and one size of networks. The users are those of the first.
        out: folder of the k policies as a run. It must not exist; it appears whole or not at all.
        budget: k, at most the number of different policies in all runs together.
        episodes: of each policy, to choose by, again to assign by and again to judge by.
        seed: of the episodes.

    Returns:
        The k policies and whom they serve, judged on episodes by which nothing was chosen. ``details["chosen"]`` says
        from which run each policy is; transitions and seconds are those of all runs.

    Raises:
        PolicyBudgetError: a number is out of range, a run cannot be read, or the runs do not go together.
        RunFolderError: the folder is there already, or cannot be written.
    """
    if episodes < 1:
        raise PolicyBudgetError(f"episodes must be at least 1, got {episodes}")
    check_seed(seed)
    candidates, out = Candidates.of(runs), Path(out)
    number = len(candidates.policies)
    if not 1 <= budget <= number:
        raise PolicyBudgetError(f"budget must be from 1 to the {number} different policies of these runs, got {budget}")
    if out.exists():
        raise PolicyBudgetError(f"{out} is there already: give another --out")
    result = _chosen(candidates, budget, episodes, jax.random.key(seed))
    _write(out, result, candidates.folders[0])
    return result


def _chosen(candidates: Candidates, budget: int, episodes: int, key: PRNGKeyArray) -> Result:
    """The best k, assigned and judged."""
    problem, results = candidates.problem, candidates.results
    population = problem.population

    def played(policies: Policies, stream: Stream, index: int = 0) -> Played:
        of_set = jax.random.fold_in(derive(key, stream), index)
        return play(problem.world, population.rewards, policies, of_set, episodes, True)

    def table(found: Played) -> Float[np.ndarray, "c n"]:
        return np.asarray(population.rewards.agents(jnp.asarray(np.asarray(found.returns).mean(axis=1))), np.float64)

    with progress(f"playing {len(candidates.policies)} policies", len(results) + 2) as tick:
        tables = []
        for index, result in enumerate(results):
            tables.append(table(played(result.policies, Stream.CHOICE_EPISODES, index)))
            tick("choosing")
        returns = np.stack([tables[run][policy] for run, policy in candidates.policies])
        chosen = choose(problem.objective, returns, budget)
        policies = candidates.of_rows(chosen)
        assignment = assign(table(played(policies, Stream.ASSIGNMENT_EPISODES)), population.outside)
        tick("assigning")
        judged = played(policies, Stream.JUDGING_EPISODES)
        tick("judging")
    return _result(candidates, chosen, policies, assignment, table(judged), np.asarray(judged.lengths.mean(axis=1)))


def _result(
    candidates: Candidates,
    chosen: Int[np.ndarray, " k"],
    policies: Policies,
    assignment: Float[np.ndarray, "k n"],
    returns: Float[np.ndarray, "k n"],
    lengths: Float[np.ndarray, " k"],
) -> Result:
    """What is saved of a choice."""
    first, origins = candidates.results[0], []
    for row in chosen:
        run, policy = candidates.policies[row]
        by = candidates.results[run]
        where = str(candidates.folders[run])
        origins.append({"run": where, "policy": policy, "algorithm": by.algorithm, "search": by.search})
    social = candidates.problem.objective.summary(assignment, returns)
    return replace(
        first, arrays=policies.arrays(), assignment=assignment, returns=returns, lengths=lengths,
        architecture=first.architecture.separate, social=social, welfare=social["welfare"], prototypes=None,
        algorithm=" and ".join(sorted({origin["algorithm"] for origin in origins})),
        search=f"the best of {len(candidates.results)} runs",
        transitions=sum(result.transitions for result in candidates.results),
        wall_seconds=sum(result.wall_seconds for result in candidates.results),
        details={"chosen": origins},
    )  # fmt: skip


def _write(out: Path, result: Result, first: Path) -> None:
    """A run folder, whole or not at all, with how the first run was trained, for who extends the choice."""
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        result.save(beside)
        try:
            base_of(first).save(beside / BASE)
        except PolicyBudgetError as error:
            print(f"policybudget: the choice cannot be extended: {error}", file=sys.stderr)
        try:
            beside.rename(out)
        except OSError as error:
            raise files.cannot_write(out, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def chosen_as_text(result: Result) -> str:
    """Which policies were chosen, in lines of at most 80 columns.

    Args:
        result: of :func:`choose_policies`.
    """
    lines = [f"{'policy':>6} {'agents':>7} {'length':>7}  from"]
    served, origins = result.assignment.sum(axis=1), result.details["chosen"]
    common = os.path.commonpath([os.path.dirname(origin["run"]) for origin in origins])
    for policy, origin in enumerate(origins):
        place = os.path.relpath(origin["run"], common)
        place = place if len(place) <= 42 else f"...{place[-39:]}"
        lines.append(
            f"{policy:>6} {served[policy]:>7.6g} {result.lengths[policy]:>7.5g}  {place} policy {origin['policy']}"
        )
    if idle := int((served == 0).sum()):
        lines.append(f"{idle} of {result.budget} policies serve nobody: a smaller budget is worth as much")
    return "\n".join([*lines, f"welfare {result.welfare:.2f}, judged on episodes by which nothing was chosen"])
