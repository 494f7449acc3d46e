"""Five MuJoCo tasks, with the defaults of Gymnasium's v5 ones (gymnasium/envs/mujoco, 1.4.0).

What each takes as its place x differs, and is matched exactly: half-cheetah, hopper and walker2d
take ``qpos[0]``; ant takes the ``xpos`` of its torso, which ``mj_step`` leaves at the last
Runge-Kutta stage of the last substep. That is neither the new ``qpos`` nor the one a substep ago;
the velocity differs from that of ``qpos`` by up to 0.07 m/s (500 random steps). humanoid takes the
centre of mass of its bodies, at that same stage.

``velocity_task`` gives the form that target-velocity agents are trained on (Ivanov & Ben-Porat
2024, and their code): control and contact cost 0; for ant 27 observations and healthy z in
(0.4, 1); episodes of 1000 steps, or until a fall (half-cheetah cannot fall). The form
that meta-reinforcement learning trains on is in ``goals.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from policybudget.errors import WorldError
from policybudget.worlds.mujoco.task import HealthyRange, MujocoTask, PositionsAndVelocities


def half_cheetah(
    *,
    forward_reward_weight: float = 1.0,
    control_cost_weight: float = 0.1,
    reset_noise: float = 0.1,
    observe_x: bool = False,
    time_limit: int | None = 1000,
) -> MujocoTask:
    """HalfCheetah-v5: 17 observations (18 with x), 6 actions; never terminates.

    Args:
        forward_reward_weight: reward per m/s.
        control_cost_weight: cost per unit of the sum of squared actions.
        reset_noise: size of the noise of a start.
        observe_x: whether the place is observed.
        time_limit: steps after which an episode is truncated; None: never.

    Returns:
        The task.
    """
    return MujocoTask(
        name="half-cheetah",
        model="gymnasium:half_cheetah.xml",
        frame_skip=5,
        observe=PositionsAndVelocities(skip=0 if observe_x else 1),
        forward_reward_weight=forward_reward_weight,
        control_cost_weight=control_cost_weight,
        position_noise=reset_noise,
        velocity_noise=reset_noise,
        time_limit=time_limit,
    )


def ant(
    *,
    forward_reward_weight: float = 1.0,
    control_cost_weight: float = 0.5,
    contact_cost_weight: float = 5e-4,
    healthy_reward: float = 1.0,
    main_body: int | str = 1,
    terminate_when_unhealthy: bool = True,
    healthy_z: tuple[float, float] = (0.2, 1.0),
    contact_force_range: tuple[float, float] = (-1.0, 1.0),
    reset_noise: float = 0.1,
    observe_xy: bool = False,
    observe_contact_forces: bool = True,
    planar: bool = False,
    time_limit: int | None = 1000,
) -> MujocoTask:
    """Ant-v5: 105 observations (27 without contact forces; 2 more with x, y), 8 actions.

    Args:
        forward_reward_weight: reward per m/s.
        control_cost_weight: cost per unit of the sum of squared actions.
        contact_cost_weight: cost per unit of the sum of squared contact forces, clipped.
        healthy_reward: reward per step of being up.
        main_body: the body whose place is measured.
        terminate_when_unhealthy: whether a fall ends the episode.
        healthy_z: heights of a body that is up, in m.
        contact_force_range: bounds that contact forces are clipped to.
        reset_noise: size of the noise of a start.
        observe_xy: whether the place is observed.
        observe_contact_forces: whether the contact forces are observed.
        planar: whether ``y_velocity`` is reported, too; Gymnasium always reports it.
        time_limit: steps after which an episode is truncated; None: never.

    Returns:
        The task.
    """
    return MujocoTask(
        name="ant",
        model="gymnasium:ant.xml",
        frame_skip=5,
        observe=PositionsAndVelocities(skip=0 if observe_xy else 2),
        healthy=HealthyRange(z_index=2, z=healthy_z, inclusive=True),
        terminate_when_unhealthy=terminate_when_unhealthy,
        main_body=main_body,
        planar=planar,
        forward_reward_weight=forward_reward_weight,
        healthy_reward=healthy_reward,
        control_cost_weight=control_cost_weight,
        contact_cost_weight=contact_cost_weight,
        contact_force_range=contact_force_range,
        observe_contact_forces=observe_contact_forces,
        position_noise=reset_noise,
        velocity_noise=reset_noise,
        time_limit=time_limit,
    )


def hopper(
    *,
    forward_reward_weight: float = 1.0,
    control_cost_weight: float = 1e-3,
    healthy_reward: float = 1.0,
    terminate_when_unhealthy: bool = True,
    healthy_state: tuple[float, float] = (-100.0, 100.0),
    healthy_z: tuple[float, float] = (0.7, np.inf),
    healthy_angle: tuple[float, float] = (-0.2, 0.2),
    reset_noise: float = 5e-3,
    observe_x: bool = False,
    time_limit: int | None = 1000,
) -> MujocoTask:
    """Hopper-v5: 11 observations (12 with x), 3 actions; ends with a fall.

    Args:
        forward_reward_weight: reward per m/s.
        control_cost_weight: cost per unit of the sum of squared actions.
        healthy_reward: reward per step of being up.
        terminate_when_unhealthy: whether a fall ends the episode.
        healthy_state: bounds on all other positions and velocities of a body that is up.
        healthy_z: heights of a body that is up, in m.
        healthy_angle: pitches of a body that is up, in rad.
        reset_noise: size of the noise of a start.
        observe_x: whether the place is observed.
        time_limit: steps after which an episode is truncated; None: never.

    Returns:
        The task.
    """
    return MujocoTask(
        name="hopper",
        model="gymnasium:hopper.xml",
        frame_skip=4,
        observe=PositionsAndVelocities(skip=0 if observe_x else 1, velocity_limit=10.0),
        healthy=HealthyRange(z_index=1, z=healthy_z, angle_index=2, angle=healthy_angle, state=healthy_state),
        forward_reward_weight=forward_reward_weight,
        control_cost_weight=control_cost_weight,
        healthy_reward=healthy_reward,
        terminate_when_unhealthy=terminate_when_unhealthy,
        position_noise=reset_noise,
        velocity_noise=reset_noise,
        velocity_noise_law="uniform",
        time_limit=time_limit,
    )


def walker2d(
    *,
    forward_reward_weight: float = 1.0,
    control_cost_weight: float = 1e-3,
    healthy_reward: float = 1.0,
    terminate_when_unhealthy: bool = True,
    healthy_z: tuple[float, float] = (0.8, 2.0),
    healthy_angle: tuple[float, float] = (-1.0, 1.0),
    reset_noise: float = 5e-3,
    observe_x: bool = False,
    time_limit: int | None = 1000,
) -> MujocoTask:
    """Walker2d-v5: 17 observations (18 with x), 6 actions; ends with a fall.

    Args:
        forward_reward_weight: reward per m/s.
        control_cost_weight: cost per unit of the sum of squared actions.
        healthy_reward: reward per step of being up.
        terminate_when_unhealthy: whether a fall ends the episode.
        healthy_z: heights of a body that is up, in m.
        healthy_angle: pitches of a body that is up, in rad.
        reset_noise: size of the noise of a start.
        observe_x: whether the place is observed.
        time_limit: steps after which an episode is truncated; None: never.

    Returns:
        The task.
    """
    return MujocoTask(
        name="walker2d",
        model="gymnasium:walker2d_v5.xml",
        frame_skip=4,
        observe=PositionsAndVelocities(skip=0 if observe_x else 1, velocity_limit=10.0),
        healthy=HealthyRange(z_index=1, z=healthy_z, angle_index=2, angle=healthy_angle),
        forward_reward_weight=forward_reward_weight,
        control_cost_weight=control_cost_weight,
        healthy_reward=healthy_reward,
        terminate_when_unhealthy=terminate_when_unhealthy,
        position_noise=reset_noise,
        velocity_noise=reset_noise,
        velocity_noise_law="uniform",
        time_limit=time_limit,
    )


def humanoid(
    *,
    forward_reward_weight: float = 1.25,
    control_cost_weight: float = 0.1,
    contact_cost_weight: float = 5e-7,
    contact_cost_limit: float = 10.0,
    healthy_reward: float = 5.0,
    terminate_when_unhealthy: bool = True,
    healthy_z: tuple[float, float] = (1.0, 2.0),
    reset_noise: float = 1e-2,
    observe_xy: bool = False,
    planar: bool = False,
    time_limit: int | None = 1000,
) -> MujocoTask:
    """Humanoid-v5: 348 observations (2 more with x, y), 17 actions within 0.4; ends with a fall.

    Args:
        forward_reward_weight: reward per m/s.
        control_cost_weight: cost per unit of the sum of squared actions.
        contact_cost_weight: cost per unit of the sum of squared contact forces, clipped.
        contact_cost_limit: the most that contacts cost in a step.
        healthy_reward: reward per step of being up.
        terminate_when_unhealthy: whether a fall ends the episode.
        healthy_z: heights of a body that is up, in m.
        reset_noise: size of the noise of a start.
        observe_xy: whether the place is observed.
        planar: whether ``y_velocity`` is reported, too; Gymnasium always reports it.
        time_limit: steps after which an episode is truncated; None: never.

    Returns:
        The task.
    """
    return MujocoTask(
        name="humanoid",
        model="gymnasium:humanoid.xml",
        frame_skip=5,
        observe=PositionsAndVelocities(skip=0 if observe_xy else 2),
        healthy=HealthyRange(z_index=2, z=healthy_z),
        terminate_when_unhealthy=terminate_when_unhealthy,
        by_mass_centre=True,
        planar=planar,
        forward_reward_weight=forward_reward_weight,
        healthy_reward=healthy_reward,
        control_cost_weight=control_cost_weight,
        contact_cost_weight=contact_cost_weight,
        contact_force_range=(-np.inf, np.inf),
        contact_cost_limit=contact_cost_limit,
        observe_fields=(("cinert", 1), ("cvel", 1), ("qfrc_actuator", 6)),
        observe_contact_forces=True,
        position_noise=reset_noise,
        velocity_noise=reset_noise,
        velocity_noise_law="uniform",
        time_limit=time_limit,
    )


TASKS: dict[str, Callable[..., MujocoTask]] = {
    "half-cheetah": half_cheetah,
    "ant": ant,
    "hopper": hopper,
    "walker2d": walker2d,
}
"""The four that target-velocity agents are trained on."""


def velocity_task(name: str) -> MujocoTask:
    """The task in the form that target-velocity agents are trained on.

    Args:
        name: half-cheetah, ant, hopper or walker2d.

    Returns:
        The task.

    Raises:
        WorldError: no task has this name.
    """
    if name not in TASKS:
        raise WorldError(f"there is no MuJoCo task {name!r}; choose one of {', '.join(TASKS)}")
    if name == "ant":
        return ant(
            control_cost_weight=0.0,
            contact_cost_weight=0.0,
            healthy_z=(0.4, 1.0),
            observe_contact_forces=False,
        )
    return TASKS[name](control_cost_weight=0.0)
