"""``policybudget generalise`` on run folders made by hand: every number can be written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs_by_hand import save

from policybudget.assessment.generalise_run import generalise_run
from policybudget.assessment.held_out_plan import HeldOutPlan
from policybudget.cli.main import main
from policybudget.runs.prototypes import Prototypes
from policybudget.runs.result import PROTOTYPES
from policybudget.worlds import registry

OneLine = Callable[[list[str]], str]
CHEETAH, LEVER = "half-cheetah-goal-velocity", "gym:gymnasium_worlds:Lever-v0"
NOTHING, FIRST, COIN = [9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0]
"""What a policy pulls: 0, 1, or 2 in one of four cases. Users are paid their weight times that."""
LATER = np.array([2.0, 0.5, -0.5, -3.0])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that are only read, but for their generalisation.json."""
    place = tmp_path_factory.mktemp("runs")
    (place / "users.csv").write_text("name,0\nlikes,1\nhates,-1\n")
    (place / "later.csv").write_text("name,0\n" + "".join(f"user {x},{x}\n" for x in LATER))
    mine = {"serves": [0, 1], "population": str(place / "users.csv")}
    save(place / "lever", LEVER, [FIRST, NOTHING], **mine)
    save(place / "wrong", LEVER, [NOTHING, FIRST], **mine)
    save(place / "unsure", LEVER, [FIRST, COIN], **mine)
    ideal = {"serves": [0, 0, 1, 1], "population": str(place / "later.csv")}
    save(place / "reference", LEVER, [FIRST, NOTHING], **ideal)
    save(place / "leaves", LEVER, [FIRST, NOTHING], serves=[0, 0, 1, -1], population=str(place / "later.csv"))
    stands = Prototypes(np.array([[2.9], [0.4], [np.inf]]), np.ones(1), ("goal velocity (m/s)",))
    save(place / "cheetah", CHEETAH, np.zeros((3, 6)), [0, 1, 2, 2], stands, agents=4, population_seed=0)
    return place


@pytest.fixture(autouse=True)
def there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def judged(run: str, *arguments: str) -> dict[str, Any]:
    assert main(["generalise", run, *arguments]) == 0
    record: dict[str, Any] = json.loads((Path(run) / "generalisation.json").read_text())
    return record


def test_users_from_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    record = judged("lever", "--population", "later.csv", "--episodes", "3", "--trials", "1")
    assert record["serves"] == {"nearest": [0, 0, 1, 1], "few-shot": [0, 0, 1, 1]}
    assert record["returns"]["nearest"] == [2.0, 0.5, 0.0, 0.0] == record["returns"]["oracle"]
    assert (record["tasks"], record["source"], record["places"]) == (4, "later.csv", "mean tasks")
    assert record["names"] == [f"user {x}" for x in LATER]
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:2] == ["nearest", "0.62"] and lines[1].endswith("mean task of its agents is nearest")
    assert len(lines) == 4 and max(map(len, lines)) <= 80


def test_a_certificate_against_the_exact_optimum(capsys: pytest.CaptureFixture[str]) -> None:
    """The best pull is the second lever or none; the wrong policies lack 2, 0.5, 0.5 and 3."""
    exact = ("--exact", "--range", "-4", "4", "--episodes", "200", "--population", "later.csv")
    good = judged("lever", *exact, "--epsilon", "0.6")["certificates"]["exact"]
    np.testing.assert_allclose(good["bar"], np.maximum(LATER, 0) - 0.6)
    assert (good["counted"], good["tasks"], good["rule"], good["reference"]) == (4, 4, "nearest", "exact")
    assert "nearest: With 95 % confidence, at least 44." in capsys.readouterr().out
    bad = judged("wrong", *exact, "--epsilon", "0.3")["certificates"]["exact"]
    assert (bad["counted"], bad["uncovered"]) == (0, [0, 1, 2, 3])
    assert judged("wrong", *exact, "--epsilon", "1.2")["certificates"]["exact"]["uncovered"] == [0, 3]
    few = judged("wrong", *exact, "--epsilon", "0.6", "--certify", "few-shot")["certificates"]["exact"]
    assert (few["counted"], few["rule"]) == (4, "few-shot")  # the policies are there, but stand in the wrong places


def test_a_certificate_against_a_reference() -> None:
    record = judged("lever", "--reference", "reference", "--epsilon", "1", "--range", "-4", "4", "--episodes", "200")
    assert (record["source"], record["tasks"]) == ("reference", 4)
    made = record["certificates"]["reference"]
    assert made["counted"] == 4 and made["reference"] == "reference policy reference"
    bars = np.array(made["bar"]) + 1.0  # upper bounds of 2, 0.5, 0 and 0
    assert (bars > np.maximum(LATER, 0)).all() and (bars < np.maximum(LATER, 0) + 0.3).all()
    both = judged(
        "wrong", "--reference", "reference", "--epsilon", "1", "--floor", "-2", "--range", "-4", "4", "--exact"
    )
    assert set(both["certificates"]) == {"floor", "exact", "reference"}
    assert both["certificates"]["floor"]["epsilon"] == 0.0 and both["certificates"]["exact"]["epsilon"] == 1.0


def test_the_best_arm_of_each_task(capsys: pytest.CaptureFixture[str]) -> None:
    """The coin is worth half of the sure lever: 1 to 0.5, -1.5 to -3. Nobody has 1.5 but the first user."""
    how = ("--method", "successive-elimination", "--beta", "0.2", "--range", "-6", "6", "--floor", "1.5")
    record = judged("unsure", "--population", "later.csv", *how, "--max-episodes", "400", "--certify", "best-arm")
    found = record["best-arm"]
    assert found["reasons"]["certain"] + found["reasons"]["episodes spent"] == 1
    assert found["reasons"]["no policy is good enough"] == 3
    assert found["floor"] == {"reached": 1, "by no policy": 3, "undecided": 0}
    assert found["returns"]["mean"] == 2.0 and found["tasks"][0]["policy"] == 0
    assert found["episodes"]["most"] <= 400 and record["range"] == [-6.0, 6.0]
    certificate = record["certificates"]["floor"]
    assert certificate["uncovered"][-3:] == [1, 2, 3] and certificate["rule"] == "best-arm"
    out = capsys.readouterr().out
    assert "successive-elimination, 1 of 4 tasks" in out and "3 no policy is good enough (" in out
    assert "floor 1.5: 1 reached, 3 by no policy" in out and max(map(len, out.splitlines())) <= 80
    halved = judged("unsure", "--population", "later.csv", "--method", "sequential-halving", "--max-episodes", "30",
                    "--range", "-6", "6")  # fmt: skip
    assert [one["episodes"] for one in halved["best-arm"]["tasks"]] == [30] * 4 and "certificates" not in halved


def test_prototypes_and_the_lipschitz_bound(capsys: pytest.CaptureFixture[str]) -> None:
    record = judged(
        "cheetah", "--tasks", "6", "--episodes", "2", "--trials", "1", "--lipschitz", "1", "--training-error", "7"
    )
    goals = registry.held_out(CHEETAH, 6, 1).parameters
    assert goals is not None
    apart = np.abs(goals - [[2.9, 0.4]])
    assert record["places"] == "prototypes" and record["source"] == "drawn"
    assert record["serves"]["nearest"] == apart.argmin(axis=1).tolist()
    np.testing.assert_allclose(record["lipschitz"]["gap"], 2 * 200 * apart.min(axis=1) + 7, rtol=1e-6)
    assert record["lipschitz"]["worst"] == max(record["lipschitz"]["gap"])
    np.testing.assert_allclose(record["returns"]["oracle"], -200 * goals[:, 0], atol=20)  # it hardly moves
    out = capsys.readouterr().out
    assert "nearest prototype, no trial" in out
    assert "lack at most 7 on their own tasks (your word for both)" in " ".join(out.split())


@pytest.mark.parametrize("kept", ["none", "of another kind"])
def test_without_prototypes_of_these_tasks_policies_stand_where_their_agents_are(
    kept: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = None if kept == "none" else Prototypes(np.array([[1.0], [2.0]]), np.ones(1), ("description 0",))
    run = save(tmp_path / "run", CHEETAH, np.zeros((2, 6)), [0, 0, 1], other, agents=3, population_seed=0)
    assert (run / PROTOTYPES).exists() == (kept != "none")
    record = judged(str(run), "--tasks", "9", "--episodes", "2", "--trials", "1")
    shown = {
        "none": "mean task of its agents is nearest",
        "of another kind": "mean task; prototypes are of another kind",
    }
    assert record["places"].startswith("mean tasks") and shown[kept] in capsys.readouterr().out
    trained, goals = registry.make(CHEETAH, 3, 0)[1].parameters, registry.held_out(CHEETAH, 9, 1).parameters
    assert trained is not None and goals is not None
    centre = [trained[:2].mean(), trained[2, 0]]
    assert record["serves"]["nearest"] == np.abs(goals - [centre]).argmin(axis=1).tolist()


def test_drawn_tasks_are_written_for_a_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "heldout.csv"
    assert main(["generalise", "cheetah", "--tasks", "5", "--seed", "3", "--write-tasks", str(path)]) == 0
    assert f"--population {path} --algorithm random --budget 5" in capsys.readouterr().out
    written = registry.make(CHEETAH, population=str(path))[1]
    np.testing.assert_array_equal(written.parameters, registry.held_out(CHEETAH, 5, 3).parameters)  # type: ignore[arg-type]
    save(tmp_path / "alone", CHEETAH, np.zeros((5, 6)), [0, 1, 2, 3, 4], population=str(path))
    record = judged("cheetah", "--reference", str(tmp_path / "alone"), "--epsilon", "200", "--range", "-700", "0",
                    "--episodes", "60")  # fmt: skip
    assert record["certificates"]["reference"]["counted"] == 5  # all do nothing, so nobody lacks anything
    assert record["names"] == list(written.names)


EXACT = ("--exact", "--epsilon", "1", "--range", "0", "1")


@pytest.mark.parametrize(
    ("run", "arguments", "message"),
    [
        ("nowhere", [], "run folder not found: nowhere"),
        ("lever", [], "bring users that were held out from training (--population)"),
        ("lever", ["--population", "nowhere.csv"], "population file not found: nowhere.csv"),
        (
            "lever",
            ["--population", "users.csv"],
            "2 of the 2 tasks of users.csv are among those that lever was trained",
        ),
        (
            "lever",
            ["--reference", "lever", *EXACT[1:]],
            "the first is 'likes'; bring tasks that had no part in",
        ),
        ("lever", ["--reference", "cheetah", *EXACT[1:]], f"a run in world {LEVER}, got cheetah in world {CHEETAH}"),
        ("lever", ["--reference", "leaves", *EXACT[1:]], "leaves 'user -3.0' to its option outside; train it without"),
        ("lever", ["--reference", "nowhere", *EXACT[1:]], "run folder not found: nowhere"),
        (
            "lever",
            ["--population", "later.csv", "--floor", "0", "--range", "0", "1"],
            "returns must lie in [0, 1], got ",
        ),
        ("cheetah", EXACT, f"--exact is for gym: worlds that carry their tables, got {CHEETAH}; use --reference"),
        ("cheetah", ["--trials", "20"], "trials must be from 1 to episodes - 1 (19), got 20"),
        ("cheetah", ["--seed", "-1"], "seed must be from 0 to 2^32 - 1, got -1"),
        ("cheetah", ["--tasks", "0"], "tasks must be at least 1, got 0"),
        ("cheetah", ["--tasks", "3", "--population", "later.csv"], "or those of --reference: give one"),
        ("cheetah", ["--write-tasks", "x.csv", "--population", "later.csv"], "leave --population and --reference out"),
        ("cheetah", ["--write-tasks", "later.csv/x.csv"], "cannot write later.csv/x.csv"),
        ("lever", ["--write-tasks", "x.csv"], "agents are drawn to be held out in half-cheetah-goal-velocity"),
        ("cheetah", ["--floor", "3"], "--range LOW HIGH (no return may be outside) is what --method and certificates"),
        ("cheetah", ["--range", "0", "1"], "(--floor, --exact, --reference) need, and nothing else does"),
        ("cheetah", ["--floor", "3", "--range", "1", "1"], "returns need a finite range with low < high"),
        ("cheetah", ["--floor", "3", "--range", "0", "1", "--alpha", "1"], "alpha must be between 0 and 1"),
        ("cheetah", ["--floor", "3", "--range", "0", "1", "--epsilon", "1"], "is what --exact and --reference need"),
        ("cheetah", ["--exact", "--range", "0", "1"], "--epsilon E is what --exact and --reference need"),
        ("cheetah", ["--exact", "--range", "0", "1", "--epsilon", "nan"], "epsilon must be at least 0, got nan"),
        ("cheetah", ["--method", "luck", "--range", "0", "1"], "method must be one of successive-elimination, "),
        ("cheetah", ["--certify", "luck"], "certify must be one of nearest, few-shot, best-arm, got 'luck'"),
        ("cheetah", ["--certify", "best-arm"], "--certify best-arm needs a --method that identifies it"),
        ("cheetah", ["--method", "uniform", "--range", "0", "1"], "how long to play is open: give --max-episodes N"),
        ("cheetah", ["--method", "uniform", "--beta", "-1", "--range", "0", "1"], "beta must be at least 0, got -1.0"),
        ("cheetah", ["--beta", "1"], "--beta is for --method; leave it out"),
        ("cheetah", ["--max-episodes", "9"], "--max-episodes is for --method; leave it out"),
        (
            "cheetah",
            ["--method", "uniform", "--max-episodes", "2", "--range", "-9", "0"],
            "episodes must be at least 3 for 3",
        ),
        ("cheetah", ["--lipschitz", "-1"], "lipschitz must be at least 0, got -1.0"),
        ("cheetah", ["--training-error", "1"], "--training-error is for --lipschitz; leave it out"),
        ("cheetah", ["--lipschitz", "1", "--training-error", "-1"], "training_error must be at least 0, got -1.0"),
    ],
)
def test_bad_input(run: str, arguments: list[str], message: str, one_line: OneLine, place: Path) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert message in one_line(["generalise", run, *arguments])
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_worlds_without_tables_and_runs_made_in_python(tmp_path: Path, one_line: OneLine) -> None:
    for name, cells in (("users", "1\n-1"), ("later", "2\n3")):
        (tmp_path / f"{name}.csv").write_text(f"0\n{cells}\n")
    run = save(tmp_path / "run", "gym:gymnasium_worlds:Troubled-v0", [[1.0, 0], [0, 1.0]], [0, 1],
               population=str(tmp_path / "users.csv"))  # fmt: skip
    later = ["--population", str(tmp_path / "later.csv")]
    line = one_line(["generalise", str(run), *later, *EXACT])
    assert "--exact: environment must have a table of transitions (P)" in line
    assert line.endswith("got Troubled; use --reference or --floor\n")
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"world": {"name": "clock"}}))
    assert "holds policies for world 'clock', made in Python" in one_line(["generalise", str(run), *later])


def test_training_leaves_the_prototypes_that_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    small = ["--copies", "2", "--steps", "16", "--minibatch", "16", "--epochs", "1", "--hidden", "4", "--quiet"]
    world = ["--world", CHEETAH, "--agents", "4", "--budget", "2", "--algorithm", "committee", "--radius", "0.5"]
    assert main(["train", *world, *small, "--transitions", "32", "--out", str(run)]) == 0
    assert judged(str(run), "--tasks", "3", "--episodes", "2", "--trials", "1")["places"] == "prototypes"
    assert "nearest prototype, no trial" in capsys.readouterr().out


def test_python_does_what_the_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    """With the defaults but for the tasks; one task has no interval."""
    Path("one.csv").write_text("name,0\nanother,0.25\n")
    by_command = judged("lever", "--population", "one.csv")
    out = capsys.readouterr().out
    report = generalise_run(Path("lever"), HeldOutPlan(population=Path("one.csv")))
    assert report.text() + "\n" == out and json.loads(Path("lever/generalisation.json").read_text()) == by_command
    assert by_command["rules"]["nearest"] == {"mean": 0.25, "ci95": None, "worst": 0.25}
    assert out.splitlines()[1].split()[:4] == ["nearest", "0.25", "–", "0.25"]
