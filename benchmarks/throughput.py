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

    from policybudget.assignment.rule import Known
    from policybudget.learning import rollout
    from policybudget.training import iteration
    from policybudget.training.configuration import preset
    from policybudget.training.state import begin, make_task
    from policybudget.training.step import stepper
    from policybudget.worlds.interface import HostWorld

    configuration = preset(settings.preset, settings.world, settings.algorithm)
    problem = make_problem(settings)
    ppo = replace(configuration.ppo, kl_limit=0.0)  # every epoch is run, and counted
    ppo = replace(ppo, critic=settings.critic) if settings.critic else ppo
    task = make_task(problem, configuration.rule, ppo, settings.budget, iterations=1000)
    worlds = stepper(task)
    first = task.rule.start(Known(task.rewards, task.budget, task.agents), jax.random.key(0))
    state = begin(task, first, worlds.start(jax.random.key(1)), jax.random.key(2))
    parts: dict[str, Callable[[], Any]] = {}
    began = time.perf_counter()
    if isinstance(task.world, HostWorld):
        sampler = worlds.sampler  # type: ignore[attr-defined]
        parts["rollout"] = lambda: sampler.rollout(state.policies, state.ongoing, state.key, ppo.steps)
        if hasattr(sampler.copies.env, "_physics"):
            stood = sampler.copies.state()
            ongoing, batch = parts["rollout"]()
            parts["physics"] = physics_alone(sampler.copies, stood, batch.action)
    else:
        compiled = eqx.filter_jit(lambda s: rollout.rollout(task.world, s.policies, s.ongoing, s.key, ppo.steps))
        parts["rollout"] = lambda: compiled(state)
    ongoing, batch = parts["rollout"]()
    seen = rollout.Ongoing(None, ongoing.observation) if isinstance(task.world, HostWorld) else ongoing
    bare = eqx.tree_at(lambda s: s.ongoing, state, seen)
    study = eqx.filter_jit(iteration.study)
    parts["update"] = lambda: worlds.learn(bare, seen, study(task, bare, seen.observation, batch))  # type: ignore[attr-defined]
    jax.block_until_ready(parts["update"]())
    compile_s = time.perf_counter() - began
    side = 2048
    matrix, product = jnp.ones((side, side), jnp.float32), jax.jit(lambda x: x @ x)
    parts["matmul"] = lambda: product(matrix)
    parts["total"] = Loop(task, worlds, state, ITERATIONS)
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


ITERATIONS = 3
"""Whole iterations in a round, as training runs them."""


class Loop:
    """Goes on training from round to round."""

    def __init__(self, task: Any, worlds: Any, state: Any, iterations: int) -> None:
        import jax

        self.task, self.worlds, self.iterations = task, worlds, iterations
        self.state = jax.tree.map(lambda x: x.copy() if hasattr(x, "copy") else x, state)
        self.memory = None
        if task.rule.recall:
            from policybudget.learning.memory import Memory

            blank = Memory.start(task.agents, task.world.time_limit)
            self.memory = blank.in_fresh_worlds(task.budget, task.settings.copies)
        self()

    def __call__(self) -> Any:
        from policybudget.learning.memory import remember
        from policybudget.training.step import advance

        for _ in range(self.iterations):
            self.state, _, seen = advance(self.task, self.worlds, self.state, 0)
            if self.memory is not None:
                self.memory = remember(self.memory, seen)
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
    taken = [copies._convert(action) for action in steps]
    return run


def make_problem(settings: argparse.Namespace) -> Any:
    """A world by name; for gym: worlds a linear population of any size over the reward components."""
    import numpy as np

    import policybudget as pb
    from policybudget.worlds.gym.world import world_by_id

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
