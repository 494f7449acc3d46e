"""k small networks as one: layers are shared by all policies, or one per policy, stacked on axis 0.

Section 3.2: "we share the parameters of intermediate layers between actors, as well as critics"; heads are separate.
A critic that sees its policy as a one-hot input is the same function as a first layer with a bias per
policy, without the multiplications by zero; that is how it is stored.
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
    """Affine map, policy axis first.

    Attributes:
        weight: (i, o) shared, or (k, i, o).
        bias: (o) shared, or (k, 1, o).
    """

    weight: Float[Array, "i o"] | Float[Array, "k i o"]
    bias: Float[Array, " o"] | Float[Array, "k 1 o"]

    def __call__(self, x: Float[Array, "k B i"]) -> Float[Array, "k B o"]:
        """``x @ weight + bias`` for all k."""
        return product(x, self.weight) + self.bias

    def of(self, chosen: Int[Array, " c"]) -> Layer:
        """The same for some of the policies."""
        weight = self.weight[chosen] if self.weight.ndim == 3 else self.weight
        return Layer(weight, self.bias[chosen] if self.bias.ndim == 3 else self.bias)


@jax.custom_vjp
def product(x: Float[Array, "k B i"], weight: Array) -> Float[Array, "k B o"]:
    """``x @ weight``, with a backward pass that suits the CPU.

    The weights' gradient sums over rows, for which XLA first copies the left factor in transposed order, a cost like
    that of the product itself at these sizes. So the narrower of input and gradient is on the left.
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
    """Layers with tanh between them."""

    layers: tuple[Layer, ...]

    def __call__(self, x: Float[Array, "k B i"]) -> Float[Array, "k B o"]:
        """Outputs of all k networks, each on its own B inputs."""
        for layer in self.layers[:-1]:
            x = jnp.tanh(layer(x))
        return self.layers[-1](x)

    def of(self, chosen: Int[Array, " c"]) -> Network:
        """The networks of some of the policies."""
        return Network(tuple(layer.of(chosen) for layer in self.layers))

    @property
    def multiplications(self) -> int:
        """Weights that one row of input is multiplied with."""
        return sum(layer.weight.shape[-2] * layer.weight.shape[-1] for layer in self.layers)


def make_network(
    key: PRNGKeyArray, budget: int, sizes: Sequence[int], sharing: Sequence[Sharing], out_gain: float
) -> Network:
    """Orthogonal weights (gain sqrt 2, ``out_gain`` in the last layer), zero biases.

    Args:
        budget: k.
        sizes: input, hidden and output sizes.
        sharing: per layer, what is shared: weights and biases ("shared"), weights only ("biases": one bias per
            policy, drawn as a one-hot input's weights would be), or nothing ("separate").
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
