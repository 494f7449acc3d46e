"""The policies in NumPy. For many small batches in turn, this is several times as fast as calls of compiled code."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from policybudget.policies.stacked import Policies
from policybudget.worlds.interface import ActionSpace, Box, MultiDiscrete

Numbers = NDArray[Any]


class HostPolicies:
    """The k policies as NumPy arrays; they act as :func:`policybudget.policies.stacked.act`, up to rounding.

    Args:
        policies: the k policies.
        space: their action space.
    """

    def __init__(self, policies: Policies, space: ActionSpace) -> None:
        actor, normaliser = jax.device_get((policies.actor, policies.normaliser))
        self.space = space
        self.layers = [(np.asarray(layer.weight), np.asarray(layer.bias)) for layer in actor.network.layers]
        self.deviation = None if actor.log_std is None else np.exp(actor.log_std)
        self.normalises = bool(normaliser.count > 0)
        self.mean = normaliser.mean
        self.inverse = 1.0 / np.sqrt(normaliser.squares / np.maximum(normaliser.count, 1.0) + np.float32(1e-8))

    def act(self, observation: Numbers, random: Numbers | None) -> Numbers:
        """Actions for raw observations.

        Args:
            observation: (k, B, o) B raw observations per policy.
            random: numbers from :func:`policybudget.policies.actions.noise` of shape (k, B, ..); None for greedy
                actions.

        Returns:
            (k, B) or (k, B, components) actions.
        """
        out = self._head(observation)
        if isinstance(self.space, Box):
            return out if random is None or self.deviation is None else np.asarray(out + self.deviation * random)
        if isinstance(self.space, MultiDiscrete):
            parts = np.split(out, np.cumsum(self.space.sizes)[:-1], axis=-1)
            each = [_choose(part, None if random is None else random[..., i]) for i, part in enumerate(parts)]
            return np.stack(each, axis=-1)
        return _choose(out, random)

    def _head(self, observation: Numbers) -> Numbers:
        x = np.clip((observation - self.mean) * self.inverse, -10.0, 10.0) if self.normalises else observation
        for weight, bias in self.layers[:-1]:
            x = np.tanh(_product(x, weight) + bias)
        weight, bias = self.layers[-1]
        return np.asarray(_product(x, weight) + bias)


def _product(x: Numbers, weight: Numbers) -> Numbers:
    if weight.ndim == 3:
        return np.asarray(x @ weight)
    flat = x.reshape(-1, x.shape[-1]) @ weight
    return np.asarray(flat.reshape(*x.shape[:-1], -1))


def _choose(logits: Numbers, random: Numbers | None) -> Numbers:
    if random is None:
        return np.asarray(logits.argmax(axis=-1), np.int32)
    likely = np.exp(logits - logits.max(axis=-1, keepdims=True))
    cumulative = np.cumsum(likely / likely.sum(axis=-1, keepdims=True), axis=-1)
    return np.asarray(np.sum(cumulative[..., :-1] < random[..., None], axis=-1, dtype=np.int32))
