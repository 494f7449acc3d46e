from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.users import OwnSettings, read_own, read_users


def users(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "users.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "name,0,1\nann,1,-2\nbob,0.5,3e-1\n",
        "1,name,0\n-2,ann,1\n0.3,bob,0.5",
        " name , speed,energy\r\n ann ,1,-2\r\n\r\nbob, 0.5 ,.3\r\n , ,\r\n",
        b'\xef\xbb\xbfname,0,1\n"ann",1,-2\nbob,0.5,0.3\n',
        b"\xef\xbb\xbf0,energy,name\n1,-2,ann\n0.5,0.3,bob\n",
    ],
)
def test_a_table_of_users(content: str | bytes, tmp_path: Path) -> None:
    population = read_users(users(tmp_path, content), 2, ("speed", "energy"))
    assert population.names == ("ann", "bob")
    np.testing.assert_allclose(population.rewards.weights, [[1, 0.5], [-2, 0.3]], rtol=1e-6)


def test_names_may_be_left_out(tmp_path: Path) -> None:
    assert read_users(users(tmp_path, "0\n1\n2\n"), 1).names == ("agent 0", "agent 1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,0\nann,1\n", "no column for reward component 1 or energy (of 2); its columns are name, 0"),
        ("name,0,1,energy\nann,1,2,3\n", "two columns for reward component 1 or energy (of 2)"),
        ("name,0,1\nann,1,much\n", "line 2, column 1: expected a finite number, got 'much'"),
        ("name,0,1\nann,1,2\n\nbob,,2\n", "line 4, column 0: expected a finite number, got ''"),
        ("0,1\n1,2\n1,NaN\n", "line 3, column 1: expected a finite number, got 'NaN'"),
        ("0,1\n-inf,2\n", "line 2, column 0: expected a finite number, got '-inf'"),
        ("0,1\n1,1e60\n", "line 2, column 1: expected a finite number, got '1e60'"),
        ("name,0,1\nann,1,2\nbob,1,2\nann,3,4\n", "line 4: name 'ann' is that of line 2, too"),
        ("name,0,1\nann,1,2\n ,1,2\n", "line 3: the name is empty"),
        ("", "has no users: expected a header and a row per user"),
        ("name,0,1\n", "has no users"),
        ("name,0,1\n\n , ,\n", "has no users"),
        ("name,0,1\nann,1\n", "line 2: expected 3 columns, got 2"),
        ("name,0,1\nann,1,2,3\n", "line 2: expected 3 columns, got 4"),
        ("name;0;1\nann;1;2\n", "no column for reward component 0 or speed (of 2); its columns are name;0;1"),
        (
            "name,0,1,age\nann,1,2,33\n",
            "columns that are no reward component and not name, weight or outside: age; columns may be 0 or speed, "
            "1 or energy (how much the user wants it), name, weight (how many people) and outside (what the user has "
            "without a policy), env.NAME (an argument of the user's own environment) and reset.NAME (an option of its",
        ),
        (
            "name,mass\nann,1.5\n",
            "no column for reward component 0 or speed (of 2); its columns are name, mass; columns may",
        ),
        (
            "name,mass\nann,1.5\n",
            "env.NAME (an argument of the user's own environment) and reset.NAME (an option of its",
        ),
        ("name,env.\nann,1.5\n", "no column for reward component 0 or speed (of 2); its columns are name, env."),
        ("0,1,reset.\n1,2,3\n", "columns that are no reward component and not name, weight or outside: reset."),
        ("env.g\n9\n", "no column for reward component 0 or speed (of 2); its columns are env.g"),
        ("0,0,1\n1,1,2\n", "has column '0' twice: 0, 0, 1"),
        (b"name,0,1\n\xff\xfe,1,2\n", "expected a table of comma-separated values in UTF-8"),
    ],
)
def test_tables_that_are_wrong(content: str | bytes, message: str, tmp_path: Path) -> None:
    path = users(tmp_path, content)
    with pytest.raises(PolicyBudgetError) as error:
        read_users(path, 2, ("speed", "energy"))
    assert message in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


def test_people_per_user_and_outside_options(tmp_path: Path) -> None:
    plain = read_users(users(tmp_path, "0\n1\n2\n"), 1)
    assert plain.agent_weights is None and plain.outside is None
    content = "weight,0,name,outside,1\n3,1,ann, 40 ,2\n0.5,3,bob,,4\n1e3,5,cy,  ,6\n1,7,di,-inf,8\n"
    population = read_users(users(tmp_path, content), 2)
    assert population.names == ("ann", "bob", "cy", "di")
    np.testing.assert_array_equal(population.rewards.weights, [[1, 3, 5, 7], [2, 4, 6, 8]])
    np.testing.assert_array_equal(population.agent_weights, [3.0, 0.5, 1000.0, 1.0])
    np.testing.assert_array_equal(population.outside, [40.0, -np.inf, -np.inf, -np.inf])


def test_a_reward_component_of_the_same_name_wins(tmp_path: Path) -> None:
    content = "weight,outside,name\n1,2,3\n-4,5,3\n"
    population = read_users(users(tmp_path, content), 3, ("name", "outside", "weight"))
    assert population.agent_weights is None and population.outside is None
    assert population.names == ("agent 0", "agent 1")
    np.testing.assert_array_equal(population.rewards.weights, [[3, 3], [2, 5], [1, -4]])
    with pytest.raises(PolicyBudgetError, match="two columns for reward component 1 or weight"):
        read_users(users(tmp_path, "0,1,weight\n1,2,3\n"), 2, ("speed", "weight"))


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("weight", "0", "line 3, column weight: expected a positive number, got '0'"),
        ("weight", "-1", "expected a positive number, got '-1'"),
        ("weight", "", "expected a positive number, got ''"),
        ("weight", "inf", "expected a positive number, got 'inf'"),
        ("weight", "1e-60", "expected a positive number, got '1e-60'"),
        ("weight", "two", "expected a positive number, got 'two'"),
        ("outside", "NaN", "line 3, column outside: expected a finite number or nothing, got 'NaN'"),
        ("outside", "inf", "expected a finite number or nothing, got 'inf'"),
        ("outside", "-1e60", "expected a finite number or nothing, got '-1e60'"),
        ("outside", "none", "expected a finite number or nothing, got 'none'"),
    ],
)
def test_numbers_per_user_that_are_wrong(column: str, cell: str, message: str, tmp_path: Path) -> None:
    path = users(tmp_path, f"0,{column}\n1,1\n1,{cell}\n2,1\n")
    with pytest.raises(PolicyBudgetError) as error:
        read_users(path, 1)
    assert message in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match="population file not found: .*nowhere.csv"):
        read_users(tmp_path / "nowhere.csv", 2)
    with pytest.raises(PolicyBudgetError, match="cannot read .*: is a directory"):
        read_users(tmp_path, 2)


def test_a_million_users(tmp_path: Path) -> None:
    row = "0.125,0.25,-1,{},2,\n"
    path = users(tmp_path, "0,1,2,name,weight,outside\n" + "".join(row.format(i) for i in range(1_000_000)))
    began = time.process_time()
    population = read_users(path, 3)
    assert time.process_time() - began < 10
    assert population.size == 1_000_000 and population.names[-1] == "999999"
    np.testing.assert_array_equal(population.rewards.weights[:, -1], [0.125, 0.25, -1])  # type: ignore[index]
    assert population.agent_weights is not None and population.agent_weights.sum() == 2_000_000
    assert population.outside is not None and population.outside[-1] == -np.inf


def test_users_with_environments_of_their_own(tmp_path: Path) -> None:
    path = users(tmp_path, "name,env.g,env.map,reset.low,0\nann,9,4x4,true,1\nbob,1.5, ,-1e-3,2\n")
    ann, bob = read_own(path)
    assert ann == OwnSettings("ann", {"g": 9, "map": "4x4"}, {"low": True})
    assert type(ann.env["g"]) is int
    assert bob == OwnSettings("bob", {"g": 1.5}, {"low": -0.001})  # a blank cell leaves the argument out
    people = read_users(path, 1)
    assert people.rewards.own and people.dynamics is not None and people.dynamics.shape == (2, 0)
    assert people.parameter_names == ("g", "low")
    np.testing.assert_allclose(people.parameters, [[9, 1], [1.5, -0.001]])  # type: ignore[arg-type]
    np.testing.assert_array_equal(people.rewards.weights, [[1.0, 2.0]])  # type: ignore[arg-type]


def test_users_who_differ_in_their_environments_alone(tmp_path: Path) -> None:
    people = read_users(users(tmp_path, "env.g\n4\n8\n"), 1)
    assert people.names == ("agent 0", "agent 1") and people.parameter_names == ("g",)
    np.testing.assert_array_equal(people.rewards.weights, [[1.0, 1.0]])  # type: ignore[arg-type]


def test_without_such_columns_users_share_an_environment(tmp_path: Path) -> None:
    path = users(tmp_path, "name,0\nann,1\n")
    assert read_own(path) == () and not read_users(path, 1).rewards.own
