"""What is guaranteed about new tasks: the choice of a policy, certificates, and the Lipschitz bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from policybudget.assessment.best_arm_per_task import NO_POLICY, Choices, select_each
from policybudget.assessment.certificate import Certificate, Exact, Floor, Reference, Target, certify, lipschitz_gap
from policybudget.assessment.episodes import Tape, play_alone
from policybudget.assessment.held_out import HeldOut
from policybudget.assessment.held_out_plan import HeldOutPlan
from policybudget.errors import PolicyBudgetError
from policybudget.policies.acting import Acting
from policybudget.population import Population
from policybudget.runs.prototypes import Prototypes
from policybudget.worlds.interface import World


def choices(plan: HeldOutPlan, world: World, tasks: Population, policies: Acting) -> Choices:
    """Identify the best policy of every task.

    Args:
        plan: says by which method, and how surely.
        world: where to play.
        tasks: as agents.
        policies: k of them.

    Returns:
        The choice of each task.

    Raises:
        PolicyBudgetError: the plan does not fit the number of policies, or a return lies outside its range.
    """
    assert plan.range is not None
    tape = Tape(world, tasks, policies, plan.seed)
    limits: dict[str, Any] = {
        "alpha": plan.alpha,
        "beta": plan.beta,
        "episodes": plan.max_episodes,
        "floor": plan.floor,
    }
    return select_each(tape, *plan.range, method=plan.method, **limits)


def choices_text(found: Choices) -> list[str]:
    """How the choices ended.

    Args:
        found: the choices.

    Returns:
        A line or two.
    """
    reasons = ", ".join(f"{number} {reason}" for reason, number in found.reasons().items() if number)
    used = f"{found.episodes.mean():.1f} episodes a task, {found.episodes.max()} at most"
    lines = [f"best-arm: {reasons} ({used})"]
    if found.choices[0].floor is not None:
        shares = ", ".join(f"{number} {what}" for what, number in found.floor().items() if number)
        lines.append(f"floor {found.choices[0].floor:g}: {shares}")
    return lines


def certificates(
    plan: HeldOutPlan,
    world: World,
    held: HeldOut,
    policies: Acting,
    serves: Int[np.ndarray, " tasks"],
    best: Float[np.ndarray, " tasks"] | None,
) -> Iterator[tuple[str, Certificate]]:
    """A certificate for each target that is asked for.

    Args:
        plan: says which targets.
        world: where to play.
        held: the tasks.
        policies: on trial.
        serves: the policy of each task; a task with ``NO_POLICY`` is not counted.
        best: (tasks,) the exact optima in units of return, if they are asked for.

    Yields:
        The name of a target and its certificate.
    """
    assert plan.range is not None
    low, high = plan.range
    served = serves != NO_POLICY
    alone = np.where(served, serves, 0)
    returns = play_alone(world, held.tasks, policies, alone, plan.episodes, plan.seed)
    returns[~served] = low
    for name, target in _targets(plan, world, held, best):
        epsilon = 0.0 if isinstance(target, Floor) or plan.epsilon is None else plan.epsilon
        yield name, certify(returns, target, low=low, high=high, epsilon=epsilon, alpha=plan.alpha)


def _targets(plan: HeldOutPlan, world: World, held: HeldOut, best: np.ndarray | None) -> Iterator[tuple[str, Target]]:
    if plan.floor is not None:
        yield "floor", Floor(plan.floor)
    if best is not None:
        yield "exact", Exact(best)
    if held.reference is not None:
        policies, own = held.reference.policies, held.reference.assignment.argmax(axis=0)
        returns = play_alone(world, held.tasks, policies, own, plan.episodes, plan.seed, stream=1)
        yield "reference", Reference(held.source, returns)


def optima(world: World, tasks: Population) -> Float[np.ndarray, " tasks"]:
    """The best return of any policy in each task, even of one that knows the time; nothing is discounted.

    Args:
        world: a ``gym:`` world that carries its tables.
        tasks: as agents.

    Returns:
        (tasks,) in units of return.

    Raises:
        PolicyBudgetError: the world's tables are not known, or each task has its own.
    """
    from policybudget.exact import best_returns, from_toy_text

    kind, _, identifier = world.name.partition(":")
    remedy = "use --reference or --floor"
    if world.own_dynamics:
        raise PolicyBudgetError(f"--exact is for users of one environment, theirs differ in {world.name}; {remedy}")
    if kind != "gym":
        raise PolicyBudgetError(f"--exact is for gym: worlds that carry their tables, got {world.name}; {remedy}")
    weights = tasks.rewards.weights
    assert weights is not None  # agents of gym: worlds have some
    try:
        tables = from_toy_text(identifier, np.asarray(weights), discount=1.0, horizon=world.time_limit)
    except PolicyBudgetError as error:
        raise PolicyBudgetError(f"--exact: {str(error).partition(';')[0]}; {remedy}") from None
    return best_returns(tables)


def lipschitz(
    plan: HeldOutPlan,
    world: World,
    where: Float[np.ndarray, "tasks d"],
    places: Prototypes,
    serves: Int[np.ndarray, " tasks"],
) -> tuple[dict[str, Any], str]:
    """How far from optimal the nearest policy can be in each task, if the constant of the plan is right.

    Args:
        plan: with the Lipschitz constant.
        world: it has a time limit.
        where: (tasks, d) their parameters.
        places: of the policies, in the same.
        serves: (tasks,) the nearest policy.

    Returns:
        A record, and a sentence.

    Raises:
        PolicyBudgetError: the tasks differ in their dynamics.
    """
    assert plan.lipschitz is not None
    if world.own_dynamics:
        raise PolicyBudgetError(
            f"--lipschitz bounds rewards that differ, in {world.name} dynamics differ; use --reference or --floor"
        )
    apart = np.abs(places.places[serves] - where).max(axis=1)
    gaps = [lipschitz_gap(plan.lipschitz, d, world.time_limit, 1.0, plan.training_error) for d in apart.tolist()]
    how = {"constant": plan.lipschitz, "steps": world.time_limit, "training_error": plan.training_error}
    record = how | {"distance": apart.tolist(), "gap": gaps, "mean": float(np.mean(gaps)), "worst": max(gaps)}
    return record, (
        f"If rewards change by at most {plan.lipschitz:g} per unit of a parameter and policies lack at most "
        f"{plan.training_error:g} on their own tasks (your word for both), the nearest policy is within "
        f"{record['worst']:.2f} of the best in each of these tasks, within {record['mean']:.2f} on average."
    )
