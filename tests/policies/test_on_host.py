import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.policies import actions
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.on_host import HostPolicies
from policybudget.policies.stacked import Policies, act, make_actor
from policybudget.worlds.interface import ActionSpace, Box, Discrete, MultiDiscrete

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
    on_host = HostPolicies(policies, space)
    for given in (random, None):
        expected = np.asarray(act(policies, space, observation, given))
        got = on_host.act(np.asarray(observation), None if given is None else np.asarray(given))
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, atol=1e-5)
