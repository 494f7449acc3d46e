"""The physics, against trajectories that simglucose computed (experiments/glucose/reference.py)."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.glucose.parameters import Parameters
from policybudget.worlds.glucose.patient import Patient, digestion, fasting, glucose, metabolism, minute
from policybudget.worlds.glucose.patients import all_patients

REFERENCE = np.load(Path(__file__).with_name("reference.npz"), allow_pickle=False)
PATIENTS = all_patients()
EVERY = 5


@jax.jit
def day(parameters: jax.Array, served: jax.Array, insulin: jax.Array) -> jax.Array:
    """Glucose (289, n) every five minutes, for meals (1440,) in g and insulin (n, 288) in U per minute."""
    p = Parameters(*parameters.T)

    def live(patient: Patient, now: tuple[jax.Array, jax.Array]) -> tuple[Patient, jax.Array]:
        after = minute(patient, jnp.broadcast_to(now[0], p.BW.shape), now[1], p)
        return after, glucose(after, p)

    inputs = served, jnp.repeat(insulin, EVERY, axis=1).T
    _, levels = jax.lax.scan(live, fasting(p), inputs)
    return jnp.concatenate([glucose(fasting(p), p)[None], levels[EVERY - 1 :: EVERY]])


def served() -> np.ndarray:
    grams = np.zeros(1440, np.float32)
    for at, amount in REFERENCE["meals"]:
        grams[at] += amount
    return grams


def test_all_patients_follow_simglucose_for_a_day() -> None:
    assert tuple(REFERENCE["patients"]) == PATIENTS.names
    levels = day(PATIENTS.parameters, served(), REFERENCE["insulin"]).T
    difference = np.abs(np.asarray(levels, np.float64) - REFERENCE["glucose"]).max(axis=1)
    assert difference.max() < 0.1, dict(zip(PATIENTS.names, difference.round(4), strict=True))
    assert difference.max() < 0.04  # what it is


def test_the_reference_exercises_every_equation() -> None:
    levels, p = REFERENCE["glucose"], PATIENTS.columns
    assert 10 < levels.min() < 54 and 400 < levels.max() < 1000
    assert (levels.max(axis=1) * p["Vg"] > p["ke2"]).any()  # the kidneys excrete
    assert "simglucose 0.2.11" in REFERENCE["versions"]


def test_basal_insulin_keeps_glucose_where_it_begins() -> None:
    basal = np.repeat(PATIENTS.basal[:, None] / 60, 288, axis=1).astype(np.float32)
    levels = np.asarray(day(PATIENTS.parameters, np.zeros(1440, np.float32), basal))
    np.testing.assert_allclose(levels, levels[:1].repeat(289, axis=0), atol=0.05)


def test_the_states_at_the_beginning_do_not_change() -> None:
    p = Parameters(*jnp.asarray(PATIENTS.parameters).T)
    insulin = jnp.asarray(PATIENTS.columns["u2ss"], jnp.float32)
    patient = fasting(p)
    changes = metabolism(patient.body, patient.gut.gut, insulin, p)
    for name, rate in changes._asdict().items():
        np.testing.assert_allclose(rate, 0.0, atol=1e-3, err_msg=name)
    assert not any(np.asarray(rate).any() for rate in digestion(patient.gut, jnp.float32(0), jnp.float32(1), p))


def test_a_meal_is_eaten_at_five_grams_a_minute() -> None:
    p = Parameters(*jnp.asarray(PATIENTS.parameters[0]))
    patient, eaten = fasting(p), []
    for grams in (12.0, 0.0, 0.0, 0.0, 4.0, 3.0):
        patient = minute(patient, jnp.float32(grams), jnp.float32(0), p)
        eaten.append(float(patient.eaten))
    assert eaten == [5.0, 5.0, 2.0, 0.0, 4.0, 3.0]
    assert float(patient.plate) == 0.0
    assert sum(map(float, patient.gut)) < 19_000
    assert 17_000 < float(patient.meal) < 19_000  # the second meal met what was left of the first


def test_unknown_patients_are_refused() -> None:
    with pytest.raises(PolicyBudgetError, match=r"^patient must be one of .*, got 'adult#01' \(did you mean"):
        PATIENTS.rows(["adult#001", "adult#01"])


def test_rows_of_the_table_by_name() -> None:
    two = PATIENTS.rows(["child#010", "adult#003", "child#010"])
    assert two.names == ("child#010", "adult#003", "child#010")
    np.testing.assert_array_equal(two.columns["CR"], [18, 9, 18])
    np.testing.assert_allclose(two.basal[1], 60 * 1.5226 * 111.1 / 6000, rtol=0.2)
    assert two.parameters.shape == (3, len(Parameters._fields)) and two.parameters.dtype == np.float32
