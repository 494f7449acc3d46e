"""Seconds of training until the greedy policies first reach a welfare in Resource Gathering, for both presets.

Prints one JSON object. The clock runs for training only: not for compilation, and not for the greedy
evaluations in between. Runs of the two presets alternate, seed by seed, so that both share the machine's moods.
A run that never arrives counts with all its time and is named.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from typing import Any

TARGETS = {3: 85.0, 10: 90.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", type=int, nargs="+", default=[3, 10], choices=sorted(TARGETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--every", type=int, default=8, help="iterations between two evaluations")
    parser.add_argument("--transitions", type=int, default=1_000_000)
    settings = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    results = {}
    for budget in settings.budgets:
        runs: dict[str, list[dict[str, Any]]] = {"default": [], "paper": []}
        for seed in range(settings.seeds):
            for preset, done in runs.items():
                done.append(seconds_until(preset, budget, seed, settings))
        medians = {preset: statistics.median(run["seconds"] for run in done) for preset, done in runs.items()}
        results[f"k={budget}"] = {
            "target": TARGETS[budget],
            "median_seconds": medians,
            "default_to_paper": round(medians["default"] / medians["paper"], 3),
            "runs": runs,
        }
    print(json.dumps(results, indent=1))


class TargetReached(Exception):  # noqa: N818 - not an error
    """The target was reached; training may stop."""


def seconds_until(preset: str, budget: int, seed: int, settings: argparse.Namespace) -> dict[str, Any]:
    """One training, stopped when it reaches the target."""
    import jax

    import policybudget as pb
    from policybudget import welfare
    from policybudget.cli.session import use_compilation_cache
    from policybudget.learning.sampling import play
    from policybudget.training.configuration import preset as configuration_of

    use_compilation_cache()
    configuration = configuration_of(preset, "resource-gathering", "em")
    problem = pb.make_problem("resource-gathering", budget)
    clock = {"first": 0.0, "outside": 0.0, "seconds": 0.0, "welfare": 0.0}

    def watch(event: Any) -> None:
        if event.iteration == 1:
            clock["first"] = event.seconds
        clock["seconds"] = event.seconds - clock["first"] - clock["outside"]
        if event.iteration % settings.every:
            return
        began = time.perf_counter()
        state, rewards = event.snapshot.state, problem.population.rewards
        played = play(problem.world, rewards.features, state.committee, jax.random.key(seed), 1, True)
        returns = rewards.agents(played.returns.mean(axis=1))
        clock["welfare"] = float(welfare.Utilitarian()(welfare.utilities(state.assignment.assignment, returns)))
        clock["outside"] += time.perf_counter() - began
        if clock["welfare"] >= TARGETS[budget]:
            raise TargetReached

    reached = False
    try:
        pb.train(
            problem,
            configuration.rule,
            ppo=configuration.ppo,
            transitions=settings.transitions,
            seed=seed,
            listeners=[watch],
        )
    except TargetReached:
        reached = True
    return {
        "seed": seed,
        "seconds": round(clock["seconds"], 2),
        "reached": reached,
        "welfare": round(clock["welfare"], 2),
    }


if __name__ == "__main__":
    main()
