"""Training from Python: what ``policybudget train`` does, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from policybudget import runtime
from policybudget.assignment.rule import AssignmentRule
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.problem import RepresentedMDP
from policybudget.runs.folder import locked, new_folder
from policybudget.runs.result import Result
from policybudget.search.search import Search
from policybudget.studies.run import train_in
from policybudget.training.events import Listener
from policybudget.training.listeners import tracking
from policybudget.training.listeners.progress import LiveProgress
from policybudget.training.record import write_config
from policybudget.training.train import Training


def train(
    problem: RepresentedMDP,
    rule: AssignmentRule | str = "em",
    *,
    search: Search | str | None = None,
    learner: PPO | None = None,
    preset: str = "default",
    transitions: int = 1_000_000,
    seed: int = 0,
    out: str | Path | None = None,
    quiet: bool = False,
    listeners: Iterable[Listener] = (),
    log: Sequence[str] = (),
) -> Result:
    """Train a budget of policies, as ``policybudget train`` with the same settings does, to the bit.

    Args:
        problem: the r-MDP.
        rule: who is with whom: an assignment rule, or the name of one.
        search: how the loop is spent: a search, or the name of one; that of the preset if None.
        learner: settings of the learner; those of the preset if None.
        preset: what is not given comes from it: "default", "plain" or "paper" (:func:`policybudget.preset`).
        transitions: per policy; whole iterations that fit are run, at least one.
        seed: decides everything but the population.
        out: a run folder, new or empty, for all that ``policybudget train`` leaves; None to leave no files.
        quiet: whether no progress is shown on standard error.
        listeners: called after every iteration.
        log: trackers that are told what metrics.csv says, too, "wandb" and "mlflow"; they need ``out``.

    Returns:
        The trained policies; their welfare is that of the greedy policies on fresh episodes.

    Raises:
        PolicyBudgetError: a setting is out of range, or the parts do not go together.
        RunFolderError: the folder is not empty, or something cannot be written.
        WorldError: the world raised, or gave something that is not finite.
    """
    training = Training.of(
        problem, rule, search=search, learner=learner, preset=preset, transitions=transitions, seed=seed
    )
    tracking.check(log)
    if out is None and log:
        raise PolicyBudgetError(f"log needs a run folder, got log={list(log)} and no out; give out=DIR")
    if out is None:
        with LiveProgress(Console(stderr=True, quiet=quiet)) as live:
            return training.run([live, *listeners])
    with locked(new_folder(Path(out))) as folder:
        write_config(folder, training, preset, len(runtime.available()), log)
        return train_in(folder, training, quiet=quiet, listeners=listeners, log=log).result
