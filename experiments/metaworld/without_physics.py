"""The package's environments, given any scene instead of one that physics made, and scenes to give them.

What is visited in play is near what is good; a scene drawn at random is on every side of every threshold.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from experiments.metaworld.package import environment

from policybudget.worlds.metaworld.rewards import MOST_POINTS, PARTS, POINTS, Paid, Scene

AXES = {
    "button-press-v3": 1,
    "button-press-wall-v3": 1,
    "button-press-topdown-v3": 2,
    "button-press-topdown-wall-v3": 2,
}


class _Given:
    """Overrides what an environment asks of MuJoCo."""

    scene: Scene

    @property
    def tcp_center(self) -> np.ndarray:
        return self.scene.tcp

    @property
    def touching_main_object(self) -> bool:
        return bool(self.scene.touching)

    def get_body_com(self, name: str) -> np.ndarray:
        return {"leftpad": self.scene.left_pad, "rightpad": self.scene.right_pad}[name]

    def _get_site_pos(self, name: str) -> np.ndarray:
        return self.scene.points[self.names.index(("site", name))].copy()

    def _get_pos_objects(self) -> np.ndarray:
        return self.scene.observation[4:7].copy()


def payer(task: str) -> Any:
    """An environment of the package that is paid for scenes."""
    real = environment(task)
    env = object.__new__(type("Given", (_Given, type(real)), {}))
    env.__dict__.update(real.__dict__, names=POINTS.get(task, ()))
    return env


def paid(env: Any, task: str, scene: Scene) -> Paid:
    """What the package gives for N scenes."""
    given = [_one(env, task, Scene._make(field[row] for field in scene)) for row in range(len(scene.joint))]
    rewards, successes = zip(*given, strict=True)
    return Paid(np.array(rewards, np.float64), np.array(successes))


def _one(env: Any, task: str, scene: Scene) -> tuple[float, bool]:
    env.scene, env._target_pos, env.init_tcp = scene, scene.target, scene.start_tcp
    env.init_left_pad, env.init_right_pad = scene.left_pad, scene.right_pad  # references, as in play
    env.obj_init_pos = scene.points[0] if task == "door-unlock-v3" else scene.start_object
    joint = SimpleNamespace(qpos=np.array([scene.joint]))
    env.__dict__["data"] = SimpleNamespace(joint=lambda name: joint)
    if task in AXES:
        env._obj_to_target_init = abs(scene.target[AXES[task]] - scene.start_part[AXES[task]])
    elif task == "bin-picking-v3":
        env._target_to_obj_init = float(np.linalg.norm(scene.start_part - scene.target))
    elif task == "lever-pull-v3":
        env._lever_pos_init = scene.start_object + np.array([0.12, -env.LEVER_RADIUS, 0.25])
    elif task in PARTS:
        setattr(env, PARTS[task], scene.start_part)
    reward, info = env.evaluate_state(scene.observation, scene.action)
    return float(reward), bool(info["success"])


def scenes(number: int, seed: int) -> Scene:
    """N scenes at random. Distances from one thing to the next have all scales from 1 mm to 0.3 m."""
    random = np.random.default_rng(seed)

    def about(place: np.ndarray, spread: float | tuple[float, float, float]) -> np.ndarray:
        return place + np.array(spread) * random.uniform(-1, 1, (number, 3))

    def near(place: np.ndarray) -> np.ndarray:
        return place + 10 ** random.uniform(-3, -0.5, (number, 1)) * random.uniform(-1, 1, (number, 3))

    def one_of(*places: np.ndarray) -> np.ndarray:
        return np.stack(places)[random.integers(len(places), size=number), np.arange(number)]

    east, north, up = np.eye(3)
    start_object = about(np.array([0.0, 0.65, 0.02]), 0.05)
    start_tcp = about(start_object + 0.17 * up, 0.02)
    start_part = about(start_object, 0.02)
    target = about(start_object + 0.25 * north + 0.08 * up, (0.1, 0.05, 0.05))
    lifted, thrown = start_object + 0.15 * up, target * (east + north) + 0.3 * up
    nailed = target - 0.16 * east - 0.06 * north
    item = near(one_of(start_object, lifted, target, nailed, thrown))
    tcp = near(one_of(item, item, item + 0.05 * east + 0.02 * north + 0.09 * up, target))
    hand = near(one_of(item, tcp + 0.05 * up, item - 0.055 * north - 0.07 * up))
    hand[:, 2] = np.abs(hand[:, 2])  # below the table funnels have no floor
    width = 10 ** random.uniform(-2.5, -1, (number, 1)) * north
    second = near(one_of(target, item, item - 0.05 * east))
    turns = np.array([[0.707, 0, 0, 0.707], [1.0, 0, 0, 0]])[random.integers(2, size=number)]
    opening = np.clip(random.uniform(-0.2, 1.2, (number, 1)), 0, 1)
    corners = [near(one_of(item, second)) for _ in range(MOST_POINTS)]
    corners[0] = near(one_of(target, item, second, (corners[1] + corners[2]) / 2, (corners[3] + corners[4]) / 2))
    turned = turns + 10 ** random.uniform(-2, 0, (number, 1)) * random.uniform(-0.5, 0.5, (number, 4))
    padding = np.full((number, 39 - 14), np.nan)
    return Scene(
        observation=np.concatenate((hand, opening, item, turned, second, padding), axis=1),
        action=random.uniform(-1.2, 1.2, (number, 4)),
        tcp=tcp,
        left_pad=about(item + width, 0.01),
        right_pad=about(item - width, 0.01),
        points=np.stack(corners, axis=1),
        joint=random.choice([-2.0, -1.57, -1.5, -0.03, 0.0, 0.08, 0.1], number) + 0.05 * random.uniform(-1, 1, number),
        touching=random.random(number) < 0.5,
        target=target,
        start_tcp=start_tcp,
        start_object=start_object,
        start_part=start_part,
    )
