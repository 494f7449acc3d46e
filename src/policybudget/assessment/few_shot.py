r"""Which of k policies serves a new, unknown task: the few-shot selection of Ge et al. 2025, best-arm identification.

K policies, returns in [low, low + B]. Nothing is known of the task but what episodes of it pay, so the number of
episodes depends on K, the range and the precision, never on states or actions.

::

    uniform                 every policy plays m episodes; take the best mean (Ge et al. 2025)
    successive elimination  all play on; a policy that is surely worse than another is out; stop as soon as the answer
                            is certain (Even-Dar, Mannor & Mansour 2006)
    sequential halving      a fixed number of episodes in log2 K rounds; after each the worse half is out (Karnin,
                            Koren & Somekh 2013)

Departures: elimination looks after geometrically many episodes, not after each, and its bounds adapt to the variance;
halving judges by all episodes of a policy so far, not by those of the last round.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from jaxtyping import Float, Int

from policybudget.assessment.best_arm import BOUNDS, Arms, Choice, Play
from policybudget.betting import check_level, check_range
from policybudget.errors import PolicyBudgetError, check_choice

METHODS = ("successive-elimination", "sequential-halving", "uniform")
GROWTH = 1.5  # of the episodes per policy from one look to the next


def episodes_needed(policies: int, span: float, beta: float, alpha: float) -> int:
    r"""Episodes per policy after which the best mean is within beta of the best policy.

    .. math:: m \ge \frac{2 B^2}{\beta^2} \ln \frac{2K}{\alpha}

    By Hoeffding, one policy's mean is off by β / 2 or more with probability at most
    :math:`2 \exp(-2 m (\beta/2)^2 / B^2) = \alpha / K`; by a union bound none of the K is, with probability 1 - α.
    Then :math:`V^{best} - \beta/2 \le \hat V^{best} \le \hat V^{chosen} \le V^{chosen} + \beta/2`
    (Ge et al. 2025, few-shot).

    Args:
        policies: K.
        span: B, between the least and the largest return, in units of return.
        beta: in units of return.
        alpha: probability of error.

    Returns:
        m, episodes of each policy.

    Raises:
        PolicyBudgetError: an argument is out of range.
    """
    check_level(alpha)
    if policies < 1 or not (0 < beta < np.inf and 0 < span < np.inf):
        raise PolicyBudgetError(f"need policies >= 1, span > 0 and beta > 0, got {policies}, {span} and {beta}")
    return math.ceil(2.0 * span**2 / beta**2 * math.log(2.0 * policies / alpha))


def select(
    play: Play,
    policies: int,
    low: float,
    high: float,
    *,
    alpha: float = 0.05,
    beta: float = 0.0,
    episodes: int | None = None,
    method: str = "successive-elimination",
    floor: float | None = None,
    bounds: str = "betting",
) -> Choice:
    """Play fresh episodes of a new task until it is known which policy serves it, or the episodes are spent.

    With probability 1 - alpha all bounds hold at every look: then an answer ``certain`` is the best policy, one
    ``within beta`` is within beta of it, and what is said about the floor is true. Every look at every policy has
    ``alpha / (policies * looks)``, half for each side. The number of looks is fixed before the first episode, so one
    may stop at any of them. Uniform has one look and Hoeffding's bound; the others take the better of Hoeffding's and
    an adaptive bound, at half of that each.

    Args:
        play: ``play(chosen, number)`` gives the returns (len(chosen), number) of fresh, independent episodes of the
            policies ``chosen``. All randomness is there; a tie goes to the lower index.
        policies: K.
        low: no return is ever less.
        high: no return is ever more.
        alpha: probability of error.
        beta: precision that is good enough, in units of return; 0 asks for the best policy itself.
        episodes: how many may be played in all; None: as many as beta takes, which then must be positive.
        method: one of ``METHODS``; sequential halving needs ``episodes``.
        floor: a policy worth less is not good enough, in units of return; elimination plays on until it is decided.
        bounds: the adaptive bound: ``betting`` (tighter), or ``bernstein`` (a closed form).

    Returns:
        The chosen policy, why, and all bounds.

    Raises:
        PolicyBudgetError: an argument does not fit, or a return lies outside [low, high].
    """
    check_range(low, high)
    check_level(alpha)
    for name, value, known in (("method", method, METHODS), ("bounds", bounds, BOUNDS)):
        check_choice(name, value, known)
    if policies < 1 or not 0 <= beta < np.inf:
        raise PolicyBudgetError(f"need policies >= 1 and beta >= 0, got {policies} and {beta}")
    if episodes is None and (beta == 0 or method == "sequential-halving"):
        raise PolicyBudgetError("how long to play is open: give episodes (or, but for sequential-halving, beta > 0)")
    least = policies * (_rounds(policies) if method == "sequential-halving" else 1)
    if episodes is not None and episodes < least:
        raise PolicyBudgetError(
            f"episodes must be at least {least} for {policies} policies by {method}, got {episodes}"
        )
    arms = Arms(play, policies, low, high, alpha, beta, floor, bounds)
    run = {METHODS[0]: _eliminate, METHODS[1]: _halve, METHODS[2]: _uniform}[method]
    run(arms, episodes)
    return arms.choice(method)


def _looks(arms: Arms, episodes: int | None) -> tuple[Int[np.ndarray, " looks"], float]:
    """Episodes per policy at each look, and the error of one policy's bound on one side at one look.

    The first look is where a policy that always pays ``high`` can first be told apart from one that always pays
    ``low``. The last is where Hoeffding's bound proves beta, or all episodes.
    """
    for looks in itertools.count(1):
        side = arms.alpha / (2 * arms.policies * looks)
        last = np.inf if episodes is None else episodes
        if arms.beta > 0:
            last = min(last, math.ceil(2.0 * arms.span**2 / arms.beta**2 * math.log(2.0 / side)))
        counts = math.log2(2.0 / side) * GROWTH ** np.arange(looks)
        if counts[-1] >= last:
            return np.minimum(np.ceil(counts), last).astype(int), side
    raise AssertionError("unreachable")


def _eliminate(arms: Arms, episodes: int | None) -> None:
    counts, side = _looks(arms, episodes)
    for before, count in itertools.pairwise([0, *counts.tolist()]):
        affordable = count if episodes is None else (episodes - arms.played) // int(arms.alive.sum())
        number = min(count - before, affordable)
        if number == 0:
            return
        arms.play_on(number, side, planned=count)
        leader = arms.leader
        arms.alive &= arms.upper > arms.lower.max()
        arms.alive[leader] = True
        if arms.decided() or number < count - before:
            return


def _halve(arms: Arms, episodes: int | None) -> None:
    assert episodes is not None  # checked by select
    rounds = _rounds(arms.policies)
    for _ in range(rounds):
        left = int(arms.alive.sum())
        arms.play_on(episodes // (left * rounds), arms.alpha / (2 * arms.policies * rounds))
        order = np.argsort(-np.where(arms.alive, arms.means, -np.inf), kind="stable")
        arms.alive[order[(left + 1) // 2 :]] = False


def _rounds(policies: int) -> int:
    return max(1, math.ceil(math.log2(policies)))


def _uniform(arms: Arms, episodes: int | None) -> None:
    numbers = [] if episodes is None else [episodes // arms.policies]
    if arms.beta > 0:
        numbers.append(episodes_needed(arms.policies, arms.span, arms.beta, arms.alpha))
    arms.play_on(min(numbers), arms.alpha / (2 * arms.policies), adaptive=False)


def oracle(returns: np.ndarray) -> Float[np.ndarray, " tasks"]:
    r"""What published tables call zero-shot: the best of K *in hindsight*, :math:`\frac1E \sum_e \max_k R_{kte}`.

    No rule reaches it: it picks the policy after seeing the episode that judges it, and so counts luck as skill.
    :math:`\mathrm E \max_k R_k \ge \max_k \mathrm E R_k`, and the gap grows with K and with noise. Print it beside
    :func:`split` only, and call it an oracle.

    Args:
        returns: (k, tasks, episodes); published tables have one episode.

    Returns:
        (tasks,) mean over episodes, in units of return.
    """
    best: np.ndarray = _table(returns).max(axis=0).mean(axis=-1)
    return best


def split(returns: np.ndarray, selection: int) -> tuple[Int[np.ndarray, " tasks"], Float[np.ndarray, "tasks judged"]]:
    """The honest version of :func:`oracle`: choose each task's policy by some episodes, judge it by the others.

    Args:
        returns: (k, tasks, episodes).
        selection: how many of the episodes choose, the first ones; from 1 to all but one.

    Returns:
        The policy of each task (tasks,), and its returns in the other episodes (tasks, episodes - selection).

    Raises:
        PolicyBudgetError: no episode would be left on one side.
    """
    table = _table(returns)
    if not 0 < selection < table.shape[2]:
        raise PolicyBudgetError(f"selection must be from 1 to {table.shape[2] - 1} (all but one), got {selection}")
    chosen = table[:, :, :selection].mean(axis=-1).argmax(axis=0)
    return chosen, table[chosen, np.arange(table.shape[1]), selection:]


def _table(returns: np.ndarray) -> Float[np.ndarray, "k tasks e"]:
    table = np.asarray(returns, np.float64)
    if table.ndim != 3 or 0 in table.shape:
        raise PolicyBudgetError(f"returns must have shape (policies, tasks, episodes), got {table.shape}")
    return table
