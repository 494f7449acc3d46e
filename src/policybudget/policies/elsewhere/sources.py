"""Policies from elsewhere by name: ``sb3:FILE``, ``onnx:FILE``, ``python:FILE.py:NAME``; or a function itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from policybudget import from_file
from policybudget.errors import PolicyBudgetError
from policybudget.policies.elsewhere.functions import Function, FunctionPolicies
from policybudget.policies.elsewhere.onnx_file import read_onnx
from policybudget.policies.elsewhere.sb3_file import read_sb3
from policybudget.units import Units
from policybudget.worlds.interface import World

READERS = {"sb3:": read_sb3, "onnx:": read_onnx}
BEGINNINGS = (*READERS, from_file.PYTHON)
KINDS = "sb3:FILE, onnx:FILE or python:FILE.py:NAME"


def policies_from(sources: Sequence[str | Function], world: World) -> FunctionPolicies:
    """Policies that were trained elsewhere, to be judged as ours are.

    Args:
        sources: k of them, each a function from (B, o) raw observations to (B, ..) actions in the environment's own
            units, or where one is: ``sb3:FILE``, ``onnx:FILE`` or ``python:FILE.py:NAME``, a function, or a class that
            makes one.
        world: where they are to act.

    Returns:
        The k policies, for :func:`policybudget.evaluate` and all that plays episodes.

    Raises:
        PolicyBudgetError: a source is missing, damaged or of another kind, or a package to read it is not installed.
    """
    names = [one if isinstance(one, str) else getattr(one, "__name__", "policy") for one in sources]
    return FunctionPolicies([_function(one, world.units) for one in sources], world.units, names)


def _function(source: str | Function, units: Units) -> Function:
    if not isinstance(source, str):
        return source
    if from_file.named(source):
        found = from_file.function_in(source, "a policy: a function of observations (B, o), or a class of such")
        made: Function = found() if isinstance(getattr(found, "__wrapped__", None), type) else found
        return made
    for kind, read in READERS.items():
        if source.startswith(kind):
            return read(Path(source.removeprefix(kind)), units)
    raise PolicyBudgetError(f"a policy from elsewhere must be {KINDS}, got {source!r}")
