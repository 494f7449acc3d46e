"""The ambulatory glucose profile of each policy's group, on the fresh days that ``yardsticks.py`` judges on.

``python experiments/glucose/profiles.py RUN PICTURE.png``: 20 days of every patient under the policy that serves it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from yardsticks import days

import policybudget as pb
from policybudget.assessment import figures
from policybudget.assessment.glucose_figures import DAYS, glucose, profiles
from policybudget.worlds.glucose.names import glucose_world
from policybudget.worlds.glucose.population import glucose_population


def main() -> None:
    """Draw the profiles of a run."""
    folder, picture = Path(sys.argv[1]), Path(sys.argv[2])
    result, world = pb.load(folder), glucose_world("glucose")
    labels = result.assignment.argmax(axis=0)
    tasks = jnp.asarray(glucose_population(world).dynamics)
    levels = np.asarray(glucose(world, result.policies.of(jnp.asarray(labels)), tasks, days(0)[1][:, :DAYS]))
    figures.save(profiles(levels, labels), picture)
    print(f"{picture}: {DAYS} days of {len(labels)} patients")


if __name__ == "__main__":
    main()
