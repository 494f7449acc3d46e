"""What optimum prints, if not JSON."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from policybudget.exact.optima import Optima


def optima(found: Optima) -> None:
    """The policies of one budget, or a row for each of several.

    Args:
        found: what is printed.
    """
    console = Console()
    about = ", ".join(f"{name} {_plain(value)}" for name, value in found.about().items())
    console.print(about, highlight=False, markup=False)
    if len(found.budgets) > 1:
        console.print(_by_budget(found))
        return
    console.print(f"budget {found.budgets[0]}: {found.word} [bold]{found.welfare[0]:.2f}[/]", highlight=False)
    console.print(_by_policy(found))
    for line in found.remarks():
        console.print(line, highlight=False)


def _by_budget(found: Optima) -> Table:
    """Budgets, what they are worth, and what each adds to the one before."""
    bounded = found.bounds != found.welfare
    table = Table()
    for name in ("budget", found.word, "gain", *(["at most"] if bounded else [])):
        table.add_column(name, justify="right")
    before = None
    for budget, welfare, bound in zip(found.budgets, found.welfare, found.bounds, strict=True):
        gain = "" if before is None else f"{welfare - before:+.2f}"
        table.add_row(str(budget), f"{welfare:.2f}", gain, *([f"{bound:.2f}"] if bounded else []))
        before = welfare
    return table


def _by_policy(found: Optima) -> Table:
    rows = found.policies()
    table = Table()
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_plain(value)) for value in row.values()))
    return table


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:.2f}" if isinstance(value, float) else str(value)
