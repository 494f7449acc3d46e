"""The 30 virtual patients as a table: 10 adolescents, 10 adults, 10 children.

``patients.csv`` keeps the names of columns of simglucose 0.2.11, where the numbers come from (MIT licence, its notice
in ``LICENSE-simglucose.txt``); ``experiments/glucose/patients.py`` writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from policybudget.csv_table import numbers, read_table
from policybudget.errors import not_one_of
from policybudget.worlds.glucose.parameters import Parameters

PATH = Path(__file__).with_name("patients.csv")


@dataclass(frozen=True)
class Patients:
    """Patients, a row each.

    Attributes:
        names: n names, such as ``adult#001``.
        columns: by name of the column, (n,) float64.
    """

    names: tuple[str, ...]
    columns: dict[str, Float[np.ndarray, " n"]]

    @property
    def parameters(self) -> Float[np.ndarray, "n p"]:
        """(n, p) float32, what the model needs of each patient: columns as in :class:`Parameters`."""
        return np.stack([self.columns[name] for name in Parameters._fields], axis=1).astype(np.float32)

    @property
    def basal(self) -> Float[np.ndarray, " n"]:
        """(n,) U/h that keep each patient's glucose where it begins, without meals."""
        return np.asarray(self.columns["u2ss"] * self.columns["BW"] / 6000 * 60)

    def rows(self, names: Sequence[str]) -> Patients:
        """Some of the patients, in any order, each as often as asked for.

        Args:
            names: of the patients.

        Returns:
            Their table.

        Raises:
            PolicyBudgetError: there is no such patient.
        """
        if unknown := [name for name in names if name not in self.names]:
            raise not_one_of("patient", unknown[0], self.names)
        order = np.array([self.names.index(name) for name in names], dtype=int)
        return Patients(tuple(names), {name: column[order] for name, column in self.columns.items()})


@cache
def all_patients() -> Patients:
    """The 30 patients of the table."""
    table = read_table(PATH, "patients", "patient", "patients")
    columns = {name: numbers(table, i) for i, name in enumerate(table.header) if name != "name"}
    return Patients(tuple(table.columns[table.header.index("name")]), columns)
