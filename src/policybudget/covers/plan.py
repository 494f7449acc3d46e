"""What is asked of a file of tasks: one cover, or a sweep over radii or budgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from policybudget.covers import descriptions as described
from policybudget.covers.cover import METHODS, Cover
from policybudget.covers.sweep import by_budget, by_radius
from policybudget.covers.tasks import Tasks, read_tasks
from policybudget.errors import PolicyBudgetError
from policybudget.settings import budgets, option

STEPS = 1000
"""Most radii of a sweep LOW:HIGH:NUMBER."""


def radii(text: str) -> tuple[float, ...]:
    """Radii as they are typed.

    Args:
        text: such as ``0.1,0.2,0.5``, or ``0.1:1:10`` for ten from 0.1 to 1.

    Returns:
        The radii, ascending.

    Raises:
        PolicyBudgetError: the text is neither.
    """
    try:
        if text.count(":") == 2:
            low, high, number = text.split(":")
            first, last, count = float(low), float(high), int(number)
            if not (0 < first < last < float("inf") and 2 <= count <= STEPS):
                raise ValueError
            return (*(first + (last - first) * i / (count - 1) for i in range(count - 1)), last)
        return tuple(sorted(set(map(float, text.split(",")))))
    except ValueError:
        raise PolicyBudgetError(
            f"sweep_radius: expected numbers such as 0.1,0.2,0.5 or LOW:HIGH:NUMBER such as 0.1:1:10, got {text!r}"
        ) from None


@dataclass(frozen=True)
class CoverPlan:
    """What is asked. Either ``budget`` or ``sweep_budget`` is given, and either ``radius`` or ``sweep_radius``.

    Attributes:
        budget: K, the number of prototypes.
        radius: how far a task may be from its prototype in any parameter, in the unit of the file, or in standard
            deviations.
        method: one of ``METHODS``.
        standardise: divide each column by its standard deviation.
        seed: of the methods that draw.
        columns: the parameters; all columns if None.
        descriptions: name of an encoder, to cover what the column ``description`` says; None to cover numbers.
        components: numbers per embedded description.
        sweep_radius: several radii.
        sweep_budget: several budgets.

    Raises:
        PolicyBudgetError: options do not go together.
    """

    budget: int | None = option(None, "number of prototypes", metavar="K")
    radius: float | None = option(None, "how far a task may be from its prototype", metavar="E")
    method: str = option("greedy-intersection", f"{', '.join(METHODS[:-1])} or {METHODS[-1]}")
    standardise: bool = option(False, "radius in standard deviations of each column")
    seed: int = option(0, "of local-search, gradient and the clusterings")
    columns: tuple[str, ...] | None = option(None, "the parameters to use; all if not given")
    descriptions: str | None = option(
        None, f"cover what column description says, embedded by {' or '.join(described.ENCODERS)}"
    )
    components: int | None = option(
        None, f"numbers per embedded description; {described.COMPONENTS} if not given", metavar="D"
    )
    sweep_radius: tuple[float, ...] | None = option(
        None, "instead of --radius: 0.1,0.2,0.5 or LOW:HIGH:NUMBER", metavar="LIST", read=radii
    )
    sweep_budget: tuple[int, ...] | None = option(
        None, "instead of --budget: such as 1-10 or 1,2,5", metavar="LIST", read=budgets
    )

    def __post_init__(self) -> None:
        if self.sweep_radius is not None and self.sweep_budget is not None:
            raise PolicyBudgetError("give --sweep-radius or --sweep-budget, not both")
        pairs = {"radius": (self.radius, self.sweep_radius), "budget": (self.budget, self.sweep_budget)}
        for name, (one, several) in pairs.items():
            if (one is None) == (several is None):
                what = "both" if one is not None else "neither"
                raise PolicyBudgetError(f"give either --{name} or --sweep-{name}, got {what}")
        if self.descriptions is None and self.components is not None:
            raise PolicyBudgetError("--components is for --descriptions; leave it out")
        if self.descriptions is not None and self.columns is not None:
            raise PolicyBudgetError("give --columns or --descriptions, not both")

    @property
    def sweep(self) -> str | None:
        """What runs over several values: ``radius``, ``budget``, or None."""
        return "radius" if self.sweep_radius is not None else "budget" if self.sweep_budget is not None else None

    @property
    def count(self) -> int:
        """The number of covers."""
        return len(self.sweep_radius or self.sweep_budget or (0,))

    @property
    def in_deviations(self) -> bool:
        """Whether radii are in standard deviations."""
        return self.standardise or self.descriptions is not None

    def read(self, path: Path) -> Tasks:
        """The tasks of a file.

        Args:
            path: of comma-separated values, in UTF-8.

        Returns:
            The tasks, with the columns that are asked for.

        Raises:
            PolicyBudgetError: the file is missing or wrong, or the encoder is not there.
        """
        if self.descriptions is None:
            return read_tasks(path, self.columns)
        components = described.COMPONENTS if self.components is None else self.components
        return described.read_described(path, described.encoder(self.descriptions), components)

    def covers(self, tasks: Tasks) -> Iterator[Cover]:
        """The covers, each computed when it is asked for.

        Args:
            tasks: to be covered.

        Returns:
            One cover, or one for each value of a sweep.

        Raises:
            PolicyBudgetError: an option does not fit the tasks; this is said before the first cover is computed.
        """
        how = (self.method, self.seed, self.standardise)
        if self.sweep_radius is not None:
            assert self.budget is not None
            return by_radius(tasks.parameters, self.budget, self.sweep_radius, *how)
        assert self.radius is not None
        several = self.sweep_budget or (self.budget,)
        return by_budget(tasks.parameters, [budget for budget in several if budget is not None], self.radius, *how)
