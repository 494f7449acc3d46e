"""One pool of processes."""

from __future__ import annotations

import os
import signal

import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.studies.processes import Child, Job, run_all


def test_all_jobs_run_and_are_heard_of_once() -> None:
    done: list[str] = []
    jobs = [Job(f"job {index}", lambda: ("--version",)) for index in range(3)]
    run_all(jobs, 2, done=lambda child: done.append(child.job.name))
    assert sorted(done) == ["job 0", "job 1", "job 2"]


def test_one_that_fails_stops_the_others() -> None:
    ended: list[Child] = []
    jobs = [Job("bad", lambda: ("fly",)), Job("good", lambda: ("--version",))]
    with pytest.raises(PolicyBudgetError, match="^bad failed: command must be one of train, resume"):
        run_all(jobs, 1, done=ended.append)
    assert not ended, "the one that waited was never begun"


def test_a_job_that_was_killed_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    begun, done = list[int](), list[str]()

    def arguments() -> tuple[str, ...]:
        begun.append(1)
        return ("--version",) if len(begun) > 1 else ("check", "gym:CartPole-v1")

    def kill(child: Child) -> None:
        if len(begun) == 1 and child.process.returncode is None:
            os.kill(child.process.pid, signal.SIGKILL)

    run_all([Job("one", arguments)], 1, watch=kill, done=lambda child: done.append(child.job.name))
    assert len(begun) == 2 and done == ["one"]
    assert capsys.readouterr().err == "policybudget: one: its process was killed by signal 9; it goes on\n"
