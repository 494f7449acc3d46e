"""Throughput of training, as ratios in one run: against the matrix-product rate of the same cores, and against the
physics.

Prints one JSON object. Rates are transitions per second over all policies; the update counts 6 operations per
weight and row (forward, and backward for weights and inputs) in every epoch; nothing else is counted as work.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
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
    parser.add_argument("--critic", default=None, help="features or mixture; the preset's if not given")
    parser.add_argument("--cores", type=int, default=2, choices=(1, 2))
    parser.add_argument("--repeats", type=int, default=7, help="timed rounds; medians are printed")
    parser.add_argument("--serve", action="store_true", help="time a round per line of input (against.py)")
    settings = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: settings.cores]
    os.sched_setaffinity(0, cores)  # before JAX counts them
    found = measure(settings)
    if found is not None:
        print(json.dumps(found, indent=2))


def measure(settings: argparse.Namespace) -> dict[str, Any] | None:
    """All rates, the parts interleaved round by round so that they share the machine's moods."""
    from dataclasses import replace

    import jax
    import jax.numpy as jnp

    from policybudget.training.method import preset
    from policybudget.training.state import begin, make_task
    from policybudget.training.step import Stepper
    from policybudget.training.train import Training

    problem, method = make_problem(settings), preset(settings.preset, settings.world, settings.algorithm)
    ppo = replace(method.learner, kl_limit=0.0)  # every epoch is run, and counted
    ppo = replace(ppo, critic=settings.critic) if settings.critic else ppo
    search = method.search
    training = Training(problem, replace(method, learner=ppo), 1000 * ppo.batch, seed=0)
    phase = replace(training.phases[-1], transitions=1000 * ppo.batch)
    task = make_task(problem, phase, method.mixing, search.keeps_episodes)
    step = Stepper(task)
    first = task.rule.start(known(task, training), jax.random.key(0))
    state = begin(task, first, step.start(jax.random.key(1), first), phase.hold, jax.random.key(2))
    parts: dict[str, Callable[[], Any]] = {}
    began = time.perf_counter()
    sampler = step.sampler
    parts["rollout"] = lambda: sampler.rollout(state.policies, state.ongoing, state.key, ppo.steps)
    copies = getattr(sampler, "copies", None)
    if hasattr(getattr(copies, "env", None), "_physics"):
        stood = copies.state()
        _, batch = parts["rollout"]()
        parts["physics"] = physics_alone(copies, stood, batch.action)
    ongoing, batch = parts["rollout"]()
    parts["update"] = lambda: step.learn(state, ongoing, batch)
    jax.block_until_ready(parts["update"]())
    compile_s = time.perf_counter() - began
    side = 2048
    matrix, product = jnp.ones((side, side), jnp.float32), jax.jit(lambda x: x @ x)
    parts["matmul"] = lambda: product(matrix)
    parts["total"] = Loop(task, step, search, phase, problem, state, ITERATIONS)
    if settings.serve:
        return serve(parts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = interleave(parts, settings.repeats)
    transitions = ppo.batch * settings.budget
    weights = state.learned.actor.network.multiplications + state.learned.critic.multiplications
    work, total = 6 * weights * transitions * ppo.epochs, seconds["total"] / ITERATIONS
    rate = 2 * side**3 / seconds["matmul"]
    result = {
        "world": settings.world,
        "agents": task.agents,
        "budget": settings.budget,
        "preset": settings.preset,
        "critic": ppo.critic,
        "cores": settings.cores,
        "update_per_s": round(transitions / seconds["update"]),
        "rollout_per_s": round(transitions / seconds["rollout"]),
        "total_per_s": round(transitions / total),
        "rollout_to_update": round(seconds["rollout"] / seconds["update"], 4),
        "update_gflops": round(work / seconds["update"] / 1e9, 2),
        "matmul_gflops": round(rate / 1e9, 2),
        "update_to_matmul": round(work / seconds["update"] / rate, 4),
        "peak_mib": round(max(peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)),
        "compile_s": round(compile_s, 2),
    }
    if "physics" in seconds:
        result["physics_per_s"] = round(transitions / seconds["physics"])
        result["total_to_physics"] = round(seconds["physics"] / total, 4)
    return result


def serve(parts: dict[str, Callable[[], Any]]) -> None:
    """The seconds of every part, once per line of input."""
    import jax

    for part in parts.values():
        jax.block_until_ready(part())
    print("ready", flush=True)
    for _ in sys.stdin:
        seconds = {}
        for name, part in parts.items():
            began = time.perf_counter()
            jax.block_until_ready(part())
            seconds[name] = time.perf_counter() - began
        print(json.dumps(seconds), flush=True)


ITERATIONS = 3
"""Whole iterations in a round, as training runs them."""


def known(task: Any, training: Any) -> Any:
    """What the rule may look at."""
    from policybudget.assignment.rule import Known

    return Known(task.rewards, task.budget, task.agents, training.prepared)


class Loop:
    """Goes on training from round to round, search included."""

    def __init__(
        self, task: Any, step: Any, search: Any, phase: Any, problem: Any, state: Any, iterations: int
    ) -> None:
        import jax

        self.task, self.step, self.search, self.iterations, self.count = task, step, search, iterations, 0
        self.state = jax.tree.map(lambda x: x.copy() if hasattr(x, "copy") else x, state)
        _, self.memory = search.begin(phase, None, search.memory(problem), jax.random.key(0))
        self()

    def __call__(self) -> Any:
        from policybudget.training.state import changed
        from policybudget.training.train import standing

        for _ in range(self.iterations):
            self.count += 1
            self.state, _, seen = self.step(self.state)
            if seen is not None:
                self.memory = self.search.remember(self.memory, seen)
            if (change := self.search.change(standing(self.task, self.state, self.count))) is not None:
                self.state = changed(self.state, change)
        return self.state.learned.critic


def physics_alone(copies: Any, stood: Any, actions: Any) -> Callable[[], None]:
    """The simulator's own steps of a rollout, the same copies with the same actions on the same threads.

    No policy, no observation, no reward. Actions matter: those of a policy make more contacts than random ones.
    """
    import numpy as np

    def run() -> None:
        copies.restore(stood)
        for action in taken:
            copies.env._physics.step(action, None)

    steps = np.asarray(actions).reshape(len(actions), copies.number, -1)
    taken = [copies.world.units(action) for action in steps]
    return run


def make_problem(settings: argparse.Namespace) -> Any:
    """A world by name; for gym: worlds a linear population of any size over the reward components."""
    import numpy as np

    import policybudget as pb
    from policybudget.worlds.gym.named import world_by_id

    if not settings.world.startswith("gym:"):
        return pb.make_problem(settings.world, settings.budget, settings.agents)
    world = world_by_id(settings.world.removeprefix("gym:"))
    weights = np.random.default_rng(0).dirichlet(np.ones(world.outcome_size), settings.agents or 100)
    return pb.RepresentedMDP(world, pb.Population.from_weights(weights), settings.budget)


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
