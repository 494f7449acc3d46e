from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.worlds import registry
from policybudget.worlds.glucose.names import glucose_world
from policybudget.worlds.glucose.parameters import Parameters
from policybudget.worlds.glucose.patients import all_patients
from policybudget.worlds.glucose.risk import risks
from policybudget.worlds.glucose.world import OUTCOME, Day, Device, GlucoseWorld, outcome
from policybudget.worlds.interface import Transition

WORLD = GlucoseWorld()
TASKS = jnp.asarray(all_patients().parameters)
KEYS = jax.random.split(jax.random.key(0), len(TASKS))


@functools.cache
def day(world: GlucoseWorld) -> Any:
    """Plays a day of every patient with one action, compiled once."""

    def play(task: jax.Array, key: jax.Array, action: jax.Array) -> tuple[Day, Transition]:
        first, _ = world.reset(key, task)

        def step(state: Day, _: None) -> tuple[Day, Transition]:
            after = world.step(state, action, key, task)
            return after.state, after

        return first, jax.lax.scan(step, first, None, world.time_limit)[1]

    return jax.jit(jax.vmap(play, in_axes=(0, 0, None)))


def play(action: tuple[float, ...], world: GlucoseWorld = WORLD, key: int = 0) -> tuple[Day, Transition]:
    """The first states (n), and the transitions (n, T)."""
    days: tuple[Day, Transition] = day(world)(TASKS, jax.random.split(jax.random.key(key), 30), jnp.asarray(action))
    return days


@pytest.mark.parametrize("action", [(-1.0, -1.0, -1.0), (1.0, 1.0, 1.0), (9.0, -9.0, 0.0)])
def test_extreme_actions_leave_everything_finite(action: tuple[float, ...]) -> None:
    _, after = play(action)
    assert all(np.isfinite(part).all() for part in jax.tree.leaves(after))
    level = np.asarray(after.outcome[..., OUTCOME.index("glucose")])
    assert level.min() >= 9.99 and level.max() <= 1000.01
    assert not after.terminated.any() and np.asarray(after.truncated).sum() == 30 and after.truncated[:, -1].all()


def test_days_repeat_with_the_key_and_differ_without() -> None:
    one, again, other = (play((0.0, 0.0, 0.0), key=key)[1] for key in (0, 0, 1))
    np.testing.assert_array_equal(one.observation, again.observation)
    assert (np.asarray(one.outcome[:, 100]) != np.asarray(other.outcome[:, 100])).any()


@pytest.mark.parametrize("minutes", [5, 3])
def test_a_day_of_meals_is_eaten_and_announced(minutes: int) -> None:
    world = GlucoseWorld(minutes=minutes)
    first, after = play((0.0, 0.0, 0.0), world)
    assert after.outcome.shape == (30, 1440 // minutes, 9)
    taken = np.asarray(first.meals.times) >= 0
    announced = np.asarray(after.state.device.announced)
    np.testing.assert_allclose(announced.sum(axis=1), (taken * first.meals.counted).sum(axis=1), rtol=1e-5)
    steps = np.asarray(first.meals.times // minutes, int)
    for who in range(5):
        for meal in np.flatnonzero(taken[who]):
            assert announced[who, steps[who, meal]] > 0 or first.meals.grams[who, meal] == 0
    eaten = np.asarray(after.state.patient.eaten)  # in the last minute of each step
    assert eaten.max() == 5.0 and np.asarray(after.state.patient.plate[:, -1]).max() == 0.0


def test_doses() -> None:
    device = Device(jnp.full(13, 250.0), jnp.zeros(2), jnp.zeros(2), jnp.float32(60.0))
    actions = {(-1, -1, -1): 0.0, (1, -1, -1): 4 / 12, (0, -1, -1): 1 / 12, (-1, 1, -1): 0.15 * 100 / 12}
    actions |= {(-1, -1, 1): 0.3 * 60, (-1, -1, 0): 0.3 * 60 / 4, (-5, 5, -5): 0.15 * 100 / 12}
    for action, units in actions.items():
        assert float(WORLD.dose(device, jnp.array(action, jnp.float32))) == pytest.approx(units, rel=1e-5)
    low = device._replace(readings=jnp.full(13, 149.0))
    assert float(WORLD.dose(low, jnp.array([-1.0, 1.0, -1.0]))) == 0.0


def test_the_settings_of_all_patients_are_within_the_actions() -> None:
    patients = all_patients()
    assert patients.basal.max() < 4.0
    assert (1 / patients.columns["CR"]).max() < 0.3
    assert (1 / patients.columns["CF"]).max() < 0.15


def test_basal_insulin_alone_keeps_a_fasting_patient_steady() -> None:
    patients = all_patients()
    task, hourly = TASKS[12], float(patients.basal[12])
    state, _ = WORLD.reset(KEYS[0], task)
    state = state._replace(meals=state.meals._replace(times=jnp.full(6, -1.0)))
    before = float(state.patient.body.skin)

    def deliver(state: Day, _: None) -> tuple[Day, None]:
        return WORLD.deliver(state, jnp.float32(hourly / 12), task).state, None

    state, _ = jax.lax.scan(deliver, state, None, 60)
    assert float(state.patient.body.skin) == pytest.approx(before, rel=1e-3)
    on_board = float(state.device.insulin.sum())
    assert on_board == pytest.approx(hourly / 60 * 2 * 55, rel=0.1)  # two places, 55 minutes in each


def test_observations() -> None:
    state, seen = WORLD.reset(KEYS[0], TASKS[0])
    reading = (float(state.device.readings[0]) - 140) / 100
    np.testing.assert_allclose(seen, [reading] * 6 + [0, 0, 0, 0, 0, 1], atol=1e-6)
    device = Device(140 + 100 * jnp.arange(13.0), jnp.array([3.0, 2.0]), jnp.array([50.0, 25.0]), jnp.float32(10.0))
    p = Parameters(*TASKS[0])
    seen = WORLD.observed(state._replace(device=device, time=jnp.int32(72)), p)
    np.testing.assert_allclose(seen, [0, 1, 2, 3, 6, 12, 0.5, 0.2, 0.2, 1.5, 1, 0], atol=1e-6)
    plain = glucose_world("glucose:meals=unannounced,weight").observed(state._replace(device=device), p)
    np.testing.assert_allclose(plain, [0, 1, 2, 3, 6, 12, 0.5, 0.2, 0, 1, 68.706 / 50], atol=1e-6)


@pytest.mark.parametrize("name", ["glucose", "glucose:minutes=3,meals=unannounced,weight"])
def test_sizes(name: str) -> None:
    world, population = registry.make(name)
    assert isinstance(world, GlucoseWorld) and world.name == name and population.dynamics is not None
    task, action = jnp.asarray(population.dynamics[0]), jnp.zeros(world.actions.size)
    state, seen = jax.eval_shape(world.reset, KEYS[0], task)
    after = jax.eval_shape(world.step, state, action, KEYS[0], task)
    assert seen.shape == after.observation.shape == (world.observation_size,)
    assert after.outcome.shape == (world.outcome_size,)
    assert world.own_dynamics and not world.without_chance


def test_without_announcements_an_action_has_no_bolus() -> None:
    world = glucose_world("glucose:meals=unannounced")
    assert world.actions.size == 2
    device = Device(jnp.full(13, 150.0), jnp.zeros(2), jnp.zeros(2), jnp.float32(60.0))
    assert float(world.dose(device, jnp.array([1.0, 1.0]))) == pytest.approx(4 / 12)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("glucose:meals=announce", r"got 'meals=announce' \(did you mean 'meals=announced'\?\)$"),
        ("glucose:", "^options of --world glucose are meals=announced, .*, weight, got ''$"),
        ("glucose:minutes=3,minutes=5", "says twice what minutes should be"),
    ],
)
def test_bad_options_are_one_line(name: str, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message) as error:
        registry.make(name)
    assert "\n" not in str(error.value)


def test_sensors_have_readings_every_three_or_five_minutes() -> None:
    with pytest.raises(PolicyBudgetError, match="must be 3 or 5, as sensors have them, got 4"):
        GlucoseWorld(minutes=4)


def test_the_world_must_be_told_for_whom_it_plays() -> None:
    with pytest.raises(PolicyBudgetError, match="must be told for which patient"):
        WORLD.reset(KEYS[0])


def test_risks() -> None:
    levels = [10.0, 20.0, 54.0, 70.0, 112.5, 180.0, 250.0, 600.0, 900.0]
    low, high = risks(jnp.array(levels))
    f = [1.509 * (math.log(level) ** 1.084 - 5.381) for level in levels]
    np.testing.assert_allclose(low, [min(100, 10 * x * x) if x < 0 else 0 for x in f], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(high, [min(100, 10 * x * x) if x > 0 else 0 for x in f], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(low + high, [100, 100, 18.46, 7.76, 0, 7.73, 22.4, 100, 100], atol=0.1)


def test_outcomes() -> None:
    for level, flags in ((50.0, "01100"), (60.0, "01000"), (70.0, "10000"), (180.0, "10000"), (251.0, "00011")):
        found = np.asarray(outcome(jnp.float32(level)))
        np.testing.assert_array_equal(found[2:4], [level, level**2])
        assert "".join(str(int(flag)) for flag in found[4:]) == flags
