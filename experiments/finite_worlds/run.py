"""How far the learner stays from the exact optimum, in three finite worlds that brute force can solve.

``python experiments/finite_worlds/run.py`` trains what is not yet in ``results.csv`` beside this file and prints the
table; ``--table`` only prints. A learned committee is read out as k tables, the greedy action in every state, and these
are evaluated exactly, with the discount that brute force maximises: with every user served by the policy that is best
for it (an exact E-step), and as the training assigned the users, by a few episodes of each policy.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from worlds import WORLDS

from policybudget.exact.brute_force import brute_force
from policybudget.exact.tabular import FiniteRMDP

RESULTS = Path(__file__).with_name("results.csv")
COLUMNS = ("world", "agents", "budget", "transitions", "seed", "welfare", "as_assigned", "optimum")
BUDGETS, SEEDS, TRANSITIONS = (1, 2, 3), (0, 1, 2, 3, 4), 200_000


def train(mdp: FiniteRMDP, budget: int, transitions: int, seed: int) -> tuple[float, float]:
    """Train EM; the exact welfare of the greedy policies, with an exact E-step and as assigned in training."""
    import jax.numpy as jnp

    import policybudget as pb
    from policybudget.policies.stacked import act

    order = np.random.default_rng(seed).permutation(mdp.agents)  # EM begins round-robin: a start of its own per seed
    mdp = replace(mdp, weights=mdp.weights[:, order], names=())
    problem = mdp.problem(budget)
    ppo = pb.PPO(
        copies=32, steps=32, minibatch=128, learning_rate=(3e-3, 3e-4), entropy=(5e-2, 1e-3), discount=1.0, hidden=(32,)
    )
    result = pb.train(problem, pb.EM(), search=pb.Plain(), learner=ppo, transitions=transitions, seed=seed)
    states = jnp.broadcast_to(jnp.eye(mdp.states), (budget, mdp.states, mdp.states))
    policies = np.asarray(act(result.policies, problem.world.actions, states, None))
    returns = np.stack([mdp.returns(policy) for policy in policies])
    assigned = returns[result.assignment.argmax(axis=0), np.arange(mdp.agents)]
    return float(returns.max(axis=0).mean()), float(assigned.mean())


def run_missing(transitions: int) -> None:
    """Train what is not in the file yet; every finished run is a line of it."""
    from policybudget.runtime import use_compilation_cache

    use_compilation_cache()
    done = {(row["world"], int(row["budget"]), int(row["transitions"]), int(row["seed"])) for row in read()}
    if not RESULTS.exists():
        RESULTS.write_text(",".join(COLUMNS) + "\n")
    for world, make in WORLDS.items():
        mdp = make()
        for budget in BUDGETS:
            optimum = brute_force(mdp, budget).welfare
            for seed in SEEDS:
                if (world, budget, transitions, seed) in done:
                    continue
                welfare = (*train(mdp, budget, transitions, seed), optimum)
                line = [world, mdp.agents, budget, transitions, seed, *(f"{value:.6f}" for value in welfare)]
                with RESULTS.open("a", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(line)
                print(*line, flush=True)


def read() -> list[dict[str, str]]:
    """What was run so far."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def table() -> None:
    """The optimum; best and mean over seeds, and by how many per cent they are below it; the mean as assigned."""
    cells: dict[tuple[str, int, int], list[dict[str, str]]] = {}
    for row in read():
        cells.setdefault((row["world"], int(row["agents"]), int(row["budget"])), []).append(row)
    print(f"{'':<15} {'':>9} {'exact E-step':^33}   {'as assigned':^16}")
    print(f"{'world':<9} {'n':>2} {'k':>2} {'optimum':>9}" + "".join(f" {what:>9} {'gap %':>6}" for what in
          ("best", "mean")) + f"   {'mean':>9} {'gap %':>6} {'seeds':>6}")  # fmt: skip
    for (world, agents, budget), rows in cells.items():
        optimum = float(rows[0]["optimum"])
        welfare = np.array([[float(row["welfare"]), float(row["as_assigned"])] for row in rows])
        told = [f"{value:9.4f} {100.0 * (optimum - value) / abs(optimum):6.2f}" for value in
                (welfare[:, 0].max(), *welfare.mean(axis=0))]  # fmt: skip
        print(f"{world:<9} {agents:>2} {budget:>2} {optimum:9.4f} {told[0]} {told[1]}   {told[2]} {len(rows):6}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the results so far and run nothing")
    parser.add_argument("--transitions", type=int, default=TRANSITIONS, help="per policy")
    arguments = parser.parse_args()
    if not arguments.table:
        run_missing(arguments.transitions)
    table()
