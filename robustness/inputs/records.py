"""The JSON files of run folders: config.json, manifest.json, result.json, study.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from policybudget.assessment.trained_for import problem_of
from policybudget.policies.architecture import Architecture
from policybudget.runs.result import load
from policybudget.studies.study import Study
from policybudget.training.configuration import Configuration
from policybudget.training.train import Training
from robustness.hostile import damaged, record_text
from robustness.inputs import place
from robustness.judge import Case, NoMachineError, Reader

TOGETHER = (
    *(("em", search) for search in ("plain", "pretrained", "archive", "splitting", "growing")),
    *(("end-to-end", "plain"), ("end-to-end", "archive"), ("random", "plain"), ("random", "pretrained")),
    *(("trajectory-clusters", "pretrained"), ("committee", "plain"), ("committee", "pretrained")),
)
"""Algorithms and searches that go together in the place's world."""
MOST_BYTES = 2**40
"""A training that needs more memory than this should have been refused."""


def text_of(rng: Random, record: Any, text: bytes) -> tuple[bytes, bool]:
    """A record with damage or, now and then, without.

    Args:
        rng: decides the damage.
        record: the valid one.
        text: the same as it stands in its file.

    Returns:
        The text, and whether it is the valid one.
    """
    kind = rng.random()
    if kind < 0.03:
        return text, True
    if kind < 0.15:
        return damaged(rng, text), False
    return record_text(rng, record, rng.choice([1, 1, 1, 2, 3])), False


def config(folder: Path) -> Callable[[Random], Case]:
    """Read as ``train --config`` and ``resume`` do, until the training would begin."""
    texts = []
    for algorithm, search in TOGETHER:
        place.configuration(algorithm, search).save(folder)
        texts.append((folder / "config.json").read_bytes())
    path = folder / "config.json"

    def make(rng: Random) -> Case:
        text = rng.choice(texts)
        content, valid = text_of(rng, json.loads(text), text)
        path.write_bytes(content)
        return Case(f"config.json {_short(content)}", lambda: begin(Configuration.load(path).training()), valid)

    return make


def begin(training: Training) -> None:
    """What a training would do first: find memory for its largest phase.

    Args:
        training: that was accepted.

    Raises:
        NoMachineError: there is no such machine.
    """
    world = training.problem.world
    for phase in training.phases:
        settings = phase.learner
        shapes = Architecture(world.observation_size, world.units, settings.hidden, settings.trunk).shapes(1)
        networks = sum(int(np.prod([float(size) for size in shape])) for shape in shapes.values())
        batch = float(settings.copies) * settings.steps * (world.observation_size + world.outcome_size)
        if (needed := 4.0 * phase.budget * (networks + batch)) > MOST_BYTES:
            raise NoMachineError(f"accepted a training that needs {needed:g} bytes")


def manifest(folder: Path) -> Callable[[Random], Case]:
    """Read as ``evaluate`` does, until the first episode would begin."""
    text = (place.run_folder(folder / "run") / "manifest.json").read_bytes()
    record = json.loads(text)

    def make(rng: Random) -> Case:
        content, valid = text_of(rng, record, text)
        (folder / "run" / "manifest.json").write_bytes(content)
        return Case(f"manifest.json {_short(content)}", lambda: used(folder / "run"), valid)

    return make


def used(folder: Path) -> None:
    """Whatever commands do with a finished run before episodes begin, and one action.

    Args:
        folder: of the run.
    """
    found = load(folder)
    problem_of(folder, found)
    observation = np.zeros(found.architecture.observation_size)
    found.act(observation, policy=found.budget - 1)
    found.act(observation, policy=0, stochastic=True, rng=np.random.default_rng(0))


def outcome(folder: Path) -> Callable[[Random], Case]:
    """result.json with its hash in the manifest, as of a run that was forged."""
    text = (place.run_folder(folder / "run") / "result.json").read_bytes()
    record = json.loads(text)

    def make(rng: Random) -> Case:
        content, valid = text_of(rng, record, text)
        place.forged(folder / "run", "result.json", content)
        return Case(f"result.json {_short(content)}", lambda: used(folder / "run"), valid)

    return make


def study(folder: Path) -> Callable[[Random], Case]:
    """study.json and the config.json of a unit, read as ``resume`` does."""
    usual = Study.of(place.configuration(), (1, 2, 3), range(4))
    usual.save(folder)
    names = ("study.json", str(usual.units[5].place / "config.json"))
    texts: Mapping[str, bytes] = {name: (folder / name).read_bytes() for name in names}

    def make(rng: Random) -> Case:
        for name, text in texts.items():
            (folder / name).write_bytes(text)
        name = names[0] if rng.random() < 0.8 else names[1]
        content, valid = text_of(rng, json.loads(texts[name]), texts[name])
        (folder / name).write_bytes(content)

        def call() -> None:
            found = Study.load(folder)
            if len(found.units) > 10**7:
                raise NoMachineError("accepted more than 10^7 trainings")

        return Case(f"{name} {_short(content)}", call, valid)

    return make


def _short(content: bytes) -> str:
    return f"({len(content)} bytes)"


READERS = (
    Reader("config.json", 200, config),
    Reader("manifest.json", 120, manifest),
    Reader("result.json", 50, outcome),
    Reader("study.json", 50, study),
)
