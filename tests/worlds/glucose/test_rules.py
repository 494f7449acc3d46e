from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.worlds.glucose import rules
from policybudget.worlds.glucose.parameters import Parameters
from policybudget.worlds.glucose.patient import glucose
from policybudget.worlds.glucose.patients import all_patients
from policybudget.worlds.glucose.world import Day, Device, GlucoseWorld

REFERENCE = np.load(Path(__file__).with_name("reference.npz"), allow_pickle=False)
FEW = all_patients().rows(["adult#001", "child#003", "adolescent#005"])
TASKS = jnp.asarray(FEW.parameters)
KEYS = jax.random.split(jax.random.key(4), (3, 2))
WORLD = GlucoseWorld()


def test_the_personalised_rule_follows_that_of_simglucose_for_a_day() -> None:
    world = GlucoseWorld(minutes=3)
    patient = all_patients().rows([str(REFERENCE["controlled_patient"])])
    task, settings = jnp.asarray(patient.parameters[0]), jnp.asarray(rules.own_settings(patient)[0])
    state, _ = world.reset(jax.random.key(0), task)
    times, grams = (jnp.asarray(REFERENCE["meals"][:, column], jnp.float32) for column in (0, 1))
    perfect = jnp.full(101, 0.0)
    state = state._replace(
        meals=state.meals._replace(times=times, grams=grams, counted=grams),
        errors=perfect,
        device=state.device._replace(readings=jnp.full(21, glucose(state.patient, Parameters(*task)))),
    )

    def step(state: Day, _: None) -> tuple[Day, tuple[jax.Array, jax.Array]]:
        dose = rules.personalised(world, state.device, settings)
        after = world.deliver(state, dose, task)
        return after.state, (dose, after.outcome[2])

    _, (doses, levels) = jax.jit(lambda state: jax.lax.scan(step, state, None, 480))(state)
    np.testing.assert_allclose(doses, REFERENCE["controlled_insulin"], atol=1e-3)
    np.testing.assert_allclose(levels, REFERENCE["controlled_glucose"][1:], atol=0.1)


def test_doses_of_the_personalised_rule() -> None:
    settings = jnp.array([1.2, 10.0, 20.0])
    for reading, announced, units in ((200.0, 0.0, 0.1), (150.0, 50.0, 5.1), (160.0, 50.0, 6.1)):
        device = Device(jnp.full(13, reading), jnp.zeros(2), jnp.zeros(2), jnp.float32(announced))
        assert float(rules.personalised(WORLD, device, settings)) == pytest.approx(units)


def test_the_grid_is_in_the_units_of_the_world() -> None:
    actions, settings = rules.grid(WORLD, (0.0, 1.0, 4.0), (0.05, 0.3), (0.0, 0.15))
    assert actions.shape == settings.shape == (12, 3)
    device = Device(jnp.full(13, 250.0), jnp.zeros(2), jnp.zeros(2), jnp.float32(60.0))
    for action, (basal, correction, per_gram) in zip(actions, settings, strict=True):
        units = basal / 12 + correction * 100 / 12 + 60 * per_gram
        assert float(rules.constant(WORLD, device, jnp.asarray(action))) == pytest.approx(units, rel=1e-4, abs=1e-5)
    plain, _ = rules.grid(GlucoseWorld(announced=False))
    assert plain.shape == (len(rules.BASALS) * len(rules.CORRECTIONS), 2)


def test_a_table_of_rules_is_the_mean_of_their_days() -> None:
    actions = jnp.asarray(rules.grid(WORLD, (0.3, 1.0), (0.05,), (0.0, 0.01))[0])
    table = np.asarray(rules.totals_of_grid(WORLD, actions, TASKS, KEYS, batch=3))
    assert table.shape == (4, 3, 9)
    apart = rules.totals(WORLD, rules.constant, jnp.broadcast_to(actions[2], (3, 3)), TASKS, KEYS)
    np.testing.assert_allclose(table[2], np.asarray(apart).mean(axis=1), rtol=1e-4)
    worth = rules.returns(WORLD, table)
    assert worth.shape == (4, 3) and worth.max() <= 100
    np.testing.assert_allclose(
        rules.returns(WORLD, table, np.array([[2.0] * 3, [1.0] * 3])), worth - table[..., 0] / 288, rtol=1e-5
    )


def test_the_personalised_rule_is_better_than_one_for_all() -> None:
    own = rules.totals(WORLD, rules.personalised, jnp.asarray(rules.own_settings(FEW)), TASKS, KEYS)
    actions = jnp.asarray(rules.grid(WORLD, (0.2, 0.5, 1.0), (0.05, 0.1), (0.0,))[0])
    table = rules.returns(WORLD, np.asarray(rules.totals_of_grid(WORLD, actions, TASKS, KEYS)))
    assert rules.returns(WORLD, np.asarray(own)).mean() > table.mean(axis=1).max()
