"""The physics of E copies of one MuJoCo model, on a reused thread pool.

One call of ``mujoco.batch.Batch`` steps all copies. It agrees with ``mj_step`` in a loop over one
``MjData`` per copy bit for bit, at any number of threads; a copy's state row carries the solver's
warm start, so that a saved row continues exactly. (``mujoco.rollout`` gives neither the warm start
nor ``xpos`` at the last Runge-Kutta stage, which Gymnasium's Ant measures its velocity with.)

MuJoCo is imported when physics is built, never before: the rest of the package runs without it.
"""

from __future__ import annotations

import threading
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import WorldError, extra
from policybudget.worlds.mujoco.task import Floats, MujocoTask

SHIPPED = "gymnasium:"
_loading = threading.Lock()


def import_mujoco() -> ModuleType:
    """The ``mujoco`` module with ``mujoco.batch``, which came with MuJoCo 4.0; Gymnasium, which has models, is there.

    Raises:
        PolicyBudgetError: it is not installed, or too old.
    """
    with extra("mujoco", "MuJoCo's worlds"):
        import gymnasium  # noqa: F401
        import mujoco
        import mujoco.batch
    return mujoco  # type: ignore[no-any-return]


def _mjcf_path(task: MujocoTask) -> Path:
    """Where the file of ``task.model`` lies; ``WorldError`` if nowhere."""
    if task.model.startswith(SHIPPED):
        spec = find_spec("gymnasium")
        assert spec is not None and spec.origin is not None  # import_mujoco
        assets = Path(spec.origin).parent / "envs" / "mujoco" / "assets"
        path = assets / task.model.removeprefix(SHIPPED)
    else:
        path = Path(task.model).expanduser()
    if not path.is_file():
        raise WorldError(
            f"task {task.name}: there is no model {task.model!r}; give MJCF text, a path to a file, or {SHIPPED}<file>"
        )
    return path


def load_model(mujoco: ModuleType, task: MujocoTask) -> Any:
    """The ``MjModel`` of a task.

    MuJoCo's remarks on the model become Python warnings, instead of a log file in the current
    directory; those on models that Gymnasium ships (a deprecated attribute) are dropped.

    Args:
        mujoco: the module.
        task: whose model is loaded.

    Returns:
        The model.

    Raises:
        WorldError: there is no such file, or MuJoCo rejects what it holds.
    """
    is_text = task.model.lstrip().startswith("<")
    source = task.model if is_text else str(_mjcf_path(task))
    compiled = mujoco.MjModel.from_xml_string if is_text else mujoco.MjModel.from_xml_path
    remarks: list[str] = []
    with _loading:
        handler = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(remarks.append)
        try:
            model = compiled(source)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise WorldError(f"task {task.name}: MuJoCo rejects its model: {reason}") from error
        finally:
            mujoco.set_mju_user_warning(handler)
    if not task.model.startswith(SHIPPED):
        for remark in remarks:
            warnings.warn(f"task {task.name}: {remark}", stacklevel=2)
    return model


class MujocoPhysics:
    """E copies of a task's model.

    Args:
        task: whose model it is.
        num_envs: E.
        num_threads: that step them.

    Attributes:
        qpos: (E, nq) positions and qvel: (E, nv) velocities, live: the next call changes them.
        initial_qpos: (nq,) and initial_qvel: (nv,), the model's.
        action_low, action_high: (nu,) bounds of the controls, infinite where the model has none.
        dt: seconds per environment step.
        num_bodies: bodies of the model, the world included.
    """

    def __init__(self, task: MujocoTask, num_envs: int, num_threads: int) -> None:
        """Build ``num_envs`` copies on ``num_threads`` threads, the caller's included (0: all).

        Raises:
            PolicyBudgetError: MuJoCo is missing.
            WorldError: the model cannot be loaded, or lacks ``task.main_body``.
        """
        self._mujoco = mujoco = import_mujoco()
        self._model = model = load_model(mujoco, task)
        self._frame_skip = task.frame_skip
        self._batch = mujoco.batch.Batch(model, num_envs, num_threads, persistent=task.needs_contact_forces)
        bind = self._batch.bind
        self.qpos: Floats = bind("qpos")
        self.qvel: Floats = bind("qvel")
        self._control: Floats = bind("ctrl")
        coordinates = 2 if task.planar else 1
        self._place: Floats = self.qpos[:, :coordinates]
        if task.main_body is not None:
            self._place = bind("xpos")[:, self._body(task), :coordinates]
        self._masses: Floats | None = None
        if task.by_mass_centre:
            self._masses, self._place = model.body_mass.copy(), bind("xipos")[:, :, :coordinates]
        self._observed = [(self._field(task, name), skip) for name, skip in task.observe_fields]
        data = mujoco.MjData(model)
        self.initial_qpos: Floats = data.qpos.copy()
        self.initial_qvel: Floats = data.qvel.copy()
        limited = model.actuator_ctrllimited.astype(bool)
        low, high = model.actuator_ctrlrange.T
        self.action_low: Floats = np.where(limited, low, -np.inf)
        self.action_high: Floats = np.where(limited, high, np.inf)
        self.dt = float(model.opt.timestep) * task.frame_skip
        self.num_bodies = int(model.nbody)
        self._scratch = data
        kinds = mujoco.mjtWarning
        divergence = slice(int(kinds.mjWARN_BADQPOS), int(kinds.mjWARN_BADCTRL) + 1)
        # (E, 4) counters of bad positions, velocities, accelerations and controls since the reset
        self._warnings: NDArray[np.int32] = self._batch.warning[:, divergence, 1]

    def _body(self, task: MujocoTask) -> int:
        try:
            body = self._model.body(task.main_body).id
        except (KeyError, IndexError) as error:
            raise WorldError(f"task {task.name}: its model has no body {task.main_body!r}") from error
        return int(body)

    def _field(self, task: MujocoTask, name: str) -> Floats:
        try:
            field: Floats = self._batch.bind(name)
        except (ValueError, KeyError, AttributeError) as error:
            raise WorldError(f"task {task.name}: MjData has no field {name!r} to observe") from error
        return field

    @property
    def place(self) -> Floats:
        """x or x and y, (E, 1) or (E, 2), in m, as the task measures them. Meaningful after a step or a reset."""
        if self._masses is None:
            return self._place
        centre: Floats = np.einsum("b,ebc->ec", self._masses, self._place) / self._masses.sum()
        return centre

    def observed_fields(self, rows: NDArray[np.bool_] | slice) -> list[Floats]:
        """``observe_fields`` of the chosen copies, as the last step or reset left them.

        Args:
            rows: mask (E,) of the copies, or a slice.

        Returns:
            An array (r, ..) per field.
        """
        return [field[rows][:, skip:].reshape(len(field[rows]), -1) for field, skip in self._observed]

    @property
    def state(self) -> Floats:
        """Rows (E, s) of ``mjSTATE_INTEGRATION``: time, positions, warm start...; live."""
        state: Floats = self._batch.state
        return state

    def load(self, state: Floats) -> None:
        """Put all copies into saved rows (E, s). ``place`` and fields are out of date until the next step.

        Args:
            state: rows as :attr:`state` has them.
        """
        self._batch.reset(stage=self._mujoco.mjtStage.mjSTAGE_NONE.value)
        self._batch.state[:] = state

    def reset(self, chosen: NDArray[np.bool_], qpos: Floats, qvel: Floats) -> None:
        """Start some copies afresh.

        Args:
            chosen: mask (E,) of the r copies.
            qpos: (r, nq) positions to start from.
            qvel: (r, nv) velocities to start from.
        """
        self._batch.reset(chosen, stage=self._mujoco.mjtStage.mjSTAGE_NONE.value)
        self.qpos[chosen] = qpos
        self.qvel[chosen] = qvel
        self._batch.forward(chosen)

    def step(self, actions: Floats, chosen: NDArray[np.bool_] | None) -> None:
        """Hold the controls for ``frame_skip`` substeps.

        Args:
            actions: (E, nu) controls.
            chosen: mask (E,) of the copies that move; None for all.

        Raises:
            WorldError: MuJoCo reported an error (not a divergence; see ``diverged``).
        """
        self._control[:] = actions
        try:
            self._batch.step(chosen, nstep=self._frame_skip)
        except self._mujoco.batch.SimulationError as error:
            raise WorldError(" ".join(str(error).split())) from error

    def diverged(self) -> NDArray[np.bool_]:
        """Which copies (E,) have a position, velocity or acceleration that is NaN or beyond 1e10.

        MuJoCo then resets such a copy by itself and goes on, with no sign but a warning's counter.
        """
        if not self._warnings.any() and np.isfinite(self.qpos).all() and np.isfinite(self.qvel).all():
            return np.zeros(len(self.qpos), np.bool_)
        finite = np.isfinite(self.qpos).all(axis=1) & np.isfinite(self.qvel).all(axis=1)
        return np.asarray(self._warnings.any(axis=1) | ~finite, np.bool_)

    def contact_forces(self, copy: int) -> Floats:
        """External forces and torques (nbody, 6) on the bodies of one copy, after its last step.

        As in Gymnasium: from the constraint forces of the last Runge-Kutta stage.

        Args:
            copy: its index, 0 to E - 1.

        Returns:
            Forces and torques; the next call overwrites them.
        """
        self._batch.get_data(copy, self._scratch)
        self._mujoco.mj_rnePostConstraint(self._model, self._scratch)
        forces: Floats = self._scratch.cfrc_ext
        return forces
