"""How fast new users are enrolled: a table of ten million users with four weights each, five policies, one core.

``python benchmarks/enrol.py [--users 10000000]`` prints JSON: seconds to write who serves each from a table of comma-
separated values, and of the same from an array; and, as the measure of the machine, of one product of the same size.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from policybudget.deployment.bundle import Bundle
from policybudget.deployment.enrol import enrol
from policybudget.deployment.enrol_file import enrol_file

WEIGHTS, POLICIES = 4, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10_000_000)
    number = parser.parse_args().users
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rng = np.random.default_rng(0)
    names = [f"w{i}" for i in range(WEIGHTS)]
    record = SimpleNamespace(floor=0.0, components=names, parameters=[], users=[])
    features, covariance = rng.standard_normal((POLICIES, WEIGHTS)), np.stack([0.01 * np.eye(WEIGHTS)] * POLICIES)
    bundle = Bundle(
        Path(), record, (None,) * POLICIES, np.zeros((POLICIES, 0)), np.zeros((POLICIES, 0)), features, covariance, None
    )  # type: ignore[arg-type]
    weights = rng.uniform(0, 1, (number, WEIGHTS)).round(3)
    began = time.perf_counter()
    _ = weights @ features.T
    product = time.perf_counter() - began
    began = time.perf_counter()
    enrol(bundle, weights)
    array = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "users.csv")
        with table.open("w") as file:
            file.write(",".join(names) + "\n")
            for start in range(0, number, 100_000):
                file.write("".join(",".join(map(str, row)) + "\n" for row in weights[start : start + 100_000].tolist()))
        began = time.perf_counter()
        enrol_file(bundle, table, Path(folder, "out.csv"))
        seconds = time.perf_counter() - began
    print(json.dumps({"users": number, "product_s": product, "array_s": array, "table_s": seconds}, indent=1))


if __name__ == "__main__":
    main()
