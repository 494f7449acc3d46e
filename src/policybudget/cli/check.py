"""``policybudget check``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policybudget.cli.options import parse
from policybudget.settings import argument, option

if TYPE_CHECKING:
    from policybudget.population import Population
    from policybudget.worlds.interface import World

DESCRIPTION = "Play in a world with random actions: does it do what training relies on?"
COLOURS = {"ok": "green", "warning": "yellow", "error": "bold red"}


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        world: its name.
        population: a users.csv.
        agents: n, where it can be chosen.
    """

    world: str = argument("as given to train --world, such as gym:mo-reacher-v5 or python:FILE.py:NAME", "WORLD")
    population: str | None = option(None, "users.csv of a gym: or python: world, or one of goals", metavar="FILE")
    agents: int | None = option(None, "number of users, where the world lets you choose")


def run(arguments: Sequence[str]) -> int:
    """Print the findings.

    Args:
        arguments: as typed.

    Returns:
        The exit status: 1 if some findings are errors.
    """
    options = parse("check", DESCRIPTION, Options, arguments)
    from rich.console import Console
    from rich.table import Table

    from policybudget.worlds.conformance import check_world

    findings = check_world(*_made(options.world, options.population, options.agents))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("check", "result", "finding"):
        table.add_column(column, overflow="fold", no_wrap=column != "finding")
    for finding in findings:
        shade = COLOURS[finding.level]
        table.add_row(finding.check, f"[{shade}]{finding.level}[/]", _plain(finding.text))
    console = Console(highlight=False)
    console.print(table)
    errors = sum(finding.level == "error" for finding in findings)
    verdict = f"{errors} error{'s' * (errors != 1)}" if errors else "conforms"
    console.print(f"{_plain(options.world)}: {verdict}")
    return 1 if errors else 0


def _made(name: str, population: str | None, agents: int | None) -> tuple[World, Population | None]:
    from policybudget.worlds import registry

    known = registry.entry(name)
    if known.world is not None and known.draw is None and population is None and agents is None:
        return known.world(), None
    return registry.make(name, agents, 0, population)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
