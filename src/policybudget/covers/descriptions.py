"""Tasks that are described in words: an encoder turns each text into numbers, and a few components of them are covered.

As in Ge et al. 2025: embed the descriptions, reduce, standardise, then cover as any table. The reduction is a principal
component analysis; each component is divided by its standard deviation.

Any callable from n texts to an array (n, D) is an encoder. Embeddings that exist already need none: a table of them is
read as columns of numbers (``tasks.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from policybudget.covers.cover import LARGEST
from policybudget.covers.tasks import Tasks, names_of, table_of
from policybudget.errors import PolicyBudgetError, check_choice, extra

Encoder: TypeAlias = Callable[[Sequence[str]], Any]
"""Any function from n texts to an array (n, D)."""
ENCODERS = ("tfidf", "wordllama")
COMPONENTS = 2
SAME = 1e-6
"""Share of an embedding's norm below which a difference is rounding: encoders compute in single precision."""
CELLS = 100_000_000
"""Most texts x words of ``tfidf``: eight bytes each."""


def embed(
    descriptions: Sequence[str], encoder: Encoder, components: int = COMPONENTS
) -> Float[np.ndarray, "n components"]:
    """Descriptions as points: principal components of their embedding, each of mean 0 and standard deviation 1.

    Args:
        descriptions: n texts, two at least.
        encoder: from n texts to an array (n, D), any D.
        components: how many to keep, those of largest variance.

    Returns:
        The points (n, components), in standard deviations.

    Raises:
        PolicyBudgetError: the texts are empty, the encoder gives something else, or the texts do not differ in so many
            directions.
    """
    from sklearn.decomposition import PCA

    texts = [descriptions] if isinstance(descriptions, str) else list(descriptions)
    for row, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise PolicyBudgetError(f"descriptions must be texts that say something, got {text!r} in row {row}")
    if len(texts) < 2:
        raise PolicyBudgetError(f"descriptions must be two at least, so that they can differ, got {len(texts)}")
    vectors = _checked(encoder(texts), len(texts))
    least = SAME * np.linalg.norm(vectors)
    if np.linalg.norm(vectors - vectors.mean(axis=0)) <= least:
        raise PolicyBudgetError(
            "the encoder must tell descriptions apart, and it gives the same numbers for all; choose another one"
        )
    analysis = PCA(svd_solver="full")
    scores = analysis.fit_transform(vectors)
    found = max(1, int((analysis.singular_values_ > least).sum()))
    if isinstance(components, bool) or not isinstance(components, int) or not 1 <= components <= found:
        raise PolicyBudgetError(
            f"components must be from 1 to {found}, the directions in which these descriptions differ, got {components}"
        )
    kept: np.ndarray = scores[:, :components] / scores[:, :components].std(axis=0)
    return kept


def _checked(vectors: Any, texts: int) -> Float[np.ndarray, "n D"]:
    """What an encoder gave, as float64."""
    try:
        table = np.asarray(vectors)
    except ValueError:
        raise PolicyBudgetError("the encoder must give a table of numbers, got rows of different lengths") from None
    if table.dtype.kind not in "iuf" or table.ndim != 2 or table.shape[0] != texts or table.shape[1] < 1:
        raise PolicyBudgetError(
            f"the encoder must give a table of numbers (texts, numbers) with a row for each of {texts} texts, "
            f"got shape {table.shape} of {table.dtype}"
        )
    table = table.astype(np.float64)
    if not (fit := np.abs(table) <= LARGEST).all():
        row, column = np.argwhere(~fit)[0]
        raise PolicyBudgetError(
            f"the encoder must give finite numbers up to {LARGEST:g}, got {table[row, column]} for text {row}"
        )
    return table


def encoder(name: str) -> Encoder:
    """An encoder by name.

    Args:
        name: one of ``ENCODERS``; wordllama needs ``policybudget[text]``.

    Returns:
        A function from n texts to an array (n, D).

    Raises:
        PolicyBudgetError: there is no such encoder, or it is not installed.
    """
    return tfidf if check_choice("descriptions", name, ENCODERS) == "tfidf" else _wordllama()


def _wordllama() -> Encoder:
    """Static embeddings of word pieces, averaged (Miller 2024); the package carries its weights."""
    with extra("text", "descriptions embedded by wordllama"):
        import wordllama
    # 0.4.0 looks for its tokeniser in a folder that it does not have, unless the package is named as its cache
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    return lambda texts: model.embed(list(texts))


def tfidf(texts: Sequence[str]) -> Float[np.ndarray, "n words"]:
    """How often each word is in a text, words that are in many texts counting less; knows nothing of their meaning.

    Args:
        texts: n texts.

    Returns:
        A column per word (n, words), rows of length 1.

    Raises:
        PolicyBudgetError: there are no words, or too many of them.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        counted = TfidfVectorizer().fit_transform(texts)
    except ValueError:
        raise PolicyBudgetError(
            "descriptions must have words of two letters or more for encoder tfidf, got none"
        ) from None
    if (numbers := counted.shape[0] * counted.shape[1]) > CELLS:
        raise PolicyBudgetError(
            f"descriptions x different words must be at most {CELLS} for encoder tfidf, got {numbers}; use wordllama"
        )
    words: np.ndarray = counted.toarray()
    return words


def read_described(path: Path, encoder: Encoder, components: int = COMPONENTS) -> Tasks:
    """Tasks from a file with a column ``description``, their embedded descriptions as parameters.

    Args:
        path: of a file of comma-separated values, in UTF-8; of its other columns, ``name`` is read.
        encoder: from n texts to an array (n, D).
        components: of the embedding to keep.

    Returns:
        The tasks, with the components as parameters, in standard deviations.

    Raises:
        PolicyBudgetError: the file is missing or wrong, or as of :func:`embed`.
    """
    table = table_of(path)
    if "description" not in table.header:
        raise PolicyBudgetError(f"{path} has no column 'description'; its columns are {', '.join(table.header[:20])}")
    texts = tuple(" ".join(cell.split()) for cell in table.columns[table.header.index("description")])
    for text, line in zip(texts, table.lines, strict=True):
        if not text:
            raise PolicyBudgetError(f"{path}, line {line}, column description: expected a text, got nothing")
    points = embed(texts, encoder, components)
    columns = tuple(f"component {i}" for i in range(components))
    return Tasks(names_of(table), columns, points, texts)
