"""Figure 3 of Ivanov & Ben-Porat 2024, HalfCheetah: 100 users with target velocities of their own, 2 M transitions
per policy.

``python experiments/half_cheetah/run.py`` trains what is not yet in ``results.csv`` beside this file, a core
per run, and prints the table; ``--table`` only prints. Welfare is that of greedy policies on fresh episodes,
mean over the users. The ceiling is that of the seed's own draw of targets, if k constant speeds could be held
perfectly from the first step.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from runner import Run, main

AUTHORS = {5: "authors' code: 20.3 (training returns, one seed)"}


def runs(chosen: Namespace) -> Iterator[Run]:
    """Every run of the figure."""
    for budget in chosen.budgets:
        for seed in chosen.seeds:
            for algorithm in chosen.algorithms:
                for preset in chosen.presets:
                    world = "half-cheetah-velocity"
                    yield Run(world, 100, preset, algorithm, budget, 2_000_000, seed, chosen.variant)


@cache
def ceiling_of(agents: int, seed: int, budget: int) -> float:
    """Of the seed's own draw."""
    from policybudget.exact.intervals import velocity_ceiling
    from policybudget.worlds.mujoco.velocity import BOUNDS, velocity_population

    targets = velocity_population("half-cheetah", agents, seed).parameters
    assert targets is not None
    return velocity_ceiling(targets[:, 0], BOUNDS["half-cheetah"] / 20, budget)


def reference(run: Run) -> str:
    """The ceiling of the draw, and what is known of the authors' code."""
    return f"seed {run.seed}: {ceiling_of(run.agents, run.seed, run.budget):.1f}"


if __name__ == "__main__":
    defaults: dict[str, list[int]] = {"budgets": [5], "seeds": [0, 1]}
    main(Path(__file__).with_name("results.csv"), str(__doc__), runs, reference, "ceiling", defaults)  # type: ignore[arg-type]
    for budget, note in AUTHORS.items():
        print(f"k = {budget}: {note}")
