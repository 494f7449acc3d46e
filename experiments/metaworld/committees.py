"""Committees over Meta-World (Ge et al. 2025): three policies for groups of tasks, against one policy for all.

``python -m experiments.metaworld.committees`` trains what is not yet in ``committees.csv`` beside this file, a core per
run, and prints the table; ``--table`` only prints, with ``--against METHOD`` how far a method is ahead, task by task.
All methods have the same tasks, learner and frames, of all policies together: the groups of a cover of the tasks'
descriptions, of a clustering, random ones, EM's, and one policy for all; and the cover's, whose policies begin as
copies of one that learns for all first, for a share of the frames. ``--methods`` also knows the second ablation's:
covers by other numbers of policies (K), and with other radii.

Judged is success, in % of fresh episodes: of the tasks that were trained for, each with the policy that serves it, and
of 20 held-out tasks, each with the policy whose prototype is nearest (``nearest``, zero-shot; where groups have none,
their mean task), the best of two trials (``few-shot``), or the best in hindsight (``oracle``). Intervals (95 %,
Student's t) are over tasks, of which each is a mean over seeds.

What differs from the published table: its learner and frames (6 000 updates), and its split, as far as it can be read.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from runner import read, train_missing

FILE = Path(__file__).with_name("committees.csv")
COVER = "--algorithm committee --cover-method greedy-intersection"
METHODS = {
    "one policy": "--algorithm random --budget 1",
    "random groups": "--algorithm random --budget 3",
    "kmeans": "--algorithm committee --cover-method kmeans --learn-from nearest --budget 3 --radius 0.6",
    "greedy-intersection": f"{COVER} --budget 3 --radius 0.6",
    "em": "--algorithm em --budget 3",
    "one for all first, 1/4": f"{COVER} --budget 3 --radius 0.6 --search pretrained --universal-share 0.25",
    "one for all first, 2/3": f"{COVER} --budget 3 --radius 0.6 --search pretrained --universal-share 0.67",
    "K = 1": f"{COVER} --budget 1 --radius 0.6",
    "K = 2": f"{COVER} --budget 2 --radius 0.6",
    "K = 4": f"{COVER} --budget 4 --radius 0.6",
    "radius 0.5": f"{COVER} --budget 3 --radius 0.5",
    "radius 0.7": f"{COVER} --budget 3 --radius 0.7",
    "radius 0.8": f"{COVER} --budget 3 --radius 0.8",
}
"""The first seven are the comparison (the exact cover has the groups of the greedy one), the others the ablations."""
COMPARED = tuple(METHODS)[:7]
LEARNER = (
    "--copies 40 --steps 250 --minibatch 500 --epochs 16 --learning-rate 5e-4 1e-4 --hidden 128 128 --log-std -0.5 "
    "--kl-limit 0 --least-iterations 0"
)
"""The better of two that were tried: one policy, MT10, 800 000 frames, returns in training 34.1 and 30.0."""
PUBLISHED = {
    "one policy": "MOORE 41 / 44",
    "greedy-intersection": "PACMAN 53 / 60",
    "K = 1": "32 / 31, few-shot",
    "K = 2": "50 / 50, few-shot",
    "K = 4": "32 / 35, few-shot",
    "radius 0.5": "23 / 25",
    "radius 0.7": "56 / 58",
    "radius 0.8": "60 / 58",
}
"""Success in %, zero-shot unless it says otherwise: after 6 000 and 12 000 updates, radii after 0.5 and 1 M steps."""
EPISODES, TRIALS = 10, 2
HELD_OUT = 20
COLUMNS = ("method", "tasks", "frames", "seed", "trained", "nearest", "few-shot", "oracle")


def arguments_of(method: str, tasks: str, frames: int, seed: int) -> tuple[str, ...]:
    """Of ``policybudget train``."""
    options = METHODS[method].split()
    policies = int(options[options.index("--budget") + 1])
    words = f"--world metaworld:{tasks} --preset plain --transitions {frames // policies} --seed {seed} {LEARNER}"
    return (*words.split(), *options)


def gather(folder: Path) -> list[str]:
    """Success in every task, in % of its episodes; numbers of a cell have spaces between them."""
    import numpy as np
    from experiments.metaworld.success import for_success

    from policybudget.assessment.episodes import play_alone, play_tasks
    from policybudget.assessment.generalise import centres, generalise
    from policybudget.assessment.trained_for import problem_of
    from policybudget.runs.result import load
    from policybudget.runtime import use_compilation_cache
    from policybudget.worlds.registry import held_out

    use_compilation_cache()
    result = load(folder)
    problem, serves = for_success(problem_of(folder, result)), result.assignment.argmax(axis=0)
    trained = play_alone(problem.world, problem.population, result.policies, serves, EPISODES, 1).mean(axis=1)
    tasks = held_out(problem.world.name, HELD_OUT, 1)
    assert tasks.parameters is not None
    assert problem.population.parameters is not None
    places = result.prototypes or centres(problem.population.parameters, result.assignment)
    returns = play_tasks(problem.world, tasks, result.policies, EPISODES, 1)
    found = generalise(returns, tasks.parameters, places, TRIALS)
    means = [found.means[rule] for rule in ("nearest", "few-shot", "oracle")]
    return [" ".join(f"{x:g}" for x in np.asarray(one)) for one in (trained, *means)]


def run_missing(settings: argparse.Namespace) -> None:
    """Train what is not in the file yet; every finished run is a line of it."""
    wanted = {
        (method, settings.tasks, settings.frames, seed): arguments_of(method, settings.tasks, settings.frames, seed)
        for seed in settings.seeds
        for method in settings.methods
    }
    train_missing(FILE, COLUMNS, wanted, gather, settings.processes)


def table(against: str | None = None) -> None:
    """Success with intervals over tasks, beside the published; or how far a method is ahead of the others, paired.

    Args:
        against: the method that the others are subtracted from, task by task; None for success itself.
    """
    import numpy as np

    from policybudget.assessment.statistics import mean_ci95

    groups: dict[tuple[str, str], dict[str, list[dict[str, str]]]] = {}
    for row in read(FILE):
        groups.setdefault((row["tasks"], row["frames"]), {}).setdefault(row["method"], []).append(row)
    heads = COLUMNS[4:]
    if against is not None:
        print(f"how far {against} is ahead, task by task")
    print(f"{'success, %':<23}{'seeds':>5}" + "".join(f"{head:>13}" for head in heads))
    for (tasks, frames), methods in groups.items():
        print(f"{tasks}, {int(frames) / 1e6:g} million frames")
        means = {
            method: {h: np.array([[float(x) for x in row[h].split()] for row in rows]).mean(axis=0) for h in heads}
            for method, rows in methods.items()
        }
        if against is not None and against not in means:
            continue
        ahead = None if against is None else means.pop(against)
        for method, columns in means.items():
            cells = ""
            for head, mean in columns.items():
                found = mean_ci95(mean if ahead is None else ahead[head] - mean)
                cells += f"{found['mean']:6.1f} +-{found['ci95']:4.1f}"
            print(f"{method:<24}{len(methods[method]):>4}{cells}")
            if method in PUBLISHED and ahead is None:
                print(f"  published: {PUBLISHED[method]}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the results so far and run nothing")
    parser.add_argument(
        "--against", choices=METHODS, help="with --table: how far this one is ahead of the others, paired"
    )
    parser.add_argument("--methods", nargs="+", default=COMPARED, choices=METHODS, help="(default: all but ablations)")
    parser.add_argument("--tasks", default="train30", help="as in metaworld:TASKS (default train30)")
    parser.add_argument("--frames", type=int, default=3_000_000, help="of all policies together")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    settings = parser.parse_args()
    if not settings.table:
        run_missing(settings)
    table(settings.against)


if __name__ == "__main__":
    main()
