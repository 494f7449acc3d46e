"""Where the descriptions of Meta-World's tasks lie: writes src/policybudget/worlds/metaworld/embeddings.csv.

``python -m experiments.metaworld.embed [--components 2]`` embeds the descriptions in tasks.csv with WordLlama
(``policybudget[text]``), takes the principal components of those of the 30 tasks for training, and puts all 50 tasks on
these axes, each divided by the standard deviation of the tasks for training. Held-out tasks have no part in the axes.
It prints how much of the variance the axes have, and how many tasks for training a cover of three prototypes reaches.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import policybudget.worlds.metaworld as package
from policybudget.covers import cover
from policybudget.covers.descriptions import Encoder, encoder
from policybudget.runs import files
from policybudget.worlds.metaworld.names import task_sets, tasks

DIGITS = 4


def places(encode: Encoder, components: int) -> tuple[np.ndarray, np.ndarray]:
    """(50, components) where tasks lie, and (components,) the share of the variance that each axis has."""
    known, train = tasks(), task_sets()["train30"]
    vectors = np.asarray(encode([task.description for task in known.values()]), np.float64)
    mine = vectors[[name in train for name in known]]
    centre = mine.mean(axis=0)
    _, spread, axes = np.linalg.svd(mine - centre, full_matrices=False)
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]  # signs are arbitrary
    scores = (vectors - centre) @ axes[:components].T
    deviation = ((mine - centre) @ axes[:components].T).std(axis=0)
    return scores / deviation, (spread**2 / (spread**2).sum())[:components]


def main() -> None:
    """Write the file and print what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--components", type=int, default=2, help="axes (default 2)")
    components = parser.parse_args().components
    found, shares = places(encoder("wordllama"), components)
    found = found.round(DIGITS)
    rows = [",".join([name, *(f"{x:.{DIGITS}f}" for x in row)]) for name, row in zip(tasks(), found, strict=True)]
    header = ",".join(["name", *(f"axis {i + 1}" for i in range(components))])
    files.write(Path(package.__file__).parent / "embeddings.csv", "\n".join([header, *rows, ""]))
    print(f"variance of the axes: {', '.join(f'{share:.3f}' for share in shares)}")
    train = np.array([name in task_sets()["train30"] for name in tasks()])
    for radius in (0.4, 0.6, 0.8, 1.0, 1.2):
        covered = cover(found[train], 3, radius)
        held = covered.nearest(found[~train])[1] <= radius
        print(f"radius {radius}: {covered.coverage:.2f} of the 30, {held.mean():.2f} of the 20")


if __name__ == "__main__":
    main()
