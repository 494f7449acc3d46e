"""Figure 2 of Ivanov & Ben-Porat 2024: welfare in Resource Gathering for each budget and algorithm.

``python experiments/resource_gathering/run.py`` trains what is not yet in ``results.csv`` beside this file (a core per run) and
``--table`` prints what is there beside the exact optimum. Welfare is that of greedy policies on fresh episodes.
"""

from __future__ import annotations

import argparse
import csv
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

RESULTS = Path(__file__).with_name("results.csv")
COLUMNS = ("preset", "algorithm", "budget", "seed", "variant", "welfare", "transitions", "wall_seconds")
OPTIMUM = {1: 74.00, 2: 86.00, 3: 89.28, 5: 91.04, 10: 92.32, 25: 93.56}
PAPER = {3: "> 85", 10: "> 90", 25: "93.6 (its optimum)"}
ALGORITHMS = ("em", "end-to-end", "trajectory-clusters", "random")


def plan(
    presets: list[str], algorithms: list[str], budgets: list[int], seeds: int
) -> list[tuple[str, str, int, int, str]]:
    """Every run of the figure; cheap ones first."""
    runs = [(p, a, k, s, "") for k in budgets for p in presets for a in algorithms for s in range(seeds)]
    return runs


def train(preset: str, algorithm: str, budget: int, seed: int, variant: str) -> tuple[float, int, float]:
    """One run on one core."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[os.getpid() % len(os.sched_getaffinity(0))]})
    from dataclasses import replace

    import policybudget as pb
    from policybudget.cli.session import use_compilation_cache
    from policybudget.training import configuration

    use_compilation_cache()
    settings = configuration.preset(preset, "resource-gathering", algorithm)
    rule = replace(settings.rule, signal="literal") if variant == "literal" else settings.rule
    problem = pb.make_problem("resource-gathering", budget=budget)
    result = pb.train(problem, rule, ppo=settings.ppo, transitions=1_000_000, seed=seed)
    return result.welfare, result.transitions, result.wall_seconds


def read() -> list[dict[str, str]]:
    """What was run so far."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def table() -> None:
    """Mean and 95 % interval over seeds, beside the optimum and the paper."""
    import numpy as np

    from policybudget.assessment.statistics import mean_ci95

    rows = read()
    print(f"{'preset':<8} {'algorithm':<28} {'k':>2}  {'welfare':>15}  {'seeds':>5}  {'optimum':>7}  paper")
    for key in sorted({(r["preset"], r["algorithm"], int(r["budget"]), r["variant"]) for r in rows}):
        values = [
            float(r["welfare"]) for r in rows if (r["preset"], r["algorithm"], int(r["budget"]), r["variant"]) == key
        ]
        preset, algorithm, budget, variant = key
        value = mean_ci95(np.array(values))
        name = f"{algorithm} ({variant})" if variant else algorithm
        paper = PAPER.get(budget, "figure only") if algorithm in ("em", "end-to-end") else ""
        print(
            f"{preset:<8} {name:<28} {budget:>2}  {value['mean']:6.2f} +- {value['ci95']:5.2f}  {len(values):>5}  "
            f"{OPTIMUM[budget]:>7.2f}  {paper}"
        )


def main() -> None:
    """Run what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the results so far and run nothing")
    parser.add_argument("--presets", nargs="+", default=["default", "paper"])
    parser.add_argument("--algorithms", nargs="+", default=list(ALGORITHMS))
    parser.add_argument("--budgets", nargs="+", type=int, default=[1, 3, 5, 10, 25])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--variant", default="", choices=("", "literal"), help="literal: end-to-end by eq. 12 as it stands"
    )
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    if not arguments.table:
        done = {(r["preset"], r["algorithm"], int(r["budget"]), int(r["seed"]), r["variant"]) for r in read()}
        runs = plan(arguments.presets, arguments.algorithms, arguments.budgets, arguments.seeds)
        runs = [(*run[:4], arguments.variant) for run in runs]
        if not RESULTS.exists():
            RESULTS.write_text(",".join(COLUMNS) + "\n")
        with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            jobs = {pool.submit(train, *run): run for run in runs if run not in done}
            for job in as_completed(jobs):
                welfare, transitions, seconds = job.result()
                with RESULTS.open("a", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(
                        [*jobs[job], f"{welfare:.4f}", transitions, f"{seconds:.1f}"]
                    )
                print(*jobs[job], f"welfare {welfare:.2f} in {seconds:.0f} s", flush=True)
    table()


if __name__ == "__main__":
    main()
