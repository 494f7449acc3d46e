"""What is asked of an extension, and the file that records it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.runs import arrays, files, schemas
from policybudget.runs.manifest import FORMAT, check_format
from policybudget.runs.result import Result
from policybudget.training.configuration import Configuration

PLAN, BASE = "extension.json", "trained-by"
SETTINGS = ("add", "without", "transitions", "seed", "episodes")


@dataclass(frozen=True)
class Extension:
    """What is asked of an extension.

    Args:
        run: folder of the run whose policies are approved.
        add: how many policies are new.
        without: the policy that they replace; None to keep all.
        transitions: per new policy.
        seed: of the training of the new policies; the episodes derive from it.
        episodes: of each policy, to assign by and to judge by.

    Raises:
        PolicyBudgetError: a setting is out of range.
    """

    run: Path
    add: int
    without: int | None
    transitions: int
    seed: int
    episodes: int

    def __post_init__(self) -> None:
        if self.add < 1:
            raise PolicyBudgetError(f"add must be at least 1, got {self.add}")
        if self.episodes < 2:
            raise PolicyBudgetError(f"episodes must be at least 2, got {self.episodes}")
        check_seed(self.seed)

    @staticmethod
    def load(folder: Path) -> Extension:
        """What was asked of an extension that was begun.

        Args:
            folder: of the extension.

        Raises:
            PolicyBudgetError: extension.json is missing, damaged, of another format, or has settings out of range.
        """
        found = recorded(folder)
        return Extension(Path(found.pop("run")), **{name: found[name] for name in SETTINGS})

    def kept(self, budget: int) -> list[int]:
        """The policies that stay.

        Args:
            budget: how many there are.

        Raises:
            PolicyBudgetError: the policy to be replaced is none of them.
        """
        if self.without is not None and not 0 <= self.without < budget:
            raise PolicyBudgetError(f"replace must be a policy from 0 to {budget - 1}, got {self.without}")
        return [policy for policy in range(budget) if policy != self.without]

    def record(self, before: Result) -> dict[str, Any]:
        """What extension.json has.

        Args:
            before: the run whose policies are approved; their hashes are recorded.

        Raises:
            PolicyBudgetError: the policy to be replaced is none of its own.
        """
        self.kept(before.budget)
        hashes = [arrays.fingerprint(before.arrays, policy) for policy in range(before.budget)]
        asked = {name: getattr(self, name) for name in SETTINGS}
        return {"format": FORMAT, "run": str(self.run.absolute()), **asked, "policies": hashes}


def recorded(folder: Path) -> dict[str, Any]:
    """The content of extension.json, checked.

    Args:
        folder: of the extension.

    Raises:
        RunFolderError: it is missing, damaged, or of another format.
    """
    path = folder / PLAN
    record = files.read_json(path)
    check_format(path, record)
    found: dict[str, Any] = msgspec.to_builtins(files.checked(path, record, schemas.ExtensionRecord))
    return found


def base_of(run: Path) -> Configuration:
    """The configuration that the policies of a run were trained by.

    Args:
        run: folder of a run, extended or not.

    Raises:
        PolicyBudgetError: there is none, or it was made in Python.
    """
    first = run / BASE / "config.json"
    return Configuration.load(first if first.exists() else run / "config.json")
