"""Plans in TOML: all combinations, blocks, other seeds, a first look, and wrong input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.search.plain import Plain
from policybudget.studies import plan
from policybudget.training.configuration import preset

PLAN = """
title = "A plan"
world = "resource-gathering:side=3"
transitions = 20_000
seeds = 2

[grid]
algorithm = ["em", "random"]
budget = "1-2,9"

[quick]
transitions = 1000
grid.budget = [3]
"""


def loaded(text: str, place: Path, **more: object) -> plan.Study:
    path = place / "plan.toml"
    path.write_text(text)
    return plan.load(path, **more)  # type: ignore[arg-type]


def test_all_combinations(tmp_path: Path) -> None:
    study = loaded(PLAN, tmp_path)
    assert study.title == "A plan" and len(study.units) == 2 * 3 * 2
    each = [unit.configuration for unit in study.units]
    expected = [(rule, k, seed) for rule in ("em", "random") for k in (1, 2, 9) for seed in (0, 1)]
    assert [(one.rule.name, one.budget, one.seed) for one in each] == expected
    assert {(one.transitions, one.cores, one.population_seed) for one in each} == {(20_000, 1, 0)}
    assert study.units[0].configuration.training().total == study.units[0].total
    assert study.names[1] == "em budget 1 seed 1"


def test_what_takes_the_place_of_the_plan(tmp_path: Path) -> None:
    assert [unit.configuration.seed for unit in loaded(PLAN, tmp_path, seeds=1).units] == [0] * 6
    quick = loaded(PLAN, tmp_path, quick=True)
    assert {(unit.configuration.budget, unit.configuration.transitions) for unit in quick.units} == {(3, 1000)}
    assert quick.title == "A plan (quick: transitions 1000, budget [3])"


def test_blocks_beside_each_other(tmp_path: Path) -> None:
    text = """
    world = "half-cheetah-velocity"
    population-seed = "seed"
    agents = 12
    seeds = 2
    [[block]]
    label = "as usual"
    [[block]]
    label = "plain, slower"
    search = "plain"
    learning-rate = [1e-3, 1e-4]
    grid.clip = [0.1, 0.3]
    """
    study = loaded(text, tmp_path)
    each = [unit.configuration for unit in study.units]
    assert [(one.seed, one.population_seed) for one in each] == [(0, 0), (1, 1)] * 3
    assert each[0].method == preset("default", "half-cheetah-velocity").method
    assert each[2].search == Plain() and each[2].learner.learning_rate == (1e-3, 1e-4)
    assert [one.learner.clip for one in each[2::2]] == [0.1, 0.3]
    assert study.varied == ("label", "clip", "seed") and study.names[4] == "plain, slower clip 0.3 seed 0"


def test_files_are_beside_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "goals.csv").write_text("name,direction\nann,10\nbob,100\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (unit,) = loaded('world = "ant-direction"\npopulation = "goals.csv"\nbudget = 2', tmp_path).units
    assert unit.configuration.population == str(tmp_path / "goals.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[grdi]\nbudget = [1]", "unknown option 'grdi' (did you mean 'grid'?)"),
        ('[grid]\nalgoritm = ["em"]', "unknown option 'algoritm' (did you mean 'algorithm'?)"),
        ("budget = 'three'", "budget must be like 3, got 'three'"),
        ("world = 3", "world must be a text of at most 1000 characters, got 3"),
        ("[grid]\nbudget = []", "grid.budget must be a list with a value at least, got []"),
        ("[grid]\nbudget = '5-1'", "a range of budgets must begin with the smaller number"),
        ("budget = 26", "budget must be between 1 and the number of agents (25), got 26"),
        ("cores = 2", "cores is no option of a plan: every unit computes on one core; leave it out"),
        ("seeds = 0", "seeds must be a number from 1 to 100,000, got 0"),
        ("block = 3", "block must be written [[block]]"),
        ("grid = 3", "grid must be written [grid]"),
        ("[[block]]\nbudget = 1\ngrid.budget = [1]", "budget is an option and a list of the same block"),
        ("[[", "is no plan: "),
        ("seed = " + "1" * 5000, "is no plan: "),
        ("title = 3", "title must be a text of at most 1000 characters, got 3"),
    ],
)
def test_plans_that_are_wrong(text: str, words: str, empty_place: Path, one_line: Callable[[list[str]], str]) -> None:
    Path("plan.toml").write_text(text)
    line = one_line(["study", "plan.toml", "--out", "new"])
    assert (words in line and "plan.toml" in line) or words.startswith(("a range", "budget must be between"))
    assert words in line and not Path("new").exists()


def test_commands_that_are_wrong(empty_place: Path, one_line: Callable[[list[str]], str]) -> None:
    Path("plan.toml").write_text("seeds = 1")
    assert "plan not found: none.toml" in one_line(["study", "none.toml", "--out", "new"])
    assert "has nothing under [quick]" in one_line(["study", "plan.toml", "--out", "new", "--quick"])
    assert "launcher must be one of processes, ray, got 'rayy' (did you mean 'ray'?)" in one_line(
        ["study", "plan.toml", "--out", "new", "--launcher", "rayy"]
    )
    assert "processes must be at least 1" in one_line(["study", "plan.toml", "--out", "new", "--processes", "0"])
    Path("full").mkdir()
    Path("full/file").touch()
    assert "must be new or empty" in one_line(["study", "plan.toml", "--out", "full"])
    assert "figure must be one of figure-1" in one_line(["reproduce", "figure-9", "--out", "new"])
    assert not Path("new").exists()


def test_more_trainings_than_anybody_runs(tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match="asks for more than 100,000 trainings"):
        loaded("seeds = 100_000\n[grid]\nmixing = [0.1, 0.2]", tmp_path)
    with pytest.raises(PolicyBudgetError, match="asks for more than 100,000 trainings"):
        loaded("[[block]]\nseeds = 2\n[[block]]\nseeds = 99_999\nmixing = 0.1", tmp_path)
