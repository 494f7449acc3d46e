"""Portfolios on the return matrices that Kim et al. 2025 published, beside the factors in their tables.

``python experiments/portfolio/published.py FOLDER``, FOLDER a copy of the GitHub repository
jaimoondra/approximation-portfolios-for-rl.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from policybudget.assessment.portfolio import best_portfolio, portfolio, power_means


def healthcare(folder: Path) -> np.ndarray:
    """Policies (c) by groups (n); groups that no policy reaches are left out, as they have no power means."""
    with (folder / "data" / "sclm_real_world" / "policy_rewards.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    table = np.array([[float(cell) for cell in row[2:]] for row in rows]).T
    return table[:, table.max(axis=0) > 0]


def disaster(folder: Path) -> np.ndarray:
    """Policies (c) by clusters (n)."""
    return np.loadtxt(folder / "data" / "natural_disaster" / "policy_rewards.csv", delimiter=",", skiprows=1)


def main() -> None:
    """Print the factors."""
    folder = Path(sys.argv[1])
    for name, values in (("sclm_real_world", healthcare(folder)), ("natural_disaster", disaster(folder))):
        print(f"{name}: {len(values)} policies, {values.shape[1]} groups")
        print(f"{'size':>4} {'published':>10} {'their p, our factor':>20} {'best':>8}")
        with (folder / "data" / name / "portfolios" / "line_search_portfolio.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                text = row["p_values"].replace("np.float64(", "").replace(")", "").strip("[]")
                orders = np.array([float(part) for part in text.split(",")])
                size, rows = int(row["K"]), np.unique(power_means(values, orders).argmax(axis=0))
                ours = portfolio(values, rows).factor
                best = best_portfolio(values, size).factor
                print(f"{size:>4} {float(row['approximation']):>10.4f} {ours:>20.4f} {best:>8.4f}")


if __name__ == "__main__":
    main()
