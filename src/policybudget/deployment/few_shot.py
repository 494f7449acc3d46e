r"""Which of k policies serves a user whose weights nobody knows: best-arm identification from realised returns.

The policies are arms, their returns lie in [low, high], and each pays one user the same in the mean, whatever came
before (Even-Dar, Mannor & Mansour 2006 for the setting; bounds by betting, :mod:`policybudget.betting`).

::

    L_j, U_j <- bounds of the mean of policy j, at error α / 2k on each side, from n_j returns
    a policy is out if another one's L is above its U, or the floor is
    leader    <- of those that are left, the one with the largest (prior_j + sum of its returns) / (1 + n_j)
    rival     <- of the others that are left, the one with the largest U
    decided   if L_leader >= U_j - β for all others, and L_leader >= floor; or if all U_j are below the floor
    next      <- one without any return, by the prior; else the less tried of leader and rival
                 (LUCB: Kalyanakrishnan, Tewari, Auer & Stone 2012)

All 2k bounds hold at all times together with probability 1 - α, whoever chose which policy was tried when, as long as
that was chosen by earlier returns alone. So all that is said of one user is true with probability 1 - α: "decided"
names a policy within β of the best, and "none" means that no policy reaches the floor. Of many users, a share α may
be wrong. The *prior* (what a policy is expected to be worth before any return) says where to begin and whom to serve
meanwhile; no bound uses it, so that it may be wrong. LUCB tries leader and rival both; here one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.betting import PLANS, betting_lower, check_level, check_range, within
from policybudget.errors import PolicyBudgetError

Numbers = NDArray[Any]
AT_ONCE = 100_000
"""Returns, those that fill up shorter rows among them, whose bounds are computed at once."""
NONE = -1


@dataclass(frozen=True)
class Question:
    """What is asked of the returns.

    Args:
        low: no return is ever less.
        high: no return is ever more.
        alpha: probability that what is said of a user is wrong.
        beta: a policy so far from the best is good enough, in units of return.
        floor: a policy that is worth less serves nobody, in units of return; None for no floor.

    Raises:
        PolicyBudgetError: a number is out of range.
    """

    low: float
    high: float
    alpha: float = 0.05
    beta: float = 0.0
    floor: float | None = None

    def __post_init__(self) -> None:
        check_range(self.low, self.high)
        check_level(self.alpha)
        if not 0 <= self.beta < np.inf:
            raise PolicyBudgetError(f"beta must be at least 0, got {self.beta}")


@dataclass(frozen=True)
class Measured:
    """What is known of the means of k policies for u users.

    Attributes:
        count: (u, k) returns.
        total: (u, k) their sum.
        lower: (u, k) lower bounds of the means; ``low`` without returns.
        upper: (u, k) upper bounds.
    """

    count: Numbers
    total: Numbers
    lower: Numbers
    upper: Numbers


@dataclass(frozen=True)
class Identified:
    """Who serves u users.

    Attributes:
        policy: (u,) the best so far; -1 where it is shown that no policy reaches the floor.
        expected: (u,) the mean return of the best one.
        low: (u,) lower bound of it.
        high: (u,) upper bound of it.
        gain: (u,) over the second best policy; NaN where there is one policy.
        gain_low: (u,) lower bound of the gain over each other policy; NaN likewise.
        gain_high: (u,) upper bound of the gain over the second best; NaN likewise.
        episodes: (u,) returns that were used.
        decided: (u,) whether more of them would change nothing, with probability 1 - α.
        next: (u,) which policy to try next; -1 where it is decided.
    """

    policy: Numbers
    expected: Numbers
    low: Numbers
    high: Numbers
    gain: Numbers
    gain_low: Numbers
    gain_high: Numbers
    episodes: Numbers
    decided: Numbers
    next: Numbers

    @staticmethod
    def joined(parts: list[Identified]) -> Identified:
        """Several tables as one.

        Args:
            parts: one at least.
        """
        return Identified(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Identified)))


def measure(user: Numbers, policy: Numbers, value: Numbers, users: int, policies: int, question: Question) -> Measured:
    """Means and their bounds from returns.

    Args:
        user: (e,) whose each return is, from 0; those of one user with one policy in the order in which they came.
        policy: (e,) that it was realised with.
        value: (e,) the returns.
        users: u.
        policies: k.
        question: what is asked.

    Returns:
        What is known.

    Raises:
        PolicyBudgetError: a return lies outside of its range.
    """
    low, high = question.low, question.high
    value = within(value, low, high)
    cell = np.asarray(user, np.int64) * policies + policy
    order = np.argsort(cell, kind="stable")
    count = np.bincount(cell, minlength=users * policies)
    total = np.bincount(cell, weights=value, minlength=users * policies)
    start, sorted_ = np.concatenate([[0], np.cumsum(count)[:-1]]), value[order]
    lower, upper = np.full(len(count), low), np.full(len(count), high)
    length = np.where(count > 0, 2 ** np.ceil(np.log2(np.maximum(count, 1))).astype(int), 0)
    for longest in np.unique(length[length > 0]):  # rows of about the same length together
        cells, together = np.flatnonzero(length == longest), max(1, AT_ONCE // int(longest))
        for first in range(0, len(cells), together):
            some = cells[first : first + together]
            at = np.arange(int(count[some].max()))
            place = np.minimum(start[some, None] + at, len(sorted_) - 1)
            rows = np.where(at < count[some, None], sorted_[place], np.nan)
            lower[some], upper[some] = _bounds(rows, question, policies)
    shape = (users, policies)
    return Measured(count.reshape(shape), total.reshape(shape), lower.reshape(shape), upper.reshape(shape))


def _bounds(rows: Numbers, question: Question, policies: int) -> tuple[Numbers, Numbers]:
    scaled, span = (rows - question.low) / (question.high - question.low), question.high - question.low
    ends = betting_lower(np.stack([scaled, 1.0 - scaled]), 0.0, 1.0, question.alpha / (2 * policies), PLANS)
    return question.low + span * ends[0], question.high - span * ends[1]


def identify(found: Measured, prior: Numbers, question: Question) -> Identified:
    """Who serves each user, and what to try next.

    Args:
        found: what is known.
        prior: (u, k) or (k,) what policies are expected to be worth before any return; it counts as one return.
        question: what is asked.

    Returns:
        The answers.
    """
    lower, upper, rows = found.lower, found.upper, np.arange(len(found.lower))
    prior = np.clip(np.broadcast_to(prior, lower.shape), question.low, question.high)
    nowhere, left = np.zeros(len(rows), bool), upper >= lower.max(axis=1, keepdims=True)
    if question.floor is not None:
        nowhere = upper.max(axis=1) < question.floor
        left &= (upper >= question.floor) | nowhere[:, None]
    worth = np.clip((prior + found.total) / (1 + found.count), lower, upper)
    leader = np.where(left, worth, -np.inf).argmax(axis=1)
    others = np.arange(lower.shape[1]) != leader[:, None]
    rival = np.where(left & others, upper, -np.inf).argmax(axis=1)
    unrivalled = ~(left & others).any(axis=1)
    expected, low, high = (table[rows, leader] for table in (worth, lower, upper))
    gain, gain_low, gain_high = (
        mine - np.where(others, theirs, -np.inf).max(axis=1)
        for mine, theirs in ((expected, worth), (low, upper), (high, lower))
    )
    best = gain_low >= -question.beta
    decided = nowhere | best if question.floor is None else nowhere | (best & (low >= question.floor))
    fewer = found.count[rows, leader] <= found.count[rows, rival]
    again = np.where(best | unrivalled | fewer, leader, rival)
    untried = np.where(left & (found.count == 0), prior, -np.inf)
    following = np.where(np.isfinite(untried.max(axis=1)) & ~best, untried.argmax(axis=1), again)
    alone = lower.shape[1] == 1
    gain, gain_low, gain_high = (np.where(alone, np.nan, one) for one in (gain, gain_low, gain_high))
    return Identified(
        np.where(nowhere, NONE, leader), expected, low, high, gain, gain_low, gain_high, found.count.sum(axis=1),
        decided, np.where(decided, NONE, following),
    )  # fmt: skip


class Live:
    """One user, while returns come in: ask which policy to try, tell what it paid, until the answer is decided.

    Args:
        prior: (k,) what each policy is expected to be worth; it says where to begin, and no more.
        question: what is asked.

    Attributes:
        answer: :class:`Identified` for one user, as things stand.
    """

    def __init__(self, prior: Numbers, question: Question) -> None:
        self._prior, self._question = np.asarray(prior, np.float64), question
        k = len(self._prior)
        self._returns: list[list[float]] = [[] for _ in range(k)]
        bounds = (np.full((1, k), end) for end in (question.low, question.high))
        self._found = Measured(np.zeros((1, k), np.int64), np.zeros((1, k)), *bounds)
        self.answer = identify(self._found, self._prior, question)

    @property
    def next(self) -> int | None:
        """Which policy to try; None when the answer is decided."""
        return None if self.answer.decided[0] else int(self.answer.next[0])

    def see(self, policy: int, value: float) -> None:
        """Hear of a return.

        Args:
            policy: that it was realised with; any may be tried.
            value: the return.

        Raises:
            PolicyBudgetError: there is no such policy, or the return lies outside of its range.
        """
        if not 0 <= policy < len(self._returns):
            raise PolicyBudgetError(f"policy must be from 0 to {len(self._returns) - 1}, got {policy}")
        own = float(within(value, self._question.low, self._question.high))
        self._returns[policy].append(own)
        found, rows = self._found, np.array(self._returns[policy])
        found.count[0, policy] += 1
        found.total[0, policy] += own
        found.lower[0, policy], found.upper[0, policy] = _bounds(rows, self._question, len(self._returns))
        self.answer = identify(found, self._prior, self._question)
