from __future__ import annotations

import io
import os
import sys
import time

import pytest
from rich.console import Console

from policybudget import progress as module
from policybudget.progress import bar, kept_whole, progress, terminal


def test_quick_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("counting", 3) as tick:
        for i in range(3):
            tick(str(i))
    assert capsys.readouterr() == ("", "")


def test_slow_work_tells_what_it_does_and_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with progress("counting", 40) as tick:
        time.sleep(0.3)
        for i in range(40):
            tick(f"step {i}")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "counting ..."
    assert lines[1:] == [f"{10 * t:3d}%  step {4 * t - 1}" for t in range(1, 11)]


def test_an_error_ends_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with pytest.raises(ValueError, match="no"), progress("counting", 1):
        raise ValueError("no")
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress("counting", 2) as tick:
        tick("first")
        tick("second")
    assert "second" in screen.getvalue() and "100%" in screen.getvalue()


def test_the_bar_says_how_far(capsys: pytest.CaptureFixture[str]) -> None:
    text = io.StringIO()
    with bar(Console(file=text, force_terminal=True, width=60)) as shown:
        shown.update(shown.add_task("half way", total=4), completed=2)
    assert "half way" in text.getvalue() and "50%" in text.getvalue()


def test_what_others_write_is_shown_above() -> None:
    before = [os.fstat(descriptor).st_ino for descriptor in (1, 2)]
    read, write = os.pipe()
    error = os.dup(2)
    os.dup2(write, 2)  # in the place of a terminal
    console = Console(stderr=True)
    with kept_whole(console):
        os.system("echo from a process")
        os.write(terminal(), b"past the console\n")
    os.dup2(error, 2)
    os.close(write)
    os.close(error)
    with os.fdopen(read, "rb") as lines:
        assert sorted(lines.read().splitlines()) == [b"from a process", b"past the console"]
    assert [os.fstat(descriptor).st_ino for descriptor in (1, 2)] == before and terminal() == 2
