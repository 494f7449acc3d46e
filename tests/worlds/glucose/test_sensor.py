"""The sensor's errors and the random meals, against moments of simglucose's (experiments/glucose/reference.py)."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.worlds.glucose import sensor
from policybudget.worlds.glucose.meals import NEVER, begun, drawn

REFERENCE = np.load(Path(__file__).with_name("reference.npz"), allow_pickle=False)
DAYS = 4_000
LEVEL = 250.0
"""mg/dL, so far from what the device can show that hardly any error is cut off."""


def errors(minutes: int) -> np.ndarray:
    """(4 000, 288 or 480) errors of readings at constant glucose."""
    samples = jnp.arange(1440 // minutes)

    @jax.jit
    @jax.vmap
    def day(key: jax.Array) -> jax.Array:
        points = sensor.errors(key)
        return jax.vmap(lambda sample: sensor.reading(jnp.float32(LEVEL), points, sample, minutes))(samples)

    return np.asarray(day(jax.random.split(jax.random.key(7), DAYS)), np.float64) - LEVEL


@pytest.mark.parametrize("minutes", [3, 5])
def test_errors_have_the_moments_and_the_autocorrelation_of_simglucose(minutes: int) -> None:
    found = errors(minutes)
    mean, deviation, skewness = REFERENCE[f"noise_{minutes}_moments"]
    z = (found - found.mean()) / found.std()
    assert found.mean() == pytest.approx(mean, abs=0.3)
    assert found.std() == pytest.approx(deviation, rel=0.03)
    assert (z**3).mean() == pytest.approx(skewness, abs=0.15)
    lags = REFERENCE["lags"]
    correlation = [(z[:, lag:] * z[:, :-lag]).mean() for lag in lags]
    np.testing.assert_allclose(correlation, REFERENCE[f"noise_{minutes}_autocorrelation"], atol=0.02)
    percentiles = np.percentile(found, REFERENCE["percentiles"])
    np.testing.assert_allclose(percentiles, REFERENCE[f"noise_{minutes}_percentiles"], atol=0.9)


def test_readings_go_through_the_points_of_the_autoregression() -> None:
    points = sensor.errors(jax.random.key(3))
    for sample, point in ((0, 0), (3, 1), (30, 10), (33, 11), (288, 96)):  # every 5 minutes
        level = sensor.reading(jnp.float32(LEVEL), points, jnp.int32(sample), 5)
        assert float(level) == pytest.approx(LEVEL + float(points[point]), abs=1e-3)


def test_the_device_shows_nothing_beyond_its_range() -> None:
    points = jnp.zeros(101)
    shown = [float(sensor.reading(jnp.float32(level), points, jnp.int32(9), 3)) for level in (10.0, 120.0, 900.0)]
    assert shown == [39.0, 120.0, 600.0]


def test_meals_are_those_of_simglucose() -> None:
    meals = jax.jit(jax.vmap(drawn))(jax.random.split(jax.random.key(1), 40_000))
    times, grams, counted = (np.asarray(part, np.float64) for part in meals)
    taken = times != NEVER
    for meal, (share, time, time_sd, amount, amount_sd) in enumerate(REFERENCE["random_meals"]):
        mine = taken[:, meal]
        assert mine.mean() == pytest.approx(share, abs=0.01)
        assert times[mine, meal].mean() == pytest.approx(time, abs=1.5)
        assert times[mine, meal].std() == pytest.approx(time_sd, abs=1.0)
        assert grams[mine, meal].mean() == pytest.approx(amount, abs=0.25)
        assert grams[mine, meal].std() == pytest.approx(amount_sd, abs=0.2)
    assert (times == np.round(times)).all() and (grams == np.round(grams)).all() and (grams >= 0).all()
    miscount = np.log(counted[grams > 0] / grams[grams > 0])
    assert miscount.mean() == pytest.approx(0, abs=0.003) and miscount.std() == pytest.approx(0.2, abs=0.003)


def test_a_meal_belongs_to_the_span_in_which_it_begins() -> None:
    meals = drawn(jax.random.key(0))._replace(
        times=jnp.array([420.0, -1, 720, -1, 1080, -1]), grams=jnp.array([40.0, 9, 70, 9, 80, 9])
    )
    spans = ((415, 420), (420, 425), (0, 5), (700, 1200))
    assert [float(begun(meals, meals.grams, *span)) for span in spans] == [0.0, 40.0, 0.0, 150.0]
