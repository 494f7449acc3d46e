"""The shapes of the policies' networks and the units of their actions: all that acting needs beside the weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from policybudget.units import Units

LAYER = "actor.network.layers"
"""What the names of the networks' arrays begin with."""


@dataclass(frozen=True)
class Architecture:
    """The shapes of k policies.

    Args:
        observation_size: o, the components of an observation.
        actions: the action space of the environment.
        hidden: the sizes of the hidden layers.
        trunk: what the hidden layers share, as in :func:`policybudget.policies.stacked.make_actor`: "shared",
            "biases" or "separate".
        normaliser: "shared", or "separate" where each policy has its own statistics of observations.
    """

    observation_size: int
    actions: Units
    hidden: tuple[int, ...]
    trunk: str
    normaliser: str = "shared"

    @property
    def separate(self) -> Architecture:
        """The same with nothing shared."""
        return replace(self, trunk="separate", normaliser="separate")

    def shapes(self, budget: int) -> dict[str, tuple[int, ...]]:
        """The shape of each array of the policies, as :meth:`policybudget.policies.stacked.Policies.arrays` has them.

        Args:
            budget: k, the number of policies.

        Returns:
            Shapes by name.
        """
        sizes = (self.observation_size, *self.hidden, self.actions.outputs)
        shapes: dict[str, tuple[int, ...]] = {}
        for index, (rows, columns) in enumerate(pairwise(sizes)):
            last = index == len(sizes) - 2
            alone = last or self.trunk == "separate"
            own_bias = alone or (self.trunk == "biases" and index == 0)
            shapes[f"{LAYER}.{index}.weight"] = (budget, rows, columns) if alone else (rows, columns)
            shapes[f"{LAYER}.{index}.bias"] = (budget, 1, columns) if own_bias else (columns,)
        if self.actions.kind == "box":
            shapes["actor.log_std"] = (budget, 1, self.actions.outputs)
        own = self.normaliser == "separate"
        count, per_component = ((budget, 1, size) if own else (size,) for size in (1, self.observation_size))
        return shapes | {
            "normaliser.count": count if own else (),
            "normaliser.mean": per_component,
            "normaliser.squares": per_component,
        }

    def record(self) -> dict[str, Any]:
        """The architecture as JSON takes it; :meth:`from_record` reads it.

        Returns:
            A dictionary of plain values.
        """
        return {
            "observation_size": self.observation_size,
            "actions": self.actions.record(),
            "hidden": list(self.hidden),
            "trunk": self.trunk,
            "normaliser": self.normaliser,
        }

    @staticmethod
    def from_record(record: dict[str, Any]) -> Architecture:
        """The architecture that :meth:`record` wrote.

        Args:
            record: the dictionary.

        Returns:
            The architecture.

        Raises:
            KeyError: an entry is missing.
            PolicyBudgetError: the units of the actions do not go together.
        """
        units = Units.from_record(record["actions"])
        normaliser = record.get("normaliser", "shared")
        return Architecture(record["observation_size"], units, tuple(record["hidden"]), record["trunk"], normaliser)

    def operations(self) -> list[dict[str, Any]]:
        """Every operation between a raw observation and an action, in order, for readers without this package.

        Returns:
            A dictionary of plain values per operation; arrays are named as in policies.safetensors. An array with
            three axes has the policies on the first one.
        """
        statistics = {name: f"normaliser.{name}" for name in ("count", "mean", "squares")}
        steps: list[dict[str, Any]] = [
            {"operation": "observation", "size": self.observation_size, "dtype": "float32"},
            {
                "operation": "normalise", "only if": "count > 0", "epsilon": 1e-8, "clip": 10.0, "arrays": statistics,
                "formula": "clip((x - mean) / sqrt(squares / max(count, 1) + epsilon), -clip, clip)",
            },
        ]  # fmt: skip
        sizes = (self.observation_size, *self.hidden, self.actions.outputs)
        for index, (rows, columns) in enumerate(pairwise(sizes)):
            steps.append({
                "operation": "layer", "inputs": rows, "outputs": columns, "formula": "x @ weight + bias",
                "arrays": {name: f"{LAYER}.{index}.{name}" for name in ("weight", "bias")},
                "activation": "tanh" if index < len(self.hidden) else None,
            })  # fmt: skip
        return [*steps, self._head(), {"operation": "units", **self.actions.record()}]

    def _head(self) -> dict[str, Any]:
        """What becomes of the outputs of the last layer."""
        if self.actions.kind == "box":
            sampled = "x + exp(log_std) * z, with z standard normal"
            return {"operation": "head", "greedy": "x", "sampled": sampled, "arrays": {"log_std": "actor.log_std"}}
        what = {
            "operation": "head",
            "greedy": "argmax(x), the first of equals",
            "sampled": "index i with softmax(x)[i]",
        }
        if self.actions.kind == "discrete":
            return what
        return what | {"of": "each part of x", "parts": list(self.actions.sizes)}
