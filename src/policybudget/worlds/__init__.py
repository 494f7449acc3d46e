"""Where policies act."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policybudget.worlds.conformance import Finding, check_world
    from policybudget.worlds.gym.world import world_for_agents, world_from

__all__ = ["Finding", "check_world", "world_for_agents", "world_from"]

_HOMES = {"Finding": "conformance", "check_world": "conformance"}
_HOMES |= {"world_for_agents": "gym.world", "world_from": "gym.world"}


def __getattr__(name: str) -> Any:
    """Import a public name from its home (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
