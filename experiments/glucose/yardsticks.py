"""The yardsticks of the world of glucose: the personalised rule, and the best k of a grid of basal-bolus rules.

``python experiments/glucose/yardsticks.py`` computes what is not yet in ``yardsticks.csv`` beside this file, for three
seeds, and prints tables; ``--table`` only prints. Rules are chosen on 10 days of each patient and judged on 50 others
(``--world`` for other options of the world). A seed decides both sets of days. Minutes on one core.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array

from policybudget.assessment.clinical import clinical, clinical_table
from policybudget.assessment.yardsticks import Yardstick, best_rules, personalised
from policybudget.worlds.glucose.names import glucose_world
from policybudget.worlds.glucose.patients import all_patients
from policybudget.worlds.glucose.population import glucose_population
from policybudget.worlds.glucose.world import OUTCOME

PATH = Path(__file__).with_name("yardsticks.csv")
BUDGETS, SEEDS, CHOSEN_ON, JUDGED_ON = (1, 2, 3, 5, 10, 30), (0, 1, 2), 10, 50
COLUMNS = ("world", "rule", "seed", "patient", "served by", "return", *OUTCOME)


def days(seed: int) -> tuple[Array, Array]:
    """Keys (30, 10) of the days to choose on, and (30, 50) of the days to judge on."""
    choosing, judging = jax.random.split(jax.random.key(seed))
    return jax.random.split(choosing, (30, CHOSEN_ON)), jax.random.split(judging, (30, JUDGED_ON))


def yardsticks(name: str, seed: int) -> Iterator[Yardstick]:
    """All rules of the table, on the days of a seed."""
    world, patients = glucose_world(name), all_patients()
    population = glucose_population(world)
    choosing, judging = days(seed)
    yield personalised(world, population, patients, judging)
    yield from best_rules(world, population, BUDGETS, choosing, judging)


def lines(name: str, seed: int) -> list[list[object]]:
    """Lines of the file: a patient under a rule, sums of the outcome over a day."""
    found = list[list[object]]()
    for rule in yardsticks(name, seed):
        labels = np.full(30, -1) if rule.labels is None else rule.labels
        for patient, served, worth, totals in zip(all_patients().names, labels, rule.returns, rule.totals, strict=True):
            found.append([name, rule.name, seed, patient, served, f"{worth:.4f}", *(f"{x:.6g}" for x in totals)])
        print(f"seed {seed}, {rule.name}: mean {rule.returns.mean():.2f}, worst {rule.returns.min():.2f}", flush=True)
    return found


def show(name: str) -> None:
    """Means over patients and seeds, and the worst patient (mean over seeds)."""
    with PATH.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["world"] == name]
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    shape = (len(SEEDS), 30, len(OUTCOME))
    totals, worst = [], []
    print(f"{name}: {JUDGED_ON} days of 30 patients, means over {len(SEEDS)} seeds\n")
    print(f"{'':<26} {'return':>7} {'worst':>7} {'<54 %, worst':>13}")
    for rule in rules:
        mine = [row for row in rows if row["rule"] == rule]
        sums = np.array([[float(row[key]) for key in OUTCOME] for row in mine]).reshape(shape)
        worth = np.array([float(row["return"]) for row in mine]).reshape(shape[:2])
        lows = 100 * sums[..., OUTCOME.index("below 54")] / glucose_world(name).time_limit
        means = (worth.mean(), worth.min(axis=1).mean(), lows.max(axis=1).mean())
        print(f"{rule:<26} {means[0]:>7.2f} {means[1]:>7.2f} {means[2]:>13.2f}")
        totals.append(sums.mean(axis=(0, 1)))
        worst.append(rule.replace("basal-bolus", "").strip())
    steps = glucose_world(name).time_limit
    print("\nreadings of all patients together\n\n" + clinical_table(worst, clinical(np.array(totals), steps)))


def main() -> None:
    """Compute what is missing, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="glucose")
    parser.add_argument("--table", action="store_true", help="only print")
    settings = parser.parse_args()
    if not PATH.exists():
        PATH.write_text(",".join(COLUMNS) + "\n")
    with PATH.open(newline="") as file:
        done = {(row["world"], int(row["seed"])) for row in csv.DictReader(file)}
    for seed in SEEDS if not settings.table else ():
        if (settings.world, seed) not in done:
            found = lines(settings.world, seed)
            with PATH.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(found)
    show(settings.world)


if __name__ == "__main__":
    main()
