"""Tasks by name, in sets, in words, and from a users.csv. None of it needs MuJoCo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.worlds import registry
from policybudget.worlds.metaworld.names import task_sets, tasks, tasks_in
from policybudget.worlds.metaworld.objects import OBJECTS
from policybudget.worlds.metaworld.population import agents_table, embeddings, read_agents, task_population
from policybudget.worlds.metaworld.rewards import REWARDS


def weights(population: object) -> list[list[float]]:
    return np.asarray(population.rewards.weights).T.tolist()  # type: ignore[attr-defined]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "users.csv"
    path.write_text(text)
    return path


def test_sets_of_tasks() -> None:
    sets = task_sets()
    assert {name: len(chosen) for name, chosen in sets.items()} == {"train30": 30, "test20": 20, "MT10": 10, "MT50": 50}
    assert not set(sets["train30"]) & set(sets["test20"]) and set(sets["MT10"]) <= set(sets["MT50"])
    assert "door-close" in sets["train30"] and "door-unlock" in sets["test20"]
    assert list(tasks()) == sorted(tasks()) == sorted(OBJECTS) == sorted(name[:-3] for name in REWARDS)
    assert all(len(task.description.split()) > 3 and task.split in ("train", "test") for task in tasks().values())
    assert len({task.description for task in tasks().values()}) == 50
    assert tasks_in("metaworld:push-v3, reach") == ("push", "reach")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("metaworld:rech", "got 'rech' (did you mean 'reach'?)"),
        ("metaworld:", "needs train30, test20, MT10, MT50, or tasks of Meta-World with commas between them, got ''"),
        ("metaworld:push,push-v3", "--world metaworld:push,push-v3 names push twice; leave one out"),
    ],
)
def test_tasks_that_there_are_not(name: str, message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        tasks_in(name)
    assert message in str(error.value)


def test_agents_are_tasks_and_lie_where_their_descriptions_do() -> None:
    population = task_population("metaworld:MT10")
    assert population.names == task_sets()["MT10"] and weights(population) == [[1.0, 0.0]] * 10
    assert population.dynamics is not None and population.dynamics.shape == (10, 50)
    assert [list(tasks())[i] for i in population.dynamics.argmax(axis=1)] == list(population.names)
    assert population.parameters is not None
    np.testing.assert_allclose(population.parameters[0], embeddings()["reach"], rtol=1e-6)
    train = np.array([embeddings()[name] for name in task_sets()["train30"]])
    np.testing.assert_allclose(train.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(train.std(axis=0), 1.0, atol=1e-4)
    with pytest.raises(PolicyBudgetError, match=r"metaworld:MT10 has an agent per task \(10\), got --agents 3"):
        task_population("metaworld:MT10", 3)


def test_embeddings_are_those_of_the_descriptions() -> None:
    pytest.importorskip("wordllama", reason="needs policybudget[text]")
    from experiments.metaworld.embed import places

    from policybudget.covers.descriptions import encoder

    found, _ = places(encoder("wordllama"), 2)
    np.testing.assert_allclose(found, np.array(list(embeddings().values())), atol=1e-3)


def test_held_out_tasks_are_the_others_and_judged_by_success() -> None:
    held = registry.held_out("metaworld:train30", 40, 1)
    assert held.names == task_sets()["test20"] and weights(held) == [[0.0, 1.0]] * 20
    assert held.highest_return == 100.0
    few = registry.held_out("metaworld:MT10", 3, 1)
    assert few.size == 3 and not set(few.names) & set(task_sets()["MT10"]) and set(few.names) <= set(held.names)
    assert registry.held_out("metaworld:test20", 99, 1).names == task_sets()["train30"]
    with pytest.raises(PolicyBudgetError, match="metaworld:MT50 has all 50 tasks: none is left to test on"):
        registry.held_out("metaworld:MT50", 1, 0)


def test_users_choose_tasks_and_what_they_want(tmp_path: Path) -> None:
    path = written(tmp_path, "name,task,success,weight\nann,push-v3,1,2\nbob,push,0.5,1\n")
    population = read_agents(path)
    assert population.names == ("ann", "bob") and weights(population) == [[0.0, 1.0], [0.0, 0.5]]
    assert population.agent_weights is not None and population.agent_weights.tolist() == [2.0, 1.0]
    again = read_agents(written(tmp_path, agents_table(population)))
    assert again.names == population.names and weights(again) == weights(population)
    assert read_agents(written(tmp_path, "task\npush\npush\n")).names == ("push #0", "push #1")
    assert weights(read_agents(written(tmp_path, "task\npush\n"))) == [[1.0, 0.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,reward\nann,1\n", "must have a column task and may have reward, success, name, weight, outside"),
        ("task,colour\npush,red\n", "its columns are task, colour"),
        ("task\npush\npuch\n", "line 3, column task: "),
        ("task,reward\npush,much\n", "line 2, column reward: expected a finite number, got 'much'"),
    ],
)
def test_tables_that_do_not_fit(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        read_agents(written(tmp_path, text))
    assert message in str(error.value)
