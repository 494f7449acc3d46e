from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open

from policybudget.errors import RunFolderError
from policybudget.runs import tensors
from policybudget.training import checkpoint
from policybudget.training.events import Event, Snapshot
from policybudget.training.state import TrainState


class Point(Snapshot):
    """A snapshot of something simpler than a training."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


class Heard(Event):
    """An event without a training behind it."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


def snapshot(value: float, phase: int = 0) -> Any:
    return Point(
        state={"x": jnp.full(3, float(value)), "key": jax.random.key(7)},
        phase=phase,
        seconds=1.25,
        memory=None,
        best=3.5,
    )


TEMPLATE = ({"x": jax.ShapeDtypeStruct((3,), jnp.float32), "key": jax.eval_shape(lambda: jax.random.key(0))}, None)


def event(iteration: int, seconds: float, iterations: int = 100) -> Any:
    known = {"iteration": iteration, "iterations": iterations, "seconds": seconds, "transitions": 8 * iteration}
    return Heard(**known, snapshot=snapshot(iteration))


def saved(folder: Path) -> float | None:
    path = folder / checkpoint.NAME
    return float(tensors.load(path, TEMPLATE)[0][0]["x"][0]) if path.exists() else None


def test_roundtrip(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / checkpoint.NAME, snapshot(5.0, phase=1))
    (state, _), metadata = tensors.load(tmp_path / checkpoint.NAME, TEMPLATE)
    np.testing.assert_array_equal(state["x"], [5.0] * 3)
    np.testing.assert_array_equal(jax.random.key_data(state["key"]), jax.random.key_data(jax.random.key(7)))
    assert (metadata["phase"], metadata["seconds"], metadata["best"]) == ("1", "1.25", "3.5")
    with safe_open(tmp_path / checkpoint.NAME, framework="np") as file:
        assert set(file.keys()) == {"0.x", "0.key"}


def test_first_last_and_every_few_seconds(tmp_path: Path) -> None:
    listener = checkpoint.Checkpoints(tmp_path, every=5.0)
    kept = []
    for iteration, seconds in ((1, 0.1), (2, 3.0), (3, 5.0), (4, 5.2), (5, 9.0), (6, 10.3), (100, 10.4)):
        listener(event(iteration, seconds))
        kept.append(saved(tmp_path))
    assert kept == [1.0, 1.0, 1.0, 4.0, 4.0, 6.0, 100.0]


@pytest.mark.parametrize("what", ["replace", "fsync"])
def test_a_failed_write_keeps_the_last_good_checkpoint(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / checkpoint.NAME
    checkpoint.save(path, snapshot(1.0))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, what, full)
        with pytest.raises(RunFolderError, match="cannot write .*: no space left on device; make room"):
            checkpoint.save(path, snapshot(2.0))
    assert saved(tmp_path) == 1.0
    assert [p.name for p in path.parent.iterdir()] == [path.name], "no temporary file may stay"
    checkpoint.save(path, snapshot(2.0))
    assert saved(tmp_path) == 2.0


def test_nothing_to_resume_from(tmp_path: Path) -> None:
    assert checkpoint.reader(tmp_path)(object.__new__(TrainState), 0, False) is None


@pytest.mark.parametrize("damage", ["truncated", "changed", "empty", "garbage"])
def test_damaged(damage: str, tmp_path: Path) -> None:
    path = tmp_path / checkpoint.NAME
    checkpoint.save(path, snapshot(1.0))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(
        {"truncated": bytes(content[:-5]), "changed": bytes(content), "empty": b"", "garbage": b"x" * 99}[damage]
    )
    with pytest.raises(RunFolderError, match="truncated or damaged|does not match its hash") as caught:
        tensors.load(path, TEMPLATE)
    assert "\n" not in str(caught.value)
