"""In an environment with policybudget alone: verify the bundle that is given, and act. Nothing else is installed."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from importlib.util import find_spec

import numpy as np

import policybudget as pb
from policybudget.cli.main import main
from policybudget.deployment.bundle import load

if __name__ == "__main__":
    assert "site-packages" in pb.__file__, pb.__file__
    installed = {one.metadata["Name"].lower() for one in distributions()}
    assert installed == {"policybudget", "numpy", "safetensors", "msgspec"}, installed
    assert find_spec("jax") is None
    assert main(["verify", sys.argv[1]]) == 0
    bundle = load(sys.argv[1])
    policy = bundle.policies[0]
    acted = policy.act(np.zeros((2, policy.architecture.observation_size)))
    assert acted.shape == (2,), acted
    assert main(["train", "--budget", "2"]) == 2, "training says what it lacks"
