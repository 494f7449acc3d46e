from __future__ import annotations

import csv
import io
import re
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from policybudget.errors import RunFolderError
from policybudget.training.events import Event
from policybudget.training.listeners.metrics import PER_POLICY, Metrics, TensorBoard
from policybudget.training.listeners.progress import LiveProgress, amount


class Heard(Event):
    """An event without a training behind it."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


def event(iteration: int, budget: int = 2, iterations: int = 10) -> Any:
    report = SimpleNamespace(welfare=np.float32(iteration), reassigned=np.float32(1), unserved=np.float32(0), **{
        name: np.arange(budget, dtype=np.float32) + iteration for name in PER_POLICY
    })  # fmt: skip
    return Heard(
        phase=0, phases=("em",), iteration=iteration, iterations=iterations, transitions=100 * iteration,
        of=100 * iterations, each=100 * iteration // budget, each_of=100 * iterations // budget,
        seconds=0.5 * iteration, best=2.0 * iteration, report=report, snapshot=None,
    )  # fmt: skip


def test_what_is_not_known_is_left_blank(tmp_path: Path) -> None:
    heard = event(1)
    vars(heard)["best"] = float("nan")
    heard.report.welfare, heard.report.group_welfare = np.float32(np.nan), np.array([np.nan, 3.0], np.float32)
    Metrics(tmp_path, 2)(heard)
    (row,) = rows(tmp_path)
    known = (row["best_welfare"], row["welfare"], row["group_welfare_0"], row["group_welfare_1"])
    assert known == ("", "", "", "3")
    text = io.StringIO()
    with LiveProgress(Console(file=text, width=200)) as progress:
        progress(heard)
    assert "best known welfare –" in text.getvalue() and "nan" not in text.getvalue()


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_metrics_columns_and_values(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, 2)
    for iteration in (1, 2, 3):
        metrics(event(iteration))
    table = rows(tmp_path)
    assert [row["transitions"] for row in table] == ["100", "200", "300"]
    assert [row["transitions_per_s"] for row in table] == ["", "200", "200"]
    last = table[-1]
    assert (last["phase"], last["iteration"], last["welfare"], last["reassigned"]) == ("em", "3", "3", "1")
    assert [row["best_welfare"] for row in table] == ["2", "4", "6"]
    for name in ("group_welfare", "group_size", "kl", "clip_fraction", "explained_variance", "entropy"):
        assert (last[f"{name}_0"], last[f"{name}_1"]) == ("3", "4")


def test_lines_after_the_point_of_resumption_are_dropped(tmp_path: Path) -> None:
    first = Metrics(tmp_path, 2)
    for iteration in range(1, 6):
        first(event(iteration))
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("em,6,600,3.0")  # killed in the middle of a line
    second = Metrics(tmp_path, 2)
    for iteration in range(4, 8):
        second(event(iteration))
    assert [row["iteration"] for row in rows(tmp_path)] == ["1", "2", "3", "4", "5", "6", "7"]


DAMAGED = [b"\xff\xfe", b"", b"a,b\n1,2\n", b"phase,iteration\nem\n"]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_metrics_file_is_set_aside(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    Metrics(tmp_path, 2)(event(4))
    assert [row["iteration"] for row in rows(tmp_path)] == ["4"]
    assert (tmp_path / "metrics.csv.damaged").read_bytes() == content
    assert capsys.readouterr().err.count("is now metrics.csv.damaged; a new one begins\n") == 1


def test_text_for_a_number_is_damage(tmp_path: Path) -> None:
    Metrics(tmp_path, 2)(event(1))
    path = tmp_path / "metrics.csv"
    path.write_text(path.read_text().replace(",100,", ",soon,"))
    Metrics(tmp_path, 2)(event(2))
    assert [row["iteration"] for row in rows(tmp_path)] == ["2"] and (tmp_path / "metrics.csv.damaged").exists()


def test_a_metrics_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics(tmp_path, 2)
    metrics(event(1))

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(RunFolderError, match=r"cannot write .*metrics\.csv: no space left on device"):
        metrics(event(2))


def test_tensorboard_events(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    for iteration in (9, 10):
        board(event(iteration))
    (file,) = tmp_path.glob("events.out.tfevents.*")
    content = file.read_bytes()
    for tag in (b"best_welfare", b"welfare", b"group_welfare/0", b"group_size/1", b"kl/0", b"explained_variance/1"):
        assert tag in content


def test_progress_without_a_terminal_is_a_line_every_tenth() -> None:
    text = io.StringIO()
    with LiveProgress(Console(file=text, width=200)) as progress:
        for iteration in range(1, 101):
            progress(event(iteration, iterations=100))
    lines = text.getvalue().splitlines()
    assert len(lines) == 12 and all(len(line) <= 80 for line in lines)
    assert lines[-3] == " 90%  training  best known welfare 180.00  9k transitions, 4.5k per policy"
    assert lines[-2] == "100%  training  best known welfare 200.00  10k transitions, 5k per policy"
    assert lines[-1] == "judging"


def test_progress_says_when_policies_are_chosen_before_they_are_judged() -> None:
    text, last = io.StringIO(), event(10)
    vars(last)["of"] = last.transitions + 500  # episodes by which a search chooses
    with LiveProgress(Console(file=text, width=200)) as progress:
        progress(event(9))
        progress(last)
    assert text.getvalue().splitlines()[-1] == "choosing and judging"


def on_a_terminal(*events: Any, error: type[Exception] | None = None) -> str:
    """What stays on the screen, without colours."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=80, color_system=None)
    with suppress(Exception), LiveProgress(console) as progress:
        for each in events:
            progress(each)
        if error is not None:
            raise error
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.getvalue())


def test_a_terminal_shows_how_far_what_is_known_and_who_is_where() -> None:
    heard = event(4)
    vars(heard)["phases"], vars(heard)["phase"] = ("restart 1 of 2", "restart 2 of 2"), 1
    shown = on_a_terminal(event(2), heard, error=ValueError).splitlines()[-3:]
    assert shown[0].startswith("restart 2 of 2 ━") and "40%" in shown[0] and all(len(line) <= 80 for line in shown)
    assert shown[1] == "best known welfare 8.00  users per policy 4 5"
    assert shown[2] == "200 of 500 transitions per policy, 400 of 1k in all  200/s"


def test_a_terminal_says_of_how_many_users_where_some_are_with_no_policy_yet() -> None:
    heard = event(4)
    heard.report.unserved = np.float32(91)
    shown = on_a_terminal(heard, error=ValueError).splitlines()[-2]
    assert shown == "best known welfare 8.00  users per policy 4 5, of 100"


def test_while_episodes_are_judged_the_bar_is_not_full() -> None:
    judging = on_a_terminal(event(10), error=ValueError).splitlines()[-3]
    assert judging.startswith("judging ━") and "%" not in judging
    done = on_a_terminal(event(10)).splitlines()[-3]
    assert done.startswith("done ━") and "100%" in done


def test_a_quiet_console_shows_nothing() -> None:
    text = io.StringIO()
    with LiveProgress(Console(file=text, force_terminal=True, quiet=True)) as progress:
        progress(event(10))
        progress.say("drawing")
    assert text.getvalue() == ""


def test_amounts() -> None:
    assert [amount(n) for n in (0, 950, 1000, 12_345, 2_000_000)] == ["0", "950", "1k", "12.3k", "2M"]
