"""CPU seconds of whole trainings, one preset after the other in turns, so that they share the machine's moods.

Prints one JSON object. Each training is a ``policybudget train`` of its own on one core; its seconds are those of its
process, user and system, with starting, compiling, judging and drawing. Welfare is what the training reports.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Train in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="half-cheetah-velocity")
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--budget", type=int, default=5)
    parser.add_argument("--transitions", type=int, default=400_000, help="per policy")
    parser.add_argument(
        "--presets", nargs="+", default=["plain", "default"], help="the first is what others are set against"
    )
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--seed", type=int, default=62, help="of the training and of the draw of the users")
    settings = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    runs: dict[str, list[dict[str, float]]] = {preset: [] for preset in settings.presets}
    for _ in range(settings.turns):
        for preset, done in runs.items():
            done.append(trained(preset, settings))
            print(preset, done[-1], file=sys.stderr, flush=True)
    seconds = {preset: statistics.mean(run["cpu_seconds"] for run in done) for preset, done in runs.items()}
    first = seconds[settings.presets[0]]
    print(json.dumps({
        "world": settings.world, "transitions": settings.transitions, "cpu_seconds": seconds,
        f"to_{settings.presets[0]}": {preset: round(mean / first, 3) for preset, mean in seconds.items()}, "runs": runs,
    }, indent=1))  # fmt: skip


def trained(preset: str, settings: argparse.Namespace) -> dict[str, float]:
    """One training.

    Args:
        preset: its name.
        settings: of the command.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked = {
            "--world": settings.world, "--agents": settings.agents, "--budget": settings.budget, "--preset": preset,
            "--transitions": settings.transitions, "--population-seed": settings.seed, "--seed": settings.seed,
            "--cores": 1, "--out": Path(folder, "run"),
        }  # fmt: skip
        words = [str(word) for option in asked.items() for word in option]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "policybudget", "train", *words, "--quiet"],
            capture_output=True,
            text=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(done.stderr)
        seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        found = re.search(r"welfare ([-\d.]+)", done.stdout)
        return {"cpu_seconds": round(seconds, 1), "welfare": float(found[1]) if found else float("nan")}


if __name__ == "__main__":
    main()
