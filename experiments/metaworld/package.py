"""Meta-World's own environments: on MuJoCo 4, in play, and what rewards look at in them."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from metaworld.policies import ENV_POLICY_MAP

from policybudget.worlds.metaworld import package
from policybudget.worlds.metaworld.names import VERSION
from policybudget.worlds.metaworld.rewards import JOINTS, MOST_POINTS, PARTS, POINTS, Paid, Scene

RECKLESS = 0.15
"""Share of stretches of ten steps with random actions, in episodes that have them."""
NOISE = (0.0, 0.1, 0.4)
"""Standard deviations of what is added to actions, an episode after the other."""


class Visited(NamedTuple):
    """Steps of one task.

    Attributes:
        scene: of all steps.
        paid: what the package gave for them.
    """

    scene: Scene
    paid: Paid


@cache
def environment(task: str) -> Any:
    """The package's environment, made once; its goal is in sight."""
    return package.environment(task.removesuffix(VERSION))


def reset(env: Any, seed: int) -> np.ndarray:
    """A fresh episode with a goal of its own: drawn first, then kept, as the package's benchmarks do."""
    env.seed(seed)
    env._freeze_rand_vec = False
    env.reset()
    env._freeze_rand_vec = True
    observation: np.ndarray = env.reset()[0]
    return observation


def start_of(env: Any, task: str) -> np.ndarray | None:
    """What a reset fixes beside the object's and the fingers' places; of bin-picking, None until the first step."""
    if task == "bin-picking-v3":
        return None
    part = PARTS.get(task, "")
    if part.startswith("site "):
        return env.data.site(part.removeprefix("site ")).xpos.copy()
    return np.array(getattr(env, part)) if part else np.full(3, np.nan)


def scene_of(env: Any, task: str, observation: np.ndarray, action: np.ndarray, start_part: np.ndarray) -> Scene:
    """The scene (1 row) after a step."""
    data, points = env.data, np.full((MOST_POINTS, 3), np.nan)
    for number, (kind, name) in enumerate(POINTS.get(task, ())):
        points[number] = getattr(data, kind)(name).xpos
    row = Scene(
        observation=observation,
        action=action,
        tcp=env.tcp_center,
        left_pad=data.body("leftpad").xpos,
        right_pad=data.body("rightpad").xpos,
        points=points,
        joint=data.joint(JOINTS[task]).qpos[0] if task in JOINTS else np.nan,
        touching=env.touching_main_object if task == "stick-push-v3" else False,
        target=env._target_pos,
        start_tcp=env.init_tcp,
        start_object=env.obj_init_pos,
        start_part=start_part,
    )
    return Scene._make(np.array(field)[None] for field in row)


def act(policy: Any, env: Any, observation: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """What the scripted policy does, as float64, with noise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # policies say that their actions are clipped
        action = np.asarray(policy.get_action(observation), np.float64)
    return np.clip(action + noise * random.standard_normal(4), env.action_space.low, env.action_space.high)


def play(task: str, episodes: int, steps: int, seed: int = 0) -> Visited:
    """Steps of some episodes, a goal each."""
    env, policy, random = environment(task), ENV_POLICY_MAP[task](), np.random.default_rng(seed)
    scenes, rewards, successes = [], [], []
    for episode in range(episodes):
        observation = reset(env, int(random.integers(2**31)))
        start_part, noise, reckless = start_of(env, task), NOISE[episode % len(NOISE)], False
        for step in range(steps):
            if step % 10 == 0:
                reckless = noise > 0 and random.random() < RECKLESS
            action = random.uniform(-1, 1, 4) if reckless else act(policy, env, observation, noise, random)
            observation, reward, _, _, info = env.step(action)
            start_part = observation[4:7].copy() if start_part is None else start_part
            scenes.append(scene_of(env, task, observation, action, start_part))
            rewards.append(reward)
            successes.append(bool(info["success"]))
    scene = Scene._make(map(np.concatenate, zip(*scenes, strict=True)))
    return Visited(scene, Paid(np.array(rewards, np.float64), np.array(successes)))
