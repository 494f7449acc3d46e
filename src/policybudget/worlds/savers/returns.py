"""Real returns of stocks and bills in the United States, from the files that the package arch ships.

* ``frenchdata``: the market and one-month bills, month by month from July 1926 to November 2018, by Kenneth R. French.
* ``core_cpi``: consumer prices less food and energy, from January 1957 on, from the database FRED.

A month's real gross return is its nominal one over the change of prices. Before 1957 there are no prices in the
package, and no real returns here. Months are then joined to years: every run of twelve months is a year that may have
been, whether it begins in January or not.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from policybudget.errors import PolicyBudgetError, extra

MONTHS = 12
SPLIT = 1990
"""Savers whose decades are not said meet returns from before; those drawn to test on, from this year on."""


@dataclass(frozen=True)
class Years:
    """All runs of twelve months, in the order of their first months.

    Attributes:
        begins: (y,) the calendar year in which each begins.
        ends: (y,) the calendar year in which each ends.
        gross: (y, 2) what one unit of bills and of stocks becomes in it, in constant prices.
    """

    begins: Int[np.ndarray, " y"]
    ends: Int[np.ndarray, " y"]
    gross: Float[np.ndarray, "y 2"]

    def within(self, first: int, last: int) -> tuple[int, int]:
        """The years that lie in some calendar years.

        Args:
            first: calendar year in which the earliest may begin.
            last: calendar year in which the latest may end.

        Returns:
            The row of the first, and how many there are; they follow each other.

        Raises:
            PolicyBudgetError: there is none.
        """
        rows = np.flatnonzero((self.begins >= first) & (self.ends <= last))
        if not len(rows):
            known = f"{self.begins[0]} to {self.ends[-1]}"
            raise PolicyBudgetError(f"returns are known from {known}, got first_year {first} and last_year {last}")
        return int(rows[0]), len(rows)


def years() -> Years:
    """All that the installed package arch knows.

    Returns:
        The years, from February 1957 to November 2018.

    Raises:
        PolicyBudgetError: the package is not installed.
    """
    with extra("savers", "savers"):
        found = find_spec("arch")
        if found is None or not found.submodule_search_locations:
            raise ImportError(name="arch")
    return _read(Path(found.submodule_search_locations[0]) / "data")


@cache
def _read(data: Path) -> Years:
    prices = {_month(row["Date"]): float(row["CPILFESL"]) for row in _rows(data / "core_cpi" / "core-cpi.csv.gz")}
    paid = {
        int(row["Date"]): (float(row["RF"]), float(row["Mkt-RF"]) + float(row["RF"]))
        for row in _rows(data / "frenchdata" / "frenchdata.csv.gz")
    }
    known = sorted(prices)
    months = [month for month in known[1:] if month in paid]
    nominal = 1 + np.array([paid[month] for month in months]) / 100
    inflation = np.array([prices[after] / prices[before] for before, after in pairwise(known)])
    return joined(np.array(months) // 100, nominal / inflation[: len(months), None])


def joined(calendar: Int[np.ndarray, " months"], gross: Float[np.ndarray, "months 2"]) -> Years:
    """Every run of twelve months.

    Args:
        calendar: (months,) the calendar year of each month.
        gross: (months, 2) real gross returns of bills and stocks.

    Returns:
        The years, one less than twelve fewer than the months.
    """
    runs = np.lib.stride_tricks.sliding_window_view(gross, MONTHS, axis=0).prod(axis=-1)
    return Years(calendar[: len(runs)], calendar[MONTHS - 1 :], runs)


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _month(date: str) -> int:
    """A date such as 2/1/1957 as 195702."""
    month, _, year = map(int, date.split("/"))
    return 100 * year + month
