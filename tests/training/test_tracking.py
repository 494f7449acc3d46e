"""Trackers are told what metrics.csv says, once, and cannot harm a training. Nothing here reaches a network."""

from __future__ import annotations

import csv
import json
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policybudget as pb
from policybudget.cli.main import main
from policybudget.errors import PolicyBudgetError
from policybudget.runs import files
from policybudget.training.checkpoint import Checkpoints
from policybudget.training.configuration import Configuration
from policybudget.training.events import Event
from policybudget.training.listeners import mlflow_store, tracking, weights_and_biases
from policybudget.training.listeners.metrics import tag
from policybudget.training.listeners.tracking import Rows, Tracked, tracked
from policybudget.training.record import write_config
from policybudget.training.train import Training

HEADER = ["phase", "iteration", "transitions", "welfare", "kl_0"]
STOP = """
from pathlib import Path

def stop(event):
    if event.iteration == 3 and not Path("stopped").exists():
        Path("stopped").touch()
        raise RuntimeError("stop")
"""


class Heard(Event):
    """An event without a training behind it."""

    def __init__(self, transitions: int) -> None:
        vars(self)["transitions"] = transitions


class Ledger:
    """A tracker that remembers what it is told; its runs outlive it."""

    runs: dict[str, list[tuple[int, dict[str, float]]]]
    ends: list[bool]
    fails: str

    def begin(self, folder: Path, identity: str, settings: dict[str, Any]) -> bool:
        self._may_fail("begin")
        known = identity in self.runs
        self._run = self.runs.setdefault(identity, [])
        return known

    def send(self, rows: Rows) -> None:
        self._may_fail("send")
        self._run += rows

    def end(self, finished: bool) -> None:
        self._may_fail("end")
        self.ends.append(finished)

    def _may_fail(self, where: str) -> None:
        if self.fails == where:
            raise ConnectionError("no route\nto host")


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> type[Ledger]:
    monkeypatch.setattr(weights_and_biases, "WeightsAndBiases", Ledger)
    return clear(Ledger)


def clear(ledger: type[Ledger]) -> type[Ledger]:
    ledger.runs, ledger.ends, ledger.fails = {}, [], ""
    return ledger


def play(folder: Path, start: int, end: int, saved: set[int]) -> int:
    """Iterations of a training that writes metrics.csv and is then killed; returns the last checkpoint's."""
    path, checkpoints = folder / "metrics.csv", Checkpoints(folder)
    rows = list(csv.reader(path.read_text().splitlines()))[1:] if path.exists() else []
    files.write(path, "".join(",".join(row) + "\n" for row in [HEADER, *(r for r in rows if int(r[2]) <= 10 * start)]))
    listener, last = Tracked(folder, "wandb", checkpoints), start
    for iteration in range(start + 1, end + 1):
        with path.open("a") as file:
            file.write(f"em,{iteration},{10 * iteration},{iteration / 7:.6g},\n")
        if iteration in saved or iteration == start + 1:
            checkpoints.saved, last = 10 * iteration, iteration
        listener(Heard(10 * iteration))
    return last


@given(kills=st.lists(st.integers(1, 9), max_size=4), saved=st.sets(st.integers(1, 30)))
def test_however_often_it_is_killed_each_line_is_sent_once(kills: list[int], saved: set[int]) -> None:
    clear(Ledger)
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights_and_biases, "WeightsAndBiases", Ledger)
        folder, at = Path(name), 0
        files.write_json(folder / "config.json", {"format": 3})
        for each in kills:
            at = play(folder, at, at + each, saved)
        play(folder, at, 50, saved | {50})
        lines = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    (told,) = Ledger.runs.values()
    assert told == [(10 * i, {"iteration": i, "welfare": float(f"{i / 7:.6g}")}) for i in range(1, 51)]
    assert [at for at, _ in told] == [int(line["transitions"]) for line in lines]


def test_a_store_that_does_not_have_the_run_is_told_all_of_it(tmp_path: Path, ledger: type[Ledger]) -> None:
    files.write_json(tmp_path / "config.json", {"format": 3})
    play(tmp_path, 0, 4, {4})
    ledger.runs = {}
    play(tmp_path, 4, 6, {6})
    assert [[at for at, _ in told] for told in ledger.runs.values()] == [[10, 20, 30, 40, 50, 60]]


@pytest.mark.parametrize("where", ["begin", "send", "end"])
def test_a_tracker_that_fails_is_one_line(
    where: str, tmp_path: Path, ledger: type[Ledger], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.fails = where
    files.write_json(tmp_path / "config.json", {"format": 3})
    files.write(tmp_path / "metrics.csv", ",".join(HEADER) + "\nem,1,10,2.5,\n")
    checkpoints = Checkpoints(tmp_path)
    checkpoints.saved = 10
    with tracked(tmp_path, ["wandb"], checkpoints) as (listener,):
        for _ in range(3):
            listener(Heard(10))
    said = "wandb failed (ConnectionError: no route to host); it is told nothing more, and the training goes on"
    assert capsys.readouterr().err == f"policybudget: {said}\n"
    assert ledger.ends == []


def test_a_tracker_that_is_named_twice_is_told_once(tmp_path: Path) -> None:
    with tracked(tmp_path, ["wandb", "mlflow", "wandb"], Checkpoints(tmp_path)) as listeners:
        assert [one.name for one in listeners] == ["wandb", "mlflow"]


def test_a_folder_of_the_name_of_a_tracker_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb").mkdir()
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(PolicyBudgetError, match="runs tracked by wandb need wandb"):
        tracking.check(["wandb"])


@pytest.mark.parametrize("damaged", ["{", "[]", '{"wandb": {"id": "a", "transitions": "soon"}}'])
def test_a_damaged_record_ends_the_tracking_alone(
    damaged: str, tmp_path: Path, ledger: type[Ledger], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / tracking.NAME).write_text(damaged)
    files.write_json(tmp_path / "config.json", {"format": 3})
    play(tmp_path, 0, 2, {2})
    assert ledger.runs == {} and capsys.readouterr().err.startswith("policybudget: wandb failed (")


def test_what_is_told_of_the_settings(tmp_path: Path) -> None:
    record = {"format": 3, "budget": 2, "rule": {"name": "em"}, "inputs": {"a": {"from": "/home/ann/users.csv"}}}
    files.write_json(tmp_path / "config.json", record)
    assert tracking.settings(tmp_path) == {"budget": 2, "rule.name": "em"}


def test_python_needs_a_folder_and_a_tracker_that_there_is() -> None:
    problem = pb.make_problem("resource-gathering", budget=1)
    with pytest.raises(PolicyBudgetError, match=r"log needs a run folder, got log=\['mlflow'\] and no out"):
        pb.train(problem, log=["mlflow"])
    with pytest.raises(PolicyBudgetError, match="log must be one of wandb, mlflow, got 'wand'"):
        pb.train(problem, log=["wand"])


def test_trackers_are_recorded_so_that_a_run_from_python_goes_on_with_them(tmp_path: Path) -> None:
    training = Training.of(pb.make_problem("resource-gathering", budget=1), transitions=1000)
    write_config(tmp_path, training, "default", 1, ["mlflow", "wandb"])
    assert Configuration.load(tmp_path / "config.json").log == ("mlflow", "wandb")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Neither tracker is told where to send anything, nor writes into the home folder; the service of wandb ends."""
    for name in list(os.environ):
        if name.startswith(("WANDB_", "MLFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    for name, value in (("WANDB_ERROR_REPORTING", "false"), *mlflow_store.QUIET.items()):
        monkeypatch.setenv(name, value)
    yield
    import wandb

    wandb.teardown()


def test_a_training_that_was_stopped_is_one_run_with_the_numbers_of_metrics_csv(
    empty_place: Path, small: tuple[str, ...], offline: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty_place / "mine.py").write_text(STOP)
    asked = ["train", *small, "--budget", "2", "--transitions", "640", "--search", "plain", "--quiet"]
    assert main([*asked, "--out", "plain"]) == 0
    tracked = [*asked, "--log", "wandb", "mlflow", "--out", "run"]
    assert main([*tracked, "--listeners", "python:mine.py:stop"]) == 2
    assert "stop" in capsys.readouterr().err
    assert main(["resume", "run", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    run = Path("run")
    assert (run / "policies.safetensors").read_bytes() == Path("plain/policies.safetensors").read_bytes()
    with (run / "metrics.csv").open(newline="") as file:
        lines = [{name: cell for name, cell in line.items() if cell} for line in csv.DictReader(file)]
    expected = {}
    for line in lines:
        del line["phase"]
        at = int(line.pop("transitions"))
        expected[at] = {tag(name): float(cell) for name, cell in line.items()}
    assert len(expected) == 5
    identity = json.loads((run / "tracking.json").read_text())
    assert {name: each["transitions"] for name, each in identity.items()} == {"wandb": 1280, "mlflow": 1280}
    assert in_mlflow(run, identity["mlflow"]["id"]) == expected
    assert in_wandb(run, identity["wandb"]["id"]) == expected


def in_mlflow(run: Path, identity: str) -> dict[int, dict[str, float]]:
    """What the store says of its one run."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{run.absolute() / 'mlflow.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("policybudget").experiment_id])
    assert found.data.tags[mlflow_store.TAG] == identity and found.info.status == "FINISHED"
    assert found.data.params["rule.name"] == "em" and found.data.params["budget"] == "2"
    told: dict[int, dict[str, float]] = {}
    for name in found.data.metrics:
        for each in client.get_metric_history(found.info.run_id, name):
            assert name not in told.setdefault(each.step, {}), "told twice"
            told[each.step][name] = each.value
    return told


def in_wandb(run: Path, identity: str) -> dict[int, dict[str, float]]:
    """What the folders of the starts say, in order."""
    from wandb.proto.wandb_internal_pb2 import Record

    told: dict[int, dict[str, float]] = {}
    starts = sorted(run.glob("wandb/offline-run-*/*.wandb"))
    assert [path.name for path in starts] == [f"run-{identity}.wandb"] * len(starts) and starts
    for path in starts:
        for content in records(path.read_bytes()):
            record = Record.FromString(content)
            assert not record.HasField("stats") and not record.HasField("output_raw")
            if record.HasField("run"):
                assert record.run.run_id == identity and not record.run.git.remote_url
            if record.HasField("history"):
                items = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
                own = {name: value for name, value in items.items() if not name.startswith("_")}
                assert record.history.step.num not in told, "told twice"
                told[record.history.step.num] = own
    return told


def records(content: bytes) -> Iterator[bytes]:
    """Those of a file of wandb: blocks of 32 KiB of pieces with checksum, length, kind (whole, first, middle, last)."""
    place, parts = 7, b""
    while place + 7 <= len(content):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        if kind == 0:
            break
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield parts
            parts = b""
