"""The suites that try to break the package: a slice of the hostile inputs, and that the suites find what is planted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from robustness import crash_points, hostile, trainings
from robustness.fuzz import fuzz, shares
from robustness.inputs import READERS
from robustness.judge import BegunError, Case, NoMachineError, judge, random_of
from robustness.workers import Place

from policybudget.errors import PolicyBudgetError


def test_a_slice_of_the_hostile_inputs() -> None:
    found = fuzz(1_000, seed=1)
    assert found["inputs"] == sum(shares(1_000).values()) > 950
    assert found["outcomes"]["accepted"] > 100 and found["outcomes"]["refused"] > 600
    assert found["first"] == []


@pytest.mark.parametrize("name", ["users", "config.json", "options"])
def test_an_input_depends_on_reader_seed_and_index_alone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make = READERS[name].open(tmp_path)

    def case(index: int) -> tuple[str, bool]:
        made = make(random_of(5, name, index))
        return made.text, made.valid

    first = [case(index) for index in range(30)]
    assert [case(index) for index in reversed(range(30))] == first[::-1]
    assert len(set(first)) > 15


def test_mutations_differ_from_what_is_valid() -> None:
    record = {"a": 1, "b": {"c": "text", "d": [1, 2]}}
    texts = {hostile.record_text(Random(i), record, 1) for i in range(300)}
    assert len(texts) > 200 and record == {"a": 1, "b": {"c": "text", "d": [1, 2]}}
    assert any(b"[" * 10_000 in text for text in texts) and any(b"\\ud800" in text for text in texts)
    assert len({hostile.damaged(Random(i), b"0123456789" * 9) for i in range(99)}) > 80
    assert len({hostile.table_text(Random(i), ["x", "y"], [["1", "2"]] * 3) for i in range(99)}) > 80


def raises(error: BaseException) -> Callable[[], object]:
    def call() -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (lambda: None, "accepted"),
        (raises(BegunError()), "accepted"),
        (raises(PolicyBudgetError("expected 1, got 2")), "refused"),
        (raises(ValueError("planted")), "traceback"),
        (raises(RecursionError()), "traceback"),
        (raises(SystemExit(7)), "exit"),
        (raises(MemoryError()), "memory"),
        (raises(NoMachineError()), "memory"),
        (raises(PolicyBudgetError("")), "message"),
        (lambda: time.sleep(5), "hang"),
        (lambda: Path("new").write_text("x") and raises(PolicyBudgetError("no"))(), "lost"),
        (lambda: Path("kept").write_text("changed"), "lost"),
    ],
)
def test_what_is_planted_is_found(
    call: Callable[[], object], outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kept").write_text("precious")
    found = judge(Case("planted", call, seconds=0.2), tmp_path)
    assert found.outcome == outcome
    assert ("planted" in found.what) == (outcome not in ("accepted", "refused"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_what_is_valid_must_be_accepted(tmp_path: Path) -> None:
    assert judge(Case("x", raises(PolicyBudgetError("no")), valid=True), tmp_path).outcome == "valid refused"


def test_an_input_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, READERS)
    assert [place.judged("tasks", 3, index) for index in (4, 5)] == [
        place.judged("tasks", 3, index) for index in (4, 5)
    ]


def test_operations_on_files_are_counted(tmp_path: Path) -> None:
    states = list[list[str]]()
    heard = crash_points.Operations(tmp_path, lambda number: states.append(sorted(os.listdir(tmp_path))))
    for event, arguments in (
        ("open", (str(tmp_path / "a"), "w", os.O_WRONLY | os.O_CREAT)),
        ("open", (str(tmp_path / "a"), "r", os.O_RDONLY)),
        ("open", ("/elsewhere", "w", os.O_WRONLY)),
        ("os.rename", (str(tmp_path / "a"), str(tmp_path / "b"), -1, -1)),
        ("os.listdir", (str(tmp_path),)),
    ):
        heard(event, arguments)
    assert heard.count == len(states) == 2


def test_runs_are_compared_but_for_their_clocks(finished_run: Path, run_copy: Path) -> None:
    expected = trainings.content(finished_run)
    header, *rows = (line.split(",") for line in (run_copy / "metrics.csv").read_text().splitlines())
    for row in rows:
        row[header.index("seconds")] = "9.9"
    (run_copy / "metrics.csv").write_text("\n".join(map(",".join, [header, *rows])))
    assert trainings.differences(expected, trainings.content(run_copy)) == []
    (run_copy / "policies.safetensors").write_bytes(b"")
    assert trainings.differences(expected, trainings.content(run_copy)) == ["policies.safetensors"]
