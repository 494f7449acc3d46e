"""What the package rliable says of the scores in tests/assessment/test_seeds.py.

Run it where rliable is installed, which the rest of the project never needs: ``pip install rliable``, then
``python experiments/statistics/rliable_reference.py``.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from rliable import library, metrics


def main() -> None:
    """Print the interquartile mean, the performance profile and the interval."""
    scores = np.random.default_rng(2021).gamma(2.0, 1.0, (7, 4)) * np.array([1.0, 2.0, 0.5, 3.0])
    found, ends = library.get_interval_estimates(
        {"a": scores},
        lambda x: np.array([metrics.aggregate_iqm(x)]),
        reps=20_000,
        random_state=np.random.RandomState(0),
    )
    profile, _ = library.create_performance_profile({"a": scores}, np.array([0.5, 1, 2, 4, 8]), reps=10)
    print(f"rliable {version('rliable')}")
    print(f"interquartile mean {float(found['a'][0])!r}")
    print(f"profile {[float(x) for x in profile['a']]}")
    print(f"95 % {[float(x) for x in ends['a'].ravel()]}")


if __name__ == "__main__":
    main()
