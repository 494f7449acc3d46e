"""Descriptions become points; what they say decides who shares a prototype."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget.covers import cover, embed, encoder, read_described
from policybudget.covers import descriptions as module
from policybudget.errors import PolicyBudgetError

WALKING = ["walk slowly along a flat path", "walk up a steep path", "walk quickly along a flat path"]
LIFTING = ["lift a heavy crate onto the shelf", "lift a light crate onto the shelf", "lift a barrel onto the shelf"]
TEXTS = [WALKING[0], LIFTING[0], WALKING[1], LIFTING[1], LIFTING[2], WALKING[2]]


def lengths(texts: Sequence[str]) -> np.ndarray:
    """An encoder of one's own: numbers of letters and of words."""
    return np.array([[len(text), 10 * len(text.split())] for text in texts], np.float32)


def test_walking_and_lifting_are_told_apart() -> None:
    points = embed(TEXTS, encoder("tfidf"), 1)
    found = cover(points, budget=2, radius=0.5)
    assert sorted(found.clusters) == [[0, 2, 5], [1, 3, 4]]
    assert sorted(TEXTS[i].split()[0] for i in found.distances(points).argmin(axis=1)) == ["lift", "walk"]


def test_components_are_standardised_and_the_first_tells_most() -> None:
    points = embed(TEXTS, encoder("tfidf"), 3)
    assert points.shape == (6, 3) and points.dtype == np.float64
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(points.T @ points / 6, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(points, embed(TEXTS, encoder("tfidf"), 3))
    np.testing.assert_allclose(points[:, :1], embed(TEXTS, encoder("tfidf"), 1), atol=1e-12)
    assert np.ptp(np.sign(points[[0, 2, 5], 0])) == 0 and np.sign(points[0, 0]) != np.sign(points[1, 0])


def test_an_encoder_of_ones_own() -> None:
    texts = ["aa", "aaaa", "aaaaaa"]  # letters differ, words do not: one direction
    np.testing.assert_allclose(embed(texts, lengths, 1)[:, 0] * np.sqrt(2 / 3), [-1, 0, 1], atol=1e-12)
    by_hand = embed(["b", "a", "b", "c"], lambda texts: [[ord(text)] for text in texts], 1)
    np.testing.assert_allclose(np.abs(np.diff(by_hand[:, 0])) / np.ptp(by_hand), [0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda texts: np.ones((len(texts), 3)), "must tell descriptions apart, and it gives the same numbers for all"),
        (lambda texts: np.full((len(texts), 3), 0.1) + 1e-9 * lengths(texts)[:, :1], "gives the same numbers for all"),
        (lambda texts: np.zeros((len(texts), 3)), "gives the same numbers for all"),
        (lambda texts: np.ones((2, 3)), "a row for each of 6 texts, got shape (2, 3) of float64"),
        (lambda texts: np.ones(len(texts)), "got shape (6,) of float64"),
        (lambda texts: np.ones((len(texts), 0)), "got shape (6, 0)"),
        (lambda texts: [["a"]] * len(texts), "got shape (6, 1) of <U1"),
        (lambda texts: [[np.nan if "steep" in text else 1.0] for text in texts], "up to 1e+100, got nan for text 2"),
        (lambda texts: [[1e200 * len(text)] for text in texts], "got 2.9e+201 for text 0"),
        (lambda texts: [[1.0] * len(text) for text in texts], "got rows of different lengths"),
    ],
)
def test_encoders_that_give_something_else(made: Any, words: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        embed(TEXTS, made, 1)
    assert words in str(error.value)


def test_no_more_components_than_directions() -> None:
    for components in (0, 3):
        with pytest.raises(PolicyBudgetError, match=f"components must be from 1 to 2, .* got {components}"):
            embed(["a", "bb cc", "dd ee ff"], lengths, components)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["walk", " "], "must be texts that say something, got ' ' in row 1"),
        (["walk"], "must be two at least, so that they can differ, got 1"),
        ("walk", "must be two at least"),
        (["a", "b"], "must have words of two letters or more for encoder tfidf, got none"),
    ],
)
def test_texts_that_say_nothing(texts: Sequence[str], words: str) -> None:
    with pytest.raises(PolicyBudgetError, match=words):
        embed(texts, encoder("tfidf"), 1)


def test_too_many_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CELLS", 10)
    with pytest.raises(PolicyBudgetError, match="must be at most 10 for encoder tfidf, got 96; use wordllama"):
        embed(TEXTS, encoder("tfidf"), 1)


def test_encoders_by_name() -> None:
    with pytest.raises(PolicyBudgetError, match="descriptions must be one of tfidf, wordllama, got 'magic'"):
        encoder("magic")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tasks.csv"
    path.write_text("description,kind,name\n" + "".join(f'"{text}\n",{text[0]},t{i}\n' for i, text in enumerate(TEXTS)))
    tasks = read_described(path, encoder("tfidf"), 2)
    assert tasks.names == ("t0", "t1", "t2", "t3", "t4", "t5") and tasks.columns == ("component 0", "component 1")
    assert tasks.descriptions == tuple(TEXTS)
    np.testing.assert_array_equal(tasks.parameters, embed(TEXTS, encoder("tfidf"), 2))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,speed\nx,1\n", "has no column 'description'; its columns are name, speed"),
        ("name,description\nx,walk\ny, \n", "line 3, column description: expected a text, got nothing"),
        ("description,description\na,b\n", "has column 'description' twice"),
        ("description\n", "has no tasks"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "tasks.csv"
    path.write_text(text)
    with pytest.raises(PolicyBudgetError) as error:
        read_described(path, encoder("tfidf"))
    assert words in str(error.value) and str(path) in str(error.value)


def test_an_encoder_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordllama", None)
    with pytest.raises(
        PolicyBudgetError, match=r'embedded by wordllama need wordllama: pip install "policybudget\[text\]"'
    ):
        encoder("wordllama")


def test_wordllama_knows_synonyms() -> None:
    """Words that no two of the texts share: ``tfidf`` could not tell who is like whom."""
    pytest.importorskip("wordllama", reason="needs policybudget[text]")
    texts = ["stroll slowly", "walking without haste", "lift heavy crates", "raising a box"]
    encode = encoder("wordllama")
    found = np.asarray(encode(texts))
    assert found.shape == (4, 256)
    np.testing.assert_array_equal(np.asarray(encode(texts[1:2]))[0], found[1])
    assert sorted(cover(embed(texts, encode, 1), 2, 0.5).clusters) == [[0, 1], [2, 3]]
