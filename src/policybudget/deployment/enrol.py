r"""New users, served without training: who serves them, what they may expect, and how sure that is.

Where rewards are weights w on the components of a reward, the return of policy j is linear in them,

.. math:: \hat V_j(w) = w^\top \bar F_j, \qquad \mathrm{se}^2 = w^\top C_j\, w / e,

with mean feature returns :math:`\bar F_j` and their covariance C_j over e evaluation episodes: exact up to that error.
Where users differ in task parameters, a new user is expected to get what the nearest known user gets; how far off that
is, is measured by leaving each known user out in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.deployment.bundle import Bundle
from policybudget.errors import PolicyBudgetError

Numbers = NDArray[Any]
TOGETHER = 65_536
"""Users that are computed at once."""
FARTHEST = 1e30
"""Weights and task parameters are at most of this size, so that nothing overflows."""
AT_ONCE = 4_000_000
"""Distances that are computed at once."""
Z = 1.959963984540054
"""Of a 95 % interval of a mean of many episodes."""


@dataclass(frozen=True)
class Enrolled:
    """u new users.

    Attributes:
        policy: (u,) that serves each; -1 where no policy is expected to be above the floor.
        expected: (u,) the mean return of the best policy.
        ci95: (u,) half-width of its 95 % interval; of parameters, the typical error of the nearest user's return.
        gain: (u,) over the second best policy; NaN where there is one.
    """

    policy: Numbers
    expected: Numbers
    ci95: Numbers
    gain: Numbers


def enrol(bundle: Bundle, users: Numbers) -> Enrolled:
    """Who serves new users.

    Args:
        bundle: with the policies.
        users: (u, m) weights on the reward's components, or (u, p) task parameters where the bundle has those.

    Returns:
        What each may expect.

    Raises:
        PolicyBudgetError: the bundle takes neither, or the users have another shape or are not finite numbers.
    """
    table = np.asarray(users, np.float64)
    columns = columns_of(bundle)
    if table.ndim != 2 or table.shape[1] != len(columns) or not fit(table).all():
        raise PolicyBudgetError(
            f"users must be a table of {len(columns)} columns ({', '.join(columns)[:100]}) of finite numbers, at most "
            f"{FARTHEST:g} each, got shape {table.shape}"
        )
    parts = [_some(bundle, table[start : start + TOGETHER]) for start in range(0, len(table), TOGETHER)]
    empty = np.empty(0)
    return parts[0] if len(parts) == 1 else Enrolled(*(
        np.concatenate([getattr(part, name) for part in parts] or [empty])
        for name in ("policy", "expected", "ci95", "gain")
    ))  # fmt: skip


def worth(bundle: Bundle, users: Numbers) -> Numbers:
    """What each policy is expected to be worth to new users.

    Args:
        bundle: with the policies.
        users: (u, m) weights or (u, p) task parameters, as :func:`enrol` takes them.

    Returns:
        (u, k) mean returns.
    """
    if bundle.features is not None:
        return np.asarray(users @ bundle.features.astype(np.float64).T)
    return np.asarray(bundle.returns.T.astype(np.float64)[_nearest(bundle, users)])


def gain_ci95(bundle: Bundle, users: Numbers, one: Numbers, other: Numbers) -> Numbers:
    """How sure it is by how much one policy is better than another.

    Args:
        bundle: with the policies.
        users: (u, m) weights or (u, p) task parameters, as :func:`enrol` takes them.
        one: (u,) a policy of each user.
        other: (u,) another one; 0 comes out where it is the same.

    Returns:
        (u,) half-widths of 95 % intervals of the difference, as if the episodes of the two were independent; of
        parameters, the typical error of the nearest user's return.
    """
    if bundle.features is None:
        return np.where(one == other, 0.0, _left_out(bundle))
    spread = np.stack([((users @ own) * users).sum(axis=1) for own in bundle.covariance.astype(np.float64)], axis=1)
    rows = np.arange(len(users))
    both = np.maximum(spread[rows, one] + spread[rows, other], 0.0)
    return np.where(one == other, 0.0, Z * np.sqrt(both))


def usual(bundle: Bundle) -> Numbers:
    """What each policy is worth to a user of whom nothing is known: its mean return over the users of the bundle.

    Args:
        bundle: with the policies.

    Returns:
        (k,) mean returns; so much only if new users are like those.
    """
    return np.asarray(bundle.returns.astype(np.float64).mean(axis=1))


def fit(numbers: Numbers) -> Numbers:
    """Which numbers are finite and of a size that makes sense.

    Args:
        numbers: of any shape.

    Returns:
        Whether each is, of the same shape.
    """
    return np.asarray(np.abs(numbers) <= FARTHEST)


def columns_of(bundle: Bundle) -> tuple[str, ...]:
    """What a table of new users must have: the reward's components, or task parameters.

    Args:
        bundle: with the policies.

    Raises:
        PolicyBudgetError: the bundle takes neither.
    """
    if bundle.features is not None:
        names = tuple(bundle.record.components)
        return names or tuple(map(str, range(bundle.features.shape[1])))
    if bundle.parameters is not None and bundle.record.parameters:
        return tuple(bundle.record.parameters)
    raise PolicyBudgetError(
        f"{bundle.folder} takes no new users: its users differ neither in weights on a reward's components nor in task "
        "parameters"
    )


def _some(bundle: Bundle, users: Numbers) -> Enrolled:
    table = worth(bundle, users)
    best, rows = table.argmax(axis=1), np.arange(len(users))
    expected = table[rows, best]
    if bundle.features is not None:
        spread = np.empty(len(users))
        for policy, own in enumerate(bundle.covariance):
            of = best == policy
            spread[of] = np.sqrt(np.maximum(((users[of] @ own) * users[of]).sum(axis=1), 0.0))
        width = Z * spread
    else:
        width = np.full(len(users), _left_out(bundle))
    table[rows, best] = -np.inf
    gain = expected - table.max(axis=1) if table.shape[1] > 1 else np.full(len(users), np.nan)
    floor = -np.inf if bundle.record.floor is None else bundle.record.floor
    return Enrolled(np.where(expected >= floor, best, -1), expected, width, gain)


def _scaled(bundle: Bundle) -> tuple[Numbers, Numbers]:
    """Task parameters of the known users in units of their spread, and these units."""
    assert bundle.parameters is not None
    known = bundle.parameters.astype(np.float64)
    unit = known.std(axis=0)
    unit = np.where(unit > 0, unit, 1.0)
    return known / unit, unit


def _nearest(bundle: Bundle, users: Numbers) -> Numbers:
    """The known user next to each."""
    known, unit = _scaled(bundle)
    return _next(known, users / unit)


def _next(known: Numbers, wanted: Numbers, itself: bool = True) -> Numbers:
    """The row of ``known`` next to each row of ``wanted``; another than the row itself, if that is asked."""
    step, found = max(1, AT_ONCE // len(known)), np.empty(len(wanted), np.int64)
    for start in range(0, len(wanted), step):
        rows = wanted[start : start + step]
        apart = (known**2).sum(axis=1) - 2.0 * rows @ known.T
        if not itself:
            apart[np.arange(len(rows)), start + np.arange(len(rows))] = np.inf
        found[start : start + step] = apart.argmin(axis=1)
    return found


@lru_cache(maxsize=2)
def _left_out(bundle: Bundle) -> float:
    """Root mean square error of what is expected of each known user by the nearest other one, of the policy it gets."""
    known, _ = _scaled(bundle)
    if len(known) < 2:
        return float("nan")
    near = _next(known, known, itself=False)
    best = bundle.returns[:, near].argmax(axis=0)
    rows = np.arange(len(known))
    error = bundle.returns[best, rows] - bundle.returns[best, near]
    return float(np.sqrt(np.mean(error.astype(np.float64) ** 2)))
