"""False alarms and the delay of detection of the monitor, beside CUSUM, in simulated streams of returns.

``python experiments/monitoring/false_alarms.py [--streams 2000]`` draws streams of 1 000 returns of a policy, from beta
distributions on [0, 1]. Its promise is 0.7; the mean is 0.7 (every alarm is false), or 0.65, 0.6 or 0.5 from the 200th
return on. CUSUM is the tabular one for a shift to 0.6. Its threshold is set by simulation so that as many streams alarm
falsely as the monitor may: it needs to know the distribution, and the length of the stream, for that.
"""

from __future__ import annotations

import argparse

import numpy as np

from policybudget.deployment.monitor import Watch

PROMISED, LONG, FROM, SPREAD, LEVEL = 0.7, 1000, 200, 8.0, 0.05


def streams(rng: np.random.Generator, mean: float, number: int) -> np.ndarray:
    """Returns (number, LONG); the mean changes at FROM."""
    before = rng.beta(PROMISED * SPREAD, (1 - PROMISED) * SPREAD, (number, FROM))
    after = rng.beta(mean * SPREAD, (1 - mean) * SPREAD, (number, LONG - FROM))
    return np.concatenate([before, after], axis=1)


def monitored(rows: np.ndarray) -> np.ndarray:
    """When the monitor alarms in each stream; LONG for never."""
    found = np.full(len(rows), LONG)
    for index, row in enumerate(rows):
        watch = Watch(PROMISED, 0.0, 1.0, LEVEL)
        for at, value in enumerate(row):
            if watch.see(float(value)):
                found[index] = at
                break
    return found


def cusum(rows: np.ndarray) -> np.ndarray:
    """The statistic of every step, for a shift of the mean from 0.7 to 0.6."""
    slack, total, path = 0.05, np.zeros(len(rows)), np.empty(rows.shape)
    for at in range(LONG):
        total = np.maximum(0.0, total + PROMISED - slack - rows[:, at])
        path[:, at] = total
    return path


def first(over: np.ndarray) -> np.ndarray:
    """The first True of each row; LONG for none."""
    return np.where(over.any(axis=1), over.argmax(axis=1), LONG)


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=2000)
    number, rng = parser.parse_args().streams, np.random.default_rng(2026)
    threshold = np.quantile(cusum(streams(rng, PROMISED, number)).max(axis=1), 1 - LEVEL)
    print(f"{number} streams of {LONG} returns, promised {PROMISED}, the mean changes at {FROM}; level {LEVEL}\n")
    print(f"{'mean from then on':<18} {'monitor: alarms':>16} {'median delay':>13} {'CUSUM: alarms':>14} {'delay':>13}")
    for mean in (PROMISED, 0.65, 0.6, 0.5):
        rows = streams(rng, mean, number)
        cells = []
        for at in (monitored(rows), first(cusum(rows) > threshold)):
            true = (at < LONG) & (at >= FROM)
            delay = f"{np.median(at[true] - FROM):.0f}" if mean < PROMISED and true.any() else "-"
            cells += [f"{100 * (at < LONG).mean():.1f} %", delay]
        print(f"{mean:<18} {cells[0]:>16} {cells[1]:>13} {cells[2]:>14} {cells[3]:>13}")


if __name__ == "__main__":
    main()
