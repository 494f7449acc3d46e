"""Pytrees of arrays as safetensors files: named arrays and a digest, no code. Random keys are saved as integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from policybudget.errors import RunFolderError
from policybudget.runs import arrays

Tree = TypeVar("Tree")

ANY = object()
"""In the template of :func:`load`: an array of any shape, which is loaded as a NumPy array."""


def named(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a pytree by name.

    Args:
        tree: any pytree; leaves that are not arrays are left out.

    Returns:
        NumPy arrays by their path in the tree, with dots between its parts; random keys as integers.
    """
    out = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        if _is_key(leaf):
            leaf = jax.random.key_data(leaf)
        if isinstance(leaf, jax.Array | np.ndarray):
            out[jax.tree_util.keystr(path, simple=True, separator=".")] = np.asarray(leaf)
    return out


def dump(tree: Any, **metadata: str) -> bytes:
    """The arrays of a pytree as the content of a safetensors file, with a digest of all arrays in its metadata.

    Args:
        tree: any pytree; leaves that are not arrays are left out.
        **metadata: texts to be saved with the arrays.

    Returns:
        The content of the file.
    """
    return arrays.dump(named(tree), **metadata)


def load(path: Path, template: Tree) -> tuple[Tree, dict[str, str]]:
    """A pytree like a template, with the arrays of a file that :func:`dump` made.

    Args:
        path: the file.
        template: a pytree with the same paths; its leaves are arrays of the same shapes, their shapes only, or ``ANY``
            for a shape that is not known. Other leaves are kept.

    Returns:
        The pytree (NumPy arrays where the template has them, JAX arrays elsewhere), and the texts of the metadata.

    Raises:
        RunFolderError: the file is missing, truncated or changed, or does not fit the template.
    """
    kept, metadata = arrays.load(path)

    def fill(where: Any, leaf: Any) -> Any:
        name = jax.tree_util.keystr(where, simple=True, separator=".")
        if leaf is ANY and name in kept:
            return kept[name]
        if not (_is_key(leaf) or hasattr(leaf, "shape") or leaf is ANY):
            return leaf
        if leaf is ANY:
            raise RunFolderError(f"{path} does not fit its configuration: {name} is missing")
        shape = jax.eval_shape(jax.random.key_data, leaf).shape if _is_key(leaf) else leaf.shape
        if name not in kept or kept[name].shape != shape:
            raise arrays.does_not_fit(path, name, shape, kept)
        if isinstance(leaf, np.ndarray):
            return kept[name]  # a host world's own state: 64 bits stay 64 bits
        kind = jax.eval_shape(jax.random.key_data, leaf).dtype if _is_key(leaf) else leaf.dtype
        if kept[name].dtype != kind:
            raise RunFolderError(
                f"{path} does not fit its configuration: expected {name} of type {kind}, got {kept[name].dtype}"
            )
        array = jnp.asarray(kept[name])
        return jax.random.wrap_key_data(array) if _is_key(leaf) else array

    return jax.tree_util.tree_map_with_path(fill, template), metadata


def metadata(path: Path) -> dict[str, str]:
    """The texts that were saved with the arrays of a file.

    Args:
        path: the file.

    Returns:
        The texts by name, and the digest.

    Raises:
        RunFolderError: the file is missing, truncated or damaged.
    """
    return arrays.read(path)[1]


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
