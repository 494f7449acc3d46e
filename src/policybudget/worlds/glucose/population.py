r"""Who is served in the world of glucose: patients, each with a body and with wishes.

With T steps a day, agent i is paid per step

.. math:: r^i = \frac{100}{T} \Bigl(1 - \frac{w^i_{low}\, r_{low} + w^i_{high}\, r_{high}}{100}\Bigr)

where :math:`r_{low}, r_{high}` are the risks of glucose that is too low or too high
(:mod:`policybudget.worlds.glucose.risk`). A day without any risk is worth 100. With weights of 1 the return is 100 less
the day's mean risk index, from 0 to 100; larger weights can push it below 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from policybudget.csv_table import Table, numbers, read_table
from policybudget.errors import PolicyBudgetError, did_you_mean
from policybudget.population import Experience, FeatureMap, Population, Rewards
from policybudget.users import ABOUT_USERS, details_of, names_of
from policybudget.worlds.glucose.patients import Patients, all_patients
from policybudget.worlds.glucose.world import GlucoseWorld

WISHES = ("low", "high")
COLUMNS = ("patient", *WISHES, *ABOUT_USERS)
"""Of a users.csv: the first is needed; wishes are 1 where there is no such column."""
THERAPY = (
    "log2 body weight (kg)",
    "log2 basal (U/h)",
    "log2 carbohydrate ratio (g/U)",
    "log2 correction (mg/dL per U)",
)
"""What tells patients apart for covers and figures; a difference of 1 is a factor of 2."""
PERFECT = 100.0
"""Return of a day without any risk."""


class DailyRisk(FeatureMap):
    """Three features: what a step without risk is worth, and what low and high glucose take from it.

    Attributes:
        steps: T, of a day.
    """

    steps: int

    def __call__(self, transition: Experience) -> Float[Array, "*batch 3"]:
        """The features (.., 3), from the first two numbers of the outcome."""
        low, high = transition.outcome[..., 0], transition.outcome[..., 1]
        return jnp.stack([jnp.full_like(low, PERFECT), -low, -high], axis=-1) / self.steps


def glucose_population(world: GlucoseWorld, agents: int | None = None, population_seed: int = 0) -> Population:
    """Patients who want no glucose that is too low or too high, both weighted 1.

    Args:
        world: which they act in.
        agents: n; all 30 if None.
        population_seed: decides which, if not all.

    Returns:
        The agents, in the order of the table of patients.

    Raises:
        PolicyBudgetError: there are not so many patients.
    """
    patients = all_patients()
    most = len(patients.names)
    if agents not in (None, most):
        if agents is None or not 1 <= agents <= most:
            raise PolicyBudgetError(
                f"there are {most} patients, got --agents {agents}; more users can share a patient in --population"
            )
        order = np.random.default_rng([population_seed, 0x91]).permutation(most)[:agents]
        patients = patients.rows([patients.names[i] for i in sorted(order)])
    return served(world, patients, np.ones((len(patients.names), 2)))


def served(
    world: GlucoseWorld, patients: Patients, wishes: np.ndarray, names: Sequence[str] | None = None, **details: Any
) -> Population:
    """Patients with wishes as a population.

    Args:
        world: which they act in.
        patients: n of them.
        wishes: (n, 2) weights on low and on high glucose, not negative.
        names: of the agents; those of the patients if None.
        **details: ``agent_weights`` and ``outside`` of :class:`Population`.

    Returns:
        The agents; their ``dynamics`` are rows of :class:`~policybudget.worlds.glucose.parameters.Parameters`.
    """
    weights = np.concatenate([np.ones((len(wishes), 1)), wishes], axis=1).astype(np.float32)
    therapy = (patients.columns["BW"], patients.basal, patients.columns["CR"], patients.columns["CF"])
    wanted = (wishes != 1).any()
    parameters = [np.log2(np.stack(therapy, axis=1)), *([wishes] if wanted else [])]
    return Population(
        tuple(patients.names if names is None else names),
        Rewards(DailyRisk(world.time_limit), jnp.asarray(weights.T)),
        3,
        parameters=np.concatenate(parameters, axis=1).astype(np.float32),
        parameter_names=(*THERAPY, *(WISHES if wanted else ())),
        return_scale=PERFECT,
        highest_return=PERFECT,
        dynamics=patients.parameters,
        **details,
    )


def read_patients(world: GlucoseWorld, path: Path) -> Population:
    """Agents from a users.csv: column ``patient``, and if wanted ``low``, ``high``, ``name``, ``weight``, ``outside``.

    ``low`` and ``high`` are the user's weights on the two risks. Users can share a patient.

    Args:
        world: which they act in.
        path: of the file, in UTF-8.

    Returns:
        The agents, one per row.

    Raises:
        PolicyBudgetError: the file is missing or wrong; the line says in which line and column.
    """
    table = read_table(path, "population", "user", "users")
    header = table.header
    if "patient" not in header or len(set(header)) < len(header) or not set(header) <= set(COLUMNS):
        raise PolicyBudgetError(
            f"{path} must have a column patient and may have {', '.join(COLUMNS[1:])}, each once; "
            f"its columns are {', '.join(header[:20])}"
        )
    patients = all_patients().rows(_known(table, header.index("patient")))
    wishes = np.stack([_wishes(table, wish) for wish in WISHES], axis=1)
    about = {name: i for i, name in enumerate(header) if name in ABOUT_USERS}
    names = names_of(table, about.get("name")) or _told_apart(patients.names)
    return served(world, patients, wishes, names, **details_of(table, about))


def _known(table: Table, column: int) -> list[str]:
    """The cells of column ``patient``, if all are patients."""
    names, known = [cell.strip() for cell in table.columns[column]], all_patients().names
    for name, line in zip(names, table.lines, strict=True):
        if name not in known:
            hint = did_you_mean(name, known) or "; patients are adolescent#, adult# and child#001 to 010"
            raise PolicyBudgetError(f"{table.path}, line {line}, column patient: there is no patient {name!r}{hint}")
    return names


def _wishes(table: Table, wish: str) -> Float[np.ndarray, " n"]:
    if wish not in table.header:
        return np.ones(len(table.lines))
    return numbers(table, table.header.index(wish), "a number from 0 on", lambda x: (x >= 0) & (x < 1e6))


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names of patients, numbered where users share one."""
    seen, told = dict[str, int](), []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told
