"""Do policies reach over HTTP what they reach in JAX? Four worlds, from training to episodes played over HTTP.

``python experiments/deployment/served.py [--worlds resource-gathering cartpole half-cheetah glucose]`` trains each a
moment (that both are equal is the point, not how good they are), seals a bundle, serves it on a free port of this
machine and plays the same seeded episodes twice: with greedy actions in JAX, and with actions asked of ``/act``, one
request per policy and step for all copies of the world. It prints mean returns over episodes and users side by side,
and the largest difference of two actions for the same observation, in the environment's units. Where the world is
chaotic (the robot), differences in the last digit of an action grow to others in the return.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from policybudget.assessment.trained_for import problem_of
from policybudget.deployment.export import export
from policybudget.deployment.service.client import Client, running
from policybudget.policies.elsewhere.functions import FunctionPolicies
from policybudget.policies.stacked import Policies, act
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import play
from policybudget.runs.result import Result, load

USERS = "name,0\nann,1\nbob,0.5\n"
SMALL = ("--steps", "64", "--copies", "8")
WORLDS = {
    "resource-gathering": ("--world", "resource-gathering", "--budget", "3", "--transitions", "30000"),
    "cartpole": ("--world", "gym:CartPole-v1", "--population", "users.csv", "--budget", "2", "--transitions", "20000"),
    "half-cheetah": (
        "--world", "half-cheetah-velocity", "--agents", "10", "--budget", "2", "--transitions", "8192", *SMALL,
    ),
    "glucose": ("--world", "glucose", "--agents", "6", "--budget", "2", "--transitions", "8192", *SMALL),
}  # fmt: skip
_act = eqx.filter_jit(act)


@dataclass(frozen=True)
class Compared:
    """One world.

    Attributes:
        jax: (k) mean return of each policy over episodes and users, with actions in JAX.
        http: (k) the same over HTTP.
        apart: the largest difference of two actions for the same observation.
        requests: that were made.
        seconds: that these episodes took.
    """

    jax: np.ndarray
    http: np.ndarray
    apart: float
    requests: int
    seconds: float


def in_jax(policies: Policies, policy: int, problem: RepresentedMDP) -> Callable[[np.ndarray], np.ndarray]:
    """A policy from (B, o) observations to greedy actions in the environment's units."""
    own, world = policies.of(jnp.array([policy])), problem.world
    return lambda rows: world.units(np.asarray(_act(own, world.actions, jnp.asarray(rows)[None], None))[0])


def compared(result: Result, problem: RepresentedMDP, url: str, episodes: int, seed: int = 0) -> Compared:
    """Play the same episodes twice.

    Args:
        result: of the training.
        problem: that it was for.
        url: where its bundle is served.
        episodes: per policy, and per user where they have dynamics of their own.
        seed: of the episodes.
    """
    units, rewards, counts = problem.world.units, problem.population.rewards, {"apart": 0.0, "requests": 0.0}
    known = [in_jax(result.policies, policy, problem) for policy in range(result.budget)]

    def over_http(policy: int) -> Callable[[np.ndarray], np.ndarray]:
        def asked(rows: np.ndarray) -> np.ndarray:
            found = np.asarray(client.act(rows, policy=policy), units.dtype)
            difference = np.abs(found.astype(np.float64) - known[policy](rows)).max()
            counts["apart"], counts["requests"] = max(counts["apart"], float(difference)), counts["requests"] + 1
            return found

        return asked

    def returns(functions: list[Callable[[np.ndarray], np.ndarray]]) -> np.ndarray:
        policies = FunctionPolicies(functions, units)
        played = play(problem.world, rewards, policies, jax.random.key(seed), episodes, True)
        return np.asarray(rewards.agents(played.returns.mean(axis=1)), np.float64).mean(axis=1)

    there = returns(known)
    with Client(url) as client:
        began = time.perf_counter()
        here = returns([over_http(policy) for policy in range(result.budget)])
        seconds = time.perf_counter() - began
    return Compared(there, here, counts["apart"], int(counts["requests"]), seconds)


def main() -> None:
    """Train, seal, serve, play, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS), metavar="NAME")
    parser.add_argument("--episodes", type=int, default=10)
    given = parser.parse_args()
    print(f"{'world':<18} {'policy':>6} {'return in JAX':>14} {'over HTTP':>12} {'actions apart':>14} {'requests':>9}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "users.csv").write_text(USERS)
        for name in given.worlds:
            run = place / name
            words = [sys.executable, "-m", "policybudget", "train", *WORLDS[name], "--out", str(run), "--quiet"]
            subprocess.run(words, check=True, cwd=place)
            bundle = export(run, place / f"{name}-bundle", episodes=2).bundle.folder
            result = load(run)
            with running(bundle, ("--rate", "0", "--log", "events")) as (url, _):
                found = compared(result, problem_of(run, result), url, given.episodes)
            for policy, (there, here) in enumerate(zip(found.jax, found.http, strict=True)):
                line = f"{name:<18} {policy:>6} {there:>14.6f} {here:>12.6f} {found.apart:>14.1e} {found.requests:>9}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
