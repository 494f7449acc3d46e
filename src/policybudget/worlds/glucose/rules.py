"""Basal-bolus rules, the yardsticks of learned policies, and whole days under them.

* The personalised rule that simglucose ships: basal insulin that keeps the patient steady; with a meal, the announced
  grams over the patient's carbohydrate ratio and, above 150 mg/dL, what the reading is above 140 over the correction
  factor. It knows each patient's own settings.
* Constant rules: always the same action (:mod:`policybudget.worlds.glucose.world`), the same for everybody.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from policybudget.worlds.glucose.patients import Patients
from policybudget.worlds.glucose.world import MOST_BASAL, MOST_CORRECTION, MOST_PER_GRAM, Day, Device, GlucoseWorld

Rule = Callable[[GlucoseWorld, Device, Array], Array]
"""From the world, what the device knows and the numbers of a rule (s,) to U until the next step."""
TARGET, HIGH = 140.0, 150.0
"""mg/dL that corrections aim at, and above which there are some."""
BASALS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8)
"""U/h of the usual grid."""
PER_GRAM = (0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.25)
"""U/g of the usual grid."""
CORRECTIONS = (0.0, 0.005, 0.01, 0.02, 0.04)
"""U/h per mg/dL above 150, of the usual grid."""


def personalised(world: GlucoseWorld, device: Device, settings: Float[Array, " 3"]) -> Float[Array, ""]:
    """The dose of simglucose's rule.

    Args:
        world: which says how long a step is.
        device: what was read and announced.
        settings: (3,) basal insulin in U/h, carbohydrate ratio in g/U, correction factor in mg/dL per U.

    Returns:
        U until the next step.
    """
    basal, ratio, factor = settings
    reading = device.readings[0]
    correction = jnp.where(reading > HIGH, (reading - TARGET) / factor, 0.0)
    bolus = jnp.where(device.announced > 0, device.announced / ratio + correction, 0.0)
    dose: Array = basal * world.minutes / 60 + bolus
    return dose


def own_settings(patients: Patients) -> Float[np.ndarray, "n 3"]:
    """The settings of the personalised rule.

    Args:
        patients: n patients.

    Returns:
        (n, 3) basal insulin in U/h, carbohydrate ratio in g/U, correction factor in mg/dL per U.
    """
    settings = (patients.basal, patients.columns["CR"], patients.columns["CF"])
    return np.stack(settings, axis=1).astype(np.float32)


def constant(world: GlucoseWorld, device: Device, action: Float[Array, " a"]) -> Float[Array, ""]:
    """The dose of a rule that always takes the same action.

    Args:
        world: which says what the action means.
        device: what was read and announced.
        action: (a,) in [-1, 1].

    Returns:
        U until the next step.
    """
    return world.dose(device, action)


def grid(
    world: GlucoseWorld,
    basals: Sequence[float] = BASALS,
    per_gram: Sequence[float] = PER_GRAM,
    corrections: Sequence[float] = CORRECTIONS,
) -> tuple[Float[np.ndarray, "r a"], Float[np.ndarray, "r a"]]:
    """All combinations of some settings, as constant actions.

    Args:
        world: in which they act; where meals are not announced there is no bolus.
        basals: U/h.
        per_gram: U per announced gram.
        corrections: U/h per mg/dL above 150.

    Returns:
        The actions, and the settings in these units: basal insulin, correction and, if meals are announced, bolus.
    """
    axes = (basals, corrections, per_gram)[: world.actions.size]
    settings = np.array(list(itertools.product(*axes)), np.float64)
    most = np.array([MOST_BASAL, MOST_CORRECTION, MOST_PER_GRAM])[: world.actions.size]
    return (2 * np.sqrt(settings / most) - 1).astype(np.float32), settings


@eqx.filter_jit
def totals(
    world: GlucoseWorld,
    rule: Rule,
    settings: Float[Array, "n s"],
    tasks: Float[Array, "n p"],
    keys: Key[Array, "n days"],
) -> Float[Array, "n days d"]:
    """Outcomes of whole days, summed over each day.

    Args:
        world: in which the patients live.
        rule: what decides on doses.
        settings: (n, s) its numbers for each patient.
        tasks: (n, p) the patients' numbers, rows of ``Population.dynamics``.
        keys: (n, days) of the days: the same key is the same meals and sensor errors.

    Returns:
        (n, days, d) sums of the outcome over the steps of each day.
    """

    def day(key: Array, settings: Array, task: Array) -> Array:
        def step(carry: tuple[Day, Array], _: None) -> tuple[tuple[Day, Array], None]:
            state, total = carry
            after = world.deliver(state, rule(world, state.device, settings), task)
            return (after.state, total + after.outcome), None

        first, _ = world.reset(key, task)
        (_, total), _ = jax.lax.scan(step, (first, jnp.zeros(world.outcome_size)), None, world.time_limit)
        return total

    days: Array = jax.vmap(jax.vmap(day, in_axes=(0, None, None)))(keys, settings, tasks)
    return days


@eqx.filter_jit
def totals_of_grid(
    world: GlucoseWorld,
    actions: Float[Array, "r a"],
    tasks: Float[Array, "n p"],
    keys: Key[Array, "n days"],
    batch: int = 16,
) -> Float[Array, "r n d"]:
    """Mean outcomes of days under constant rules, all on the same days.

    Args:
        world: in which the patients live.
        actions: (r, a) of the rules.
        tasks: (n, p) the patients' numbers.
        keys: (n, days) of the days.
        batch: rules that are played at once.

    Returns:
        (r, n, d) sums of the outcome over a day, means over the days.
    """

    def one(action: Array) -> Array:
        everybody = jnp.broadcast_to(action, (len(tasks), len(action)))
        return totals(world, constant, everybody, tasks, keys).mean(axis=1)

    table: Array = jax.lax.map(one, actions, batch_size=batch)
    return table


def returns(
    world: GlucoseWorld, totals: Float[np.ndarray, "... n d"], wishes: Float[np.ndarray, "2 n"] | None = None
) -> Float[np.ndarray, "... n"]:
    """The agents' returns from the sums of the outcomes of their days.

    Args:
        world: which says how many steps a day has.
        totals: (.., n, d) sums over a day, or means of such sums.
        wishes: (2, n) the agents' weights on low and on high glucose; 1 if None.

    Returns:
        (.., n) returns, 100 at most.
    """
    low, high = np.ones(2) if wishes is None else np.asarray(wishes, np.float64)
    values = np.asarray(totals, np.float64)
    worth: np.ndarray = 100.0 - (low * values[..., 0] + high * values[..., 1]) / world.time_limit
    return worth
