"""Draws the users of the comparison: 100 each, with linear preferences, uniform on the simplex (the weights by which
multi-objective learning averages what it calls expected utility). ``python benchmarks/peers/draw_users.py`` writes
``users/WORLD.csv``, the same every time; policybudget reads them as ``--population``."""

from __future__ import annotations

import numpy as np
from common import USERS, WORLDS, make

NUMBER, SEED = 100, 0


def main() -> None:
    for world in WORLDS:
        env = make(world)
        size = env.unwrapped.reward_space.shape[0]
        weights = np.random.default_rng(SEED).dirichlet(np.ones(size), NUMBER)
        USERS.mkdir(exist_ok=True)
        lines = [",".join(map(str, range(size))), *(",".join(f"{w:.6f}" for w in row) for row in weights)]
        (USERS / f"{world}.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
