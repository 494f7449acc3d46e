r"""The best k of the policies of several runs, as a run.

Whoever trains with several seeds, searches or settings has more policies than the budget. Which k of them are worth
most together is answered exactly::

    V[c, i]   mean return of policy c to agent i, over fresh greedy episodes           (all policies of all runs)
    best k    argmax over sets of k policies of the welfare, each agent with its best  (selection/)
    assign    each agent goes with its best of the k, by further episodes
    judge     by further episodes again

The users are those of the first run. The policies stay as they are, bit for bit.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from policybudget.assessment.curve import assign, play_sets
from policybudget.assessment.trained_for import problem_of
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.policies.joining import alone, join
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.progress import progress
from policybudget.rollouts.sampler import play
from policybudget.runs.folder import new_folder, runs_in
from policybudget.runs.result import Result, load
from policybudget.selection.choice import choose
from policybudget.streams import Stream, derive
from policybudget.studies.extension import BASE, base_of


def choose_policies(
    runs: Iterable[str | Path], out: str | Path, *, budget: int, episodes: int = 100, seed: int = 0
) -> Result:
    """Choose the best k policies of several runs, as ``policybudget choose`` does.

    Args:
        runs: run folders, or folders of runs, of one world and one size of networks. The users are those of the first.
        out: a new folder, for the k policies as a run.
        budget: k, at most the number of policies in all runs together.
        episodes: of each policy, to choose by, again to assign by and again to judge by.
        seed: of the episodes.

    Returns:
        The k policies and whom they serve, judged on episodes by which nothing was chosen. ``details["chosen"]`` says
        from which run each policy is.

    Raises:
        PolicyBudgetError: a number is out of range, a run cannot be read, or the runs do not go together.
        RunFolderError: the folder is not new, or cannot be written.
    """
    folders = [folder for run in runs for folder in runs_in(Path(run))]
    if not folders:
        raise PolicyBudgetError("choose needs at least one run folder")
    if episodes < 1:
        raise PolicyBudgetError(f"episodes must be at least 1, got {episodes}")
    check_seed(seed)
    results = [load(folder) for folder in folders]
    problem = problem_of(folders[0], results[0])
    for folder, result in zip(folders[1:], results[1:], strict=True):
        _check_alike(folders[0], results[0], folder, result)
    candidates = [(number, policy) for number, result in enumerate(results) for policy in range(result.budget)]
    if not 1 <= budget <= len(candidates):
        raise PolicyBudgetError(f"budget must be from 1 to the {len(candidates)} policies of these runs, got {budget}")
    where = new_folder(Path(out))
    with progress(f"playing {len(candidates)} policies", 3) as tick:
        key, population = jax.random.key(seed), problem.population
        sets = [result.policies for result in results]

        def table(stream: Stream, said: str) -> Float[np.ndarray, "c n"]:
            played = play_sets(problem.world, population, sets, derive(key, stream), episodes)
            tick(said)
            return np.asarray(population.rewards.agents(jnp.asarray(played.mean(axis=1))), np.float64)

        chosen = choose(problem.objective, table(Stream.CHOICE_EPISODES, "chosen"), budget)
        assignment = assign(table(Stream.ASSIGNMENT_EPISODES, "assigned")[chosen], population.outside)
        from_runs = [candidates[index] for index in chosen]
        found = _judged(problem, results, from_runs, assignment, derive(key, Stream.JUDGING_EPISODES), episodes)
        tick("judged")
    origin = [{"run": str(folders[number].absolute()), "policy": policy} for number, policy in from_runs]
    found = replace(found, details=found.details | {"chosen": origin})
    _keep_configuration(folders[0], where)
    found.save(where)
    return found


def _check_alike(first: Path, one: Result, other: Path, result: Result) -> None:
    """Refuse policies that cannot stand beside those of the first run."""
    if one.architecture.separate != result.architecture.separate:
        raise PolicyBudgetError(
            f"the policies of {first} and {other} differ in what they observe, in their actions or in the sizes of "
            "their networks; only policies of one shape can be put together"
        )


def _judged(
    problem: RepresentedMDP,
    results: list[Result],
    chosen: list[tuple[int, int]],
    assignment: Float[np.ndarray, "k n"],
    key: jax.Array,
    episodes: int,
) -> Result:
    """The chosen policies as a result, by fresh episodes."""
    architecture = results[0].architecture.separate
    numbers = join([alone(results[number].arrays, policy) for number, policy in chosen], architecture)
    rewards = problem.population.rewards
    judged = play(problem.world, rewards, Policies.from_arrays(numbers), key, episodes, True)
    matrix = np.asarray(rewards.agents(judged.returns.mean(axis=1)))
    social = problem.objective.summary(assignment, matrix)
    return replace(
        results[0], arrays=numbers, assignment=assignment, returns=matrix, architecture=architecture, social=social,
        lengths=np.asarray(judged.lengths.mean(axis=1)), welfare=social["welfare"], prototypes=None,
        search=f"the best of {len(results)} runs", transitions=sum(result.transitions for result in results),
        wall_seconds=sum(result.wall_seconds for result in results),
    )  # fmt: skip


def _keep_configuration(run: Path, out: Path) -> None:
    """How the first run was trained, for who extends the choice; nothing where that is not recorded."""
    try:
        configuration = base_of(run)
    except PolicyBudgetError:
        return
    configuration.save(out / BASE)


def chosen_as_text(result: Result) -> str:
    """Which policies were chosen, in lines of at most 80 columns.

    Args:
        result: of :func:`choose_policies`.
    """
    lines = [f"{'policy':>6} {'agents':>7} {'length':>7}  from"]
    served, places = result.assignment.sum(axis=1), [origin["run"] for origin in result.details["chosen"]]
    common = os.path.commonpath([os.path.dirname(run) for run in places])
    for policy, origin in enumerate(result.details["chosen"]):
        source = f"{os.path.relpath(origin['run'], common)[-44:]} policy {origin['policy']}"
        lines.append(f"{policy:>6} {served[policy]:>7.4g} {result.lengths[policy]:>7.4g}  {source}")
    return "\n".join([*lines, f"welfare {result.welfare:.2f}, judged on episodes by which nothing was chosen"])
