"""Every example runs as a user would run it, at a tiny size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def test_every_example_is_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)
    assert all(len(path.read_text().splitlines()) <= 40 for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", SAYS)
def test_an_example(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), "256"]
    quick = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true"}  # compiling takes most of the time
    ran = subprocess.run(command, cwd=tmp_path, env=quick, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert SAYS[name] in ran.stdout and ran.stdout.splitlines()[-1].startswith("welfare ")
    assert not list(tmp_path.iterdir()), "an example left files behind"


def test_the_code_in_the_docs_of_the_exact_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (EXAMPLES.parent / "docs" / "exact.md").read_text()
    monkeypatch.chdir(tmp_path)
    Path("values.csv").write_text("0,1\n1,0\n0,1\n2,2\n")
    Path("users.csv").write_text("0,1\n1,0\n0,1\n")
    names: dict[str, Any] = {}
    for block in text.split("```python\n")[1:]:
        exec(block.split("```")[0], names)
    assert names["best"].welfare[0] == pytest.approx(35.98, abs=0.01)
    assert names["exact"].brute_force(names["mdp"], 2).welfare == pytest.approx(9.5)
    assert names["problem"].budget == 2


def test_the_code_in_the_docs_of_extensions_is_that_of_the_examples() -> None:
    blocks = (EXAMPLES.parent / "docs" / "extending.md").read_text().split("```python\n")[1:]
    code = "\n".join(path.read_text() for path in EXAMPLES.glob("own_*.py"))
    shown = [block.split("```")[0] for block in blocks]
    missing = [block for block in shown if block not in code and "check_rule(Reluctant())" not in block]
    assert len(shown) == 6 and missing == []
    assert all(len(block.splitlines()) <= 30 for block in shown)
