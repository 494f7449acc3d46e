r"""How far the scores of one policy differ where they are computed otherwise: in JAX, in NumPy, by an ONNX runtime.

.. math:: d = \max_x \frac{\lVert f(x) - g(x) \rVert_\infty}{\max(1, \lVert f(x) \rVert_\infty, s(x) / 10^{-5})}

over random observations x from ordinary to 10^6 in size. s(x) is how far a score moves when every component of x moves
by 2^-20 of itself, a few of its last bits in float32: where large numbers cancel in a sum, its last bits decide, and
those depend on the order of the sum. No two libraries have the same one.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from policybudget.errors import RunFolderError
from policybudget.policies.on_host import HostPolicies
from policybudget.policies.stacked import Policies

Numbers = NDArray[Any]
ALLOWED = 1e-5
"""The largest difference of a policy that is sealed."""
WIDEST, TRIED, MOVED, MOVES = 6, 512, 2.0**-20, 4
"""Observations are tried up to 10^6 in size, so many of each policy, each moved so far and so often."""


def differences(policy: Policies, host: HostPolicies, graph: bytes | None, seed: int) -> dict[str, float]:
    """Of scores from those in JAX.

    Args:
        policy: k = 1 policies in JAX.
        host: the same in NumPy.
        graph: the same as the content of an .onnx file; None for none.
        seed: of the observations.

    Returns:
        The largest difference by kind: "numpy", "onnx".

    Raises:
        RunFolderError: there is a graph, but the package onnxruntime is not installed.
    """
    rng, size = np.random.default_rng(seed), host.mean.shape[-1]
    scale = 10.0 ** rng.uniform(-2, WIDEST, (TRIED, 1))
    seen = (rng.standard_normal((TRIED, size)) * scale).astype(np.float32)
    known = np.asarray(policy.actor.network(policy.normaliser(jnp.asarray(seen[None]))))[0]
    found = {"numpy": host.scores(seen[None])[0]}
    if graph is not None:
        found["onnx"] = _run(graph, seen)
    unit = np.maximum(1.0, np.abs(known).max(axis=1))
    unit = np.maximum(unit, _moved(host, seen, rng) / ALLOWED)
    return {kind: float((np.abs(scores - known).max(axis=1) / unit).max()) for kind, scores in found.items()}


def _moved(host: HostPolicies, seen: Numbers, rng: np.random.Generator) -> Numbers:
    """(B,) s: how far scores move when observations (B, o) do, in float64."""
    wide = {name: array.astype(np.float64) for name, array in host.arrays.items()}
    exact = HostPolicies(wide, host.choices, False)
    rows = seen.astype(np.float64)[None]
    at, most = exact.scores(rows)[0], np.zeros(len(seen))
    for _ in range(MOVES):
        near = exact.scores(rows * (1.0 + MOVED * rng.choice([-1.0, 1.0], rows.shape)))[0]
        most = np.maximum(most, np.abs(near - at).max(axis=1))
    return most


def _run(graph: bytes, seen: Numbers) -> Numbers:
    """The scores of a graph."""
    try:
        import onnxruntime
    except ImportError:
        raise RunFolderError(
            'an ONNX graph is checked before it is sealed: pip install "policybudget[onnx]", or --no-onnx'
        ) from None
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph, quiet, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["scores"], {"observation": seen})[0])
