"""``policybudget evaluate``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from policybudget.cli import options
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.runs import files


def run(arguments: Sequence[str]) -> None:
    """Write evaluation.json and returns.csv into the run folder."""
    parser = options.Parser("evaluate", "Play fresh episodes of every policy of a run: welfare and return matrix.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--episodes", type=int, default=100, metavar="N", help="episodes per policy")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the episodes")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parsed = parser.parse_args(arguments)
    if parsed.episodes < 1:
        raise PolicyBudgetError(f"episodes must be at least 1, got {parsed.episodes}")
    check_seed(parsed.seed)
    from policybudget.assessment.evaluate import evaluate, returns_table
    from policybudget.cli.trained_for import problem_of
    from policybudget.runs.result import load
    from policybudget.runtime import use_compilation_cache
    from policybudget.welfare import Utilitarian

    result = load(parsed.run)
    problem = problem_of(parsed.run, result)
    use_compilation_cache()
    world, population, welfare = problem.world, problem.population, problem.welfare
    played = {
        name: evaluate(
            world, population, result.policies, result.assignment, parsed.episodes, parsed.seed, greedy, welfare
        )
        for name, greedy in (("greedy", True), ("stochastic", False))
    }
    record = {name: one.social | {"welfare": one.welfare, "policies": one.policies} for name, one in played.items()}
    how = {"episodes": parsed.episodes, "seed": parsed.seed}
    files.write_json(parsed.run / "evaluation.json", record | how)
    files.write(parsed.run / "returns.csv", returns_table(result.agents, played["greedy"].matrix))
    if not parsed.quiet:
        for name, one in played.items():
            interval = f"{one.welfare['mean']:.2f} +- {one.welfare['ci95']:.2f}"
            what = "welfare" if problem.welfare == Utilitarian() else f"{problem.welfare} welfare"
            print(f"{name:<11} {what} {interval} ({parsed.episodes} episodes per policy)")
            if unserved := one.social["unserved"]:
                print(f"{name:<11} {unserved} of {population.size} users do better outside, served by none")
