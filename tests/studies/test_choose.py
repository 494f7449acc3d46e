"""The best k of the policies of several runs: known answers, bits that stay, users of the first run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runs_by_hand import levers, save

import policybudget as pb
from policybudget.cli.main import main
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.runs import arrays, files
from policybudget.runs.folder import runs_in
from policybudget.runs.result import load
from policybudget.studies.choose import Candidates, chosen_as_text

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
    by_hand = {"algorithm": "by hand", "search": "none"}
    assert two.details == {
        "chosen": [{"run": str(runs[0]), "policy": 1, **by_hand}, {"run": str(runs[1]), "policy": 2, **by_hand}]
    }
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
        ({"budget": 4}, "budget must be from 1 to the 3 different policies of these runs, got 4"),
        ({"budget": 0}, "budget must be from 1 to the 3 different policies of these runs, got 0"),
        ({"budget": 1, "episodes": 0}, "episodes must be at least 1, got 0"),
    ],
)
def test_what_is_out_of_range(runs: list[Path], tmp_path: Path, settings: dict[str, int], line: str) -> None:
    with pytest.raises(PolicyBudgetError, match=line):
        pb.choose_policies(runs, tmp_path / "new", **settings)
    assert not (tmp_path / "new").exists()


def test_runs_that_do_not_go_together(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def line(*words: str) -> str:
        assert main(["choose", *words, "--budget", "1", "--out", str(tmp_path / "new")]) == 2
        assert not (tmp_path / "new").exists()
        (one,) = capsys.readouterr().err.splitlines()
        return one

    with pytest.raises(PolicyBudgetError, match="at least one run folder"):
        pb.choose_policies([], tmp_path / "new", budget=1)
    assert "run folder not found" in line(str(runs[0]), str(tmp_path / "none"))
    grid = [
        str(save(tmp_path / f"slip {slip}", f"resource-gathering:side=3,slip={slip}", [np.zeros(4)], [0] * 9))
        for slip in (0.1, 0.9)
    ]
    assert "only policies of the same world are put together" in line(str(runs[0]), grid[0])
    assert "is of world resource-gathering:side=3,slip=0.1" in line(*grid)


def test_policies_of_one_shape_alone(runs: list[Path], tmp_path: Path) -> None:
    world = levers().replace("Box(-1, 1, (1,)", "Box(-1, 1, (2,)").replace("np.zeros(1", "np.zeros(2")
    (tmp_path / "wide").mkdir()
    (tmp_path / "wide" / "levers.py").write_text(world)
    name = f"python:{tmp_path / 'wide' / 'levers.py'}:Levers"
    wide = save(tmp_path / "third", name, [ONE], [0, 0, 0], population=str(tmp_path / "users.csv"))
    with pytest.raises(PolicyBudgetError, match="only policies of one shape can be put together"):
        pb.choose_policies([runs[0], wide], tmp_path / "new", budget=1)


def test_a_folder_appears_whole_or_not_at_all(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PolicyBudgetError, match="is there already: give another --out"):
        pb.choose_policies(runs, runs[0], budget=1)
    full = RunFolderError("cannot write: no space left on device")
    before = sorted(tmp_path.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(files, "write_json", raises(full))
        with pytest.raises(RunFolderError, match="no space left"):
            pb.choose_policies(runs, tmp_path / "new", budget=1, episodes=1)
    assert sorted(tmp_path.iterdir()) == before
    pb.choose_policies(runs, tmp_path / "new", budget=1, episodes=1)


def test_each_policy_is_a_candidate_once(runs: list[Path], tmp_path: Path) -> None:
    pb.choose_policies(runs, tmp_path / "of" / "two", budget=2, episodes=1)
    shutil.copytree(runs[1], tmp_path / "of" / "two" / "training")  # as an extension has the training of its policies
    assert runs_in(tmp_path / "of") == [tmp_path / "of" / "two"]
    assert Candidates.of([tmp_path / "of"]).policies == ((0, 0), (0, 1))
    assert Candidates.of([runs[0], runs[0], runs[1]]).policies == ((0, 0), (0, 1), (1, 2))


def test_policies_that_serve_nobody_are_named(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("name,a,b,c\ndee,5,0,0\n")
    name = f"python:{tmp_path / 'levers.py'}:Levers"
    first = save(tmp_path / "third", name, [TWO], [0], population=str(tmp_path / "one.csv"))
    found = pb.choose_policies([first, *runs], tmp_path / "new", budget=2, episodes=1)
    assert "1 of 2 policies serve nobody: a smaller budget is worth as much" in chosen_as_text(found)


def raises(error: Exception) -> Callable[..., None]:
    """A function that raises it, whatever it is given."""

    def fail(*_: object) -> None:
        raise error

    return fail
