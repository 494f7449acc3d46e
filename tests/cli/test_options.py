from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from policybudget.cli.main import main
from policybudget.cli.train import fresh
from policybudget.learning.settings import PPO
from policybudget.training.configuration import Configuration
from policybudget.training.configuration import preset as configured
from policybudget.training.method import ALGORITHMS, SEARCHES, preset
from policybudget.training.train import Training


def test_help_is_there_without_jax() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "policybudget", "--help"], capture_output=True, text=True, check=True
    )
    for word in ("train", "resume", "evaluate", "usage"):
        assert word in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "policybudget.cli.main" in imported
    heavy = {name.partition(".")[0] for name in imported} & {"jax", "numpy", "equinox", "scipy", "matplotlib", "rich"}
    assert not heavy


def test_version_and_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("policybudget 0.")
    assert main([]) == 2


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_hyperparameter_is_an_option(algorithm: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--algorithm", algorithm, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for settings in (Configuration, PPO, ALGORITHMS[algorithm]):
        for field in fields(settings):  # type: ignore[arg-type]
            if field.name in ("learner", "rule", "search", "surrogate"):
                continue
            assert field.metadata.get("help"), f"{settings.__name__}.{field.name} is no option"
            assert f"--{field.name.replace('_', '-')} " in text or f"--{field.name.replace('_', '-')}," in text
    for name in ("--algorithm", "--search", "--out", "--config", "--seeds", "--quiet"):
        assert name in text


@pytest.mark.parametrize("search", SEARCHES)
def test_every_option_of_a_search_is_there_and_where_alone_it_works(
    search: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--search", search, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for field in fields(SEARCHES[search]):  # type: ignore[arg-type]
        assert f"--{field.name.replace('_', '-')}" in text
    title = SEARCHES[search]().title.partition(" of ")[0]  # a pool is one of another search
    assert title.replace(" ", "") in text.replace(" ", "")  # lines are broken at hyphens, too


def test_names_do_not_collide() -> None:
    output = ["algorithm", "search", "out", "config", "seeds", "quiet", "help"]
    common = [field.name for settings in (Configuration, PPO) for field in fields(settings) if "help" in field.metadata]
    assert len(set(common + output)) == len(common + output)
    for rule in ALGORITHMS.values():
        for search in SEARCHES.values():
            own = [field.name for kind in (rule, search) for field in fields(kind)]  # type: ignore[arg-type]
            assert len(set(own + common + output)) == len(own + common + output)


def other(value: Any) -> Any:
    """A valid value that is not the default."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return tuple(2 * x for x in value)
    return value * 2 if isinstance(value, int) else value * 0.5 if isinstance(value, float) else value


SPECIAL = {
    "trunk": "separate", "critic_head": "separate", "refill": "random", "signal": "literal", "warm_start": 7,
    "cover_method": "exact", "learn_from": "prototype", "radius": 0.1, "begin_with": "copies",
    "within": "plain", "pool_size": 9, "pool_budgets": "4-6", "refine": 0.25,
    "universal_share": 0.3, "widen": 2.0, "least_log_std": -1.5, "final_log_std": -2.5,
}  # fmt: skip


class StoppedError(Exception):
    """In place of a training."""


CHOSEN = [(algorithm, "default") for algorithm in ALGORITHMS] + [("em", search) for search in SEARCHES]


@pytest.mark.parametrize(("algorithm", "search"), CHOSEN)
def test_every_option_arrives_in_the_configuration(
    algorithm: str, search: str, empty_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Configuration] = []

    def kept(self: Configuration) -> Training:
        seen.append(self)
        raise StoppedError

    monkeypatch.setattr(Configuration, "training", kept)
    asked = None if search == "default" else search
    usual = preset("default", "resource-gathering", algorithm, asked)
    arguments, expected = ["train", "--algorithm", algorithm, "--seed", "9", "--budget", "4", "--transitions", "77"], {}
    arguments += ["--mixing", "0.1", "--population-seed", "8"] + ([] if asked is None else ["--search", asked])
    for settings in (usual.learner, usual.rule, usual.search):
        for field in fields(settings):  # type: ignore[arg-type]
            if "help" not in field.metadata:
                continue
            value = SPECIAL.get(field.name, other(getattr(settings, field.name)))
            expected[field.name] = value
            flag = field.name.replace("_", "-")
            if isinstance(value, bool):
                arguments.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                arguments += [f"--{flag}", *(str(x) for x in (value if isinstance(value, tuple) else (value,)))]
    with pytest.raises(StoppedError):
        main(arguments)
    (got,) = seen
    assert (got.rule.name, got.search.name) == (algorithm, asked or usual.search.name)
    assert (got.seed, got.budget, got.transitions, got.mixing, got.population_seed) == (9, 4, 77, 0.1, 8)
    for name, value in expected.items():
        (holder,) = (part for part in (got.learner, got.rule, got.search) if hasattr(part, name))
        assert getattr(holder, name) == value, name

    got.save(empty_place)
    with pytest.raises(StoppedError):
        main(["train", "--config", "config.json"])
    assert seen[1] == got
    with pytest.raises(StoppedError):
        main(["train", "--config", "config.json", "--seed", "3", "--clip", "0.3"])
    assert (seen[2].seed, seen[2].learner.clip, seen[2].budget, seen[2].search) == (3, 0.3, 4, got.search)


def test_a_configuration_names_its_own_algorithm(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Configuration().save(empty_place)
    assert main(["train", "--config", "config.json", "--algorithm", "random"]) == 2
    assert "--config names its own preset and algorithm" in capsys.readouterr().err
    assert main(["train", "--config", "config.json", "--search", "archive"]) == 2
    assert "--config names its own search; leave --search out" in capsys.readouterr().err
    record = json.loads((empty_place / "config.json").read_text())
    assert record["learner"]["copies"] == PPO().copies


def test_essentials_come_first(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    essentials, *others = capsys.readouterr().out.split("essentials:\n")[1].split("\ntraining:\n")
    for name in (
        "world",
        "population",
        "budget",
        "transitions",
        "algorithm",
        "search",
        "preset",
        "seed",
        "seeds",
        "out",
    ):
        assert f"\n  --{name} " in essentials
        assert not any(f"\n  --{name} " in other for other in others)
    assert "--algorithm X --help shows the options of algorithm X" in essentials


def test_folders_of_runs_say_what_they_are(monkeypatch: pytest.MonkeyPatch, empty_place: Path) -> None:
    monkeypatch.setattr("time.strftime", lambda text: text.replace("%Y%m%d-%H%M%S", "20260102-030405"))
    plain = replace(configured("plain", "resource-gathering", "end-to-end"), seed=7, budget=10)
    name = "resource-gathering-k10-end-to-end-plain-plain-s7-20260102-030405"
    assert fresh(plain) == Path("runs") / name
    fresh(plain).mkdir(parents=True)
    assert fresh(plain) == Path("runs") / f"{name}-1"
    several = fresh(configured("default", "python:a b/room.py:Room"), (1, 3, 5), range(4, 6))
    assert several.name == "python-room.py-Room-k01-05-em-splitting-default-s4-5-20260102-030405"
