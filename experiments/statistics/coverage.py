"""How often the intervals of an assessment hold what they promise, in simulated populations whose truth is known.

``python experiments/statistics/coverage.py [--populations 2000]`` draws populations, episodes and seeds, and counts how
often each 95 % interval covers the truth, with returns that are normal and returns that are skewed (exponential).
Agents share episodes: half of the spread of a return is that of the episode. One-sided bounds and the simultaneous
statements promise at least 95 %; their counts are of being right.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from policybudget.assessment import intervals, seeds
from policybudget.assessment.curve import assign
from policybudget.assessment.evaluate import judge
from policybudget.assessment.statistics import mean_ci95
from policybudget.population import Population
from policybudget.welfare import parse

AGENTS, EPISODES, SPREAD, SHARED = 20, 100, 4.0, 0.5
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
NOISE: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: 1.0 - rng.exponential(size=shape),  # a long tail below
}


def episodes(rng: np.random.Generator, noise: Draw, means: np.ndarray, number: int = EPISODES) -> np.ndarray:
    """Returns (e, n): half of the variance is shared by all agents of an episode."""
    own, shared = noise(rng, (number, len(means))), noise(rng, (number, 1))
    return means + SPREAD * (np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own)


def true_cvar(means: np.ndarray, kind: str, tail: float = intervals.TAIL) -> float:
    """CVaR of a mixture over agents: by quadrature for normal returns, by many draws for others."""
    if kind == "normal":
        q = optimize.brentq(lambda x: stats.norm.cdf(x, means, SPREAD).mean() - tail, means.min() - 40, means.max())
        z = (q - means) / SPREAD
        return float((means * stats.norm.cdf(z) - SPREAD * stats.norm.pdf(z)).mean() / tail)
    rng = np.random.default_rng(7)
    drawn = np.sort(episodes(rng, NOISE[kind], means, 20_000), axis=None)
    return float(drawn[: int(tail * drawn.size)].mean())


def covers(found: dict[str, float], truth: float) -> bool:
    """Whether an interval holds the truth."""
    return abs(found["mean"] - truth) <= found["ci95"]


def of_one(rng: np.random.Generator, kind: str) -> dict[str, bool]:
    """All that is said of one population, and whether it is true."""
    noise, means = NOISE[kind], 50 + 5 * rng.standard_normal(AGENTS)
    choice, fresh = episodes(rng, noise, means), episodes(rng, noise, means)
    other = means + rng.standard_normal(AGENTS)
    replay = fresh + other - means + rng.standard_normal((EPISODES, AGENTS))
    worst = intervals.worst_agent(choice.mean(axis=0), fresh)
    group = np.arange(AGENTS) < AGENTS // 3
    gap = means[group].mean() - means[~group].mean()
    floor = np.full(AGENTS, np.quantile(means, 0.2))
    said = intervals.against(fresh, floor)
    assert worst.bound is not None
    held = {
        "mean return": covers(intervals.mean_return(fresh), means.mean()),
        "CVaR": covers(intervals.cvar(fresh), true_cvar(means, kind)),
        "worst agent, chosen on other episodes": covers({"mean": worst.mean, "ci95": worst.ci95}, means[worst.agent]),
        "worst agent, chosen on the same (naive)": covers(
            mean_ci95(fresh[:, fresh.mean(axis=0).argmin()]), means.min()
        ),
        "gap between groups": covers(intervals.between_groups(fresh, group), gap),
        "paired gain": covers(intervals.difference(replay, fresh), (other - means).mean()),
        "no agent is below (bound)": bool(means.min() >= worst.bound),
        "below or above a floor (all right)": not (
            (said.below & (means > floor)) | (said.above & (means < floor))
        ).any(),
    }
    population = Population.from_features([str(i) for i in range(AGENTS)])
    alone = assign(np.zeros((1, AGENTS)))
    for name in ("utilitarian", "nash", "p-mean:-1", "gini"):
        welfare = parse(name)
        truth = float(welfare(means.astype(np.float32)))
        held[f"welfare, {name}"] = covers(
            judge(population, fresh[None].astype(np.float32), alone, welfare).welfare, truth
        )
    return held


def of_seeds(rng: np.random.Generator, kind: str, number: int) -> dict[str, bool]:
    """What is said over seeds: for these agents, for agents like these, and of the interquartile mean."""
    noise, abilities = NOISE[kind], 5 * rng.standard_normal(30)
    luck = 2 * noise(rng, (number, 1))
    scores = 50 + abilities + luck + rng.standard_normal((number, 30))
    scores = scores[..., None] + rng.standard_normal((number, 30, 10))
    held = {
        f"{number} seeds, these agents": covers(seeds.bootstrap(scores), 50 + abilities.mean()),
        f"{number} seeds, agents like these": covers(seeds.bootstrap(scores, agents=True), 50.0),
    }
    if kind == "normal":
        truth = 50 + middle(abilities)
        found = seeds.bootstrap(scores, lambda x: seeds.interquartile_mean(x.mean(axis=2)), repeats=200)
        held[f"{number} seeds, interquartile mean"] = covers(found, truth)
    return held


def middle(abilities: np.ndarray) -> float:
    """Interquartile mean of abilities plus normal luck and noise of variance 4 + 1 + 0.1."""
    grid = stats.norm.ppf((np.arange(400) + 0.5) / 400) * np.sqrt(4 + 1 + 0.1)
    return seeds.interquartile_mean(np.add.outer(grid, abilities))


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--populations", type=int, default=2000)
    settings = parser.parse_args()
    print(f"{settings.populations} populations of {AGENTS} agents, {EPISODES} episodes; % of intervals that hold\n")
    print(f"{'':<42} {'normal':>7} {'skewed':>7}")
    table: dict[str, dict[str, float]] = {}
    for kind in NOISE:
        rng, counts = np.random.default_rng(2026), dict[str, int]()
        for _ in range(settings.populations):
            held = of_one(rng, kind)
            for number in (3, 5, 10):
                held |= of_seeds(rng, kind, number)
            for name, right in held.items():
                counts[name] = counts.get(name, 0) + bool(right)
        for name, count in counts.items():
            table.setdefault(name, {})[kind] = 100 * count / settings.populations
    for name, row in table.items():
        cells = (f"{row[kind]:>7.1f}" if kind in row else f"{'-':>7}" for kind in NOISE)
        print(f"{name:<42} {' '.join(cells)}")


if __name__ == "__main__":
    main()
