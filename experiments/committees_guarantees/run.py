"""Do the guarantees of few-shot selection and of certificates hold, where the true answer is known?

``python experiments/committees_guarantees/run.py`` simulates, writes ``selection.csv`` and ``certificates.csv`` beside
this file and prints both tables; ``--table`` only prints. Nothing is trained. Everything is asked for at 95 %.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from worlds import BANDITS, POPULATIONS, Bandit, Tasks

from policybudget.assessment.bounds import clopper_pearson_lower
from policybudget.assessment.certificate import Exact, Reference, certify
from policybudget.assessment.few_shot import episodes_needed, select
from policybudget.betting import betting_lower

HERE = Path(__file__).parent
ALPHA, BETA, TRIALS, BUDGET = 0.05, 0.1, 2000, 500
METHODS: dict[str, dict[str, Any]] = {
    "elimination": {"method": "successive-elimination", "beta": BETA},
    "elimination, bernstein": {"method": "successive-elimination", "beta": BETA, "bounds": "bernstein"},
    "halving": {"method": "sequential-halving", "beta": BETA, "episodes": BUDGET},
    "uniform": {"method": "uniform", "beta": BETA},
}


def selection(name: str, bandit: Bandit, method: str, trials: int) -> dict[str, Any]:
    """How often the answer was right, how often a claim was wrong, and what it cost."""
    means, random = np.array(bandit.means), np.random.default_rng(0)
    good = set(np.flatnonzero(means >= means.max() - BETA)) if bandit.floor is None else {None}
    right, false, sure, cost = 0, 0, 0, []
    for _ in range(trials):
        choice = select(
            lambda chosen, number: bandit.draw(random, means[chosen], number),
            len(means), 0.0, 1.0, alpha=ALPHA, floor=bandit.floor, **METHODS[method],
        )  # fmt: skip
        right += choice.policy in good
        sure += choice.reason != "episodes spent"
        # every claim is true while all bounds hold
        false += not ((choice.lower <= means).all() and (means <= choice.upper).all())
        cost.append(choice.episodes)
    uniform = len(means) * episodes_needed(len(means), 1.0, BETA, ALPHA)
    return {
        "world": name, "method": method, "trials": trials, "right": right / trials, "sure": sure / trials,
        "bounds_hold": 1 - false / trials, "episodes": np.mean(cost), "episodes_p90": np.quantile(cost, 0.9),
        "times_fewer": uniform / np.mean(cost),
    }  # fmt: skip


def certificates(name: str, world: Tasks, trials: int) -> dict[str, Any]:
    """How often the certificate is true; beside it the means taken at their word, and the union bound."""
    random = np.random.default_rng(0)
    bounds, naive, union = [], [], []
    for _ in range(trials):
        returns, best, reference = world.draw(random, world.tasks, world.episodes)
        target = Reference("of its own", reference) if world.estimated else Exact(best)
        made = certify(returns, target, low=0.0, high=1.0, epsilon=world.epsilon, alpha=ALPHA)
        bounds.append(made.lower_bound)
        naive.append(clopper_pearson_lower(round(made.share * world.tasks), world.tasks, ALPHA))
        each = ALPHA / 2 / world.tasks / (2 if world.estimated else 1)
        bar = 1 - betting_lower(1 - reference, 0.0, 1.0, each) if world.estimated else best
        passed = betting_lower(returns, 0.0, 1.0, each) >= bar - world.epsilon
        union.append(clopper_pearson_lower(int(passed.sum()), world.tasks, ALPHA / 2))
    true = {what: float((np.array(values) <= world.covered).mean()) for what, values in
            (("certificate", bounds), ("union", union), ("means", naive))}  # fmt: skip
    return {
        "world": name, "tasks": world.tasks, "episodes": world.episodes, "trials": trials, "covered": world.covered,
        "certificate": np.mean(bounds), "certificate_true": true["certificate"],
        "union": np.mean(union), "union_true": true["union"], "means": np.mean(naive), "means_true": true["means"],
    }  # fmt: skip


def write(file: str, rows: list[dict[str, Any]]) -> None:
    """A table beside this file."""
    with (HERE / file).open("w", newline="") as target:
        writer = csv.DictWriter(target, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)


def table() -> None:
    """Both tables, in per cent where they are shares."""
    rows = list(csv.DictReader((HERE / "selection.csv").open(newline="")))
    print(f"{'few-shot selection':<22}{'method':<24}{'right %':>8}{'sure %':>8}{'bounds %':>10}{'episodes':>10}"
          f"{'90 %':>8}{'fewer':>8}")  # fmt: skip
    for row in rows:
        right, sure, hold, mean, most, times = (float(value) for value in list(row.values())[3:])
        print(f"{row['world']:<22}{row['method']:<24}{100 * right:8.2f}{100 * sure:8.1f}{100 * hold:10.2f}{mean:10.0f}"
              f"{most:8.0f}{times:7.1f}x")  # fmt: skip
    rows = list(csv.DictReader((HERE / "certificates.csv").open(newline="")))
    print(f"\n{'':<28}{'':>6}{'':>9}{'true':>8}{'certificate':>17}{'union bound':>17}{'means':>17}")
    print(f"{'certificates':<28}{'tasks':>6}{'episodes':>9}{'share':>8}" + f"{'bound %':>9}{'true %':>8}" * 3)
    for row in rows:
        values = [100 * float(value) for value in list(row.values())[4:]]
        pairs = zip(values[1::2], values[2::2], strict=True)
        print(f"{row['world']:<28}{row['tasks']:>6}{row['episodes']:>9}{values[0]:8.1f}"
              + "".join(f"{bound:9.1f}{true:8.2f}" for bound, true in pairs))  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the results so far and run nothing")
    parser.add_argument("--trials", type=int, default=TRIALS, help="per line of each table")
    arguments = parser.parse_args()
    if not arguments.table:
        write("certificates.csv", [certificates(name, world, arguments.trials) for name, world in POPULATIONS.items()])
        write("selection.csv", [selection(name, bandit, method, arguments.trials) for name, bandit in BANDITS.items()
                                for method in METHODS])  # fmt: skip
    table()
