"""Budget curve in the world of savers: learned glide paths beside rules of thumb and what is possible at all.

``python experiments/savers/curve.py --runs DIR`` trains what is missing in DIR (a ``policybudget train`` each,
EM, two seeds; a killed one goes on) and writes ``curve.csv`` beside this file: what every rule is worth to every
saver, exactly, in the decades that were trained on (1957 to 1989) and in later ones (1990 to 2018). ``--table`` only
prints, and draws.

Intervals are of the mean certainty equivalent over savers, for seed 0: the years of the decades are drawn again in
blocks of five, 100 times, and 2 000 lives are lived in each such history, the same for all rules.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

import policybudget as pb
from policybudget.assessment import figures
from policybudget.assessment.savers_rules import rules_of
from policybudget.exact.savers_bound import bounds
from policybudget.exact.savers_optimum import candidates, certainty, returns
from policybudget.population import Population
from policybudget.selection.subset import best_subsets
from policybudget.worlds.savers.names import savers_world
from policybudget.worlds.savers.planning import GRID
from policybudget.worlds.savers.population import savers_population
from policybudget.worlds.savers.saver import LONGEST, Saver

CURVE = Path(__file__).with_name("curve.csv")
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "savers-curve.png"
BUDGETS, SEEDS, TRANSITIONS = (1, 2, 3, 5, 10), (0, 1), 200_000
COLUMNS = ("rule", "budget", "seed", "decades", "saver", "served by", "return", "certainty equivalent", "low", "high")
BOUND = "no k rules exceed"
HISTORIES, LIVES, BLOCK = 100, 2_000, 60
"""Histories drawn, lives in each, and months of a block."""
RETIRED = 65
"""The age at which no years are left, for the rule of thumb."""


def trained(runs: Path, budget: int, seed: int) -> Path:
    """The run folder of a budget and a seed."""
    folder = runs / f"k-{budget}-seed-{seed}"
    command = [sys.executable, "-m", "policybudget"]
    if (folder / "manifest.json").exists():
        return folder
    if (folder / "config.json").exists():
        command += ["resume", str(folder), "--quiet"]
    else:
        command += ["train", "--world", "savers", "--budget", str(budget), "--seed", str(seed), "--quiet"]
        command += ["--transitions", str(TRANSITIONS), "--out", str(folder)]
    subprocess.run(command, check=True)
    return folder


def thumbs() -> dict[str, Float[np.ndarray, "1 T g"]]:
    """Rules that everybody knows, as shares with 1 to T years left."""
    left = np.arange(1, LONGEST + 1)
    paths = {"all bills": 0 * left, "60/40": 0.6 + 0 * left, "110 - age": np.clip((110 - RETIRED + left) / 100, 0, 1)}
    return {name: np.broadcast_to(path[None, :, None], (1, LONGEST, len(GRID))) for name, path in paths.items()}


class Decades:
    """Some decades: the savers who live in them, and histories that might have been."""

    def __init__(self, name: str, savers: Population) -> None:
        assert savers.dynamics is not None
        self.name, self.savers, self.world = name, savers, savers_world()
        self.saver = Saver(*savers.dynamics.astype(float).T)  # type: ignore[arg-type] # columns (n)
        first, count = int(self.saver.first[0]), int(self.saver.span[0])
        self.gross = np.asarray(self.world.gross, np.float64)[first : first + count]

    def lines(self, rule: str, seed: int, shares: np.ndarray, labels: Int[np.ndarray, " n"]) -> list[list[object]]:
        """Lines of the file: each saver under the rule that serves it, and the mean with its interval."""
        people = np.arange(self.savers.size)
        paid, certain = (table(self.world, self.savers, shares)[labels, people] for table in (returns, certainty))
        low, high = self.interval(shares, labels) if seed == 0 else (np.nan, np.nan)
        about, lines = (rule, len(shares), seed, self.name), list[list[object]]()
        for name, label, *values in zip(self.savers.names, labels, paid, certain, strict=True):
            lines.append([*about, name, label, *(f"{x:.4f}" for x in values), "", ""])
        means = (paid.mean(), certain.mean(), low, high)
        lines.append([*about, "mean", "", *("" if np.isnan(x) else f"{x:.4f}" for x in means)])
        return lines

    def interval(self, shares: np.ndarray, labels: Int[np.ndarray, " n"]) -> tuple[float, float]:
        """95 % of the mean certainty equivalents over histories; shares must not depend on wealth."""
        draw = np.random.default_rng(0)
        found = [self._certain(self._history(draw), shares[labels, :, 0], draw) for _ in range(HISTORIES)]
        low, high = np.percentile(found, [2.5, 97.5])
        return float(low), float(high)

    def _history(self, draw: np.random.Generator) -> np.ndarray:
        """As many years, from blocks of consecutive ones: rows begin a month apart."""
        starts = draw.integers(0, len(self.gross) - BLOCK + 1, -(-len(self.gross) // BLOCK))
        rows = (starts[:, None] + np.arange(BLOCK)).ravel()[: len(self.gross)]
        history: np.ndarray = self.gross[rows]
        return history

    def _certain(self, gross: np.ndarray, paths: Float[np.ndarray, "n T"], draw: np.random.Generator) -> float:
        """The mean over savers of the certainty equivalent, by lives."""
        years, saver = gross[draw.integers(0, len(gross), (LONGEST, LIVES))], self.saver
        paid = (1 - saver.paid_in) / saver.horizon
        wealth = np.repeat(np.asarray(saver.paid_in)[:, None], LIVES, axis=1)
        for left in range(int(np.max(saver.horizon)), 0, -1):
            grows = years[left - 1, :, 0] + paths[:, left - 1, None] * (years[left - 1, :, 1] - years[left - 1, :, 0])
            wealth = np.where((saver.horizon >= left)[:, None], (wealth + paid[:, None]) * grows, wealth)
        power = 1 - np.asarray(saver.aversion)[:, None]
        return float(((wealth**power).mean(axis=1) ** (1 / power[:, 0])).mean())


def judge(runs: Path) -> None:
    """Judge what has no lines yet."""
    with CURVE.open(newline="") as file:
        done = {(row["rule"], int(row["budget"]), int(row["seed"])) for row in csv.DictReader(file)}
    both = Decades("earlier", savers_population()), Decades("later", savers_population(held_out=True))
    nobody = np.zeros(both[0].savers.size, int)

    def write(rule: str, seed: int, shares: np.ndarray, labels: np.ndarray) -> None:
        lines = [line for decades in both for line in decades.lines(rule, seed, shares, labels)]
        with CURVE.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)
        print(f"{rule}, k = {len(shares)}, seed {seed}: {lines[len(lines) // 2 - 1]} {lines[-1]}", flush=True)

    if not any(rule == BOUND for rule, *_ in done):
        found = bounds(both[0].world, both[0].savers, BUDGETS)
        with CURVE.open("a", newline="") as file:
            lines = [
                [BOUND, k, 0, "earlier", "mean", "", f"{most:.4f}", *[""] * 3]
                for k, most in zip(BUDGETS, found, strict=True)
            ]
            csv.writer(file, lineterminator="\n").writerows(lines)
    for rule, shares in thumbs().items():
        if (rule, 1, 0) not in done:
            write(rule, 0, shares, nobody)
    world, savers = both[0].world, both[0].savers
    lines = candidates(world, savers).shares
    for budget, best in zip(BUDGETS, best_subsets(returns(world, savers, lines), BUDGETS), strict=True):
        if ("best k straight paths", budget, 0) not in done:
            write("best k straight paths", 0, lines[best.chosen], best.labels)
    for seed in SEEDS:
        for budget in BUDGETS:
            if ("em", budget, seed) not in done:
                result = pb.load(trained(runs, budget, seed))
                write("em", seed, rules_of(world, result.policies), result.assignment.argmax(axis=0))


def summaries() -> dict[tuple[str, int], dict[str, np.ndarray]]:
    """By rule and budget, for earlier and later decades: (seeds, 6) return, worst return, certainty, low, high."""
    rows = dict[tuple[str, int], dict[str, dict[str, list[list[float]]]]]()
    with CURVE.open(newline="") as file:
        for row in csv.DictReader(file):
            seeds = rows.setdefault((row["rule"], int(row["budget"])), {}).setdefault(row["decades"], {})
            values = [float(row[name] or "nan") for name in ("return", "certainty equivalent", "low", "high")]
            seeds.setdefault(row["seed"], []).append(values)
    table = dict[tuple[str, int], dict[str, np.ndarray]]()
    for name, decades in rows.items():  # the last line of a seed is the mean
        table[name] = {
            which: np.array([[seed[-1][0], min(x[0] for x in seed), *seed[-1][1:]] for seed in seeds.values()])
            for which, seeds in decades.items()
        }
    return table


def show() -> None:
    """The table, and the picture."""
    table = summaries()
    print("30 savers; return 100: everybody's own best rule of these decades; means over seeds; ce: mean certainty")
    print("equivalent of final wealth in all that was paid in, with 95 % over histories (seed 0)\n")
    print(f"{'':<22} {'':>2} {'':>5} {'1957 to 1989':^34} {'1990 to 2018':^34}")
    columns = f"{'return':>7} {'worst':>8} {'ce':>4} {'95 %':>12}"
    print(f"{'':<22} {'k':>2} {'seeds':>5} {columns:>34} {columns:>34}")
    for (name, budget), decades in table.items():
        if name == BOUND:
            print(f"{name:<22} {budget:>2} {'':>5} {decades['earlier'][0, 0]:>8.2f}")
            continue
        cells = []
        for which in ("earlier", "later"):
            paid, worst, certain, *_ = decades[which].mean(axis=0)
            low, high = np.nanmax(decades[which][:, 3:], axis=0)
            cells.append(f"{paid:>7.2f} {worst:>8.2f} {certain:>4.2f} {low:>5.2f}..{high:.2f}")
        print(f"{name:<22} {budget:>2} {len(decades['later']):>5} {cells[0]:>34} {cells[1]:>34}")
    figures.save(drawn(table), PICTURE)


def drawn(table: dict[tuple[str, int], dict[str, np.ndarray]]) -> Figure:
    """Mean return against the budget, in both decades."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    for axis, which, title in zip(
        figure.subplots(1, 2, sharey=True), ("earlier", "later"), ("1957 to 1989", "1990 to 2018"), strict=True
    ):
        for index, name in enumerate(("em", "best k straight paths")):
            values = {budget: part[which][:, 0] for (one, budget), part in table.items() if one == name}
            means = [part.mean() for part in values.values()]
            spread = [[m - part.min() for m, part in zip(means, values.values(), strict=True)],
                      [part.max() - m for m, part in zip(means, values.values(), strict=True)]]  # fmt: skip
            axis.errorbar(list(values), means, spread, label=name, color=figures.colour(index), marker="os"[index],
                          markersize=4, capsize=2, linewidth=1.2)  # fmt: skip
        for index, name in enumerate(("60/40", "110 - age")):
            level = table[name, 1][which][0, 0]
            axis.axhline(level, color="0.4", linestyle=("--", ":")[index], linewidth=1, label=name)
        if which == "earlier":
            most = {k: table[BOUND, k][which][0, 0] for k in BUDGETS if (BOUND, k) in table}
            if most:
                axis.plot(list(most), list(most.values()), color="black", linewidth=0.8, label=BOUND)
        axis.set(xscale="log", xlabel="policies (k)", title=title, ylim=(70, 101))
        axis.set_xticks(BUDGETS, [str(k) for k in BUDGETS])
        axis.minorticks_off()
        axis.grid(color="0.9")
    figure.axes[0].set_ylabel("mean return (own best: 100)")
    figure.axes[0].legend(frameon=False, fontsize=7)
    return figure


def main() -> None:
    """Train, judge, show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, help="where the run folders are")
    parser.add_argument("--table", action="store_true", help="only print and draw")
    settings = parser.parse_args()
    if not CURVE.exists():
        CURVE.write_text(",".join(COLUMNS) + "\n")
    if not settings.table:
        judge(settings.runs)
    show()


if __name__ == "__main__":
    main()
