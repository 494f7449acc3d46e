"""The best k of the policies of several runs: known answers, bits that stay, users of the first run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runs_by_hand import levers, save

import policybudget as pb
from policybudget.cli.main import main
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.runs import arrays
from policybudget.runs.result import load

ONE, TWO, THREE = np.eye(3) * 9.0


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Ann wants the first lever, bob the second (2), cyd the third (3); no run has policies for all of them."""
    (tmp_path / "levers.py").write_text(levers())
    (tmp_path / "users.csv").write_text("name,a,b,c\nann,1,0,0\nbob,0,2,0\ncyd,0,0,3\n")
    world: dict[str, Any] = {
        "name": f"python:{tmp_path / 'levers.py'}:Levers",
        "population": str(tmp_path / "users.csv"),
    }
    return [
        save(tmp_path / "first", actions=[ONE, TWO], serves=[0, 1, 1], **world),
        save(tmp_path / "second", actions=[ONE, ONE, THREE], serves=[0, 1, 2], **world),
    ]


def test_the_best_of_all_policies(runs: list[Path], tmp_path: Path) -> None:
    two = pb.choose_policies(runs, tmp_path / "two", budget=2, episodes=3)
    assert two.details["chosen"] == [{"run": str(runs[0]), "policy": 1}, {"run": str(runs[1]), "policy": 2}]
    assert two.welfare == pytest.approx(5 / 3)
    np.testing.assert_array_equal(two.assignment[:, 1:], np.eye(2))
    np.testing.assert_array_equal(two.returns, [[0, 2, 0], [0, 0, 3]])
    np.testing.assert_array_equal(two.lengths, [1, 1])
    three = pb.choose_policies(runs, tmp_path / "three", budget=3, episodes=3)
    assert three.welfare == pytest.approx(2.0)
    assert three.search == "the best of 2 runs"


def test_policies_stay_bit_for_bit(runs: list[Path], tmp_path: Path) -> None:
    before = [load(run) for run in runs]
    pb.choose_policies(runs, tmp_path / "chosen", budget=2, episodes=1)
    chosen = load(tmp_path / "chosen")
    own = [arrays.fingerprint(chosen.arrays, policy) for policy in range(2)]
    assert own == [arrays.fingerprint(before[0].arrays, 1), arrays.fingerprint(before[1].arrays, 2)]
    seen = np.linspace(-3, 3, 7, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(chosen.act(seen, policy=1), before[1].act(seen, policy=2))


def test_users_are_those_of_the_first_run(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "others.csv").write_text("name,a,b,c\ndee,5,0,0\n")
    name = f"python:{tmp_path / 'levers.py'}:Levers"
    other = save(tmp_path / "third", name, [TWO], [0], population=str(tmp_path / "others.csv"))
    assert pb.choose_policies([*runs, other], tmp_path / "one", budget=1, episodes=1).agents == ("ann", "bob", "cyd")
    found = pb.choose_policies([other, *runs], tmp_path / "other", budget=1, episodes=1)
    assert found.agents == ("dee",)
    assert found.welfare == pytest.approx(5.0)


def test_the_choice_is_a_run_like_any_other(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "chosen")
    assert main(["choose", *map(str, runs), "--budget", "2", "--episodes", "2", "--out", out]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[-3:] == ["first", "policy", "1"]
    assert lines[2].split() == ["1", "1", "1", "second", "policy", "2"]
    assert "welfare 1.67" in lines[3]
    assert main(["evaluate", out, "--episodes", "2"]) == 0
    assert "1.67" in capsys.readouterr().out
    assert pb.choose_policies([tmp_path], tmp_path / "all", budget=3, episodes=1).welfare == pytest.approx(2.0)
    again = pb.choose_policies([out], tmp_path / "again", budget=1, episodes=1)
    assert again.welfare == pytest.approx(1.0)


def test_a_choice_can_be_extended(runs: list[Path], tmp_path: Path) -> None:
    problem = pb.make_problem(f"python:{tmp_path / 'levers.py'}:Levers", 2, population=str(tmp_path / "users.csv"))
    pb.train(problem, transitions=2048, out=tmp_path / "trained", quiet=True)
    pb.choose_policies([tmp_path / "trained"], tmp_path / "one", budget=1, episodes=1)
    found = pb.extend_run(tmp_path / "one", tmp_path / "two", transitions=2048, episodes=2, quiet=True)
    assert found.result.budget == 2
    assert found.comparison.record["policies"][0]["what"] == "unchanged"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"budget": 6}, "budget must be from 1 to the 5 policies of these runs, got 6"),
        ({"budget": 0}, "budget must be from 1 to the 5 policies of these runs, got 0"),
        ({"budget": 1, "episodes": 0}, "episodes must be at least 1, got 0"),
    ],
)
def test_what_is_out_of_range(runs: list[Path], tmp_path: Path, settings: dict[str, int], line: str) -> None:
    with pytest.raises(PolicyBudgetError, match=line):
        pb.choose_policies(runs, tmp_path / "new", **settings)
    assert not (tmp_path / "new").exists()


def test_runs_that_do_not_go_together(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError, match="at least one run folder"):
        pb.choose_policies([], tmp_path / "new", budget=1)
    with pytest.raises(RunFolderError, match="run folder not found"):
        pb.choose_policies([*runs, tmp_path / "none"], tmp_path / "new", budget=1)
    rooms = save(tmp_path / "grid", "resource-gathering", [np.zeros(4)], [0] * 25)
    with pytest.raises(PolicyBudgetError, match="only policies of one shape can be put together"):
        pb.choose_policies([runs[0], rooms], tmp_path / "new", budget=1)
    assert not (tmp_path / "new").exists()
    with pytest.raises(RunFolderError, match="must be new or empty"):
        pb.choose_policies(runs, runs[0], budget=1)
