"""More policies for a run whose policies are approved: those stay as they are, bit for bit.

::

    options <- best return of the policies that stay, for every agent     (or the agent's own option outside)
    train   new policies for agents with these options outside            (the only loop; training/train.py)
    join    policies that stay and new ones; an agent moves if it is shown to gain (assessment/moves.py)
    judge   both sets on fresh episodes, paired                           (assessment/compare.py)

A new policy is so trained for whom it can win, and the welfare cannot fall: nobody has to move. Where a policy is
replaced, its agents have to; if the new set is worth less than the old one, the old one stays.

The folder of an extension has extension.json (what was asked), the training of the new policies below ``training``, and
in the end what every run folder has, comparison.json, comparison.csv and change.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from policybudget import runtime
from policybudget.assessment.change import change_plan
from policybudget.assessment.compare import Comparison, compare_runs
from policybudget.assessment.moves import settle
from policybudget.assessment.trained_for import problem_of
from policybudget.assignment.newcomers import Newcomers
from policybudget.errors import RunFolderError
from policybudget.policies.joining import alone, join
from policybudget.policies.stacked import Policies
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import play, play_alike
from policybudget.runs import files
from policybudget.runs.folder import locked, new_folder
from policybudget.runs.result import Result, load
from policybudget.streams import Stream, derive
from policybudget.studies.extension import BASE, PLAN, Extension, base_of, recorded
from policybudget.studies.run import train_in
from policybudget.training.configuration import Configuration
from policybudget.training.events import Listener
from policybudget.training.method import preset as method_of
from policybudget.training.record import write_config
from policybudget.training.train import Training

TRAINING, CHANGE = "training", "change.md"


@dataclass(frozen=True)
class Extended:
    """What an extension came to.

    Attributes:
        folder: of the extended run.
        result: of it.
        comparison: with the run before.
        plan: the change in the shape of a predetermined change control plan, as text.
    """

    folder: Path
    result: Result
    comparison: Comparison
    plan: str


def extend_run(
    run: str | Path,
    out: str | Path,
    *,
    add: int = 1,
    without: int | None = None,
    transitions: int | None = None,
    seed: int = 0,
    episodes: int = 100,
    quiet: bool = False,
) -> Extended:
    """Add policies to a run, as ``policybudget extend`` does. Called again after it was stopped, it goes on.

    Args:
        run: folder of the run whose policies are approved.
        out: folder of the extended run: new, or that of the same extension.
        add: how many policies are new.
        without: the policy that they replace (``--replace``); None to keep all.
        transitions: per new policy; as in the run if None.
        seed: of the training of the new policies.
        episodes: of each policy, to assign by and to judge by.
        quiet: whether nothing is shown in the terminal.

    Returns:
        The extended run, compared with the one before.

    Raises:
        PolicyBudgetError: a setting is out of range, the run cannot be trained again, or the folder is of another one.
    """
    asked = transitions if transitions is not None else base_of(Path(run)).transitions
    extension = Extension(Path(run), add, without, asked, seed, episodes)
    with locked(begin(extension, Path(out))) as folder:
        return extend(folder, extension, quiet)


def begin(extension: Extension, out: Path) -> Path:
    """The folder of an extension, new or begun; what is asked is checked before anything is written.

    Args:
        extension: what is asked.
        out: the folder.

    Raises:
        PolicyBudgetError: something is wrong with the run, or the folder is of another extension.
    """
    before = load(extension.run)
    record = extension.record(before)
    if (out / PLAN).exists():
        if recorded(out) != record:
            raise RunFolderError(f"{out} is another extension; go on with it as it began, or choose another --out")
        return out
    problem, base = problem_of(extension.run, before), base_of(extension.run)
    _training(extension, base, problem, len(extension.kept(before.budget)), np.zeros(problem.population.size))
    folder = new_folder(out)
    files.write_json(folder / PLAN, record)
    return folder


def extend(folder: Path, extension: Extension, quiet: bool = False, listeners: Iterable[Listener] = ()) -> Extended:
    """Train what is not trained, join, judge, and write everything.

    Args:
        folder: as :func:`begin` made it.
        extension: what is asked.
        quiet: whether nothing is shown in the terminal.
        listeners: of the training.

    Raises:
        PolicyBudgetError: the training failed; the same call goes on with it.
    """
    before = load(extension.run)
    problem, kept = problem_of(extension.run, before), extension.kept(before.budget)
    key = jax.random.key(extension.seed)
    chosen_by = derive(key, Stream.ASSIGNMENT_EPISODES)
    old = play_alike(problem.world, problem.population.rewards, before.policies, chosen_by, extension.episodes)
    options = _options(problem, old[kept])
    base = base_of(extension.run)
    base.save(folder / BASE)
    training = _training(extension, base, problem, len(kept), options)
    new = _trained(folder / TRAINING, base, training, quiet, listeners)
    joined = joined_result(extension, problem, before, old, new)
    joined.save(folder)
    compared = compare_runs(extension.run, folder, extension.episodes, (extension.seed + 1) % 2**32, folder)
    plan = change_plan(asdict(extension), compared.record)
    files.write(folder / CHANGE, plan.encode())
    return Extended(folder, joined, compared, plan)


def _options(problem: RepresentedMDP, kept: Float[np.ndarray, "k e m"]) -> Float[np.ndarray, " n"]:
    """What every agent has already: the best policy that stays, or its option outside."""
    population = problem.population
    outside = np.full(population.size, -np.inf) if population.outside is None else np.asarray(population.outside)
    if not len(kept):
        return outside
    means = np.asarray(population.rewards.agents(jnp.asarray(kept.mean(axis=1))), np.float64)
    options: np.ndarray = np.maximum(means.max(axis=0), outside)
    return options


def _training(
    extension: Extension, base: Configuration, problem: RepresentedMDP, kept: int, options: Float[np.ndarray, " n"]
) -> Training:
    """Of the new policies: the options of the agents are what they have already.

    Search and learner are those of the run, or of its preset where its rule is not one that moves agents greedily.
    """
    population = problem.population if np.isneginf(options).all() else replace(problem.population, outside=options)
    wanted = replace(problem, population=population, budget=extension.add)
    rule = Newcomers(extension.add / (kept + extension.add))
    usual = method_of(base.preset, base.world, rule)
    method = usual if base.rule.reassigns != "greedily" else replace(base.method, rule=rule)
    return Training(wanted, method, extension.transitions, extension.seed)


def _trained(
    folder: Path, base: Configuration, training: Training, quiet: bool, listeners: Iterable[Listener]
) -> Result:
    """The new policies, trained or gone on with."""
    if (folder / "manifest.json").exists():
        return load(folder)
    if not (folder / "config.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_config(folder, training, base.preset, len(runtime.available()))
    return train_in(folder, training, resume=True, quiet=quiet, listeners=listeners).result


def joined_result(
    extension: Extension, problem: RepresentedMDP, before: Result, old: Float[np.ndarray, "k e m"], new: Result
) -> Result:
    """The policies that stay and the new ones; agents move if they are shown to gain.

    Args:
        extension: what is asked.
        problem: of the run before.
        before: the run.
        old: (k, e, m) feature returns of its policies in the episodes that agents are assigned by.
        new: the new policies.

    Returns:
        The result, judged on fresh episodes. That of the run before, where replacing a policy would lower the welfare.
    """
    key, episodes = jax.random.key(extension.seed), extension.episodes
    kept = extension.kept(before.budget)
    own = [(before.arrays, policy) for policy in kept]
    place = len(kept) if extension.without is None else extension.without
    fresh = [(new.arrays, policy) for policy in range(new.budget)]
    parts = [alone(numbers, policy) for numbers, policy in [*own[:place], *fresh, *own[place:]]]
    architecture = before.architecture.separate
    numbers = join(parts, architecture)
    chosen_by = derive(key, Stream.ASSIGNMENT_EPISODES)
    learned = play_alike(problem.world, problem.population.rewards, new.policies, chosen_by, episodes)
    returns = np.concatenate([old[kept][:place], learned, old[kept][place:]])
    present = np.zeros((len(parts), len(before.agents)), np.float32)
    present[[*range(place), *range(place + new.budget, len(parts))]] = before.assignment[kept]
    assignment = settle(problem.population, present, returns)
    objective, rewards = problem.objective, problem.population.rewards

    def worth(alpha: np.ndarray, played: np.ndarray) -> float:
        return float(objective.value(jnp.asarray(alpha), rewards.agents(jnp.asarray(played.mean(axis=1)))))

    details = {"extends": {"run": str(extension.run), "transitions": new.transitions, "seed": extension.seed}}
    if worth(assignment, returns) < worth(before.assignment, old):
        details["extends"]["refused"] = True
        assignment = before.assignment
        numbers = join([alone(before.arrays, policy) for policy in range(before.budget)], architecture)
    policies = Policies.from_arrays(numbers)
    judged = play(problem.world, rewards, policies, derive(key, Stream.FINAL_EPISODES), episodes, True)
    matrix = np.asarray(rewards.agents(judged.returns.mean(axis=1)))
    social = objective.summary(assignment, matrix)
    return replace(
        before, arrays=numbers, assignment=assignment, returns=matrix, architecture=architecture, social=social,
        lengths=np.asarray(judged.lengths.mean(axis=1)), welfare=social["welfare"], prototypes=None,
        transitions=before.transitions + new.transitions, wall_seconds=before.wall_seconds + new.wall_seconds,
        details=before.details | details,
    )  # fmt: skip
