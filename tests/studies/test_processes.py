"""Worker processes: each takes one unit after another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.runs.folder import locked
from policybudget.studies import journal, processes
from policybudget.studies.processes import Processes
from policybudget.studies.run_units import run_study, run_units
from policybudget.studies.study import Study
from policybudget.studies.unit import finished
from policybudget.studies.work import Ended, work
from policybudget.training.configuration import Configuration, preset

WORLD = "resource-gathering:side=2"


def tiny() -> Configuration:
    """The smallest training."""
    usual = preset("plain", WORLD)
    learner = replace(usual.learner, copies=2, steps=16, minibatch=16, epochs=1, hidden=(4,))
    return replace(usual, transitions=64, learner=learner, budget=1)


def children() -> list[int]:
    """Processes of this one."""
    return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def test_a_killed_worker_and_another_driver(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = Study.of(tiny(), (1,), range(3))
    study.save(tmp_path)
    folders = [tmp_path / unit.place for unit in study.units]
    killed, before = list[int](), children()
    ended = list[Ended]()
    with locked(folders[2]):  # as another driver's worker would
        events = Processes(1)(folders)
        for event in events:
            ended += [] if event is None else [event]
            if not killed and journal.read(folders[0]).runs:
                killed += [child for child in children() if child not in before]
                os.kill(killed[0], signal.SIGKILL)
            if len(ended) == 2:
                break
    assert not finished(folders[2]) and [one.folder for one in ended] == folders[:2]
    ended += [event for event in events if event is not None]
    assert [one.status for one in ended] == ["finished"] * 3 and set(children()) <= set(before)
    assert journal.read(folders[0]).events == ("begun", "begun", "finished")
    assert [journal.read(folder).events for folder in folders[1:]] == [("begun", "finished")] * 2
    assert capsys.readouterr().err == f"policybudget: {folders[0]}: its process was killed by signal 9; it goes on\n"
    outcome = run_study(tmp_path, study, quiet=True)
    assert outcome.rows[0].welfare == tuple(unit.outcome(tmp_path).welfare for unit in study.units)
    (folders[1] / "result.json").write_text("{}")
    with pytest.raises(PolicyBudgetError, match="seed-1 was changed or damaged; remove it, and it is trained again"):
        run_study(tmp_path, study, quiet=True)


def test_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    study = Study.of(tiny(), (1,), range(2))
    study.save(tmp_path)
    bad, good = (tmp_path / unit.place for unit in study.units)
    content = (bad / "config.json").read_text()
    (bad / "config.json").write_text("{")
    with pytest.raises(PolicyBudgetError, match=r"^seed 0 failed: .*config.json is damaged: not a JSON file"):
        run_units(tmp_path, study, Processes(2), quiet=True)
    assert finished(good) and not finished(bad)
    assert journal.read(bad).events == ("begun", "failed")
    (bad / "config.json").write_text(content)
    run_units(tmp_path, study, quiet=True)
    assert finished(bad) and journal.read(good).events == ("begun", "finished"), "what is finished is left"


def test_work_leaves_what_is_finished_and_what_is_taken(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert work(tmp_path) == Ended(tmp_path, "taken")
    assert work(tmp_path / "nowhere").status == "failed"
    (tmp_path / "manifest.json").touch()
    assert work(tmp_path) == Ended(tmp_path, "finished")
    assert not (tmp_path / journal.NAME).exists()


def test_a_worker_does_not_outlive_who_began_it() -> None:
    worker = subprocess.Popen([sys.executable, "-m", "policybudget.studies.worker"], stdin=subprocess.PIPE)
    assert worker.stdin is not None
    worker.stdin.close()
    assert worker.wait(60) == 0


def test_a_process_that_cannot_begin_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.sys, "executable", "/bin/false")
    events = Processes(1)([tmp_path])
    (ended,) = [event for event in events if event is not None]
    assert ended == Ended(tmp_path, "failed", "its process ended with status 1")


def test_a_journal_that_was_torn(tmp_path: Path) -> None:
    assert journal.read(tmp_path) == journal.Journal((), 0.0)
    journal.write(tmp_path, "begun")
    assert journal.read(tmp_path).runs
    journal.write(tmp_path, "failed", 1.5)
    journal.write(tmp_path, "begun")
    with (tmp_path / journal.NAME).open("a") as file:
        file.write("finished,17")
    assert journal.read(tmp_path) == journal.Journal(("begun", "failed", "begun"), 1.5)


def test_a_study_may_be_run_from_any_thread(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").touch()
    ended = list[Ended | None]()
    thread = threading.Thread(target=lambda: ended.extend(Processes(1)([tmp_path])))
    thread.start()
    thread.join(60)
    assert Ended(tmp_path, "finished") in ended
