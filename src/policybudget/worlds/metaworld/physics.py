"""Copies of one task on MuJoCo's own threads: ``env.step`` of Meta-World v3, bit for bit, for many copies at once.

::

    mocap position <- clip(mocap position + clip(action[:3], -1, 1) / 100)         the hand is welded to it
    control        <- (action[3], -action[3])                                      of the two fingers
    5 steps of the physics, then mj_forward, which observations and rewards are read from

A copy has a row of ``mujoco.batch.Batch``, and in it the solver's warm start. Goals differ in where the model has
bodies and sites, so each row has its own. If the physics diverges, MuJoCo begins the row anew, and the episode goes on,
as it does in the package.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import WorldError
from policybudget.worlds.metaworld.names import VERSION
from policybudget.worlds.metaworld.objects import FRAME, Frames
from policybudget.worlds.metaworld.rewards import JOINTS, MOST_POINTS, POINTS, REWARDS, Scene, touch_matters
from policybudget.worlds.metaworld.starts import Start, Starts
from policybudget.worlds.mujoco.physics import import_mujoco

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
OBSERVED = 2 * FRAME + 3
DOWN = (1.0, 0.0, 1.0, 0.0)
"""How the hand is turned, always."""
TOUCHED, STICK = "stick-push", "objGeom"
"""The task whose success asks whether the pads press on something, and the geom of that."""


class Moment(NamedTuple):
    """What a step of r copies gives.

    Attributes:
        observation: (r, 39).
        reward: (r,) of the package, 0 to 10.
        success: (r,) whether the task is done now.
    """

    observation: Floats
    reward: Floats
    success: NDArray[np.bool_]


class TaskPhysics:
    """Rows in which copies of a task run.

    Args:
        starts: of the task.
        room: rows.
        threads: that step them.

    Attributes:
        starts: of the task.
        room: rows.
        state: (room, s) live, of MuJoCo.
        frame: (room, 18) as last observed.
        part: (room, 3) ``Scene.start_part``.
    """

    def __init__(self, starts: Starts, room: int, threads: int) -> None:
        self.starts, self.room, self._threads, self._mujoco = starts, room, threads, import_mujoco()
        model, self._watched = starts.model, starts.task == TOUCHED
        self._batch: Any = self._mujoco.batch.Batch(model, room, threads, persistent=self._watched)
        self._model, self._data = model, self._mujoco.MjData(model)
        self.state: Floats = self._batch.state
        self._body_pos, self._site_pos = self._batch.expand("body_pos"), self._batch.expand("site_pos")
        self._mocap_pos, self._mocap_quat = self._batch.bind("mocap_pos"), self._batch.bind("mocap_quat")
        self._control = self._batch.bind("ctrl")
        self._frames = Frames(starts.task, self._bind)
        self._bind_scene()
        self.frame, self.part = np.zeros((room, FRAME)), np.full((room, 3), np.nan)
        self._target, self._tcp, self._object = (np.full((room, 3), np.nan) for _ in range(3))
        self._fresh = np.zeros(room, bool)

    def _bind_scene(self) -> None:
        name = self.starts.task + VERSION
        self._ends = [self._bind("xpos", f"site {side}EndEffector") for side in ("right", "left")]
        self._pads = [self._bind("xpos", f"body {side}pad") for side in ("left", "right")]
        self._points = [self._bind("xpos", " ".join(point)) for point in POINTS.get(name, ())]
        self._joint = self._bind("qpos", f"joint {JOINTS[name]}") if name in JOINTS else None
        self._reward = REWARDS[name]

    def _bind(self, field: str, what: str) -> Floats:
        """Live rows of a field, of one body, geom, site or joint."""
        kind, _, name = what.partition(" ")
        if kind == "joint":
            address = int(self._model.joint(name).qposadr[0])
            joint: Floats = self._batch.bind(field)[:, address : address + 1]
            return joint
        number = getattr(self._model, kind)(name).id
        found: Floats = self._batch.bind(field if kind == "body" else f"{kind}_{field}")[:, number]
        return found

    def larger(self, room: int) -> TaskPhysics:
        """The same copies with more rows.

        Args:
            room: rows, more than there are.
        """
        more = TaskPhysics(self.starts, room, self._threads)
        for name in ("state", "frame", "part", "_body_pos", "_site_pos", "_target", "_tcp", "_object", "_fresh"):
            getattr(more, name)[: self.room] = getattr(self, name)
        return more

    def begin(self, row: int, goal: int) -> Floats:
        """Start an episode in a row.

        Args:
            row: which one.
            goal: which one.

        Returns:
            (39,) the observation.
        """
        start: Start = self.starts[goal]
        self._batch.reset(np.array([row]), stage=self._mujoco.mjtStage.mjSTAGE_NONE.value)
        self.state[row], self._body_pos[row], self._site_pos[row] = start.state, start.body_pos, start.site_pos
        self._target[row], self._tcp[row], self._object[row] = start.target, start.tcp, start.object
        self.part[row], self.frame[row], self._fresh[row] = start.part, start.observation[:FRAME], True
        return start.observation

    def go_on(self, row: int, goal: int, saved: tuple[Floats, Floats, Floats]) -> None:
        """Continue a saved episode in a row.

        Args:
            row: which one.
            goal: of the episode.
            saved: state, frame and part of the row that it was in, which may have numbers behind the state.
        """
        self.begin(row, goal)
        state, self.frame[row], self.part[row] = saved
        self.state[row], self._fresh[row] = state[: self.state.shape[1]], False

    def step(self, rows: Ints, actions: Floats) -> Moment:
        """Step some copies.

        Args:
            rows: (r,) in ascending order.
            actions: (r, 4).

        Returns:
            What it gives.

        Raises:
            WorldError: MuJoCo reported an error.
        """
        low, high = self.starts.mocap
        moved = self._mocap_pos[rows, 0] + np.clip(actions[:, :3], -1, 1) * self.starts.reach
        self._mocap_pos[rows, 0], self._mocap_quat[rows, 0] = np.clip(moved, low, high), DOWN
        self._control[rows, 0], self._control[rows, 1] = actions[:, 3], -actions[:, 3]
        try:
            self._batch.step(rows, self.starts.frame_skip, self._mujoco.mjtStage.mjSTAGE_ACC.value)
        except self._mujoco.batch.SimulationError as error:
            raise WorldError(f"task {self.starts.task}: {' '.join(str(error).split())}") from error
        frame = self._frames(rows)
        observation = np.concatenate([frame, self.frame[rows], self._target[rows]], axis=1)
        self.frame[rows] = frame
        np.clip(observation, self.starts.low, self.starts.high, out=observation)
        if self.starts.task == "bin-picking":
            self.part[rows[self._fresh[rows]]] = observation[self._fresh[rows], 4:7]
        self._fresh[rows] = False
        return Moment(observation, *self._reward(self._scene(rows, observation, actions)))

    def _scene(self, rows: Ints, observation: Floats, actions: Floats) -> Scene:
        points = np.full((len(rows), MOST_POINTS, 3), np.nan)
        for number, point in enumerate(self._points):
            points[:, number] = point[rows]
        right, left = self._ends
        scene = Scene(
            observation=observation,
            action=actions,
            tcp=(right[rows] + left[rows]) / 2.0,
            left_pad=self._pads[0][rows],
            right_pad=self._pads[1][rows],
            points=points,
            joint=np.full(len(rows), np.nan) if self._joint is None else self._joint[rows, 0],
            touching=np.zeros(len(rows), bool),
            target=self._target[rows],
            start_tcp=self._tcp[rows],
            start_object=self._object[rows],
            start_part=self.part[rows],
        )
        if self._watched:
            for i in np.flatnonzero(touch_matters(scene)):
                scene.touching[i] = self._pressed(int(rows[i]))
        return scene

    def _pressed(self, row: int) -> bool:
        """Whether both pads press on the stick."""
        self._batch.get_data(row, self._data)
        data, stick = self._data, self._model.geom(STICK).id
        pads = [self._model.geom(f"{side}pad_geom").id for side in ("left", "right")]
        pairs = [(contact.geom1, contact.geom2, contact.efc_address) for contact in data.contact]
        return all(sum(data.efc_force[at] for *pair, at in pairs if pad in pair and stick in pair) > 0 for pad in pads)
