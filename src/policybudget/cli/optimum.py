"""``policybudget optimum``"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from policybudget.cli import options, show_optima
from policybudget.errors import PolicyBudgetError
from policybudget.exact.optima import Optima, check_options, optimum
from policybudget.problem import make_problem
from policybudget.progress import progress
from policybudget.settings import budgets

DESCRIPTION = """The best that a budget of k policies can do, computed without training.
resource-gathering: the optimum over deterministic policies, as tours. NAME-velocity (half-cheetah, ant, hopper,
walker2d): the ceiling of one draw of users, if k constant speeds were held perfectly from the first step: an upper
bound that no policy attains. savers: the best of rules that can be written down, and a bound on all rules. --front: the
best k of the policies in a file for the users in --population; with --json, "labels" tells for each user the position
in "policies" of who serves it, -1 for its outside option."""


def run(arguments: Sequence[str]) -> None:
    """Print the optimum in words or as JSON, and draw it if a file is named.

    Args:
        arguments: of the command line, after the name of the command.
    """
    given = vars(_parser().parse_args(arguments))
    as_json = given.pop("json", False)
    world, several, front, figure = (given.pop(name, None) for name in ("world", "budget", "front", "figure"))
    references = given.pop("references", None)
    if (world is None) == (front is None):
        raise PolicyBudgetError("give either a WORLD or --front FILE with --population FILE (see optimum --help)")
    if references and front:
        raise PolicyBudgetError("--references play in a WORLD, and --front has returns already; leave one of them out")
    if figure is not None and figure.suffix != ".png":
        raise PolicyBudgetError(f"figure must be a file that ends in .png, got {figure}")
    with progress(f"the optimum of {world or front}", len(several)) as tick:
        if references:
            found = _best_of_references(world, references, several, tick, given)
        else:
            found = _best_of_file(front, several, tick, given) if front else optimum(world, several, tick, **given)
    if figure is not None:
        _draw(found, figure)
    if as_json:
        print(_text(found.record()))
    else:
        show_optima.optima(found)


def _best_of_references(
    world: str, references: list[str], several: tuple[int, ...], tick: Callable[[str], None], given: dict[str, Any]
) -> Optima:
    """The best of policies that play for the users of a world."""
    from policybudget.assessment.references import best_references

    users = {name: given.pop(name) for name in ("agents", "population_seed", "population") if name in given}
    check_options("the best of --references", best_references, given)
    return best_references(make_problem(world, 1, **users), references, several, listener=tick, **given)


def _best_of_file(front: Path, several: tuple[int, ...], tick: Callable[[str], None], given: dict[str, Any]) -> Optima:
    """The best policies of a file; a word on standard error where not all that is possible was tried."""
    from policybudget.exact.front_optimum import front_optimum

    check_options("the best of --front", front_optimum, given)
    if "population" not in given:
        raise PolicyBudgetError("--front needs --population users.csv: a row per user, a column per reward component")
    found = front_optimum(front, several, listener=tick, **given)
    if given.get("method", "auto") == "auto" and found.best[0].method == "greedy":
        warning = f"{found.values} values (policies x users): greedy, with a bound; --method exact takes longer"
        print(warning, file=sys.stderr)
    return found


def _parser() -> options.Parser:
    parser = options.Parser("optimum", DESCRIPTION, argument_default=argparse.SUPPRESS)
    parser.add_argument("world", nargs="?", metavar="WORLD", help="resource-gathering, NAME-velocity or savers")
    parser.add_argument("--budget", type=budgets, required=True, metavar="K", help="one, or several such as 1-25")
    parser.add_argument("--home", type=_tile, metavar="ROW,COLUMN", help="of resource-gathering, 4,2 if not given")
    parser.add_argument(
        "--side", type=int, metavar="N", help="of resource-gathering's grid, 5 if not given and at most"
    )
    parser.add_argument("--agents", type=int, metavar="N", help="users of a velocity world (100), or savers")
    parser.add_argument("--population-seed", type=int, metavar="N", help="decides their draw, 0 if not given")
    parser.add_argument("--front", type=Path, metavar="FILE", help="row per policy, column per reward component [name]")
    parser.add_argument(
        "--references", nargs="+", metavar="RUN", help="run folders (sb3:FILE, onnx:FILE): the best k of their policies"
    )
    parser.add_argument("--episodes", type=int, metavar="N", help="for --references: of each policy, three times, 20")
    parser.add_argument("--seed", type=int, metavar="N", help="for --references: of the episodes, 0 if not given")
    parser.add_argument("--population", type=Path, metavar="FILE", help="users.csv: --front, --references, savers")
    parser.add_argument(
        "--method", metavar="NAME", help="for --front: exact, greedy (with a bound), or auto, if not given"
    )
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="a .png: the choice, or welfare over several budgets"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _tile(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,3}),(\d{1,3})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected ROW,COLUMN such as 4,2, got {text!r}")
    return int(found[1]), int(found[2])


def _draw(found: Optima, path: Path) -> None:
    from policybudget.assessment import figures, optimum_figures

    try:
        figures.save(optimum_figures.draw(found), path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PolicyBudgetError(f"cannot write {path}: {reason}; choose another --figure") from error


def _text(record: dict[str, Any]) -> str:
    """JSON with a line per item, and per record of a list: whole, it would be a number per line."""
    lines = []
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            items = ",\n".join(f"    {json.dumps(item, allow_nan=False)}" for item in value)
            lines.append(f"  {json.dumps(key)}: [\n{items}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)}")
    return "{\n" + ",\n".join(lines) + "\n}"
