"""What an agent observes of each task, batched: the hand, how far the gripper is open, and one or two objects.

::

    frame (18) = hand (3), opening (1), object (3), its quaternion (4), second object (3), its quaternion (4)
    observation (39) = this frame, the frame before it, the goal (3)

as ``SawyerXYZEnv`` of Meta-World v3 has it, number by number; what a task lacks is 0. Quaternions that come of rotation
matrices have their real part last, those that MuJoCo gives have it first: so does the package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from policybudget.worlds.metaworld.rewards.shaping import length

Floats = NDArray[np.float64]
Bind = Callable[[str, str], Floats]
"""From a field of MuJoCo's data and the name of a body, geom, site or joint to its live rows (N, ..)."""

FRAME = 18
WIDEST = 0.1
"""Distance between the fingers that counts as open, in m."""


class Place(NamedTuple):
    """Where an object is, and how it is turned.

    Attributes:
        position: kind (body, geom or site) and name of what has its position.
        turn: kind and name of what it is turned as: ``xquat`` of a body, or ``xmat`` of a body, geom or site, with
            the kind and the field in one word (``body.xquat``); "" for a quaternion that never changes.
        offset: added to the position, in m.
        quaternion: where it never changes.
    """

    position: str
    turn: str = ""
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    quaternion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


_MUG = Place("body obj", "geom.xmat mug")
_PUCK = Place("body obj", "geom.xmat objGeom")
_PUCK_GEOM = Place("geom objGeom", "geom.xmat objGeom")
_BODY = Place("body obj", "body.xquat obj")
_PLATE = Place("geom puck", "geom.xmat puck")
_NUT = Place("site RoundNut-8", "body.xquat RoundNut")
_FROM_ABOVE = Place("body button", "body.xquat button", (0.0, 0.0, 0.193))
_FROM_FRONT = Place("body button", "body.xquat button", (0.0, -0.193, 0.0))
_DOOR = Place("geom handle", "geom.xmat handle")
_STICK = Place("body stick", "body.xmat stick")

OBJECTS: dict[str, tuple[Place, ...]] = {
    "assembly": (_NUT,),
    "basketball": (Place("body bsktball", "body.xquat bsktball"),),
    "bin-picking": (_BODY,),
    "box-close": (Place("body top_link", "body.xquat top_link"),),
    "button-press": (_FROM_FRONT,),
    "button-press-topdown": (_FROM_ABOVE,),
    "button-press-topdown-wall": (_FROM_ABOVE,),
    "button-press-wall": (_FROM_FRONT,),
    "coffee-button": (Place("site buttonStart", quaternion=(1.0, 0.0, 0.0, 0.0)),),
    "coffee-pull": (_MUG,),
    "coffee-push": (_MUG,),
    "dial-turn": (Place("body dial", "body.xquat dial"),),
    "disassemble": (_NUT,),
    "door-close": (_DOOR,),
    "door-lock": (Place("site lockStartLock", "body.xquat door_link"),),
    "door-open": (_DOOR,),
    "door-unlock": (Place("site lockStartUnlock", "body.xquat door_link"),),
    "drawer-close": (Place("body drawer_link", offset=(0.0, -0.16, 0.05)),),
    "drawer-open": (Place("body drawer_link", "body.xquat drawer_link", (0.0, -0.16, 0.0)),),
    "faucet-close": (Place("site handleStartClose", "body.xquat faucetBase", (0.0, 0.0, -0.01)),),
    "faucet-open": (Place("site handleStartOpen", "body.xquat faucetBase", (0.0, 0.0, -0.01)),),
    "hammer": (Place("body hammer", "body.xquat hammer"), Place("body nail_link", "body.xquat nail_link")),
    "hand-insert": (_BODY,),
    "handle-press": (Place("site handleStart"),),
    "handle-press-side": (Place("site handleStart"),),
    "handle-pull": (Place("site handleRight"),),
    "handle-pull-side": (Place("site handleCenter"),),
    "lever-pull": (Place("site leverStart", "geom.xmat objGeom"),),
    "peg-insert-side": (Place("site pegGrasp", "site.xmat pegGrasp"),),
    "peg-unplug-side": (Place("site pegEnd", "body.xquat plug1"),),
    "pick-out-of-hole": (_BODY,),
    "pick-place": (_PUCK,),
    "pick-place-wall": (_PUCK_GEOM,),
    "plate-slide": (_PLATE,),
    "plate-slide-back": (_PLATE,),
    "plate-slide-back-side": (_PLATE,),
    "plate-slide-side": (_PLATE,),
    "push": (_PUCK,),
    "push-back": (_PUCK_GEOM,),
    "push-wall": (_PUCK_GEOM,),
    "reach": (_PUCK,),
    "reach-wall": (_PUCK,),
    "shelf-place": (_PUCK,),
    "soccer": (Place("body soccer_ball", "body.xmat soccer_ball"),),
    "stick-pull": (_STICK, Place("site insertion")),
    "stick-push": (_STICK, Place("site insertion", offset=(0.0, 0.09, 0.0))),
    "sweep": (_BODY,),
    "sweep-into": (_PUCK,),
    "window-close": (Place("site handleCloseStart"),),
    "window-open": (Place("site handleOpenStart"),),
}
"""Of each task what is observed."""
DIAL_JOINT, DIAL_RADIUS = "knob_Joint_1", 0.05
"""The object of dial-turn is a point on the rim of the dial, in m from its centre."""


class Frames:
    """Observes the copies of one task.

    Args:
        task: its name, without the version.
        bind: gives live fields of the physics.
    """

    def __init__(self, task: str, bind: Bind) -> None:
        self._hand = bind("xpos", "body hand")
        self._fingers = bind("xpos", "body rightclaw"), bind("xpos", "body leftclaw")
        self._objects = [_Seen(place, bind) for place in OBJECTS[task]]
        self._dial = bind("qpos", f"joint {DIAL_JOINT}") if task == "dial-turn" else None

    def __call__(self, rows: Any) -> Floats:
        """Observe.

        Args:
            rows: index of the copies, of r of them.

        Returns:
            (r, 18) frames.
        """
        hand = self._hand[rows]
        frames = np.zeros((len(hand), FRAME))
        frames[:, :3] = hand
        right, left = self._fingers
        frames[:, 3] = np.clip(length(right[rows] - left[rows]) / WIDEST, 0.0, 1.0)
        for number, seen in enumerate(self._objects):
            at = 4 + 7 * number
            frames[:, at : at + 3] = seen.position(rows)
            frames[:, at + 3 : at + 7] = seen.quaternion(rows)
        if self._dial is not None:
            angle = self._dial[rows][:, 0]
            frames[:, 4] += np.sin(angle) * DIAL_RADIUS
            frames[:, 5] += -np.cos(angle) * DIAL_RADIUS
        return frames


class _Seen:
    """One object."""

    def __init__(self, place: Place, bind: Bind) -> None:
        self._place, self._position = place, bind("xpos", place.position)
        self._offset = np.array(place.offset)
        kind, _, name = place.turn.partition(" ")
        part, _, self._field = kind.partition(".")
        self._turn = bind(self._field, f"{part} {name}") if place.turn else None

    def position(self, rows: Any) -> Floats:
        found: Floats = self._position[rows] + self._offset
        return found

    def quaternion(self, rows: Any) -> Any:
        if self._turn is None:
            return self._place.quaternion
        turn = self._turn[rows]
        if self._field == "xquat":
            return turn
        from scipy.spatial.transform import Rotation

        return Rotation.from_matrix(turn.reshape(-1, 3, 3)).as_quat()
