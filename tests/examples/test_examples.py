"""Every example runs as a user would run it, at a tiny size; one in a process of its own, the others in this one."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SAYS = {
    "custom_problem": "3 agents are paid from 3 reward features",
    "fruit_tree": "cook           is served by policy ",
    "minecart": "policy 1 (episodes of ",
    "mo_halfcheetah": "policy 2 serves ",
    "mo_reacher": "user 9, who weighs the targets ",
    "own_loss": "welfare ",
    "own_rule": "ok    unknown returns: cells that were never measured decide nothing",
    "own_search": "pool\n",
    "own_world": "ok       population: 7 agents are paid from 7 reward features",
    "thermostat": "('ann', array([",
}


NAMED = ("random_reassignment", "rule_of_thumb")
"""Files that commands are given; pages of the docs run them."""


def test_every_example_is_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*SAYS, *NAMED}
    assert all(len(path.read_text().splitlines()) <= 40 for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", SAYS)
def test_an_example(
    name: str, empty_place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(EXAMPLES / f"{name}.py"), "256"])
    runpy.run_path(sys.argv[0], run_name="__main__")
    told = capsys.readouterr().out
    assert SAYS[name] in told and told.splitlines()[-1].startswith("welfare ")
    assert not list(empty_place.iterdir()), "an example left files behind"


def test_an_example_as_a_process(empty_place: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "custom_problem.py"), "256"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert SAYS["custom_problem"] in ran.stdout and not list(empty_place.iterdir())
