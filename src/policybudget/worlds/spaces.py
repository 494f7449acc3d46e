"""Gymnasium spaces as flat arrays: observations become vectors, action spaces those that policies know."""

from __future__ import annotations

from typing import Any

import numpy as np

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.interface import ActionSpace, Box, Discrete, MultiDiscrete

Space = Any


def flat_size(name: str, space: Space) -> int:
    """Numbers in a flattened observation.

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


def flatten(space: Space, batch: Any, number: int) -> np.ndarray:
    """Vectors (N, o) of a batch of observations."""
    kind = type(space).__name__
    if kind == "Discrete":
        return np.eye(int(space.n), dtype=np.float32)[np.asarray(batch).reshape(number) - int(space.start)]
    if kind == "MultiDiscrete":
        columns = np.asarray(batch).reshape(number, -1) - np.asarray(space.start).ravel()
        sizes = np.asarray(space.nvec).ravel()
        return np.concatenate(
            [np.eye(n, dtype=np.float32)[column] for n, column in zip(sizes, columns.T, strict=True)], axis=1
        )
    if kind in ("Dict", "Tuple"):
        return np.concatenate([flatten(part, batch[key], number) for key, part in _parts(space).items()], axis=1)
    return np.asarray(batch, np.float32).reshape(number, -1)


def one(space: Space, observation: Any) -> Any:
    """A batch of one."""
    if type(space).__name__ in ("Dict", "Tuple"):
        parts = {key: one(part, observation[key]) for key, part in _parts(space).items()}
        return parts if type(space).__name__ == "Dict" else tuple(parts.values())
    return np.asarray(observation)[None]


def action_space(name: str, space: Space) -> ActionSpace:
    """The action space as policies know it; boxes as their flat components.

    Raises:
        PolicyBudgetError: actions of this kind are not supported.
    """
    kind = type(space).__name__
    if kind == "Discrete":
        return Discrete(int(space.n))
    if kind == "MultiDiscrete":
        return MultiDiscrete(tuple(int(n) for n in np.asarray(space.nvec).ravel()))
    if kind == "Box":
        low, high = np.asarray(space.low, np.float64).ravel(), np.asarray(space.high, np.float64).ravel()
        return Box(len(low), tuple(map(float, low)), tuple(map(float, high)))
    raise PolicyBudgetError(f"world {name} has actions of kind {kind}; supported are Discrete, MultiDiscrete and Box")


def first_action(space: Space) -> np.ndarray:
    """The numbers that component 0 of an action space's choices starts from."""
    return np.asarray(getattr(space, "start", 0))


def _parts(space: Space) -> dict[Any, Space]:
    return dict(space.spaces) if type(space).__name__ == "Dict" else dict(enumerate(space.spaces))
