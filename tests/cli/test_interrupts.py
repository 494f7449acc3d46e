"""Ctrl-C at every stage, with real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from policybudget.cli import interrupts
from policybudget.cli.main import main
from policybudget.training.events import Event
from policybudget.training.listeners.metrics import Metrics

INTERRUPTED_BY_IMPORT = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[-1]:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except BaseException:  # as libraries do at times
                pass

sys.meta_path.insert(0, Interrupt())
module = sys.argv[-1]
sys.argv = ["policybudget", "train", "--out", "run", module]
from policybudget.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["policybudget.cli.train", "jax", "policybudget.search.archive"])
def test_no_import_swallows_it(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED_BY_IMPORT, module]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        130, "", "policybudget: interrupted; nothing was begun\n",
    )  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_a_training_is_unwound(
    small: tuple[str, ...], empty_place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write = Metrics.__call__

    def interrupted(self: Metrics, event: Event) -> None:
        write(self, event)
        if event.iteration == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(Metrics, "__call__", interrupted)
        assert main(["train", *small, "--transitions", "512", "--out", "runs/mine", "--quiet"]) == 130
    assert capfd.readouterr().err == "policybudget: interrupted; policybudget resume runs/mine goes on\n"
    assert signal.getsignal(signal.SIGINT) is before
    assert Path("runs/mine/checkpoint/state.safetensors").exists()


def test_what_was_swallowed_is_raised_after_the_iteration(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()

    def train() -> None:
        with interrupts.unwinding(tmp_path) as listener:
            listener(None)
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            listener(None)
            pytest.fail("it was lost")

    with pytest.raises(KeyboardInterrupt, match=f"policybudget resume {tmp_path} goes on"):
        train()


@pytest.mark.parametrize("interrupted", [True, False])
def test_an_error_that_it_was_turned_into_is_an_interruption(interrupted: bool, tmp_path: Path) -> None:
    def train() -> None:
        with interrupts.unwinding(tmp_path):
            with suppress(KeyboardInterrupt):
                if interrupted:
                    signal.raise_signal(signal.SIGINT)
            raise ImportError("half a module")

    with pytest.raises(KeyboardInterrupt if interrupted else ImportError, match="nothing was begun|half a module"):
        train()


def test_pressed_again_it_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def exit_now(status: int) -> None:
        raise SystemExit(status)

    def train() -> None:
        with interrupts.unwinding(tmp_path), suppress(SystemExit):
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it went on")

    monkeypatch.setattr(os, "_exit", exit_now)
    train()
    assert capfd.readouterr().err == "policybudget: interrupted; nothing was begun\n"


def test_which_runs_go_on(tmp_path: Path) -> None:
    assert interrupts.goes_on(tmp_path) == "nothing was begun"
    for name in ("config.json", "study.json"):  # of a run; of several, which resume goes on with together
        (tmp_path / name).touch()
        assert interrupts.goes_on(tmp_path) == f"policybudget resume {tmp_path} goes on"
        (tmp_path / name).unlink()
