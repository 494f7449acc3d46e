"""Throughput of training, as ratios in one run: against the matrix-product rate of the same cores, and against the physics.

Prints one JSON object. Rates are transitions per second over all policies; the update counts 6 operations per weight and
row (forward, and backward for weights and inputs) in every epoch; nothing else is counted as work.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="resource-gathering")
    parser.add_argument("--agents", type=int, default=None)
    parser.add_argument("--budget", type=int, default=5)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--algorithm", default="em")
    parser.add_argument("--cores", type=int, default=2, choices=(1, 2))
    parser.add_argument("--repeats", type=int, default=7, help="timed rounds; medians are printed")
    settings = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: settings.cores]
    os.sched_setaffinity(0, cores)  # before JAX counts them
    print(json.dumps(measure(settings), indent=2))


def measure(settings: argparse.Namespace) -> dict[str, Any]:
    """All rates, the parts interleaved round by round so that they share the machine's moods."""
    from dataclasses import replace

    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from policybudget.learning import rollout
    from policybudget.training.configuration import preset
    from policybudget.training.state import learn
    from policybudget.training.train import make_task, start

    configuration = preset(settings.preset, settings.world, settings.algorithm)
    configuration = replace(configuration, agents=settings.agents, budget=settings.budget)
    ppo = replace(configuration.ppo, kl_limit=0.0)  # every epoch is run, and counted
    task = make_task(configuration.problem(), configuration.rule, ppo, iterations=1000)
    state = start(task, jax.random.key(0))

    def sample(task: Any, state: Any) -> Any:
        return rollout.rollout(task.world, state.committee, state.ongoing, state.key, ppo.steps)

    began = time.perf_counter()
    sampler = eqx.filter_jit(sample).lower(task, state).compile()
    ongoing, batch = sampler(task, state)
    learner = eqx.filter_jit(learn).lower(task, state, ongoing, batch).compile()
    jax.block_until_ready(learner(task, state, ongoing, batch))
    compile_s = time.perf_counter() - began
    side = 2048
    matrix = jnp.ones((side, side), jnp.float32)
    product = jax.jit(lambda x: x @ x)
    parts: dict[str, Callable[[], Any]] = {
        "rollout": lambda: sampler(task, state),
        "update": lambda: learner(task, state, ongoing, batch),
        "matmul": lambda: product(matrix),
    }
    seconds = interleave(parts, settings.repeats)
    transitions = ppo.batch * settings.budget
    weights = state.learned.actor.network.multiplications + state.learned.critic.multiplications
    return {
        "world": settings.world,
        "agents": task.agents,
        "budget": settings.budget,
        "preset": settings.preset,
        "cores": settings.cores,
        "update_per_s": round(transitions / seconds["update"]),
        "rollout_per_s": round(transitions / seconds["rollout"]),
        "total_per_s": round(transitions / (seconds["update"] + seconds["rollout"])),
        "rollout_to_update": round(seconds["rollout"] / seconds["update"], 4),
        "update_gflops": round(6 * weights * transitions * ppo.epochs / seconds["update"] / 1e9, 2),
        "matmul_gflops": round(2 * side**3 / seconds["matmul"] / 1e9, 2),
        "update_to_matmul": round(
            3 * weights * transitions * ppo.epochs / side**3 * seconds["matmul"] / seconds["update"], 4
        ),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "compile_s": round(compile_s, 2),
    }


def interleave(parts: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each part."""
    import jax

    samples: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(repeats):
        for name, part in parts.items():
            began = time.perf_counter()
            jax.block_until_ready(part())
            samples[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in samples.items()}


if __name__ == "__main__":
    main()
