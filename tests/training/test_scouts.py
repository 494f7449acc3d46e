"""More policies than the budget at first, of which the best go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from worlds_with_known_answers import QUICK, wishes

from policybudget.assignment.em import EM
from policybudget.errors import PolicyBudgetError
from policybudget.training import checkpoint
from policybudget.training.train import Event, train

RULE = EM(warm_start=3, scouts=3, scout_share=0.5)


def test_scouts_find_what_round_robin_groups_do_not_and_resume_bit_for_bit(tmp_path: Path) -> None:
    problem = wishes([0, 1, 2, 0, 1, 2, 3, 3], 4)  # round-robin puts users 0 and 4 together, who want other levers
    heard: list[Event] = []

    class StoppedError(Exception):
        pass

    def stop(event: Event) -> None:
        if event.phases[event.phase] == "em" and event.iteration == 5:
            raise StoppedError

    whole = train(problem, RULE, ppo=QUICK, transitions=64 * 60, listeners=[heard.append])
    assert {event.phases for event in heard} == {("scouts", "em")}
    assert heard[0].report.group_size.shape == (8,) and heard[-1].report.group_size.shape == (4,)
    assert heard[-1].transitions == heard[-1].of == whole.transitions <= 4 * 64 * 60
    assert whole.welfare == pytest.approx(10.0)
    with pytest.raises(StoppedError):
        train(problem, RULE, ppo=QUICK, transitions=64 * 60, listeners=[checkpoint.Checkpoints(tmp_path, 0.0), stop])
    rest = train(problem, RULE, ppo=QUICK, transitions=64 * 60, resume=checkpoint.reader(tmp_path))
    np.testing.assert_array_equal(rest.assignment, whole.assignment)
    np.testing.assert_array_equal(rest.returns, whole.returns)


@pytest.mark.parametrize("changes", [{"scouts": 0}, {"scout_share": 0.0}, {"scout_share": 1.0}])
def test_out_of_range(changes: dict[str, float]) -> None:
    with pytest.raises(PolicyBudgetError, match=next(iter(changes))):
        EM(**changes)  # type: ignore[arg-type]
