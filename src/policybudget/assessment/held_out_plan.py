"""What is asked about tasks that had no part in the training of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from policybudget.errors import PolicyBudgetError, check_choice, check_seed
from policybudget.settings import option

RULES = ("nearest", "few-shot", "best-arm")
"""Who serves a task."""
DRAWN = 40
"""Tasks that are drawn if their number is not given."""

TASKS = "tasks: drawn, from a file, or those of --reference"
FEW_SHOT = "few-shot"
GUARANTEES = "guarantees"


@dataclass(frozen=True)
class HeldOutPlan:
    """What is asked.

    Attributes:
        episodes: of each policy; of each task for a certificate.
        seed: of tasks and episodes.
        tasks: how many are drawn, in worlds that can draw them.
        population: a users.csv of agents held out from training.
        trials: of the episodes, those by which few-shot chooses.
        method: how the best policy of each task is identified (one of ``few_shot.METHODS``); None not to.
        beta: a policy so far from the best is good enough, in units of return.
        max_episodes: of a task, of all policies together, to identify the best one; as many as beta takes if None.
        range: the least and the largest return that an episode can have.
        alpha: probability that a guarantee is wrong.
        floor: a return that is good enough.
        reference: run with a policy for each task, against which to certify.
        exact: certify against the best that is possible, in worlds that carry their tables.
        epsilon: how far from the reference, or from the best, is good enough, in units of return.
        certify: who serves (one of ``RULES``).
        lipschitz: by how much rewards change at most per unit of a parameter.
        training_error: what policies lack on the tasks at their places, in units of return.

    Raises:
        PolicyBudgetError: an option is out of range, or options do not go together.
    """

    episodes: int = option(20, "of each policy; of each task for a certificate")
    seed: int = option(1, "of tasks and episodes")
    tasks: int | None = option(None, f"how many are drawn, where a world can; {DRAWN} if not given", group=TASKS)
    population: Path | None = option(None, "a users.csv of users held out from training", group=TASKS)
    policies: str | None = option(
        None, "judge these instead of the run's own, as evaluate --beside has them", metavar="METHOD"
    )
    trials: int = option(4, "of the episodes, to choose by", group=FEW_SHOT)
    method: str | None = option(
        None, "identify the best policy: successive-elimination, sequential-halving or uniform", group=FEW_SHOT
    )
    beta: float = option(0.0, "a policy so far from the best is good enough", metavar="B", group=FEW_SHOT)
    max_episodes: int | None = option(
        None, "of --method, a task, of all policies; as many as B takes if not given", group=FEW_SHOT
    )
    range: tuple[float, float] | None = option(
        None, "no return is outside of this", metavar=("LOW", "HIGH"), group=GUARANTEES
    )
    alpha: float = option(0.05, "chance that a guarantee is wrong", metavar="A", group=GUARANTEES)
    floor: float | None = option(None, "a return that is good enough: for --method, and to certify", group=GUARANTEES)
    reference: Path | None = option(
        None, "certify within E of policies that were trained for the tasks", metavar="RUN", group=GUARANTEES
    )
    exact: bool = option(
        False, "certify within E of the best, in gym: worlds that carry their tables", group=GUARANTEES
    )
    epsilon: float | None = option(None, "in units of return", metavar="E", group=GUARANTEES)
    certify: str = option(
        "nearest", f"who serves: {', '.join(RULES[:-1])} or {RULES[-1]}", metavar="RULE", group=GUARANTEES
    )
    lipschitz: float | None = option(
        None, "by how much rewards change at most per unit of a parameter", metavar="L", group=GUARANTEES
    )
    training_error: float = option(
        0.0, "what policies lack on the tasks at their places", metavar="E", group=GUARANTEES
    )

    @property
    def certified(self) -> bool:
        """Whether a certificate is asked for."""
        return self.floor is not None or self.exact or self.reference is not None

    def __post_init__(self) -> None:
        from policybudget.assessment.few_shot import METHODS

        if not 0 < self.trials < self.episodes:
            raise PolicyBudgetError(f"trials must be from 1 to episodes - 1 ({self.episodes - 1}), got {self.trials}")
        check_seed(self.seed)
        if self.tasks is not None and self.tasks < 1:
            raise PolicyBudgetError(f"tasks must be at least 1, got {self.tasks}")
        if sum(given is not None for given in (self.tasks, self.population, self.reference)) > 1:
            raise PolicyBudgetError(
                "tasks are drawn (--tasks), or from --population, or those of --reference: give one"
            )
        for name, value, known in (("method", self.method, METHODS), ("certify", self.certify, RULES)):
            if value is not None:
                check_choice(name, value, known)
        self._check_few_shot()
        self._check_guarantees()

    def _check_few_shot(self) -> None:
        if self.method is None:
            for name, given in (("beta", self.beta), ("max-episodes", self.max_episodes)):
                if given:
                    raise PolicyBudgetError(f"--{name} is for --method; leave it out")
            if self.certify == "best-arm":
                raise PolicyBudgetError("--certify best-arm needs a --method that identifies it")
        elif not 0 <= self.beta < float("inf"):
            raise PolicyBudgetError(f"beta must be at least 0, got {self.beta}")
        elif self.max_episodes is None and (self.beta == 0 or self.method == "sequential-halving"):
            raise PolicyBudgetError(
                "how long to play is open: give --max-episodes N (or, but for sequential-halving, --beta above 0)"
            )

    def _check_guarantees(self) -> None:
        from policybudget.assessment.certificate import lipschitz_gap
        from policybudget.betting import check_level, check_range

        check_level(self.alpha)
        bounded = self.certified or self.method is not None
        if bounded != (self.range is not None):
            raise PolicyBudgetError(
                "--range LOW HIGH (no return may be outside) is what --method and certificates (--floor, --exact, "
                "--reference) need, and nothing else does"
            )
        if self.range is not None:
            check_range(*self.range)
        if (self.exact or self.reference is not None) != (self.epsilon is not None):
            raise PolicyBudgetError("--epsilon E is what --exact and --reference need, and nothing else does")
        if self.epsilon is not None and not 0 <= self.epsilon < float("inf"):
            raise PolicyBudgetError(f"epsilon must be at least 0, got {self.epsilon}")
        if self.training_error and self.lipschitz is None:
            raise PolicyBudgetError("--training-error is for --lipschitz; leave it out")
        if self.lipschitz is not None:
            lipschitz_gap(self.lipschitz, 0.0, 1, 1.0, self.training_error)
