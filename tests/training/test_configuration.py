from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policybudget.assignment.em import EM
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.search.archive import Archive
from policybudget.search.splitting import Splitting
from policybudget.training.configuration import Configuration, preset
from policybudget.training.method import ALGORITHMS, PRESETS, SEARCHES


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", PRESETS)
def test_roundtrip(name: str, algorithm: str, tmp_path: Path) -> None:
    before = replace(preset(name, "resource-gathering", algorithm), seed=7, budget=5, transitions=123)
    before.save(tmp_path)
    assert Configuration.load(tmp_path / "config.json") == before


@pytest.mark.parametrize("search", sorted(set(SEARCHES) - {"plain"}))
def test_searches_are_kept(search: str, tmp_path: Path) -> None:
    before = preset("default", "resource-gathering", "em", search)
    assert before.search.name == search
    before.save(tmp_path)
    assert Configuration.load(tmp_path / "config.json") == before


def test_what_the_file_says(tmp_path: Path) -> None:
    before = replace(preset("default", "resource-gathering"), search=Archive(restarts=3), population_seed=4)
    before.save(tmp_path)
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["rule"] == {"name": "em", "warm_start": 40, "refill": "closest", "last_e_step": True}
    assert record["search"] == {"name": "archive", "restarts": 3, "egalitarian_restarts": True}
    assert record["learner"]["copies"] == before.learner.copies and "surrogate" not in record["learner"]
    assert (record["population_seed"], record["seed"], record["mixing"]) == (4, 0, 0.05)


def test_algorithms() -> None:
    assert set(ALGORITHMS) == {"em", "end-to-end", "trajectory-clusters", "random", "committee"}


def test_the_papers_preset() -> None:
    paper = preset("paper", "resource-gathering", "em")
    ppo = paper.learner
    assert (ppo.batch, ppo.minibatch, ppo.epochs, ppo.clip) == (2048, 64, 10, 0.2)
    assert ppo.learning_rate == (5e-4, 1e-4) and ppo.entropy == (5e-2, 1e-3) and ppo.discount == 1.0
    assert ppo.hidden == (64, 64) and ppo.trunk == "shared" and ppo.gradient_norm == 0.5 and ppo.kl_limit == 0.05
    assert not ppo.normalise_observations and ppo.adam_epsilon == 1e-8
    assert (paper.mixing, paper.rule, paper.search.name) == (0.05, EM(warm_start=50), "plain")
    assert paper.transitions == 1_000_000 and paper.budget == 3


def damaged(tmp_path: Path, change: Any) -> Path:
    Configuration().save(tmp_path)
    path = tmp_path / "config.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    return path


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("format",), 999, "has format 999, newer than this version reads"),
        (("format",), None, "names no format version"),
        (("surprise",), 1, "settings that Configuration does not know: surprise"),
        (("learner", "surprise"), 1, "settings that PPO does not know: surprise"),
        (("rule", "surprise"), 1, "settings that EM does not know: surprise"),
        (("rule", "name"), "sarsa", "algorithm must be one of em, end-to-end, trajectory-clusters, random, com"),
        (("rule", "name"), ["em"], "algorithm must be a record with a name, got"),
        (("rule",), "em", "algorithm must be a record with a name, got 'em'"),
        (
            ("search", "name"),
            "luck",
            "search must be one of plain, pretrained, archive, splitting, growing, "
            "representatives, constants, pool, "
            "got 'luck'",
        ),
        (("search", "surprise"), 1, "settings that Plain does not know: surprise"),
        (("search",), {"restarts": 2}, "search must be a record with a name"),
        (("mixing",), 0.0, "mixing must be above 0 and at most 1, got 0.0"),
        (("mixing",), 1.5, "mixing must be above 0"),
        (("budget",), "three", "budget must be like 3, got 'three'"),
        (("budget",), True, "budget must be like 3, got True"),
        (("budget",), 2.5, "budget must be like 3"),
        (("transitions",), 0, "transitions must be at least 1, got 0"),
        (("seed",), -1, "seed must be from 0"),
        (("agents",), "many", "agents must be"),
        (("learner", "hidden"), [], "hidden must be"),
        (("learner", "hidden"), ["a"], "hidden must be like"),
        (("learner", "learning_rate"), [1e-3], "learning_rate must be like"),
        (("learner", "minibatch"), 100, "minibatch must divide"),
        (("learner",), [1], "settings that PPO does not know"),
        (("tasks",), "tasks.csv", "tasks are for algorithm committee, got em; leave --tasks out"),
        (("descriptions",), "tfidf", "--descriptions is for --tasks; leave it out"),
        (("components",), 2, "--components is for --descriptions; leave it out"),
        (("learner", "bootstrap_truncated"), "yes", "bootstrap_truncated must be like True"),
    ],
)
def test_bad_files(where: tuple[str, ...], value: Any, message: str, tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        for key in where[:-1]:
            record = record[key]
        record[where[-1]] = value

    with pytest.raises(PolicyBudgetError, match=message) as error:
        Configuration.load(damaged(tmp_path, change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "null", "\x00\xff"])
def test_files_that_are_no_configuration(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, encoding="latin-1")
    with pytest.raises(PolicyBudgetError, match="damaged"):
        Configuration.load(tmp_path / "config.json")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match=r"config\.json"):
        Configuration.load(tmp_path / "config.json")


def test_defaults_of_the_learner_are_valid() -> None:
    assert PPO().batch == 2048


def test_the_default_searches_and_plain_does_not() -> None:
    grid, robot = (preset("default", world, "em").search for world in ("resource-gathering", "ant-direction"))
    assert (grid, robot) == (Archive(restarts=8, egalitarian_restarts=True), Splitting(split_every=20))
    for world in ("resource-gathering", "ant-velocity"):
        plain = preset("plain", world, "em")
        assert plain.search.name == "plain" and plain.rule == EM(warm_start=50)
    other = preset("default", "resource-gathering", "end-to-end").learner
    assert other == preset("plain", "resource-gathering", "end-to-end").learner
