"""Best-arm identification: policies are arms; their episodes so far, the bounds that follow, and what is certain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from policybudget.assessment.bounds import empirical_bernstein, hoeffding
from policybudget.betting import betting_lower, within
from policybudget.errors import PolicyBudgetError

Play = Callable[[np.ndarray, int], np.ndarray]
BOUNDS = ("betting", "bernstein")
CERTAIN, WITHIN, SPENT, NONE = "certain", "within beta", "episodes spent", "no policy is good enough"


@dataclass(frozen=True)
class Choice:
    """Which policy serves the task, and how sure that is.

    Attributes:
        policy: the chosen one; None if no policy is good enough.
        reason: ``certain`` (surely the best), ``within beta`` (surely within beta of the best), ``episodes spent`` (the
            best so far, nothing is guaranteed) or ``no policy is good enough`` (all are surely below the floor).
        reaches_floor: whether the chosen policy surely does, or surely no policy does; None: no floor, or undecided.
        estimates: (k,) mean returns.
        lower: (k,) lower bounds of the true means; all 2k bounds, at all looks together, hold with probability
            1 - alpha.
        upper: (k,) upper bounds.
        episodes: played in all.
        per_policy: (k,) episodes of each.
        method: one of ``METHODS``.
        alpha: probability of error of the whole answer.
        beta: precision asked for, in units of return.
        floor: what was to be reached, in units of return; None if nothing was.
    """

    policy: int | None
    reason: str
    reaches_floor: bool | None
    estimates: Float[np.ndarray, " k"]
    lower: Float[np.ndarray, " k"]
    upper: Float[np.ndarray, " k"]
    episodes: int
    per_policy: Int[np.ndarray, " k"]
    method: str
    alpha: float
    beta: float
    floor: float | None

    def as_record(self) -> dict[str, Any]:
        """The same for JSON."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}


class Arms:
    """The policies as arms of a bandit: returns so far, the bounds that follow, and which arms are still candidates.

    Args:
        play: plays episodes, as :func:`policybudget.assessment.few_shot.select` wants it.
        policies: k.
        low: no return is ever less.
        high: no return is ever more.
        alpha: probability of error.
        beta: precision that is good enough, in units of return.
        floor: a policy worth less is not good enough, in units of return; None for no floor.
        bounds: one of ``BOUNDS``.
    """

    def __init__(
        self,
        play: Play,
        policies: int,
        low: float,
        high: float,
        alpha: float,
        beta: float,
        floor: float | None,
        bounds: str,
    ) -> None:
        self.play, self.low, self.high, self.bounds = play, low, high, bounds
        self.alpha, self.beta, self.floor = alpha, beta, floor
        self.policies, self.span = policies, high - low
        self.returns = [np.empty(0) for _ in range(policies)]
        self.alive = np.ones(policies, bool)
        self.means = np.zeros(policies)
        self.lower, self.upper = np.full(policies, float(low)), np.full(policies, float(high))

    @property
    def played(self) -> int:
        """Episodes of all policies together."""
        return sum(map(len, self.returns))

    def play_on(self, number: int, side: float, planned: int | None = None, adaptive: bool = True) -> None:
        """Play more episodes of all candidates, then look at their bounds.

        A number that depends on earlier returns voids a bound for a fixed number: then give ``planned``.

        Args:
            number: more episodes of each candidate.
            side: probability of error of one policy's bound on one side.
            planned: episodes per policy that were planned for this look before the first one, not less than there are
                by now; None if play goes as planned.
            adaptive: use the bound that adapts to the variance, too.

        Raises:
            PolicyBudgetError: the returns have another shape, or lie outside their range.
        """
        chosen = np.flatnonzero(self.alive)
        fresh = np.asarray(self.play(chosen, number))
        if fresh.shape != (len(chosen), number):
            raise PolicyBudgetError(f"play must return an array of shape {(len(chosen), number)}, got {fresh.shape}")
        fresh = within(fresh, self.low, self.high)
        for policy, more in zip(chosen, fresh, strict=True):
            self.returns[policy] = np.concatenate([self.returns[policy], more])
        tape = np.stack([self.returns[policy] for policy in chosen])
        self.means[chosen] = tape.mean(axis=1)
        lower, upper = self._bounds(tape, side, planned or tape.shape[1], adaptive)
        self.lower[chosen] = np.maximum(self.lower[chosen], lower)
        self.upper[chosen] = np.minimum(self.upper[chosen], upper)

    def _bounds(self, tape: np.ndarray, side: float, planned: int, adaptive: bool) -> tuple[np.ndarray, np.ndarray]:
        mean, episodes = tape.mean(axis=1), tape.shape[1]
        if not adaptive:
            radius = hoeffding(episodes, self.span, side)
            return mean - radius, mean + radius
        radius = hoeffding(episodes, self.span, side / 2, planned)
        if self.bounds == "bernstein":
            if episodes < max(planned, 2):
                return mean - radius, mean + radius  # the other bound holds for a fixed number only
            variance = tape.var(axis=1, ddof=1)
            radii = np.minimum(radius, empirical_bernstein(episodes, variance, self.span, side / 2))
            return mean - radii, mean + radii
        lower = betting_lower(tape, self.low, self.high, side / 2, planned)
        upper = -betting_lower(-tape, -self.high, -self.low, side / 2, planned)
        return np.maximum(lower, mean - radius), np.minimum(upper, mean + radius)

    @property
    def leader(self) -> int:
        """The candidate with the best mean."""
        return int(np.where(self.alive, self.means, -np.inf).argmax())

    def verdict(self) -> str:
        """What is certain by now; ``SPENT`` if nothing is."""
        if self.floor is not None and self.upper.max() < self.floor:
            return NONE
        rival = np.delete(self.upper, self.leader).max(initial=-np.inf)
        if rival <= self.lower[self.leader]:
            return CERTAIN
        return WITHIN if rival - self.lower[self.leader] <= self.beta else SPENT

    def reaches_floor(self) -> bool | None:
        """Whether the leader surely reaches the floor, or surely no policy does; None if that is open."""
        if self.floor is None:
            return None
        if self.upper.max() < self.floor:
            return False
        return True if self.lower[self.leader] >= self.floor else None

    def decided(self) -> bool:
        """Whether more episodes would change nothing that was asked."""
        floor = self.floor is None or self.reaches_floor() is not None
        return floor and self.verdict() != SPENT

    def choice(self, method: str) -> Choice:
        """The answer as things stand.

        Args:
            method: how the episodes were spent, for the record.

        Returns:
            The answer.
        """
        reason, per_policy = self.verdict(), np.array([len(returns) for returns in self.returns])
        return Choice(
            policy=None if reason == NONE else self.leader,
            reason=reason,
            reaches_floor=self.reaches_floor(),
            estimates=self.means,
            lower=self.lower,
            upper=self.upper,
            episodes=int(per_policy.sum()),
            per_policy=per_policy,
            method=method,
            alpha=self.alpha,
            beta=self.beta,
            floor=self.floor,
        )
