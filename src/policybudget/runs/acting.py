"""What a trained policy does for a user: from an observation to an action in the environment's own units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import PolicyBudgetError, did_you_mean
from policybudget.policies.on_host import HostPolicies
from policybudget.units import Units

Numbers = NDArray[Any]
SHOWN = 5


def serves(user: Any, agents: tuple[str, ...], assignment: Numbers, rng: Any = None) -> int:
    """The policy that acts for a user.

    Args:
        user: the name.
        agents: n names.
        assignment: (k, n) α.
        rng: a NumPy generator to draw one of the user's policies with, in proportion to α; None for the most likely.

    Returns:
        The index of the policy.

    Raises:
        PolicyBudgetError: there is no such user, or no policy is likelier to serve the user than one is.
    """
    if user not in agents:
        raise PolicyBudgetError(f"user must be one of the {len(agents)} users{_some(user, agents)}, got {user!r}")
    column = np.asarray(assignment[:, agents.index(user)], np.float64)
    if column.max() <= 0 or column.max() < 1.0 - column.sum():
        raise PolicyBudgetError(
            f"no policy serves user {user!r}, who is left to the outside option; choose a policy by its number instead"
        )
    if rng is None:
        return int(column.argmax())
    return int(_generator(rng).choice(len(column), p=column / column.sum()))


def numbered(policy: Any, budget: int) -> int:
    """The number of a policy.

    Args:
        policy: an integer.
        budget: k, the number of policies.

    Returns:
        The number.

    Raises:
        PolicyBudgetError: there is no such policy.
    """
    whole = isinstance(policy, int | np.integer) and not isinstance(policy, bool)
    if not whole or not 0 <= policy < budget:
        raise PolicyBudgetError(f"policy must be a whole number from 0 to {budget - 1}, got {policy!r}")
    return int(policy)


def act(policy: HostPolicies, units: Units, size: int, observation: Any, rng: Any = None) -> Any:
    """The actions of a policy.

    Args:
        policy: k = 1 policies.
        units: of the environment's actions.
        size: o, the components of an observation.
        observation: (o,) or (B, o) raw observations.
        rng: a NumPy generator to sample with; None for greedy actions.

    Returns:
        For (o,) one action: an int if it is a choice, else an array; for (B, o) an array with a leading axis B.

    Raises:
        PolicyBudgetError: the observations have another shape or are not finite numbers, or are so large that the
            policy's scores are not.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        rows = _rows(observation, size)
        scores = policy.scores(rows.reshape(1, -1, size))
    if not np.isfinite(scores).all():
        raise PolicyBudgetError(f"observation must be within what the policy can score, got {rows.ravel()[:3]}, ...")
    noise = None if rng is None else policy.noise(_generator(rng), (1, rows.size // size))
    actions = units(policy.chosen(scores, noise)[0])
    if rows.ndim == 2:
        return actions
    return int(actions[0]) if units.kind == "discrete" else actions[0]


def _rows(observation: Any, size: int) -> Numbers:
    """Observations as float32; what overflows is to be ignored by the caller."""
    try:
        given = np.asarray(observation)
    except ValueError:
        given = np.asarray(None)
    expected = f"observation must be finite numbers of shape ({size},), or (B, {size}) for a batch"
    if given.dtype.kind not in "iufb":
        raise PolicyBudgetError(f"{expected}, got {type(observation).__name__}")
    if given.ndim not in (1, 2) or given.shape[-1] != size:
        raise PolicyBudgetError(f"{expected}, got shape {given.shape}")
    rows: Numbers = given.astype(np.float32)
    if not np.isfinite(rows).all():
        raise PolicyBudgetError(f"{expected}, got {given[~np.isfinite(rows)][0]}")
    return rows


def _generator(rng: Any) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise PolicyBudgetError(f"rng must be like numpy.random.default_rng(0), got {type(rng).__name__}")
    return rng


def _some(user: Any, agents: tuple[str, ...]) -> str:
    """The name that was meant, or some names."""
    first = f" ({', '.join(map(repr, agents[:SHOWN]))}{', ...' if len(agents) > SHOWN else ''})"
    return did_you_mean(user, agents) or first
