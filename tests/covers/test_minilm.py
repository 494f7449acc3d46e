"""The sentence encoder: its network against JAX's parts, its files, and, where it is installed, published numbers."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.covers import cover, embed, minilm
from policybudget.errors import PolicyBudgetError

WIDTH, INNER = 24, 40


def weights() -> dict[str, np.ndarray]:
    """A small network of the same kind, drawn at random."""
    rng = np.random.default_rng(0)
    table = {f"embeddings.{part}_embeddings.weight": (rows, WIDTH) for part, rows in PARTS.items()}
    norms = ["embeddings"]
    for i in range(minilm.LAYERS):
        layer = f"encoder.layer.{i}"
        shapes = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        shapes |= {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (INNER, WIDTH)}
        shapes |= {"output.dense": (WIDTH, INNER)}
        for name, (rows, columns) in shapes.items():
            table |= {f"{layer}.{name}.weight": (rows, columns), f"{layer}.{name}.bias": (rows,)}
        norms += [f"{layer}.attention.output", f"{layer}.output"]
    for name in norms:
        table |= {f"{name}.LayerNorm.weight": (WIDTH,), f"{name}.LayerNorm.bias": (WIDTH,)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in table.items()}


PARTS = {"word": 50, "position": 9, "token_type": 2}


def by_jax(w: dict[str, np.ndarray], pieces: list[int]) -> jax.Array:
    """The same network from JAX's own attention, GELU and standardisation."""

    def dense(name: str, x: jax.Array) -> jax.Array:
        return jnp.dot(x, w[f"{name}.weight"].T, precision="highest") + w[f"{name}.bias"]

    def norm(name: str, x: jax.Array) -> jax.Array:
        return jax.nn.standardize(x, epsilon=1e-12) * w[f"{name}.LayerNorm.weight"] + w[f"{name}.LayerNorm.bias"]

    word, position, kind = (w[f"embeddings.{part}_embeddings.weight"] for part in PARTS)
    x = norm("embeddings", jnp.asarray(word[pieces] + position[: len(pieces)] + kind[0]))
    for i in range(minilm.LAYERS):
        layer = f"encoder.layer.{i}"
        heads = [dense(f"{layer}.attention.self.{part}", x) for part in ("query", "key", "value")]
        seen = jax.nn.dot_product_attention(*(one.reshape(len(pieces), minilm.HEADS, -1) for one in heads))
        x = norm(f"{layer}.attention.output", x + dense(f"{layer}.attention.output.dense", seen.reshape(x.shape)))
        inner = jax.nn.gelu(dense(f"{layer}.intermediate.dense", x), approximate=False)
        x = norm(f"{layer}.output", x + dense(f"{layer}.output.dense", inner))
    mean = x.mean(axis=0)
    return mean / jnp.linalg.norm(mean)


@pytest.mark.parametrize("pieces", [[3], [7, 1, 49, 1, 0, 12, 2]])
def test_the_network_is_that_of_jaxs_parts(pieces: list[int]) -> None:
    table = weights()
    found = minilm.Network(table).sentence(np.array(pieces))
    assert found.dtype == np.float32 and np.linalg.norm(found) == pytest.approx(1.0)
    np.testing.assert_allclose(found, by_jax(table, pieces), atol=2e-5)


def test_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "policybudget-has-no-such-package")
    with pytest.raises(PolicyBudgetError) as error:
        minilm.minilm()
    assert str(error.value).startswith('encoder minilm is not installed: pip install "policybudget[text]"')


def test_other_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / minilm.FOLDER).mkdir(parents=True)
    (tmp_path / minilm.FOLDER / "model.safetensors").write_bytes(b"something else")
    package = SimpleNamespace(locate_file=lambda name: tmp_path / name)
    monkeypatch.setattr(minilm, "distribution", lambda name: package)
    with pytest.raises(PolicyBudgetError, match="model.safetensors is not the published file of encoder minilm"):
        minilm._content(*minilm.WEIGHTS)


def installed() -> bool:
    try:
        return bool(distribution(minilm.PACKAGE) and distribution("tokenizers"))
    except PackageNotFoundError:
        return False


@pytest.mark.skipif(not installed(), reason="needs policybudget[text]")
def test_published_numbers() -> None:
    """Of sentence-transformers 6.2.0 on PyTorch, from the same weights."""
    encode = minilm.minilm()
    texts = ["walk slowly along a flat corridor", "stroll through the park", "lift a heavy box onto the shelf"]
    found = encode([*texts, "pick up the crate and put it on the table"])
    assert found.shape == (4, 384)
    np.testing.assert_allclose(found[0, :4], [0.10184833, -0.00396801, 0.00764329, 0.0472202], atol=1e-5)
    np.testing.assert_allclose(found[0] @ found[1:3].T, [0.34308618, 0.09600796], atol=1e-5)
    np.testing.assert_allclose(found[2] @ found[3], 0.41798418, atol=1e-5)
    np.testing.assert_array_equal(encode(texts[1:2])[0], found[1])
    clusters = cover(embed([*texts, "pick up the crate and put it on the table"], encode, 1), 2, 0.5).clusters
    assert sorted(clusters) == [[0, 1], [2, 3]]
