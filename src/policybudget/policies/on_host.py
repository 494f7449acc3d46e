"""The policies in NumPy alone, for acting without JAX.

For many small batches in turn, it also is several times as fast as calls of compiled code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policybudget.policies.architecture import LAYER

Numbers = NDArray[Any]


class HostPolicies:
    """k policies as NumPy arrays; they act as :func:`policybudget.policies.stacked.act`, up to rounding.

    Args:
        arrays: of the policies, as :meth:`policybudget.policies.stacked.Policies.arrays` names them.
        choices: the number of choices of each discrete component; None for a box.
        one: whether a single component is an action by itself, without an axis of components.
    """

    def __init__(self, arrays: Mapping[str, Numbers], choices: tuple[int, ...] | None, one: bool) -> None:
        self.arrays, self.choices, self._one = arrays, choices, one
        count = sum(name.startswith(LAYER) for name in arrays) // 2
        self.layers = [(arrays[f"{LAYER}.{i}.weight"], arrays[f"{LAYER}.{i}.bias"]) for i in range(count)]
        log_std = arrays.get("actor.log_std")
        self.deviation = None if log_std is None else np.exp(log_std)
        seen, squares = arrays["normaliser.count"], arrays["normaliser.squares"]
        self.normalises = bool((seen > 0).any())
        self._unseen = None if (seen > 0).all() else seen <= 0
        self.mean = arrays["normaliser.mean"]
        self.inverse = 1.0 / np.sqrt(squares / np.maximum(seen, 1.0) + np.float32(1e-8))

    def of(self, policy: int) -> HostPolicies:
        """One of the policies.

        Args:
            policy: its index.

        Returns:
            The policy, as k = 1 policies.
        """
        own = {name: array[policy : policy + 1] if array.ndim == 3 else array for name, array in self.arrays.items()}
        return HostPolicies(own, self.choices, self._one)

    def noise(self, rng: np.random.Generator, batch: tuple[int, ...]) -> Numbers:
        """The random numbers that :meth:`act` needs to sample.

        Args:
            rng: where they are drawn from.
            batch: the shape (k, B).

        Returns:
            (k, B, a) standard normals for a box; uniform numbers from [0, 1) otherwise, (k, B) or (k, B, components).
        """
        if self.choices is None:
            return rng.standard_normal((*batch, self.layers[-1][0].shape[-1]), np.float32)
        return np.asarray(rng.random(batch if self._one else (*batch, len(self.choices)), np.float32))

    def act(self, observation: Numbers, random: Numbers | None) -> Numbers:
        """Actions for raw observations.

        Args:
            observation: (k, B, o) B raw observations per policy.
            random: numbers as from :meth:`noise` or :func:`policybudget.policies.actions.noise`, of shape (k, B, ..);
                None for greedy actions.

        Returns:
            (k, B) or (k, B, components) actions.
        """
        return self.chosen(self.scores(observation), random)

    def chosen(self, out: Numbers, random: Numbers | None) -> Numbers:
        """Actions for scores.

        Args:
            out: (k, B, outputs) as :meth:`scores` gives them.
            random: as for :meth:`act`.

        Returns:
            (k, B) or (k, B, components) actions.
        """
        if self.choices is None:
            return out if random is None or self.deviation is None else np.asarray(out + self.deviation * random)
        if self._one:
            return _choose(out, random)
        parts = np.split(out, np.cumsum(self.choices)[:-1], axis=-1)
        each = [_choose(part, None if random is None else random[..., i]) for i, part in enumerate(parts)]
        return np.stack(each, axis=-1)

    def scores(self, observation: Numbers) -> Numbers:
        """Outputs of the last layer: logits, or means of actions.

        Args:
            observation: (k, B, o) B raw observations per policy.

        Returns:
            (k, B, outputs).
        """
        x = self._normalised(observation) if self.normalises else observation
        for weight, bias in self.layers[:-1]:
            x = np.tanh(_product(x, weight) + bias)
        weight, bias = self.layers[-1]
        return np.asarray(_product(x, weight) + bias)

    def _normalised(self, observation: Numbers) -> Numbers:
        """In standard deviations, clipped; what is too large for float32 is clipped, too."""
        with np.errstate(over="ignore"):
            x = np.clip((observation - self.mean) * self.inverse, -10.0, 10.0)
        return x if self._unseen is None else np.where(self._unseen, observation, x)


def _product(x: Numbers, weight: Numbers) -> Numbers:
    if weight.ndim == 3:
        return np.asarray(x @ weight)
    flat = x.reshape(-1, x.shape[-1]) @ weight
    return np.asarray(flat.reshape(*x.shape[:-1], weight.shape[-1]))


def _choose(logits: Numbers, random: Numbers | None) -> Numbers:
    if random is None:
        return np.asarray(logits.argmax(axis=-1), np.int32)
    likely = np.exp(logits - logits.max(axis=-1, keepdims=True))
    cumulative = np.cumsum(likely / likely.sum(axis=-1, keepdims=True), axis=-1)
    return np.asarray(np.sum(cumulative[..., :-1] < random[..., None], axis=-1, dtype=np.int32))
