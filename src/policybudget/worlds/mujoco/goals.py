r"""MuJoCo robots whose users each want a speed or a direction of their own, as meta-reinforcement learning has them.

Per step agent i is paid, with velocity v in m/s, action a and contact forces f,

=========================== =============================================================== ==========================
half-cheetah-goal-velocity  :math:`-|v^i - v| - 0.05 \|a\|^2`                               :math:`v^i \sim U[0, 3)`
ant-direction               :math:`v \cdot d^i - 0.5 \|a\|^2 - 5 \cdot 10^{-4} \|f\|^2 + 1` :math:`d^i` on the circle
humanoid-direction          :math:`1.25\, v \cdot d^i - 0.1 \|a\|^2 - c(f) + 5`             :math:`d^i` on the circle
=========================== =============================================================== ==========================

with f of the ant clipped to [-1, 1], :math:`c(f) = \min(10, 5 \cdot 10^{-7} \|f\|^2)`, and
:math:`d^i = (\cos \theta^i, \sin \theta^i), \theta^i \sim U[0, 2\pi)`. Episodes have 200 steps; the cheetah's never end
before, the others' do with a fall. Rewards, draws and steps are those of PEARL (Rakelly et al. 2019: Cheetah-Vel,
Ant-Dir over the full circle, Humanoid-Direc-2D), the first after MAML (Finn, Abbeel & Levine 2017, speeds to 2 m/s),
the second also VariBAD's AntDir2D (Zintgraf et al. 2020).

The policy committees of PACMAN (ICML 2025) are measured in a HalfCheetah-Velocity whose reward, horizon and range of
speeds the talk does not give; that it is the first form above is an assumption.

Departures: physics, observations and falls are Gymnasium's v5 tasks step by step, so observations are 17 numbers
(theirs add the cheetah's place, 20), 27 and 348 (theirs 376, the rest constant zeros), and the bonus for being up is
not paid for the step that falls. Humanoids act within their model's bounds of 0.4, to which a policy's [-1, 1] is
stretched, as in PEARL.

A direction is linear: m = 3 features (velocities along x and y, bonus less costs) with weights
:math:`(w d^i_x, w d^i_y, 1)`, w = 1 or 1.25, however many agents there are. A distance to a speed is not: m = n.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from policybudget.errors import check_choice
from policybudget.population import Experience, FeatureMap, Population, Rewards
from policybudget.users import read_tasks
from policybudget.worlds.gym.world import GymnasiumWorld, world_from
from policybudget.worlds.mujoco.physics import import_mujoco
from policybudget.worlds.mujoco.task import MujocoTask
from policybudget.worlds.mujoco.tasks import ant, half_cheetah, humanoid

STEPS = 200
FASTEST = 3.0
"""Upper end of the goal velocities, in m/s."""
SPEED = "half-cheetah-goal-velocity"
FORWARD, SURVIVAL = (
    {"ant-direction": 1.0, "humanoid-direction": 1.25},
    {"ant-direction": 1.0, "humanoid-direction": 5.0},
)
"""w, reward per m/s along the wanted direction, and reward per step of being up."""
GOALS = {SPEED: "speed", **dict.fromkeys(FORWARD, "direction")}
"""The worlds, and the column of a user's goal in a users.csv: speed in m/s, direction in degrees from the x axis."""
POINTS = 2**23
"""Tasks are drawn from so many evenly spaced ones, the even ones for training, the odd ones held out."""


class Distances(FeatureMap):
    r"""What each agent's goal leaves of a velocity: :math:`r^i = -|v^i - v| + c`, from the outcome (v, c).

    Attributes:
        goals: (n) in m/s.
    """

    goals: Float[Array, " n"]

    def __call__(self, transition: Experience) -> Float[Array, "*batch n"]:
        """Reward of every agent, from the velocity and the cost that all share."""
        velocity, shared = transition.outcome[..., :1], transition.outcome[..., 1:]
        return shared - jnp.abs(self.goals - velocity)


def goal_world(name: str, threads: int = 2) -> GymnasiumWorld:
    """Copies of a robot on MuJoCo's own threads.

    The outcome is (x velocity, - control cost) for the cheetah, (x velocity, y velocity, bonus less costs) else.

    Args:
        name: one of ``GOALS``.
        threads: of the physics.

    Returns:
        The world.

    Raises:
        PolicyBudgetError: MuJoCo is not installed, or there is no such world.
    """
    _check(name)
    import_mujoco()
    axes = ("x_velocity",) if name == SPEED else ("x_velocity", "y_velocity")
    return world_from(partial(_copies, name, threads), name, partial(_outcome, axes), len(axes) + 1)


def goal_task(name: str) -> MujocoTask:
    """The MuJoCo task of a world; its own reward is the part that does not depend on velocity.

    Args:
        name: one of ``GOALS``.

    Returns:
        The task, with episodes of 200 steps.

    Raises:
        PolicyBudgetError: there is no such world.
    """
    _check(name)
    if name == SPEED:
        return half_cheetah(forward_reward_weight=0.0, control_cost_weight=0.05, time_limit=STEPS)
    if name == "ant-direction":
        return ant(forward_reward_weight=0.0, observe_contact_forces=False, planar=True, time_limit=STEPS)
    return humanoid(forward_reward_weight=0.0, planar=True, time_limit=STEPS)


def goal_population(name: str, agents: int, population_seed: int, held_out: bool = False) -> Population:
    """n agents with goals drawn uniformly.

    Training and held-out goals come from independent streams of the seed and have none in common, whatever their
    numbers and seeds (``POINTS``); neither draw depends on the size of the other.

    Args:
        name: one of ``GOALS``.
        agents: n.
        population_seed: decides the draw.
        held_out: whether to draw the goals for testing instead of those for training.

    Returns:
        The agents.

    Raises:
        PolicyBudgetError: there is no such world.
    """
    _check(name)
    points = np.random.default_rng([population_seed, 0x60A1, held_out]).integers(POINTS // 2, size=agents)
    shares = (2 * points + held_out) / POINTS
    return _speeds(FASTEST * shares) if name == SPEED else _directions(name, 360.0 * shares)


def population_of(name: str, path: Path) -> Population:
    """Agents with goals from a users.csv: column ``speed`` (m/s) or ``direction`` (degrees, counter-clockwise from x).

    Args:
        name: one of ``GOALS``.
        path: of the file; it may have columns ``name``, ``weight`` and ``outside``, too.

    Returns:
        The agents.

    Raises:
        PolicyBudgetError: there is no such world, or the file is missing or wrong.
    """
    _check(name)
    goals, names, details = read_tasks(path, GOALS[name])
    goals = goals.astype(np.float64)
    return _speeds(goals, names, **details) if name == SPEED else _directions(name, goals, names, **details)


def goals_table(name: str, population: Population) -> str:
    """The CSV that :func:`population_of` reads these agents from.

    Args:
        name: one of ``GOALS``.
        population: agents of that world.

    Returns:
        The text, with columns ``name`` and ``speed`` or ``direction``.

    Raises:
        PolicyBudgetError: there is no such world.
    """
    _check(name)
    assert population.parameters is not None
    wanted = population.parameters.astype(np.float64)
    goals = wanted[:, 0] if name == SPEED else np.rad2deg(np.arctan2(wanted[:, 1], wanted[:, 0])) % 360
    rows = [f"{who},{goal:.9g}\n" for who, goal in zip(population.names, goals, strict=True)]
    return "".join([f"name,{GOALS[name]}\n", *rows])


def _speeds(speeds: np.ndarray, names: list[str] | None = None, **details: Any) -> Population:
    """Agents who want speeds (n). Unit of their returns: what standing still costs, mean over U[0, 3)."""
    given = names or [f"{speed:.4f} m/s #{i}" for i, speed in enumerate(speeds)]
    goals = speeds.astype(np.float32)
    return Population(
        tuple(given),
        Rewards(Distances(jnp.asarray(goals)), None),
        len(goals),
        parameters=goals[:, None],
        parameter_names=("goal velocity (m/s)",),
        return_scale=STEPS * FASTEST / 2,
        highest_return=0.0,
        **details,
    )


def _directions(name: str, degrees: np.ndarray, names: list[str] | None = None, **details: Any) -> Population:
    """Agents who want directions (n). Unit of their returns: being up, and 1 m/s their way, without cost.

    Parameters are cosine and sine, so that 0 and 360 degrees are no distance apart.
    """
    given = names or [f"{angle:.3f} degrees #{i}" for i, angle in enumerate(degrees)]
    angles = np.deg2rad(degrees)
    ways = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    return Population.from_weights(
        np.concatenate((FORWARD[name] * ways, np.ones((len(ways), 1))), axis=1),
        given,
        parameters=ways.astype(np.float32),
        parameter_names=("cosine of direction", "sine of direction"),
        return_scale=STEPS * (SURVIVAL[name] + FORWARD[name]),
        **details,
    )


def _check(name: str) -> None:
    check_choice("world", name, GOALS)


def _copies(name: str, threads: int, number: int) -> Any:
    from policybudget.worlds.mujoco.vector import MujocoVectorEnv

    return MujocoVectorEnv(goal_task(name), number, autoreset_mode="SameStep", num_threads=threads)


def _outcome(axes: tuple[str, ...], rewards: np.ndarray, info: dict[str, Any]) -> np.ndarray:
    """Velocities, and what a task pays that pays nothing for velocity."""
    return np.stack([*(info[axis] for axis in axes), rewards], axis=1)
