from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.population import Population
from policybudget.worlds import registry
from policybudget.worlds.savers.names import savers_world
from policybudget.worlds.savers.planning import GRID, at, best_rule, worth
from policybudget.worlds.savers.population import savers_population, savers_table
from policybudget.worlds.savers.returns import years
from policybudget.worlds.savers.saver import Saver


def told(population: Population) -> Saver:
    assert population.dynamics is not None
    return Saver(*population.dynamics.astype(float).T)  # type: ignore[arg-type] # columns (n)


def test_the_usual_savers() -> None:
    population = savers_population()
    saver = told(population)
    assert population.size == 30 and len(set(population.names)) == 30
    assert set(saver.aversion) == {2, 3, 4, 6, 8} and set(saver.horizon) == {10, 25, 40}
    assert population.highest_return == population.return_scale == 100.0
    assert population.names[3] == "aversion 2, 25 years, 44 % paid in"
    assert saver.paid_in[3] == pytest.approx(20 / 45)
    values, _ = best_rule(2.0, years().gross[:384], 40)
    assert saver.best[3] == pytest.approx(at(values, 25, 20 / 45))
    assert (saver.best > 1).all() and (saver.first == 0).all() and (saver.span == 384).all()
    bills = worth(np.zeros((1, 40, len(GRID))), 8.0, years().gross[:384])[0]
    assert all(
        at(bills, int(saver.horizon[i]), saver.paid_in[i]) < saver.best[i] for i in np.flatnonzero(saver.aversion == 8)
    )


def test_drawn_savers() -> None:
    first, again, other = (savers_population(2, seed) for seed in (0, 0, 1))
    assert first.names == again.names != other.names
    later = registry.held_out("savers", 2)
    assert later.names != first.names and (told(later).first == 395).all() and (told(later).span == 336).all()
    assert ((told(first).aversion >= 2) & (told(first).aversion <= 8)).all()
    assert first.parameters is not None and later.parameters is not None
    assert not (first.parameters[:, -1] == later.parameters[:, -1]).any()


def test_a_table_of_savers(tmp_path: Path) -> None:
    path = tmp_path / "savers.csv"
    path.write_text(
        "name,risk_aversion,horizon,contribution,wealth,first_year,last_year,weight,outside\n"
        "ann,3,30,5000,150000,1957,1989,2,\nbob,1,1,0,7,1990,2018,1,80\n"
    )
    world, population = registry.make("savers:wealth", population=str(path))
    saver = told(population)
    assert world.name == "savers:wealth" and population.names == ("ann", "bob")
    np.testing.assert_allclose(saver.paid_in, [0.5, 1.0])
    assert population.agent_weights is not None and population.agent_weights.tolist() == [2, 1]
    assert population.outside is not None and population.outside.tolist() == [-np.inf, 80]
    path.write_text(savers_table(population))
    again = registry.make("savers", population=str(path))[1]
    np.testing.assert_allclose(again.dynamics, population.dynamics, rtol=1e-5)
    path.write_text("risk_aversion,horizon\n3,30\n")
    plain = told(registry.make("savers", population=str(path))[1])
    assert (plain.paid_in[0], plain.first[0], plain.span[0]) == (0, 0, 384)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("horizon\n3\n", r"must have columns risk_aversion and horizon and may have contribution, .*are horizon"),
        ("risk_aversion,horizon,age\n3,3,3\n", "its columns are risk_aversion, horizon, age"),
        ("risk_aversion,horizon,horizon\n3,3,3\n", "each once"),
        (
            "risk_aversion,horizon\n0,3\n",
            "line 2, column risk_aversion: expected a number above 0, 12 at most, got '0'",
        ),
        ("risk_aversion,horizon\n3,2.5\n", "expected a whole number of years from 1 to 50, got '2.5'"),
        ("risk_aversion,horizon\n3,51\n", "from 1 to 50, got '51'"),
        ("risk_aversion,horizon,wealth\n3,3,nan\n", "column wealth: expected a number from 0 on, got 'nan'"),
        ("risk_aversion,horizon,contribution\n3,3,0\n", "line 2: expected a contribution or wealth above 0"),
        (
            "risk_aversion,horizon,first_year\n3,3,1995\n",
            "known from 1957 to 2018, got first_year 1995 and last_year 1989",
        ),
        ("risk_aversion,horizon\n", "has no users"),
    ],
)
def test_wrong_tables(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "savers.csv"
    path.write_text(text)
    with pytest.raises(PolicyBudgetError, match=message):
        registry.make("savers", population=str(path))


def test_names_of_the_world() -> None:
    assert [savers_world(name).observation_size for name in ("savers", "savers:wealth")] == [1, 2]
    for name in ("savers:", "savers:wealt"):
        with pytest.raises(PolicyBudgetError, match=f"may have the option wealth .*got '{name}'"):
            registry.make(name)
