"""Plans of studies: TOML with options of ``policybudget train``, lists, blocks, and what --quick takes instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from policybudget.studies import plan
from robustness.hostile import NAMES, VALUES, damaged
from robustness.judge import Case, NoMachineError, Reader

LINES = (
    ("", "title", '"budgets"'),
    ("", "world", '"resource-gathering:side=2"'),
    ("", "preset", '"plain"'),
    ("", "transitions", "128"),
    ("", "learning-rate", "[1e-3, 1e-4]"),
    ("", "minibatch", "16"),
    ("", "hidden", "[4]"),
    ("", "seeds", "2"),
    ("", "population-seed", "0"),
    ("[grid]", "budget", '"1-2"'),
    ("[grid]", "algorithm", '["em", "random"]'),
    ("[[block]]", "label", '"one"'),
    ("[[block]]", "copies", "4"),
    ("[[block]]", "grid.steps", "[8, 16]"),
    ("[quick]", "transitions", "64"),
    ("[quick]", "grid.budget", "[1]"),
)
"""A plan, line by line: the heading that a line is under, an option, and its value."""
MOST = 10**7
"""Trainings that a plan may ask for."""


def plans(folder: Path) -> Callable[[Random], Case]:
    """A plan, read as ``study`` does, with every training checked, until the first would begin."""
    path, valid = folder / "plan.toml", _text(list(LINES)).encode()

    def call(quick: bool) -> None:
        study = plan.load(path, quick)
        if len(study.units) > MOST:
            raise NoMachineError(f"accepted more than {MOST:,} trainings")

    def make(rng: Random) -> Case:
        kind = rng.random()
        content = valid
        if 0.03 <= kind < 0.15:
            content = damaged(rng, valid)
        elif kind >= 0.15:
            content = _text(_changed(rng)).encode("utf-8", "surrogatepass")
        path.write_bytes(content)
        quick = rng.random() < 0.3
        return Case(f"plan.toml ({len(content)} bytes)", lambda: call(quick), kind < 0.03)

    return make


def _changed(rng: Random) -> list[tuple[str, str, str]]:
    """The plan with one to three lines changed, left out, twice, or under another heading."""
    lines = list(LINES)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(lines))
        heading, option, value = lines[at]
        kind = rng.random()
        if kind < 0.6:
            hostile = rng.choice(VALUES)
            lines[at] = heading, option, rng.choice([hostile, f"[{hostile}]", f"[1, {hostile}]"])
        elif kind < 0.7:
            del lines[at]
        elif kind < 0.8:
            lines[at] = heading, f'"{rng.choice(NAMES)}"', value
        elif kind < 0.9:
            lines[at] = rng.choice(["", "[grid]", "[[block]]", "[quick]", "[[grid]]", "[block]"]), option, value
        else:
            lines.insert(at, lines[at])
    return lines


def _text(lines: list[tuple[str, str, str]]) -> str:
    """As TOML; lines under one heading stay together, but where the heading begins a block."""
    text, under = "", ""
    for heading, option, value in lines:
        if heading != under:
            text, under = f"{text}{heading}\n", heading
        text += f"{option} = {value}\n"
    return text


READERS = (Reader("plan.toml", 40, plans),)
