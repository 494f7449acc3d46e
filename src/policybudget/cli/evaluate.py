"""``policybudget evaluate``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from policybudget.cli import options
from policybudget.errors import PolicyBudgetError
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
    if not 0 <= parsed.seed < 2**32:
        raise PolicyBudgetError(f"seed must be from 0 to 2^32 - 1, got {parsed.seed}")
    from policybudget.assessment.evaluate import evaluate, returns_table
    from policybudget.cli.session import use_compilation_cache
    from policybudget.runs.result import load
    from policybudget.worlds import registry

    result = load(parsed.run)
    use_compilation_cache()
    world, population = registry.make(**result.world)
    record, matrix = {}, None
    for name in ("greedy", "stochastic"):
        played = evaluate(
            world, population, result.committee, result.assignment, parsed.episodes, parsed.seed, name == "greedy"
        )
        record[name] = {"welfare": played.welfare, "representatives": played.representatives}
        matrix = played.matrix if name == "greedy" else matrix
    record |= {"episodes": parsed.episodes, "seed": parsed.seed}
    files.write_json(parsed.run / "evaluation.json", record)
    files.write(parsed.run / "returns.csv", returns_table(result.agents, matrix))
    if not parsed.quiet:
        for name in ("greedy", "stochastic"):
            value = record[name]["welfare"]
            print(f"{name:<11} welfare {value['mean']:.2f} +- {value['ci95']:.2f} ({parsed.episodes} episodes per policy)")
