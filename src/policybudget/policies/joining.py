"""Policies of several trainings, or of several times of one, as one set in which nothing is shared.

Each keeps all numbers that it acts by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.policies.architecture import Architecture

Numbers = NDArray[Any]


def alone(numbers: Mapping[str, Numbers], policy: int) -> dict[str, Numbers]:
    """The numbers of one policy as k = 1 policies; what several share stays as it is.

    Args:
        numbers: of the policies by name, as :meth:`policybudget.policies.stacked.Policies.arrays` has them.
        policy: its index.

    Returns:
        Arrays by name.
    """
    return {
        name: np.array(array[policy : policy + 1] if array.ndim == 3 and len(array) > 1 else array)
        for name, array in numbers.items()
    }


def join(parts: Sequence[Mapping[str, Numbers]], architecture: Architecture) -> dict[str, Numbers]:
    """Policies one after the other.

    Args:
        parts: the numbers of one policy each, of the same network sizes, as :func:`alone` gives them.
        architecture: of any of them.

    Returns:
        Arrays by name, of :attr:`policybudget.policies.architecture.Architecture.separate`. The numbers are the same
        bits.
    """
    shapes = architecture.separate.shapes(1)
    return {name: np.concatenate([part[name].reshape(shape) for part in parts]) for name, shape in shapes.items()}


def rows(numbers: Mapping[str, Numbers], budget: int) -> NDArray[np.float32]:
    """All numbers that each policy acts by, in a row of its own.

    Args:
        numbers: of the policies by name, as :meth:`policybudget.policies.stacked.Policies.arrays` has them.
        budget: k, how many they are.

    Returns:
        (k, p) for :func:`of_rows`, by the order of their names.
    """
    parts = [sorted(alone(numbers, policy).items()) for policy in range(budget)]
    return np.stack([np.concatenate([array.ravel() for _, array in part]) for part in parts]).astype(np.float32)


def of_rows(kept: NDArray[np.float32], architecture: Architecture) -> dict[str, Numbers]:
    """The policies that :func:`rows` laid out.

    Args:
        kept: (k, p) a row for each policy.
        architecture: of any of them.

    Returns:
        Arrays of the k policies by name, in which nothing is shared. The numbers are the same bits.
    """
    shapes = dict(sorted(architecture.separate.shapes(len(kept)).items()))
    ends = np.cumsum([int(np.prod(shape[1:])) for shape in shapes.values()])
    parts = np.split(kept, ends[:-1], axis=1)
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
