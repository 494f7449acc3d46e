"""What config.json records of a training that was begun from Python, and what of it cannot be made again from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from policybudget.from_file import reference_of
from policybudget.learning.settings import PPO
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.runs import files
from policybudget.runs.manifest import FORMAT
from policybudget.training.configuration import MADE_IN_PYTHON, Configuration, parts_of
from policybudget.training.method import ALGORITHMS, SEARCHES
from policybudget.training.train import Training


def write_config(folder: Path, training: Training, preset: str, cores: int, log: Iterable[str] = ()) -> None:
    """Write the config.json of a training, as ``policybudget train`` does where it could have begun it.

    Args:
        folder: the run folder.
        training: what is trained.
        preset: the name of the preset that the method began from.
        cores: the number of cores that it computes on.
        log: trackers that are told.

    Raises:
        RunFolderError: it cannot be written.
    """
    problem, method = training.problem, training.method
    common: dict[str, Any] = {
        "budget": problem.budget, "transitions": training.transitions, "mixing": method.mixing, "preset": preset,
        "outside_episodes": method.outside_episodes, "evaluation_share": method.evaluation_share,
        "seed": training.seed, "cores": cores, "log": tuple(log),
    }  # fmt: skip
    if not (lacking := made_in_python(training)):
        origin = dict(problem.origin)
        Configuration(
            world=origin.pop("name"), **origin, **common,
            rule=method.rule, search=method.search, learner=method.learner,
        ).save(folder)  # fmt: skip
        return
    record: dict[str, Any] = {"format": FORMAT, MADE_IN_PYTHON: ", ".join(lacking)}
    record |= {"world": problem.world.name, "agents": problem.population.size, "welfare": str(problem.welfare)}
    record |= common
    files.write_json(folder / "config.json", record | parts_of(method))


def made_in_python(training: Training) -> list[str]:
    """What of a training config.json cannot record.

    Args:
        training: what is trained.

    Returns:
        The parts in words; nothing where the command line could have begun the training.
    """
    method, lacking = training.method, _of_problem(training.problem)
    if not _options_alone(method.rule, _known(method.rule, ALGORITHMS)):
        lacking.append(f"the rule {method.rule.name}")
    if not _options_alone(method.search, _known(method.search, SEARCHES)):
        lacking.append(f"the search {method.search.name}")
    if not _options_alone(method.learner, PPO):
        lacking.append("the learner")
    return lacking


def _of_problem(problem: RepresentedMDP) -> list[str]:
    """The world and the users, if :func:`make_problem` does not give them."""
    if not problem.origin:
        return [f"the world {problem.world.name}", "its users"]
    usual = make_problem(budget=1, **problem.origin)
    same = problem.world.name == usual.world.name and str(problem.welfare) == str(usual.welfare)
    one, other = problem.population, usual.population
    tables = ("parameters", "agent_weights", "outside")
    alike = one.names == other.names and all(np.array_equal(getattr(one, t), getattr(other, t)) for t in tables)
    return [] if same and alike else ["the problem, changed after make_problem"]


def _known(part: Any, kinds: Mapping[str, type]) -> type | None:
    """The class that config.json names."""
    return type(part) if reference_of(type(part)) else kinds.get(part.name)


def _options_alone(value: Any, kind: type | None) -> bool:
    """Whether a value is of this kind and differs from its defaults in options alone."""
    if type(value) is not kind or not is_dataclass(value):
        return False
    others = [field for field in fields(value) if field.init and "help" not in field.metadata]
    return all(getattr(value, field.name) is field.default for field in others)
