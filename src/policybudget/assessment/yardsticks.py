"""What learned policies are held against in the world of glucose, patient by patient, all on the same days.

* The personalised rule that simglucose ships; it knows each patient's own settings.
* The best k of a grid of constant basal-bolus rules, for each k. They are chosen exactly
  (:mod:`policybudget.selection`) by their mean returns on some days, with who gets which, and judged on others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.selection.subset import best_subsets
from policybudget.worlds.glucose import rules
from policybudget.worlds.glucose.patients import Patients
from policybudget.worlds.glucose.world import GlucoseWorld


@dataclass(frozen=True)
class Yardstick:
    """How the agents fare under a rule, or under a committee of rules.

    Attributes:
        name: of the rule.
        budget: k; None where every patient has a rule of their own.
        totals: (n, d) sums of the outcome over a day, means over the days judged on.
        returns: (n,) mean returns.
        labels: (n,) which of the k serves each agent; None where every patient has a rule of their own.
        settings: (k, a) of the rules: basal insulin in U/h, correction in U/h per mg/dL above 150 and, if meals are
            announced, bolus in U/g; None where every patient has a rule of their own.
    """

    name: str
    budget: int | None
    totals: Float[np.ndarray, "n d"]
    returns: Float[np.ndarray, " n"]
    labels: Int[np.ndarray, " n"] | None = None
    settings: Float[np.ndarray, "k a"] | None = None


def personalised(
    world: GlucoseWorld, population: Population, patients: Patients, days: Key[Array, "n days"]
) -> Yardstick:
    """The rule that simglucose ships, with each patient's own settings.

    Args:
        world: in which the agents live.
        population: n agents.
        patients: who they are, in the same order.
        days: (n, days) keys of the days to judge on.

    Returns:
        How the agents fare.
    """
    settings, tasks = jnp.asarray(rules.own_settings(patients)), jnp.asarray(population.dynamics)
    totals = np.asarray(rules.totals(world, rules.personalised, settings, tasks, days)).mean(axis=1)
    return Yardstick("personalised basal-bolus", None, totals, rules.returns(world, totals, _wishes(population)))


def best_rules(
    world: GlucoseWorld,
    population: Population,
    budgets: Sequence[int],
    chosen_on: Key[Array, "n days"],
    judged_on: Key[Array, "n days"],
    grid: tuple[np.ndarray, np.ndarray] | None = None,
) -> Iterator[Yardstick]:
    """The best k constant rules of a grid.

    Args:
        world: in which the agents live.
        population: n agents, whose wishes decide what is best.
        budgets: each k.
        chosen_on: (n, days) keys of the days to choose on.
        judged_on: (n, days) keys of the days to judge on; none may be among the others.
        grid: actions and settings, as :func:`policybudget.worlds.glucose.rules.grid` gives them; the usual if None.

    Returns:
        How the agents fare, budget by budget.

    Raises:
        PolicyBudgetError: a day is in both sets.
    """
    if {*map(bytes, _bits(chosen_on))} & {*map(bytes, _bits(judged_on))}:
        raise PolicyBudgetError("rules must be judged on other days than those they were chosen on, got one day twice")
    actions, settings = rules.grid(world) if grid is None else grid
    tasks, wishes = jnp.asarray(population.dynamics), _wishes(population)
    table = rules.totals_of_grid(world, jnp.asarray(actions), tasks, chosen_on)
    worth = rules.returns(world, np.asarray(table), wishes)
    for budget, best in zip(budgets, best_subsets(worth, budgets, population.agent_weights), strict=True):
        given = jnp.asarray(actions[best.chosen[best.labels]])
        totals = np.asarray(rules.totals(world, rules.constant, given, tasks, judged_on)).mean(axis=1)
        returns = rules.returns(world, totals, wishes)
        yield Yardstick(f"best {budget} of a grid", budget, totals, returns, best.labels, settings[best.chosen])


def _wishes(population: Population) -> np.ndarray:
    """(2, n) weights on low and on high glucose."""
    return np.asarray(population.rewards.weights, np.float64)[1:]


def _bits(keys: Key[Array, "n days"]) -> np.ndarray:
    return np.asarray(jax.random.key_data(keys)).reshape(-1, 2)
