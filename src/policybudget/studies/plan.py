"""A study as a TOML file says it: options of ``policybudget train``, and lists of which all combinations are trained.

::

    title = "Budgets and algorithms"
    world = "resource-gathering"        # options of all trainings
    seeds = 10                          # seeds 0 to 9

    [grid]                              # every combination
    algorithm = ["em", "end-to-end"]
    budget = "1-3,10"

    [[block]]                           # further options and lists; several blocks stand side by side
    label = "as in the paper"
    preset = "paper"

    [quick]                             # what --quick takes instead, for a first look
    transitions = 10_000
"""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from policybudget.errors import PolicyBudgetError, did_you_mean
from policybudget.from_file import located
from policybudget.runs import files, inputs, schemas
from policybudget.settings import LONGEST, budgets
from policybudget.studies.study import Study, with_seed
from policybudget.studies.unit import Unit
from policybudget.training.configuration import Configuration, cast, preset, settings_of

LARGEST = 1024 * 1024
"""Bytes of a plan."""
AS_SEED = "seed"
"""The population_seed that is each training's own seed."""
OWN = ("title", "seeds", "grid", "block", "label", "quick")
"""What a plan has besides options of ``policybudget train``."""
NAMED = ("world", "preset", "algorithm", "search")
"""What the defaults of all other options depend on."""
REFUSED = {"cores": "every unit computes on one core", "config": "write its options out"}
Options = dict[str, Any]


def load(path: Path, quick: bool = False, **instead: Any) -> Study:
    """The study that a plan asks for, each of its trainings checked.

    Args:
        path: of the TOML file; files that it names are beside it.
        quick: whether what the plan has under ``[quick]`` takes the place of the rest; the title says so.
        **instead: options that take the place of those of the plan.

    Raises:
        PolicyBudgetError: the file is missing or no TOML, an option is unknown or out of range, or a training fits no
            world.
    """
    if not path.exists():
        raise PolicyBudgetError(f"plan not found: {path}")
    try:
        plan = tomllib.loads(files.read(path, LARGEST).decode())
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, an endless number, nested beyond reason
        raise PolicyBudgetError(f"{path} is no plan: {error}") from None
    return study(plan, path, quick, **instead)


def study(plan: Mapping[str, Any], path: Path, quick: bool = False, **instead: Any) -> Study:
    """The study that a plan asks for, each of its trainings checked.

    Args:
        plan: as TOML has it.
        path: for errors; files that the plan names are beside it.
        quick: whether what the plan has under ``[quick]`` takes the place of the rest; the title says so.
        **instead: options that take the place of those of the plan.

    Raises:
        PolicyBudgetError: an option is unknown or out of range, or a training fits no world.
    """
    title = _text(path, plan, "title")
    common = {_known(name): value for name, value in plan.items() if name not in ("title", "block", "quick")}
    small = _quick(path, plan) if quick else {}
    lists, instead = _grid(path, small), {name: value for name, value in small.items() if name != "grid"} | instead
    blocks = plan.get("block", [{}])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks) or not blocks:
        raise PolicyBudgetError(f"{path}: block must be written [[block]], with options below it")
    units = dict[tuple[str, str], Unit]()
    for block in [{_known(name): value for name, value in block.items()} for block in blocks]:
        grid = _grid(path, common) | _grid(path, block)
        options = {name: value for name, value in (common | block).items() if name != "grid"}
        for name in options.keys() & grid.keys() & block.keys():
            raise PolicyBudgetError(f"{path}: {name} is an option and a list of the same block; leave one of them out")
        grid, left = {name: lists.get(name, values) for name, values in grid.items()}, schemas.MOST_SEEDS - len(units)
        for unit in _units(path, options, grid, instead, left):
            units.setdefault((unit.label, unit.sha256), unit)
    return Study(tuple(units.values()), f"{title} (quick: {_said(small | lists)})".strip() if quick else title)


def _units(path: Path, options: Options, grid: Options, instead: Options, left: int) -> Iterator[Unit]:
    """Those of one block, counted before any is made."""
    options, grid = dict(options), dict(grid)
    label = _text(path, options, "label")
    count = (options | instead).get("seeds")
    grid = {name: values for name, values in grid.items() if name not in instead}
    seeds = list(grid.pop("seed", [options.get("seed", 0)]))
    if count is not None:
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= schemas.MOST_SEEDS:
            raise PolicyBudgetError(f"{path}: seeds must be a number from 1 to {schemas.MOST_SEEDS:,}, got {count!r}")
        seeds = list(range(count))
    if len(seeds) * math.prod(map(len, grid.values())) > left:
        raise PolicyBudgetError(f"{path} asks for more than {schemas.MOST_SEEDS:,} trainings")
    options = {name: value for name, value in (options | instead).items() if name not in OWN}
    for values in itertools.product(*grid.values()):
        chosen = options | dict(zip(grid, values, strict=True)) | {"seed": seeds[0]}
        own_users = chosen.get("population_seed") == AS_SEED
        if own_users:
            chosen["population_seed"] = seeds[0]
        first = Unit.of(configured(path, chosen), label)
        for seed in seeds:
            again = configured(path, chosen | {"seed": seed, **({"population_seed": seed} if own_users else {})})
            yield replace(with_seed(first, again.seed), configuration=replace(again, cores=1))


def _grid(path: Path, block: Mapping[str, Any]) -> Options:
    """The lists of a block, by names with underscores."""
    grid = block.get("grid", {})
    if not isinstance(grid, dict):
        raise PolicyBudgetError(f"{path}: grid must be written [grid], with lists below it")
    found = dict[str, Any]()
    for name, values in grid.items():
        if name == "budget" and isinstance(values, str):
            values = list(budgets(values))
        if not isinstance(values, list) or not values:
            raise PolicyBudgetError(f"{path}: grid.{name} must be a list with a value at least, got {values!r}")
        found[_known(name)] = values
    return found


def _quick(path: Path, plan: Mapping[str, Any]) -> Options:
    """What takes the place of the rest, by names with underscores."""
    small = plan.get("quick", {})
    if not isinstance(small, dict) or not small:
        raise PolicyBudgetError(f"{path} has nothing under [quick], which --quick asks for")
    return {_known(name): value for name, value in small.items()}


def _said(options: Options) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in options.items() if name != "grid")


def _known(name: str) -> str:
    """The name of an option as its field has it."""
    return name.replace("-", "_")


def _text(path: Path, options: Mapping[str, Any], name: str) -> str:
    """A text of a plan; "" if it has none of this name."""
    text = options.get(name, "")
    if not isinstance(text, str) or len(text) > LONGEST or not text.isprintable():
        raise PolicyBudgetError(
            f"{path}: {name} must be a text of at most {LONGEST} characters, got {ascii(text)[:60]}"
        )
    return text


def configured(path: Path, options: Mapping[str, Any]) -> Configuration:
    """A training as options of ``policybudget train`` say it.

    Args:
        path: of the file that they are from, for errors; files that they name are beside it.
        options: by name, with dashes or underscores.

    Raises:
        PolicyBudgetError: an option is unknown, of another type, or out of range.
    """
    given = inputs.find(path.parent, {_known(name): value for name, value in options.items()})
    named = {name: _text(path, given, name) for name in NAMED if name in given}
    world = located(named.get("world", Configuration.world))
    base = preset(named.get("preset", "default"), world, named.get("algorithm", "em"), named.get("search"))
    parts: dict[str, Any] = {"learner": base.learner, "rule": base.rule, "search": base.search, "": base}
    known = {name: part for part, value in parts.items() for name in settings_of(value)}
    changes: dict[str, Options] = {part: {} for part in parts}
    for name, value in given.items():
        if name in named:
            continue
        if name in REFUSED:
            raise PolicyBudgetError(f"{path}: {name} is no option of a plan: {REFUSED[name]}; leave it out")
        if name not in known:
            raise PolicyBudgetError(f"{path}: unknown option {name!r}{did_you_mean(name, [*known, *NAMED, *OWN])}")
        part = parts[known[name]]
        (field,) = (field for field in fields(part) if field.name == name)
        changes[known[name]][name] = cast(path, field, get_type_hints(type(part))[name], value)
    built = {part: replace(value, **changes[part]) for part, value in parts.items() if part}
    return replace(base, **changes[""], **built)
