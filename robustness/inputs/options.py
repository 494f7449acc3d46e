"""Command lines: hostile options of every command, up to where its work would begin."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from random import Random
from unittest.mock import patch

from policybudget.cli.main import COMMANDS, main
from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.training.configuration import Configuration
from robustness.hostile import WORDS
from robustness.inputs import place
from robustness.inputs.records import TOGETHER, begin
from robustness.judge import BegunError, Case, Reader, WrongExitError

VALID = {
    "train": (
        "",
        *(f"--algorithm {algorithm} --search {search}" for algorithm, search in TOGETHER),
        *("--budget 2 --seed 3 --out out/new", "--budget 1-3 --seeds 2", "--config run/config.json", "--preset paper"),
        "--world half-cheetah-velocity --agents 7 --welfare gini --outside -5",
        "--world ant-direction --population goals.csv --budget 2",
        "--world python:own.py:Env --population users.csv --budget 2 --listeners python:own.py:listener",
        "--algorithm committee --tasks tiles.csv --descriptions tfidf --components 2",
    ),
    "resume": ("run", "begun", "begun --quiet", "several"),
    "evaluate": ("run", "run --episodes 3 --seed 2", "run --beside run python:own.py:policy", "run --quiet"),
    "generalise": (
        "goals --tasks 5 --episodes 6",
        "goals --population goals.csv --floor 0.5 --range 0 9 --alpha 0.1",
        "goals --method uniform --max-episodes 9 --range 0 9",
        "goals --tasks 4 --write-tasks out.csv",
    ),
    "check": ("resource-gathering", "ant-direction --agents 3", "python:own.py:Env --population users.csv"),
    "optimum": (
        "resource-gathering --budget 2 --side 3 --home 1,1 --json",
        "ant-velocity --budget 1-3 --agents 9 --population-seed 2",
        "--front front.csv --population users.csv --budget 2 --method exact",
    ),
    "cover": (
        "tasks.csv --budget 2 --radius 1.5 --columns x y",
        "tasks.csv --budget 2 --sweep-radius 0.1:1:3 --out out.json --columns x",
        "tasks.csv --descriptions tfidf --components 2 --sweep-budget 1-3 --radius 1 --method kmeans",
    ),
}  # fmt: skip
TASKS = "name,x,y,description\n" + "".join(
    f"t{i},{i},{i * i % 7},bring box number{i} to room{i % 3}\n" for i in range(25)
)
SEAMS = (
    "policybudget.studies.run.train_in",
    "policybudget.studies.side_by_side.train_study",
    "policybudget.assessment.evaluate_run.evaluate",
    "policybudget.assessment.rivals.play",
    "policybudget.assessment.generalise_run.play_tasks",
    "policybudget.assessment.guarantees.optima",
    "policybudget.assessment.guarantees.choices",
    "policybudget.worlds.conformance.check_world",
)
"""What does the work, where it would begin."""


def prepare(folder: Path) -> None:
    """Files that valid command lines name.

    Args:
        folder: the working directory.
    """
    place.run_folder(folder / "run")
    usual = place.configuration()
    (folder / "begun").mkdir()
    usual.save(folder / "begun")
    from policybudget.studies.study import Study

    (folder / "several").mkdir()
    Study.of(usual, (1, 2), range(2)).save(folder / "several")
    from policybudget.problem import make_problem

    place.result(make_problem("ant-direction", 3, 4)).save(folder / "goals")
    texts = {
        "users.csv": place.USERS,
        "own.py": place.ENVIRONMENT,
        "tasks.csv": TASKS,
        "front.csv": "0,1\n1,2\n3,0\n2,2\n",
    }
    texts["goals.csv"] = "name,direction\nann,10\nbob,200\n"
    tiles = [f'"tile {i // 5},{i % 5}",bring box number{i} to room{i % 3}' for i in range(place.AGENTS)]
    texts["tiles.csv"] = "\n".join(["name,description", *tiles])
    for name, text in texts.items():
        (folder / name).write_text(text)


def words_of(rng: Random, flags: dict[str, list[str]]) -> tuple[list[str], bool]:
    """A command line with damage or, now and then, without.

    Args:
        rng: decides the damage.
        flags: by command, the options that there are.

    Returns:
        The words, and whether they are valid.
    """
    command = rng.choice(["train"] * 8 + sorted(VALID))
    words = [command, *rng.choice(VALID[command]).split()]
    if rng.random() < 0.04:
        return words, True
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.random()
        if kind < 0.65:
            flag = rng.choice(flags[command])
            values = [rng.choice(WORDS) for _ in range(rng.choice([1] * 7 + [2, 2, 3]))]
            words += [f"{flag}={values[0]}"] if rng.random() < 0.5 else [flag, *values]
        elif kind < 0.9 and words:
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        elif kind < 0.95 and words:
            del words[rng.randrange(len(words))]
        else:
            words.insert(rng.randrange(len(words) + 1), rng.choice([*WORDS, "--help", "--version", "--config"]))
    return [
        word.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape").replace("\0", "\1") for word in words
    ], False


def flags_of(command: str) -> list[str]:
    """The options of a command, as its help lists them.

    Args:
        command: its name.
    """
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        import_module(f"policybudget.cli.{command}").run(["--help"])
    return sorted(set(re.findall(r"--[a-z][a-z-]*", text.getvalue())) - {"--help"})


@contextlib.contextmanager
def seams() -> Iterator[None]:
    """Work does not begin: that it would is what is asked."""

    def begun(*arguments: object, **options: object) -> None:
        raise BegunError

    def accepted(configuration: Configuration) -> object:
        training = made(configuration)
        begin(training)
        return training

    made = Configuration.training
    with contextlib.ExitStack() as stack:
        for name in SEAMS:
            module, _, attribute = name.rpartition(".")
            if hasattr(import_module(module), attribute):
                stack.enter_context(patch(name, begun))
        stack.enter_context(patch.object(Configuration, "training", accepted))
        stack.enter_context(patch("policybudget.runtime.use", lambda count: count))
        yield


def options(folder: Path) -> Callable[[Random], Case]:
    """In this process, so that it is fast and every exception is seen as it was raised."""
    prepare(folder)
    flags = {command: flags_of(command) for command in COMMANDS}

    def make(rng: Random) -> Case:
        words, valid = words_of(rng, flags)
        return Case(shown(words), lambda: run_here(words), valid, ("place/own.py", "place/__pycache__"))

    return make


def run_here(words: list[str]) -> None:
    """Run a command line, but not its work.

    Args:
        words: after ``policybudget``.
    """
    if not words or words[0] not in COMMANDS:
        if main(words) not in (0, 2):
            raise WrongExitError("expected 0 or 2")
        check_choice("command", words[0] if words else "", COMMANDS)
    with seams():
        import_module(f"policybudget.cli.{words[0]}").run(words[1:])


def processes(folder: Path) -> Callable[[Random], Case]:
    """Command lines that are refused here are refused by a process, too: status 2 and one line."""
    prepare(folder)
    flags = {command: flags_of(command) for command in COMMANDS}

    def make(rng: Random) -> Case:
        words, valid = words_of(rng, flags)
        return Case(shown(words), lambda: run_there(words), valid, ("place/own.py", "place/__pycache__"), 100.0)

    return make


def run_there(words: list[str]) -> None:
    """Run a command line in a process, if it is refused here.

    Args:
        words: after ``policybudget``.

    Raises:
        PolicyBudgetError: it is refused.
        WrongExitError: the process ended otherwise.
    """
    try:
        run_here(words)
    except (PolicyBudgetError, argparse.ArgumentError) as error:
        ended = subprocess.run([sys.executable, "-m", "policybudget.cli.main", *words], capture_output=True, timeout=90)
        said = ended.stderr.decode("utf-8", "backslashreplace")
        lines = said.splitlines()
        if ended.returncode != 2 or not lines or "Traceback" in said or not lines[-1].startswith("policybudget: "):
            raise WrongExitError(f"status {ended.returncode}, {said[-300:]}") from error
        raise


def shown(words: list[str]) -> str:
    """A command line in a finding.

    Args:
        words: after ``policybudget``.
    """
    return " ".join(
        ascii(word)[1:-1] if len(word) < 60 else f"{ascii(word)[1:-1][:20]}...({len(word)})" for word in words
    )


READERS = (Reader("options", 150, options), Reader("processes", 2, processes))
