r"""How dangerous a glucose is: the risk of Kovatchev et al. 1997, 2006.

.. math::
    f(G) = 1.509\,(\ln(G)^{1.084} - 5.381), \qquad r(G) = \min(100,\ 10 f(G)^2), \\
    r_{low} = r \text{ where } f < 0, \qquad r_{high} = r \text{ where } f > 0

It is 0 at 112.5 mg/dL and reaches 100 at 20 and at 600 mg/dL. Means over readings are the low and high blood glucose
indices (LBGI, HBGI), their sum the risk index.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

WORST = 100.0


def risks(glucose: Float[Array, "*batch"]) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
    """The risk of glucose that is too low, and of glucose that is too high.

    Args:
        glucose: mg/dL, above 1.

    Returns:
        Both, from 0 to 100; one of them is 0.
    """
    f = 1.509 * (jnp.log(glucose) ** 1.084 - 5.381)
    risk = jnp.minimum(10 * f**2, WORST)
    return jnp.where(f < 0, risk, 0.0), jnp.where(f > 0, risk, 0.0)
