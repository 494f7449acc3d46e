"""``policybudget cover``"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policybudget.cli import options
from policybudget.cli.optima import progress, solving
from policybudget.errors import PolicyBudgetError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from policybudget.covers import Cover, Tasks

DESCRIPTION = """At most K prototypes such that as many tasks as possible are within a radius of one of them in every
parameter. TASKS is a file with a row per task and a column per parameter (optionally name), or a column description."""
SHOWN = 40
"""Rows of a printed table before the rest is counted only."""
STEPS = 1000


def run(arguments: Sequence[str]) -> None:
    """Print a table; write JSON and draw if told so."""
    parsed = _parser().parse_args(arguments)
    _check(parsed)
    tasks = _read(parsed)
    if tasks.descriptions is not None and parsed.descriptions is None:
        print("note: the column description is not used (see --descriptions)", file=sys.stderr)
    covers = _covers(parsed, tasks)
    if parsed.figure is not None and not _swept(parsed) and len(tasks.columns) > 2:
        raise PolicyBudgetError(
            f"--figure without a sweep draws one or two parameters, got {len(tasks.columns)}; choose them by --columns"
        )
    found = list[Any]()
    with progress(f"covering by {parsed.method}", _count(parsed)) as tick, solving():
        for one in covers:
            found.append(one)
            tick(f"radius {one.radius:.6g}  budget {one.budget}  coverage {one.coverage:.3f}")
    if parsed.out is not None:
        from policybudget.runs.files import write_json

        write_json(parsed.out, _record(parsed, tasks, found))
    if parsed.figure is not None:
        _draw(parsed, tasks, found)
    print(_swept_table(parsed, found) if _swept(parsed) else _table(parsed, tasks, found[0]))


def _parser() -> options.Parser:
    parser = options.Parser("cover", DESCRIPTION)
    parser.add_argument("tasks", type=Path, metavar="TASKS", help="a file of comma-separated values")
    parser.add_argument("--budget", type=int, metavar="K", help="number of prototypes")
    parser.add_argument("--radius", type=float, metavar="E", help="how far a task may be from its prototype")
    parser.add_argument(
        "--method", default="greedy-intersection", metavar="NAME",
        help="greedy-intersection, local-search, gradient, exact, kmeans, dbscan, gmm or random",
    )  # fmt: skip
    parser.add_argument("--standardise", action="store_true", help="radius in standard deviations of each column")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of gradient and of the clusterings")
    parser.add_argument("--columns", nargs="+", metavar="NAME", help="the parameters to use; all if not given")
    parser.add_argument(
        "--descriptions", metavar="NAME", help="cover what column description says, embedded by tfidf or wordllama"
    )
    parser.add_argument("--components", type=int, metavar="D", help="numbers per embedded description; 2 if not given")
    parser.add_argument("--out", type=Path, metavar="FILE", help="a .json with prototypes, clusters, coverage, bound")
    parser.add_argument(
        "--sweep-radius", type=_radii, metavar="LIST", help="instead of --radius: 0.1,0.2,0.5 or LOW:HIGH:NUMBER"
    )
    parser.add_argument(
        "--sweep-budget", type=_budgets, metavar="A-B", help="instead of --budget: a range such as 1-10"
    )
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="a .png: tasks and boxes, or coverage over the sweep"
    )
    return parser


def _radii(text: str) -> tuple[float, ...]:
    message = f"expected numbers such as 0.1,0.2,0.5 or LOW:HIGH:NUMBER such as 0.1:1:10, got {text!r}"
    try:
        if text.count(":") == 2:
            low, high, number = text.split(":")
            first, last, count = float(low), float(high), int(number)
            if not (0 < first < last < float("inf") and 2 <= count <= STEPS):
                raise ValueError
            return (*(first + (last - first) * i / (count - 1) for i in range(count - 1)), last)
        return tuple(sorted(set(map(float, text.split(",")))))
    except ValueError:
        raise argparse.ArgumentTypeError(message) from None


def _budgets(text: str) -> range:
    found = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text)
    if found is None or int(found[2]) < int(found[1]):
        raise argparse.ArgumentTypeError(f"expected a range such as 1-10, got {text!r}")
    return range(int(found[1]), int(found[2]) + 1)


def _check(parsed: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if _swept(parsed) and parsed.sweep_radius is not None and parsed.sweep_budget is not None:
        raise PolicyBudgetError("give --sweep-radius or --sweep-budget, not both")
    for name in ("radius", "budget"):
        one, several = vars(parsed)[name], vars(parsed)[f"sweep_{name}"]
        if (one is None) == (several is None):
            what = "both" if one is not None else "neither"
            raise PolicyBudgetError(f"give either --{name} or --sweep-{name}, got {what} (see cover --help)")
    if parsed.descriptions is None and parsed.components is not None:
        raise PolicyBudgetError("--components is for --descriptions; leave it out")
    if parsed.descriptions is not None and parsed.columns is not None:
        raise PolicyBudgetError("give --columns or --descriptions, not both")
    for name, suffix in (("figure", ".png"), ("out", ".json")):
        path = vars(parsed)[name]
        if path is not None and path.suffix != suffix:
            raise PolicyBudgetError(f"{name} must be a file that ends in {suffix}, got {path}")


def _read(parsed: argparse.Namespace) -> Tasks:
    from policybudget.covers import descriptions, read_tasks

    if parsed.descriptions is None:
        return read_tasks(parsed.tasks, parsed.columns)
    components = descriptions.COMPONENTS if parsed.components is None else parsed.components
    return descriptions.read_described(parsed.tasks, descriptions.encoder(parsed.descriptions), components)


def _swept(parsed: argparse.Namespace) -> bool:
    return parsed.sweep_radius is not None or parsed.sweep_budget is not None


def _in_deviations(parsed: argparse.Namespace) -> bool:
    return parsed.standardise or parsed.descriptions is not None


def _count(parsed: argparse.Namespace) -> int:
    return len(parsed.sweep_radius or parsed.sweep_budget or (0,))


def _covers(parsed: argparse.Namespace, tasks: Tasks) -> Any:
    """The covers that are asked for, one after the other; what is wrong with them is said at once."""
    from policybudget.covers import by_budget, by_radius

    rest = (parsed.method, parsed.seed, parsed.standardise)
    if parsed.sweep_radius is not None:
        return by_radius(tasks.parameters, parsed.budget, parsed.sweep_radius, *rest)
    return by_budget(tasks.parameters, parsed.sweep_budget or (parsed.budget,), parsed.radius, *rest)


def _record(parsed: argparse.Namespace, tasks: Tasks, found: Sequence[Cover]) -> dict[str, Any]:
    about: dict[str, Any] = {
        "tasks": str(parsed.tasks),
        "columns": list(tasks.columns),
        "names": None if tasks.names is None else list(tasks.names),
        "standardised": parsed.standardise,
        "seed": parsed.seed,
    }
    records = [one.as_record() for one in found]
    if parsed.descriptions is not None:
        about["descriptions"] = parsed.descriptions
        records = [record | {"nearest": _nearest(tasks, one)} for record, one in zip(records, found, strict=True)]
    return about | ({"sweep": records} if _swept(parsed) else records[0])


def _nearest(tasks: Tasks, found: Cover) -> list[dict[str, Any]]:
    """Of each prototype, the task nearest to it: its row, what it is described by, and how far it is."""
    assert tasks.descriptions is not None
    distances = found.distances(tasks.parameters)
    rows = distances.argmin(axis=1).tolist()
    return [
        {"task": row, "description": tasks.descriptions[row], "distance": float(away[row])}
        for row, away in zip(rows, distances, strict=True)
    ]


def _table(parsed: argparse.Namespace, tasks: Tasks, found: Cover) -> str:
    """A line per prototype, and what is covered."""
    lines = _prototypes(tasks, found) if parsed.descriptions is None else _told(tasks, found)
    covered, total = int(found.within.any(axis=0).sum()), found.within.shape[1]
    unit = " standard deviations" if _in_deviations(parsed) else ""
    lines += [
        "",
        f"method     {found.method}, radius {found.radius:g}{unit}, budget {found.budget}",
        f"coverage   {found.coverage:.4f} ({covered} of {total} tasks)",
        f"uncovered  {_listed(tasks, found.uncovered)}",
        f"bound      {_bound(found)}",
    ]
    return "\n".join(lines)


def _prototypes(tasks: Tasks, found: Cover) -> list[str]:
    """Prototypes as numbers."""
    columns, room = len(tasks.columns), 80 - 5 - 9
    shown = min(columns, room // 12)
    heads = [f"{_short(name, 11):>12}" for name in tasks.columns[:shown]]
    lines = [f"{'':>5}{''.join(heads)}{'tasks':>9}"]
    for k, (prototype, row) in enumerate(zip(found.prototypes[:SHOWN], found.within, strict=False)):
        numbers = "".join(f"{value:>12.5g}" for value in prototype[:shown])
        lines.append(f"{k:>5}{numbers}{int(row.sum()):>9}")
    if len(found.prototypes) > SHOWN:
        lines.append(f"and {len(found.prototypes) - SHOWN} more prototypes")
    if shown < columns:
        lines.append(f"and {columns - shown} more parameters")
    return lines


def _told(tasks: Tasks, found: Cover) -> list[str]:
    """Prototypes as the tasks nearest to them: the numbers of an embedding say nothing."""
    lines = [f"{'':>5}{'tasks':>9}  nearest task"]
    for k, (one, row) in enumerate(zip(_nearest(tasks, found)[:SHOWN], found.within, strict=False)):
        name = "" if tasks.names is None else f"{_short(tasks.names[one['task']], 20)}: "
        lines.append(f"{k:>5}{int(row.sum()):>9}  {name}{_short(one['description'], 64 - len(name))}")
    if len(found.prototypes) > SHOWN:
        lines.append(f"and {len(found.prototypes) - SHOWN} more prototypes")
    return lines


def _swept_table(parsed: argparse.Namespace, found: Sequence[Cover]) -> str:
    key = "radius" if parsed.sweep_radius is not None else "budget"
    lines = [f"{key:>10} {'prototypes':>11} {'coverage':>9} {'covered':>9} {'uncovered':>9} {'bound':>7}"]
    for one in found:
        covered = int(one.within.any(axis=0).sum())
        value = f"{one.radius:.6g}" if key == "radius" else str(one.budget)
        bound = "" if one.bound is None else f"{one.bound:.4f}"
        lines.append(
            f"{value:>10} {len(one.prototypes):>11} {one.coverage:>9.4f} {covered:>9} "
            f"{one.within.shape[1] - covered:>9} {bound:>7}".rstrip()
        )
    return "\n".join(lines)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 2]}.."


def _listed(tasks: Tasks, rows: Sequence[int]) -> str:
    """Names or rows on what is left of a line."""
    if not rows:
        return "none"
    words = [f"row {row}" if tasks.names is None else _short(tasks.names[row], 20) for row in rows]
    text = f"{len(rows)}: {', '.join(words)}"
    while len(text) > 68 and len(words) > 1:
        words.pop()
        text = f"{len(rows)}: {', '.join(words)}, ..."
    return text


def _bound(found: Cover) -> str:
    if found.bound is None:
        return "none; greedy-intersection and exact tell one"
    if found.bound <= found.coverage:
        return f"{found.bound:.4f}, reached: no {found.budget} prototypes cover more"
    if found.bound >= 1:
        return f"{found.bound:.4f}: perhaps {found.budget} prototypes can cover all"
    return f"{found.bound:.4f}: no {found.budget} prototypes cover a larger share"


def _draw(parsed: argparse.Namespace, tasks: Tasks, found: Sequence[Cover]) -> None:
    from policybudget.assessment import figures

    try:
        figures.save(_drawing(parsed, tasks, found)(), parsed.figure)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PolicyBudgetError(f"cannot write {parsed.figure}: {reason}; choose another --figure") from error


def _drawing(parsed: argparse.Namespace, tasks: Tasks, found: Sequence[Cover]) -> Callable[[], Figure]:
    from policybudget.assessment import cover_figures

    if not _swept(parsed):
        one = found[0]
        return lambda: cover_figures.boxes(
            tasks.parameters, one.prototypes, 2 * one.radius * one.scale, one.within, tasks.columns
        )
    coverage, bounds = [one.coverage for one in found], [one.bound for one in found]
    if parsed.sweep_budget is not None:
        budgets = [one.budget for one in found]
        return lambda: cover_figures.coverage_curve(budgets, coverage, bounds, "budget: number of prototypes", True)
    unit = "standard deviations" if _in_deviations(parsed) else "unit of the parameters"
    radii = [one.radius for one in found]
    return lambda: cover_figures.coverage_curve(radii, coverage, bounds, f"radius ({unit})", False)
