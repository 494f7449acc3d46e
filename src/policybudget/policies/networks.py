"""k small networks as one: layers are shared by all policies, or one per policy, stacked on axis 0.

Section 3.2: "we share the parameters of intermediate layers between actors, as well as critics"; heads are separate.
A critic that sees its policy as a one-hot input is stored as a first layer with one bias per policy. This is the
same function without the multiplications by zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

Sharing = Literal["shared", "biases", "separate"]


class Layer(eqx.Module):
    """An affine map per policy, policy axis first.

    Args:
        weight: (inputs, outputs) shared by all policies, or (k, inputs, outputs).
        bias: (outputs) shared by all policies, or (k, 1, outputs).
    """

    weight: Float[Array, "inputs outputs"] | Float[Array, "k inputs outputs"]
    bias: Float[Array, " outputs"] | Float[Array, "k 1 outputs"]

    def __call__(self, x: Float[Array, "k B inputs"]) -> Float[Array, "k B outputs"]:
        """``x @ weight + bias`` for all k policies.

        Args:
            x: (k, B, inputs) B rows of input per policy.

        Returns:
            (k, B, outputs).
        """
        return product(x, self.weight) + self.bias

    def of(self, chosen: Int[Array, " c"]) -> Layer:
        """The layer of some of the policies.

        Args:
            chosen: (c) indices of policies; an index may occur more than once.

        Returns:
            The layer of these c policies; what is shared stays shared.
        """
        weight = self.weight[chosen] if self.weight.ndim == 3 else self.weight
        return Layer(weight, self.bias[chosen] if self.bias.ndim == 3 else self.bias)


@jax.custom_vjp
def product(x: Float[Array, "k B inputs"], weight: Array) -> Float[Array, "k B outputs"]:
    """``x @ weight``, with a backward pass that is fast on a CPU.

    The gradient of the weights is a sum over rows. XLA first copies its left factor in transposed order, which costs
    about as much as the product itself at these sizes. The narrower of input and gradient is therefore on the left.

    Args:
        x: (k, B, inputs) B rows of input per policy.
        weight: (inputs, outputs) shared by all policies, or (k, inputs, outputs).

    Returns:
        (k, B, outputs).
    """
    return x @ weight


def _forward(x: Array, weight: Array) -> tuple[Array, tuple[Array, Array]]:
    return x @ weight, (x, weight)


def _backward(saved: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, weight = saved
    to_input = gradient @ jnp.swapaxes(weight, -1, -2)
    heads = "k" if weight.ndim == 3 else ""
    if x.shape[-1] <= gradient.shape[-1]:
        return to_input, jnp.einsum(f"kbi,kbo->{heads}io", x, gradient)
    narrow_first = jax.lax.optimization_barrier(jnp.einsum(f"kbo,kbi->{heads}oi", gradient, x))
    return to_input, jnp.swapaxes(narrow_first, -1, -2)


product.defvjp(_forward, _backward)


class Network(eqx.Module):
    """Layers with tanh between them.

    Args:
        layers: from input to output.
    """

    layers: tuple[Layer, ...]

    def __call__(self, x: Float[Array, "k B inputs"]) -> Float[Array, "k B outputs"]:
        """The outputs of all k networks, each for rows of its own.

        Args:
            x: (k, B, inputs) B rows of input per policy.

        Returns:
            (k, B, outputs).
        """
        for layer in self.layers[:-1]:
            x = jnp.tanh(layer(x))
        return self.layers[-1](x)

    def of(self, chosen: Int[Array, " c"]) -> Network:
        """The networks of some of the policies.

        Args:
            chosen: (c) indices of policies; an index may occur more than once.

        Returns:
            The networks of these c policies.
        """
        return Network(tuple(layer.of(chosen) for layer in self.layers))

    @property
    def multiplications(self) -> int:
        """The number of weights that one row of input is multiplied with."""
        return sum(layer.weight.shape[-2] * layer.weight.shape[-1] for layer in self.layers)


def make_network(
    key: PRNGKeyArray, budget: int, sizes: Sequence[int], sharing: Sequence[Sharing], out_gain: float
) -> Network:
    """k networks with orthogonal weights and zero biases.

    Args:
        key: used for the initial weights only.
        budget: k, the number of policies.
        sizes: the sizes of the input, the hidden layers and the output.
        sharing: what the policies share, per layer: weights and biases ("shared"), weights only ("biases": one bias
            per policy, drawn as the weights of a one-hot input), or nothing ("separate").
        out_gain: the gain of the last layer's weights; it is sqrt 2 in all other layers.

    Returns:
        The network.
    """
    layers = []
    for index, (rows, columns, share) in enumerate(zip(sizes, sizes[1:], sharing, strict=False)):
        key, weight_key = jax.random.split(key)
        gain = out_gain if index == len(sizes) - 2 else 2.0**0.5
        orthogonal = jax.nn.initializers.orthogonal(gain)
        if share == "separate":
            weight = jax.vmap(lambda one: orthogonal(one, (rows, columns)))(jax.random.split(weight_key, budget))  # noqa: B023
            bias = jnp.zeros((budget, 1, columns))
        elif share == "biases":
            both = orthogonal(weight_key, (rows + budget, columns))
            weight, bias = both[:rows], both[rows:, None]
        else:
            weight, bias = orthogonal(weight_key, (rows, columns)), jnp.zeros(columns)
        layers.append(Layer(weight, bias))
    return Network(tuple(layers))
