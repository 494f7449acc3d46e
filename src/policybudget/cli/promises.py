"""What ``policybudget generalise`` promises of new tasks: races, certificates, and the Lipschitz bound."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from policybudget.assessment.certificate import Certificate, Exact, Floor, Reference, Target, certify, lipschitz_gap
from policybudget.assessment.episodes import Tape, play_alone
from policybudget.assessment.races import NOBODY, Races, race
from policybudget.cli.held_out import HeldOut
from policybudget.errors import PolicyBudgetError
from policybudget.policies.stacked import Policies
from policybudget.population import Population
from policybudget.runs.prototypes import Prototypes
from policybudget.worlds.interface import World


def races(parsed: argparse.Namespace, world: World, tasks: Population, policies: Policies) -> Races:
    """A race in every task, as the options say."""
    tape = Tape(world, tasks, policies, parsed.seed)
    low, high = parsed.range
    limits = {"alpha": parsed.alpha, "beta": parsed.beta, "episodes": parsed.race_episodes, "floor": parsed.floor}
    return race(tape, low, high, method=parsed.method, **limits)


def told(ended: Races) -> list[str]:
    """How the races ended."""
    reasons = ", ".join(f"{number} {reason}" for reason, number in ended.reasons().items() if number)
    used = f"{ended.episodes.mean():.1f} episodes a task, {ended.episodes.max()} at most"
    lines = [f"race: {reasons} ({used})"]
    if ended.choices[0].floor is not None:
        shares = ", ".join(f"{number} {what}" for what, number in ended.floor().items() if number)
        lines.append(f"floor {ended.choices[0].floor:g}: {shares}")
    return lines


def certificates(
    parsed: argparse.Namespace,
    world: World,
    held: HeldOut,
    policies: Policies,
    members: np.ndarray,
    best: np.ndarray | None,
) -> Iterator[tuple[str, Certificate]]:
    """For each target that was asked for, its name and the certificate.

    Args:
        parsed: the options.
        world: where to play.
        held: the tasks.
        policies: on trial.
        members: who serves each task; ``NOBODY`` for nobody, whose task is not counted.
        best: (tasks,) the exact optima, if they were asked for.
    """
    low, high = parsed.range
    served = members != NOBODY
    alone = np.where(served, members, 0)
    returns = play_alone(world, held.tasks, policies, alone, parsed.episodes, parsed.seed)
    returns[~served] = low
    for name, target in _targets(parsed, world, held, best):
        epsilon = 0.0 if isinstance(target, Floor) else parsed.epsilon
        yield name, certify(returns, target, low=low, high=high, epsilon=epsilon, alpha=parsed.alpha)


def _targets(
    parsed: argparse.Namespace, world: World, held: HeldOut, best: np.ndarray | None
) -> Iterator[tuple[str, Target]]:
    if parsed.floor is not None:
        yield "floor", Floor(parsed.floor)
    if best is not None:
        yield "exact", Exact(best)
    if held.reference is not None:
        policies, own = held.reference.policies, held.reference.assignment.argmax(axis=0)
        returns = play_alone(world, held.tasks, policies, own, parsed.episodes, parsed.seed, stream=1)
        yield "reference", Reference(held.source, returns)


def optima(world: World, tasks: Population) -> np.ndarray:
    """The best return of any policy in each task (tasks,), even of one that knows the time; nothing is discounted.

    Raises:
        PolicyBudgetError: the world's tables are not known.
    """
    from policybudget.exact import best_returns, from_toy_text

    kind, _, identifier = world.name.partition(":")
    remedy = "use --reference or --floor"
    if kind != "gym":
        raise PolicyBudgetError(f"--exact is for gym: worlds that carry their tables, got {world.name}; {remedy}")
    weights = tasks.rewards.weights
    assert weights is not None  # users of gym: worlds have some
    try:
        tables = from_toy_text(identifier, np.asarray(weights), discount=1.0, horizon=world.time_limit)
    except PolicyBudgetError as error:
        raise PolicyBudgetError(f"--exact: {str(error).partition(';')[0]}; {remedy}") from None
    return best_returns(tables)


def lipschitz(
    parsed: argparse.Namespace, world: World, where: np.ndarray, places: Prototypes, members: np.ndarray
) -> tuple[dict[str, Any], str]:
    """How far from optimal the nearest member can be in each task, if the user's constant is right.

    Args:
        parsed: the options.
        world: it has a time limit.
        where: (tasks, d) their parameters.
        places: of the members, in the same.
        members: the nearest to each task.
    """
    apart = np.abs(places.places[members] - where).max(axis=1)
    gaps = [lipschitz_gap(parsed.lipschitz, d, world.time_limit, 1.0, parsed.training_error) for d in apart.tolist()]
    how = {"constant": parsed.lipschitz, "steps": world.time_limit, "training_error": parsed.training_error}
    record = how | {"distance": apart.tolist(), "gap": gaps, "mean": float(np.mean(gaps)), "worst": max(gaps)}
    return record, (
        f"If rewards change by at most {parsed.lipschitz:g} per unit of a parameter and members lack at most "
        f"{parsed.training_error:g} on their own tasks (your word for both), the nearest member is within "
        f"{record['worst']:.2f} of the best in each of these tasks, within {record['mean']:.2f} on average."
    )
