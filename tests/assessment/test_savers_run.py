"""Runs in the world of savers: what is played agrees with what is exact, here and in later decades."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from runs_by_hand import constant, save

from policybudget.assessment.generalise_run import generalise_run
from policybudget.assessment.held_out_plan import HeldOutPlan
from policybudget.assessment.savers_figures import paths_of_run
from policybudget.assessment.savers_rules import rules_of
from policybudget.errors import PolicyBudgetError
from policybudget.exact.savers_optimum import returns
from policybudget.problem import make_problem
from policybudget.runs.result import load
from policybudget.worlds.savers.names import savers_world
from policybudget.worlds.savers.planning import GRID
from policybudget.worlds.savers.population import read_savers

TABLE = "name,risk_aversion,horizon,wealth{}\nann,4,8,0{}\nbob,4,3,9{}\n"
BOLD, CAREFUL = 0.8, 0.25
ACTIONS = [[2 * BOLD - 1], [2 * CAREFUL - 1]]


@pytest.mark.parametrize("name", ["savers", "savers:wealth"])
def test_policies_as_tables(name: str) -> None:
    shares = rules_of(savers_world(name), constant(savers_world(name), [[-3.0], *ACTIONS]))
    assert shares.shape == (3, 50, len(GRID))
    np.testing.assert_allclose(
        shares, np.broadcast_to(np.array([0, BOLD, CAREFUL])[:, None, None], shares.shape), atol=1e-6
    )


def test_a_run_is_judged_here_and_in_later_decades(tmp_path: Path) -> None:
    here, later = tmp_path / "here.csv", tmp_path / "later.csv"
    here.write_text(TABLE.format("", "", ""))
    later.write_text(TABLE.format(",first_year,last_year", ",1990,2018", ",1990,2018"))
    run = save(tmp_path / "run", "savers", ACTIONS, [0, 1], population=str(here))
    problem, result = make_problem("savers", 2, population=str(here)), load(run)
    shares = rules_of(savers_world(), result.policies)
    figure = paths_of_run(problem, result)["glide-paths.png"]
    lines = [np.asarray(line.get_xydata()) for line in figure.axes[0].get_lines()]
    plt.close(figure)
    np.testing.assert_allclose(lines[0][:, 1], np.full(8, 100 * BOLD), atol=1e-3)
    np.testing.assert_allclose(lines[1][:, 1], np.full(3, 100 * CAREFUL), atol=1e-3)
    found = generalise_run(run, HeldOutPlan(population=later, episodes=200, trials=20)).record
    exact = returns(savers_world(), read_savers(later), shares)
    assert tuple(found["names"]) == ("ann", "bob")
    assert found["rules"]["oracle"]["mean"] == pytest.approx(exact.max(axis=0).mean(), abs=0.5)
    with pytest.raises(PolicyBudgetError, match="tasks of .*here.csv are among those"):
        generalise_run(run, HeldOutPlan(population=here))
