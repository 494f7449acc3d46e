"""What all figures share: train what is missing from a results.csv, a core per run, and print means with intervals."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import astuple, dataclass, fields
from multiprocessing import get_context
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One training; what its variant changes is in VARIANTS."""

    world: str
    agents: int
    preset: str
    algorithm: str
    budget: int
    transitions: int
    seed: int
    variant: str = ""


PLAIN_LEARNER = "learner of plain"
"""The default with the learner's settings of the plain preset."""
VARIANTS: dict[str, dict[str, str | int]] = {
    "": {},
    "literal": {"signal": "literal"},
    "scouts": {"scouts": 4},
    "no recall": {"recall": False, "restarts": 1},
    "one beginning": {"restarts": 1},
    "no fair beginnings": {"fair_restarts": False},
    PLAIN_LEARNER: {},
    "no splits": {"split_every": 0},
    "no scouts": {"scouts": 1},
}
COLUMNS = (*(field.name for field in fields(Run)), "welfare", "all_transitions", "cpu_seconds")


def train(run: Run, core: int | None) -> tuple[float, int, float]:
    """Train on one core and judge the greedy policies on fresh episodes.

    Returns:
        Welfare, transitions of all policies, and seconds of processor time, compilation included.
    """
    if core is not None:
        os.sched_setaffinity(0, {core})
    import time
    from dataclasses import replace

    import policybudget as pb
    from policybudget.cli.session import use_compilation_cache
    from policybudget.training import configuration

    use_compilation_cache()
    settings = configuration.preset(run.preset, run.world, run.algorithm)
    learner = configuration.preset("plain", run.world, run.algorithm) if run.variant == PLAIN_LEARNER else settings
    rule = replace(settings.rule, **VARIANTS[run.variant])
    problem = pb.make_problem(run.world, run.budget, run.agents, run.seed)
    began = time.process_time()
    result = pb.train(problem, rule, ppo=learner.ppo, transitions=run.transitions, seed=run.seed)
    return result.welfare, result.transitions, time.process_time() - began


def read(path: Path) -> list[tuple[Run, float]]:
    """What was run so far, and its welfare."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [(parse(row), float(row["welfare"])) for row in csv.DictReader(file)]


def parse(row: dict[str, str]) -> Run:
    """A run from a line of results."""
    number = ("agents", "budget", "transitions", "seed")
    return Run(**{f.name: int(row[f.name]) if f.name in number else row[f.name] for f in fields(Run)})  # type: ignore[arg-type]


def run_missing(path: Path, runs: Iterable[Run], processes: int) -> None:
    """Train what is not in the file yet; every finished run is a line of it."""
    done = {run for run, _ in read(path)}
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    cores = sorted(os.sched_getaffinity(0))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        missing = [run for run in runs if run not in done]
        jobs = {pool.submit(train, run, cores[i % len(cores)]): run for i, run in enumerate(missing)}
        for job in as_completed(jobs):
            welfare, transitions, seconds = job.result()
            with path.open("a", newline="") as file:
                told = [*astuple(jobs[job]), f"{welfare:.4f}", transitions, f"{seconds:.1f}"]
                csv.writer(file, lineterminator="\n").writerow(told)
            print(*astuple(jobs[job]), f"welfare {welfare:.2f}", flush=True, file=sys.stderr)


def table(path: Path, reference: Callable[[Run], str], heading: str) -> None:
    """Mean and 95 % interval over seeds, beside what the world and the paper allow."""
    import numpy as np

    from policybudget.assessment.statistics import mean_ci95

    groups: dict[tuple[str, str, int, str], list[tuple[Run, float]]] = {}
    for run, welfare in read(path):
        groups.setdefault((run.preset, run.algorithm, run.budget, run.variant), []).append((run, welfare))
    print(f"{'preset':<8} {'algorithm':<21} {'k':>3}  {'welfare':>15} {'seeds':>6}  {heading}")
    for (preset, algorithm, budget, variant), members in sorted(groups.items()):
        value = mean_ci95(np.array([welfare for _, welfare in members]))
        interval = f"+- {value['ci95']:5.2f}" if len(members) > 1 else " " * 8
        name = f"{algorithm} ({variant})" if variant else algorithm
        beside = "; ".join(dict.fromkeys(reference(run) for run, _ in members))
        print(f"{preset:<8} {name:<21} {budget:>3}  {value['mean']:6.2f} {interval} {len(members):>6}  {beside}")


def main(
    path: Path,
    description: str,
    runs: Callable[[argparse.Namespace], Iterable[Run]],
    reference: Callable[[Run], str],
    heading: str,
    defaults: dict[str, list[str] | list[int] | int],
) -> None:
    """The command line of a figure."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the results so far and run nothing")
    parser.add_argument("--presets", nargs="+", default=["default", "plain", "paper"])
    parser.add_argument("--algorithms", nargs="+", default=["em", "end-to-end", "trajectory-clusters", "random"])
    parser.add_argument("--budgets", nargs="+", type=int, default=defaults["budgets"])
    parser.add_argument("--seeds", nargs="+", type=int, default=defaults["seeds"])
    parser.add_argument("--variant", default="", choices=list(VARIANTS), help="see VARIANTS in runner.py")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    if not arguments.table:
        run_missing(path, runs(arguments), arguments.processes)
    table(path, reference, heading)
