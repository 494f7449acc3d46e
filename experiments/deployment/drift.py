"""Users whose weights drift: never moved, always, or with a switching cost and patience; and when one more is due.

``python experiments/deployment/drift.py [--users 500]`` draws users of Resource Gathering (5 x 5) with weights on its
25 tiles: the exponentials of a random walk, scaled to sum to one, over 50 periods. All shortest tours of the grid are
known exactly with what they return on each tile (``policybudget.exact.tours``), so nothing is trained. Five of them
serve; they were chosen for the first period. In each period users tell their weights with an error; who serves them is
decided by what they tell, and they get what the true weights give. A move costs 3, once. Whether one more policy is due
is asked in each period, of the tours that are known; it costs 0.25 of welfare.
"""

from __future__ import annotations

import argparse

import numpy as np

from policybudget.deployment.due import Candidates, Tally
from policybudget.deployment.reassign import Rule, Standing, reassign
from policybudget.exact.tours import REWARD, maximal, search
from policybudget.selection.subset import best_subset

POLICIES, PERIODS, MOVING, ONE_MORE = 5, 50, 3.0, 0.25
SPREAD, STEP, ERROR = 2.0, 0.3, 0.5
"""Of the logarithms of weights: in the first period, from one to the next, and of what users tell."""
RULES = {
    "never": Rule(1e9),
    "always": Rule(0.0),
    "cost 1": Rule(1.0),
    "cost 3": Rule(3.0),
    "cost 1, patience 2": Rule(1.0, 2),
    "cost 3, patience 2": Rule(3.0, 2),
    "cost 3, patience 4": Rule(3.0, 4),
}


def tours() -> np.ndarray:
    """What each tour returns on each tile (tours, 25)."""
    found = search()
    sets = maximal(found)
    visits = np.ones((len(sets), 25), bool)  # home is always visited
    tiles = found.tiles[:, 0] * found.side + found.tiles[:, 1]
    visits[:, tiles] = sets[:, None] >> np.arange(len(tiles)) & 1
    return visits * (REWARD - found.lengths[sets, None].astype(float))


def shares(logs: np.ndarray) -> np.ndarray:
    """Weights that sum to one."""
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=500)
    number, rng = parser.parse_args().users, np.random.default_rng(2026)
    known = tours()
    steps = rng.normal(0, STEP, (PERIODS, number, 25))
    steps[0] = rng.normal(0, SPREAD, (number, 25))
    true = np.cumsum(steps, axis=0)
    told = true + rng.normal(0, ERROR, true.shape)
    serve = known[best_subset(known @ shares(true[0]).T, POLICIES, method="greedy").chosen]
    print(f"{number} users, {len(known)} tours known, {len(serve)} serve, {PERIODS} periods, a move costs {MOVING}\n")
    print(f"{'moves if':<22} {'return':>8} {'moves':>8} {'net':>8}   held, in the mean period")
    walks = {name: walk(true, told, serve, rule) for name, rule in RULES.items()}
    for name, (got, moved, held) in walks.items():
        net = got.mean() - MOVING * moved.mean()
        print(f"{name:<22} {got.mean():>8.2f} {moved.sum(axis=0).mean():>8.2f} {net:>8.2f}   {100 * held.mean():.1f} %")
    ideal = np.mean([(shares(logs) @ serve.T).max(axis=1).mean() for logs in true])
    print(f"{'best of five, no cost':<22} {ideal:>8.2f}\n")
    one_more(true, serve, known)


def walk(
    true: np.ndarray, told: np.ndarray, serve: np.ndarray, rule: Rule
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns, moves and who is held back (periods, users)."""
    standing, found = Standing.new(true.shape[1]), []
    for logs, said in zip(true, told, strict=True):
        moves = reassign(standing, shares(said) @ serve.T, np.zeros(len(said)), rule)
        standing = moves.standing
        got = (shares(logs) @ serve.T)[np.arange(len(logs)), standing.policy]
        found.append((got, moves.moved, moves.held))
    returns, moved, held = map(np.stack, zip(*found, strict=True))
    return returns, moved, held


def one_more(true: np.ndarray, serve: np.ndarray, known: np.ndarray) -> None:
    """What one more policy brings, period by period."""
    names, gains = tuple(map(str, range(len(known)))), []
    for logs in true:
        weights = shares(logs)
        tally = Tally(Candidates(names, known, known), MOVING)
        tally.add(weights, (weights @ serve.T).max(axis=1))
        gains.append(tally.due(ONE_MORE))
    shown = "  ".join(f"{period}: {gains[period - 1].gain:.2f}" for period in (1, 10, 20, 30, 40, 50))
    print(f"policy number {len(serve) + 1} brings, after the cost of moving, in period\n  {shown}")
    due = next((period for period, one in enumerate(gains, 1) if one.verdict == "due"), None)
    print(f"and costs {ONE_MORE}: " + ("not due in any" if due is None else f"due first in period {due}"))


if __name__ == "__main__":
    main()
