"""The least that there is to beat: the robot does nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from common import judge, make, parser, result_path, save

NO_TORQUE = 4
"""Of mo-reacher's nine pairs of torques, the one of zeros."""


def main() -> None:
    settings = parser(__doc__).parse_args()
    settings.transitions = 0
    path = result_path(settings, "idle", 1)
    space: Any = make(settings.world).action_space
    still = np.zeros(space.shape, np.float32) if space.shape else np.int64(NO_TORQUE)
    found = judge(settings.world, [lambda seen: np.stack([still] * len(seen))])
    record = {"method": "idle", "world": settings.world, "k": 1, "seed": settings.seed}
    record |= {"transitions": 0, "cpu_seconds": 0.0, "wall_seconds": 0.0}
    save(path, record, found, ("mo-gymnasium", "mujoco"))


if __name__ == "__main__":
    main()
