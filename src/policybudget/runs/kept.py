"""The policies that a run keeps besides those of its result: of every phase of a pool, for who chooses among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from policybudget.errors import RunFolderError
from policybudget.policies.architecture import Architecture
from policybudget.runs import arrays, files

FOLDER = "kept"


def keep(folder: Path, name: str, policies: Mapping[str, np.ndarray]) -> None:
    """Write policies into a run folder.

    Args:
        folder: of the run.
        name: of the file, without its ending; names sort as they are read.
        policies: arrays by name, as :meth:`policybudget.policies.stacked.Policies.arrays` has them.

    Raises:
        RunFolderError: the file cannot be written.
    """
    files.write(folder / FOLDER / f"{name}.safetensors", arrays.dump(policies))


def kept(folder: Path, architecture: Architecture) -> dict[str, dict[str, np.ndarray]]:
    """All that a run keeps.

    Args:
        folder: of the run.
        architecture: of its policies.

    Returns:
        The arrays of the policies in each file, by its name without the ending.

    Raises:
        RunFolderError: nothing is kept, or a file is damaged or does not fit the run.
    """
    found = {}
    for path in sorted((folder / FOLDER).glob("*.safetensors")):
        policies, _ = arrays.load(path)
        stacked = [array.shape[0] for array in policies.values() if array.ndim == 3]
        arrays.fit(path, policies, architecture.shapes(max(stacked, default=0)), exactly=True)
        arrays.numbers(path, policies)
        found[path.stem] = policies
    if not found:
        raise RunFolderError(f"{folder} keeps no policies besides its result; train with --search pool")
    return found
