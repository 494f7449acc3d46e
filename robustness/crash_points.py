"""A crash at every file operation: what stands on disk just before each one is what a kill at that moment leaves.

One training is run in this process with a hook on every operation that changes a file of its folder. Before each of
them the folder is copied. States that differ are gone on with by ``resume``, or by the same ``train`` where nothing was
begun, and must end in the bytes of the undisturbed training. Some real processes that end themselves at such an
operation show that the copies are what a crash leaves.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from policybudget.progress import progress
from robustness import trainings
from robustness.judge import shown

if TYPE_CHECKING:
    from robustness.kill import Tally

TRAININGS = ("em archive", "trajectory-clusters pretrained", "robot")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
PATHS = {"os.rename": 2, "os.remove": 1, "os.rmdir": 1, "os.mkdir": 1, "os.chmod": 1, "os.truncate": 1, "open": 1}
"""Audit events that change files, and how many of their arguments are paths."""
CRASHED = 9
"""Exit status of a process that ends itself."""
BATCH = 12
"""States that one process goes on from."""
SAMPLED = 4
"""Real processes per training."""


class Operations:
    """Hears of every operation that is about to change a file below a folder.

    Args:
        folder: to be watched.
        before: called before each operation with its number, from 0.
    """

    def __init__(self, folder: Path, before: Callable[[int], None]) -> None:
        self.folder, self.before = str(folder), before
        self.count, self._busy, self.active = 0, False, True

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of an audit event of Python.

        Args:
            event: its name.
            arguments: of the operation.
        """
        if not self.active or self._busy or event not in PATHS:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITING):
            return
        paths = (str(one) for one in arguments[: PATHS[event]] if isinstance(one, str | Path))
        if any(path.startswith(self.folder) for path in paths):
            self.tell()

    def tell(self) -> None:
        """An operation is about to happen."""
        self._busy = True
        try:
            self.before(self.count)
        finally:
            self._busy = False
        self.count += 1


def watched(options: Sequence[str], folder: Path, before: Callable[[int], None]) -> int:
    """Train in this process, with a checkpoint after every iteration.

    Args:
        options: of ``policybudget train``.
        folder: of the run.
        before: called before every operation on its files.

    Returns:
        The exit status.
    """
    from policybudget.cli.main import main
    from policybudget.studies import run
    from policybudget.training.checkpoint import Checkpoints

    heard, fsync = Operations(folder, before), os.fsync

    def synced(file: int) -> None:
        if heard.active:
            heard.tell()
        fsync(file)

    sys.addaudithook(heard)
    with patch.object(os, "fsync", synced), patch.object(run, "Checkpoints", partial(Checkpoints, every=0.0)):
        status = main(["train", *options, "--cores", "1", "--out", str(folder), "--quiet"])
    heard.active = False
    return status


def states(options: Sequence[str], run: Path, copies: Path) -> tuple[int, int]:
    """Copies of a run folder as it stood before every operation, without those that are the same as one before.

    Args:
        options: of the training.
        run: its folder.
        copies: folder for the copies, each named by the number of its operation.

    Returns:
        The number of operations, and the exit status of the training.
    """
    seen, last = set[int](), -1

    def copy(number: int) -> None:
        nonlocal last
        last = number
        stands = {path.relative_to(run): path.read_bytes() if path.is_file() else None for path in run.rglob("*")}
        named = {(_steady(path), content) for path, content in stands.items()}
        if (state := hash(frozenset(named))) not in seen:
            seen.add(state)
            shutil.copytree(run, copies / str(number)) if run.exists() else (copies / str(number)).mkdir(parents=True)

    status = watched(options, run, copy)
    return last + 1, status


def _steady(path: Path) -> str:
    """The name of a file, that of a temporary one without its random part."""
    return str(path.with_name(path.name.rpartition(".")[0]) if path.name.startswith(".") else path)


def crashes(most: int | None, processes: int, place: tuple[Path, Path]) -> Tally:
    """Crash at every operation of some trainings, and go on.

    Args:
        most: so many states at most, spread evenly; None for all.
        processes: that go on side by side.
        place: the working directory, and the folder of compiled functions.

    Returns:
        What happened.
    """
    from robustness.kill import Tally, ended_well

    tally, (folder, cache) = Tally(), place
    expected: dict[str, dict[str, Any]] = {}
    jobs: list[tuple[str, Path]] = []

    def watch(name: str) -> None:
        run, copies = (folder / f"{kind}-{name.replace(' ', '-')}" for kind in ("watched", "copies"))
        child = trainings.started_module("robustness.crash_points", (name, str(run), str(copies)), folder, cache)
        if not ended_well(child, f"{name}, watched", tally):
            return
        expected[name] = trainings.content(run)
        found = sorted((path for path in copies.iterdir()), key=lambda path: int(path.name))
        tally.counts["operations"] += int((folder / f"{run.name}.operations").read_text())
        tally.counts["states"] += len(found)
        jobs.extend((name, path) for path in found)
        jobs.extend(_really_crashed(name, run, [int(path.name) for path in found], place, tally))

    with trainings.side_by_side(processes) as pool:
        list(pool.map(watch, TRAININGS))
    chosen = jobs if most is None else jobs[:: max(1, -(-len(jobs) // max(1, most)))]
    batches = [
        (name, part[at : at + BATCH])
        for name in expected
        for part in [[state for whose, state in chosen if whose == name]]
        for at in range(0, len(part), BATCH)
    ]
    with progress("crash points", max(1, len(batches))) as tick, trainings.side_by_side(processes) as pool:

        def go_on(name: str, states: list[Path]) -> None:
            words = (name, "--go-on", *map(str, states))
            ended_well(
                trainings.started_module("robustness.crash_points", words, folder, cache), name, tally, len(states)
            )
            for state in states:
                _compare(name, state, expected[name], tally)
            tick(name)

        for job in [pool.submit(go_on, *each) for each in batches]:
            job.result()
    return tally


def _compare(name: str, state: Path, expected: dict[str, Any], tally: Tally) -> None:
    """Look at a training that went on from a crash."""
    told = state.with_name(f"{state.name}.outcome")
    how = json.loads(told.read_text()) if told.exists() else {"words": "go on", "status": None, "said": "nothing"}
    what = f"{name}, {how['words']} at operation {state.name}: {how['said'][-300:]}"
    tally.counts["crash points"] += 1
    tally.counts["resumed" if how["words"] == "resume" else "begun again"] += 1
    if how["status"] == 0:
        others = trainings.differences(expected, trainings.content(state))
        if others:
            tally.bad("other bytes", f"{what} {', '.join(others)}")
        tally.counts["same bytes"] += not others
    elif how["status"] == 2:
        tally.bad("lost", what)
    else:
        tally.bad("tracebacks" if how["status"] == "traceback" else "wrong exits", what)
    trainings.remove(state)


def went_on(options: Sequence[str], states: Sequence[Path]) -> None:
    """Go on with trainings in this process, which has compiled all that they need after the first.

    Args:
        options: of the trainings.
        states: their folders; beside each, what came of it is written.
    """
    from policybudget.cli.main import main

    for state in states:
        words, said = trainings.words_to_go_on(state, options), io.StringIO()
        status: int | str | None
        try:
            with contextlib.redirect_stderr(said):
                status = main(words)
        except SystemExit as error:
            status = f"SystemExit {error.code}"
        except BaseException as error:
            status = "traceback"
            said.write(shown(error))
        record = {"words": words[0], "status": status, "said": " ".join(said.getvalue().split())}
        state.with_name(f"{state.name}.outcome").write_text(json.dumps(record))


def _really_crashed(
    name: str, run: Path, operations: Sequence[int], place: tuple[Path, Path], tally: Tally
) -> list[tuple[str, Path]]:
    """Run folders of processes that ended themselves at some of the operations."""
    found, (folder, cache) = [], place
    for number in operations[1 :: max(1, len(operations) // SAMPLED)]:
        left = folder / f"crashed-{run.name}" / str(number)
        words = (name, str(left), "--crash-at", str(number))
        child = trainings.started_module("robustness.crash_points", words, folder, cache)
        child.communicate(timeout=trainings.SECONDS)
        if child.returncode != CRASHED:
            tally.bad("wrong exits", f"{name}, to be ended at operation {number}: status {child.returncode}")
        left.mkdir(parents=True, exist_ok=True)
        tally.counts["real crashes"] += 1
        found.append((name, left))
    return found


def main() -> int:
    """What a process of this suite does: watch a training, end itself in one, or go on with some.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("copies", type=Path, nargs="?")
    parser.add_argument("--crash-at", type=int)
    parser.add_argument("--go-on", type=Path, nargs="+")
    given = parser.parse_args()
    options = trainings.commands()[given.name]
    if given.go_on is not None:
        went_on(options, given.go_on)
        return 0
    if given.crash_at is not None:
        return watched(options, given.run, lambda number: os._exit(CRASHED) if number == given.crash_at else None)
    number, status = states(options, given.run, given.copies)
    given.run.with_name(f"{given.run.name}.operations").write_text(str(number))
    return status


if __name__ == "__main__":
    sys.exit(main())
