"""One pool of processes."""

from __future__ import annotations

import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.studies.processes import Child, Job, run_all


def test_all_jobs_run_and_are_heard_of_once() -> None:
    done: list[str] = []
    jobs = [Job(f"job {index}", ("--version",)) for index in range(3)]
    run_all(jobs, 2, done=lambda child: done.append(child.job.name))
    assert sorted(done) == ["job 0", "job 1", "job 2"]


def test_one_that_fails_stops_the_others() -> None:
    ended: list[Child] = []
    jobs = [Job("bad", ("fly",)), Job("good", ("--version",))]
    with pytest.raises(PolicyBudgetError, match="^bad failed: command must be one of train, resume"):
        run_all(jobs, 1, done=ended.append)
    assert not ended, "the one that waited was never begun"
