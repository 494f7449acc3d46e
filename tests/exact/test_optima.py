"""Optima by the name of a world, as Python users ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget import exact
from policybudget.errors import PolicyBudgetError
from policybudget.exact.front_optimum import front_optimum
from policybudget.exact.intervals import velocity_ceiling
from policybudget.exact.optima import checked, options_of, worlds
from policybudget.exact.velocity_optimum import velocity_optimum
from policybudget.worlds.mujoco.velocity import velocity_population


def test_tours_of_a_small_grid() -> None:
    heard: list[str] = []
    found = exact.optimum("resource-gathering", range(1, 5), heard.append, side=2, home=(0, 0))
    assert found.budgets == (1, 2, 3, 4) and found.welfare == found.bounds == (96.0, 97.0, 97.5, 97.75)
    assert heard[0] == "budget 1  welfare 96.00" and len(heard) == 4
    record = found.record()
    assert [record["world"], record["side"], record["home"]] == ["resource-gathering", 2, (0, 0)]
    assert [entry["budget"] for entry in record["budgets"]] == [1, 2, 3, 4]


def test_speeds_of_one_draw() -> None:
    found = exact.optimum("ant-velocity", [3], agents=20, population_seed=4)
    targets = velocity_population("ant", 20, 4).parameters[:, 0]  # type: ignore[index]
    assert found.welfare[0] == pytest.approx(velocity_ceiling(targets, 0.15, 3))
    record = found.record()
    assert record["ceiling"] == found.welfare[0] and record["seed"] == 4 and record["agents"] == 20
    assert sum(record["users"]) + record["paid_nothing"] == 20


def test_policies_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "front.csv").write_text("a,b\n2,0\n0,3\n1,1\n")
    (tmp_path / "users.csv").write_text("a,b,weight\n1,0,3\n0,1,1\n")
    found = front_optimum(tmp_path / "front.csv", [1, 2], population=tmp_path / "users.csv")
    assert found.welfare == found.bounds == (1.5, 2.25) and found.values == 6
    assert found.unit == "welfare (weighted mean over users)"
    first, second = found.entries()
    assert first["policies"] == [{"row": 0, "users": 2, "weight": 4.0}]
    assert second["labels"] == [0, 1] and second["method"] == "exact"


def test_worlds_and_options() -> None:
    assert worlds() == (
        "resource-gathering", "half-cheetah-velocity", "ant-velocity", "hopper-velocity", "walker2d-velocity",
        "savers",
    )  # fmt: skip
    assert options_of(velocity_optimum) == ("agents", "population_seed")


@pytest.mark.parametrize(
    ("world", "budgets", "options", "message"),
    [
        ("ant-direction", [1], {}, "world must be one of resource-gathering, .*got 'ant-direction'; for others"),
        ("ant-velocity", [1], {"side": 3}, "takes agents and population_seed, got side; leave it out"),
        ("ant-velocity", [0], {}, r"budget must be between 1 and the number of agents \(100\), got 0"),
        ("ant-velocity", [], {}, "budgets must be at least one number, got none"),
        ("ant-velocity", [1], {"population_seed": -1}, "seed must be from 0"),
    ],
)
def test_bad_questions(world: str, budgets: Iterable[int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        exact.optimum(world, budgets, **options)


def test_budgets_may_be_any_iterable() -> None:
    assert checked(iter([2, 1]), 2) == (2, 1)
    assert checked(np.arange(1, 3), 2) == (1, 2)
