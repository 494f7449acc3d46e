"""What k rules can be worth to savers: the best k of many candidates, and a bound on any k.

Candidates are rules that can be written down (:func:`candidates`); what each is worth to each saver is exact
(:mod:`policybudget.worlds.savers.planning`), and so is the choice of k (:mod:`policybudget.selection`). No k rules
of any kind are worth more than :mod:`policybudget.exact.savers_bound` says.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from policybudget.errors import check_agents, check_seed
from policybudget.exact.optima import Listener, Optima, checked, rounded, silent
from policybudget.exact.savers_bound import bounds
from policybudget.population import Population
from policybudget.selection.subset import Selection, best_subsets
from policybudget.worlds.savers.names import savers_world
from policybudget.worlds.savers.planning import GRID, at, best_rule, utility, worth
from policybudget.worlds.savers.population import read_savers, savers_population
from policybudget.worlds.savers.saver import Saver
from policybudget.worlds.savers.world import BEST, SaversWorld

LEVELS = np.linspace(0.0, 1.0, 11)
EARLY = 40
"""Years left at which straight glide paths begin."""
AVERSIONS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.0, 12.0)


@dataclass(frozen=True)
class Candidates:
    """Rules that may be approved.

    Attributes:
        names: c names.
        shares: (c, T, g) in stocks with 1 to T years left, at the points of the grid of planning.
    """

    names: tuple[str, ...]
    shares: Float[np.ndarray, "c T g"]


@dataclass(frozen=True, eq=False)
class SaversOptima(Optima):
    """The best rules for each of some budgets.

    Attributes:
        world: its name.
        names: of the candidates.
        savers: n names.
        asked: the budgets.
        best: per budget, which candidates, and for whom.
        most: per budget, a welfare that no rules of any kind exceed.
    """

    world: str
    names: tuple[str, ...]
    savers: tuple[str, ...]
    asked: tuple[int, ...]
    best: tuple[Selection, ...]
    most: tuple[float, ...]

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets k."""
        return self.asked

    @property
    def welfare(self) -> tuple[float, ...]:
        """Per budget, the mean return of the best candidates; 100 is every saver's own best rule."""
        return tuple(rounded(found.welfare) for found in self.best)

    @property
    def bounds(self) -> tuple[float, ...]:
        """Per budget, a welfare that no rules exceed."""
        return tuple(map(rounded, self.most))

    @property
    def word(self) -> str:
        """The best of the candidates, which may not be the best of all rules."""
        return "welfare"

    @property
    def unit(self) -> str:
        """Of the welfare."""
        return "welfare (mean return)"

    def about(self) -> dict[str, Any]:
        """The world and the size of the tables."""
        return {"world": self.world, "savers": len(self.savers), "candidates": len(self.names)}

    def entries(self) -> list[dict[str, Any]]:
        """Per budget, the welfare, the bound, and the rules with their savers."""
        return [
            {
                "budget": budget,
                "welfare": welfare,
                "bound": bound,
                "rules": [
                    {"rule": self.names[row], "savers": [self.savers[i] for i in np.flatnonzero(found.labels == j)]}
                    for j, row in enumerate(found.chosen)
                ],
            }
            for budget, welfare, bound, found in zip(self.asked, self.welfare, self.bounds, self.best, strict=True)
        ]

    def policies(self) -> list[dict[str, Any]]:
        """The rules of the first budget."""
        return [
            {"policy": j, "rule": rule["rule"], "savers": len(rule["savers"])}
            for j, rule in enumerate(self.entries()[0]["rules"])
        ]

    def remarks(self) -> list[str]:
        """How far the best of all rules may be."""
        return [f"no {self.asked[0]} rules are worth more than {self.bounds[0]:.2f}"]


def savers_optimum(
    world: str,
    budgets: Iterable[int],
    *,
    agents: int | None = None,
    population_seed: int = 0,
    population: Path | None = None,
    listener: Listener = silent,
) -> SaversOptima:
    """The best k rules that can be written down, and a bound on any k.

    Args:
        world: ``savers`` or ``savers:wealth``; it says what rules may depend on.
        budgets: each from 1 to the number of savers.
        agents: n that are drawn; the usual 30 if None.
        population_seed: of the draw.
        population: a users.csv of savers, instead.
        listener: called after each budget.

    Returns:
        The rules.

    Raises:
        PolicyBudgetError: an argument is out of range, or the file is wrong.
    """
    check_seed(population_seed)
    if agents is not None:
        check_agents(agents)
    made = savers_world(world)
    savers = savers_population(agents, population_seed) if population is None else read_savers(population)
    asked = checked(budgets, savers.size)
    known = candidates(made, savers)
    table = returns(made, savers, known.shares)
    weights, outside = savers.agent_weights, savers.outside
    most = bounds(made, savers, asked)
    best = []
    for found in best_subsets(table, [min(k, len(table)) for k in asked], weights, outside):
        best.append(found)
        listener(f"budget {asked[len(best) - 1]}  welfare {found.welfare:.2f}")
    return SaversOptima(made.name, known.names, savers.names, asked, tuple(best), most)


def candidates(world: SaversWorld, savers: Population) -> Candidates:
    """Rules that can be written down, and that see what policies see in a world.

    Without wealth: straight lines from a share with 40 years or more left to a share in the last year, in steps of
    10 %, that never rise. With it, the best rules of savers with a risk aversion of 1.5 to 12, and of those in the
    table.

    Args:
        world: says what is seen.
        savers: whose horizons and returns they are for.

    Returns:
        The candidates.
    """
    told, shares, names = Saver(*_told(savers).T), [], []
    longest = int(told.horizon.max())
    if not world.wealth_seen:
        pairs = [(early, late) for early, late in itertools.product(LEVELS, LEVELS) if early >= late]
        age = np.clip(np.arange(longest) / (EARLY - 1), 0.0, 1.0)
        lines = np.array([late + (early - late) * age for early, late in pairs])
        paths = [f"{100 * early:.0f} % to {100 * late:.0f} %" for early, late in pairs]
        return Candidates(tuple(paths), np.broadcast_to(lines[..., None], (*lines.shape, len(GRID))))
    spans = sorted({*zip(told.first.astype(int).tolist(), told.span.astype(int).tolist(), strict=True)})
    for (first, count), aversion in itertools.product(spans, sorted({*AVERSIONS, *told.aversion.tolist()})):
        names.append(f"aversion {aversion:g}" + (f", years from row {first}" if len(spans) > 1 else ""))
        shares.append(best_rule(aversion, np.asarray(world.gross)[first : first + count], longest)[1])
    return Candidates(tuple(names), np.stack(shares))


def returns(world: SaversWorld, savers: Population, shares: Float[np.ndarray, "c T g"]) -> Float[np.ndarray, "c n"]:
    """The expected returns of rules, exactly.

    Args:
        world: whose returns are drawn from.
        savers: n agents.
        shares: (c, T, g) in stocks; T is the longest of their horizons at least.

    Returns:
        (c, n) mean returns.
    """
    certain = certainty(world, savers, shares)
    told = Saver(*_told(savers).T)
    return np.asarray(BEST * (1 + utility(certain / np.asarray(told.best), np.asarray(told.aversion))))


def certainty(world: SaversWorld, savers: Population, shares: Float[np.ndarray, "c T g"]) -> Float[np.ndarray, "c n"]:
    """The certainty equivalents of final wealth under rules, exactly.

    Args:
        world: whose returns are drawn from.
        savers: n agents.
        shares: (c, T, g) in stocks; T is the longest of their horizons at least.

    Returns:
        (c, n) in all that each saver pays in.
    """
    gross, rows = np.asarray(world.gross), _told(savers)
    found = np.empty((len(shares), savers.size))
    longest = int(rows[:, 0].max())
    for group in {(row[2], row[4], row[5]) for row in rows}:
        aversion, first, count = group
        values = worth(shares[:, :longest], aversion, gross[int(first) : int(first + count)])
        for i in np.flatnonzero((rows[:, [2, 4, 5]] == group).all(axis=1)):
            found[:, i] = at(values, int(rows[i, 0]), rows[i, 1])
    return found


def _told(savers: Population) -> Float[np.ndarray, "n p"]:
    assert savers.dynamics is not None
    return np.asarray(savers.dynamics, np.float64)
