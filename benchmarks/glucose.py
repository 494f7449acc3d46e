"""Speed of the world of glucose on one core, in patient-minutes per second of the processor's time.

Prints one JSON object: the physics alone (a day of 1 000 patients with meals and basal insulin, without a policy and
without a sensor), and whole steps of the world with a constant action. Medians of several rounds, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=1000, help="patients at once")
    parser.add_argument("--repeats", type=int, default=9)
    settings = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])  # before JAX counts them
    print(json.dumps(measure(settings.copies, settings.repeats), indent=2))


def measure(copies: int, repeats: int) -> dict[str, Any]:
    """All parts, interleaved."""
    import jax
    import jax.numpy as jnp

    from policybudget.worlds.glucose.parameters import Parameters
    from policybudget.worlds.glucose.patient import Patient, fasting, minute
    from policybudget.worlds.glucose.patients import all_patients
    from policybudget.worlds.glucose.world import DAY, GlucoseWorld

    table, world = all_patients(), GlucoseWorld()
    which = jnp.arange(copies) % len(table.names)
    tasks = jnp.asarray(table.parameters)[which]
    basal = jnp.asarray(table.basal / 60, jnp.float32)[which]
    keys = jax.random.split(jax.random.key(0), copies)

    @jax.jit
    def physics() -> jax.Array:
        p = Parameters(*tasks.T)

        def live(patient: Patient, now: jax.Array) -> tuple[Patient, None]:
            served = jnp.where(now % 300 == 0, 50.0, 0.0)
            return minute(patient, jnp.broadcast_to(served, (copies,)), basal, p), None

        return jax.lax.scan(live, fasting(p), jnp.arange(DAY))[0].body.skin

    @jax.jit
    def steps() -> jax.Array:
        state, _ = jax.vmap(world.reset)(keys, tasks)

        def step(state: Any, _: None) -> tuple[Any, jax.Array]:
            after = jax.vmap(world.step)(state, jnp.zeros((copies, world.actions.size)), keys, tasks)
            return after.state, after.observation[:, 0]

        return jax.lax.scan(step, state, None, world.time_limit)[1]

    parts: dict[str, Callable[[], jax.Array]] = {"physics": physics, "world": steps}
    times: dict[str, list[float]] = {name: [] for name in parts}
    for part in parts.values():
        part().block_until_ready()  # compiled
    for _ in range(repeats):
        for name, part in parts.items():
            before = time.process_time()
            part().block_until_ready()
            times[name].append(time.process_time() - before)
    rates = {name: copies * DAY / statistics.median(each) for name, each in times.items()}
    return {
        "copies": copies,
        "physics_patient_minutes_per_second": round(rates["physics"]),
        "world_patient_minutes_per_second": round(rates["world"]),
        "world_steps_per_second": round(rates["world"] / world.minutes),
    }


if __name__ == "__main__":
    main()
