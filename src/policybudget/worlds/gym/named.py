"""Environments of Gymnasium by their ids, and functions in Python files, as worlds: what ``--world`` names."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from policybudget.errors import PolicyBudgetError, extra
from policybudget.from_file import function_in, importable, line
from policybudget.users import OwnSettings
from policybudget.worlds.gym.world import GymnasiumWorld, gymnasium_for, world_for_agents, world_from


def _of_agents(make: Callable[..., Any], label: str, users: Sequence[OwnSettings]) -> GymnasiumWorld:
    """The world of an environment that takes keyword arguments, different ones for every user if they have some."""
    if not users:
        return world_from(make, label)
    from policybudget.worlds.gym.own import made_with

    names = [user.name for user in users]
    arguments, options = [user.env for user in users], [user.reset for user in users]
    return world_for_agents(made_with(make, arguments, names), len(users), label, options, names)


def world_by_id(identifier: str, users: Sequence[OwnSettings] = ()) -> GymnasiumWorld:
    """The world of a Gymnasium or MO-Gymnasium id.

    Args:
        identifier: a registered id such as ``mo-reacher-v5``, or ``module:id``, where importing the module registers
            it.
        users: who have an environment of their own each; empty if all share one.

    Returns:
        The world; its name is ``gym:`` and the id.

    Raises:
        PolicyBudgetError: Gymnasium is not installed, there is no such id, or its spaces are not supported.
    """
    gymnasium = gymnasium_for("gym: worlds")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("mo_gymnasium")
        lacking = ""
    except ImportError:
        lacking = '; an id of MO-Gymnasium needs pip install "policybudget[gymnasium]"'
    label = f"gym:{identifier}"
    module, _, known = identifier.rpartition(":")
    try:
        if module:
            with importable(Path.cwd()):
                import_module(module)
        spec = gymnasium.spec(known)
    except Exception as error:
        raise PolicyBudgetError(
            f"gym: must be followed by a Gymnasium or MO-Gymnasium id, got {identifier!r} ({line(error)}{lacking})"
        ) from None
    if uses_mujoco := "mujoco" in str(spec.entry_point):
        with extra("mujoco", "Gymnasium's robots"):
            import_module("mujoco")
            import_module("imageio")  # which Gymnasium imports for their pictures

    def make(**arguments: Any) -> Any:
        with _no_log_file(uses_mujoco), importable(Path.cwd()):
            return gymnasium.make(known, disable_env_checker=True, **arguments)

    return _of_agents(make, label, users)


def world_in_file(reference: str, users: Sequence[OwnSettings] = ()) -> GymnasiumWorld:
    """The world of a function in a Python file.

    Args:
        reference: ``python:FILE.py:NAME``; the function makes one environment, or takes a number and makes as many
            copies.
        users: who have an environment of their own each, which the function makes from the users' arguments; empty if
            all share one.

    Returns:
        The world; its name is the reference.

    Raises:
        PolicyBudgetError: Gymnasium is not installed, the file or the function is not there or fails, or the spaces of
            what it makes are not supported.
    """
    gymnasium_for("python: worlds")
    return _of_agents(function_in(reference, "a function that makes an environment"), reference, users)


@contextlib.contextmanager
def _no_log_file(uses_mujoco: bool) -> Iterator[None]:
    """MuJoCo writes its remarks on the models that Gymnasium ships into a file in the current directory."""
    mujoco = import_module("mujoco") if uses_mujoco else None
    if mujoco is None:
        yield
        return
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda text: None)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(before)
