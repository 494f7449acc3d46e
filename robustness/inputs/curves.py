"""Budget curves and what an assessment shows beside its episodes: plans, points, records of run folders, groups."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import patch

import numpy as np
from matplotlib import pyplot as plt

from policybudget.assessment import assess, beside_run, evidence
from policybudget.assessment.curve import Point, best_for_cost, smallest
from policybudget.assessment.curve import curve as rows_of
from policybudget.assessment.report import page
from policybudget.policies.architecture import Architecture
from policybudget.policies.stacked import Policies
from policybudget.problem import make_problem
from policybudget.runs.kept import keep, kept
from policybudget.runs.result import load
from policybudget.studies import curve as curves
from robustness.hostile import table_text
from robustness.inputs import place
from robustness.inputs.records import text_of
from robustness.inputs.tensors import content_of
from robustness.judge import BegunError, Case, NoMachineError, Reader

BUDGETS, SEEDS, FOUND = (1, 2, 4), (0, 1), "curve.json"
RECORDS = (FOUND, "config.json", "generalisation.json")


def _curve() -> curves.Curve:
    return curves.Curve.of(place.configuration(search="plain"), BUDGETS, SEEDS, episodes=5, floor=0.5)


def plans(folder: Path) -> Callable[[Random], Case]:
    """plan.json, and the files of the trainings that go with it, read as ``curve --out`` does."""
    _curve().save(folder)
    texts = {name: (folder / name).read_bytes() for name in ("plan.json", "trainings/study.json")}

    def call() -> None:
        found = curves.Curve.load(folder)
        if len(found.study.units) > 10**7:
            raise NoMachineError("accepted more than 10^7 trainings")

    def make(rng: Random) -> Case:
        for name, text in texts.items():
            (folder / name).write_bytes(text)
        name = "plan.json" if rng.random() < 0.7 else "trainings/study.json"
        content, valid = text_of(rng, json.loads(texts[name]), texts[name])
        (folder / name).write_bytes(content)
        return Case(f"{name} ({len(content)} bytes)", call, valid)

    return make


def points(folder: Path) -> Callable[[Random], Case]:
    """points/seed-0.json of a curve whose trainings were judged; what does not fit is judged again."""
    asked = _curve()
    problem, path = asked.study.units[0].configuration.problem(), folder / "points" / "seed-0.json"
    each = [Point(k, k * 1.5, 0.1, k * 1.6, -1.0, 0.9, 0.8, tuple(range(k))) for k in BUDGETS]
    record = {"episodes": 5, "floor": 0.5, "points": [vars(one) for one in each]}
    path.parent.mkdir()
    text = json.dumps(record).encode()

    def begun(*_: object) -> None:
        raise BegunError

    def call() -> None:
        with patch.object(curves, "load", begun):
            found = curves._points(folder, asked, problem, 0)
        rows = rows_of([found, each], [None, 5.0, None], 0.1)
        json.dumps([vars(row) for row in rows], allow_nan=False)
        smallest(rows, 3.0), best_for_cost(rows)

    def make(rng: Random) -> Case:
        content, valid = text_of(rng, json.loads(text), text)
        path.write_bytes(content)
        return Case(f"points ({len(content)} bytes)", call, valid)

    return make


def shown(folder: Path) -> Callable[[Random], Case]:
    """Records that ``assess`` puts on its page: curve.json, config.json, generalisation.json."""
    run = place.run_folder(folder / "run")
    result, each = load(run), [Point(k, k * 1.5, 0.1, k * 1.6, -1.0, 0.9, 0.8, tuple(range(k))) for k in BUDGETS]
    rows = rows_of([each, each], [None, 5.0, None], 0.1)
    found = curves.Found(_curve(), rows, "optimum", 3.0, 4, 0.1, 2).record()
    texts = {
        FOUND: json.dumps(found).encode(), "config.json": (run / "config.json").read_bytes(),
        "generalisation.json": json.dumps({"tasks": 5, "confidence": 0.95, "text": "x"}).encode(),
    }  # fmt: skip

    def call(draw: bool) -> None:
        record = beside_run.about(run, result, run)
        if draw:
            try:
                page._curve(record["curve"])
            finally:
                plt.close("all")
        f"{record['configuration']['seed']} {list(record['certificate'].items())}"
        json.dumps(record, allow_nan=False)

    def make(rng: Random) -> Case:
        for name, text in texts.items():
            (run / name).write_bytes(text)
        name = rng.choice([FOUND, FOUND, FOUND, *RECORDS])
        content, valid = text_of(rng, json.loads(texts[name]), texts[name])
        (run / name).write_bytes(content)
        return Case(f"{name} ({len(content)} bytes)", partial(call, rng.random() < 0.2), valid)

    return make


def groups(folder: Path) -> Callable[[Random], Case]:
    """A table of groups of users, read as ``assess --groups`` does."""
    problem, path = make_problem("ant-direction", 2, 4), folder / "groups.csv"
    result, names = place.result(problem), problem.population.names
    rows = [[name, str(i % 3), "xy"[i % 2]] for i, name in enumerate(names)]
    plain = "\n".join(["name,age,sex", *map(",".join, rows)]).encode()
    returns = np.random.default_rng(0).random((result.budget, 4, problem.world.outcome_size))
    found = evidence.samples(problem.population, result.assignment, returns, returns)

    def call(column: str) -> None:
        record = evidence.groups(found, assess.groups_of(problem, result, f"{path}:{column}"), None)
        json.dumps(record, allow_nan=False)

    def make(rng: Random) -> Case:
        valid, column = rng.random() < 0.05, rng.choice(["age", "sex"])
        content = plain if valid else table_text(rng, ["name", "age", "sex"], rows)
        path.write_bytes(content)
        return Case(f"groups {content[:60]!a}", partial(call, column), valid)

    return make


def kept_policies(folder: Path) -> Callable[[Random], Case]:
    """Policies that a run keeps besides its result, read as ``curve`` does."""
    world = place.configuration().problem().world
    architecture = Architecture(world.observation_size, world.units, (4,), "shared")
    keep(folder, "phase-0", {name: np.ones(shape, np.float32) for name, shape in architecture.shapes(5).items()})
    path = folder / "kept" / "phase-0.safetensors"
    content = path.read_bytes()

    def call() -> None:
        for own in kept(folder, architecture).values():
            Policies.from_arrays(own)

    def make(rng: Random) -> Case:
        damage, valid = content_of(rng, content, path)
        path.write_bytes(damage)
        return Case(f"kept policies ({len(damage)} bytes)", call, valid)

    return make


READERS = (
    Reader("plan.json", 30, plans),
    Reader("points", 30, points),
    Reader("records on a page", 20, shown),
    Reader("groups", 20, groups),
    Reader("kept policies", 20, kept_policies),
)
