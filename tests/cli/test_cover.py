"""The cover command as a new user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from policybudget.cli.main import main
from policybudget.covers import METHODS

OneLine = Callable[[list[str]], str]


def run(options: str) -> int:
    return main(["cover", *options.split()])


TASKS = "name,speed,incline,description\n" + "".join(
    f"task-{i},{speed},{incline},walk\n"
    for i, (speed, incline) in enumerate([(0, 0), (1, 0.1), (2, 0.2), (10, 0), (10.5, 0), (30, 5)])
)


@pytest.fixture
def files(empty_place: Path) -> Path:
    (empty_place / "tasks.csv").write_text(TASKS)
    return empty_place


def test_a_cover(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tasks.csv --budget 2 --radius 1 --out out/cover.json --figure cover.png") == 0
    out, err = capsys.readouterr()
    assert out == (
        "            speed     incline    tasks\n"
        "    0           1         0.1        3\n"
        "    1       10.25           0        2\n"
        "\n"
        "method     greedy-intersection, radius 1, budget 2\n"
        "coverage   0.8333 (5 of 6 tasks)\n"
        "uncovered  1: task-5\n"
        "bound      1.0000: perhaps 2 prototypes can cover all\n"
    )
    assert err == "note: the column description is not used (see --descriptions)\n"
    assert json.loads((files / "out" / "cover.json").read_text()) == {
        "tasks": "tasks.csv",
        "columns": ["speed", "incline"],
        "names": [f"task-{i}" for i in range(6)],
        "standardised": False,
        "seed": 0,
        "method": "greedy-intersection",
        "budget": 2,
        "radius": 1.0,
        "scale": [1.0, 1.0],
        "prototypes": [[1.0, 0.1], [10.25, 0.0]],
        "coverage": 5 / 6,
        "bound": 1.0,
        "clusters": [[0, 1, 2], [3, 4]],
        "uncovered": [5],
    }
    assert (files / "cover.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method(method: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"tasks.csv --budget 3 --radius 0.1 --method {method} --standardise --columns speed") == 0
    out = capsys.readouterr().out
    assert f"method     {method}, radius 0.1 standard deviations, budget 3" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    if method in ("local-search", "exact"):
        assert "coverage   1.0000 (6 of 6 tasks)" in out and "uncovered  none" in out
    bound = {"exact": "1.0000, reached", "greedy-intersection": "1.0000, reached"}.get(method, "none; greedy-inter")
    assert f"bound      {bound}" in out


def test_sweeps(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tasks.csv --sweep-budget 1-3 --radius 1 --figure a.png --out a.json") == 0
    assert capsys.readouterr().out == (
        "    budget  prototypes  coverage   covered uncovered   bound\n"
        "         1           1    0.5000         3         3  0.5000\n"
        "         2           2    0.8333         5         1  1.0000\n"
        "         3           3    1.0000         6         0  1.0000\n"
    )
    assert [one["budget"] for one in json.loads((files / "a.json").read_text())["sweep"]] == [1, 2, 3]
    assert run("tasks.csv --sweep-radius 0.5:15:3 --budget 1 --method kmeans --figure b.png") == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "       0.5           1    0.0000         0         6",
        "      7.75           1    0.5000         3         3",
        "        15           1    0.8333         5         1",
    ]
    assert all((files / name).read_bytes().startswith(b"\x89PNG") for name in ("a.png", "b.png"))
    assert run("tasks.csv --sweep-radius 2,1 --budget 1 --standardise --figure c.png") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["1", "2"]


def test_a_wide_and_long_table_stays_within_the_screen(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"a-parameter-with-a-long-name-{j}" for j in range(9)]
    rows = [",".join([str(1e5 * i + j) for j in range(9)]) for i in range(60)]
    (files / "wide.csv").write_text("\n".join([",".join(names), *rows]))
    assert run("wide.csv --budget 50 --radius 1") == 0
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "and 10 more prototypes" in out and "and 4 more parameters" in out
    assert "uncovered  10: row 50, row 51" in out


CHORES = """name,description
stroll,walk slowly along a flat path
hike,walk up a steep path
march,walk quickly along a flat road
crate,lift a heavy crate onto the shelf
parcel,lift a light parcel onto the table
barrel,"lift a barrel from the floor to the shelf, then another one, and one more if there are more"
"""


def test_descriptions(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "chores.csv").write_text(CHORES)
    command = "chores.csv --descriptions tfidf --components 1 --budget 2 --radius 0.4"
    assert run(f"{command} --out cover.json --figure cover.png") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[3:] == [
        "",
        "method     greedy-intersection, radius 0.4 standard deviations, budget 2",
        "coverage   1.0000 (6 of 6 tasks)",
        "uncovered  none",
        "bound      1.0000, reached: no 2 prototypes cover more",
    ]
    record = json.loads((files / "cover.json").read_text())
    assert record["columns"] == ["component 0"] and record["descriptions"] == "tfidf"
    assert sorted(record["clusters"]) == [[0, 1, 2], [3, 4, 5]]
    for k, (near, cluster) in enumerate(zip(record["nearest"], record["clusters"], strict=True)):
        assert near["task"] in cluster and near["distance"] <= 0.4
        name, text = CHORES.splitlines()[near["task"] + 1].split(",", 1)
        assert near["description"] == text
        assert out.splitlines()[k + 1] == f"{k:>5}        3  {name}: {text}"


def test_long_descriptions_and_sweeps(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "chores.csv").write_text(CHORES)
    assert run("chores.csv --descriptions tfidf --budget 6 --radius 0.01") == 0
    out = capsys.readouterr().out
    assert "        1  barrel: lift a barrel from the floor to the shelf, then anothe..\n" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert run("chores.csv --descriptions tfidf --sweep-budget 1-2 --radius 1 --out a.json --figure a.png") == 0
    assert [len(one["nearest"]) for one in json.loads((files / "a.json").read_text())["sweep"]] == [1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("tasks.csv --budget 1 --radius 1 --descriptions tfidf", "tasks.csv has no column 'description'; its columns"),
        ("words.csv --budget 1 --radius 1", "got columns description; --descriptions tfidf embeds what the"),
        ("words.csv --budget 1 --radius 1 --descriptions magic", "descriptions must be one of tfidf, wordllama, got"),
        ("words.csv --budget 1 --radius 1 --descriptions tfidf --components 3", "components must be from 1 to 1"),
        ("words.csv --budget 1 --radius 1 --components 1", "--components is for --descriptions; leave it out"),
        ("words.csv --budget 1 --radius 1 --descriptions tfidf --columns a", "give --columns or --descriptions, not"),
        ("tasks.csv --budget 1", "give either --radius or --sweep-radius, got neither"),
        ("tasks.csv --radius 1", "give either --budget or --sweep-budget, got neither"),
        ("tasks.csv --radius 1 --sweep-radius 1,2 --budget 1", "give either --radius or --sweep-radius, got both"),
        ("tasks.csv --sweep-radius 1,2 --sweep-budget 1-2", "give --sweep-radius or --sweep-budget, not both"),
        ("tasks.csv --budget 0 --radius 1", "budget must be between 1 and the number of tasks (6), got 0"),
        ("tasks.csv --sweep-budget 4-7 --radius 1", "budget must be between 1 and the number of tasks (6), got 7"),
        ("tasks.csv --budget 1 --radius 0", "radius must be a positive, finite number, got 0.0"),
        ("tasks.csv --budget 1 --radius nan", "radius must be a positive, finite number, got nan"),
        ("tasks.csv --budget 1 --sweep-radius 0,1", "radius must be a positive, finite number, got 0.0"),
        (
            "tasks.csv --budget 1 --sweep-radius 1:0:3",
            "expected numbers such as 0.1,0.2,0.5 or LOW:HIGH:NUMBER such as",
        ),
        ("tasks.csv --budget 1 --sweep-radius a", "got 'a'"),
        ("tasks.csv --sweep-budget 3-1 --radius 1", "a range of budgets must begin with the smaller number, got '3-1'"),
        (
            "tasks.csv --budget 1 --radius 1 --method best",
            "method must be one of greedy-intersection, local-search, grad",
        ),
        ("tasks.csv --budget 1 --radius 1 --seed -1", "seed must be from 0 to 2^32 - 1, got -1"),
        ("tasks.csv --budget 1 --radius 1 --columns slope", "tasks.csv has no column 'slope'; its columns are name, "),
        (
            "tasks.csv --budget 1 --radius 1 --columns name",
            "line 2, column name: expected a finite number, got 'task-0'",
        ),
        ("tasks.csv --budget 1 --radius 1 --figure a.pdf", "figure must be a file that ends in .png, got a.pdf"),
        ("tasks.csv --budget 1 --radius 1 --out a.txt", "out must be a file that ends in .json, got a.txt"),
        ("tasks.csv --budget 1 --radius 1 --figure tasks.csv/a.png", "cannot write tasks.csv/a.png"),
        ("tasks.csv --budget 1 --radius 1 --out tasks.csv/a.json", "cannot write tasks.csv/a.json"),
        (
            "three.csv --budget 1 --radius 1 --figure a.png",
            "--figure without a sweep draws one or two parameters, got 3",
        ),
        ("none.csv --budget 1 --radius 1", "tasks file not found: none.csv"),
        ("text.csv --budget 1 --radius 1", "text.csv, line 2, column kind: expected a finite number, got 'steep'"),
        ("", "the following arguments are required: TASKS"),
    ],
)
def test_bad_input(options: str, words: str, one_line: OneLine, files: Path) -> None:
    (files / "tasks.csv").write_text(TASKS.replace(",description", "").replace(",walk", ""))
    (files / "three.csv").write_text("a,b,c\n1,2,3\n")
    (files / "text.csv").write_text("a,kind\n1,steep\n")
    (files / "words.csv").write_text("description\nwalk\nlift\n")
    before = sorted(files.iterdir())
    assert words in one_line(["cover", *options.split()])
    assert sorted(files.iterdir()) == before
