"""Options as values: what a command line makes of a dataclass."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import pytest

from policybudget.assessment.evaluate_run import evaluate_run
from policybudget.cli import evaluate
from policybudget.cli.main import main
from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, option


@dataclass(frozen=True)
class Part:
    sides: tuple[float, float] | None = option(None, "of it", metavar=("A", "B"), group="shape")
    loud: bool = option(False, "say more")

    def __post_init__(self) -> None:
        if self.sides is not None and self.sides[0] > self.sides[1]:
            raise PolicyBudgetError("sides must ascend")


@dataclass(frozen=True)
class Options:
    part: Part
    size: int = option(..., "of it", metavar="K")
    place: Path = argument("where", "PLACE")
    name: str | None = argument("of it", "NAME", None)
    rate: float = option(0.5, "of growth")
    kind: Literal["round", "square"] = option("round", "of it")
    words: tuple[str, ...] | None = option(None, "some")
    twice: int = option(2, "read in a way of its own", read=lambda text: 2 * int(text))
    out_file: Path | None = option(None, "result")


def parsed(line: str) -> Options:
    return parse("try", "Try it.", Options, line.split())


def test_defaults() -> None:
    assert parsed("here --size 3") == Options(Part(), place=Path("here"), size=3)


def test_every_type() -> None:
    line = "here there --size 3 --rate 2 --kind square --words a b --twice 4 --out-file x.csv --sides 1 2.5 --loud"
    assert parsed(line) == Options(
        Part((1.0, 2.5), True), Path("here"), "there", 2.0, "square", ("a", "b"), 8, Path("x.csv"), size=3
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--size 3", "the following arguments are required: PLACE"),
        ("here", "the following arguments are required: --size"),
        ("here --size x", "argument --size: invalid int value: 'x'"),
        ("here --size 3 --kind flat", "kind must be one of round, square, got 'flat'"),
        ("here --size 3 --sides 1", "argument --sides: expected 2 arguments"),
        ("here --size 3 --sides 2 1", "sides must ascend"),
        ("here --size 3 --siz 4", "unrecognized arguments: --siz 4 (did you mean '--size'?)"),
    ],
)
def test_errors_are_one_line(line: str, words: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        parsed(line)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        parsed("--help")
    out = capsys.readouterr().out
    for words in ("usage: policybudget try PLACE [NAME] --size K [OPTIONS]\n",
                  "--size K", "--sides A B", "--words NAME [NAME ...]", "--out-file FILE",
                  "of growth (default: 0.5)", "\nshape:\n", "--kind NAME"):  # fmt: skip
        assert words in out, words
    assert "--no-loud" not in out and "None" not in out


@pytest.mark.parametrize("command", ["train", "resume", "optimum", "cover", "generalise", "evaluate", "check"])
def test_help_fits_eighty_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in ("80", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        assert stopped.value.code == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert (
            lines[0].startswith(f"usage: policybudget {command} ") and lines[0].endswith("[OPTIONS]") and not lines[1]
        )


def test_the_command_has_the_defaults_of_python() -> None:
    """Of covers and of generalise they are one dataclass; ``evaluate`` is a function."""
    declared = {field.name: field.default for field in fields(evaluate.Options)}
    for name, parameter in inspect.signature(evaluate_run).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            assert declared[name] == parameter.default
