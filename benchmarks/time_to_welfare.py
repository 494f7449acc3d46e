"""Seconds of training until the greedy policies first reach a welfare in Resource Gathering, for both presets.

Prints one JSON object. The clock runs for training only: not for compilation, and not for the greedy
evaluations in between. Runs of the two presets alternate, seed by seed, so that both share the machine's moods.
A run that never arrives counts with all its time and is named.

Training that remembers can be stopped at any time: what it has found so far is known without an evaluation (the best k
of the episodes seen, chosen greedily), and policies that repeat it are what is deployed. The clock runs for the choice
after every iteration, and for learning the policies when it is stopped.
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
    parser.add_argument("--every", type=int, default=8, help="iterations between two evaluations of the paper preset")
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
    """One training, stopped when it reaches the target; proposals of the search count as soon as they are good."""
    import jax
    import jax.numpy as jnp

    import policybudget as pb
    from policybudget import welfare
    from policybudget.rollouts.sampler import play
    from policybudget.runtime import use_compilation_cache
    from policybudget.selection.choice import choose
    from policybudget.training.method import preset as method_of
    from policybudget.training.train import Training

    use_compilation_cache()
    problem, method = pb.make_problem("resource-gathering", budget), method_of(preset, "resource-gathering")
    rewards, objective, search = problem.population.rewards, problem.objective, method.search
    clock = {"outside": 0.0, "seconds": 0.0, "welfare": 0.0}

    def proposed(snapshot: Any) -> Any:
        found = search.proposals(
            problem, method.learner, snapshot.state.normaliser, snapshot.memory, jax.random.key(seed)
        )
        return jax.block_until_ready(found)

    def found(memory: Any) -> float:
        chosen = choose(objective, memory.returns, budget, "greedy")
        return float(memory.returns[chosen].max(axis=0).mean())

    def watch(event: Any) -> None:
        now, snapshot = time.perf_counter(), event.snapshot
        clock["seconds"] = event.seconds - clock["outside"]
        policies, assignment = snapshot.state.policies, snapshot.state.assignment.assignment
        if search.keeps_episodes:
            if len(snapshot.memory.returns) < budget or found(snapshot.memory) < TARGETS[budget]:
                return
            best = proposed(snapshot)[0]
            policies, assignment = type(policies)(best.actor, policies.normaliser), best.assignment
        elif event.iteration % settings.every:
            return
        began = time.perf_counter()
        clock["seconds"] += began - now if search.keeps_episodes else 0.0
        played = play(problem.world, rewards.features, policies, jax.random.key(seed), 1, True)
        returns = rewards.agents(played.returns.mean(axis=1))
        clock["welfare"] = float(welfare.Utilitarian()(welfare.utilities(jnp.asarray(assignment), returns)))
        clock["outside"] += time.perf_counter() - began
        if clock["welfare"] >= TARGETS[budget]:
            raise TargetReached

    def compile_all(event: Any) -> None:
        if search.keeps_episodes and not len(event.snapshot.memory.returns):
            return
        proposed(event.snapshot)
        raise TargetReached

    def trained(listener: Any) -> bool:
        try:
            Training(problem, method, settings.transitions, seed).run([listener])
        except TargetReached:
            return True
        return False

    trained(compile_all)
    reached = trained(watch)
    return {
        "seed": seed,
        "seconds": round(clock["seconds"], 2),
        "reached": reached,
        "welfare": round(clock["welfare"], 2),
    }


if __name__ == "__main__":
    main()
