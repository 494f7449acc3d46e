from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from policybudget.assessment.savers_figures import glide_paths


def test_a_line_for_each_policy_that_serves_somebody() -> None:
    labels, horizons = np.array([2, 0, 2]), np.array([3, 2, 1])
    shares = np.zeros((5, 3, 4))
    shares[:3, 0] = np.array([0.9, 0.6, 0.3])[:, None]
    shares[0, 2] = 0.3
    shares[:2, 1] = np.array([0.2, 0.1])[:, None]
    shares[2:, 1] = 7.0  # after the saver's horizon
    figure = glide_paths(shares, labels, horizons)
    axis = figure.axes[0]
    zero, two = axis.get_lines()
    np.testing.assert_allclose(zero.get_xydata(), [[1, 10], [2, 20]])
    np.testing.assert_allclose(two.get_xydata(), [[1, 30], [2, 60], [3, 90]])
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["policy 0: 1 saver", "policy 2: 2 savers"]
    assert axis.get_xlim()[0] > axis.get_xlim()[1]
    plt.close(figure)
