"""What a MuJoCo task is: a frozen dataclass, filled in for the five tasks in ``tasks.py``.

``MujocoVectorEnv`` steps any of them, so a user's own MJCF model fits by filling one in. The reward
per step is that of Gymnasium's v5 tasks (gymnasium/envs/mujoco, 1.4.0)::

    x_velocity = (x(t + dt) - x(t)) / dt,    dt = frame_skip * timestep    [m/s]
    reward = w_forward * x_velocity + w_healthy * healthy
             - w_control * sum(action^2) - min(limit, w_contact * sum(clip(cfrc_ext)^2))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import WorldError

Floats = NDArray[np.float64]
Observe = Callable[[Floats, Floats], NDArray[Any]]
Healthy = Callable[[Floats, Floats], NDArray[np.bool_]]


@dataclass(frozen=True)
class PositionsAndVelocities:
    """Observation ``concat(qpos[skip:], clip(qvel, -limit, limit))``.

    Called with qpos (E, nq) and qvel (E, nv); gives (E, nq - skip + nv).

    Attributes:
        skip: leading positions left out (the place in the world, which no policy should depend on).
        velocity_limit: bound on each observed velocity, in m/s or rad/s.
    """

    skip: int = 1
    velocity_limit: float = np.inf

    def __call__(self, qpos: Floats, qvel: Floats) -> Floats:
        """Observations of these positions and velocities.

        Args:
            qpos: (E, nq) positions.
            qvel: (E, nv) velocities.
        """
        if np.isfinite(self.velocity_limit):
            qvel = np.clip(qvel, -self.velocity_limit, self.velocity_limit)
        return np.concatenate((qpos[:, self.skip :], qvel), axis=1)


@dataclass(frozen=True)
class HealthyRange:
    """Whether the body is up: qpos (E, nq), qvel (E, nv) -> (E,) of bool.

    Attributes:
        z_index: which position is the height.
        z: lowest and highest healthy height, in m.
        angle_index: which position is the pitch, or None where none is checked.
        angle: smallest and largest healthy pitch, in rad.
        state: bounds on every position from the third on and every velocity, or None.
        inclusive: whether the bounds of z are themselves healthy (ant), or not (hopper, walker2d).
    """

    z_index: int
    z: tuple[float, float]
    angle_index: int | None = None
    angle: tuple[float, float] = (-np.inf, np.inf)
    state: tuple[float, float] | None = None
    inclusive: bool = False

    def __call__(self, qpos: Floats, qvel: Floats) -> NDArray[np.bool_]:
        """Whether each of these bodies is up.

        Args:
            qpos: (E, nq) positions.
            qvel: (E, nv) velocities.
        """
        z = qpos[:, self.z_index]
        if self.inclusive:
            healthy: NDArray[np.bool_] = (self.z[0] <= z) & (z <= self.z[1])
        else:
            healthy = (self.z[0] < z) & (z < self.z[1])
        if self.angle_index is not None:
            angle = qpos[:, self.angle_index]
            healthy &= (self.angle[0] < angle) & (angle < self.angle[1])
        if self.state is not None:
            rest = np.concatenate((qpos[:, 2:], qvel), axis=1)
            healthy &= ((self.state[0] < rest) & (rest < self.state[1])).all(axis=1)
        return healthy


@dataclass(frozen=True)
class MujocoTask:
    """A MuJoCo model and what is asked of it. Raises ``WorldError`` where a field makes no sense.

    Attributes:
        name: for messages.
        model: MJCF text (it starts with ``<``), a path to an MJCF file, or ``gymnasium:ant.xml``
            for a file that Gymnasium ships.
        frame_skip: substeps of the physics per environment step.
        observe: qpos (E, nq) and qvel (E, nv), float64, to observations (E, o).
        healthy: qpos and qvel to (E,) of bool; None: always healthy.
        terminate_when_unhealthy: whether the episode ends then.
        main_body: the body whose ``xpos`` gives x and y; None: ``qpos[:2]`` does.
        by_mass_centre: whether the centre of mass of all bodies does instead.
        planar: whether y is measured beside x, and ``y_velocity`` reported beside ``x_velocity``.
        forward_reward_weight: reward per m/s.
        healthy_reward: reward per healthy step.
        control_cost_weight: on the sum of squared actions.
        contact_cost_weight: on the sum of squared external forces on all bodies (``cfrc_ext``),
            clipped. Anything but 0 costs a Python loop over the environments.
        contact_force_range: bounds that the external forces are clipped to.
        contact_cost_limit: the most that contacts cost in a step.
        observe_fields: fields of ``MjData`` that follow the observation, flattened, each with the
            number of its leading rows that are left out.
        observe_contact_forces: whether the clipped ``cfrc_ext`` of all bodies but the world,
            (nbody - 1) * 6 numbers, follow all that. Costs the same loop.
        position_noise: positions start at the model's plus U(-position_noise, position_noise).
        velocity_noise: velocities start at the model's (0) plus velocity_noise * N(0, 1), or plus
            U(-velocity_noise, velocity_noise).
        velocity_noise_law: which of the two.
        time_limit: steps after which an episode is truncated; None: never.
    """

    name: str
    model: str
    frame_skip: int
    observe: Observe
    healthy: Healthy | None = None
    terminate_when_unhealthy: bool = True
    main_body: int | str | None = None
    by_mass_centre: bool = False
    planar: bool = False
    forward_reward_weight: float = 1.0
    healthy_reward: float = 0.0
    control_cost_weight: float = 0.0
    contact_cost_weight: float = 0.0
    contact_force_range: tuple[float, float] = (-1.0, 1.0)
    contact_cost_limit: float = np.inf
    observe_fields: tuple[tuple[str, int], ...] = ()
    observe_contact_forces: bool = False
    position_noise: float = 0.0
    velocity_noise: float = 0.0
    velocity_noise_law: Literal["normal", "uniform"] = "normal"
    time_limit: int | None = 1000

    def __post_init__(self) -> None:
        def expect(holds: bool, field: str, expected: str) -> None:
            if not holds:
                value = getattr(self, field)
                raise WorldError(f"task {self.name}: {field} must be {expected}, got {value!r}")

        expect(self.frame_skip >= 1, "frame_skip", "at least 1")
        expect(self.time_limit is None or self.time_limit >= 1, "time_limit", "at least 1, or None")
        expect(self.main_body is None or not self.by_mass_centre, "main_body", "None with by_mass_centre")
        expect(
            self.velocity_noise_law in ("normal", "uniform"),
            "velocity_noise_law",
            "'normal' or 'uniform'",
        )
        for field in ("position_noise", "velocity_noise"):
            value = getattr(self, field)
            expect(bool(np.isfinite(value)) and value >= 0, field, "finite and not negative")
        for field in (field.name for field in fields(self) if field.name.endswith(("_weight", "_reward"))):
            expect(bool(np.isfinite(getattr(self, field))), field, "finite")

    @property
    def needs_contact_forces(self) -> bool:
        """Whether a step must work out ``cfrc_ext``."""
        return self.observe_contact_forces or self.contact_cost_weight != 0

    def rewards(self, x_velocity: Floats, healthy: NDArray[np.bool_], actions: Floats, forces: Floats) -> Floats:
        """The reward above.

        Args:
            x_velocity: (E,) in m/s.
            healthy: (E,) whether the body is up.
            actions: (E, nu).
            forces: (E, nbody, 6) ``cfrc_ext``; it is read only where contacts cost something.

        Returns:
            (E,) rewards.
        """
        costs = self.control_cost_weight * np.square(actions).sum(axis=1)
        if self.contact_cost_weight != 0:
            squares = np.square(np.clip(forces, *self.contact_force_range))
            costs = costs + np.minimum(self.contact_cost_weight * squares.sum(axis=(1, 2)), self.contact_cost_limit)
        rewards: Floats = self.forward_reward_weight * x_velocity + self.healthy_reward * healthy - costs
        return rewards

    def observations(self, qpos: Floats, qvel: Floats, observed_fields: list[Floats], forces: Floats) -> NDArray[Any]:
        """What policies see.

        Args:
            qpos: (E, nq) positions.
            qvel: (E, nv) velocities.
            observed_fields: ``observe_fields``, each (E, ..).
            forces: (E, nbody, 6) ``cfrc_ext``.

        Returns:
            (E, o) observations.
        """
        observed = self.observe(qpos, qvel)
        if observed_fields:
            observed = np.concatenate((observed, *observed_fields), axis=1)
        if not self.observe_contact_forces:
            return observed
        clipped = np.clip(forces[:, 1:], *self.contact_force_range)
        return np.concatenate((observed, clipped.reshape(len(clipped), -1)), axis=1)

    def perturb(self, qpos: Floats, qvel: Floats, generator: np.random.Generator) -> None:
        """Add the noise of a start in place, drawn in Gymnasium's order.

        Args:
            qpos: (nq,) positions.
            qvel: (nv,) velocities.
            generator: to draw from.
        """
        qpos += generator.uniform(-self.position_noise, self.position_noise, len(qpos))
        if self.velocity_noise_law == "normal":
            qvel += self.velocity_noise * generator.standard_normal(len(qvel))
        else:
            qvel += generator.uniform(-self.velocity_noise, self.velocity_noise, len(qvel))

    def check_functions(self, qpos: Floats, qvel: Floats) -> None:
        """Try ``observe`` and ``healthy``.

        Args:
            qpos: (E, nq) positions.
            qvel: (E, nv) velocities.

        Raises:
            WorldError: they give arrays of the wrong shape or dtype.
        """
        rows = len(qpos)
        observed = np.asarray(self.observe(qpos, qvel))
        if observed.ndim != 2 or len(observed) != rows:
            raise WorldError(
                f"task {self.name}: observe must give an array ({rows}, o) for {rows} "
                f"environments, got shape {observed.shape}"
            )
        if self.healthy is not None:
            healthy = np.asarray(self.healthy(qpos, qvel))
            if healthy.shape != (rows,) or healthy.dtype != np.bool_:
                raise WorldError(
                    f"task {self.name}: healthy must give bool of shape ({rows},), "
                    f"got {healthy.dtype} of shape {healthy.shape}"
                )
