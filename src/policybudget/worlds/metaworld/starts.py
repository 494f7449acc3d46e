"""First states of the 50 goals of each task, as the package's environments reset to them.

A reset of the package is 500 steps of physics, which move the hand to its place. It depends on nothing but the goal:
here it happens once per goal, and is remembered.
"""

from __future__ import annotations

import copy
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from policybudget.worlds.metaworld.names import VERSION
from policybudget.worlds.metaworld.package import environment
from policybudget.worlds.metaworld.rewards import PARTS
from policybudget.worlds.mujoco.physics import import_mujoco

Floats = NDArray[np.float64]
GOALS = 50
"""Of each task, as in the benchmarks of the package."""


class Start(NamedTuple):
    """Where an episode begins.

    Attributes:
        state: (s,) of MuJoCo, ``mjSTATE_INTEGRATION``.
        body_pos: (bodies, 3) of the model: where a reset puts what does not move.
        site_pos: (sites, 3) of the model, likewise.
        observation: (39,) as ``reset`` gives it.
        target: (3,) ``Scene.target``.
        tcp: (3,) ``Scene.start_tcp``.
        object: (3,) ``Scene.start_object``.
        part: (3,) ``Scene.start_part``; NaN where there is none.
    """

    state: Floats
    body_pos: Floats
    site_pos: Floats
    observation: Floats
    target: Floats
    tcp: Floats
    object: Floats
    part: Floats


class Starts:
    """First states of a task, each computed when it is first needed.

    Args:
        task: its name, without the version.

    Attributes:
        task: the name.
        model: MuJoCo's, before any reset.
        low: (39,) bounds that observations are clipped to.
        high: (39,) likewise.
        mocap: (2, 3) bounds that the hand is led within, in m.
        reach: m that a full action leads the hand by, per step.
        frame_skip: steps of the physics per step.

    Raises:
        PolicyBudgetError: MuJoCo or Meta-World is not installed.
    """

    def __init__(self, task: str) -> None:
        self.task, self._env = task, environment(task)
        self.model: Any = copy.copy(self._env.model)
        space = self._env.sawyer_observation_space
        self.low, self.high = space.low, space.high
        self.mocap = np.stack([self._env.mocap_low, self._env.mocap_high])
        self.reach, self.frame_skip = float(self._env.action_scale), int(self._env.frame_skip)
        self._known: dict[int, Start] = {}
        self._vectors: dict[int, Floats] = {}

    def __getitem__(self, goal: int) -> Start:
        """The start of a goal, the same in every process.

        Args:
            goal: 0 to ``GOALS`` - 1.
        """
        if goal not in self._known:
            self._known[goal] = self._reset(goal)
        return self._known[goal]

    def vector(self, goal: int) -> Floats:
        """What the package draws for a goal: places of the object and of the target, as the task needs them.

        Args:
            goal: 0 to ``GOALS`` - 1.

        Returns:
            (3,) or (6,) in m.
        """
        self[goal]
        return self._vectors[goal]

    def _reset(self, goal: int) -> Start:
        """As a fresh environment that is told the goal."""
        env, mujoco = self._env, import_mujoco()
        env.model.body_pos[:], env.model.site_pos[:] = self.model.body_pos, self.model.site_pos
        env._freeze_rand_vec, env.np_random = False, np.random.default_rng([goal, zlib.crc32(self.task.encode())])
        env.reset_model()  # draws until the goal is far enough from the object
        env._freeze_rand_vec, self._vectors[goal] = True, np.array(env._last_rand_vec, np.float64)
        observation, _ = env.reset()
        kind = mujoco.mjtState.mjSTATE_INTEGRATION
        state = np.empty(mujoco.mj_stateSize(env.model, kind))
        mujoco.mj_getState(env.model, env.data, state, kind)
        return Start(
            state=state,
            body_pos=np.array(env.model.body_pos),
            site_pos=np.array(env.model.site_pos),
            observation=np.array(observation, np.float64),
            target=np.array(env._target_pos, np.float64),
            tcp=np.array(env.init_tcp, np.float64),
            object=np.array(env.obj_init_pos, np.float64),
            part=self._part(),
        )

    def _part(self) -> Floats:
        name = PARTS.get(self.task + VERSION)
        if name is None or name.startswith("observation"):  # that of bin-picking is known after the first step
            return np.full(3, np.nan)
        of_site = name.removeprefix("site ")
        found = getattr(self._env, name) if of_site == name else self._env._get_site_pos(of_site)
        return np.array(found, np.float64)
