"""MuJoCo robots whose users each want a speed of their own (Ivanov & Ben-Porat 2024, Section 4).

``n`` target velocities drawn from U[0, b]; per step agent i is paid :math:`1 - \\min(1, 20\\,|v^i - v| / b)`, scaled
so that a perfect episode of 1000 steps gives 100. The outcome is the velocity v in m/s; nothing else is rewarded,
control is free.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from policybudget.population import Population
from policybudget.users import read_tasks
from policybudget.worlds.gym.world import GymnasiumWorld, world_from
from policybudget.worlds.mujoco.physics import import_mujoco

BOUNDS = {"half-cheetah": 4.0, "ant": 3.0, "hopper": 2.5, "walker2d": 2.5}
"""b, in m/s."""
NAMES = {f"{task}-velocity": task for task in BOUNDS}
"""The worlds, and the robot in each."""
HALF_WIDTHS = {task: bound / 20 for task, bound in BOUNDS.items()}
"""How far from its target an agent is paid nothing, in m/s."""
PARAMETER = "target velocity (m/s)"
COLUMN = "speed"
"""Of a user's target velocity in a users.csv."""

STEPS = 1000


def velocity_world(task: str, threads: int = 2) -> GymnasiumWorld:
    """Copies of a robot on MuJoCo's own threads.

    Args:
        task: half-cheetah, ant, hopper or walker2d.
        threads: of the physics.

    Returns:
        The world; its outcome is the velocity in m/s.

    Raises:
        PolicyBudgetError: MuJoCo is not installed.
    """
    import_mujoco()
    return world_from(partial(_copies, task, threads), f"{task}-velocity", outcome=_velocity, outcome_size=1)


def velocity_population(task: str, agents: int, population_seed: int) -> Population:
    """n agents with target velocities drawn from U[0, b].

    Args:
        task: half-cheetah, ant, hopper or walker2d.
        agents: n.
        population_seed: decides the draw.

    Returns:
        The agents.
    """
    return _wanting(task, np.random.default_rng([population_seed, 0x7E10]).uniform(0.0, BOUNDS[task], agents))


def velocity_population_of(task: str, path: Path) -> Population:
    """Agents with target velocities from a users.csv: column ``speed``, in m/s.

    Args:
        task: half-cheetah, ant, hopper or walker2d.
        path: of the file; it may have columns ``name``, ``weight`` and ``outside``, too.

    Returns:
        The agents.

    Raises:
        PolicyBudgetError: the file is missing or wrong.
    """
    targets, names, details = read_tasks(path, COLUMN)
    return _wanting(task, targets.astype(np.float64), names, **details)


def _wanting(task: str, targets: np.ndarray, names: list[str] | None = None, **details: Any) -> Population:
    """Agents who want speeds (n), in m/s."""
    return Population.from_targets(
        targets,
        half_width=HALF_WIDTHS[task],
        scale=100.0 / STEPS,
        names=names or [f"{target:.4f} m/s #{i}" for i, target in enumerate(targets)],
        parameter_names=(PARAMETER,),
        return_scale=100.0,
        **details,
    )


def _copies(task: str, threads: int, number: int) -> Any:
    from policybudget.worlds.mujoco.tasks import velocity_task
    from policybudget.worlds.mujoco.vector import MujocoVectorEnv

    return MujocoVectorEnv(velocity_task(task), number, autoreset_mode="SameStep", num_threads=threads)


def _velocity(rewards: np.ndarray, info: dict[str, Any]) -> np.ndarray:
    velocity: np.ndarray = info["x_velocity"]
    return velocity[:, None]
