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

from policybudget.assessment.curve import Point
from policybudget.assessment.curve import curve as rows_of
from policybudget.cli.main import COMMANDS, main
from policybudget.deployment.approve import approve, sign
from policybudget.errors import PolicyBudgetError, check_choice
from policybudget.runs import files
from policybudget.studies.curve import Curve, Found
from policybudget.training.configuration import Configuration
from robustness.hostile import WORDS
from robustness.inputs import place
from robustness.inputs.bundles import contents_of, put_back
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
    "curve": (
        "--budgets 1-3 --out out/new --world resource-gathering --seeds 2 --floor 0.5 --target 3 --quiet",
        "--budgets 1,2 --dedicated --out out/new --episodes 9",
        "--out drawn --target 2 --cost-per-policy 0.1",
    ),
    "assess": (
        "run --episodes 3 --seed 2 --floor 1.5",
        "run --groups groups.csv:ward --curve drawn --quiet",
        "goals --floor 0",
    ),
    "compare": ("run run --episodes 3 --seed 2", "run run --out out --quiet"),
    "export": ("run --out out/new --floor 1 --episodes 3 --seed 2", "run --out out/new --no-onnx --quiet"),
    "verify": ("bundle", "bundle --quiet", "signed --key public.pem"),
    "approve": ("bundle --policy 0 1 --by ann --date 2026-11-22 --reference seven", "signed --policy 0 --by ann",
                "signed --policy 1 --withdraw --quiet"),
    "sign": ("bundle --key private.pem", "signed --key private.pem --quiet"),
    "enrol": ("bundle new.csv --out enrolled.csv", "bundle new.csv --quiet"),
    "monitor": ("bundle returns.csv --range -5 5 --level 0.1", "bundle returns.csv --range 0 9 --quiet"),
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
WRITTEN = ("place/own.py", "place/__pycache__")
"""What may change although a command line is refused."""
SEALED = ("bundle", "signed")
WRITING = tuple(f"place/{folder}/{name}" for folder in SEALED for name in ("bundle.json", "model.sig"))
"""What approve and sign may change."""
SEAMS = (
    "policybudget.studies.run.train_in",
    "policybudget.studies.run_units.run_study",
    "policybudget.assessment.evaluate_run.evaluate",
    "policybudget.assessment.rivals.play",
    "policybudget.assessment.assess.play",
    "policybudget.assessment.beside_run.play",
    "policybudget.assessment.compare.play",
    "policybudget.deployment.export._write",
    "policybudget.studies.curve.compute",
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
    texts["groups.csv"] = "name,ward\n" + "".join(f'"tile {i // 5},{i % 5}",{i % 3}\n' for i in range(place.AGENTS))
    texts["new.csv"] = "name,0,1\nann,0.5,1\nbob,-1,0.25\n"
    texts["returns.csv"] = "policy,return\n0,1.5\n1,0.5\n"
    tiles = [f'"tile {i // 5},{i % 5}",bring box number{i} to room{i % 3}' for i in range(place.AGENTS)]
    texts["tiles.csv"] = "\n".join(["name,description", *tiles])
    for name, text in texts.items():
        (folder / name).write_text(text)
    approve(place.bundle(folder / "bundle"), [0], "ann")
    approve(place.bundle(folder / "signed"), [0, 1], "ann")
    place.keys(folder)
    sign(folder / "signed", folder / "private.pem")
    drawn = Curve.of(place.configuration(search="plain"), (1, 2), (0,), episodes=5)
    (folder / "drawn").mkdir()
    drawn.save(folder / "drawn")
    points = [Point(k, 1.0, 0.1, 1.1, 0.5, None, None, tuple(range(k))) for k in (1, 2)]
    rows = rows_of([points], [None, None], None)
    files.write_json(folder / "drawn" / "curve.json", Found(drawn, rows, "optimum", None, None, None, None).record())


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
    kept = {name: contents_of(folder / name) for name in SEALED}

    def make(rng: Random) -> Case:
        words, valid = words_of(rng, flags)
        for name, contents in kept.items():
            put_back(folder / name, contents)
        return Case(shown(words), lambda: run_here(words), valid, _writes(words))

    return make


def _writes(words: list[str]) -> tuple[str, ...]:
    return (*WRITTEN, *WRITING) if words[:1] in (["approve"], ["sign"]) else WRITTEN


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
        return Case(shown(words), lambda: run_there(words), valid, _writes(words), 100.0)

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
