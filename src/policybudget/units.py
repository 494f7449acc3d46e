"""Actions as the environment takes them: its bounds, its shape, its type, and the number of its first choice.

The one mapping from what policies choose to what environments take, in training and where a policy is put to work. It
needs NumPy alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import PolicyBudgetError

Kind = Literal["discrete", "multi-discrete", "box"]
Numbers = NDArray[Any]

FORMULAS = {
    "discrete": "start + choice",
    "multi-discrete": "reshape(choices, shape) + reshape(start, shape)",
    "box": "reshape(x, shape)",
    "stretched": "reshape(clip(offset + scale * x, low, high), shape), in float64",
    "whole": "reshape(round(clip(offset + scale * x, low, high)), shape), in float64; halves go to the even number",
}
"""From what a policy chose to an action in the environment's own units, as the manifest says it."""


@dataclass(frozen=True)
class Units:
    """An action space as the environment has it.

    Attributes:
        kind: one choice, several choices, or real numbers.
        sizes: the number of choices, for each component if there are several; (a,) for a box of a numbers.
        low: the least that each number of a box may be; -inf for no bound.
        high: the most that each number of a box may be; inf for no bound.
        stretched: whether policies act in [-1, 1], which is stretched to the bounds of the box and clipped; if not,
            the environment takes the numbers as they are.
        shape: of one action.
        dtype: the name of its NumPy type.
        start: the number that the environment gives the first choice, for each component; empty for 0.
    """

    kind: Kind
    sizes: tuple[int, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    stretched: bool = False
    shape: tuple[int, ...] = ()
    dtype: str = "int64"
    start: tuple[int, ...] = ()

    @property
    def choices(self) -> tuple[int, ...] | None:
        """The number of choices of each component; None for a box."""
        return None if self.kind == "box" else self.sizes

    @property
    def outputs(self) -> int:
        """The number of outputs of a policy's network."""
        return sum(self.sizes)

    @cached_property
    def stretch(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Offset, scale, low and high of a box that is stretched, (a,) each, in float64."""
        low, high = np.asarray(self.low, np.float64), np.asarray(self.high, np.float64)
        has_low, has_high = np.isfinite(low), np.isfinite(high)
        both = has_low & has_high
        known_low, known_high = np.where(has_low, low, 0.0), np.where(has_high, high, 0.0)
        scale = np.where(both, (known_high - known_low) / 2, 1.0)
        one = np.where(has_low, known_low + 1.0, np.where(has_high, known_high - 1.0, 0.0))
        return np.where(both, known_low + scale, one), scale, low, high

    def __call__(self, actions: Numbers) -> Numbers:
        """Actions in the units of the environment.

        With one bound, the end of [-1, 1] on its side falls on it, at unit scale.

        Args:
            actions: (B,) choices, (B, components) choices, or (B, a) numbers, as policies give them.

        Returns:
            (B, *shape) of the environment's type.
        """
        shape = (len(actions), *self.shape)
        if self.kind != "box":
            first = np.asarray(self.start, np.int64).reshape(self.shape) if self.start else np.int64(0)
            return np.asarray((np.asarray(actions, np.int64).reshape(shape) + first).astype(self.dtype))
        if not self.stretched:
            return np.asarray(actions.reshape(shape).astype(self.dtype))
        offset, scale, low, high = self.stretch
        stretched = np.minimum(np.maximum(offset + scale * np.asarray(actions, np.float64), low), high)
        fitting = np.rint(stretched) if self._whole else stretched
        return np.asarray(fitting.reshape(shape).astype(self.dtype))

    def inverse(self, actions: Numbers, whose: str) -> Numbers:
        """Actions as policies of this package give them: what :meth:`__call__` makes these of.

        Args:
            actions: (B, *shape) in the units of the environment.
            whose: they are, for the error.

        Returns:
            (B,) choices, (B, components) choices, or (B, a) numbers.

        Raises:
            PolicyBudgetError: a choice is none of those that there are.
        """
        rows = actions.reshape(len(actions), -1)
        if self.kind == "box":
            if not self.stretched:
                return np.asarray(rows, np.float32)
            offset, scale, _, _ = self.stretch
            return np.asarray((np.asarray(rows, np.float64) - offset) / scale)
        first = np.asarray(self.start or (0,), np.int64)
        whole = np.asarray(rows, np.int64)
        chosen = whole - first
        wrong = (whole != rows) | (chosen < 0) | (chosen >= np.asarray(self.sizes))
        if wrong.any():
            least, most = first[0], first[0] + self.sizes[0] - 1
            expected = f"whole numbers from {least} to {most}" if self.kind == "discrete" else "choices that there are"
            raise PolicyBudgetError(f"{whose}: expected {expected}, got {rows[wrong][0]}")
        return np.asarray(chosen[:, 0] if self.kind == "discrete" else chosen, np.int32)

    @cached_property
    def _whole(self) -> bool:
        return bool(np.issubdtype(np.dtype(self.dtype), np.integer))

    def record(self) -> dict[str, Any]:
        """The units as JSON takes them, with the formula of the mapping; :meth:`from_record` reads them.

        Returns:
            A dictionary of plain values; bounds that are not finite are None.
        """
        kept: dict[str, Any] = {"kind": self.kind, "sizes": list(self.sizes)}
        formula = FORMULAS[self.kind]
        if self.kind == "box":
            kept |= {side: [x if math.isfinite(x) else None for x in getattr(self, side)] for side in ("low", "high")}
            kept["stretched"] = self.stretched
            if self.stretched:
                offset, scale, _, _ = self.stretch
                kept |= {"offset": offset.tolist(), "scale": scale.tolist()}
                formula = FORMULAS["whole" if self._whole else "stretched"]
        else:
            kept["start"] = list(self.start)
        return kept | {"shape": list(self.shape), "dtype": self.dtype, "formula": formula}

    @staticmethod
    def from_record(record: dict[str, Any]) -> Units:
        """The units that :meth:`record` wrote.

        Args:
            record: the dictionary.

        Returns:
            The units.

        Raises:
            KeyError: an entry is missing.
            PolicyBudgetError: the entries do not go together.
        """
        box = record["kind"] == "box"
        found = Units(
            kind=record["kind"],
            sizes=tuple(record["sizes"]),
            low=tuple(-math.inf if x is None else x for x in record["low"]) if box else (),
            high=tuple(math.inf if x is None else x for x in record["high"]) if box else (),
            stretched=record["stretched"] if box else False,
            shape=tuple(record["shape"]),
            dtype=record["dtype"],
            start=() if box else tuple(record["start"]),
        )
        found._check()
        return found

    def _check(self) -> None:
        """Refuse lengths, bounds and numbers of choices that do not go together."""
        box = self.kind == "box"
        numbers = self.sizes[0] if box else len(self.sizes)
        bounded = self.stretched or bool(self.low or self.high)
        fits = {
            "one size": self.kind == "multi-discrete" or len(self.sizes) == 1,
            f"a shape of {numbers} numbers": math.prod(self.shape) == numbers,
            f"{numbers} bounds": not bounded or len(self.low) == len(self.high) == numbers,
            "no bound above the other": all(low <= high for low, high in zip(self.low, self.high, strict=False)),
            f"a first choice for each of {numbers}": len(self.start) in (0, numbers),
            f"numbers of type {self.dtype}": self._fit_type(),
        }
        if lacking := [what for what, good in fits.items() if not good]:
            raise PolicyBudgetError(f"actions of kind {self.kind} need {lacking[0]}")

    def _fit_type(self) -> bool:
        """Whether every action is a number of the environment's type, where that has whole numbers only."""
        if not self._whole:
            return True
        ends = np.iinfo(self.dtype)
        if self.kind == "box":
            given = (end for end in (*self.low, *self.high) if math.isfinite(end))
            return all(float(ends.min) <= end <= float(ends.max) for end in given)
        first = self.start or (0,) * len(self.sizes)
        return all(ends.min <= at and at + size - 1 <= ends.max for at, size in zip(first, self.sizes, strict=False))
