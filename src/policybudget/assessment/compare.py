"""Two runs for the same users: which policies changed, who moved, gained or lost. What a change control plan asks for.

Policies are told apart by the hash of all numbers that they act by. Both runs play the same fresh episodes: episode e
begins alike and draws alike for both, so that what a user gains is paired by episode, and policies that did not change
give exactly what they gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from policybudget.assessment import evidence, intervals
from policybudget.assessment.statistics import plus_minus, shown
from policybudget.assessment.trained_for import problem_of
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.population import Population
from policybudget.rollouts.sampler import play_alike
from policybudget.runs import arrays, files, inputs
from policybudget.runs.csv_file import as_csv
from policybudget.runs.result import Result, load
from policybudget.streams import Stream, derive
from policybudget.worlds.interface import World

FILES = ("comparison.json", "comparison.csv")
LISTED = 10
"""Users that the text lists: those who lose most."""


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        record: everything, as JSON takes it.
        users: a row for each user: name, policy before and after, return before and after, gain with its interval.
    """

    record: dict[str, Any]
    users: list[list[Any]]

    def text(self) -> str:
        """What changed, in lines of at most 80 columns."""
        record = self.record
        lines = [f"{'policy':>6} {'before':>14} {'after':>14}  what"]
        for one in record["policies"]:
            before, after = ((one[when] or "-")[:12] for when in ("before", "after"))
            lines.append(f"{one['policy']:>6} {before:>14} {after:>14}  {one['what']}")
        gain, moved = record["gain"], record["moved"]
        lines.append(
            f"welfare {record['welfare_before']:.2f} -> {record['welfare_after']:.2f}; mean gain of a user "
            f"{gain['mean']:.2f}{plus_minus(gain['ci95'])}"
        )
        lines.append(
            f"{moved} of {record['users']} users moved to another policy; shown to gain {record['gained']}, "
            f"to lose {record['lost']}, neither {record['undecided']}"
        )
        if record["lost"]:
            worst = sorted(self.users, key=lambda row: row[5])[: min(LISTED, record["lost"])]
            lines += [f"{'user':<24} {'before':>6} {'after':>6} {'gain':>9} {'+-':>7}"]
            lines += [f"{row[0][:24]:<24} {row[1]:>6} {row[2]:>6} {row[5]:>9.2f} {shown(row[6]):>7}" for row in worst]
        lines.append("(95 % intervals; gains and losses hold for all users together)")
        return "\n".join(lines)


def compare_runs(before: Path, after: Path, episodes: int = 100, seed: int = 1, out: Path | None = None) -> Comparison:
    """Compare two runs for the same users.

    Args:
        before: folder of a run.
        after: folder of another run.
        episodes: of each policy.
        seed: of the episodes.
        out: folder for ``FILES``; that of the second run if None.

    Returns:
        The comparison.

    Raises:
        PolicyBudgetError: an argument is out of range, or the runs are for other users or another world.
    """
    if episodes < 1:
        raise PolicyBudgetError(f"episodes must be at least 1, got {episodes}")
    check_seed(seed)
    first, second = load(before), load(after)
    if first.agents != second.agents:
        raise PolicyBudgetError(
            f"{before} was trained for {len(first.agents)} users and {after} for {len(second.agents)}, not the same; "
            "only runs for the same users are compared"
        )
    problem = problem_of(after, second)
    worlds = [inputs.short(str(one.world.get("name"))) for one in (first, second)]
    if worlds[0] != worlds[1]:
        raise PolicyBudgetError(
            f"{before} is of world {worlds[0]}, {after} of {worlds[1]}; only runs in the same world are compared"
        )
    population, world = problem.population, problem.world
    got = [_got(world, population, one, episodes, seed) for one in (first, second)]
    objective = problem.objective
    worth = [float(objective.welfare(jnp.asarray(one.mean(axis=0)), objective.agent_weights)) for one in got]
    found = comparison(first, second, got[0], got[1], population.agent_weights)
    about = {
        "before": str(before), "after": str(after), "welfare_before": worth[0], "welfare_after": worth[1],
        "function": str(problem.welfare), "episodes": episodes, "seed": seed,
    }  # fmt: skip
    whole = Comparison(about | found.record, found.users)
    folder = after if out is None else out
    files.write_json(folder / FILES[0], whole.record)
    header = ["user", "policy_before", "policy_after", "return_before", "return_after", "gain", "gain_ci95", "shown"]
    rows = [["" if x is None else f"{x:.6g}" if isinstance(x, float) else x for x in row] for row in whole.users]
    files.write(folder / FILES[1], as_csv([header, *rows]))
    return whole


def comparison(
    before: Result,
    after: Result,
    got_before: Float[np.ndarray, "e n"],
    got_after: Float[np.ndarray, "e n"],
    weights: Float[np.ndarray, " n"] | None = None,
) -> Comparison:
    """What changed between two results, from returns that are paired by episode.

    Args:
        before: a result.
        after: another one for the same users.
        got_before: (e, n) what users are paid before.
        got_after: (e, n) what they are paid after, row e with the same randomness.
        weights: (n,) how many people users stand for; None for one each.
    """
    gains, serves = got_after - got_before, [_serves(one) for one in (before, after)]
    hashes = [[arrays.fingerprint(one.arrays, j) for j in range(one.budget)] for one in (before, after)]
    moved = _moved(hashes, serves)
    against = intervals.against(gains, np.zeros(gains.shape[1]))
    width = intervals.each_ci95(gains)
    users: list[list[Any]] = []
    for i, name in enumerate(before.agents):
        says = "gains" if against.above[i] else "loses" if against.below[i] else ""
        users.append([
            name, *(("none" if one[i] < 0 else int(one[i])) for one in serves), float(got_before[:, i].mean()),
            float(got_after[:, i].mean()), float(gains[:, i].mean()),
            float(width[i]) if np.isfinite(width[i]) else None, says,
        ])  # fmt: skip
    record = {
        "policies": _changes(hashes), "users": len(users), "moved": int(moved.sum()),
        "gain": intervals.mean_return(gains, weights), "gained": int(against.above.sum()),
        "lost": int(against.below.sum()), "undecided": int(against.undecided.sum()),
    }  # fmt: skip
    return Comparison(record, users)


def _got(world: World, population: Population, result: Result, episodes: int, seed: int) -> Float[np.ndarray, "e n"]:
    """What users are paid, each policy in the same random episodes as any other."""
    key = derive(jax.random.key(seed), Stream.JUDGING_EPISODES)
    returns = play_alike(world, population.rewards, result.policies, key, episodes)
    return evidence.samples(population, result.assignment, returns, returns).got


def _serves(result: Result) -> Int[np.ndarray, " n"]:
    """The most likely policy of each user; -1 for none."""
    alpha = np.asarray(result.assignment, np.float64)
    found: Int[np.ndarray, " n"] = np.where(alpha.max(axis=0) >= 1 - alpha.sum(axis=0), alpha.argmax(axis=0), -1)
    return found


def _moved(hashes: list[list[str]], serves: list[Int[np.ndarray, " n"]]) -> Bool[np.ndarray, " n"]:
    """Users whose policy is another one now, by its hash."""
    theirs = [["" if j < 0 else known[j] for j in one] for known, one in zip(hashes, serves, strict=True)]
    return np.array([a != b for a, b in zip(*theirs, strict=True)])


def _changes(hashes: list[list[str]]) -> list[dict[str, Any]]:
    """Each place in the set of policies: unchanged, moved, changed, new or gone."""
    before, after = hashes
    rows = []
    for policy in range(max(len(before), len(after))):
        one = before[policy] if policy < len(before) else None
        other = after[policy] if policy < len(after) else None
        if one == other:
            what = "unchanged"
        elif other is None:
            what = "gone" if one not in after else f"now policy {after.index(one)}"
        elif other in before:
            what = f"was policy {before.index(other)}"
        else:
            what = "new" if one is None or one in after else "changed"
        rows.append({"policy": policy, "before": one, "after": other, "what": what})
    return rows
