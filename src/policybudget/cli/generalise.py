"""``policybudget generalise``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from policybudget.cli import options
from policybudget.errors import PolicyBudgetError
from policybudget.runs import files


def run(arguments: Sequence[str]) -> None:
    """Write generalisation.json into the run folder."""
    parser = options.Parser("generalise", "What the policies of a run are worth to tasks held out from its training.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--tasks", type=int, default=40, metavar="N", help="held-out tasks")
    parser.add_argument("--episodes", type=int, default=20, metavar="N", help="episodes per policy")
    parser.add_argument("--trials", type=int, default=4, metavar="N", help="of them, to choose by (few-shot)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of tasks and episodes")
    parser.add_argument("--floor", type=float, metavar="X", help="certify the share of tasks with at least this return")
    parser.add_argument("--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="no return is outside of this")
    parser.add_argument("--alpha", type=float, default=0.05, metavar="X", help="chance that the certificate is wrong")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parsed = parser.parse_args(arguments)
    if not 0 < parsed.trials < parsed.episodes:
        raise PolicyBudgetError(f"trials must be from 1 to episodes - 1 ({parsed.episodes - 1}), got {parsed.trials}")
    if not 0 <= parsed.seed < 2**32:
        raise PolicyBudgetError(f"seed must be from 0 to 2^32 - 1, got {parsed.seed}")
    if (parsed.floor is None) != (parsed.range is None):
        raise PolicyBudgetError("a certificate needs both --floor and --range LOW HIGH (no return may be outside)")
    from policybudget.assessment.certificate import Floor, certify
    from policybudget.assessment.generalise import centres, generalise, play_tasks
    from policybudget.cli.session import use_compilation_cache
    from policybudget.problem import make_problem
    from policybudget.runs.result import load
    from policybudget.worlds.registry import held_out

    result = load(parsed.run)
    tasks = held_out(str(result.world.get("name")), parsed.tasks, parsed.seed)
    use_compilation_cache()
    problem = make_problem(budget=1, **result.world)  # for its world and the tasks that it was trained on
    trained = problem.population.parameters
    assert trained is not None and tasks.parameters is not None  # worlds with held-out tasks have parameters
    returns = play_tasks(problem.world, tasks, result.committee, parsed.episodes, parsed.seed)
    found = generalise(returns, tasks.parameters, centres(trained, result.assignment), parsed.trials)
    how = {"tasks": parsed.tasks, "episodes": parsed.episodes, "trials": parsed.trials, "seed": parsed.seed}
    record, said = how | found.as_record(), None
    if parsed.floor is not None:
        low, high = parsed.range
        promise = certify(found.nearest[1], Floor(parsed.floor), low=low, high=high, alpha=parsed.alpha)
        record, said = record | {"certificate": promise.as_record()}, promise.statement()
    files.write_json(parsed.run / "generalisation.json", record)
    if not parsed.quiet:
        _show(found.summary(), parsed.trials)
        if said is not None:
            print(said)


def _show(summary: dict[str, dict[str, float]], trials: int) -> None:
    told = {
        "nearest": "whose agents are nearest, no trial",
        "few-shot": f"best of {trials} trials of each, judged by others",
        "oracle": "best in hindsight: no rule reaches it",
    }
    print(f"{'rule':<9} {'mean':>9} {'ci95':>8} {'worst':>9}")
    for name, row in summary.items():
        print(f"{name:<9} {row['mean']:>9.2f} {row['ci95']:>8.2f} {row['worst']:>9.2f}  {told[name]}")
