"""In an environment with policybudget[train] alone: train, assess, seal a bundle in the folder that is given."""

from __future__ import annotations

import sys
from pathlib import Path

import policybudget as pb
from policybudget.cli.main import main

SMALL = "--copies 4 --steps 32 --minibatch 64 --epochs 1 --hidden 8 --transitions 512 --budget 2 --quiet"

if __name__ == "__main__":
    assert "site-packages" in pb.__file__, pb.__file__
    for command in (
        f"train {SMALL} --out run",
        "assess run --episodes 3 --quiet",
        f"export run --out {sys.argv[1]} --episodes 5 --no-onnx --quiet",
        f"verify {sys.argv[1]}",
    ):
        assert main(command.split()) == 0, command
    assert Path("run/assessment.html").exists()
