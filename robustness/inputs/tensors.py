"""The safetensors files of run folders: policies, returns, prototypes, checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import jax
import numpy as np
from safetensors.numpy import save

from policybudget.runs import arrays, tensors
from policybudget.training import checkpoint
from robustness.hostile import NAMES, VALUES, damaged
from robustness.inputs import place
from robustness.inputs.records import used
from robustness.judge import Case, Reader

FILES = ("policies.safetensors", "returns.safetensors", "prototypes.safetensors")
KINDS = (np.float64, np.float16, np.int64, np.uint8, np.bool_, np.int32)
TEXTS = {"phase": ("-1", "x", "", "1e400", "9" * 5000), "seconds": ("nan", "x", "-1", "inf", ""), "best": ("x", "inf")}


def changed(rng: Random, found: dict[str, np.ndarray], texts: dict[str, str]) -> bytes:
    """Arrays with damage and a digest that fits them, as of a file that was forged.

    Args:
        rng: decides the damage.
        found: the valid arrays.
        texts: the valid metadata.
    """
    found, texts = dict(found), {name: text for name, text in texts.items() if name != "digest"}
    name, kind = rng.choice(sorted(found)), rng.randrange(8)
    array = found[name]
    if kind == 0:
        del found[name]
    elif kind == 1:
        found[rng.choice(NAMES) or "x"] = array
    elif kind == 2:
        found[name] = array.astype(rng.choice(KINDS))
    elif kind == 3:
        found[name] = array[None] if rng.random() < 0.5 else array.reshape(-1)[:1]
    elif kind == 4:
        found[name] = np.full(array.shape, rng.choice([np.nan, np.inf, -1.0, 1e38, 7.0])).astype(array.dtype)
    elif kind == 5:
        found[name] = np.zeros(rng.choice([(0,), (), (0, 3), (3, 0), (1,) * 20]), array.dtype)
    elif kind == 6:
        texts = {}
    else:
        known = sorted(texts) or ["names"]
        key = rng.choice(known)
        texts[key] = rng.choice(TEXTS.get(key, VALUES)).encode("utf-8", "replace").decode()
    if rng.random() < 0.1:
        return save(found, metadata=texts)
    return arrays.dump(found, **texts)


def content_of(rng: Random, content: bytes, path: Path) -> tuple[bytes, bool]:
    """A file with damage or, now and then, without.

    Args:
        rng: decides the damage.
        content: the valid one.
        path: where it is put while its arrays are read.

    Returns:
        The content, and whether it is the valid one.
    """
    kind = rng.random()
    if kind < 0.03:
        return content, True
    if kind < 0.25:
        return damaged(rng, content), False
    if kind < 0.5:  # the header alone: lengths, types, offsets
        size = 8 + int.from_bytes(content[:8], "little")
        return damaged(rng, content[:size]) + content[size:], False
    path.write_bytes(content)
    return changed(rng, *arrays.read(path)), False


def of_run(folder: Path) -> Callable[[Random], Case]:
    """Tensors of a finished run, their hashes in the manifest, read as ``evaluate`` does."""
    run = place.run_folder(folder / "run")
    valid_ones = {name: (run / name).read_bytes() for name in (*FILES, "manifest.json")}

    def make(rng: Random) -> Case:
        for name, content in valid_ones.items():
            (run / name).write_bytes(content)
        name = rng.choice(FILES)
        content, valid = content_of(rng, valid_ones[name], run / name)
        (run / name).write_bytes(content)
        if rng.random() < 0.9:
            place.forged(run, name, content)
        return Case(f"{name} ({len(content)} bytes)", lambda: used(run), valid)

    return make


def of_checkpoint(folder: Path) -> Callable[[Random], Case]:
    """The checkpoint of a run, read as ``resume`` does."""
    path = place.run_folder(folder / "run") / checkpoint.NAME
    content = path.read_bytes()
    template, memory = place.template()
    rest = jax.tree.map(lambda _: tensors.ANY, memory)

    def call() -> None:
        checkpoint.reader(folder / "run")(template, 0, rest)

    def make(rng: Random) -> Case:
        damage, valid = content_of(rng, content, path)
        path.write_bytes(damage)
        return Case(f"{checkpoint.NAME} ({len(damage)} bytes)", call, valid)

    return make


READERS = (Reader("tensors of a run", 80, of_run), Reader("checkpoint", 60, of_checkpoint))
