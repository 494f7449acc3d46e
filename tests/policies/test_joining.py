"""Policies of several trainings, or of several times of one, as one set in which nothing is shared."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.policies.architecture import Architecture
from policybudget.policies.joining import alone, join, of_rows, rows
from policybudget.policies.networks import Sharing
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.worlds.interface import ActionSpace, Box, Discrete, plain_units

SPACES = (Box(2, (-1.0, -1.0), (1.0, 1.0)), Discrete(3))


def policies_of(space: ActionSpace, trunk: Sharing, budget: int, seed: int) -> Policies:
    actor = make_actor(jax.random.key(seed), budget, 4, space, (8, 6), trunk, -0.5)
    drawn = np.random.default_rng(seed)
    normaliser = Normaliser(jnp.asarray(50.0), jnp.asarray(drawn.normal(size=4), jnp.float32), jnp.full(4, 80.0))
    return Policies(jax.tree.map(lambda x: x + 0.1, actor), normaliser)


@pytest.mark.parametrize("space", SPACES, ids=["box", "discrete"])
@pytest.mark.parametrize("trunk", ["shared", "biases", "separate"])
def test_rows_hold_all_that_a_policy_acts_by(space: ActionSpace, trunk: Sharing) -> None:
    one, other = policies_of(space, trunk, 3, 0), policies_of(space, trunk, 2, 1)
    of = Architecture(4, plain_units(space), (8, 6), trunk)
    kept = np.concatenate([rows(one.arrays(), 3), rows(other.arrays(), 2)])
    both = Policies.from_arrays(of_rows(kept, of))
    assert both.budget == 5 and not both.normaliser.shared
    seen = jax.random.normal(jax.random.key(7), (5, 9, 4))
    acts = both(seen)
    for first, part in ((0, one), (3, other)):
        at = slice(first, first + part.budget)
        expected = part(seen[at])
        np.testing.assert_allclose(acts.out[at], expected.out, rtol=1e-5, atol=1e-6)
        if expected.log_std is not None and acts.log_std is not None:
            np.testing.assert_array_equal(acts.log_std[at], expected.log_std)
    arrays = both.arrays()
    for order in (list(arrays), list(reversed(arrays))):
        again = rows({name: arrays[name] for name in order}, 5)
        np.testing.assert_array_equal(again, kept, "laid out again, they are the same bits")


def test_rows_are_what_joining_gives() -> None:
    policies, of = policies_of(SPACES[0], "shared", 3, 0), Architecture(4, plain_units(SPACES[0]), (8, 6), "shared")
    joined = join([alone(policies.arrays(), policy) for policy in (2, 0)], of)
    found = of_rows(rows(policies.arrays(), 3)[[2, 0]], of)
    assert joined.keys() == found.keys()
    for name, array in joined.items():
        np.testing.assert_array_equal(found[name], array)
