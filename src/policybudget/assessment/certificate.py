r"""A certificate that k policies are an (ε, 1 - δ) cover of a task distribution, from N held-out tasks.

A task τ is *covered* if the policy that serves it is worth :math:`V_\tau^{policy} \ge V_\tau^* - \epsilon`; then the
best policy is worth that, too (the cover of Ge et al. 2025). The certificate is a lower bound on
:math:`p = \Pr_\tau[\text{covered}]`, so on 1 - δ. A task is *counted* only if a lower confidence bound of
:math:`V_\tau^{policy}`, which fails with probability at most a, passes :math:`V_\tau^* - \epsilon`. With c of N tasks
counted and :math:`\underline q = \text{Clopper–Pearson}(c, N; \alpha)`:

.. math:: \Pr\Big[\, p \ge 1 - \frac{1 - \underline q}{1 - a} \,\Big] \ge 1 - \alpha

*Proof.* The tasks are independent draws, the policies were fixed before them, and each task's policy before the
episodes that judge it. So "counted" is N independent coins of one chance q. A task that is not covered is counted only
if its bound fails: :math:`1 - q \ge \Pr[\text{not counted, not covered}] \ge (1 - a)(1 - p)`, that is
:math:`p \ge 1 - (1 - q) / (1 - a)`. And :math:`q \ge \underline q` with probability 1 - α. ∎

The tasks' bounds need not all hold at once. The other valid way, a = α₁ / N with a union bound and Clopper–Pearson at
α - α₁, pays for that in every task's bound and in α; here α is not split, and a = 5 % makes the *uncovered* share only
5 % larger. (The union bound is a little ahead where every covered task is beyond doubt.) a is a choice of design: fix
it before looking at data.

The returns of a task may share seeds with those of its reference: neither bound asks for independence between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from policybudget.assessment.bounds import clopper_pearson_lower
from policybudget.betting import betting_lower, check_level, within
from policybudget.errors import PolicyBudgetError

TASK_ALPHA = 0.05  # a, of the default


@dataclass(frozen=True)
class Exact:
    """V* of each task, known: from an exact solver.

    Attributes:
        values: (tasks,) in units of return.
    """

    values: np.ndarray


@dataclass(frozen=True)
class Reference:
    """V* of each task, estimated: by what a policy trained for that task alone gets. The tasks' error a is halved.

    Attributes:
        name: what the reference is called in the statement.
        returns: (tasks, episodes) in the range of the policies' returns; as many episodes as you like.
    """

    name: str
    returns: np.ndarray


@dataclass(frozen=True)
class Floor:
    """What is good enough for a task, whatever the best could be; ε must be 0.

    Attributes:
        value: in units of return.
    """

    value: float


Target = Exact | Reference | Floor


@dataclass(frozen=True)
class Certificate:
    """How large a share of the tasks is surely covered.

    Attributes:
        tasks: N, how many were judged.
        counted: c, how many were shown to be covered, each at level ``task_alpha``.
        share: of tasks whose *mean* return passes the bar: an estimate that guarantees nothing.
        lower_bound: on the covered share p, with ``confidence``.
        confidence: 1 - α.
        task_alpha: a, the error of one task's bounds.
        epsilon: ε, in units of return.
        reference: ``exact``, ``floor``, or ``reference policy NAME``.
        uncovered: indices of tasks that were not shown to be covered.
        lower: (tasks,) lower confidence bounds of the tasks' returns, each by itself.
        bar: (tasks,) what each must pass: V* - ε (V* by its upper bound, if it is estimated).
    """

    tasks: int
    counted: int
    share: float
    lower_bound: float
    confidence: float
    task_alpha: float
    epsilon: float
    reference: str
    uncovered: Int[np.ndarray, " uncovered"]
    lower: Float[np.ndarray, " tasks"]
    bar: Float[np.ndarray, " tasks"]

    def statement(self) -> str:
        """One sentence for a reviewer."""
        if self.reference == "floor":
            bars = np.unique(self.bar)
            served = f"served with a return of at least {bars[0]:g}"
        else:
            best = "the exact optimum" if self.reference == "exact" else self.reference
            served = f"served within {self.epsilon:g} of {best}"
        level = f"{100 * self.confidence:g} %"
        if self.lower_bound == 0:
            return (
                f"At {level} confidence nothing is certified about the share of tasks that are {served} "
                f"({self.counted} of {self.tasks} held-out ones were shown to be)."
            )
        share = np.floor(1000 * self.lower_bound) / 10  # never more than was proved
        return (
            f"With {level} confidence, at least {share:.1f} % of the tasks like the {self.tasks} held-out ones are "
            f"{served} ({self.counted} of {self.tasks} were shown to be)."
        )

    def as_record(self) -> dict[str, Any]:
        """The same for JSON, with the statement."""
        fields = {
            name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()
        }
        return {**fields, "statement": self.statement()}


def certify(
    returns: np.ndarray,
    target: Target,
    *,
    low: float,
    high: float,
    epsilon: float = 0.0,
    alpha: float = 0.05,
    task_alpha: float = TASK_ALPHA,
) -> Certificate:
    """Certify the covered share from fresh episodes of each held-out task's policy.

    The policy of a task may be chosen by a rule on its parameters, or on *other* episodes of the task
    (:func:`policybudget.assessment.few_shot.split` gives both), by the same rule for all tasks. A held-out task had no
    part in training and was drawn like the tasks that the certificate speaks of.

    Args:
        returns: (tasks, episodes) of the policy that serves each task.
        target: what a return is held against: :class:`Exact`, :class:`Reference` or :class:`Floor`.
        low: no return is ever less.
        high: no return is ever more.
        epsilon: ε, in units of return; 0 with a floor.
        alpha: α, probability that the certificate is wrong.
        task_alpha: a, probability that an uncovered task is counted. Smaller asks for more episodes per task. Fix it
            before you look at the data.

    Raises:
        PolicyBudgetError: an argument does not fit, or a return lies outside [low, high].
    """
    check_level(alpha)
    check_level(task_alpha, "task_alpha")
    values = _table(within(returns, low, high), "returns")
    if not 0 <= epsilon < np.inf or (isinstance(target, Floor) and epsilon):
        raise PolicyBudgetError(f"epsilon must be at least 0, and 0 with a floor, got {epsilon}")
    tasks, estimated = len(values), isinstance(target, Reference)
    top, estimate, name = _bars(target, tasks, low, high, task_alpha / 2)
    lower = betting_lower(values, low, high, task_alpha / 2 if estimated else task_alpha)
    counted: Bool[np.ndarray, " tasks"] = lower >= top - epsilon
    proved = clopper_pearson_lower(int(counted.sum()), tasks, alpha)
    return Certificate(
        tasks=tasks,
        counted=int(counted.sum()),
        share=float((values.mean(axis=1) >= estimate - epsilon).mean()),
        lower_bound=max(0.0, 1.0 - (1.0 - proved) / (1.0 - task_alpha)),
        confidence=1.0 - alpha,
        task_alpha=task_alpha,
        epsilon=epsilon,
        reference=name,
        uncovered=np.flatnonzero(~counted),
        lower=lower,
        bar=top - epsilon,
    )


def _bars(
    target: Target, tasks: int, low: float, high: float, alpha: float
) -> tuple[Float[np.ndarray, " tasks"], Float[np.ndarray, " tasks"], str]:
    """V* of each task, no less than it is but with probability ``alpha``; its estimate; and what to call it."""
    if isinstance(target, Reference):
        values = _table(within(target.returns, low, high, "returns of the reference"), "returns of the reference")
        if len(values) != tasks:
            raise PolicyBudgetError(f"the reference must have a row for each of the {tasks} tasks, got {len(values)}")
        return -betting_lower(-values, -high, -low, alpha), values.mean(axis=1), f"reference policy {target.name}"
    exact = isinstance(target, Exact)
    bars = np.asarray(target.values if isinstance(target, Exact) else np.full(tasks, target.value), np.float64)
    if bars.shape != (tasks,) or not np.isfinite(bars).all():
        raise PolicyBudgetError(f"the target must be a finite number for each of the {tasks} tasks, got {bars.shape}")
    return bars, bars, "exact" if exact else "floor"


def _table(returns: np.ndarray, name: str) -> Float[np.ndarray, "tasks e"]:
    if returns.ndim != 2 or 0 in returns.shape:
        raise PolicyBudgetError(f"{name} must have shape (tasks, episodes), got {returns.shape}")
    return returns


def lipschitz_gap(
    lipschitz: float, radius: float, horizon: int | None, discount: float, training_error: float = 0.0
) -> float:
    r"""How far from optimal a policy can be on a task near the one that it was trained for: :math:`2 L H \epsilon + e`.

    The tasks share their dynamics, and in every state and action
    :math:`|r_\theta(s, a) - r_{\theta'}(s, a)| \le L \|\theta - \theta'\|_\infty`. Then every policy is worth nearly
    the same to both, :math:`|V_\theta^\pi - V_{\theta'}^\pi| \le L H \epsilon` with :math:`H = \sum_t \gamma^t`, which
    is used twice, for the optimal policy of θ and for the one that serves it:
    :math:`V_\theta^* - V_\theta^{policy} \le e + 2 L H \epsilon` (Ge et al. 2025, zero-shot). No episodes are needed,
    and no chance is in it; but L is the caller's word.

    Args:
        lipschitz: L, in units of reward per unit of parameter.
        radius: ε, largest distance in any parameter to the policy's own task.
        horizon: steps of an episode; None if it does not end (then the discount is below 1).
        discount: γ, above 0 to 1.
        training_error: e, what the policy lacks on its own task, in units of return.

    Returns:
        The gap in units of return.

    Raises:
        PolicyBudgetError: an argument is out of range.
    """
    for name, value in (("lipschitz", lipschitz), ("radius", radius), ("training_error", training_error)):
        if not 0 <= value < np.inf:
            raise PolicyBudgetError(f"{name} must be at least 0, got {value}")
    if not 0 < discount <= 1 or (horizon is None and discount == 1):
        raise PolicyBudgetError(f"discount must be above 0 and at most 1 (below 1 without a horizon), got {discount}")
    if horizon is not None and horizon < 1:
        raise PolicyBudgetError(f"horizon must be at least 1 step, got {horizon}")
    if horizon is None:
        steps = 1.0 / (1.0 - discount)
    else:
        steps = float(horizon) if discount == 1 else (1.0 - discount**horizon) / (1.0 - discount)
    return 2.0 * lipschitz * steps * radius + training_error
