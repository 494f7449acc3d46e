"""Steps per second in Meta-World: our copies beside the package's own vector environments, in one run.

``python benchmarks/metaworld_steps.py [--tasks MT10] [--copies 10 100]`` prints one JSON object. Rounds take turns,
so that all share the machine's moods; medians are printed. A round is ``--steps`` steps of all copies with random
actions, from a fresh reset that is not timed. That favours the package: its resets take 500 steps of the physics,
ours are remembered. Beside the clock's there are steps per second of processor time, of all processes and threads
together, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="MT10", choices=("MT10", "MT50"), help="a benchmark of the package")
    parser.add_argument("--copies", type=int, nargs="+", default=None, help="of ours; one and ten per task by default")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="of a round")
    settings = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: settings.cores]
    os.sched_setaffinity(0, cores)
    warnings.simplefilter("ignore")
    print(json.dumps(measure(settings, len(cores)), indent=2))


def measure(settings: argparse.Namespace, cores: int) -> dict[str, Any]:
    """Rates of all, and ours as multiples of the package's best on each clock."""
    import mujoco

    from policybudget.worlds.metaworld.names import METAWORLD, tasks_in

    tasks = tasks_in(METAWORLD + settings.tasks)
    numbers = settings.copies or (len(tasks), 10 * len(tasks))
    contenders = {f"package, {kind}": packaged(settings.tasks, kind) for kind in ("sync", "async")}
    contenders |= {f"policybudget, {number} copies": ours(tasks, number, cores) for number in numbers}
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(settings.rounds):
        for name, contender in contenders.items():
            rates[name].append(contender(settings.steps))
    rows = {
        name: {
            "steps_per_second": round(statistics.median(clock for clock, _ in found)),
            "steps_per_processor_second": round(statistics.median(spent for _, spent in found)),
        }
        for name, found in rates.items()
    }
    best = {
        key: max(row[key] for name, row in rows.items() if name.startswith("package"))
        for key in next(iter(rows.values()))
    }
    times = {
        name: {key: round(row[key] / best[key], 2) for key in row}
        for name, row in rows.items()
        if name.startswith("policybudget")
    }
    about = {"tasks": settings.tasks, "cores": cores, "mujoco": mujoco.__version__, "rounds": settings.rounds}
    return about | {"steps": settings.steps, "rates": rows, "times_the_package": times}


def timed(number: int, steps: int, step: Callable[[np.ndarray], Any], processes: Sequence[int]) -> tuple[float, float]:
    """Steps of all copies per second of the clock and of the processors."""
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1.0, 1.0, (steps, number, 4))
    began, spent = time.perf_counter(), used(processes)
    for action in actions:
        step(action)
    return number * steps / (time.perf_counter() - began), number * steps / (used(processes) - spent)


def used(processes: Sequence[int]) -> float:
    """Seconds of processor time of this process and some others."""
    total = time.process_time()
    for process in processes:
        with open(f"/proc/{process}/stat") as file:
            cells = file.read().rpartition(")")[2].split()
        total += (int(cells[11]) + int(cells[12])) / TICKS
    return total


def packaged(benchmark: str, kind: str) -> Callable[[int], tuple[float, float]]:
    """A task each, in Gymnasium's vector environment as the package makes it."""
    from metaworld import make_mt_envs
    from metaworld.sawyer_xyz_env import SawyerMocapBase

    from policybudget.worlds.metaworld.package import set_welds

    SawyerMocapBase.reset_mocap_welds = set_welds  # the one method that fails on MuJoCo 4
    envs = make_mt_envs(benchmark, seed=0, vector_strategy=kind)
    processes = [process.pid for process in getattr(envs, "processes", ())]

    def play(steps: int) -> tuple[float, float]:
        envs.reset()
        return timed(envs.num_envs, steps, lambda action: envs.step(action.astype(np.float32)), processes)

    return play


def ours(tasks: tuple[str, ...], number: int, threads: int) -> Callable[[int], tuple[float, float]]:
    """Copies of the tasks in turn."""
    from policybudget.worlds.metaworld.copies import MetaworldCopies

    copies = MetaworldCopies(tasks, number, threads)
    whom = np.arange(number) % len(tasks)

    def play(steps: int) -> tuple[float, float]:
        copies.reset(0, whom)
        return timed(number, steps, copies.step, ())

    return play


if __name__ == "__main__":
    main()
