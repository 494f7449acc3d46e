"""Many tiny trainings, and workers and drivers killed at random: nothing is lost, and nothing finished is run again.

``python experiments/studies/kills.py --units 1000 --kills 50`` runs ``policybudget study`` on a plan, kills one of its
processes (or the command itself) with SIGKILL at random points of its way, types the same command again wherever it has
ended, and looks at every unit in the end:

* finished units that were seen at any kill have the same files, to the byte and the time, at the end;
* no journal has a beginning after an end;
* the table has every unit once, and its first lines are the bits of a study that nobody disturbed.

It prints one JSON object; the exit status is 1 if one of these does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from policybudget.studies import journal, plan
from policybudget.studies.study import Study
from policybudget.studies.unit import MARK, finished

PLAN = """world = "resource-gathering:side=2"
preset = "plain"
budget = {budget}
transitions = 128
copies = 2
steps = 16
minibatch = 16
epochs = 1
hidden = [4]
seeds = {seeds}
"""
REFERENCE = 5
"""Units of the study that nobody disturbs."""
LOOK_SECONDS = 0.2
COMMAND = [sys.executable, "-m", "policybudget", "study"]


class Disturbed:
    """A study whose processes are killed.

    Args:
        place: a folder for all files.
        units: in all.
        kills: of processes.
        processes: of the study.
        seed: of the kills.
    """

    def __init__(self, place: Path, units: int, kills: int, processes: int, seed: int) -> None:
        self.plan, self.root, self._processes = place / "plan.toml", place / "study", processes
        self.plan.write_text(PLAN.format(budget=2, seeds=units))
        self.study: Study = plan.load(self.plan)
        self._rng = random.Random(seed)
        self._when = sorted(self._rng.randrange(units) for _ in range(kills))
        self._seen = dict[Path, tuple[int, int]]()
        self.killed = {"workers": 0, "drivers": 0}
        self.commands = 0

    def run(self) -> None:
        """Type the command until it ends well."""
        while True:
            self.commands += 1
            words = [*COMMAND, str(self.plan), "--out", str(self.root), "--quiet", "--processes", str(self._processes)]
            with subprocess.Popen(words, stderr=subprocess.DEVNULL) as driver:
                while driver.poll() is None:
                    time.sleep(LOOK_SECONDS)
                    self._disturb(driver)
            if driver.returncode == 0:
                return

    def _disturb(self, driver: subprocess.Popen[bytes]) -> None:
        """Kill somebody, if so many units are finished that it is time to."""
        for folder in self._folders():
            if folder not in self._seen and finished(folder):
                self._seen[folder] = _mark(folder)
        if not self._when or len(self._seen) < self._when[0]:
            return
        workers = _children(driver.pid)
        victim = self._rng.choice([*workers, driver.pid])
        if not workers:
            return
        self._when.pop(0)
        os.kill(victim, signal.SIGKILL)
        self.killed["drivers" if victim == driver.pid else "workers"] += 1

    def _folders(self) -> list[Path]:
        return [self.root / unit.place for unit in self.study.units]

    def changed(self) -> int:
        """Units that were finished once, and are not what they were."""
        return sum(_mark(folder) != mark for folder, mark in self._seen.items())

    def again(self) -> int:
        """Units that were begun after they were finished."""
        told = [journal.read(folder).events for folder in self._folders()]
        return sum("begun" in events[events.index("finished") :] for events in told if "finished" in events)

    def begun(self) -> int:
        """Beginnings, all units together."""
        return sum(journal.read(folder).events.count("begun") for folder in self._folders())


def _mark(folder: Path) -> tuple[int, int]:
    """By which a finished unit would show that it was written again."""
    about = (folder / MARK).stat()
    return about.st_ino, about.st_mtime_ns


def _children(process: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def undisturbed(place: Path) -> list[str]:
    """The lines of the table of the first units, run by themselves."""
    path = place / "reference.toml"
    path.write_text(PLAN.format(budget=2, seeds=REFERENCE))
    subprocess.run([*COMMAND, str(path), "--out", str(place / "reference"), "--quiet"], check=True)
    return (place / "reference" / "table.csv").read_text().splitlines()


def main() -> int:
    """Disturb, and look at what is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        began = time.monotonic()
        disturbed = Disturbed(Path(scratch), settings.units, settings.kills, settings.processes, settings.seed)
        disturbed.run()
        seconds = time.monotonic() - began
        lines = (disturbed.root / "table.csv").read_text().splitlines()
        reference = undisturbed(Path(scratch))
        found = {
            "units": settings.units,
            "killed": disturbed.killed,
            "commands": disturbed.commands,
            "begun": disturbed.begun(),
            "lost": settings.units - len(set(lines[1:])),
            "changed_after_finished": disturbed.changed(),
            "run_after_finished": disturbed.again(),
            "same_bits_as_undisturbed": lines[: len(reference)] == reference,
            "seconds": round(seconds),
        }
    print(json.dumps(found))
    fine = found["same_bits_as_undisturbed"] and not any(
        found[name] for name in ("lost", "changed_after_finished", "run_after_finished")
    )
    return 0 if fine and sum(disturbed.killed.values()) == settings.kills else 1


if __name__ == "__main__":
    sys.exit(main())
