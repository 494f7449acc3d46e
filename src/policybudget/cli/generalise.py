"""``policybudget generalise``"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from policybudget.cli import options
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.runs import files

COLUMNS = 80
RULES = ("nearest", "few-shot", "race")
NEAREST = {
    "prototypes": "nearest prototype, no trial",
    "mean tasks": "mean task of its agents is nearest",
    "mean tasks, prototypes are in other parameters": "mean task; prototypes are of another kind",
}


def run(arguments: Sequence[str]) -> None:
    """Write generalisation.json into the run folder, or drawn tasks into a file."""
    parsed = _parser().parse_args(arguments)
    _check(parsed)
    from policybudget.runs.result import load

    result = load(parsed.run)
    if parsed.write_tasks is not None:
        from policybudget.cli.held_out import write_tasks

        lines = [write_tasks(parsed.write_tasks, str(result.world.get("name")), parsed.tasks, parsed.seed)]
    else:
        record, lines = _judge(parsed, result)
        files.write_json(parsed.run / "generalisation.json", record)
    if not parsed.quiet:
        print("\n".join(lines))


def _judge(parsed: argparse.Namespace, result: Any) -> tuple[dict[str, Any], list[str]]:
    """Everything that was asked for: what goes into the file, and what is printed."""
    from policybudget.assessment.episodes import play_tasks
    from policybudget.assessment.generalise import coordinates, generalise
    from policybudget.cli import held_out, promises
    from policybudget.cli.trained_for import problem_of
    from policybudget.runtime import use_compilation_cache

    problem = problem_of(parsed.run, result)
    world = problem.world
    held = held_out.tasks_for(parsed, str(result.world["name"]), problem.population)
    places, known = held_out.places_of(parsed.run, result, problem.population)
    best = promises.optima(world, held.tasks) if parsed.exact else None
    use_compilation_cache()
    ended = None if parsed.method is None else promises.races(parsed, world, held.tasks, result.policies)
    returns = play_tasks(world, held.tasks, result.policies, parsed.episodes, parsed.seed)
    where = coordinates(held.tasks)[0]
    found = generalise(returns, where, places, parsed.trials)
    rows, members = dict[str, Any](found.summary()), dict(found.members)
    about = {"tasks": held.tasks.size, "source": held.source, "names": held.tasks.names, "places": known}
    how = {"episodes": parsed.episodes, "trials": parsed.trials, "seed": parsed.seed, "range": parsed.range}
    record, lines = dict[str, Any](about | how | found.as_record()), list[str]()
    if ended is not None:
        record["race"] = raced = ended.as_record(returns)
        rows["race"], members["race"] = raced["returns"], ended.members
        lines += promises.told(ended)
    if _certified(parsed):
        made = list(promises.certificates(parsed, world, held, result.policies, members[parsed.certify], best))
        record["certificates"] = {target: {"rule": parsed.certify} | one.as_record() for target, one in made}
        lines += [f"{parsed.certify}: {one.statement()}" for _, one in made]
    if parsed.lipschitz is not None:
        record["lipschitz"], line = promises.lipschitz(parsed, world, where, places, members["nearest"])
        lines.append(line)
    wrapped = [textwrap.fill(line, COLUMNS, subsequent_indent="  ") for line in lines]
    return record, [*_table(parsed, rows, members, known), *wrapped]


def _table(parsed: argparse.Namespace, rows: dict[str, Any], members: dict[str, Any], known: str) -> list[str]:
    served = [member >= 0 for member in members.get("race", ())]
    told = {
        "nearest": NEAREST[known],
        "few-shot": f"best of {parsed.trials} trials, judged by others",
        "race": f"{parsed.method}, {sum(served)} of {len(served)} tasks",
        "oracle": "best in hindsight: no rule reaches it",
    }
    lines = [f"{'rule':<9} {'mean':>9} {'ci95':>8} {'worst':>9}"]
    for name in told:
        if (row := rows.get(name)) is not None:
            lines.append(f"{name:<9} {row['mean']:>9.2f} {row['ci95']:>8.2f} {row['worst']:>9.2f}  {told[name]}")
    return lines


def _certified(parsed: argparse.Namespace) -> bool:
    return parsed.floor is not None or parsed.exact or parsed.reference is not None


def _parser() -> argparse.ArgumentParser:
    parser = options.Parser("generalise", "What the policies of a run are worth to tasks held out from its training.")
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="run folder")
    add("--episodes", type=int, default=20, metavar="N", help="of each policy; of each task for a certificate")
    add("--seed", type=int, default=1, metavar="N", help="of tasks and episodes")
    add("--quiet", action="store_true", help="print nothing but errors")
    add = parser.add_argument_group("tasks: drawn, from a file, or those of --reference").add_argument
    add("--tasks", type=int, metavar="N", help="how many are drawn, where a world can; 40 if not given")
    add("--population", type=Path, metavar="FILE", help="a users.csv of users held out from training")
    add("--write-tasks", type=Path, metavar="FILE", help="write the drawn tasks as a users.csv, and do no more")
    add = parser.add_argument_group("few-shot").add_argument
    add("--trials", type=int, default=4, metavar="N", help="of the episodes, to choose by")
    add("--method", metavar="NAME", help="a race: successive-elimination, sequential-halving or uniform")
    add("--beta", type=float, default=0.0, metavar="B", help="a member so far from the best is good enough")
    add("--race-episodes", type=int, metavar="N", help="a task, of all members; as many as B takes if not given")
    add = parser.add_argument_group("promises").add_argument
    add("--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="no return is outside of this")
    add("--alpha", type=float, default=0.05, metavar="A", help="chance that a promise is wrong")
    add("--floor", type=float, metavar="X", help="a return that is good enough: of races, and to certify")
    add("--reference", type=Path, metavar="RUN", help="certify within E of policies that were trained for the tasks")
    add("--exact", action="store_true", help="certify within E of the best, in gym: worlds that carry their tables")
    add("--epsilon", type=float, metavar="E", help="in units of return")
    add("--certify", default="nearest", metavar="RULE", help="who serves: nearest, few-shot or race")
    add("--lipschitz", type=float, metavar="L", help="by how much rewards change at most per unit of a parameter")
    add("--training-error", type=float, default=0.0, metavar="E", help="what members lack on their own tasks")
    return parser


def _check(parsed: argparse.Namespace) -> None:
    """Refuse options that are out of range or do not go together."""
    from policybudget.assessment.bounds import check_level, check_range
    from policybudget.assessment.certificate import lipschitz_gap
    from policybudget.assessment.few_shot import METHODS

    if not 0 < parsed.trials < parsed.episodes:
        raise PolicyBudgetError(f"trials must be from 1 to episodes - 1 ({parsed.episodes - 1}), got {parsed.trials}")
    check_seed(parsed.seed)
    if parsed.tasks is not None and parsed.tasks < 1:
        raise PolicyBudgetError(f"tasks must be at least 1, got {parsed.tasks}")
    if parsed.write_tasks is not None and (parsed.population or parsed.reference):
        raise PolicyBudgetError("--write-tasks writes tasks that are drawn; leave --population and --reference out")
    if sum(given is not None for given in (parsed.tasks, parsed.population, parsed.reference)) > 1:
        raise PolicyBudgetError("tasks are drawn (--tasks), or from --population, or those of --reference: give one")
    for name, known in (("method", METHODS), ("certify", RULES)):
        if (value := vars(parsed)[name]) not in (*known, None):
            raise PolicyBudgetError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    _check_race(parsed)
    check_level(parsed.alpha)
    bounded = _certified(parsed) or parsed.method is not None
    if bounded != (parsed.range is not None):
        raise PolicyBudgetError(
            "--range LOW HIGH (no return may be outside) is what --method and certificates (--floor, --exact, "
            "--reference) need, and nothing else does"
        )
    if bounded:
        check_range(*parsed.range)
    if (parsed.exact or parsed.reference is not None) != (parsed.epsilon is not None):
        raise PolicyBudgetError("--epsilon E is what --exact and --reference need, and nothing else does")
    if parsed.epsilon is not None and not 0 <= parsed.epsilon < float("inf"):
        raise PolicyBudgetError(f"epsilon must be at least 0, got {parsed.epsilon}")
    if parsed.training_error and parsed.lipschitz is None:
        raise PolicyBudgetError("--training-error is for --lipschitz; leave it out")
    if parsed.lipschitz is not None:
        lipschitz_gap(parsed.lipschitz, 0.0, 1, 1.0, parsed.training_error)


def _check_race(parsed: argparse.Namespace) -> None:
    if parsed.method is None:
        for name, given in (("beta", parsed.beta), ("race-episodes", parsed.race_episodes)):
            if given:
                raise PolicyBudgetError(f"--{name} is for --method; leave it out")
        if parsed.certify == "race":
            raise PolicyBudgetError("--certify race needs a --method for the races")
    elif not 0 <= parsed.beta < float("inf"):
        raise PolicyBudgetError(f"beta must be at least 0, got {parsed.beta}")
    elif parsed.race_episodes is None and (parsed.beta == 0 or parsed.method == "sequential-halving"):
        raise PolicyBudgetError(
            "how long to race is open: give --race-episodes N (or, but for sequential-halving, --beta above 0)"
        )
