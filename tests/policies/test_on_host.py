import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.policies import actions
from policybudget.policies.architecture import Architecture
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, act, make_actor
from policybudget.runs import tensors
from policybudget.worlds.interface import ActionSpace, Box, Discrete, MultiDiscrete, plain_units

SPACES = (Box(2, (-1.0, -1.0), (1.0, 1.0)), Discrete(4), MultiDiscrete((2, 3)))


def some_policies(space: ActionSpace, trunk: str, seen: bool) -> Policies:
    normaliser = Normaliser.start(7)
    if seen:
        rows = 3.0 * jax.random.normal(jax.random.key(3), (50, 7)) + 1.0
        normaliser = normaliser.update(rows, jnp.ones(50, bool))
    return Policies(make_actor(jax.random.key(0), 3, 7, space, (8, 8), trunk, -1.0), normaliser)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)
@pytest.mark.parametrize("trunk", ["shared", "biases", "separate"])
@pytest.mark.parametrize("seen", [False, True])
def test_acts_as_the_compiled_policies_do(space: ActionSpace, trunk: str, seen: bool) -> None:
    policies = some_policies(space, trunk, seen)
    observation = jax.random.normal(jax.random.key(1), (3, 20, 7))
    random = actions.noise(space, jax.random.key(2), (3, 20))
    on_host = policies.on_host(space)
    for given in (random, None):
        expected = np.asarray(act(policies, space, observation, given))
        got = on_host.act(np.asarray(observation), None if given is None else np.asarray(given))
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)
@pytest.mark.parametrize("trunk", ["shared", "biases", "separate"])
def test_arrays_and_back(space: ActionSpace, trunk: str) -> None:
    """The names are the paths in the pytree, and the shapes those that the architecture says."""
    policies = some_policies(space, trunk, True)
    arrays = policies.arrays()
    expected = tensors.named(policies)
    assert arrays.keys() == expected.keys()
    assert all(arrays[name].tobytes() == expected[name].tobytes() for name in expected)
    shapes = Architecture(7, plain_units(space), (8, 8), trunk).shapes(3)
    assert {name: array.shape for name, array in arrays.items()} == shapes
    again = Policies.from_arrays(arrays)
    assert jax.tree.structure(again) == jax.tree.structure(policies)
    assert all(map(np.array_equal, jax.tree.leaves(again), jax.tree.leaves(policies)))


@pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)
def test_one_of_the_policies(space: ActionSpace) -> None:
    together = some_policies(space, "biases", True).on_host(space)
    observation = np.random.default_rng(0).standard_normal((3, 20, 7)).astype(np.float32)
    random = together.noise(np.random.default_rng(1), (3, 20))
    for given in (None, random):
        actions = together.act(observation, given)
        for index in range(3):
            own = None if given is None else given[index : index + 1]
            alone = together.of(index).act(observation[index : index + 1], own)
            np.testing.assert_allclose(alone[0], actions[index], atol=1e-6)
