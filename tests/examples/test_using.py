"""Every block of docs/using.md, in order and in one place, with small trainings."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from policybudget.cli.main import main
from policybudget.runs.result import load

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```(python)?\n(.*?)```", (ROOT / "docs" / "using.md").read_text(), re.DOTALL)


def run_python(code: str) -> str:
    quick = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true"}
    ran = subprocess.run([sys.executable, "-c", code], env=quick, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_page(empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty_place / "examples").symlink_to(ROOT / "examples")
    python = [code.replace("200_000", "256") for kind, code in BLOCKS if kind == "python"]
    lines = [line for kind, code in BLOCKS if not kind for line in code.splitlines() if line.startswith("policybudget")]
    train, evaluate, again = (line.replace("200000", "256").split()[1:] for line in lines)
    assert len(python) == 5 and evaluate[0] == "evaluate"

    assert main(train) == 0
    printed = run_python("\n".join(python[:3]))
    assert "first target" in printed and "[" in printed.splitlines()[-1]
    one, other = (load(name).arrays for name in ("reacher", "reacher-from-python"))
    assert all((one[name] == other[name]).all() for name in one), "the command and Python train the same"
    assert 0 <= int(run_python("\n".join(python[3:]))) < 9, "nine choices"

    capsys.readouterr()
    assert main(evaluate) == 0 and "greedy" in capsys.readouterr().out
    assert main([*again, "--quiet"]) == 0
    assert json.loads(Path("again/config.json").read_text())["seed"] == 1
    assert (empty_place / "again" / "inputs" / "mo_reacher.csv").is_file()


def test_the_code_in_the_readme(finished_run: Path) -> None:
    section = (ROOT / "README.md").read_text().split("## A run folder")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    result = load(finished_run)
    names = {"observation": np.zeros(result.architecture.observation_size)}
    exec(code.replace("RUN", str(finished_run)).replace('"ann"', repr(result.agents[0])), names)
    assert names["action"] in range(4)
