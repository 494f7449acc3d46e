"""Tables that users bring: users, goals, tasks to cover, described tasks, policies to choose from; metrics of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from policybudget import users
from policybudget.covers import tasks
from policybudget.covers.descriptions import encoder, read_described
from policybudget.exact.front import read_front
from policybudget.training.listeners.metrics import Metrics
from policybudget.worlds.mujoco.goals import population_of
from robustness.hostile import damaged, table_text
from robustness.inputs import place
from robustness.judge import Case, Reader

Open = Callable[[Path], Callable[[Random], Case]]
NAMES, WORDS = ("ann", "bob", "cleo", "=dan()"), ("fetch the red box", "bring a cup of tea", "sweep it", "wash up now")


def table(header: str, rows: list[str], read: Callable[[Path], object]) -> Open:
    """A reader of a table.

    Args:
        header: of the valid table.
        rows: of the valid table.
        read: reads the file.
    """

    def opened(folder: Path) -> Callable[[Random], Case]:
        path = folder / "table.csv"

        def make(rng: Random) -> Case:
            valid = rng.random() < 0.03
            plain = "\n".join([header, *rows]).encode()
            content = plain if valid else table_text(rng, header.split(","), [row.split(",") for row in rows])
            path.write_bytes(content)
            return Case(f"table {content[:60]!a}", partial(read, path), valid)

        return make

    return opened


def metrics(folder: Path) -> Callable[[Random], Case]:
    """metrics.csv of a run that is resumed: whatever is wrong with it, the training goes on."""
    Metrics(folder, place.BUDGET)(place.event(place.BUDGET, 100))
    path = folder / "metrics.csv"
    content, told = path.read_bytes(), place.event(place.BUDGET, 200)

    def call() -> None:
        Metrics(folder, place.BUDGET)(told)

    def make(rng: Random) -> Case:
        header, row = (line.split(",") for line in content.decode().splitlines())
        damage = damaged(rng, content) if rng.random() < 0.4 else table_text(rng, header, [row, row])
        path.write_bytes(damage)
        return Case(f"metrics.csv {damage[:40]!a}", call, True, ("place/metrics", "place/.metrics"))

    return make


READERS = (
    Reader(
        "users",
        90,
        table(
            "name,0,cost,weight,outside",
            [f"{name},{i},0.5,{i + 1},{'' if i else -3}" for i, name in enumerate(NAMES)],
            lambda path: users.read_users(path, 2, ("speed", "cost")),
        ),
    ),
    Reader(
        "goals",
        40,
        table(
            "name,direction,weight",
            [f"{name},{40 * i},1" for i, name in enumerate(NAMES)],
            partial(population_of, "ant-direction"),
        ),
    ),
    Reader("tasks", 40, table("name,x,y", [f"{n},{i},{i * i}" for i, n in enumerate(NAMES)], tasks.read_tasks)),
    Reader(
        "described tasks",
        30,
        table(
            "name,description",
            [f"{name},{words}" for name, words in zip(NAMES, WORDS, strict=True)],
            lambda path: read_described(path, encoder("tfidf")),
        ),
    ),
    Reader("front", 30, table("name,0,1", [f"{name},{i},{3 - i}" for i, name in enumerate(NAMES)], read_front)),
    Reader("metrics.csv", 40, metrics),
)
