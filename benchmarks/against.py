"""Speed beside another commit: both take turns, round by round, so that they share the machine's moods.

``python benchmarks/against.py CLONE [options of throughput.py]``, where CLONE is a clone of this repository at the
other commit. Prints one JSON object: for each part of an iteration the median over rounds of seconds there / seconds
here (above 1: this commit is faster), and a 95 % interval of it (order statistics). Nothing else may run meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

HERE = Path(__file__).parents[1]
ROUNDS = 40


def main() -> None:
    other, options = Path(sys.argv[1]).absolute(), sys.argv[2:]
    servers = [started(folder, options) for folder in (HERE, other)]
    rounds = []
    for number in range(ROUNDS):
        order = servers if number % 2 else servers[::-1]
        taken = {server.pid: asked(server) for server in order}
        rounds.append([taken[server.pid] for server in servers])
    for server in servers:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
    ratios = {part: np.array([there[part] / here[part] for here, there in rounds]) for part in rounds[0][0]}
    found = {"options": options, "rounds": ROUNDS} | {part: median(x) for part, x in ratios.items()}
    print(json.dumps(found, indent=2))


def started(folder: Path, options: list[str]) -> Any:
    """throughput.py of a clone, ready for rounds."""
    command = [sys.executable, str(folder / "benchmarks" / "throughput.py"), "--serve", *options]
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    if server.stdout.readline().strip() != "ready":
        sys.exit(f"{folder} did not get ready: it needs a throughput.py that knows --serve")
    return server


def asked(server: Any) -> dict[str, float]:
    """One round."""
    print(file=server.stdin, flush=True)
    seconds: dict[str, float] = json.loads(server.stdout.readline())
    return seconds


def median(ratios: np.ndarray) -> dict[str, float]:
    """With the order statistics that enclose it with 95 %."""
    low, high = stats.binom.ppf([0.025, 0.975], len(ratios), 0.5).astype(int)
    ordered = np.sort(ratios)
    shown = {"median": np.median(ratios), "low": ordered[low], "high": ordered[min(high, len(ratios) - 1)]}
    return {name: round(float(value), 3) for name, value in shown.items()}


if __name__ == "__main__":
    main()
