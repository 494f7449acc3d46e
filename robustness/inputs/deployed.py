"""Tables that are read beside a bundle: new users, what they were tried with, where they stood, candidates, returns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from policybudget.deployment.bundle import Bundle, load
from policybudget.deployment.due import Candidates
from policybudget.deployment.enrol import columns_of
from policybudget.deployment.enrol_file import enrol_file
from policybudget.deployment.few_shot import Question
from policybudget.deployment.few_shot_file import enrol_returns
from policybudget.deployment.monitor_file import monitor
from policybudget.deployment.reassign import Rule
from policybudget.deployment.reassign_file import reassign_file
from policybudget.runs.csv_file import lines
from robustness.hostile import VALUES, table_text
from robustness.inputs import place
from robustness.judge import Case, Reader

LOW, HIGH = -10.0, 10.0
"""Of returns."""
USERS = [["ann", "0.5", "1"], ["bob", "-1", "0"], ["=cem()", "1e3", "2"]]


def new_users(folder: Path) -> Callable[[Random], Case]:
    """Tables of new users, read as ``enrol`` does."""
    bundle = load(place.bundle(folder / "bundle"))

    def read(path: Path) -> None:
        enrol_file(bundle, path, folder / "enrolled.csv")

    return _tables(folder, "name,0,1", USERS, read)


def returns(folder: Path) -> Callable[[Random], Case]:
    """Tables of realised returns, read as ``monitor`` does."""
    bundle: Bundle = load(place.bundle(folder / "bundle"))

    def read(path: Path) -> None:
        with path.open(encoding="utf-8-sig", newline="") as rows:
            monitor(bundle, lines(rows.readline), LOW, HIGH)

    return _tables(folder, "policy,return,site", [["0", "1.5", "x"], ["1", "-3", "y"], ["0", "2", ""]], read)


def tried(folder: Path) -> Callable[[Random], Case]:
    """Tables of returns of new users with policies, read as ``enrol --returns`` does."""
    bundle = load(place.bundle(folder / "bundle"))

    def read(path: Path) -> None:
        enrol_returns(bundle, path, Question(LOW, HIGH), folder / "enrolled.csv")

    return _tables(folder, "name,policy,return", [["ann", "0", "1.5"], ["bob", "1", "-3"], ["ann", "1", "2"]], read)


def before(folder: Path) -> Callable[[Random], Case]:
    """Tables of where users stood, read as ``reassign --before`` does."""
    bundle, users = load(place.bundle(folder / "bundle")), folder / "users.csv"
    users.write_text("\n".join(["name,0,1", *map(",".join, USERS)]))

    def read(path: Path) -> None:
        reassign_file(bundle, users, Rule(1.0), folder / "reassigned.csv", path)

    return _tables(folder, "name,policy,waiting", [["ann", "0", "1"], ["bob", "none", "0"], ["cem", "1", "2"]], read)


def candidates(folder: Path) -> Callable[[Random], Case]:
    """Tables of policies that might be added, read as ``reassign --candidates`` does."""
    bundle = load(place.bundle(folder / "bundle"))

    def read(path: Path) -> None:
        Candidates.read(path, columns_of(bundle))

    return _tables(folder, "name,0,1,fresh.0,fresh.1", [["one", "1", "2", "1", "2"], ["two", "0", "3", "0", "2"]], read)


def _tables(folder: Path, header: str, rows: list[list[str]], read: Callable[[Path], None]) -> Callable[[Random], Case]:
    path, plain = folder / "table.csv", "\n".join([header, *map(",".join, rows)]).encode()

    def make(rng: Random) -> Case:
        kind = rng.random()
        content = plain if kind < 0.03 else table_text(rng, header.split(","), rows)
        if kind > 0.97:
            content = plain + b"\n" + rng.choice(VALUES).encode() * rng.choice([1, 1, 100])
        path.write_bytes(content)
        return Case(f"table {content[:60]!a}", partial(read, path), kind < 0.03)

    return make


READERS = (
    Reader("new users", 40, new_users),
    Reader("realised returns", 40, returns),
    Reader("tried returns", 30, tried),
    Reader("users of before", 30, before),
    Reader("candidates", 20, candidates),
)
