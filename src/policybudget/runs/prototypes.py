"""Where the policies of a committee stand in the space of tasks: who is nearest acts for a task without a trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from policybudget.errors import PolicyBudgetError


@dataclass(frozen=True, eq=False)
class Prototypes:
    """A place per policy.

    Attributes:
        places: in the units of the task parameters; infinite for a policy that stands nowhere.
        scale: of each parameter, which distances are measured in: ones, or standard deviations.
        names: of the parameters, if they have some.
    """

    places: Float[np.ndarray, "k d"]
    scale: Float[np.ndarray, " d"]
    names: tuple[str, ...] = ()

    @staticmethod
    def first(
        places: Float[np.ndarray, "c d"], scale: Float[np.ndarray, " d"], names: tuple[str, ...], budget: int
    ) -> Prototypes:
        """Places of the first c of k policies; the others stand nowhere."""
        padded = np.full((budget, places.shape[1]), np.inf)
        padded[: len(places)] = places
        return Prototypes(padded, scale, names)

    def nearest(self, tasks: Float[np.ndarray, "m d"]) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """The policy that is nearest to each task, and the largest difference in any parameter, in the scale.

        Raises:
            PolicyBudgetError: the tasks have other parameters.
        """
        if tasks.shape[1] != len(self.scale):
            raise PolicyBudgetError(
                f"tasks must have the {len(self.scale)} parameters of the prototypes, got {tasks.shape[1]}"
            )
        apart = np.array([(np.abs(one - tasks) / self.scale).max(axis=1) for one in self.places])
        return apart.argmin(axis=0), apart.min(axis=0)
