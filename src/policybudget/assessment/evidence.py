"""The evidence for each policy of a budget, and for all of them together, as records: what a reviewer signs.

Three sets of episodes keep the judge apart from all choices:

* those of the training, by which agents were assigned to policies;
* episodes of *choice*: who is worst off, which policy would be best for whom;
* episodes of *judgement*: every number that is reported. None of them had a part in a choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from policybudget.assessment import intervals, seeds
from policybudget.assessment.curve import assign
from policybudget.assessment.evaluate import judge
from policybudget.assessment.statistics import mean_ci95
from policybudget.population import Population
from policybudget.welfare import Welfare, parse

FUNCTIONS = ("utilitarian", "p-mean:0.5", "nash", "p-mean:-1", "p-mean:-10", "egalitarian", "gini")
"""Welfare functions that every report has, whatever was trained for."""
SPLIT = 8
"""Different numbers above which a grouping by numbers is one by quarters."""


@dataclass(frozen=True)
class Samples:
    """What agents were paid, episode by episode.

    Attributes:
        got: (e, n) of agent i in the judging episodes of the policies that serve it.
        offered: (e, n) of the policy that was best for agent i in the episodes of choice.
        chosen: (k, n) mean returns in the episodes of choice.
        matrix: (k, n) mean returns in the judging episodes.
        spread: (k, n) half-widths of their 95 % intervals; infinite for a single episode.
        serves: (n,) the most likely policy of each agent; k for none.
    """

    got: Float[np.ndarray, "e n"]
    offered: Float[np.ndarray, "e n"]
    chosen: Float[np.ndarray, "k n"]
    matrix: Float[np.ndarray, "k n"]
    spread: Float[np.ndarray, "k n"]
    serves: Int[np.ndarray, " n"]


def samples(
    population: Population,
    assignment: Float[np.ndarray, "k n"],
    choice: Float[np.ndarray, "k e m"],
    judging: Float[np.ndarray, "k e m"],
) -> Samples:
    """Returns to agents from feature returns.

    Args:
        population: the n agents.
        assignment: (k, n) α.
        choice: (k, e, m) feature returns of episodes that nothing is reported of.
        judging: (k, e, m) feature returns of others.
    """
    alpha = np.asarray(assignment, np.float64)
    rest = np.maximum(1.0 - alpha.sum(axis=0), 0.0)
    outside = np.zeros(alpha.shape[1]) if population.outside is None else np.asarray(population.outside, np.float64)
    got = np.tile(rest * np.where(np.isfinite(outside), outside, 0.0), (judging.shape[1], 1))
    chosen = np.asarray(population.rewards.agents(jnp.asarray(choice.mean(axis=1))), np.float64)
    best, offered = chosen.argmax(axis=0), np.empty_like(got)
    matrix, spread = np.empty_like(chosen), np.empty_like(chosen)
    for policy, features in enumerate(judging):
        each = np.asarray(population.rewards.agents(jnp.asarray(features)), np.float64)
        got += alpha[policy] * each
        offered[:, best == policy] = each[:, best == policy]
        matrix[policy], spread[policy] = each.mean(axis=0), intervals.each_ci95(each)
    serves = np.where(alpha.max(axis=0) >= rest, alpha.argmax(axis=0), len(alpha))
    return Samples(got, offered, chosen, matrix, spread, serves)


def of_agents(
    found: Samples,
    names: tuple[str, ...],
    of: Int[np.ndarray, " g"],
    weights: Float[np.ndarray, " n"] | None,
    floor: Float[np.ndarray, " n"] | None,
) -> dict[str, Any]:
    """What is reported of some agents, such as those of a policy.

    Args:
        found: returns of all n agents.
        names: n names.
        of: positions of the agents; at least one.
        weights: (n,) how many people agents stand for; None for one each.
        floor: (n,) what each should have; None without a floor.

    Returns:
        ``agents``, ``people``, ``mean``, ``cvar``, ``worst``, ``regret`` (to the best of the k policies) and, with a
        floor, how many are shown to be ``below`` and ``above`` it, and how many are ``undecided``.
    """
    got, share = found.got[:, of], None if weights is None else weights[of]
    worst = intervals.worst_agent(_expected(found, of), got)
    record: dict[str, Any] = {
        "agents": len(of),
        "people": float(len(of) if share is None else share.sum()),
        "mean": intervals.mean_return(got, share),
        "cvar": intervals.cvar(got, share),
        "worst": {
            "agent": names[of[worst.agent]], "mean": worst.mean, "ci95": worst.ci95, "smallest_mean": worst.naive,
            "none_below": worst.bound,
        },
        "regret": intervals.difference(found.offered[:, of], got, share),
    }  # fmt: skip
    if floor is not None:
        against = intervals.against(got, floor[of])
        record["floor"] = {
            "below": int(against.below.sum()), "above": int(against.above.sum()),
            "undecided": int(against.undecided.sum()),
        }  # fmt: skip
    return record


def _expected(found: Samples, of: Int[np.ndarray, " g"]) -> Float[np.ndarray, " g"]:
    """Mean returns of agents in the episodes of choice, of the policies that serve them."""
    rows = np.minimum(found.serves[of], len(found.chosen) - 1)
    expected: np.ndarray = found.chosen[rows, of]
    return expected


def welfare_functions(
    population: Population, assignment: Float[np.ndarray, "k n"], judging: Float[np.ndarray, "k e m"], own: Welfare
) -> list[dict[str, Any]]:
    """The welfare of the same assignment under every function, that of the training first.

    Args:
        population: the n agents.
        assignment: (k, n) α.
        judging: (k, e, m) feature returns of judging episodes.
        own: the welfare function of the training.

    Returns:
        ``function``, ``mean`` and ``ci95`` of each.
    """
    names = [str(own), *(name for name in FUNCTIONS if name != str(own))]
    return [{"function": name, **judge(population, judging, assignment, parse(name)).welfare} for name in names]


def curse(
    population: Population, found: Samples, welfare: Welfare, assignment: Float[np.ndarray, "k n"]
) -> dict[str, float]:
    """The winner's curse: what an assignment by the episodes of choice seems to be worth, and what it is worth.

    Args:
        population: the n agents.
        found: returns of all n agents.
        welfare: the welfare function.
        assignment: (k, n) α of the run.

    Returns:
        ``on_choice``: welfare of the best assignment on the episodes that it was chosen by; ``fresh``: of the same on
        fresh ones; ``run``: of the run's assignment on these.
    """
    objective = population.objective(welfare)
    chosen = assign(found.chosen, population.outside)
    worth = [(chosen, found.chosen), (chosen, found.matrix), (assignment, found.matrix)]
    names = ("on_choice", "fresh", "run")
    values = (float(objective.summary(alpha, table)["welfare"]) for alpha, table in worth)
    return dict(zip(names, values, strict=True))


def for_agents_like_these(found: Samples) -> dict[str, Any]:
    """The mean return, where the agents are a sample of those to come.

    Args:
        found: returns of all n agents.

    Returns:
        ``mean`` and ``ci95`` over agents and episodes (:func:`policybudget.assessment.seeds.bootstrap`).
    """
    return seeds.bootstrap(found.got.T[None], agents=True)


def groups(found: Samples, labels: Mapping[str, Int[np.ndarray, " g"]], weights: np.ndarray | None) -> dict[str, Any]:
    """Mean returns of groups of agents, and the gap between the best and the worst of them.

    Which groups these are is decided by the episodes of choice.

    Args:
        found: returns of all n agents.
        labels: positions of the agents of each group, by its name.
        weights: (n,) how many people agents stand for; None for one each.

    Returns:
        ``groups``, each with ``group``, ``agents``, ``mean`` and ``ci95``; ``gap`` with ``mean``, ``ci95``, ``best``
        and ``worst``, None for a single group.
    """
    everybody = np.arange(found.got.shape[1])
    expected = _expected(found, everybody)
    share = intervals.shares(weights, len(everybody))
    each = [
        {"group": name, "agents": len(of), **intervals.mean_return(found.got[:, of], share[of])}
        for name, of in labels.items()
    ]
    if len(labels) < 2:
        return {"groups": each, "gap": None}
    level = {name: float(np.average(expected[of], weights=share[of])) for name, of in labels.items()}
    best, worst = max(level, key=lambda name: level[name]), min(level, key=lambda name: level[name])
    gap = found.got[:, labels[best]] @ intervals.shares(share[labels[best]], len(labels[best]))
    gap = gap - found.got[:, labels[worst]] @ intervals.shares(share[labels[worst]], len(labels[worst]))
    return {"groups": each, "gap": {**mean_ci95(gap), "best": best, "worst": worst}}


def grouped(cells: list[str] | Float[np.ndarray, " n"], name: str) -> dict[str, Int[np.ndarray, " g"]]:
    """Agents by what a column says of them; numbers by quarters where there are many different ones.

    Args:
        cells: n texts or numbers.
        name: of the column.

    Returns:
        Positions by the name of the group, in order.
    """
    try:
        values = np.asarray([float(cell) for cell in cells])
        numbers = bool(np.isfinite(values).all())
    except ValueError:
        numbers = False
    if not numbers:
        of: dict[str, list[int]] = {}
        for position, cell in enumerate(cells):
            of.setdefault(str(cell), []).append(position)
        return {f"{name} {text}": np.array(of[text]) for text in sorted(of)}
    different = np.unique(values)
    if len(different) <= SPLIT:
        return {f"{name} {value:g}": np.flatnonzero(values == value) for value in different}
    edges = np.quantile(values, [0.25, 0.5, 0.75])
    quarter, low = np.searchsorted(edges, values, side="left"), [values.min(), *edges]
    found = {}
    for index, (start, end) in enumerate(zip(low, [*edges, values.max()], strict=True)):
        if (quarter == index).any():
            found[f"{name} {start:.4g} to {end:.4g}"] = np.flatnonzero(quarter == index)
    return found
