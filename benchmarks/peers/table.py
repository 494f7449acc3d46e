"""The peers and policybudget in one table: ``python benchmarks/peers/table.py [RESULTS]``, from files that each
method's script wrote, by one protocol.

For a method that trained more policies than a budget (an archive, a network at weights of a grid), policybudget's exact
selection chooses the best k by selection episodes. Every user is then assigned the best of the k by the same episodes,
and welfare is the mean over users of what that policy paid them in fresh episodes. Where every user has a policy of
their own, nothing is chosen.

``+- episodes`` is the 95 % half-width over fresh episodes, the policies given (the mean over seeds); ``+- seeds`` that
over trainings with other seeds (Student's t), where there are some. Seconds are medians over seeds, of training alone;
those by the clock are of a machine that did other work meanwhile.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import users

from policybudget.assessment.statistics import mean_ci95
from policybudget.selection.choice import best_subset

RESULTS = Path(__file__).parent / "results"
BUDGETS = (1, 2, 5)


@dataclass(frozen=True)
class Row:
    """What one training is worth at one budget.

    Attributes:
        paid: (users, episodes) in fresh episodes, by the policy of each user.
        whom: the users, by their place in the table of users.
    """

    method: str
    k: int
    record: dict[str, Any]
    paid: np.ndarray
    whom: tuple[int, ...]


def rows_of(record: dict[str, Any]) -> Iterator[Row]:
    """All budgets that a result has policies for."""
    served = users(record["world"])
    whom = tuple(record.get("users", range(len(served))))
    fresh = np.array(record["fresh"])
    if record.get("own"):
        paid = np.einsum("nem,nm->ne", fresh, served[list(whom)])
        yield Row(record["method"], record["k"], record, paid, whom)
        return
    values = np.array(record["selection"]).mean(axis=1) @ served.T
    for k in BUDGETS if record["k"] is None else (record["k"],):
        best = best_subset(values, min(k, len(values)), method="exact")
        policies = np.array(best.chosen)[best.labels]
        paid = np.einsum("nem,nm->ne", fresh[policies], served)
        yield Row(record["method"], k, record, paid, whom)


def lines(rows: Sequence[Row], whom: Sequence[int] | None = None) -> list[str]:
    """A line per method, k and number of transitions, best first within a k; of all users, or some."""
    groups: dict[tuple[int, str, int], list[Row]] = {}
    for row in rows:
        spent = float(f"{row.record['transitions']:.1g}")
        groups.setdefault((row.k, row.method, int(spent)), []).append(row)
    shown = []
    for (k, method, _), group in groups.items():
        over_episodes = [mean_ci95(mean_of(row, whom)) for row in group]
        over_seeds = mean_ci95([one["mean"] for one in over_episodes])
        record = {name: np.median([row.record[name] for row in group]) for name in NUMBERS}
        shown.append((
            k, -over_seeds["mean"],
            f"{k:>3}  {method:<24} {record['transitions']:>11,.0f} {over_seeds['mean']:>9.2f} "
            f"{number(np.mean([one['ci95'] for one in over_episodes])):>11} {len(group):>5} "
            f"{number(over_seeds['ci95']):>8} {record['cpu_seconds']:>7.0f} {record['wall_seconds']:>7.0f}",
        ))  # fmt: skip
    return [TITLE, *(line for *_, line in sorted(shown))]


NUMBERS = ("transitions", "cpu_seconds", "wall_seconds")
TITLE = "  k  method                   transitions   welfare +- episodes seeds +- seeds   cpu s  wall s"


def mean_of(row: Row, whom: Sequence[int] | None) -> np.ndarray:
    """Welfare in each episode, of all users or some."""
    places = range(len(row.whom)) if whom is None else [row.whom.index(user) for user in whom]
    mean: np.ndarray = row.paid[list(places)].mean(axis=0)
    return mean


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("results", type=Path, nargs="?", default=RESULTS)
    folder = options.parse_args().results
    if not folder.is_dir():
        sys.exit(f"expected a folder of results, {folder} is none; benchmarks/peers/run_all.py makes one")
    for world in sorted(path for path in folder.iterdir() if path.is_dir()):
        records = [json.loads(file.read_text()) for file in sorted(world.glob("*.json"))]
        rows = [row for record in records for row in rows_of(record)]
        few = {row.whom for row in rows if len(row.whom) < len(users(world.name))}
        print(world.name, *lines([row for row in rows if row.whom not in few]), sep="\n", end="\n\n")
        for whom in few:
            title = f"{world.name}, users {', '.join(map(str, whom))} alone"
            print(title, *lines(rows, whom), sep="\n", end="\n\n")


if __name__ == "__main__":
    main()
