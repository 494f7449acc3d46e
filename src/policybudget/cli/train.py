"""``policybudget train``"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from policybudget import runtime
from policybudget.cli import options
from policybudget.errors import PolicyBudgetError
from policybudget.runs import files
from policybudget.training.configuration import Configuration, preset


def run(arguments: Sequence[str]) -> None:
    """Train, or train several seeds side by side."""
    early = options.peek(arguments, config=None, preset=None, algorithm=None, world=None)
    if early.config is not None:
        base = Configuration.load(Path(early.config))
        if early.preset is not None or early.algorithm not in (None, base.algorithm):
            raise PolicyBudgetError("--config names its own preset and algorithm; leave --preset and --algorithm out")
    else:
        base = preset(early.preset or "default", early.world or "resource-gathering", early.algorithm or "em")
    parser = options.Parser("train", "Train a budget of policies for a population of users.")
    options.add(parser, "training", base)
    options.add(parser, f"assignment ({base.algorithm})", base.rule)
    options.add(parser, "learner", base.ppo)
    output = parser.add_argument_group("output")
    output.add_argument("--out", type=Path, metavar="DIR", help="run folder, new or empty; if not given, under runs/")
    output.add_argument("--config", metavar="FILE", help="a saved config.json to start from")
    output.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="train as many seeds side by side, a core each"
    )
    output.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parsed = parser.parse_args(arguments)
    nested = replace(base, ppo=options.read(base.ppo, parsed), rule=options.read(base.rule, parsed))
    configuration = options.read(nested, parsed)
    population, tasks = (  # the run folder must find them from anywhere
        None if path is None else str(Path(path).absolute()) for path in (configuration.population, configuration.tasks)
    )
    configuration = replace(configuration, population=population, tasks=tasks)
    available = len(runtime.available())
    if configuration.cores is not None and configuration.cores > available:
        raise PolicyBudgetError(f"cores must be at most {available}, those available here, got {configuration.cores}")
    if parsed.seeds < 1:
        raise PolicyBudgetError(f"seeds must be at least 1, got {parsed.seeds}")
    if configuration.seed + parsed.seeds > 2**32:
        raise PolicyBudgetError(f"seed + seeds must be at most 2^32, got {configuration.seed} + {parsed.seeds}")
    if parsed.seeds == 1:
        configuration = replace(configuration, cores=runtime.use(configuration.cores or available))
    problem = configuration.problem()
    folder = files.new_folder(parsed.out or fresh(configuration))
    if parsed.seeds > 1:
        from policybudget.cli import seeds

        seeds.run(folder, configuration, problem.population.size, parsed.seeds, parsed.quiet)
        return
    from policybudget.cli import session

    configuration.save(folder)
    session.train_in(folder, configuration, problem, parsed.quiet, resume=False)


def fresh(configuration: Configuration) -> Path:
    """A name for a run folder that says what and when."""
    world = re.sub(r"[^\w.-]+", "-", configuration.world)
    what = f"{world}-{configuration.algorithm}-k{configuration.budget}"
    name = f"{what}-{time.strftime('%Y%m%d-%H%M%S')}"
    path, count = Path("runs") / name, 1
    while path.exists():
        path, count = Path("runs") / f"{name}-{count}", count + 1
    return path
