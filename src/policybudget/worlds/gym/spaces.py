"""Gymnasium spaces as flat arrays: observations become vectors, action spaces those that policies know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import PolicyBudgetError, WorldError
from policybudget.from_file import brief
from policybudget.units import Units

Space = Any
Floats = NDArray[np.float32]
NO_BOUND = 1e30
"""Bounds of boxes beyond it (such as the largest float) count as none."""
MOST_SEEN, MOST_OUTPUTS = 1_000_000, 100_000
"""Numbers in an observation, and outputs of a policy, beyond which no network here is of use."""


def flat_size(name: str, space: Space) -> int:
    """Numbers in a flattened observation.

    Args:
        name: of the world, for the error.
        space: of the observations.

    Returns:
        o.

    Raises:
        PolicyBudgetError: observations of this kind are not supported.
    """
    kind = type(space).__name__
    if kind == "Box":
        if len(space.shape) >= 3 or (len(space.shape) == 2 and space.dtype == np.uint8):
            raise PolicyBudgetError(
                f"world {name} has image observations of shape {space.shape}; only vectors are supported for now: "
                "wrap it with an encoder"
            )
        return int(np.prod(space.shape))
    if kind == "Discrete":
        return int(space.n)
    if kind == "MultiDiscrete":
        return int(np.sum(space.nvec))
    if kind == "MultiBinary":
        return int(np.prod(space.shape))
    if kind in ("Dict", "Tuple"):
        return sum(flat_size(name, part) for part in _parts(space).values())
    raise PolicyBudgetError(
        f"world {name} has observations of kind {kind}; supported are Box, Discrete, MultiDiscrete, MultiBinary, "
        "and Dict or Tuple of these"
    )


def check_size(name: str, what: str, size: int, most: int) -> None:
    """Refuse spaces that no policy can be made for.

    Args:
        name: of the world, for the error.
        what: has the size.
        size: in numbers.
        most: that is supported.

    Raises:
        PolicyBudgetError: it is empty or too large.
    """
    if not 1 <= size <= most:
        raise PolicyBudgetError(f"world {name}: expected {what} of 1 to {most:,} numbers, got {size:,}")


def flatten(space: Space, batch: Any, number: int) -> Floats:
    """A batch of observations as vectors, in an array of their own.

    Args:
        space: of one observation.
        batch: of E observations, as a vector environment gives it.
        number: E.

    Returns:
        (E, o) vectors.

    Raises:
        WorldError: a discrete observation is outside its space.
    """
    kind = type(space).__name__
    if kind == "Discrete":
        return _one_hot(int(space.n), np.asarray(batch).reshape(number) - int(space.start))
    if kind == "MultiDiscrete":
        columns = np.asarray(batch).reshape(number, -1) - np.asarray(space.start).ravel()
        sizes = np.asarray(space.nvec).ravel()
        return np.concatenate([_one_hot(int(n), column) for n, column in zip(sizes, columns.T, strict=True)], axis=1)
    if kind in ("Dict", "Tuple"):
        return np.concatenate([flatten(part, batch[key], number) for key, part in _parts(space).items()], axis=1)
    with np.errstate(over="ignore"):  # too large for float32 is found as infinite by those who check
        numbers: Floats = np.array(batch, np.float32).reshape(number, -1)
    return numbers


def as_batch(space: Space, observation: Any) -> Any:
    """An observation as a batch of one.

    Args:
        space: of the observation.
        observation: of one environment.

    Returns:
        The same with a leading axis of length 1.
    """
    if type(space).__name__ in ("Dict", "Tuple"):
        parts = {key: as_batch(part, observation[key]) for key, part in _parts(space).items()}
        return parts if type(space).__name__ == "Dict" else tuple(parts.values())
    return np.asarray(observation)[None]


def misfit(space: Space, observation: Any) -> str:
    """What is wrong with the observation of one environment, as far as its form goes.

    Args:
        space: of the observation.
        observation: what the environment gave.

    Returns:
        What came, in words; nothing if it fits.
    """
    kind = type(space).__name__
    if kind == "Dict":
        if not isinstance(observation, Mapping) or set(observation) != set(space.spaces):
            got = f"a dict of {', '.join(map(str, observation))}" if isinstance(observation, Mapping) else "no dict"
            return f"{got} instead of one of {', '.join(map(str, space.spaces))}"
    elif kind == "Tuple" and (not isinstance(observation, tuple | list) or len(observation) != len(space.spaces)):
        return f"no tuple of {len(space.spaces)} parts"
    if kind in ("Dict", "Tuple"):
        wrong = (misfit(part, observation[key]) for key, part in _parts(space).items())
        return next((text for text in wrong if text), "")
    if kind not in ("Box", "Discrete", "MultiDiscrete", "MultiBinary"):
        return ""
    try:
        given = np.asarray(observation)
    except ValueError:
        return "rows of different lengths"
    if given.dtype.kind not in "biuf":
        return f"no number: {brief(observation)}" if given.ndim == 0 else "an array of something else than numbers"
    if given.shape == space.shape or (kind == "Discrete" and given.size == 1):
        return ""
    return f"{_form(given.shape)} instead of {_form(space.shape)}"


def _form(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "one number"


def units_of(name: str, space: Space) -> Units:
    """The units that actions are in where they reach the environment; boxes as their flat components.

    Args:
        name: of the world, for the error.
        space: of the actions of one environment.

    Returns:
        The units: their mapping is from actions as policies give them.

    Raises:
        PolicyBudgetError: actions of this kind are not supported.
    """
    kind = type(space).__name__
    if kind not in ("Discrete", "MultiDiscrete", "MultiBinary", "Box"):
        raise PolicyBudgetError(
            f"world {name} has actions of kind {kind}; supported are Discrete, MultiDiscrete, MultiBinary and Box"
        )
    form = {"shape": tuple(int(n) for n in space.shape), "dtype": np.dtype(space.dtype).name}
    if kind == "Box":
        low, high = _bounds(space)
        return Units("box", (len(low),), tuple(map(float, low)), tuple(map(float, high)), stretched=True, **form)
    start = np.asarray(getattr(space, "start", 0)).ravel()
    first = tuple(int(n) for n in start) if start.any() else ()
    if kind == "Discrete":
        return Units("discrete", (int(space.n),), start=first, **form)
    sizes = np.asarray(space.nvec).ravel() if kind == "MultiDiscrete" else (2,) * int(np.prod(space.shape))
    return Units("multi-discrete", tuple(int(n) for n in sizes), start=first, **form)


def _bounds(space: Space) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.asarray(space.low, np.float64).ravel(), np.asarray(space.high, np.float64).ravel()
    return np.where(low < -NO_BOUND, -np.inf, low), np.where(high > NO_BOUND, np.inf, high)


def _one_hot(size: int, index: NDArray[Any]) -> Floats:
    if ((index < 0) | (index >= size)).any():
        wrong = int(index[(index < 0) | (index >= size)][0])
        raise WorldError(f"an observation is number {wrong} of {size} (counted from 0): it is outside its space")
    rows: Floats = np.eye(size, dtype=np.float32)[index]
    return rows


def _parts(space: Space) -> dict[Any, Space]:
    return dict(space.spaces) if type(space).__name__ == "Dict" else dict(enumerate(space.spaces))
