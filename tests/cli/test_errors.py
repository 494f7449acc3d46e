"""Bad input as a new user gives it: status 2, one line on standard error, nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policybudget.cli.main import main

OneLine = Callable[[list[str]], str]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("fly", "command must be one of train, resume, evaluate"),
        ("--budget 3", "command must be one of"),
        ("train --world nowhere", "world must be one of resource-gathering"),
        (
            "train --algorithm sarsa",
            "algorithm must be one of em, end-to-end, trajectory-clusters, random, committee, got 'sarsa'",
        ),
        ("train --welfare fair", "welfare must be one of utilitarian, egalitarian, egalitarian:TAU, nash"),
        ("train --welfare p-mean:2", "P of p-mean:P must be from -100 to 1"),
        ("train --outside nan", "outside must be a finite number, got nan"),
        ("train --preset fast", "preset must be one of default, plain, paper, got 'fast'"),
        ("train --bugdet 3", "unrecognized arguments: --bugdet 3 (did you mean '--budget'?)"),
        ("train --welfair=gini", "unrecognized arguments: --welfair=gini (did you mean '--welfare'?)"),
        ("train --nonsense 3", "unrecognized arguments: --nonsense 3 (see policybudget train --help)"),
        ("trian", "got 'trian' (did you mean 'train'?)"),
        ("train --world hafl-cheetah-velocity", "got 'hafl-cheetah-velocity' (did you mean 'half-cheetah-velocity'?)"),
        ("train --algorithm EM", "got 'EM' (did you mean 'em'?)"),
        ("train --search split", "got 'split' (did you mean 'splitting'?)"),
        ("train --preset papr", "got 'papr' (did you mean 'paper'?)"),
        ("train --welfare utilitarain", "got 'utilitarain' (did you mean 'utilitarian'?)"),
        ("train --refill close", "got 'close' (did you mean 'closest'?)"),
        ("train --budg 3", "unrecognized arguments: --budg"),
        ("train extra", "unrecognized arguments: extra"),
        ("train --budget 0", "budget must be between 1 and the number of agents (25), got 0"),
        ("train --budget -1", "budget must be between 1 and the number of agents (25), got -1"),
        ("train --budget 26", "budget must be between 1 and the number of agents (25), got 26"),
        ("train --budget abc", "budget must be a number such as 3, a range such as 1-5 or a list, got 'abc'"),
        ("train --budget 2.5", "budget must be a number such as 3, a range such as 1-5 or a list, got '2.5'"),
        ("train --budget 1,", "budget must be a number such as 3, a range such as 1-5 or a list, got '1,'"),
        ("train --budget 5-3", "a range of budgets must begin with the smaller number, got '5-3'"),
        ("train --budget 24-26", "budget must be between 1 and the number of agents (25), got 26"),
        ("train --budget 0-2", "budget must be between 1 and the number of agents (25), got 0"),
        ("train --budget 1-9999", "a range of budgets has at most 1000, got 9999"),
        ("train --budget", "argument --budget: expected one argument"),
        ("train --transitions 0", "transitions must be at least 1, got 0"),
        ("train --transitions -3", "transitions must be at least 1, got -3"),
        ("train --transitions 1e6", "argument --transitions: invalid int value"),
        ("train --seed -1", "seed must be from 0"),
        ("train --seed 4294967296", "seed must be from 0"),
        ("train --seeds 0", "seeds must be at least 1, got 0"),
        ("train --agents 7", "an agent per tile (25), got --agents 7"),
        ("train --agents 0", "agents must be at least 1"),
        ("train --minibatch 100", "minibatch must divide copies x steps"),
        ("train --clip nan", "clip must be positive, got nan"),
        ("train --discount 1.5", "discount must be between 0 and 1"),
        ("train --learning-rate 0.1", "expected 2 arguments"),
        ("train --hidden", "expected at least one argument"),
        ("train --trunk none", "trunk must be one of shared, biases, separate, got 'none'"),
        ("train --refill x", "refill must be one of random, closest"),
        ("train --algorithm random --refill random", "unrecognized arguments: --refill"),
        ("train --algorithm trajectory-clusters --universal-steps 0", "universal_steps must be at least 1, got 0"),
        ("train --algorithm trajectory-clusters --search plain", "use --search pretrained"),
        ("train --algorithm random --search archive", "which algorithm random keeps; use --search plain"),
        ("train --algorithm end-to-end --search splitting", "end-to-end reassigns by gradient; use --search plain"),
        (
            "train --search luck",
            "search must be one of plain, pretrained, archive, splitting, growing, "
            "representatives, constants, pool, "
            "got 'luck'",
        ),
        ("train --search plain --restarts 2", "unrecognized arguments: --restarts"),
        ("train --restarts 0", "restarts must be at least 1, got 0"),
        ("train --mixing 0", "mixing must be above 0 and at most 1, got 0.0"),
        ("train --population-seed -1", "seed must be from 0"),
        ("train --algorithm end-to-end --signal x", "signal must be one of returns, literal"),
        ("train --config nothing.json", "nothing.json"),
        ("train --world", "argument --world: expected one argument"),
        ("resume", "the following arguments are required: RUN"),
        ("resume nothing", "run folder not found: nothing"),
        ("evaluate", "the following arguments are required: RUN"),
        ("evaluate nothing", "run folder not found: nothing"),
        ("evaluate nothing --episodes 0", "episodes must be at least 1, got 0"),
        ("evaluate nothing --episodes x", "invalid int value"),
        ("evaluate nothing --seed -1", "seed must be from 0"),
    ],
)
def test_bad_input(arguments: str, words: str, one_line: OneLine, empty_place: Path) -> None:
    assert words in one_line(arguments.split())
    assert list(empty_place.iterdir()) == []


def test_folders_that_are_taken(one_line: OneLine, empty_place: Path) -> None:
    (empty_place / "full").mkdir()
    (empty_place / "full" / "thesis.tex").write_text("precious")
    (empty_place / "file").write_text("precious")
    for taken in ("full", "file"):
        assert f"the output folder must be new or empty, got {taken}" in one_line(["train", "--out", taken])
    assert (empty_place / "full" / "thesis.tex").read_text() == (empty_place / "file").read_text() == "precious"
    assert sorted(path.name for path in empty_place.rglob("*")) == ["file", "full", "thesis.tex"]
    assert "cannot write file/below" in one_line(["train", "--out", "file/below"])


def test_a_folder_that_is_not_writable(one_line: OneLine, empty_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    assert "cannot write out: permission denied" in one_line(["train", "--out", "out"])


@pytest.mark.parametrize("command", ["evaluate", "resume"])
def test_folders_that_are_no_runs(command: str, one_line: OneLine, empty_place: Path) -> None:
    (empty_place / "empty").mkdir()
    missing = {"evaluate": "manifest.json is missing", "resume": "config.json is missing"}[command]
    assert missing in one_line([command, "empty"])
    assert list((empty_place / "empty").iterdir()) == []


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_broken_runs(run_copy: Path, one_line: OneLine) -> None:
    before = sorted(run_copy.rglob("*"))
    policies = (run_copy / "policies.safetensors").read_bytes()
    (run_copy / "policies.safetensors").write_bytes(policies[:-1])
    for command in ("evaluate", "resume"):
        assert "policies.safetensors does not match its hash" in one_line([command, str(run_copy)])
    (run_copy / "policies.safetensors").write_bytes(policies)
    change(run_copy / "manifest.json", format=4)
    for command in ("evaluate", "resume"):
        assert "has format 4, newer than this version reads" in one_line([command, str(run_copy)])
    change(run_copy / "config.json", format=4)
    assert "config.json has format 4" in one_line(["resume", str(run_copy)])
    assert "config.json has format 4" in one_line(["train", "--config", str(run_copy / "config.json")])
    assert sorted(run_copy.rglob("*")) == before


@pytest.mark.parametrize("damage", ["truncated", "changed"])
def test_a_broken_checkpoint(damage: str, run_copy: Path, one_line: OneLine) -> None:
    (run_copy / "manifest.json").unlink()
    path = run_copy / "checkpoint" / "state.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content if damage == "changed" else content[:-9]))
    assert "state.safetensors" in one_line(["resume", str(run_copy)])


def test_a_full_disk_keeps_the_last_good_checkpoint(
    small: tuple[str, ...], one_line: OneLine, empty_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from policybudget.training import checkpoint

    replace, calls = os.replace, []

    def full(source: Any, target: Any) -> None:
        calls.append(str(target))
        if str(target).endswith(checkpoint.NAME) and sum(call.endswith(checkpoint.NAME) for call in calls) > 1:
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        line = one_line(["train", *small, "--transitions", "512", "--out", "run", "--quiet"])
    assert "cannot write run/checkpoint/state.safetensors: no space left on device; make room" in line
    assert [path.name for path in Path("run/checkpoint").iterdir()] == ["state.safetensors"]
    assert not Path("run/manifest.json").exists()
    assert main(["resume", "run", "--quiet"]) == 0
    assert Path("run/manifest.json").exists()


def test_as_a_process() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "policybudget", "train", "--budget", "26"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "policybudget: budget must be between 1 and the number of agents (25), got 26\n"
