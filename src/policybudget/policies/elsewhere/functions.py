"""Policies that were trained elsewhere, as functions from observations to actions in the environment's own units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError
from policybudget.from_file import line
from policybudget.units import Units
from policybudget.worlds.interface import ActionSpace

Function = Callable[[np.ndarray], Any]
"""From (B, o) raw observations, float32, to (B, ..) actions in the environment's own units."""


class FunctionPolicies:
    """k policies that any code may have trained. They act as they do: greedy and sampled actions are the same.

    Args:
        functions: k of them; each from (B, o) raw observations to (B, *shape) actions in the environment's own units.
        units: of the world that they act in (:attr:`World.units`).
        names: what to call them in errors; numbers if None.
    """

    def __init__(self, functions: Sequence[Function], units: Units, names: Sequence[str] | None = None) -> None:
        self.functions, self.units = tuple(functions), units
        self.names = tuple(names or (f"policy {j}" for j in range(len(self.functions))))
        if not self.functions:
            raise PolicyBudgetError("expected at least one policy, got none")

    @property
    def budget(self) -> int:
        """k."""
        return len(self.functions)

    def of(self, chosen: Any) -> FunctionPolicies:
        """Some of the policies.

        Args:
            chosen: (c) their indices.
        """
        which = [int(j) for j in np.asarray(chosen)]
        return FunctionPolicies([self.functions[j] for j in which], self.units, [self.names[j] for j in which])

    def on_host(self, space: ActionSpace) -> FunctionPolicies:
        """Themselves: they act in NumPy.

        Args:
            space: not used; the units have it.
        """
        del space
        return self

    def act(self, observation: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        """Actions as worlds of this package take them.

        Args:
            observation: (k, B, o) B raw observations per policy.
            random: not used; the functions decide.

        Returns:
            (k, B) or (k, B, a) actions.

        Raises:
            PolicyBudgetError: a function raised, or its actions have another shape, are not finite or are no choices.
        """
        del random
        each = zip(self.functions, self.names, observation, strict=True)
        return np.stack([self._checked(function, name, rows) for function, name, rows in each])

    def _checked(self, function: Function, name: str, rows: np.ndarray) -> np.ndarray:
        """A policy's actions, back in the units that policies act in."""
        rows = np.ascontiguousarray(rows, np.float32)
        try:
            given = np.asarray(function(rows))
        except PolicyBudgetError:
            raise
        except Exception as error:
            raise PolicyBudgetError(f"{name} raised {line(error)} for observations of shape {rows.shape}") from error
        shape = (len(rows), *self.units.shape)
        if given.size == len(rows) and len(shape) == 1:
            given = given.reshape(shape)  # a column of choices
        if given.shape != shape:
            raise PolicyBudgetError(
                f"{name}: expected actions of shape {shape} for {len(rows)} observations, got {given.shape}"
            )
        if given.dtype.kind not in "iufb" or not np.isfinite(given).all():
            raise PolicyBudgetError(f"{name}: expected actions that are finite numbers, got {given.ravel()[:3]}")
        return self.units.inverse(given, name)
