"""Archives of Stable-Baselines3 without it: weights by torch's safe reader, for which NumPy stands in."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.policies.elsewhere.sb3_file import read_sb3
from policybudget.units import Units

RNG = np.random.default_rng(0)
SEEN = RNG.normal(size=(50, 3)).astype(np.float32)
BOX = Units("box", (2,), (-0.2, 0.0), (0.2, 3.0), stretched=True, shape=(2,), dtype="float32")


class Tensor:
    """As much of a tensor as is read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def float(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self.array


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are kept by NumPy here; the real reader was asked for weights alone."""

    def load(file: Any, map_location: str, weights_only: bool) -> dict[str, Tensor]:
        assert weights_only and map_location == "cpu"
        with np.load(file) as arrays:
            return {name: Tensor(arrays[name]) for name in arrays}

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(load=load))


def dense(*sizes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (RNG.normal(size=(out, into)).astype(np.float32), RNG.normal(size=out).astype(np.float32))
        for into, out in pairwise(sizes)
    ]


def archive(path: Path, layers: dict[str, tuple[np.ndarray, np.ndarray]], **data: Any) -> Path:
    arrays = {f"{name}.weight": w for name, (w, _) in layers.items()} | {f"{n}.bias": b for n, (_, b) in layers.items()}
    weights = io.BytesIO()
    np.savez(weights, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data", json.dumps(data))
        file.writestr("policy.pth", weights.getvalue())
    return path


def out(layers: list[tuple[np.ndarray, np.ndarray]], activation: Any) -> np.ndarray:
    x = SEEN
    for weight, bias in layers[:-1]:
        x = activation(x @ weight.T + bias)
    return np.asarray(x @ layers[-1][0].T + layers[-1][1])


def test_ppo(tmp_path: Path) -> None:
    layers = dense(3, 8, 4, 2)
    names = ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net")
    value = {"mlp_extractor.value_net.0": layers[0], "value_net": layers[2]}
    path = archive(tmp_path / "ppo.zip", dict(zip(names, layers, strict=True)) | value)
    expected = np.clip(out(layers, np.tanh), [-0.2, 0.0], [0.2, 3.0])
    np.testing.assert_allclose(read_sb3(path, BOX)(SEEN), expected, atol=1e-6)
    several = Units("multi-discrete", (1, 1), shape=(2,))
    np.testing.assert_array_equal(read_sb3(path, several)(SEEN), np.zeros((50, 2)))
    one = Units("discrete", (2,), start=(3,))
    np.testing.assert_array_equal(read_sb3(path, one)(SEEN), 3 + out(layers, np.tanh).argmax(axis=1))


def test_another_activation_is_read_from_plain_text(tmp_path: Path) -> None:
    layers = dense(3, 5, 2)
    named = dict(zip(("mlp_extractor.policy_net.0", "action_net"), layers, strict=True))
    kwargs = {":serialized:": "never read", "activation_fn": "<class 'torch.nn.modules.activation.ReLU'>"}
    path = archive(tmp_path / "a2c.zip", named, policy_kwargs=kwargs)
    expected = out(layers, lambda x: np.maximum(x, 0)).argmax(axis=1)
    np.testing.assert_array_equal(read_sb3(path, Units("discrete", (2,)))(SEEN), expected)
    kwargs["activation_fn"] = "<class 'torch.nn.modules.activation.SiLU'>"
    with pytest.raises(PolicyBudgetError, match="has activation SiLU, not one of Tanh, ReLU"):
        read_sb3(archive(path, named, policy_kwargs=kwargs), BOX)


@pytest.mark.parametrize("names", [("actor.latent_pi.0", "actor.mu"), ("actor.mu.0", "actor.mu.2")], ids=["SAC", "TD3"])
def test_squashed_actions_are_stretched_to_the_bounds(names: tuple[str, ...], tmp_path: Path) -> None:
    layers = dense(3, 5, 2)
    critic = {"critic.qf0.0": layers[0]}
    path = archive(tmp_path / "x.zip", dict(zip(names, layers, strict=True)) | critic)
    squashed = np.tanh(out(layers, lambda x: np.maximum(x, 0)))
    expected = np.array([0.0, 1.5]) + np.array([0.2, 1.5]) * squashed
    np.testing.assert_allclose(read_sb3(path, BOX)(SEEN), expected, atol=1e-6)


def test_dqn(tmp_path: Path) -> None:
    layers = dense(3, 5, 4)
    path = archive(tmp_path / "dqn.zip", dict(zip(("q_net.q_net.0", "q_net.q_net.2"), layers, strict=True)))
    expected = out(layers, lambda x: np.maximum(x, 0)).argmax(axis=1)
    np.testing.assert_array_equal(read_sb3(path, Units("discrete", (4,)))(SEEN), expected)


def test_what_is_wrong_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = dense(3, 5, 2)
    good = archive(tmp_path / "good.zip", dict(zip(("q_net.q_net.0", "q_net.q_net.2"), layers, strict=True)))
    with pytest.raises(PolicyBudgetError, match="good.zip gives 2 numbers, but an action of the world takes 4"):
        read_sb3(good, Units("discrete", (4,)))
    with pytest.raises(PolicyBudgetError, match="good.zip takes 3 numbers, the world gives 5"):
        read_sb3(good, BOX)(np.zeros((1, 5), np.float32))
    images = archive(tmp_path / "cnn.zip", {"features_extractor.cnn.0": layers[0], "action_net": layers[1]})
    with pytest.raises(PolicyBudgetError, match="no network of dense layers alone .MlpPolicy.; load it in a function"):
        read_sb3(images, BOX)
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(PolicyBudgetError, match="text.zip is no archive of Stable-Baselines3: BadZipFile"):
        read_sb3(tmp_path / "text.zip", BOX)
    with pytest.raises(PolicyBudgetError, match="none.zip: file not found"):
        read_sb3(tmp_path / "none.zip", BOX)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(PolicyBudgetError, match=r'need torch: pip install "policybudget\[sb3\]"'):
        read_sb3(good, BOX)
