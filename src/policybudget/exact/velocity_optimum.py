"""The ceiling of a velocity world: what k constant speeds would earn if they were held from the first step.

No policy attains it, as a robot has to get up to speed (:mod:`policybudget.exact.intervals`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from policybudget.errors import check_agents, check_seed
from policybudget.exact.intervals import Points, best_points_each
from policybudget.exact.optima import Listener, Optima, checked, rounded, silent
from policybudget.worlds.mujoco.velocity import HALF_WIDTHS, NAMES, PARAMETER, velocity_population


@dataclass(frozen=True, eq=False)
class VelocityOptima(Optima):
    """The best k speeds for each of some budgets.

    Attributes:
        world: its name.
        population_seed: of the draw of the targets.
        targets: (n,) target velocity of each agent, in m/s.
        asked: the budgets.
        best: per budget, the best speeds.
    """

    world: str
    population_seed: int
    targets: Float[np.ndarray, " n"]
    asked: tuple[int, ...]
    best: tuple[Points, ...]

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets k."""
        return self.asked

    @property
    def welfare(self) -> tuple[float, ...]:
        """Per budget, the ceiling of the mean return, 0 to 100."""
        return tuple(rounded(100 * found.value) for found in self.best)

    @property
    def word(self) -> str:
        """No policy attains it."""
        return "ceiling"

    @property
    def unit(self) -> str:
        """An upper bound, not an optimum."""
        return "ceiling of the welfare (mean return)"

    @property
    def parameter(self) -> str:
        """What the targets are, with their unit."""
        return PARAMETER

    def about(self) -> dict[str, Any]:
        """The world and the draw of its agents."""
        return {"world": self.world, "agents": len(self.targets), "seed": self.population_seed}

    def entries(self) -> list[dict[str, Any]]:
        """Per budget, the ceiling, the speeds and how many agents each of them pays."""
        return [
            {
                "budget": budget,
                "ceiling": ceiling,
                "speeds": [rounded(speed) for speed in found.points],
                "users": np.bincount(found.labels[found.labels >= 0], minlength=len(found.points)).tolist(),
                "paid_nothing": int((found.labels < 0).sum()),
            }
            for budget, ceiling, found in zip(self.asked, self.welfare, self.best, strict=True)
        ]

    def policies(self) -> list[dict[str, Any]]:
        """The speeds of the first budget."""
        entry = self.entries()[0]
        return [
            {"policy": j, "speed (m/s)": speed, "users": users}
            for j, (speed, users) in enumerate(zip(entry["speeds"], entry["users"], strict=True))
        ]

    def remarks(self) -> list[str]:
        """Whom none of them pays."""
        unpaid = self.entries()[0]["paid_nothing"]
        return [f"{unpaid} of {len(self.targets)} users are paid nothing", "no policy attains the ceiling"]


def velocity_optimum(
    world: str,
    budgets: Iterable[int],
    *,
    agents: int = 100,
    population_seed: int = 0,
    listener: Listener = silent,
) -> VelocityOptima:
    """The k constant speeds that pay one draw of agents most.

    Args:
        world: half-cheetah-velocity, ant-velocity, hopper-velocity or walker2d-velocity.
        budgets: each from 1 to n.
        agents: n.
        population_seed: decides the draw of their targets.
        listener: called after each budget.

    Returns:
        The speeds.

    Raises:
        PolicyBudgetError: an argument is out of range.
    """
    check_agents(agents)
    check_seed(population_seed)
    asked = checked(budgets, agents)
    population = velocity_population(NAMES[world], agents, population_seed)
    assert population.parameters is not None
    targets = population.parameters[:, 0].astype(np.float64)
    best = best_points_each(targets, HALF_WIDTHS[NAMES[world]], asked)
    for budget, found in zip(asked, best, strict=True):
        listener(f"budget {budget}  ceiling {100 * found.value:.2f}")
    return VelocityOptima(world, population_seed, targets, asked, best)
