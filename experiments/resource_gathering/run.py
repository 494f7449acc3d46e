"""Figure 2 of Ivanov & Ben-Porat 2024: welfare in Resource Gathering for each budget and algorithm.

``python experiments/resource_gathering/run.py`` trains what is not yet in ``results.csv`` beside this file, a
core per run, and prints the table; ``--table`` only prints. Welfare is that of greedy policies on fresh
episodes, mean over the 25 users.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from runner import Run, main

OPTIMUM = {1: 74.00, 2: 86.00, 3: 89.28, 5: 91.04, 10: 92.32, 25: 93.56}
PAPER = {3: "> 85", 10: "> 90", 25: "93.6"}


def runs(chosen: Namespace) -> Iterator[Run]:
    """Every run of the figure, small budgets first."""
    for budget in chosen.budgets:
        for preset in chosen.presets:
            for algorithm in chosen.algorithms:
                for seed in chosen.seeds:
                    yield Run("resource-gathering", 25, preset, algorithm, budget, 1_000_000, seed, chosen.variant)


def reference(run: Run) -> str:
    """The exact optimum, and the number that the paper's text gives for its algorithms, if it does."""
    paper = PAPER.get(run.budget, "figure only") if run.algorithm in ("em", "end-to-end") else "figure only"
    return f"{OPTIMUM[run.budget]:.2f}     {paper}"


if __name__ == "__main__":
    defaults: dict[str, list[int]] = {"budgets": [1, 3, 5, 10, 25], "seeds": [0, 1, 2]}
    main(Path(__file__).with_name("results.csv"), str(__doc__), runs, reference, "optimum   paper", defaults)  # type: ignore[arg-type]
