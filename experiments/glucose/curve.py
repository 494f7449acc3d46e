"""Budget curves in the world of glucose: learned committees beside the yardsticks, on the same fresh days.

``python experiments/glucose/curve.py --runs DIR`` trains what is missing in DIR (an ordinary ``policybudget train`` per
algorithm, several budgets and seeds side by side; a killed one goes on), judges every run on 50 days of each patient,
the days that ``yardsticks.py`` judges on, and writes ``curve.csv`` beside this file and a picture for the docs.
``--table`` only prints and draws what is in the file.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key
from matplotlib.figure import Figure
from yardsticks import BUDGETS, JUDGED_ON, PATH, days

import policybudget as pb
from policybudget.assessment import figures
from policybudget.policies.stacked import Policies, act
from policybudget.worlds.glucose.names import glucose_world
from policybudget.worlds.glucose.population import glucose_population
from policybudget.worlds.glucose.rules import returns
from policybudget.worlds.glucose.world import OUTCOME, GlucoseWorld

CURVE = Path(__file__).with_name("curve.csv")
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "glucose-curve.png"
COLUMNS = ("algorithm", "budget", "transitions", "seed", "patient", "served by", "return", *OUTCOME)
PEERS = ("random", "end-to-end", "committee", "trajectory-clusters")
TRAININGS = {
    "em": ("em", "1,2,3,5", 0, 3),
    "em-10": ("em", "10", 0, 3),
    **{name: (name, "3,5", 0, 1) for name in PEERS},
    **{f"{name}-2": (name, "2", 0, 3) for name in PEERS},
    **{f"{name}-more": (name, "3,5", 1, 2) for name in PEERS},
    "em-30": ("em", "30", 0, 1),
}
"""Folders: the algorithm, budgets, first seed, and number of seeds of each."""
TRANSITIONS = 3_000_000
"""Per policy."""


@eqx.filter_jit
def totals(
    world: GlucoseWorld, policies: Policies, tasks: Float[Array, "n p"], keys: Key[Array, "n days"]
) -> Float[Array, "n days d"]:
    """Outcomes of whole days under greedy policies, one for each patient, summed over each day."""
    told = jnp.broadcast_to(tasks[:, None], (*keys.shape, tasks.shape[1]))
    state, seen = jax.vmap(jax.vmap(world.reset))(keys, told)

    def step(carry: tuple[object, Array, Array], _: None) -> tuple[tuple[object, Array, Array], None]:
        state, seen, total = carry
        after = jax.vmap(jax.vmap(world.step))(state, act(policies, world.actions, seen, None), keys, told)
        return (after.state, after.observation, total + after.outcome), None

    start = (state, seen, jnp.zeros((*keys.shape, world.outcome_size)))
    return jax.lax.scan(step, start, None, world.time_limit)[0][2]


def train(runs: Path, name: str) -> Path:
    """The trainings of a folder, or what is missing of them."""
    folder, (algorithm, budgets, first, seeds) = runs / name, TRAININGS[name]
    command = [sys.executable, "-m", "policybudget"]
    if (folder / "study.json").exists():
        command += ["resume", str(folder)]
    else:
        command += ["train", "--world", "glucose", "--algorithm", algorithm, "--budget", budgets]
        command += ["--seed", str(first), "--seeds", str(seeds), "--transitions", str(TRANSITIONS)]
        command += ["--out", str(folder)]
    subprocess.run(command, check=True)
    return folder


def judged(folder: Path, algorithm: str, seed: int) -> list[list[object]]:
    """Lines of the file: each patient under the policy that serves it."""
    result, world = pb.load(folder), glucose_world("glucose")
    population, labels = glucose_population(world), result.assignment.argmax(axis=0)
    theirs = result.policies.of(jnp.asarray(labels))
    outcomes = np.asarray(totals(world, theirs, jnp.asarray(population.dynamics), days(seed)[1])).mean(axis=1)
    worth, lines = returns(world, outcomes), list[list[object]]()
    for patient, served, paid, sums in zip(population.names, labels, worth, outcomes, strict=True):
        name = (algorithm, result.budget, TRANSITIONS, seed, patient, served)
        lines.append([*name, f"{paid:.4f}", *(f"{x:.6g}" for x in sums)])
    print(f"{algorithm} k = {result.budget}, seed {seed}: {worth.mean():.2f}, worst {worth.min():.2f}", flush=True)
    return lines


def judge_missing(folder: Path, algorithm: str) -> None:
    """Judge the finished runs of an algorithm that have no lines yet."""
    with CURVE.open(newline="") as file:
        done = {(row["algorithm"], int(row["budget"]), int(row["seed"])) for row in csv.DictReader(file)}
    for manifest in sorted(folder.rglob("manifest.json")):
        run = manifest.parent
        result, seed = pb.load(run), int(run.name.rpartition("-")[2]) if "seed" in run.name else 0
        if (algorithm, result.budget, seed) not in done:
            lines = judged(run, algorithm, seed)
            with CURVE.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(lines)


def summaries(path: Path, key: str) -> dict[tuple[str, int], np.ndarray]:
    """By rule or algorithm and budget: mean return, worst return and largest share below 54 mg/dL, (seeds, 3)."""
    found: dict[tuple[str, int], dict[str, list[tuple[float, float]]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row.get("world", "glucose") != "glucose":
                continue
            name = row[key]
            budget = int(row["budget"]) if "budget" in row else int(next(filter(str.isdigit, name.split()), 0))
            name = "best k of a grid" if name.startswith("best") else name
            seeds = found.setdefault((name, budget), {})
            low = float(row["below 54"]) / glucose_world("glucose").time_limit
            seeds.setdefault(row["seed"], []).append((float(row["return"]), 100 * low))
    table = {}
    for name, seeds in found.items():
        each = [np.array(rows) for rows in seeds.values()]
        table[name] = np.array([(rows[:, 0].mean(), rows[:, 0].min(), rows[:, 1].max()) for rows in each])
    order = list(dict.fromkeys(name for name, _ in table))
    return {name: table[name] for name in sorted(table, key=lambda key: (order.index(key[0]), key[1]))}


def show() -> None:
    """The table, yardsticks first, and the picture."""
    table = summaries(PATH, "rule") | summaries(CURVE, "algorithm")
    print(f"{JUDGED_ON} fresh days of 30 patients; means over seeds\n")
    print(f"{'':<26} {'k':>3} {'seeds':>5} {'return':>7} {'worst':>7} {'<54 %, worst':>13}")
    for (name, budget), values in table.items():
        mean = values.mean(axis=0)
        shown = str(budget) if budget else "30"
        print(f"{name:<26} {shown:>3} {len(values):>5} {mean[0]:>7.2f} {mean[1]:>7.2f} {mean[2]:>13.2f}")
    figures.save(drawn(table), PICTURE)


def drawn(table: dict[tuple[str, int], np.ndarray]) -> Figure:
    """Mean and worst return against the budget."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    names = list(dict.fromkeys(name for name, budget in table if budget))
    for axis, column, label in ((axes[0], 0, "mean over patients"), (axes[1], 1, "worst patient")):
        for index, name in enumerate(names):
            known = sorted((budget, values[:, column]) for (one, budget), values in table.items() if one == name)
            ks, means = [k for k, _ in known], [values.mean() for _, values in known]
            spread = [np.ptp(values) / 2 for _, values in known]
            style = {"color": figures.colour(index), "marker": "osD^vP"[index % 6], "markersize": 4, "capsize": 2}
            axis.errorbar(ks, means, spread, label=name, linewidth=1.2, **style)
        for (name, budget), values in table.items():
            if not budget:
                axis.axhline(values[:, column].mean(), color="0.4", linestyle="--", linewidth=1, label=name)
        axis.set(xscale="log", xlabel="policies (k)", ylabel=f"return, {label}", xticks=BUDGETS)
        axis.set_xticks(BUDGETS, [str(k) for k in BUDGETS])
        axis.minorticks_off()
        axis.grid(color="0.9")
    axes[0].legend(frameon=False, fontsize=7)
    return figure


def main() -> None:
    """Train, judge, show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, help="where the run folders are")
    parser.add_argument("--folders", nargs="+", default=list(TRAININGS), help="of the runs; all if not given")
    parser.add_argument("--table", action="store_true", help="only print and draw")
    settings = parser.parse_args()
    if not CURVE.exists():
        CURVE.write_text(",".join(COLUMNS) + "\n")
    for name in () if settings.table else settings.folders:
        judge_missing(train(settings.runs, name), TRAININGS[name][0])
    show()


if __name__ == "__main__":
    main()
