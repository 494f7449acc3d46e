"""What the rest of the package needs to know of a world by name, as data: no other code asks for its name or class.

A world's pictures and its optimum live in rooms above this one. An entry therefore names them as references
``"module:function"``, which :func:`pkgutil.resolve_name` resolves where they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policybudget.population import Population
from policybudget.worlds.interface import World

Settings = Mapping[str, Any]

PAPER: Settings = {
    "least_iterations": 0,
    "epochs": 10,
    "minibatch": 64,
    "critic": "features",
    "critic_head": "shared",
}
"""Settings of PPO in Appendix B of the paper that all worlds share."""

SCALED: Settings = {
    "copies": 16,
    "steps": 128,
    "least_iterations": 128,
    "normalise_observations": True,
    "entropy": (1e-3, 1e-4),
    "adam_epsilon": 1e-5,
}
"""Settings of PPO for observations of unknown scale and long episodes: robots, and whatever users bring."""

HOLDING: Settings = {**SCALED, "widen": 20.0, "trunk": "separate", "epochs": 5, "stagger": True}
"""Where policies learn for one agent each, of a robot that can hold what an agent wants."""

FALLING: Settings = {
    **SCALED,
    "widen": 20.0,
    "epochs": 10,
    "learning_rate": (3e-4, 1e-4),
    "log_std": 0.0,
    "least_log_std": -1.0,
}
"""For a robot that falls before it has learned to move: wide rewards, more noise, also later, more of each batch."""

WALKING: Settings = {**FALLING, "trunk": "separate", "final_log_std": -2.5}
"""The same with nothing shared between policies, and less noise at the end (docs/findings.md)."""

HOPPING: Settings = {**FALLING, "widen_until": 0.8, "trunk": "separate", "discount": 0.995}
"""The same where policies learn for one agent each: nothing is shared, and falls cost more."""


ROBOTS: Mapping[str, Settings] = {
    "half-cheetah": HOLDING,
    "ant": FALLING,
    "hopper": FALLING,
    "walker2d": WALKING,
}
"""What the default search of robots that want speeds learns with."""


@dataclass(frozen=True)
class Search:
    """A search by name.

    Attributes:
        name: plain, archive, splitting, growing, representatives, constants or pool.
        options: of the search; what is not named here keeps the default of the search.
    """

    name: str
    options: Settings = field(default_factory=dict)


PLAIN = Search("plain")

ANY_LEARNER: Mapping[str, Settings] = {
    "default": SCALED,
    "plain": SCALED,
    "paper": {**SCALED, **PAPER, "learning_rate": (3e-4, 1e-4)},
}
ANY_SEARCH: Mapping[str, Search] = {"default": Search("splitting"), "plain": PLAIN, "paper": PLAIN}


@dataclass(frozen=True)
class Entry:
    """A world by name.

    Attributes:
        name: as given to ``--world``.
        world: makes the world; None where only the name is known, as of a world written in Python.
        draw: takes n (or None for the usual number) and the seed of the population, and gives the population that the
            world is usually served to; None if there is no such population.
        from_file: takes the world and the path of a users.csv, and gives the population in it; None if the world reads
            no such file.
        held_out: takes n and the seed of the population, and gives agents to test on, of whom none has the task of any
            agent from ``draw``; None if there is no such draw.
        table: takes a population and gives the text of the users.csv that ``from_file`` reads it from; None if there
            is no such text.
        learner: per preset ("default", "plain" and "paper"), the fields of the learner's settings that differ from
            their defaults. Those of "default" belong with the search of "default".
        with_search: per search other than that of "default", the fields that differ in its place; a training with a
            search that is not here takes those of "plain".
        search: per preset, the search around the rule.
        pictures: references of functions that take a problem and a result, and give figures by the name of their file.
        sketch: reference of a function that takes a problem and a result, and gives lines of text; None for no lines.
        optimum: reference of a function that computes the optimum (:mod:`policybudget.exact.optimum`), or None.
    """

    name: str
    world: Callable[..., World] | None = None
    draw: Callable[[int | None, int], Population] | None = None
    from_file: Callable[[World, Path], Population] | None = None
    held_out: Callable[[int, int], Population] | None = None
    table: Callable[[Population], str] | None = None
    learner: Mapping[str, Settings] = field(default_factory=lambda: ANY_LEARNER)
    with_search: Mapping[str, Settings] = field(default_factory=dict)
    search: Mapping[str, Search] = field(default_factory=lambda: ANY_SEARCH)
    pictures: tuple[str, ...] = ()
    sketch: str | None = None
    optimum: str | None = None
