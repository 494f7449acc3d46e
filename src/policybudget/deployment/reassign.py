r"""Users who change: who moves to another policy, and who stays because moving costs more than it brings.

With the new worths :math:`V_j(w)` of the k policies, a user with policy p moves to the best policy if

.. math:: \max_j V_j(w) - V_p(w) > c + \delta

in each of P tables in a row, with the switching cost c and the half-width δ of the 95 % interval of that gain: noise of
the evaluation moves nobody, and neither does a whim of one table (hysteresis). A user whose policy is below the floor
moves at once to one that is not; where there is none, nobody serves it. Whoever is new begins with the best one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import PolicyBudgetError

Numbers = NDArray[Any]
NONE, NEW = -1, -2
"""Instead of a policy: nobody serves the user; the user was not there before."""


@dataclass(frozen=True)
class Rule:
    """When users move.

    Args:
        cost: of moving: how much more a policy must be worth per episode, in units of return.
        patience: in how many tables in a row it must be.
        floor: a policy that is worth less serves nobody, in units of return; None for no floor.

    Raises:
        PolicyBudgetError: a number is out of range.
    """

    cost: float
    patience: int = 1
    floor: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.cost < np.inf:
            raise PolicyBudgetError(f"switching-cost must be at least 0, got {self.cost}")
        if self.patience < 1:
            raise PolicyBudgetError(f"patience must be at least 1 table, got {self.patience}")


@dataclass(frozen=True)
class Standing:
    """Where u users stand.

    Attributes:
        policy: (u,) that serves each, ``NONE`` or ``NEW``.
        waiting: (u,) tables in a row, up to the last one, in which moving would have paid.
    """

    policy: Numbers
    waiting: Numbers

    @staticmethod
    def new(users: int) -> Standing:
        """Users who were not there before.

        Args:
            users: u.
        """
        return Standing(np.full(users, NEW), np.zeros(users, np.int64))


@dataclass(frozen=True)
class Moves:
    """What a table of worths came to.

    Attributes:
        standing: where the users stand now.
        expected: (u,) what the policy that serves is worth; the best one where none serves.
        gain: (u,) of the best policy over that of before; 0 for who had none.
        moved: (u,) who changed from one policy to another.
        held: (u,) who stayed although another policy is better by more than the cost: the interval reaches below it, or
            it has not been so for long enough.
        new: (u,) who is served and was not before.
        unserved: (u,) for whom no policy is above the floor.
    """

    standing: Standing
    expected: Numbers
    gain: Numbers
    moved: Numbers
    held: Numbers
    new: Numbers
    unserved: Numbers


def reassign(before: Standing, worth: Numbers, ci95: Numbers, rule: Rule) -> Moves:
    """Who moves.

    Args:
        before: where the users stood.
        worth: (u, k) what each policy is worth to them now.
        ci95: (u,) half-widths of the intervals of the gain of the best policy over the present one.
        rule: when users move.

    Returns:
        Where they stand now, and why.
    """
    rows, floor = np.arange(len(worth)), -np.inf if rule.floor is None else rule.floor
    best, served = worth.argmax(axis=1), before.policy >= 0
    most, mine = worth[rows, best], worth[rows, np.where(served, before.policy, best)]
    gain = most - mine
    unserved, below = most < floor, served & (mine < floor)
    pays = served & (gain > rule.cost + ci95)
    waiting = np.where(pays, before.waiting + 1, 0)
    moves = served & ~unserved & (below | (waiting >= rule.patience)) & (gain > 0)
    policy = np.where(served & ~moves, before.policy, best)
    waiting = np.where(moves | unserved, 0, waiting)
    return Moves(
        Standing(np.where(unserved, NONE, policy), waiting), np.where(unserved, most, worth[rows, policy]), gain,
        moves, served & ~moves & ~unserved & (gain > rule.cost), ~served & ~unserved, unserved,
    )  # fmt: skip
