"""What ``policybudget optimum`` is asked, and how the answer comes about."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policybudget.errors import PolicyBudgetError, check_budget, check_seed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRID, SPEEDS, FRONT = "resource-gathering", "velocity worlds", "--front"
VELOCITY = "-velocity"
MOST_VALUES = 50_000_000
PATIENCE = 2.0


@dataclass(frozen=True)
class Answer:
    """What is printed and drawn.

    Attributes:
        about: what was asked.
        entries: a record per budget.
        drawing: of the only budget.
        axis: name of the welfare, for the curve over several budgets, and its key in the entries.
    """

    about: dict[str, Any]
    entries: list[dict[str, Any]]
    drawing: Callable[[], Figure]
    axis: tuple[str, str] = ("optimal welfare (mean return)", "welfare")


def _check_budgets(budgets: range, most: int, whose: str) -> None:
    for budget in (budgets[0], budgets[-1]):
        check_budget(budget, most, whose)


def grid(parsed: argparse.Namespace) -> Answer:
    """Resource Gathering: the best k tours."""
    from policybudget.exact import tours

    side, home, budgets = parsed.side, parsed.home, parsed.budget
    tours.check_grid(side, home)
    _check_budgets(budgets, side * side, "agents")
    with progress("searching all tours", len(budgets)) as tick, solving():
        best = []
        for one in tours.best_tours(tours.search(side, home), budgets):
            best.append(one)
            tick(f"budget {one.budget}  welfare {one.welfare:.2f}")
    entries = [{"budget": one.budget, "welfare": _rounded(one.welfare), "tours": _tours(one.tours)} for one in best]

    def drawing() -> Figure:
        from policybudget.assessment import optimum_figures

        return optimum_figures.tours(side, home, best[0].tours)

    return Answer({"world": GRID, "side": side, "home": home}, entries, drawing)


def _tours(tours: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {"length": one.length, "tiles": one.tiles, "serves": one.serves, "walk": one.walk.tolist()} for one in tours
    ]


def velocity(parsed: argparse.Namespace) -> Answer:
    """A robot: the best k speeds for one draw of targets."""
    import numpy as np

    from policybudget.exact.intervals import best_points_each
    from policybudget.worlds.mujoco.velocity import BOUNDS, velocity_population

    task = parsed.world.removesuffix(VELOCITY)
    if parsed.agents < 1:
        raise PolicyBudgetError(f"agents must be at least 1, got {parsed.agents}")
    check_seed(parsed.seed)
    _check_budgets(parsed.budget, parsed.agents, "agents")
    population = velocity_population(task, parsed.agents, parsed.seed)
    assert population.parameters is not None
    targets = population.parameters[:, 0].astype(np.float64)
    with progress("speeds", 1):
        best = best_points_each(targets, BOUNDS[task] / 20, parsed.budget)
    entries = [
        {
            "budget": budget,
            "ceiling": _rounded(100 * one.value),
            "speeds": [_rounded(speed) for speed in one.points],
            "users": np.bincount(one.labels[one.labels >= 0], minlength=len(one.points)).tolist(),
            "paid_nothing": int((one.labels < 0).sum()),
        }
        for budget, one in zip(parsed.budget, best, strict=True)
    ]

    def drawing() -> Figure:
        from policybudget.assessment import optimum_figures

        return optimum_figures.speeds(targets, best[0], population.parameter_names[0])

    about = {"world": parsed.world, "agents": parsed.agents, "seed": parsed.seed}
    return Answer(about, entries, drawing, ("ceiling of the welfare (mean return)", "ceiling"))


def front(parsed: argparse.Namespace) -> Answer:
    """A file of policies: the best k for the users in another."""
    import numpy as np

    from policybudget.exact.front import read_front
    from policybudget.selection.subset import AUTO_LIMIT, METHODS, best_subsets
    from policybudget.users import read_users

    if parsed.method not in METHODS:
        raise PolicyBudgetError(f"method must be one of {', '.join(METHODS)}, got {parsed.method!r}")
    policies = read_front(parsed.front)
    _check_budgets(parsed.budget, len(policies.returns), "policies")
    users = read_users(parsed.population, policies.returns.shape[1], policies.components)
    size = len(policies.returns) * users.size
    if size > MOST_VALUES:
        raise PolicyBudgetError(
            f"policies x users must be at most {MOST_VALUES}, got {size}; give fewer users, each with a weight"
        )
    if parsed.method == "auto" and size > AUTO_LIMIT:
        print(f"{size} values (policies x users): greedy, with a bound; --method exact takes longer", file=sys.stderr)
    values = policies.returns @ np.asarray(users.rewards.weights, np.float64)
    best = []
    with progress("choosing", len(parsed.budget)) as tick, solving():
        for one in best_subsets(values, parsed.budget, users.agent_weights, users.outside, parsed.method):
            best.append(one)
            tick(f"welfare {one.welfare:.4g}")
    entries = [
        {
            "budget": budget,
            "method": one.method,
            "welfare": one.welfare,
            "bound": one.bound,
            "policies": _policies(policies.names, users.agent_weights, one),
            "outside": int((one.labels < 0).sum()),
            "labels": one.labels.tolist(),
        }
        for budget, one in zip(parsed.budget, best, strict=True)
    ]

    def drawing() -> Figure:
        from policybudget.assessment import optimum_figures

        return optimum_figures.front(policies.returns, policies.components, policies.names, best[0])

    axis = "welfare (weighted mean over users)" if users.agent_weights is not None else "welfare (mean over users)"
    return Answer(
        {"front": str(parsed.front), "population": str(parsed.population)}, entries, drawing, (axis, "welfare")
    )


def _policies(names: tuple[str, ...] | None, weights: Any, choice: Any) -> list[dict[str, Any]]:
    """Row, name if there are names, number of users and, if these have weights, of people of each chosen policy."""
    records = []
    for position, row in enumerate(choice.chosen):
        mine = choice.labels == position
        record: dict[str, Any] = {"row": int(row)} | ({} if names is None else {"name": names[row]})
        record |= {"users": int(mine.sum())} | ({} if weights is None else {"weight": float(weights[mine].sum())})
        records.append(record)
    return records


@contextmanager
def solving() -> Iterator[None]:
    """Keep what HiGHS at times prints for its own authors, whatever it is told, off standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """A bar on standard error; if that is no terminal, after two seconds what is done and a line every tenth of it."""
    began, done, tenth = time.perf_counter(), 0, 0
    live = sys.stderr.isatty()
    notice = threading.Timer(PATIENCE, lambda: print(f"{what} ...", file=sys.stderr))
    if live:
        from rich.console import Console

        from policybudget.training.listeners.progress import bar

        shown = bar(Console(stderr=True))
        task = shown.add_task(what, total=None)
        shown.start()
    else:
        notice.start()

    def tick(text: str) -> None:
        nonlocal done, tenth
        done += 1
        if live:
            shown.update(task, description=text, total=total, completed=done)
        elif time.perf_counter() - began > PATIENCE and 10 * done // total > tenth:
            tenth = 10 * done // total
            print(f"{100 * done // total:3d}%  {text}", file=sys.stderr)

    try:
        yield tick
    finally:
        notice.cancel()
        if live:
            shown.stop()


def _rounded(value: float) -> float:
    return round(float(value), 9)
