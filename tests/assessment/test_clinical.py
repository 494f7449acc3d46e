from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.assessment.clinical import clinical, clinical_table
from policybudget.worlds.glucose.world import outcome


def totals(levels: np.ndarray) -> np.ndarray:
    """(n, d) sums of the outcomes of glucose (n, T)."""
    outcomes = jax.vmap(jax.vmap(outcome))(jnp.asarray(levels, jnp.float32))
    return np.asarray(outcomes, np.float64).sum(axis=1)


def test_measures_against_a_plain_count() -> None:
    levels = np.random.default_rng(0).uniform(30, 330, (4, 1000))
    found = clinical(totals(levels), 1000)
    for i, row in enumerate(levels):
        assert found.within[i] == pytest.approx(((row >= 70) & (row <= 180)).mean(), abs=1e-6)
        assert found.below_70[i] == pytest.approx((row < 70).mean(), abs=1e-6)
        assert found.below_54[i] == pytest.approx((row < 54).mean(), abs=1e-6)
        assert found.above_180[i] == pytest.approx((row > 180).mean(), abs=1e-6)
        assert found.above_250[i] == pytest.approx((row > 250).mean(), abs=1e-6)
        assert found.mean[i] == pytest.approx(row.mean(), rel=1e-5)
        assert found.variation[i] == pytest.approx(row.std() / row.mean(), rel=1e-3)
        f = 1.509 * (np.log(row) ** 1.084 - 5.381)
        assert found.risk[i] == pytest.approx((10 * f**2).mean(), rel=1e-3)


def test_targets() -> None:
    good = np.full(100, 120.0)
    low, steep = good.copy(), good.copy()
    low[:1], steep[:26] = 53.0, 190.0  # 1 % below 54; 26 % above 180
    assert clinical(totals(np.stack([good, low, steep])), 100).meets.tolist() == [True, False, False]


def test_the_table_fits_80_columns() -> None:
    levels = np.stack([np.full(100, 120.0), np.linspace(20, 600, 100)])
    text = clinical_table(["adolescent#001", "a policy with a very long name"], clinical(totals(levels), 100))
    lines = text.splitlines()
    assert len(lines) == 4 and max(map(len, lines)) <= 80
    assert lines[0].split() == [
        "70-180",
        "%",
        "<70",
        "%",
        "<54",
        "%",
        ">180",
        "%",
        ">250",
        "%",
        "mean",
        "CV",
        "%",
        "risk",
    ]
    assert lines[1].split()[:3] == ["target", ">", "70"]
    assert lines[2].split() == ["adolescent#001*", "100.0", "0.0", "0.0", "0.0", "0.0", "120.0", "0.0", "0.1"]
