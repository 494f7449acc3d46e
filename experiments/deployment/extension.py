"""A third policy for the two best in Resource Gathering: beside the best third there is, found among all tours.

``python experiments/deployment/extension.py`` trains two policies, extends the run by one, and prints for each seed the
welfare before and after, the best that any third tour could make of it, whether the hashes of the first two are the
same, and how many users are worse off.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import policybudget as pb
from policybudget.exact import tours
from policybudget.runs import arrays

SEEDS, TRANSITIONS = (0, 1, 2), 500_000


def main() -> None:
    """Train, extend, and print a row per seed."""
    found = tours.search()
    worth = tours.worth(found, tours.maximal(found))
    print("seed  two policies  with a third  best third  same hashes  users worse off")
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            two, three = Path(folder, "two"), Path(folder, "three")
            problem = pb.make_problem("resource-gathering", budget=2)
            before = pb.train(problem, transitions=TRANSITIONS, seed=seed, out=two, quiet=True)
            after = pb.extend_run(two, three, transitions=TRANSITIONS, seed=seed, quiet=True)
            options = before.returns.max(axis=0)
            best = float(np.maximum(worth, options).mean(axis=1).max())
            same = all(
                arrays.fingerprint(before.arrays, policy) == arrays.fingerprint(after.result.arrays, policy)
                for policy in range(2)
            )
            gets = [float(row[4]) - float(row[3]) for row in after.comparison.users]
            worse = sum(gain < 0 for gain in gets)
            print(
                f"{seed:>4}  {before.welfare:>12.2f}  {after.result.welfare:>12.2f}  {best:>10.2f}  "
                f"{'yes' if same else 'no':>11}  {worse:>15}",
                flush=True,
            )


if __name__ == "__main__":
    main()
