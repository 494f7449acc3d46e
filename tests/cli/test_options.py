from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from policybudget.cli.main import main
from policybudget.learning.settings import PPO
from policybudget.training.configuration import ALGORITHMS, Configuration


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
            if field.name in ("ppo", "rule"):
                continue
            assert field.metadata.get("help"), f"{settings.__name__}.{field.name} is no option"
            assert f"--{field.name.replace('_', '-')} " in text or f"--{field.name.replace('_', '-')}," in text
    for name in ("--out", "--config", "--seeds", "--quiet"):
        assert name in text


def test_names_do_not_collide() -> None:
    output = ["out", "config", "seeds", "quiet", "help"]
    common = [field.name for settings in (Configuration, PPO) for field in fields(settings) if "help" in field.metadata]
    assert len(set(common + output)) == len(common + output)
    for rule in ALGORITHMS.values():
        own = [field.name for field in fields(rule)]  # type: ignore[arg-type]
        assert not set(own) & set(common + output)


def other(value: Any) -> Any:
    """A valid value that is not the default."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return tuple(2 * x for x in value)
    return value * 2 if isinstance(value, int) else value * 0.5 if isinstance(value, float) else value


SPECIAL = {
    "trunk": "separate", "critic_head": "separate", "refill": "random", "signal": "literal", "warm_start": 7,
    "scouts": 1, "cover_method": "exact", "learn_from": "prototype",
}  # fmt: skip


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_option_arrives_in_the_configuration(
    algorithm: str, empty_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from policybudget.cli import session

    monkeypatch.setattr(session, "train_in", lambda folder, configuration, *_, resume: seen.append(configuration))
    seen: list[Configuration] = []
    arguments, expected = ["train", "--algorithm", algorithm, "--seed", "9", "--budget", "4", "--transitions", "77"], {}
    for settings in (PPO(), ALGORITHMS[algorithm]()):
        for field in fields(settings):  # type: ignore[arg-type]
            value = SPECIAL.get(field.name, other(getattr(settings, field.name)))
            expected[field.name] = value
            flag = field.name.replace("_", "-")
            if isinstance(value, bool):
                arguments.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                arguments += [f"--{flag}", *(str(x) for x in (value if isinstance(value, tuple) else (value,)))]
    assert main(arguments) == 0
    (got,) = seen
    assert (got.algorithm, got.seed, got.budget, got.transitions) == (algorithm, 9, 4, 77)
    for name, value in expected.items():
        assert getattr(got.ppo if hasattr(got.ppo, name) else got.rule, name) == value, name

    (run,) = (empty_place / "runs").iterdir()
    assert run.name.startswith(f"resource-gathering-{algorithm}-k4-")
    assert main(["train", "--config", str(run / "config.json"), "--out", "again"]) == 0
    assert seen[1] == got and (empty_place / "again" / "config.json").read_bytes() == (run / "config.json").read_bytes()
    assert main(["train", "--config", str(run / "config.json"), "--out", "third", "--seed", "3", "--clip", "0.3"]) == 0
    assert (seen[2].seed, seen[2].ppo.clip, seen[2].budget) == (3, 0.3, 4)


def test_a_configuration_names_its_own_algorithm(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Configuration().save(empty_place)
    assert main(["train", "--config", "config.json", "--algorithm", "random"]) == 2
    assert "--config names its own preset and algorithm" in capsys.readouterr().err
    record = json.loads((empty_place / "config.json").read_text())
    assert record["ppo"]["copies"] == PPO().copies and argparse
