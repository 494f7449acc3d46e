r"""The budget curve: what k policies are worth, for every k, so that a buyer sees the price of one more.

Of a set of candidate policies the best k are chosen for every k, exactly
(:mod:`policybudget.selection`). Three disjoint sets of episodes keep the judge apart from the choice:

::

    choose: the best k of all candidates           on the first set
    assign: each agent's best of these k           on the second
    judge:  welfare and all else that is reported  on the third

What the same choice is worth on the episodes that it was chosen by (``chosen_on``) is reported beside it: the
difference is the winner's curse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from policybudget.assessment.evaluate import judge
from policybudget.assessment.portfolio import for_any_order
from policybudget.assessment.statistics import mean_ci95
from policybudget.policies.acting import Acting
from policybudget.population import Population
from policybudget.rollouts.sampler import play
from policybudget.selection.choice import choose
from policybudget.streams import Stream, derive
from policybudget.welfare import Welfare
from policybudget.worlds.interface import World

COLUMNS = (
    "budget", "welfare", "ci95", "seeds", "worst", "worst_ci95", "above_floor", "optimum", "one_more", "one_more_ci95",
    "chosen_on", "any_welfare", "net",
)  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """Returns of c candidate policies in three disjoint sets of e episodes.

    Attributes:
        choose: (c, e, m) feature returns.
        assign: (c, e, m) feature returns.
        judge: (c, e, m) feature returns.
    """

    choose: Float[np.ndarray, "c e m"]
    assign: Float[np.ndarray, "c e m"]
    judge: Float[np.ndarray, "c e m"]


@dataclass(frozen=True)
class Point:
    """One budget of one training, judged.

    Attributes:
        budget: k.
        welfare: of the agents, on fresh episodes.
        ci95: half-width of its 95 % interval over episodes; None for a single one.
        chosen_on: the welfare of the same choice on the episodes that it was chosen by.
        worst: the smallest mean return of an agent.
        above_floor: share of the agents whose mean return is at least the floor; None without one.
        any_welfare: the smallest ratio, over power means from the mean to the worst agent, of its worth to that of k
            candidates that were chosen for it; None where returns are negative.
        chosen: candidates that were chosen, ascending.
    """

    budget: int
    welfare: float
    ci95: float | None
    chosen_on: float
    worst: float
    above_floor: float | None
    any_welfare: float | None
    chosen: tuple[int, ...]


def play_candidates(
    world: World, population: Population, sets: Sequence[Acting], episodes: int, seed: int
) -> Candidates:
    """Three disjoint sets of fresh greedy episodes of every candidate.

    Args:
        world: where to play.
        population: the n agents.
        sets: policies, in parts that each have a normaliser of their own.
        episodes: e, of each policy in each set.
        seed: of the episodes.
    """
    streams = (Stream.CHOICE_EPISODES, Stream.ASSIGNMENT_EPISODES, Stream.JUDGING_EPISODES)
    found = []
    for stream in streams:
        key = derive(jax.random.key(seed), stream)
        parts = (
            play(world, population.rewards, policies, jax.random.fold_in(key, index), episodes, True).returns
            for index, policies in enumerate(sets)
        )
        found.append(np.concatenate([np.asarray(part) for part in parts]))
    return Candidates(*found)


def point(
    population: Population, welfare: Welfare, candidates: Candidates, budget: int, floor: float | None = None
) -> Point:
    """The best k candidates, judged.

    Args:
        population: the n agents.
        welfare: the welfare function.
        candidates: their returns.
        budget: k, at most the number of candidates.
        floor: the return that an agent should have; None for none.
    """
    objective = population.objective(welfare)
    on_choice = _table(population, candidates.choose)
    chosen = choose(objective, on_choice, budget)
    on_judging = _table(population, candidates.judge)
    ratios = for_any_order(on_choice, on_judging, chosen, weights=population.agent_weights)
    assignment = assign(_table(population, candidates.assign[chosen]), population.outside)
    found = judge(population, candidates.judge[chosen], assignment, welfare)
    hindsight = objective.summary(assign(on_choice[chosen], population.outside), on_choice[chosen])
    gets = objective.utilities(jnp.asarray(assignment), jnp.asarray(found.matrix))
    return Point(
        budget=budget,
        welfare=float(found.welfare["mean"]),
        ci95=found.welfare["ci95"],
        chosen_on=float(hindsight["welfare"]),
        worst=float(found.social["worst"]),
        above_floor=None if floor is None else float(np.mean(np.asarray(gets) >= floor)),
        any_welfare=None if ratios is None else float(ratios.min()),
        chosen=tuple(map(int, chosen)),
    )


def assign(
    returns: Float[np.ndarray, "k n"], outside: Float[np.ndarray, " n"] | None = None
) -> Float[np.ndarray, "k n"]:
    """Each agent's best policy, or none where the option outside is at least as good.

    Args:
        returns: (k, n) mean returns.
        outside: (n,) what each agent has without any policy; None for nothing.

    Returns:
        α, a column of zeros for an agent that keeps its option outside.
    """
    best: Int[np.ndarray, " n"] = returns.argmax(axis=0)
    alpha: Float[np.ndarray, "k n"] = (np.arange(len(returns))[:, None] == best).astype(np.float64)
    if outside is not None:
        served: Bool[np.ndarray, " n"] = returns.max(axis=0) > np.asarray(outside)
        alpha = alpha * served
    return alpha


def _table(population: Population, returns: Float[np.ndarray, "c e m"]) -> Float[np.ndarray, "c n"]:
    """Mean returns to the agents."""
    return np.asarray(population.rewards.agents(jnp.asarray(returns.mean(axis=1))), np.float64)


@dataclass(frozen=True)
class Row:
    """One budget over all seeds.

    Attributes:
        budget: k.
        welfare: mean, and ci95 over seeds; of a single seed over its episodes.
        seeds: how many trainings.
        worst: the smallest mean return of an agent, mean over seeds with ci95.
        above_floor: share of the agents at or above the floor, mean over seeds; None without a floor.
        optimum: the best that k policies can do, or a bound on it; None where it is not known.
        one_more: what the next larger budget of the curve adds for each policy, with ci95 over seeds; None for the
            last.
        chosen_on: the welfare on the episodes that the policies were chosen by, mean over seeds.
        any_welfare: how good the policies are for any power mean at least, mean over seeds; None where it is not known.
        net: the welfare less the cost of k policies; None without a cost.
    """

    budget: int
    welfare: dict[str, Any]
    seeds: int
    worst: dict[str, Any]
    above_floor: float | None
    optimum: float | None
    one_more: dict[str, Any] | None
    chosen_on: float
    any_welfare: float | None
    net: float | None

    def cells(self) -> list[Any]:
        """As ``COLUMNS`` has them; blank where something is not known."""
        more = self.one_more or {"mean": None, "ci95": None}
        found = [
            self.budget, self.welfare["mean"], self.welfare["ci95"], self.seeds, self.worst["mean"],
            self.worst["ci95"], self.above_floor, self.optimum, more["mean"], more["ci95"], self.chosen_on,
            self.any_welfare, self.net,
        ]  # fmt: skip
        return ["" if x is None else f"{x:.6g}" if isinstance(x, float) else x for x in found]


def curve(
    seeds: Sequence[Sequence[Point]], optima: Sequence[float | None], cost: float | None = None
) -> tuple[Row, ...]:
    """The curve over seeds.

    Args:
        seeds: of each training, its points; all have the same ascending budgets.
        optima: per budget, the best that is possible; None where it is not known.
        cost: of one policy, in units of welfare; None for none.
    """
    rows = []
    for index, (points, optimum) in enumerate(zip(zip(*seeds, strict=True), optima, strict=True)):
        welfare = mean_ci95([one.welfare for one in points])
        if len(points) == 1:
            welfare = {"mean": points[0].welfare, "ci95": points[0].ci95}
        more = None
        if index + 1 < len(seeds[0]):
            step = seeds[0][index + 1].budget - points[0].budget
            more = mean_ci95([(one[index + 1].welfare - one[index].welfare) / step for one in seeds])
        budget = points[0].budget
        chosen_on = float(np.mean([one.chosen_on for one in points]))
        rows.append(Row(
            budget, welfare, len(points), mean_ci95([one.worst for one in points]),
            _mean([one.above_floor for one in points]), optimum, more, chosen_on,
            _mean([one.any_welfare for one in points]), None if cost is None else welfare["mean"] - cost * budget,
        ))  # fmt: skip
    return tuple(rows)


def _mean(values: Sequence[float | None]) -> float | None:
    """None where one of them is not known."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def smallest(rows: Sequence[Row], target: float) -> int | None:
    """The smallest budget whose welfare is shown to reach a target: its interval lies above, or its mean without one.

    Args:
        rows: of the curve.
        target: welfare that is wanted.

    Returns:
        The budget; None if no budget reaches the target.
    """
    reached = (row.budget for row in rows if row.welfare["mean"] - (row.welfare["ci95"] or 0.0) >= target)
    return next(reached, None)


def best_for_cost(rows: Sequence[Row]) -> int | None:
    """The budget of the largest welfare less cost.

    Args:
        rows: of the curve.

    Returns:
        The budget, the smallest of equals; None without a cost.
    """
    if any(row.net is None for row in rows):
        return None
    return max(rows, key=lambda row: (row.net or 0.0, -row.budget)).budget
