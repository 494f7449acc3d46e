"""``policybudget train``"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from policybudget import runtime
from policybudget.cli import interrupts, notes, options, show
from policybudget.errors import PolicyBudgetError
from policybudget.runs import files, inputs
from policybudget.training.configuration import Configuration, preset
from policybudget.training.method import ALGORITHMS, SEARCHES
from policybudget.worlds import registry


def _names(kinds: Mapping[str, Any]) -> str:
    """Names, and where alone each works."""
    limits = {name: getattr(kind, "limits", "") for name, kind in kinds.items()}
    return ", ".join(f"{name} ({limit})" if limit else name for name, limit in limits.items())


NAMES = (
    ("algorithm", f"who is with whom: {_names(ALGORITHMS)}"),
    ("search", f"how to get beyond local optima: {_names(SEARCHES)}"),
)


def run(arguments: Sequence[str]) -> None:
    """Train, or train several seeds side by side.

    Args:
        arguments: of the command line, after the name of the command.
    """
    base = _base(arguments)
    parser = options.Parser("train", "Train a budget of policies for a population of users.")
    group = parser.add_argument_group("method")
    for name, text in NAMES:
        chosen = base.rule.name if name == "algorithm" else base.search.name
        group.add_argument(f"--{name}", default=chosen, metavar="NAME", help=text)
    options.add(parser, "training", base)
    options.add(parser, f"assignment ({base.rule.name})", base.rule)
    options.add(parser, f"search ({base.search.title})", base.search)
    options.add(parser, "learner", base.learner)
    output = parser.add_argument_group("output")
    output.add_argument("--out", type=Path, metavar="DIR", help="run folder, new or empty; if not given, under runs/")
    output.add_argument("--config", metavar="FILE", help="a saved config.json to start from")
    output.add_argument("--seeds", type=int, default=1, metavar="N", help="train as many seeds, a core each")
    output.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parsed = parser.parse_args(arguments)
    nested = replace(
        base,
        learner=options.read(base.learner, parsed),
        rule=options.read(base.rule, parsed),
        search=options.read(base.search, parsed),
    )
    configuration = _on_this_machine(options.read(nested, parsed), parsed.seeds)
    notes.differences(configuration)
    training = configuration.training()
    folder = files.new_folder(parsed.out or fresh(configuration))
    if parsed.seeds > 1:
        from policybudget.studies.seeds import train_seeds

        with interrupts.unwinding(folder):
            found = train_seeds(folder, configuration, training.total, parsed.seeds, parsed.quiet)
            if not parsed.quiet:
                show.seeds(folder, found)
        return
    from policybudget.studies.run import train_in

    with interrupts.unwinding(folder) as raised:
        configuration.save(folder)
        finished = train_in(folder, training, quiet=parsed.quiet, listeners=[raised])
        if not parsed.quiet:
            show.finished(finished)


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


def _on_this_machine(configuration: Configuration, seeds: int) -> Configuration:
    """With files by their whole path, which the run folder records, and the cores that are used."""
    population, tasks = (
        None if path is None else str(Path(path).absolute()) for path in (configuration.population, configuration.tasks)
    )
    world = registry.located(configuration.world)
    configuration = replace(configuration, world=world, population=population, tasks=tasks)
    available = len(runtime.available())
    if configuration.cores is not None and configuration.cores > available:
        raise PolicyBudgetError(f"cores must be at most {available}, those available here, got {configuration.cores}")
    if seeds < 1:
        raise PolicyBudgetError(f"seeds must be at least 1, got {seeds}")
    if configuration.seed + seeds > 2**32:
        raise PolicyBudgetError(f"seed + seeds must be at most 2^32, got {configuration.seed} + {seeds}")
    if seeds == 1:
        return replace(configuration, cores=runtime.use(configuration.cores or available))
    return configuration


def fresh(configuration: Configuration) -> Path:
    """A name for a run folder that says what and when.

    Args:
        configuration: of the run.
    """
    world = re.sub(r"[^\w.-]+", "-", inputs.short(configuration.world))
    what = f"{world}-{configuration.rule.name}-k{configuration.budget}"
    name = f"{what}-{time.strftime('%Y%m%d-%H%M%S')}"
    path, count = Path("runs") / name, 1
    while path.exists():
        path, count = Path("runs") / f"{name}-{count}", count + 1
    return path
