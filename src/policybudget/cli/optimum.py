"""``policybudget optimum``"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from policybudget.cli import optima, options
from policybudget.cli.optima import FRONT, GRID, SPEEDS, VELOCITY, Answer
from policybudget.errors import PolicyBudgetError

OWN = {"home": GRID, "side": GRID, "agents": SPEEDS, "seed": SPEEDS, "population": FRONT, "method": FRONT}
"""Options that are for one kind of question alone."""

DESCRIPTION = """The best that a budget of k policies can do, computed without training; prints one JSON object.
resource-gathering: the optimum over deterministic policies, as tours. NAME-velocity (half-cheetah, ant, hopper,
walker2d): the ceiling of one draw of users, if k constant speeds were held perfectly from the first step: an upper
bound that no policy attains. --front: the best k of the policies in a file for the users in --population; "labels"
tells for each user the position in "policies" of who serves it, -1 for its outside option."""


def run(arguments: Sequence[str]) -> None:
    """Print the answer as JSON; draw it if told so."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    kind, usual = _kind(parsed), vars(parser.parse_args(["--budget", "1"]))
    for name, whose in OWN.items():
        if whose != kind and vars(parsed)[name] != usual[name]:
            raise PolicyBudgetError(f"--{name} is for {whose}; leave it out")
    if parsed.figure is not None and parsed.figure.suffix != ".png":
        raise PolicyBudgetError(f"figure must be a file that ends in .png, got {parsed.figure}")
    answer = {GRID: optima.grid, SPEEDS: optima.velocity, FRONT: optima.front}[kind](parsed)
    if parsed.figure is not None:
        _draw(answer, parsed.figure)
    several = len(parsed.budget) > 1
    print(_text(answer.about | ({"budgets": answer.entries} if several else answer.entries[0])))


def _parser() -> options.Parser:
    parser = options.Parser("optimum", DESCRIPTION)
    parser.add_argument("world", nargs="?", metavar="WORLD", help="resource-gathering or NAME-velocity")
    parser.add_argument("--budget", type=_budgets, required=True, metavar="K", help="one, or several such as 1-25")
    parser.add_argument("--home", type=_tile, default="4,2", metavar="ROW,COLUMN", help="of resource-gathering")
    parser.add_argument("--side", type=int, default=5, metavar="N", help="of resource-gathering's grid, at most 5")
    parser.add_argument("--agents", type=int, default=100, metavar="N", help="users of a velocity world")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of their draw")
    parser.add_argument("--front", type=Path, metavar="FILE", help="row per policy, column per reward component [name]")
    parser.add_argument("--population", type=Path, metavar="FILE", help="users.csv for --front")
    parser.add_argument(
        "--method", default="auto", metavar="NAME", help="for --front: exact, greedy (tells a bound), auto"
    )
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="a .png: the choice, or welfare over several budgets"
    )
    return parser


def _budgets(text: str) -> range:
    found = re.fullmatch(r"(-?\d{1,9})(?:-(\d{1,9}))?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a number such as 5 or a range such as 1-25, got {text!r}")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise argparse.ArgumentTypeError(f"expected the smaller number first, got {text!r}")
    return range(first, last + 1)


def _tile(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,3}),(\d{1,3})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected ROW,COLUMN such as 4,2, got {text!r}")
    return int(found[1]), int(found[2])


def _kind(parsed: argparse.Namespace) -> str:
    """Who answers."""
    if (parsed.world is None) == (parsed.front is None):
        raise PolicyBudgetError("give either a WORLD or --front FILE with --population FILE (see optimum --help)")
    if parsed.front is not None:
        if parsed.population is None:
            raise PolicyBudgetError(
                "--front needs --population users.csv: a row per user, a column per reward component"
            )
        return FRONT
    if parsed.world == GRID:
        return GRID
    from policybudget.worlds.mujoco.velocity import BOUNDS

    if parsed.world not in (known := [f"{task}{VELOCITY}" for task in BOUNDS]):
        raise PolicyBudgetError(
            f"world must be one of {GRID}, {', '.join(known)}, got {parsed.world!r}; for others give --front FILE"
        )
    return SPEEDS


def _draw(answer: Answer, path: Path) -> None:
    from policybudget.assessment import figures, optimum_figures

    if len(answer.entries) == 1:
        figure = answer.drawing()
    else:
        name, key = answer.axis
        welfare = [entry[key] for entry in answer.entries]
        bounds = [entry.get("bound", entry[key]) for entry in answer.entries]
        figure = optimum_figures.budget_curve([entry["budget"] for entry in answer.entries], welfare, bounds, name)
    try:
        figures.save(figure, path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PolicyBudgetError(f"cannot write {path}: {reason}; choose another --figure") from error


def _text(record: dict[str, Any]) -> str:
    """JSON with a line per item, and per record of a list: whole, it would be a number per line."""
    lines = []
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            items = ",\n".join(f"    {json.dumps(one, allow_nan=False)}" for one in value)
            lines.append(f"  {json.dumps(key)}: [\n{items}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)}")
    return "{\n" + ",\n".join(lines) + "\n}"
