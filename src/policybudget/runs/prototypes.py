"""A task for each policy, its prototype. The policy with the nearest prototype acts for a new task without a trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from policybudget.errors import PolicyBudgetError


@dataclass(frozen=True, eq=False)
class Prototypes:
    """The prototypes of k policies in the space of p task parameters.

    Args:
        places: (k, p) in the units of the task parameters; infinite for a policy without a prototype.
        scale: (p) the unit that distances in each parameter are measured in: ones, or standard deviations.
        names: p names of the parameters; empty if they have none.
    """

    places: np.ndarray
    scale: np.ndarray
    names: tuple[str, ...] = ()

    @staticmethod
    def first(places: np.ndarray, scale: np.ndarray, names: tuple[str, ...], budget: int) -> Prototypes:
        """Prototypes of the first c of k policies; the other policies have none.

        Args:
            places: (c, p) in the units of the task parameters, c <= k.
            scale: (p) the unit that distances in each parameter are measured in.
            names: p names of the parameters; empty if they have none.
            budget: k, the number of policies.

        Returns:
            The prototypes of all k policies.
        """
        padded = np.full((budget, places.shape[1]), np.inf)
        padded[: len(places)] = places
        return Prototypes(padded, scale, names)

    def nearest(self, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The policy with the prototype nearest to each task, by the largest difference in any parameter.

        Args:
            tasks: (n, p) a row of task parameters per task or agent.

        Returns:
            (n) indices of policies, and (n) distances in units of the scale.

        Raises:
            PolicyBudgetError: the number of task parameters differs from that of the prototypes.
        """
        if tasks.shape[1] != len(self.scale):
            raise PolicyBudgetError(
                f"tasks must have the {len(self.scale)} parameters of the prototypes, got {tasks.shape[1]}"
            )
        apart = np.array([(np.abs(one - tasks) / self.scale).max(axis=1) for one in self.places])
        return apart.argmin(axis=0), apart.min(axis=0)
