"""Who is served in the world of savers: a table of savers, from a file, drawn, or the usual one.

What tells savers apart is their risk aversion (that of a utility with constant relative risk aversion), the years until
they need the money, what they pay in each year and what they have already, and the decades whose returns they meet.
"""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from policybudget.csv_table import Table, numbers, read_table
from policybudget.errors import PolicyBudgetError
from policybudget.population import Outcome, Population, Rewards
from policybudget.users import ABOUT_USERS, details_of, names_of
from policybudget.worlds.savers.planning import at, best_rule
from policybudget.worlds.savers.returns import SPLIT, Years, years
from policybudget.worlds.savers.saver import LONGEST, Saver
from policybudget.worlds.savers.world import BEST, OUTCOME

AVERSIONS, HORIZONS, WEALTHS = (2.0, 3.0, 4.0, 6.0, 8.0), (40, 25, 10), (0.0, 20.0)
"""Of the usual 30 savers, all combinations; wealth is in yearly contributions."""
MOST_AVERSION = 12.0
PARAMETERS = ("log2 risk aversion", "horizon (decades)", "share paid in at the start", "first year of returns / 100")
"""What tells savers apart for covers and figures."""
NEEDED = ("risk_aversion", "horizon")
DEFAULTS = {"contribution": 1.0, "wealth": 0.0, "first_year": 0.0, "last_year": SPLIT - 1.0}
"""Columns of a users.csv that may be missing, and what stands in them then."""


@dataclass(frozen=True)
class Savers:
    """Savers, a row each.

    Attributes:
        aversion: (n,) relative risk aversion.
        horizon: (n,) whole years.
        contribution: (n,) paid in each year, in any currency at constant prices.
        wealth: (n,) at the start, likewise.
        first_year: (n,) calendar years whose returns they meet: from this one ...
        last_year: (n,) ... to this one.
    """

    aversion: Float[np.ndarray, " n"]
    horizon: Float[np.ndarray, " n"]
    contribution: Float[np.ndarray, " n"]
    wealth: Float[np.ndarray, " n"]
    first_year: Float[np.ndarray, " n"]
    last_year: Float[np.ndarray, " n"]

    @property
    def paid_in(self) -> Float[np.ndarray, " n"]:
        """(n,) the share of all that each pays in which is there from the start."""
        share: np.ndarray = self.wealth / (self.wealth + self.horizon * self.contribution)
        return share


def savers_population(agents: int | None = None, population_seed: int = 0, held_out: bool = False) -> Population:
    """The usual 30 savers, or savers that are drawn.

    Drawn ones have a risk aversion of 2 to 8 (in quarters), a horizon of 5 to 40 years and a wealth of 0 to 30 yearly
    contributions, evenly.

    Args:
        agents: n; the usual savers if None.
        population_seed: decides the draw.
        held_out: whether they meet the returns from 1990 on, which no saver who is trained for meets; they are then
            others, too.

    Returns:
        The agents.
    """
    if agents is None:
        table = np.array(list(itertools.product(AVERSIONS, HORIZONS, WEALTHS)))
    else:
        draw = np.random.default_rng([population_seed, 0x5A7E, held_out])
        table = np.stack(
            [draw.integers(8, 33, agents) / 4, draw.integers(5, 41, agents), draw.integers(0, 31, agents)], axis=1
        )
    n, aversion, horizon, wealth = len(table), *table.T
    first, last = (SPLIT, years().ends[-1]) if held_out else (DEFAULTS["first_year"], DEFAULTS["last_year"])
    savers = Savers(aversion, horizon, np.ones(n), wealth, np.full(n, float(first)), np.full(n, float(last)))
    return served(savers, years(), _described(savers, agents is not None))


def served(savers: Savers, known: Years, names: list[str], **details: Any) -> Population:
    """Savers as a population.

    Args:
        savers: n of them.
        known: the years that there are.
        names: n names.
        **details: ``agent_weights`` and ``outside`` of :class:`Population`.

    Returns:
        The agents; their ``dynamics`` are rows of :class:`Saver`.

    Raises:
        PolicyBudgetError: of some decades no returns are known.
    """
    spans = list(zip(savers.first_year.astype(int), savers.last_year.astype(int), strict=True))
    rows = {span: known.within(*span) for span in set(spans)}
    first, count = np.array([rows[span] for span in spans]).T
    best = np.empty(len(names))
    for group in {(aversion, span) for aversion, span in zip(savers.aversion, spans, strict=True)}:
        mine = [i for i, one in enumerate(zip(savers.aversion, spans, strict=True)) if one == group]
        start, length = rows[group[1]]
        values, _ = best_rule(group[0], known.gross[start : start + length], int(savers.horizon.max()))
        best[mine] = [at(values, int(savers.horizon[i]), savers.paid_in[i]) for i in mine]
    told = Saver(savers.horizon, savers.paid_in, savers.aversion, best, first, count)  # type: ignore[arg-type]
    weights = jnp.zeros((len(OUTCOME), len(names))).at[0].set(1.0)
    begins = known.begins[first] / 100
    where = (np.log2(savers.aversion), savers.horizon / 10, savers.paid_in, begins)
    return Population(
        tuple(names),
        Rewards(Outcome(), weights),
        len(OUTCOME),
        parameters=np.stack(where, axis=1).astype(np.float32),
        parameter_names=PARAMETERS,
        return_scale=BEST,
        highest_return=BEST,
        dynamics=np.stack(told, axis=1).astype(np.float32),
        **details,
    )


def read_savers(path: Path) -> Population:
    """Agents from a users.csv with columns ``risk_aversion`` and ``horizon``.

    It may have ``contribution`` (1 if missing), ``wealth`` (0), ``first_year`` and ``last_year`` of the returns (to
    1989), ``name``, ``weight`` and ``outside``.

    Args:
        path: of the file, in UTF-8.

    Returns:
        The agents, one per row.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = read_table(path, "population", "user", "users")
    header, may = table.header, (*DEFAULTS, *ABOUT_USERS)
    wrong = len(set(header)) < len(header) or not {*NEEDED} <= {*header} <= {*NEEDED, *may}
    if wrong:
        raise PolicyBudgetError(
            f"{path} must have columns {' and '.join(NEEDED)} and may have {', '.join(may)}, each once; "
            f"its columns are {', '.join(header[:20])}"
        )
    savers = Savers(
        _column(table, "risk_aversion", f"a number above 0, {MOST_AVERSION:g} at most", _averse),
        _column(table, "horizon", f"a whole number of years from 1 to {LONGEST}", _years),
        *(_column(table, name, "a number from 0 on", _money) for name in ("contribution", "wealth")),
        *(_column(table, name, "a year such as 1957", _calendar) for name in ("first_year", "last_year")),
    )
    empty = savers.contribution + savers.wealth == 0
    if empty.any():
        line = table.lines[int(empty.argmax())]
        raise PolicyBudgetError(f"{path}, line {line}: expected a contribution or wealth above 0, got neither")
    about = {name: i for i, name in enumerate(header) if name in ABOUT_USERS}
    names = names_of(table, about.get("name")) or _described(savers, numbered=True)
    try:
        return served(savers, years(), names, **details_of(table, about))
    except PolicyBudgetError as error:
        raise PolicyBudgetError(f"{path}: {error}") from None


def savers_table(population: Population) -> str:
    """The users.csv that :func:`read_savers` reads a population from.

    Args:
        population: of savers.

    Returns:
        The text; contributions are 1.
    """
    assert population.dynamics is not None
    known, text = years(), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", *NEEDED, *DEFAULTS])
    for name, row in zip(population.names, population.dynamics.astype(float), strict=True):
        saver = Saver(*row)
        first, last = int(saver.first), int(saver.first + saver.span) - 1
        pays = saver.paid_in < 1
        wealth = saver.horizon * saver.paid_in / (1 - saver.paid_in) if pays else 1.0
        money = [int(pays), f"{wealth:.6g}"]
        spans = [int(known.begins[first]), int(known.ends[last])]
        writer.writerow([name, f"{saver.aversion:.6g}", int(saver.horizon), *money, *spans])
    return text.getvalue()


def _described(savers: Savers, numbered: bool) -> list[str]:
    """Names that say who it is; with a number where several may be alike."""
    names = []
    for i, (aversion, horizon) in enumerate(zip(savers.aversion, savers.horizon, strict=True)):
        text = f"aversion {aversion:g}, {horizon:.0f} years, {100 * savers.paid_in[i]:.0f} % paid in"
        names.append(f"saver {i}: {text}" if numbered else text)
    return names


def _column(table: Table, name: str, kind: str, fits: Any) -> Float[np.ndarray, " n"]:
    if name not in table.header:
        return np.full(len(table.lines), DEFAULTS[name])
    return numbers(table, table.header.index(name), kind, fits)


def _averse(values: np.ndarray) -> np.ndarray:
    return np.asarray((values > 0) & (values <= MOST_AVERSION))


def _years(values: np.ndarray) -> np.ndarray:
    return np.asarray((values == np.floor(values)) & (values >= 1) & (values <= LONGEST))


def _money(values: np.ndarray) -> np.ndarray:
    return np.asarray((values >= 0) & (values < 1e12))


def _calendar(values: np.ndarray) -> np.ndarray:
    return np.asarray((values == np.floor(values)) & (values >= 0) & (values < 10_000))
