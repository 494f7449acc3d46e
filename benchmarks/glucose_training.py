"""Training in the world of glucose against training in a world that costs nothing: same learner, sizes and agents.

The other world has observations of the same size and pays nothing; agents have dynamics of their own there too.
Both take turns, iteration by iteration. Prints one JSON object: iterations per second of either, and their ratio.
Nothing else may run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from policybudget.problem import RepresentedMDP
from policybudget.training.configuration import preset
from policybudget.training.state import begin, make_task
from policybudget.training.step import Stepper
from policybudget.worlds.glucose.world import GlucoseWorld
from policybudget.worlds.interface import Transition


class Free(GlucoseWorld):
    """A world that costs next to nothing: its state is a clock."""

    def reset(self, key: Any, task: Any = None) -> Any:
        return jnp.zeros((), jnp.int32), jnp.zeros(self.observation_size)

    def step(self, state: Any, action: Any, key: Any, task: Any = None) -> Transition:
        time = state + 1
        seen = jnp.full(self.observation_size, action.sum())
        never = jnp.asarray(False)
        return Transition(time, seen, jnp.zeros(self.outcome_size), never, time >= self.time_limit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=60)
    settings = parser.parse_args()
    configuration = replace(preset("default", "glucose"), budget=settings.budget)
    training = configuration.training()
    seconds: dict[str, list[float]] = {"glucose": [], "free": []}
    runs = {name: ready(training, world) for name, world in (("glucose", GlucoseWorld()), ("free", Free()))}
    for number in range(settings.iterations + 3):
        for name, (step, state) in runs.items():
            before = time.perf_counter()
            state, _, _ = step(state)
            jax.block_until_ready(state)
            if number >= 3:  # compiled
                seconds[name].append(time.perf_counter() - before)
            runs[name] = (step, state)
    rates = {name: 1 / statistics.median(each) for name, each in seconds.items()}
    learner = configuration.learner
    transitions = learner.copies * learner.steps * settings.budget
    found = {f"{name}_transitions_per_second": round(rate * transitions) for name, rate in rates.items()}
    print(
        json.dumps({"budget": settings.budget, **found, "ratio": round(rates["glucose"] / rates["free"], 3)}, indent=2)
    )


def ready(training: Any, world: GlucoseWorld) -> tuple[Stepper, Any]:
    """A stepper with its first state."""
    problem: RepresentedMDP = replace(training.problem, world=world)
    task = make_task(problem, training.phases[0], training.method.mixing, False)
    step, key = Stepper(task), jax.random.key(0)
    first = jnp.ones((task.budget, task.agents)) / task.budget
    return step, begin(task, first, step.start(key, first), 0, key)


if __name__ == "__main__":
    main()
