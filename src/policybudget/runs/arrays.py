"""Named arrays as safetensors files, with a digest of their own, in NumPy alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from policybudget.errors import RunFolderError
from policybudget.runs import files


def dump(arrays: Mapping[str, np.ndarray], **metadata: str) -> bytes:
    """Arrays as the content of a safetensors file, with a digest of all arrays in its metadata.

    Args:
        arrays: by name.
        **metadata: texts to be saved with the arrays.

    Returns:
        The content of the file.
    """
    return _ordered(save(dict(arrays), metadata={**metadata, "digest": _digest(arrays)}))


def load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a file that :func:`dump` made.

    Args:
        path: the file.

    Returns:
        The arrays by name, and the texts of the metadata.

    Raises:
        RunFolderError: the file is missing, truncated or changed.
    """
    arrays, metadata = read(path)
    if metadata.get("digest") != _digest(arrays):
        raise RunFolderError(f"{path} does not match its hash: it was changed or damaged")
    return arrays, metadata


def fingerprint(arrays: Mapping[str, np.ndarray], policy: int) -> str:
    """The hash of all numbers that one policy of several acts by.

    Args:
        arrays: of the policies by name, as :meth:`policybudget.policies.stacked.Policies.arrays` has them; those with
            three axes have the policies on the first one, or a single entry that all share.
        policy: its index.

    Returns:
        SHA-256 in hexadecimal digits. Two policies with the same one act alike, whatever they share with others.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        own = array[policy if len(array) > 1 else 0] if array.ndim == 3 else array
        while own.ndim and len(own) == 1:  # a row by itself or one of a table: the same numbers
            own = own[0]
        digest.update(f"{name} {own.dtype.str} {own.shape}\n".encode())
        digest.update(np.ascontiguousarray(own).tobytes())
    return digest.hexdigest()


def fit(
    path: Path, arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], exactly: bool = False
) -> None:
    """Refuse arrays that are not of the shapes that they must have.

    Args:
        path: the file that they are from, for the error.
        arrays: by name.
        shapes: by name.
        exactly: whether there may be no others.

    Raises:
        RunFolderError: an array is missing, has another shape, or is one too many.
    """
    if exactly and (strange := sorted(arrays.keys() - shapes.keys())):
        raise RunFolderError(f"{path} does not fit its configuration: {strange[0]} is none of its arrays")
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape:
            raise does_not_fit(path, name, shape, arrays)


def numbers(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse arrays of anything but finite numbers as policies have them (float32).

    Args:
        path: the file that they are from, for the error.
        arrays: by name.

    Raises:
        RunFolderError: an array is of another type, or holds NaN or an infinite number.
    """
    for name, array in arrays.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise RunFolderError(f"{path} is damaged: expected {name} to be finite numbers of type float32")


def does_not_fit(path: Path, name: str, shape: tuple[int, ...], arrays: Mapping[str, np.ndarray]) -> RunFolderError:
    """The error for an array of another shape than it must have.

    Args:
        path: the file that it is from.
        name: of the array.
        shape: that it must have.
        arrays: all that there are, by name.

    Returns:
        The error, to be raised.
    """
    got = arrays[name].shape if name in arrays else "nothing"
    return RunFolderError(f"{path} does not fit its configuration: expected {name} of shape {shape}, got {got}")


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the texts of a safetensors file, whether or not they match the digest.

    Args:
        path: the file.

    Returns:
        The arrays by name, and the texts of the metadata.

    Raises:
        RunFolderError: the file is missing, truncated or damaged.
    """
    files.size_of(path)
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            return arrays, file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise RunFolderError(f"{path} is truncated or damaged ({error})") from None


def _ordered(content: bytes) -> bytes:
    """The same file with its texts in order: the library writes them in one that differs from process to process."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[start:]


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
