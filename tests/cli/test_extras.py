"""A missing extra is one line with the command that brings it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OneLine = Callable[[list[str]], str]


@pytest.mark.parametrize(
    ("arguments", "missing", "words"),
    [
        ("check gym:CartPole-v1", "gymnasium", 'gym: worlds need gymnasium: pip install "policybudget[gymnasium]"'),
        ("check python:a.py:A", "gymnasium", 'python: worlds need gymnasium: pip install "policybudget[gymnasium]"'),
        ("check mo-nothing", "gymnasium", "world must be one of"),
        ("check gym:mo-none-v0", "mo_gymnasium", 'id of MO-Gymnasium needs pip install "policybudget[gymnasium]"'),
        ("check gym:Hopper-v5", "mujoco", 'Gymnasium\'s robots need mujoco: pip install "policybudget[mujoco]"'),
        ("check gym:Hopper-v5", "imageio", 'Gymnasium\'s robots need imageio: pip install "policybudget[mujoco]"'),
        ("check hopper-velocity", "gymnasium", 'MuJoCo\'s worlds need gymnasium: pip install "policybudget[mujoco]"'),
        ("train --world ant-direction", "mujoco", 'MuJoCo\'s worlds need mujoco: pip install "policybudget[mujoco]"'),
        ("check savers", "arch", 'savers need arch: pip install "policybudget[savers]"'),
        ("train --world savers:wealth", "arch", 'savers need arch: pip install "policybudget[savers]"'),
        ("train --log wandb", "wandb", 'runs tracked by wandb need wandb: pip install "policybudget[wandb]"'),
        ("train --log mlflow", "mlflow", 'runs tracked by mlflow need mlflow: pip install "policybudget[mlflow]"'),
        (
            "cover tasks.csv --descriptions wordllama --budget 1 --radius 1",
            "wordllama",
            'descriptions embedded by wordllama need wordllama: pip install "policybudget[text]"',
        ),
    ],
)
def test_missing(
    arguments: str, missing: str, words: str, one_line: OneLine, empty_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_place / "tasks.csv").write_text("name,description\na,sweep the floor\nb,lift a crate\n")
    monkeypatch.setitem(sys.modules, missing, None)
    assert words in one_line(arguments.split())


def test_every_extra_that_is_named_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    texts = [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    named = {
        name
        for path in texts
        for found in re.findall(r"policybudget\[([a-z0-9,]+)\]|extra\(\"([a-z0-9]+)\"", path.read_text())
        for name in "".join(found).split(",")
    }
    assert named == extras.keys() - {"dev", "docs"}


def test_training_without_its_extra_is_one_line(tmp_path: Path) -> None:
    """In a new interpreter: nothing of JAX is imported yet."""
    hide = "import sys; sys.modules['jax'] = None; "
    command = hide + "from policybudget.cli.main import main; sys.exit(main(['train', '--budget', '2']))"
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip().endswith('which only acting does without: pip install "policybudget[train]"')
    call = hide + "import policybudget as pb; pb.train"
    done = subprocess.run([sys.executable, "-c", call], cwd=tmp_path, capture_output=True, text=True)
    assert 'policybudget.train needs jax: pip install "policybudget[train]"' in done.stderr
