"""The evidence for policies: three sets of episodes, values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from policybudget.assessment import evidence
from policybudget.assessment.statistics import mean_ci95
from policybudget.population import Population
from policybudget.welfare import Utilitarian

NAMES = ("ann", "bob", "cem")
AGENTS = Population.from_features(NAMES)
CHOICE = np.array([[[8.0, 2, 1], [8, 2, 1]], [[1.0, 6, 9], [1, 6, 9]]], np.float32)
JUDGING = np.array([[[9.0, 1, 2], [7, 3, 2]], [[0.0, 5, 3], [0, 7, 5]]], np.float32)
ALPHA = np.array([[1.0, 1, 0], [0, 0, 1]])


def test_samples_are_of_the_policies_that_serve() -> None:
    found = evidence.samples(AGENTS, ALPHA, CHOICE, JUDGING)
    np.testing.assert_allclose(found.got, [[9, 1, 3], [7, 3, 5]])
    np.testing.assert_allclose(found.offered, [[9, 5, 3], [7, 7, 5]], err_msg="bob is better off with policy 1")
    np.testing.assert_allclose(found.matrix, [[8, 2, 2], [0, 6, 4]])
    assert found.serves.tolist() == [0, 0, 1]


def test_half_of_an_assignment_and_none() -> None:
    agents = Population.from_features(NAMES, outside=np.array([4.0, 4, -np.inf]))
    found = evidence.samples(agents, np.array([[0.5, 0, 0], [0.5, 0, 1.0]]), CHOICE, JUDGING)
    np.testing.assert_allclose(found.got, [[4.5, 4, 3], [3.5, 4, 5]])
    assert found.serves.tolist() == [0, 2, 1]


def test_what_is_reported_of_a_policy() -> None:
    found = evidence.samples(AGENTS, ALPHA, CHOICE, JUDGING)
    one = evidence.of_agents(found, NAMES, np.array([0, 1]), np.array([1.0, 3, 1]), np.array([100.0, -100, 0]))
    assert (one["agents"], one["people"]) == (2, 4.0)
    assert one["mean"] == mean_ci95([(9 + 3) / 4, (7 + 9) / 4])
    assert (one["worst"]["agent"], one["worst"]["mean"]) == ("bob", 2.0)
    assert one["regret"] == mean_ci95([3 * 4 / 4, 3 * 4 / 4])
    assert one["floor"] == {"below": 1, "above": 1, "undecided": 0}


def test_the_winner_s_curse() -> None:
    found = evidence.samples(AGENTS, ALPHA, CHOICE, JUDGING)
    assert evidence.curse(AGENTS, found, Utilitarian(), ALPHA) == pytest.approx(
        {"on_choice": (8 + 6 + 9) / 3, "fresh": (8 + 6 + 4) / 3, "run": (8 + 2 + 4) / 3}
    )


def test_welfare_under_every_function() -> None:
    rows = evidence.welfare_functions(AGENTS, ALPHA, JUDGING, Utilitarian())
    worth = {row["function"]: row["mean"] for row in rows}
    assert next(iter(worth)) == "utilitarian" and len(worth) == len(evidence.FUNCTIONS)
    assert worth["utilitarian"] == pytest.approx(14 / 3) and worth["egalitarian"] == pytest.approx(2)
    assert worth["nash"] == pytest.approx(64 ** (1 / 3))


def test_groups() -> None:
    found = evidence.samples(AGENTS, ALPHA, CHOICE, JUDGING)
    labels = evidence.grouped(["x", "y", "y"], "ward")
    assert {name: of.tolist() for name, of in labels.items()} == {"ward x": [0], "ward y": [1, 2]}
    record = evidence.groups(found, labels, None)
    assert [(one["group"], one["agents"], one["mean"]) for one in record["groups"]] == [
        ("ward x", 1, 8),
        ("ward y", 2, 3),
    ]
    assert record["gap"] == {**mean_ci95([9 - 2.0, 7 - 4.0]), "best": "ward x", "worst": "ward y"}
    assert evidence.groups(found, {"all": np.arange(3)}, None)["gap"] is None


def test_numbers_are_grouped_by_quarters() -> None:
    few = evidence.grouped(["2", "1", "2"], "k")
    assert {name: of.tolist() for name, of in few.items()} == {"k 1": [1], "k 2": [0, 2]}
    words = evidence.grouped(["1", "nan", "1"], "k")
    assert {name: of.tolist() for name, of in words.items()} == {"k 1": [0, 2], "k nan": [1]}, "no group is empty"
    many = evidence.grouped(np.arange(100.0), "speed")
    assert [len(of) for of in many.values()] == [25] * 4 and sorted(np.concatenate(list(many.values()))) == list(
        range(100)
    )
    assert next(iter(many)) == "speed 0 to 24.75"
