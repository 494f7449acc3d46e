"""What a Gymnasium vector environment written by hand needs: seeds, masks, infos, saved state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import WorldError

Mask = NDArray[np.bool_]
_WORD = (1 << 64) - 1


def seed_list(seed: int | Sequence[int | None] | None, num_envs: int) -> list[int | None]:
    """One seed per environment, as Gymnasium has it: s becomes s, s + 1, ...; None stays None.

    Args:
        seed: a seed s, one per environment, or None.
        num_envs: E.

    Returns:
        E seeds; None where the generator goes on.

    Raises:
        WorldError: a list of another length than ``num_envs``.
    """
    if seed is None:
        return [None] * num_envs
    if isinstance(seed, (int, np.integer)):
        return [int(seed) + i for i in range(num_envs)]
    if len(seed) != num_envs:
        raise WorldError(f"seed must list one seed for each of {num_envs} worlds, got {len(seed)}")
    return list(seed)


def reset_mask(options: Mapping[str, Any] | None, num_envs: int) -> Mask:
    """Which environments (E,) to reset: those of ``options["reset_mask"]``, or all.

    Args:
        options: of ``reset``.
        num_envs: E.

    Returns:
        The mask (E,).

    Raises:
        WorldError: the mask is no array of bool of shape (E,), or chooses nothing.
    """
    mask = (options or {}).get("reset_mask")
    if mask is None:
        return np.ones(num_envs, np.bool_)
    fits = isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.shape == (num_envs,)
    if not fits or not mask.any():
        raise WorldError(
            f"reset_mask must be an array of bool of shape ({num_envs},) with at least one True, got {mask!r}"
        )
    chosen: Mask = mask.copy()
    return chosen


def checked_actions(
    actions: NDArray[Any],
    shape: tuple[int, int],
    active: Mask,
    elapsed: NDArray[np.int64],
    task: str,
) -> NDArray[np.float64]:
    """Actions (E, nu) as float64.

    Args:
        actions: what came.
        shape: (E, nu).
        active: (E,) which environments take theirs; the others' may be anything.
        elapsed: (E,) steps since the last reset, for the message.
        task: its name, for the message.

    Returns:
        The actions.

    Raises:
        WorldError: another shape, or an action that is not finite.
    """
    actions = np.asarray(actions, np.float64)
    if actions.shape != shape:
        raise WorldError(f"task {task}: actions must have shape {shape}, got {actions.shape}")
    if not np.isfinite(actions).all():
        bad = active & ~np.isfinite(actions).all(axis=1)
        if bad.any():
            i = int(np.argmax(bad))
            raise WorldError(
                f"task {task}: the action of environment {i} in step {elapsed[i] + 1} of its "
                f"episode is not finite: {actions[i].tolist()}"
            )
    return actions


def masked_info(values: Mapping[str, NDArray[np.float64]], where: Mask) -> dict[str, Any]:
    """Values (E,), 0 where there is none, each with Gymnasium's mask ``_key`` of where one is.

    Args:
        values: (E,) by key.
        where: (E,) which environments have a value.

    Returns:
        The info.
    """
    info: dict[str, Any] = {}
    for key, value in values.items():
        info[key], info[f"_{key}"] = np.where(where, value, 0.0), where.copy()
    return info


def generator_words(generator: np.random.Generator) -> NDArray[np.uint64]:
    """The state of a PCG64 generator as 6 words: state (high, low), increment, 32-bit leftover.

    Args:
        generator: a PCG64 one.

    Returns:
        (6,) words.
    """
    state = generator.bit_generator.state
    position, increment = state["state"]["state"], state["state"]["inc"]
    halves = [position >> 64, position & _WORD, increment >> 64, increment & _WORD]
    return np.array([*halves, state["has_uint32"], state["uinteger"]], np.uint64)


def generator_from_words(words: NDArray[np.uint64]) -> np.random.Generator:
    """The generator whose state ``generator_words`` gave.

    Args:
        words: (6,) as ``generator_words`` gave them.

    Returns:
        The generator.
    """
    high, low, increment_high, increment_low, has_uint32, uinteger = (int(word) for word in words)
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": high << 64 | low, "inc": increment_high << 64 | increment_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
    return np.random.Generator(bits)


def matching(given: Mapping[str, NDArray[Any]], like: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Copies of the arrays of a saved state, after a check of names, shapes and dtypes.

    Args:
        given: arrays by name.
        like: the arrays that they must match.

    Returns:
        The copies, by name.

    Raises:
        WorldError: one is missing, or differs in shape or dtype from its namesake in ``like``.
    """
    missing = sorted(set(like) - set(given))
    if missing:
        raise WorldError(f"the saved state lacks {', '.join(missing)}")
    arrays = {key: np.array(given[key]) for key in like}
    for key, array in arrays.items():
        if array.shape != like[key].shape or array.dtype != like[key].dtype:
            raise WorldError(
                f"{key} in the saved state must be {like[key].dtype} {like[key].shape}, "
                f"got {array.dtype} {array.shape}; was it saved by another task or num_envs?"
            )
    return arrays
