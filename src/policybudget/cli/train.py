"""``policybudget train``"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from policybudget import runtime
from policybudget.cli import interrupts, notes, options, show
from policybudget.errors import PolicyBudgetError
from policybudget.from_file import located
from policybudget.runs import inputs, schemas
from policybudget.runs.folder import locked, new_folder
from policybudget.settings import budgets
from policybudget.training.configuration import Configuration, preset
from policybudget.training.method import ALGORITHMS, SEARCHES


def _names(kinds: Mapping[str, Any]) -> str:
    """Names, and where alone each works."""
    limits = {name: getattr(kind, "limits", "") for name, kind in kinds.items()}
    return ", ".join(f"{name} ({limit})" if limit else name for name, limit in limits.items())


NAMES = (
    ("algorithm", f"who is with whom: {_names(ALGORITHMS)}"),
    ("search", f"how to get beyond local optima: {_names(SEARCHES)}"),
)
WHERE, HOW = ("world", "population", "agents"), ("preset", "transitions", "welfare", "seed")
"""Settings among the essentials: before the budget, and after algorithm and search."""
OTHERS = """--algorithm X --help shows the options of algorithm X, as --search Y --help does those of search Y.
Several budgets or seeds train side by side, a core and a run folder each."""


def run(arguments: Sequence[str]) -> None:
    """Train; several budgets or seeds side by side.

    Args:
        arguments: of the command line, after the name of the command.
    """
    configuration, several, seeds, parsed = asked(arguments)
    if len(several) == len(seeds) == 1:
        _one(configuration, parsed)
    else:
        _several(configuration, several, seeds, parsed)


def asked(arguments: Sequence[str]) -> tuple[Configuration, tuple[int, ...], range, argparse.Namespace]:
    """The trainings that are asked for, each option checked.

    Args:
        arguments: of the command line, after the name of the command.

    Returns:
        The first of them; all budgets, ascending; all seeds; and what else was typed.

    Raises:
        PolicyBudgetError: an option is wrong.
    """
    base = _base(arguments)
    parsed = _parser(base).parse_args(arguments)
    several, parsed.budget = parsed.budget, parsed.budget[0]
    nested = replace(
        base,
        learner=options.read(base.learner, parsed),
        rule=options.read(base.rule, parsed),
        search=options.read(base.search, parsed),
    )
    configuration = options.read(nested, parsed)
    if parsed.seeds < 1:
        raise PolicyBudgetError(f"seeds must be at least 1, got {parsed.seeds}")
    if parsed.seeds > schemas.MOST_SEEDS:
        raise PolicyBudgetError(f"seeds must be at most {schemas.MOST_SEEDS:,}, got {parsed.seeds}")
    if configuration.seed + parsed.seeds > 2**32:
        raise PolicyBudgetError(f"seed + seeds must be at most 2^32, got {configuration.seed} + {parsed.seeds}")
    seeds = range(configuration.seed, configuration.seed + parsed.seeds)
    configuration = _on_this_machine(configuration, alone=len(several) == len(seeds) == 1)
    notes.differences(configuration)
    return configuration, several, seeds, parsed


def _one(configuration: Configuration, parsed: argparse.Namespace) -> None:
    training, listening = configuration.training(), configuration.listening()
    if not parsed.quiet:
        notes.few_transitions(training)
    folder = new_folder(parsed.out or fresh(configuration))
    from policybudget.studies.run import train_in

    with locked(folder), interrupts.unwinding(folder) as raised:
        configuration.save(folder)
        finished = train_in(folder, training, quiet=parsed.quiet, listeners=[*listening, raised], log=configuration.log)
        if not parsed.quiet:
            show.finished(finished)


def _several(
    configuration: Configuration, budgets: Sequence[int], seeds: Sequence[int], parsed: argparse.Namespace
) -> None:
    from policybudget.studies.run_units import run_study
    from policybudget.studies.study import Study

    study = Study.of(configuration, budgets, seeds)
    folder = new_folder(parsed.out or fresh(configuration, budgets, seeds))
    with locked(folder), interrupts.unwinding(folder):
        study.save(folder)
        outcome = run_study(folder, study, quiet=parsed.quiet)
        if not parsed.quiet:
            show.study(folder, outcome)


def _parser(base: Configuration) -> options.Parser:
    """Options with the values of a configuration as their defaults."""
    parser = options.Parser("train", "Train a budget of policies for a population of users.", add_help=False)
    group = parser.add_argument_group("essentials", OTHERS)
    options.add(group, base, WHERE)
    several = "number of policies; several such as 1-5 or 1,3,10 train one run each"
    group.add_argument("--budget", type=budgets, default=str(base.budget), metavar="K", help=several)
    for name, text in NAMES:
        chosen = base.rule.name if name == "algorithm" else base.search.name
        group.add_argument(f"--{name}", default=chosen, metavar="NAME", help=text)
    options.add(group, base, HOW)
    group.add_argument("--seeds", type=int, default=1, metavar="N", help="train so many seeds, from --seed on")
    group.add_argument("--out", type=Path, metavar="DIR", help="run folder, new or empty; if not given, under runs/")
    group.add_argument("--config", metavar="FILE", help="a saved config.json to start from")
    group.add_argument("--quiet", action="store_true", help="print nothing but errors")
    group.add_argument("-h", "--help", action="help", help="show this and exit")
    parts = {
        "training": base,
        f"assignment ({base.rule.name})": base.rule,
        f"search ({base.search.name})": base.search,
        "learner": base.learner,
    }
    for title, part in parts.items():
        shown = (*WHERE, "budget", *HOW) if part is base else ()
        rest = [name for name in options.names(part) if name not in shown]
        options.add(parser.add_argument_group(title), part, rest)
    return parser


def _base(arguments: Sequence[str]) -> Configuration:
    """What options start from: a file, or a preset for the world, the rule and the search."""
    early = options.peek(arguments, config=None, preset=None, algorithm=None, search=None, world=None)
    if early.config is None:
        world = early.world or "resource-gathering"
        return preset(early.preset or "default", world, early.algorithm or "em", early.search)
    base = Configuration.load(Path(early.config))
    if early.preset is not None or early.algorithm not in (None, base.rule.name):
        raise PolicyBudgetError("--config names its own preset and algorithm; leave --preset and --algorithm out")
    if early.search not in (None, base.search.name):
        raise PolicyBudgetError("--config names its own search; leave --search out")
    return base


def _on_this_machine(configuration: Configuration, alone: bool) -> Configuration:
    """With files by their whole path, which the run folder records, and the cores that are used."""
    population, tasks = (
        None if path is None else str(Path(path).absolute()) for path in (configuration.population, configuration.tasks)
    )
    world = located(configuration.world)
    listeners = tuple(map(located, configuration.listeners))
    configuration = replace(configuration, world=world, population=population, tasks=tasks, listeners=listeners)
    available = len(runtime.available())
    if configuration.cores is not None and configuration.cores > available:
        raise PolicyBudgetError(f"cores must be at most {available}, those available here, got {configuration.cores}")
    if alone:
        return replace(configuration, cores=runtime.use(configuration.cores or available))
    return configuration


def fresh(configuration: Configuration, budgets: Sequence[int] = (), seeds: Sequence[int] = ()) -> Path:
    """A name for a run folder that says what and when; names sort by world, budget, method, seed and time.

    Args:
        configuration: of the run.
        budgets: of several runs, ascending; that of the configuration if there are none.
        seeds: of several runs, ascending; that of the configuration if there are none.
    """
    world = inputs.short(configuration.world)
    budget = _span(budgets or (configuration.budget,), 2)
    method = f"{configuration.rule.name}-{configuration.search.name}-{configuration.preset}"
    what = f"{world}-k{budget}-{method}-s{_span(seeds or (configuration.seed,), 1)}"
    name = re.sub(r"[^\w.-]+", "-", what) + time.strftime("-%Y%m%d-%H%M%S")
    path, count = Path("runs") / name, 1
    while path.exists():
        path, count = Path("runs") / f"{name}-{count}", count + 1
    return path


def _span(values: Sequence[int], digits: int) -> str:
    """The first and the last."""
    return "-".join(f"{value:0{digits}d}" for value in sorted({values[0], values[-1]}))
