"""What updates of a library's multi-task learners cost on Meta-World's 30 tasks, so that it is known what a run would.

``FOLDER/bin/python benchmarks/peers/metaworld_learners.py --code CLONE``, in an environment of its own
(``make_environment.py metaworld-algorithms FOLDER``). CLONE holds rainx0r/metaworld-algorithms (MIT licence, commit
30c9991), which is not changed; it is written for Python 3.12, and a copy is rewritten where 3.11 runs it.

Its examples take MT10 and one update per step of all tasks, with 128 transitions of each. The same is timed here with
30 tasks and random transitions, which cost what others do: no environment is stepped, and nothing is learned. Printed,
as JSON: seconds of an update (median), and the hours of so many frames for updates alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

OBSERVED, ACTIONS, PER_TASK, WARM = 39, 4, 128, 2


def rewritten(code: Path, folder: Path) -> None:
    """A copy of the package that Python 3.11 reads: type statements and ``typing.override`` came with 3.12."""
    shutil.copytree(code / "metaworld_algorithms", folder / "metaworld_algorithms")
    for file in (folder / "metaworld_algorithms").rglob("*.py"):
        text = re.sub(r"^type (\w+) = .*$", r"from typing import Any as \1", file.read_text(), flags=re.MULTILINE)
        text = re.sub(r"^from typing import (.*), override$", r"from typing import \1", text, flags=re.MULTILINE)
        text = re.sub(r"^from typing import override$", "", text, flags=re.MULTILINE)
        elsewhere = "from typing_extensions import override\n" if "@override" in text else ""
        file.write_text(elsewhere + text)


def learners(tasks: int) -> dict[str, Any]:
    """Settings of MTSAC with each network, as in the library's examples for MT10."""
    from metaworld_algorithms.config.networks import ContinuousActionPolicyConfig, QValueFunctionConfig
    from metaworld_algorithms.config.nn import CAREConfig, MOOREConfig, SoftModulesConfig, VanillaNetworkConfig
    from metaworld_algorithms.config.optim import OptimizerConfig, PCGradConfig
    from metaworld_algorithms.rl.algorithms.mtsac import MTSACConfig

    adam = OptimizerConfig(lr=3e-4, max_grad_norm=1.0)
    surgery = PCGradConfig(num_tasks=tasks, lr=3e-4, max_grad_norm=1.0)
    networks = {
        "MTSAC": VanillaNetworkConfig(optimizer=adam),
        "MOORE": MOOREConfig(num_tasks=tasks, optimizer=adam),
        "CARE": CAREConfig(num_tasks=tasks, optimizer=adam),
        "soft modularisation": SoftModulesConfig(num_tasks=tasks, optimizer=adam),
        "PCGrad": VanillaNetworkConfig(optimizer=surgery),
    }
    return {
        name: MTSACConfig(
            num_tasks=tasks,
            actor_config=ContinuousActionPolicyConfig(network_config=network, log_std_min=-10, log_std_max=2),
            critic_config=QValueFunctionConfig(network_config=network),
            temperature_optimizer_config=OptimizerConfig(lr=1e-4),
        )
        for name, network in networks.items()
    }


def spaces(tasks: int) -> Any:
    """What a learner asks of an environment: its spaces."""
    import gymnasium
    import numpy as np
    from metaworld_algorithms.config.envs import EnvConfig

    @dataclass(frozen=True)
    class Spaces(EnvConfig):
        @cached_property
        def action_space(self) -> Any:
            return gymnasium.spaces.Box(-1.0, 1.0, (ACTIONS,), np.float32)

        @cached_property
        def observation_space(self) -> Any:
            return gymnasium.spaces.Box(-1.0, 1.0, (OBSERVED + tasks,), np.float64)

        def spawn(self, seed: int = 1) -> Any:
            raise NotImplementedError

        spawn_rendered = evaluate = spawn

    return Spaces("tasks")


def batch(tasks: int) -> Any:
    """Random transitions, as many of each task."""
    import numpy as np
    from metaworld_algorithms.types import ReplayBufferSamples

    random, rows = np.random.default_rng(0), tasks * PER_TASK
    which = np.repeat(np.eye(tasks), PER_TASK, axis=0)
    seen, after = (np.concatenate([random.uniform(-1, 1, (rows, OBSERVED)), which], axis=1) for _ in range(2))
    return ReplayBufferSamples(
        seen.astype(np.float32),
        random.uniform(-1, 1, (rows, ACTIONS)).astype(np.float32),
        after.astype(np.float32),
        np.zeros((rows, 1), np.float32),
        random.uniform(0, 10, (rows, 1)).astype(np.float32),
    )


def seconds_of(config: Any, tasks: int, updates: int) -> float:
    """The median update, without compilation."""
    import jax
    from metaworld_algorithms.rl.algorithms.mtsac import MTSAC

    learner, samples, found = MTSAC.initialize(config, spaces(tasks), 1), batch(tasks), []
    for _ in range(updates + WARM):
        began = time.perf_counter()
        learner, _ = learner.update(samples)
        jax.block_until_ready(learner.critic.params)
        found.append(time.perf_counter() - began)
    return statistics.median(found[WARM:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--code", type=Path, required=True, help="a clone of metaworld-algorithms")
    parser.add_argument("--tasks", type=int, default=30)
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--frames", type=int, default=3_000_000)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rewritten(settings.code, Path(folder))
        sys.path.insert(0, folder)
        report: dict[str, Any] = {"tasks": settings.tasks, "cores": len(os.sched_getaffinity(0))}
        for name, config in learners(settings.tasks).items():
            each = seconds_of(config, settings.tasks, settings.updates)
            hours = each * settings.frames / settings.tasks / 3600
            report[name] = {"seconds": round(each, 3), f"hours of {settings.frames:,} frames": round(hours, 1)}
            print(name, report[name], file=sys.stderr)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
