from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from policybudget import welfare


def test_utility_is_the_expectation_over_representatives() -> None:
    assignment = jnp.array([[1.0, 0.25, 0.0], [0.0, 0.75, 1.0]])
    returns = jnp.array([[10.0, 4.0, 7.0], [99.0, 8.0, 5.0]])
    utilities = welfare.utilities(assignment, returns)
    np.testing.assert_allclose(utilities, [10.0, 7.0, 5.0], rtol=1e-6)
    assert float(welfare.utilitarian(utilities)) == np.float32(22.0 / 3.0)
