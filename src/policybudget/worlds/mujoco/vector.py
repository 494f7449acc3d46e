"""E copies of one MuJoCo task as a Gymnasium vector environment, all stepped by one call.

The dynamics, rewards and terminations are those of Gymnasium's v5 tasks bit for bit, where the task
says so (tests compare the two); environment i after ``reset(seed=s)`` starts as
``gymnasium.make(...).reset(seed=s + i)`` does. One difference: where a finished environment is
reset in the same step, ``info["x_velocity"]`` is still the velocity of the step just made, like the
reward beside it. Gymnasium gives 0 there, and the velocity in ``info["final_info"]`` (so do we).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import DTypeLike, NDArray

from policybudget.errors import WorldError
from policybudget.worlds.mujoco.physics import MujocoPhysics
from policybudget.worlds.mujoco.task import Floats, MujocoTask
from policybudget.worlds.mujoco.vector_support import (
    Mask,
    checked_actions,
    generator_from_words,
    generator_words,
    masked_info,
    matching,
    reset_mask,
    seed_list,
)

Array = NDArray[Any]
Step = tuple[Array, Floats, Mask, Mask, dict[str, Any]]


class MujocoVectorEnv(VectorEnv[Array, Array, Array]):
    """``num_envs`` parallel copies (E) of a ``MujocoTask``; after an error, reset it or close it.

    Attributes:
        task: what the copies were built from.
        single_observation_space: of one copy, a box (o,).
        single_action_space: of one copy, a box (nu,).
        observation_space: of all copies, (E, o).
        action_space: of all copies, (E, nu).
        metadata: ``autoreset_mode`` as in Gymnasium 1.x.
        tells_clock: the state has ``elapsed``.
    """

    tells_clock = True

    def __init__(
        self,
        task: MujocoTask,
        num_envs: int,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        num_threads: int = 2,
        dtype: DTypeLike = np.float32,
    ) -> None:
        """Build the copies; ``reset`` comes next.

        Args:
            task: the model and what is asked of it.
            num_envs: E, at least 1.
            autoreset_mode: what happens after an episode's end: NEXT_STEP, SAME_STEP or DISABLED.
            num_threads: threads of the physics, the caller's included; 0: one per CPU.
            dtype: of the observations. The physics is always float64.

        Raises:
            PolicyBudgetError: MuJoCo is not installed.
            WorldError: an argument or the task does not fit.
        """
        if num_envs < 1:
            raise WorldError(f"num_envs must be at least 1, got {num_envs}")
        if num_threads < 0:
            raise WorldError(f"num_threads must not be negative, got {num_threads}")
        self.task = task
        self.num_envs = num_envs
        self._mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self._mode}
        self._dtype = np.dtype(dtype)
        physics = MujocoPhysics(task, num_envs, num_threads)
        self._physics: MujocoPhysics | None = physics
        self._dt = physics.dt
        self._action_shape = (num_envs, len(physics.action_low))
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._axes = ("x", "y") if task.planar else ("x",)
        self._place = np.zeros((num_envs, len(self._axes)))
        self._forces = np.zeros((num_envs, physics.num_bodies, 6))
        self._elapsed = np.full(num_envs, -1, np.int64)  # -1: never reset
        self._pending = np.zeros(num_envs, np.bool_)  # episodes that ended and await a reset
        task.check_functions(physics.qpos.copy(), physics.qvel.copy())
        self._observation = self._observe(slice(None))
        self._set_spaces(physics)

    def _set_spaces(self, physics: MujocoPhysics) -> None:
        size = self._observation.shape[1]
        self.single_observation_space = Box(-np.inf, np.inf, (size,), self._dtype.type)
        low, high = physics.action_low, physics.action_high
        self.single_action_space = Box(low.astype(np.float32), high.astype(np.float32))
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Array, dict[str, Any]]:
        """Start new episodes.

        Args:
            seed: s gives environment i the seed s + i; a list, one each; None goes on with the
                generators that are there.
            options: ``{"reset_mask": mask}`` with a mask (E,) of bool resets only those.

        Returns:
            Observations (E, o), and info with ``x_position`` (E,) in m.

        Raises:
            WorldError: a seed or mask does not fit, or the environment was closed.
        """
        physics = self._open_physics()
        chosen = reset_mask(options, self.num_envs)
        seeds = seed_list(seed, self.num_envs)
        for i in np.flatnonzero(chosen):
            if seeds[i] is not None or self._generators[i] is None:
                self._generators[i] = seeding.np_random(seeds[i])[0]
        self._restart(chosen)
        self._observation[chosen] = self._observe(chosen)
        return self._observation.copy(), masked_info({"x_position": physics.qpos[:, 0]}, chosen)

    def step(self, actions: Array) -> Step:
        """Step every environment; with NEXT_STEP, reset those that ended in the step before.

        Args:
            actions: (E, nu). The model clips them to its bounds; the control cost does not.

        Returns:
            Observations (E, o), rewards (E,), terminated (E,), truncated (E,), and info with
            ``x_velocity`` in m/s and ``x_position`` in m, both (E,) float64, with Gymnasium's masks
            (``_x_velocity``), the same of y if the task is planar, and with SAME_STEP ``final_obs``
            and ``final_info``. An environment that NEXT_STEP resets has reward and velocity 0 then.

        Raises:
            WorldError: actions of the wrong shape or not finite, physics that diverged, or
                environments that should have been reset; it says which, and in which step.
        """
        physics = self._open_physics()
        active = self._active()
        actions = checked_actions(actions, self._action_shape, active, self._elapsed, self.task.name)
        physics.step(actions, None if active.all() else active)
        self._elapsed[active] += 1
        self._raise_if_diverged(physics.diverged() & active)
        if self.task.needs_contact_forces:
            for i in np.flatnonzero(active):
                self._forces[i] = physics.contact_forces(int(i))
        place = physics.place
        moved = (place - self._place) / self._dt
        self._place[:] = place
        velocity = {f"{axis}_velocity": np.where(active, moved[:, i], 0.0) for i, axis in enumerate(self._axes)}
        rewards, terminated = self._judge(actions, velocity["x_velocity"], active)
        truncated = active & (self._elapsed >= (self.task.time_limit or np.inf))
        if not active.all():
            self._restart(~active)
        self._observation = self._observe(slice(None))
        info = masked_info(velocity, active)
        ended = terminated | truncated
        if self._mode is AutoresetMode.SAME_STEP:
            if ended.any():
                info |= self._restart_in_same_step(ended, velocity)
        else:
            self._pending = ended
        info |= masked_info({"x_position": physics.qpos[:, 0]}, np.ones_like(active))
        return self._observation.copy(), rewards, terminated, truncated, info

    def get_state(self) -> dict[str, Array]:
        """Everything that the future depends on, as plain arrays (no pickle needed to save them).

        Returns:
            ``physics`` (E, s) float64, ``x`` (E,) float64, ``y`` likewise where the task is planar,
            ``elapsed`` (E,) int64, ``pending`` (E,) bool, ``generators`` (E, 6) uint64 and
            ``observation`` (E, o): copies.

        Raises:
            WorldError: there has been no ``reset`` yet, or the environment was closed.
        """
        self._require_reset()
        return {key: array.copy() for key, array in self._arrays().items()}

    def set_state(self, state: dict[str, Array]) -> None:
        """Go on from what ``get_state`` gave, bit for bit, here or in another process.

        The last observations are then ``state["observation"]``. Task, number of environments, dtype
        and autoreset mode must be those of the environment that the state came from; the number of
        threads may differ. Exact with the same version of MuJoCo on the same kind of processor.

        Args:
            state: as ``get_state`` gave it.

        Raises:
            WorldError: an array is missing, or of another shape or dtype; nothing was changed then.
        """
        given = matching(state, self._arrays())
        self._open_physics().load(given["physics"])
        self._place, self._elapsed = np.stack([given[axis] for axis in self._axes], axis=1), given["elapsed"]
        self._pending, self._observation = given["pending"], given["observation"]
        self._generators = [generator_from_words(words) for words in given["generators"]]
        self._forces[:] = 0

    def _arrays(self) -> dict[str, Array]:
        words = [np.zeros(6, np.uint64) if g is None else generator_words(g) for g in self._generators]
        return {
            "physics": self._open_physics().state,
            **dict(zip(self._axes, self._place.T, strict=True)),
            "elapsed": self._elapsed,
            "pending": self._pending,
            "generators": np.stack(words),
            "observation": self._observation,
        }

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of the physics and its threads; a later step or reset raises ``WorldError``.

        Args:
            **kwargs: of Gymnasium's ``close``; not used.
        """
        self._physics = None

    def _open_physics(self) -> MujocoPhysics:
        if self._physics is None:
            raise WorldError(f"task {self.task.name}: the environment was closed; build a new one")
        return self._physics

    def _require_reset(self) -> None:
        if (self._elapsed < 0).any():
            i = int(np.argmin(self._elapsed))
            raise WorldError(f"task {self.task.name}: reset environment {i} before its first step")

    def _active(self) -> Mask:
        """Which environments (E,) this step moves; the others are reset in it."""
        self._require_reset()
        if self._mode is AutoresetMode.DISABLED and self._pending.any():
            ended = np.flatnonzero(self._pending).tolist()
            raise WorldError(
                f"task {self.task.name}: the episodes of environments {ended} have ended; "
                'reset them with reset(options={"reset_mask": mask})'
            )
        return ~self._pending

    def _raise_if_diverged(self, diverged: Mask) -> None:
        if diverged.any():
            i = int(np.argmax(diverged))
            raise WorldError(
                f"task {self.task.name}: the physics of environment {i} diverged in step "
                f"{self._elapsed[i]} of its episode (NaN, or beyond 1e10); a smaller timestep or "
                "smaller forces in the model may help"
            )

    def _judge(self, actions: Floats, x_velocity: Floats, active: Mask) -> tuple[Floats, Mask]:
        """Rewards (E,) and which episodes end unhealthy (E,), of the states just reached."""
        task, physics = self.task, self._open_physics()
        healthy = np.ones(self.num_envs, np.bool_)
        if task.healthy is not None:
            healthy = task.healthy(physics.qpos.copy(), physics.qvel.copy())
        rewards = np.where(active, task.rewards(x_velocity, healthy, actions, self._forces), 0.0)
        return rewards, active & ~healthy & task.terminate_when_unhealthy

    def _observe(self, rows: Mask | slice) -> Array:
        """Observations (r, o) of the chosen environments, of ``dtype``."""
        physics = self._open_physics()
        qpos, qvel = physics.qpos[rows].copy(), physics.qvel[rows].copy()
        fields = physics.observed_fields(rows)
        return self.task.observations(qpos, qvel, fields, self._forces[rows]).astype(self._dtype)

    def _restart(self, chosen: Mask) -> None:
        """Draw new starts for the chosen environments, each with its own generator."""
        task, physics = self.task, self._open_physics()
        indices = np.flatnonzero(chosen)
        qpos = np.tile(physics.initial_qpos, (len(indices), 1))
        qvel = np.tile(physics.initial_qvel, (len(indices), 1))
        for row, i in enumerate(indices):
            generator = self._generators[i]
            assert generator is not None  # every environment was reset, or is being reset
            task.perturb(qpos[row], qvel[row], generator)
        physics.reset(chosen, qpos, qvel)
        self._place[chosen] = physics.place[chosen]
        self._forces[chosen] = 0  # as Gymnasium observes them before the first step
        self._elapsed[chosen] = 0
        self._pending[chosen] = False

    def _restart_in_same_step(self, ended: Mask, velocity: dict[str, Floats]) -> dict[str, Any]:
        """Reset what ended; give ``final_obs`` and ``final_info`` in Gymnasium's form."""
        x_position = self._open_physics().qpos[:, 0]
        final_info = masked_info({"x_position": x_position, **velocity}, ended)
        final_obs = np.full(self.num_envs, None, dtype=object)
        for i in np.flatnonzero(ended):
            final_obs[i] = self._observation[i].copy()
        self._restart(ended)
        self._observation[ended] = self._observe(ended)
        return {
            "final_obs": final_obs,
            "_final_obs": ended.copy(),
            "final_info": final_info,
            "_final_info": ended.copy(),
        }
