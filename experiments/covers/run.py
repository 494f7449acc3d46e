"""Covers of 1 000 random tables of tasks: every method beside the exact cover, as in the slides' first ablation.

``python experiments/covers/run.py`` solves what is not yet in ``results.csv`` beside this file, in one process, and
prints the table; ``--table`` only prints; ``--again METHOD`` solves every table anew by one method and leaves the
other columns. Tables have 1 to 4 columns (250 each), 20 to 100 tasks, uniform or in six clusters; K is 2, 3, 4 or 6,
and radii are such that the exact cover has from 15 % to all of the tasks. The greedy choice with K = 1 is held against
a count of all n^d boxes. Results are numbers of tasks covered. The settings of local search were chosen on other tables
of this kind; those of the gradient are the published ones.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from policybudget.covers import METHODS, cover
from policybudget.covers.cover import Request
from policybudget.covers.local_search import Grown, descended, moved

PATH = Path(__file__).with_name("results.csv")
INSTANCES, MOST_TASKS = 1000, {1: 100, 2: 100, 3: 80, 4: 60}
NO_MOVES, ONE, COUNTED = "local-search, no moves", "greedy, K = 1", "all boxes, K = 1"
COLUMNS = ("instance", "d", "n", "K", "radius", "draw", *METHODS, NO_MOVES, ONE, COUNTED)
ORDER = ("kmeans", "dbscan", "gmm", "random", "gradient", "greedy-intersection", NO_MOVES, "local-search", "exact")


def draw(instance: int) -> tuple[np.ndarray, int, float, str]:
    """Tasks, K, radius, and of which kind the tasks are."""
    random = np.random.default_rng([2025, instance])
    columns = 1 + instance % 4
    tasks, budget = int(random.integers(20, MOST_TASKS[columns] + 1)), int(random.choice([2, 3, 4, 6]))
    radius = round(float(random.uniform(*{1: (0.02, 0.15), 2: (0.06, 0.25)}.get(columns, (0.12, 0.32)))), 3)
    if random.random() < 0.5:
        return random.uniform(size=(tasks, columns)), budget, radius, "uniform"
    centres = random.uniform(size=(6, columns))
    near = centres[random.integers(0, 6, tasks)] + 0.08 * random.normal(size=(tasks, columns))
    return near, budget, radius, "clustered"


def all_boxes(tasks: np.ndarray, radius: float) -> int:
    """The most tasks in one box with its lower faces at coordinates of tasks, by counting all n^d of them."""
    reaches = 2 * radius * (1 + 1e-9)
    sides = [(tasks[:, j] >= low[:, None]) & (tasks[:, j] <= low[:, None] + reaches) for j, low in enumerate(tasks.T)]
    if len(sides) == 1:
        return int(sides[0].sum(axis=1).max())
    boxes = np.ones((1, len(tasks)), bool)
    for side in sides[:-2]:
        boxes = (boxes[:, None] & side).reshape(-1, len(tasks))
    last = sides[-1].astype(np.float32).T
    return int(max(((side[None] & sides[-2]).astype(np.float32) @ last).max() for side in boxes))


def solve(instance: int) -> dict[str, object]:
    """One line of results.csv."""
    tasks, budget, radius, kind = draw(instance)
    line: dict[str, object] = dict(
        zip(COLUMNS, (instance, tasks.shape[1], len(tasks), budget, radius, kind), strict=False)
    )
    request = Request.checked(tasks, budget, radius, "local-search", instance, False)
    space = request.space()
    random = np.random.default_rng(instance)
    grown = Grown.at_random(space, random)
    starts = descended(space, budget, grown, random)  # once for both
    covers = {m: cover(tasks, budget, radius, m, seed=instance) for m in METHODS if m != "local-search"}
    last = moved(space, starts, grown)
    covers |= {"local-search": request.cover_of(last, None), NO_MOVES: request.cover_of(starts[0], None)}
    line |= {method: round(found.coverage * len(tasks)) for method, found in covers.items()}
    line[ONE] = round(cover(tasks, 1, radius).coverage * len(tasks))
    line[COUNTED] = all_boxes(tasks, radius)
    return line


def read() -> list[dict[str, str]]:
    """What was solved so far."""
    if not PATH.exists():
        return []
    with PATH.open(newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: int(row["instance"]))


def solve_missing() -> None:
    """A line of results.csv for every table that is not there yet."""
    from policybudget.runtime import use_compilation_cache

    use_compilation_cache()
    done = {int(row["instance"]) for row in read()}
    if not PATH.exists():
        with PATH.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(COLUMNS)
    for instance in range(INSTANCES):
        if instance not in done:
            line = solve(instance)
            with PATH.open("a", newline="") as file:
                csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(line)
            if instance % 50 == 49:
                print(f"{instance + 1} of {INSTANCES}", flush=True)


def solve_again(method: str) -> None:
    """The column of one method anew, for the tables that are in results.csv."""
    lines = []
    for row in read():
        tasks, budget, radius, _ = draw(int(row["instance"]))
        found = cover(tasks, budget, radius, method, seed=int(row["instance"]))
        lines.append(row | {method: round(found.coverage * len(tasks))})
    with PATH.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def table() -> None:
    """Mean coverage, and the ratio to the exact cover, whole and by number of columns."""
    rows = read()
    if not rows:
        return
    numbers = {name: np.array([float(row[name]) for row in rows]) for name in ("d", "n", "K", *ORDER, ONE, COUNTED)}
    equal = int((numbers[ONE] == numbers[COUNTED]).sum())
    print(f"{len(rows)} tables; greedy with K = 1 covers what the best of all n^d boxes does in {equal} of them\n")
    print(f"{'':<22} {'coverage':>8}   {'ratio to exact':^22}   {'mean ratio by number of columns':^31}")
    heads = "".join(f" {f'd = {d}':>7}" for d in range(1, 5))
    print(f"{'method':<22} {'mean':>8}   {'mean':>6} {'worst':>6} {'>= 0.97':>8}  {heads}")
    for name in ORDER:
        ratio = numbers[name] / numbers["exact"]
        by = "".join(f" {ratio[numbers['d'] == d].mean():7.4f}" for d in range(1, 5))
        shares = f"{ratio.mean():6.4f} {ratio.min():6.3f} {(ratio >= 0.97 - 1e-12).mean():8.1%}"
        print(f"{name:<22} {(numbers[name] / numbers['n']).mean():8.4f}   {shares}  {by}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the results so far and solve nothing")
    parser.add_argument("--again", choices=METHODS, metavar="METHOD", help="solve the tables anew by this method")
    parsed = parser.parse_args()
    if parsed.again:
        solve_again(parsed.again)
    elif not parsed.table:
        solve_missing()
    table()
