"""Agents described by a table of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trainings import train
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.committee import CoverCommittee
from policybudget.assignment.task_parameters import with_parameters, with_tasks
from policybudget.covers import embed
from policybudget.errors import PolicyBudgetError
from policybudget.population import Population

USERS = Population.from_weights(np.eye(3), ["ann", "bob", "cem"])


def test_rows_in_the_order_of_the_agents() -> None:
    agents = with_parameters(USERS, [[1, 2], [3, 4], [5, 6]])
    assert agents.parameters is not None and agents.parameters.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert agents.parameter_names == ("parameter 0", "parameter 1")
    assert agents.names == USERS.names and agents.rewards is USERS.rewards and USERS.parameters is None


def test_rows_in_another_order() -> None:
    agents = with_parameters(USERS, [[1], [2], [3]], ["size"], ["cem", "ann", "bob"])
    assert agents.parameters is not None and agents.parameters.tolist() == [[2], [3], [1]]
    assert agents.parameter_names == ("size",)


@pytest.mark.parametrize(
    ("parameters", "more", "words"),
    [
        ([[1], [2]], {}, "tasks must be a row of numbers for each agent (3), got shape (2, 1) of int64"),
        ([1, 2, 3], {}, "got shape (3,) of int64"),
        ([["a"], ["b"], ["c"]], {}, "got shape (3, 1) of <U1"),
        (np.ones((3, 0)), {}, "got shape (3, 0)"),
        ([[1], [np.inf], [2]], {}, "tasks must be finite numbers, got others in row 1"),
        ([[1], [2], [3]], {"columns": ["a", "b"]}, "columns must be 1 names, got 2"),
        ([[1], [2], [3]], {"agents": ["ann", "bob", "ann"]}, "each once, got 'ann' twice"),
        ([[1], [2], [3]], {"agents": ["ann", "bob", "dan"]}, "named as the agents are, got none for 'cem'"),
    ],
)
def test_tables_of_others(parameters: object, more: dict[str, list[str]], words: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        with_parameters(USERS, parameters, **more)
    assert words in str(error.value)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tasks.csv"
    path.write_text("name,speed,description\nbob,2,walk\ncem,3,walk\nann,1,lift\n")
    agents = with_tasks(USERS, path)
    assert agents.parameters is not None and agents.parameters.tolist() == [[1], [2], [3]]
    assert agents.parameter_names == ("speed",)
    described = with_tasks(USERS, path, "tfidf", 1)
    assert described.parameters is not None and described.parameter_names == ("component 0",)
    np.testing.assert_allclose(np.abs(described.parameters[:, 0]), np.sqrt([2, 0.5, 0.5]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("speed\n1\n2\n", "tasks.csv: tasks must be a row of numbers for each agent (3), got shape (2, 1)"),
        ("name,speed\nann,1\nbob,2\neve,3\n", "tasks.csv: tasks must be named as the agents are, got none for 'cem'"),
        ("kind\na\nb\nc\n", "column kind: expected a finite number, got 'a'; leave the column out"),
        ("description\na\nb\nc\n", "must have a named column per parameter, got columns description; --descriptions"),
    ],
)
def test_files_of_others(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "tasks.csv"
    path.write_text(text)
    with pytest.raises(PolicyBudgetError) as error:
        with_tasks(USERS, path)
    assert words in str(error.value)


def test_a_committee_learns_for_those_who_are_described_alike() -> None:
    problem = wishes([0, 1, 0, 1, 0, 1], 2)
    texts = ["walk far", "lift it", "walk slowly", "lift it up", "walk home", "lift it now"]
    points = embed(texts, lambda said: np.array([[text.count("walk")] for text in said]), 1)
    described = replace(problem, population=with_parameters(problem.population, points))
    result = train(described, CoverCommittee(radius=0.1, last_e_step=False), learner=QUICK, transitions=64 * 40)
    groups = result.assignment.argmax(axis=0)
    assert groups[0] != groups[1] and groups.tolist() == [groups[0], groups[1]] * 3
    assert result.welfare == pytest.approx(10.0)
