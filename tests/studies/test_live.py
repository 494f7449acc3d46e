"""How far a training of another process is."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from policybudget.studies.live import last_metrics


def test_where_a_training_stands(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    assert last_metrics(path) is None
    header = ["phase", "iteration", "transitions", "seconds", "transitions_per_s", "best_welfare", "welfare"]
    rows = [["em", 1, 100, 0.1, "", "", 0], ["em", 2, 200, 0.2, 1000, 3.5, 0]]
    for number, expected in ((0, None), (1, (100, None)), (2, (200, 3.5))):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows[:number]])
            file.write("em,3,30")  # half a line
        found = last_metrics(path)
        if expected is None or found is None:
            assert found is expected
        else:
            assert found[0] == expected[0] and (np.isnan(found[1]) if expected[1] is None else found[1] == expected[1])
