"""What a finished run is worth to tasks that had no part in its training: all that a plan asks for, in one call."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from policybudget.assessment import guarantees
from policybudget.assessment.best_arm_per_task import NO_POLICY
from policybudget.assessment.episodes import play_tasks
from policybudget.assessment.generalise import coordinates, generalise
from policybudget.assessment.held_out import places_of, tasks_for
from policybudget.assessment.held_out_plan import HeldOutPlan
from policybudget.assessment.rivals import rival
from policybudget.assessment.trained_for import problem_of
from policybudget.policies.acting import Acting
from policybudget.runs import files
from policybudget.runs.result import load

COLUMNS = 80
"""Of the screen."""
NEAREST = {
    "prototypes": "nearest prototype, no trial",
    "mean tasks": "mean task of its agents is nearest",
    "mean tasks, prototypes are in other parameters": "mean task; prototypes are of another kind",
}


@dataclass(frozen=True)
class HeldOutReport:
    """What was found.

    Attributes:
        record: for JSON; ``generalisation.json`` in the folder of the run.
        lines: of text.
    """

    record: dict[str, Any]
    lines: tuple[str, ...]

    def text(self) -> str:
        """A table of the rules, and what is guaranteed, in lines of at most 80 columns."""
        return "\n".join(self.lines)


def generalise_run(folder: Path, plan: HeldOutPlan | None = None) -> HeldOutReport:
    """Judge the policies of a run by held-out tasks; write generalisation.json into its folder.

    Args:
        folder: of the run.
        plan: what is asked; the defaults if None.

    Returns:
        What was found.

    Raises:
        PolicyBudgetError: the folder holds no run that can be judged, or the plan does not fit it.
    """
    plan = HeldOutPlan() if plan is None else plan
    result = load(folder)
    problem = problem_of(folder, result)
    policies, held = cast(Acting, result.policies), tasks_for(plan, folder, str(result.world["name"]), problem)
    world = held.world
    prototypes, assignment = result.prototypes, result.assignment
    if plan.policies is not None:
        other = rival(plan.policies, problem, plan.seed)
        policies, prototypes, assignment = other.policies, None, other.assignment
    places, known = places_of(folder, prototypes, assignment, problem.population)
    best = guarantees.optima(world, held.tasks) if plan.exact else None
    chosen = None if plan.method is None else guarantees.choices(plan, world, held.tasks, policies)
    returns = play_tasks(world, held.tasks, policies, plan.episodes, plan.seed)
    where = coordinates(held.tasks)[0]
    found = generalise(returns, where, places, plan.trials)
    rows, serves, lines = dict[str, Any](found.summary()), dict(found.serves), list[str]()
    about = {"tasks": held.tasks.size, "source": held.source, "names": held.tasks.names, "places": known}
    about |= {} if plan.policies is None else {"policies": plan.policies}
    how = {"episodes": plan.episodes, "trials": plan.trials, "seed": plan.seed, "range": plan.range}
    record: dict[str, Any] = about | how | found.as_record()
    if chosen is not None:
        record["best-arm"] = chosen.as_record(returns)
        rows["best-arm"], serves["best-arm"] = record["best-arm"]["returns"], chosen.serves
        lines += guarantees.choices_text(chosen)
    if plan.certified:
        made = list(guarantees.certificates(plan, world, held, policies, serves[plan.certify], best))
        record["certificates"] = {target: {"rule": plan.certify} | one.as_record() for target, one in made}
        lines += [f"{plan.certify}: {one.statement()}" for _, one in made]
    if plan.lipschitz is not None:
        record["lipschitz"], line = guarantees.lipschitz(plan, world, where, places, serves["nearest"])
        lines.append(line)
    files.write_json(folder / "generalisation.json", record)
    wrapped = [textwrap.fill(line, COLUMNS, subsequent_indent="  ") for line in lines]
    return HeldOutReport(record, (*_table(plan, rows, serves, known), *wrapped))


def _table(plan: HeldOutPlan, rows: dict[str, Any], serves: dict[str, Any], known: str) -> list[str]:
    """A line per rule."""
    served = [policy != NO_POLICY for policy in serves.get("best-arm", ())]
    descriptions = {
        "nearest": NEAREST[known],
        "few-shot": f"best of {plan.trials} trials, judged by others",
        "best-arm": f"{plan.method}, {sum(served)} of {len(served)} tasks",
        "oracle": "best in hindsight: no rule reaches it",
    }
    lines = [f"{'rule':<9} {'mean':>9} {'ci95':>8} {'worst':>9}"]
    for name, text in descriptions.items():
        if (row := rows.get(name)) is not None:
            interval = "–" if row["ci95"] is None else f"{row['ci95']:.2f}"
            lines.append(f"{name:<9} {row['mean']:>9.2f} {interval:>8} {row['worst']:>9.2f}  {text}")
    return lines
