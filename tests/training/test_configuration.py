from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policybudget.assignment.em import EM
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.training.configuration import ALGORITHMS, PRESETS, Configuration, preset


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", PRESETS)
def test_roundtrip(name: str, algorithm: str, tmp_path: Path) -> None:
    before = replace(preset(name, "resource-gathering", algorithm), seed=7, budget=5, transitions=123)
    before.save(tmp_path)
    assert Configuration.load(tmp_path / "config.json") == before


def test_algorithms() -> None:
    assert set(ALGORITHMS) == {"em", "end-to-end", "trajectory-clusters", "random", "committee"}


def test_the_papers_preset() -> None:
    paper = preset("paper", "resource-gathering", "em")
    ppo = paper.ppo
    assert (ppo.batch, ppo.minibatch, ppo.epochs, ppo.clip) == (2048, 64, 10, 0.2)
    assert ppo.learning_rate == (5e-4, 1e-4) and ppo.entropy == (5e-2, 1e-3) and ppo.discount == 1.0
    assert ppo.hidden == (64, 64) and ppo.trunk == "shared" and ppo.gradient_norm == 0.5 and ppo.kl_limit == 0.05
    assert not ppo.normalise_observations and ppo.adam_epsilon == 1e-8
    assert (paper.rule.mixing, paper.rule.warm_start) == (0.05, 50)  # type: ignore[attr-defined]
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
        (("ppo", "surprise"), 1, "settings that PPO does not know: surprise"),
        (("rule", "surprise"), 1, "settings that EM does not know: surprise"),
        (("algorithm",), "sarsa", "algorithm must be one of em, end-to-end, trajectory-clusters, random, com"),
        (("algorithm",), ["em"], "algorithm must be one of"),
        (("budget",), "three", "budget must be like 3, got 'three'"),
        (("budget",), True, "budget must be like 3, got True"),
        (("budget",), 2.5, "budget must be like 3"),
        (("transitions",), 0, "transitions must be at least 1, got 0"),
        (("seed",), -1, "seed must be from 0"),
        (("agents",), "many", "agents must be"),
        (("ppo", "hidden"), [], "hidden must be"),
        (("ppo", "hidden"), ["a"], "hidden must be like"),
        (("ppo", "learning_rate"), [1e-3], "learning_rate must be two positive numbers"),
        (("ppo", "minibatch"), 100, "minibatch must divide"),
        (("ppo",), [1], "settings that PPO does not know"),
        (("tasks",), "tasks.csv", "tasks are for algorithm committee, got em; leave --tasks out"),
        (("descriptions",), "tfidf", "--descriptions is for --tasks; leave it out"),
        (("components",), 2, "--components is for --descriptions; leave it out"),
        (("ppo", "bootstrap_truncated"), "yes", "bootstrap_truncated must be like True"),
    ],
)
def test_bad_files(where: tuple[str, ...], value: Any, message: str, tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        for key in where[:-1]:
            record = record[key]
        record[where[-1]] = value

    with pytest.raises(PolicyBudgetError, match=message):
        Configuration.load(damaged(tmp_path, change))


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
    grid, robot = (preset("default", world, "em").rule for world in ("resource-gathering", "hopper-velocity"))
    assert (grid.recall, grid.restarts, grid.fair_restarts, grid.scouts) == (True, 8, True, 1)
    assert (robot.recall, robot.scouts, robot.split_every) == (False, 2, 20)
    assert all(preset("plain", world, "em").rule == EM() for world in ("resource-gathering", "hopper-velocity"))
    other = preset("default", "resource-gathering", "end-to-end").ppo
    assert other == preset("plain", "resource-gathering", "end-to-end").ppo
