"""Patients who had no part in training: enrolled by their first days, judged on later ones.

``python experiments/glucose/held_out.py --runs DIR`` trains k = 3 policies for 20 of the 30 patients, three seeds with
draws of their own (what is there is not trained again), gives each of the other ten the policy that did best on its
first days, and judges on 50 fresh ones. Prints a JSON object per seed: mean return and worst patient under the enrolled
policy, the best of the three in hindsight, the one that serves the twenty best, and the personalised rule.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from curve import totals
from yardsticks import JUDGED_ON, SEEDS

import policybudget as pb
from policybudget.assessment.yardsticks import personalised
from policybudget.worlds.glucose.names import glucose_world
from policybudget.worlds.glucose.patients import all_patients
from policybudget.worlds.glucose.population import served
from policybudget.worlds.glucose.rules import returns

BUDGET, TRAINED, FIRST_DAYS, TRANSITIONS = 3, 20, 3, 3_000_000


def trained(runs: Path, seed: int) -> Path:
    """The run folder of a seed."""
    folder = runs / f"held-out-seed-{seed}"
    if not (folder / "manifest.json").exists():
        command = [sys.executable, "-m", "policybudget", "train", "--world", "glucose", "--quiet"]
        command += ["--agents", str(TRAINED), "--population-seed", str(seed), "--seed", str(seed)]
        command += ["--budget", str(BUDGET), "--transitions", str(TRANSITIONS), "--out", str(folder)]
        subprocess.run(command, check=True)
    return folder


def enrolled(folder: Path, seed: int) -> dict[str, Any]:
    """How those fare who were held out."""
    result, world, everybody = pb.load(folder), glucose_world("glucose"), all_patients()
    names = [name for name in everybody.names if name not in result.agents]
    patients = everybody.rows(names)
    population = served(world, patients, np.ones((len(names), 2)))
    tasks, key = jnp.asarray(population.dynamics), jax.random.key(10_000 + seed)
    first, later = jax.random.split(key)
    days = [jax.random.split(one, (len(names), number)) for one, number in ((first, FIRST_DAYS), (later, JUDGED_ON))]

    def table(keys: Any) -> np.ndarray:
        """Mean returns (k, n)."""
        each = [result.policies.of(jnp.full(len(names), policy)) for policy in range(result.budget)]
        return np.stack([returns(world, np.asarray(totals(world, one, tasks, keys)).mean(axis=1)) for one in each])

    seen, judged = table(days[0]), table(days[1])
    rows = {
        "enrolled by first days": judged[seen.argmax(axis=0), np.arange(len(names))],
        "best in hindsight": judged.max(axis=0),
        "one for all": judged[int((result.returns.mean(axis=1)).argmax())],
        "personalised rule": personalised(world, population, patients, days[1]).returns,
    }
    shown = {name: {"mean": round(float(x.mean()), 2), "worst": round(float(x.min()), 2)} for name, x in rows.items()}
    return {"seed": seed, "held out": names, "first days": FIRST_DAYS, **shown}


def main() -> None:
    """Train what is missing, enrol, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="where the run folders are")
    settings = parser.parse_args()
    for seed in SEEDS:
        print(json.dumps(enrolled(trained(settings.runs, seed), seed)), flush=True)


if __name__ == "__main__":
    main()
