"""What every peer's script shares: worlds, users, episodes to be judged by, the clock, and one format of results.

It needs NumPy, Gymnasium and MO-Gymnasium alone, so that it can be imported in each peer's own environment.

A result is one JSON file: what was trained (method, world, k, seed, transitions, seconds), and the vector returns of
every policy on two sets of episodes, ``selection`` (policies, episodes, m), by which policies are chosen and users
assigned, and ``fresh`` (policies, episodes, m), by which they are scored. All methods meet the same first states.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

USERS = Path(__file__).parent / "users"
Act = Callable[[np.ndarray], np.ndarray]
"""From raw observations (E, o) to greedy actions (E, ..) in the environment's own units."""


@dataclass(frozen=True)
class World:
    """An environment of MO-Gymnasium, and how many episodes it takes to judge a policy.

    Attributes:
        selection: episodes by which policies are chosen.
        fresh: episodes by which they are scored.
    """

    selection: int
    fresh: int


WORLDS = {"mo-halfcheetah-v5": World(5, 10), "mo-reacher-v5": World(20, 50)}
FIRST_SEED = {"selection": 1_000_000, "fresh": 2_000_000}


def users(world: str) -> np.ndarray:
    """Weights of the users (n, m)."""
    return np.loadtxt(USERS / f"{world}.csv", delimiter=",", skiprows=1)


def make(world: str) -> Any:
    """The environment as it is registered."""
    import mo_gymnasium

    return mo_gymnasium.make(world)


class Weighted(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that pays one user, or the mean of several: weights (m)."""

    def __init__(self, env: Any, weights: np.ndarray) -> None:
        super().__init__(env)
        self.weights = weights

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, float(np.dot(self.weights, reward)), terminated, truncated, info


def play(envs: Sequence[Any], act: Act, first_seed: int) -> np.ndarray:
    """One episode in each environment, side by side: vector returns (E, m), not discounted."""
    seen = np.stack([env.reset(seed=first_seed + i)[0] for i, env in enumerate(envs)])
    total: np.ndarray | None = None
    playing = np.ones(len(envs), bool)
    while playing.any():
        actions = act(seen)
        for i in np.flatnonzero(playing):
            seen[i], reward, terminated, truncated, _ = envs[i].step(actions[i])
            total = np.zeros((len(envs), len(reward))) if total is None else total
            total[i] += reward
            playing[i] = not (terminated or truncated)
    assert total is not None
    return total


def judge(world: str, policies: Sequence[Act], kinds: Sequence[str] = ("selection", "fresh")) -> dict[str, np.ndarray]:
    """Vector returns (policies, episodes, m) on each set of episodes."""
    found = {}
    for kind in kinds:
        seed = FIRST_SEED[kind]
        envs = [make(world) for _ in range(getattr(WORLDS[world], kind))]
        found[kind] = np.stack([play(envs, act, seed) for act in policies])
        for env in envs:
            env.close()
    return found


@contextmanager
def clock(taken: dict[str, float]) -> Iterator[None]:
    """Adds the seconds inside, by the clock and of all processors, to those taken."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    taken["wall_seconds"] = taken.get("wall_seconds", 0.0) + time.perf_counter() - wall
    taken["cpu_seconds"] = taken.get("cpu_seconds", 0.0) + time.process_time() - cpu


def save(path: Path, record: dict[str, Any], returns: dict[str, np.ndarray], packages: Sequence[str]) -> None:
    """One result, written at once or not at all."""
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}
    record = record | {"versions": versions} | {kind: rounded(values) for kind, values in returns.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record) + "\n")
    part.replace(path)
    print(path, {key: value for key, value in record.items() if key not in returns})


def save_conditioned(
    path: Path, record: dict[str, Any], policy: Callable[[np.ndarray], Act], steps: int, packages: Sequence[str]
) -> None:
    """Two results of one network that is conditioned on weights (m): at weights of a grid, of which any k are chosen,
    and with every user's own weights, as a ceiling.

    ``path`` and the record are of the first; ``policy`` takes weights, ``steps`` is 1 over the width of the grid.
    """
    world, method = record["world"], record["method"]
    served = users(world)
    grid = weights_on_simplex(served.shape[1], steps)
    found = judge(world, [policy(weights) for weights in grid])
    save(path, record | {"k": None, "weights": grid.tolist()}, found, packages)
    own = judge(world, [policy(weights) for weights in served], kinds=("fresh",))
    ceiling = record | {"method": f"{method}, unrestricted", "own": True, "k": len(served)}
    save(path.with_name(path.name.replace(method, f"{method}-unrestricted", 1)), ceiling, own, packages)


def rounded(values: np.ndarray) -> Any:
    """As lists, to 1e-4."""
    return np.round(values, 4).tolist()


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all peers have."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--world", choices=tuple(WORLDS), required=True)
    made.add_argument("--transitions", type=int, default=100_000, help="of all policies together")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--out", type=Path, required=True, help="folder of results")
    return made


def result_path(settings: argparse.Namespace, method: str, k: int | None) -> Path:
    """Where a result belongs (methods of any k have none in the name). A result that is there ends the script."""
    short = f"{settings.transitions:.0e}".replace("e+0", "e")
    budget = "" if k is None else f"-k{k}"
    path = Path(settings.out) / settings.world / f"{method}{budget}-{short}-seed{settings.seed}.json"
    if path.exists():
        sys.exit(0)
    return path


def weights_on_simplex(size: int, steps: int) -> np.ndarray:
    """All weights (w, m) that are multiples of 1 / steps and sum to one."""
    if size == 1:
        return np.full((1, 1), 1.0)
    rows = [
        np.concatenate([[first / steps], (steps - first) / steps * rest])
        for first in range(steps + 1)
        for rest in (weights_on_simplex(size - 1, steps - first) if first < steps else np.eye(1, size - 1))
    ]
    return np.array(rows)
