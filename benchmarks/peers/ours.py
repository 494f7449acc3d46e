"""policybudget itself, judged as its peers are: ``--k 5 --preset default`` (or plain, paper; or ``growing``: the
default with one policy for all first, ``--search growing --whole 0.2``). Transitions are those of all policies; seconds
include compilation. It runs in the environment of the package, with MO-Gymnasium."""

from __future__ import annotations

from typing import Any

import numpy as np
from common import USERS, clock, judge, parser, result_path, save

import policybudget as pb

GROWING = "growing"


def problem_of(world: str, k: int) -> pb.RepresentedMDP:
    """The users of the comparison."""
    return pb.make_problem(f"gym:{world}", budget=k, population=str(USERS / f"{world}.csv"))


def policies_of(result: Any) -> list[Any]:
    """As they are judged: greedy."""

    def policy(index: int) -> Any:
        return lambda seen: np.asarray(result.act(seen, policy=index))

    return [policy(index) for index in range(result.budget)]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--preset", choices=("default", "plain", "paper", GROWING), default="default")
    settings = options.parse_args()
    world, k, taken = settings.world, settings.k, {}
    path = result_path(settings, f"policybudget-{settings.preset}", k)
    with clock(taken):
        problem = problem_of(world, k)
        each = settings.transitions // k
        search = pb.Growing(whole=0.2, keep_times=0) if settings.preset == GROWING else None
        preset = "default" if settings.preset == GROWING else settings.preset
        result = pb.train(problem, search=search, preset=preset, transitions=each, seed=settings.seed, quiet=True)
    record = {
        "method": f"policybudget, {settings.preset}", "world": world, "k": k, "seed": settings.seed,
        "transitions": result.transitions, **taken,
    }  # fmt: skip
    save(path, record, judge(world, policies_of(result)), ("jax", "policybudget", "mo-gymnasium", "mujoco"))


if __name__ == "__main__":
    main()
