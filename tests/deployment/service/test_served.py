"""A world that is played over HTTP gives the returns that it gives in JAX; the experiment does so for four."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from experiments.deployment.served import compared

from policybudget.assessment.trained_for import problem_of
from policybudget.deployment.export import export
from policybudget.deployment.service.client import running
from policybudget.runs.result import load


def test_returns_over_http_are_those_in_jax(run_copy: Path, tmp_path: Path) -> None:
    bundle = export(run_copy, tmp_path / "bundle", episodes=2, onnx=False).bundle.folder
    result = load(run_copy)
    with running(bundle, ("--drain", "0")) as (url, _):
        found = compared(result, problem_of(run_copy, result), url, episodes=3)
    assert found.apart == 0.0 and found.requests >= 2 * result.budget
    np.testing.assert_array_equal(found.http, found.jax)
    np.testing.assert_allclose(found.jax, result.returns.mean(axis=1), rtol=1e-5)  # this world has no chance in it
