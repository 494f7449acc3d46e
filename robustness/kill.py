"""``make kill``: trainings that are killed at random and at every file operation end in the same bytes.

Prints one JSON object. The exit status is 1 if a training was lost: it could not go on, ended in other bytes than
undisturbed, printed a traceback, hung, or ended with another status than 0.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policybudget.progress import progress
from robustness import crash_points, trainings

BAD = ("other bytes", "lost", "tracebacks", "hangs", "wrong exits")
SHOWN = 20


@dataclass
class Tally:
    """What happened.

    Attributes:
        counts: by what is counted.
        findings: what should not have happened, in words.
    """

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def bad(self, kind: str, what: str) -> None:
        """Count a finding.

        Args:
            kind: one of ``BAD``.
            what: the same in words.
        """
        self.counts[kind] += 1
        self.findings.append(f"{kind}: {what}")


def ended_well(process: subprocess.Popen[bytes], what: str, tally: Tally, count: int = 1) -> bool:
    """Wait for a process that nobody kills.

    Args:
        process: that should end with status 0.
        what: it does, for a finding.
        tally: gets a finding if it does not.
        count: of the trainings in it.
    """
    try:
        said = process.communicate(timeout=count * trainings.SECONDS)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        tally.bad("hangs", what)
        return False
    if "Traceback" in said:
        tally.bad("tracebacks", f"{what}: {said.strip().splitlines()[-1][:300]}")
    elif process.returncode == 2:
        tally.bad("lost", f"{what}: {said.strip()[-300:]}")
    elif process.returncode != 0:
        tally.bad("wrong exits", f"{what}: status {process.returncode}, {said.strip()[-300:]}")
    return process.returncode == 0 and "Traceback" not in said


def killed_at_random(
    name: str, kills: int, seed: int, place: tuple[Path, Path], tally: Tally, tick: Callable[[str], None]
) -> None:
    """A training undisturbed, then again with kills until all are spent.

    Args:
        name: of the training.
        kills: how many.
        seed: of the moments.
        place: the working directory, and the folder of compiled functions.
        tally: gets what happens.
        tick: called after each kill.
    """
    folder, cache = place
    options, rng = trainings.commands()[name], random.Random(f"{seed}/{name}")
    whole = folder / f"{name} undisturbed".replace(" ", "-")
    words = trainings.words_to_go_on(whole, options)
    for _ in range(2):  # the first compiles, the second tells how long it takes
        trainings.remove(whole)
        began = time.monotonic()
        if not ended_well(trainings.started(words, folder, cache), f"{name}, undisturbed", tally):
            return
        seconds = time.monotonic() - began
    expected, number, spent = trainings.content(whole), 0, 0
    while spent < kills:
        run = folder / f"{name} {number}".replace(" ", "-")
        times = min(kills - spent, rng.choice([1, 1, 2, 3]))
        done = _killed(name, run, [rng.uniform(0.2, 1.02) * seconds for _ in range(times)], place, tally, tick)
        spent, number = spent + times, number + 1
        if done and (others := trainings.differences(expected, trainings.content(run))):
            tally.bad("other bytes", f"{name}, run {number}: {', '.join(others)}")
        elif done:
            tally.counts["same bytes"] += 1
        tally.counts["left behind"] += len(list(run.rglob(".*")))
        trainings.remove(run)


def _killed(
    name: str, run: Path, moments: Sequence[float], place: tuple[Path, Path], tally: Tally, tick: Callable[[str], None]
) -> bool:
    """A training killed at these moments, one after the other, and then left to end."""
    folder, cache = place
    options = trainings.commands()[name]
    for moment in moments:
        words = trainings.words_to_go_on(run, options)
        process = trainings.started(words, folder, cache)
        try:
            said = process.communicate(timeout=moment)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            tally.counts["kills"] += 1
            tally.counts[f"killed in {words[0]}"] += 1
        else:
            tally.counts["ended before its kill"] += 1
            if process.returncode != 0:
                tally.bad("lost", f"{name}, {words[0]}: status {process.returncode}, {said.strip()[-300:]}")
                return False
        tick(name)
        if trainings.finished(run):
            break
    words = trainings.words_to_go_on(run, options)
    tally.counts["resumed" if words[0] == "resume" else "begun again"] += 1
    return ended_well(trainings.started(words, folder, cache), f"{name}, {words[0]} after a kill", tally)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite.

    Args:
        arguments: as typed; those of the process if None.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser("kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="at random moments, over all algorithms and searches")
    parser.add_argument("--seed", type=int, default=0, help="of these moments")
    parser.add_argument("--processes", type=int, default=2, help="trainings side by side")
    parser.add_argument("--crashes", type=int, help="at most so many crash points; all if not given")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        place = Path(folder), Path(folder) / "compiled"
        trainings.prepare(place[0])
        at_random = _at_random(given.kills, given.seed, given.processes, place)
        at_files = crash_points.crashes(given.crashes, given.processes, place)
    parts = {"random kills": at_random, "file operations": at_files}
    record: dict[str, Any] = {"seed": given.seed, "seconds": round(time.monotonic() - began, 1)}
    record |= {name: dict.fromkeys(BAD, 0) | dict(sorted(tally.counts.items())) for name, tally in parts.items()}
    findings = [text for tally in parts.values() for text in tally.findings]
    print(json.dumps(record | {"findings": len(findings), "first": findings[:SHOWN]}, indent=1))
    return 1 if findings else 0


def _at_random(kills: int, seed: int, processes: int, place: tuple[Path, Path]) -> Tally:
    tally, names = Tally(), list(trainings.commands())
    each = [kills // len(names) + (at < kills % len(names)) for at in range(len(names))]
    with progress("random kills", max(1, kills)) as tick, trainings.side_by_side(processes) as pool:
        jobs = [
            pool.submit(killed_at_random, name, number, seed, place, tally, tick)
            for name, number in zip(names, each, strict=True)
            if number
        ]
        for job in jobs:
            job.result()
    return tally


if __name__ == "__main__":
    sys.exit(main())
