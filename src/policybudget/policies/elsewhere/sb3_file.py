"""A policy that Stable-Baselines3 saved: its weights are read, nothing of its code or its pickles is run.

An archive of Stable-Baselines3 holds pickles, which run code when they are loaded. Read are the weights alone
(``policy.pth``, by ``torch.load(weights_only=True)``) and the plain text of ``data``. That is enough for networks of
dense layers on flat observations (``MlpPolicy``) of PPO, A2C, SAC, TD3, DDPG and DQN. Anything else is a function in
a file of one's own, which may load it as its author does.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from policybudget.errors import PolicyBudgetError, extra
from policybudget.from_file import line
from policybudget.policies.elsewhere.functions import Function
from policybudget.units import Units

Arrays = dict[str, np.ndarray]


class Layout(NamedTuple):
    """How an algorithm names the layers of its actor.

    Attributes:
        layers: prefix of the numbered layers.
        head: the last layer, if it has a name of its own.
        activation: between layers, if the archive does not say.
        squashed: whether actions are tanh of the output, to be stretched to the bounds.
    """

    layers: str
    head: str | None
    activation: str
    squashed: bool


LAYOUTS = (
    Layout("mlp_extractor.policy_net", "action_net", "Tanh", False),  # PPO, A2C
    Layout("actor.latent_pi", "actor.mu", "ReLU", True),  # SAC
    Layout("actor.mu", None, "ReLU", True),  # TD3, DDPG
    Layout("q_net.q_net", None, "ReLU", False),  # DQN
)
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "LeakyReLU": lambda x: np.where(x > 0, x, 0.01 * x),
}
REMEDY = "load it in a function of your own: python:FILE.py:NAME"


def read_sb3(path: Path, units: Units) -> Function:
    """The policy of a zip file of Stable-Baselines3, as ``predict(deterministic=True)`` acts.

    Statistics of ``VecNormalize`` are in no such file: a policy that was trained with them needs a function of one's
    own that applies them.

    Args:
        path: of the zip file.
        units: of the actions of the world that it acts in.

    Returns:
        The policy.

    Raises:
        PolicyBudgetError: torch is not installed, or the file is missing, damaged or of a kind that is not read.
    """
    weights, data = _opened(path)
    layout = next((one for one in LAYOUTS if any(name.startswith(one.layers + ".") for name in weights)), None)
    if layout is None or any(name.startswith(("features_extractor.", "actor.features")) for name in weights):
        raise PolicyBudgetError(f"sb3:{path} has no network of dense layers alone (MlpPolicy); {REMEDY}")
    pairs = _dense(path, weights, layout)
    activation = _activation(path, data, layout)
    if pairs[-1][0].shape[1] != units.outputs:
        raise PolicyBudgetError(
            f"sb3:{path} gives {pairs[-1][0].shape[1]} numbers, but an action of the world takes {units.outputs}"
        )

    def policy(observations: np.ndarray) -> np.ndarray:
        x = observations
        if x.shape[1] != pairs[0][0].shape[0]:
            raise PolicyBudgetError(f"sb3:{path} takes {pairs[0][0].shape[0]} numbers, the world gives {x.shape[1]}")
        for weight, bias in pairs[:-1]:
            x = activation(x @ weight + bias)
        return _chosen(np.asarray(x @ pairs[-1][0] + pairs[-1][1]), units, layout.squashed)

    return policy


def _chosen(out: np.ndarray, units: Units, squashed: bool) -> np.ndarray:
    """Greedy actions from the outputs of the network."""
    if units.kind == "box":
        if squashed:
            return units(np.tanh(out))
        bounded = np.clip(out, np.asarray(units.low, np.float32), np.asarray(units.high, np.float32))
        return np.asarray(bounded.reshape(len(out), *units.shape).astype(units.dtype))
    parts = np.split(out, np.cumsum(units.sizes)[:-1], axis=1)
    picked = np.stack([part.argmax(axis=1) for part in parts], axis=1)
    return units(picked[:, 0] if units.kind == "discrete" else picked)


def _opened(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Weights by name, and what the archive says of itself."""
    with extra("sb3", "policies of Stable-Baselines3"):
        import torch
    if not path.is_file():
        raise PolicyBudgetError(f"sb3:{path}: file not found")
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
            found = torch.load(io.BytesIO(archive.read("policy.pth")), map_location="cpu", weights_only=True)
        return {name: tensor.float().numpy() for name, tensor in found.items()}, data
    except Exception as error:
        raise PolicyBudgetError(f"sb3:{path} is no archive of Stable-Baselines3: {line(error)}") from error


def _dense(path: Path, weights: Arrays, layout: Layout) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weight (i, o) and bias (o) of each layer; each takes what the one before gives."""
    layers = [*_numbered(weights, layout.layers), *([layout.head] if layout.head else [])]
    nothing = np.zeros(0)
    pairs = [(weights.get(f"{name}.weight", nothing).T, weights.get(f"{name}.bias", nothing)) for name in layers]
    for name, (weight, bias) in zip(layers, pairs, strict=True):
        if (
            weight.ndim != 2
            or bias.shape != weight.shape[1:]
            or not np.isfinite(weight).all() & np.isfinite(bias).all()
        ):
            raise PolicyBudgetError(f"sb3:{path}: expected {name} to be a dense layer of finite numbers; {REMEDY}")
    if any(one.shape[1] != other.shape[0] for (one, _), (other, _) in pairwise(pairs)):
        raise PolicyBudgetError(f"sb3:{path}: expected layers each of which takes what the one before gives; {REMEDY}")
    return pairs


def _numbered(weights: Arrays, prefix: str) -> list[str]:
    """The dense layers below a prefix, in order."""
    numbers = {name[len(prefix) + 1 :].split(".")[0] for name in weights if name.startswith(prefix + ".")}
    return [f"{prefix}.{number}" for number in sorted((n for n in numbers if n.isdecimal() and n.isascii()), key=int)]


def _activation(path: Path, data: dict[str, Any], layout: Layout) -> Callable[[np.ndarray], np.ndarray]:
    """Between the layers; ``data`` names another one in plain text."""
    options = data.get("policy_kwargs") if isinstance(data, dict) else None
    options = options if isinstance(options, dict) else {}
    text = str(options.get("activation_fn", ""))
    name = text.rpartition(".")[2].strip("'> ") or layout.activation
    if name not in ACTIVATIONS or options.get("squash_output"):
        raise PolicyBudgetError(f"sb3:{path} has activation {name}, not one of {', '.join(ACTIVATIONS)}; {REMEDY}")
    return ACTIVATIONS[name]
