"""A sealed bundle of policies: verified file by file, loaded without running anything from it, used with NumPy alone.

A bundle is a folder::

    bundle.json             what is in it, and the SHA-256 of every other file
    policies/00.safetensors the numbers that policy 0 acts by, by itself; 00.onnx the same as a graph
    assignment.safetensors  α (k, n), V (k, n), and mean feature returns (k, m) where users' rewards are weights on them
    sbom.json               what it was made with (CycloneDX)
    assessment.*            the evidence, as it was when the bundle was sealed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from policybudget.deployment.schemas import BundleRecord, PolicyRecord
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.policies.architecture import Architecture
from policybudget.policies.on_host import HostPolicies
from policybudget.runs import acting, arrays, files

Numbers = NDArray[Any]
FORMAT = 1
NAME, ASSIGNMENT, MATERIALS = "bundle.json", "assignment.safetensors", "sbom.json"


@dataclass(frozen=True)
class Policy:
    """A policy at work.

    Attributes:
        record: its number, its hash, its files and who approved it.
        architecture: shapes of its network, and the environment's units.
        numbers: by name.
    """

    record: PolicyRecord
    architecture: Architecture
    numbers: dict[str, Numbers]

    @cached_property
    def on_host(self) -> HostPolicies:
        """The same in NumPy."""
        units = self.architecture.actions
        return HostPolicies(self.numbers, units.choices, units.kind == "discrete")

    def act(self, observation: Any) -> Any:
        """The greedy action.

        Args:
            observation: (o,) or (B, o) raw observations.

        Returns:
            For (o,) one action in the environment's own units; for (B, o) an array with a leading axis B.

        Raises:
            PolicyBudgetError: the observations have another shape or are not finite numbers.
        """
        return acting.act(self.on_host, self.architecture.actions, self.architecture.observation_size, observation)


@dataclass(frozen=True)
class Assigned:
    """Who serves a user.

    Attributes:
        policy: its number; None where no policy serves the user above the floor.
        expected: the mean return that is promised.
        gain: over the second best; None where there is one policy.
    """

    policy: int | None
    expected: float
    gain: float | None


@dataclass(frozen=True, eq=False)
class Bundle:
    """Approved policies, and who is served by which. Bundles are told apart by identity.

    Attributes:
        folder: where it is.
        record: bundle.json.
        policies: k of them.
        assignment: (k, n) α.
        returns: (k, n) mean returns.
        features: (k, m) mean feature returns; None where rewards are no weights on features.
        covariance: (k, m, m) of these means; empty without features.
        parameters: (n, p) task parameters of the users; None if they have none.
    """

    folder: Path
    record: BundleRecord
    policies: tuple[Policy, ...]
    assignment: Numbers
    returns: Numbers
    features: Numbers | None
    covariance: Numbers
    parameters: Numbers | None

    @cached_property
    def columns(self) -> dict[str, int]:
        """Where the users stand in the tables, by name."""
        return {name: column for column, name in reversed(list(enumerate(self.record.users)))}

    def assign(self, user: str | Sequence[float] | Numbers) -> Assigned:
        """Who serves a user: one that was trained for, by name, or a new one by the weights on the reward's components.

        The return is linear in the weights, so that a new user's best policy is known up to the evaluation error.

        Args:
            user: a name, or (m,) weights.

        Returns:
            The policy and what it is expected to be worth.

        Raises:
            PolicyBudgetError: there is no such user, or the bundle takes no weights.
        """
        if isinstance(user, str):
            column = self.columns.get(user)
            if column is None:
                raise PolicyBudgetError(
                    f"user must be one of the {len(self.record.users)} users of the bundle, or weights, got {user!r}"
                )
            worth, alpha = self.returns[:, column], self.assignment[:, column]
            if alpha.max() <= 0:
                return Assigned(None, float(worth.max()), None)
            return self._best(worth, int(alpha.argmax()))
        if self.features is None:
            raise PolicyBudgetError(
                "this bundle takes users by name: their rewards are no weights on components of a reward"
            )
        weights = np.asarray(user, np.float64)
        expected = f"weights must be {self.features.shape[1]} finite numbers"
        if weights.shape != self.features.shape[1:] or not np.isfinite(weights).all():
            raise PolicyBudgetError(f"{expected}, got shape {weights.shape}")
        worth = self.features.astype(np.float64) @ weights
        return self._best(worth, int(worth.argmax()))

    def _best(self, worth: Numbers, chosen: int) -> Assigned:
        others = np.delete(worth, chosen)
        gain = float(worth[chosen] - others.max()) if len(others) else None
        floor = -np.inf if self.record.floor is None else self.record.floor
        return Assigned(chosen if worth[chosen] >= floor else None, float(worth[chosen]), gain)


def load(folder: str | Path) -> Bundle:
    """A bundle, after all of it was verified.

    Args:
        folder: of the bundle.

    Returns:
        The bundle.

    Raises:
        RunFolderError: a file is missing, changed, damaged, or not one of the bundle.
    """
    folder = Path(folder)
    record = verify(folder)
    architecture = Architecture.from_record(msgspec.to_builtins(record.architecture))
    policies = []
    for one in record.policies:
        numbers, _ = arrays.load(folder / one.file)
        arrays.fit(folder / one.file, numbers, architecture.shapes(1))
        if arrays.fingerprint(numbers, 0) != one.sha256:
            raise RunFolderError(f"{folder / one.file} is not the policy that {NAME} names by its hash")
        policies.append(Policy(one, architecture, numbers))
    tables, _ = arrays.load(folder / ASSIGNMENT)
    shape = (len(policies), len(record.users))
    arrays.fit(folder / ASSIGNMENT, tables, {"assignment": shape, "returns": shape})
    features, parameters = tables.get("features"), tables.get("parameters")
    if features is not None:
        m = features.shape[-1]
        arrays.fit(folder / ASSIGNMENT, tables, {"features": (len(policies), m), "covariance": (len(policies), m, m)})
    if parameters is not None:
        arrays.fit(folder / ASSIGNMENT, tables, {"parameters": (len(record.users), len(record.parameters))})
    covariance = tables.get("covariance", np.empty((0, 0, 0)))
    return Bundle(
        folder, record, tuple(policies), tables["assignment"], tables["returns"], features, covariance, parameters
    )


def verify(folder: str | Path) -> BundleRecord:
    """Whether every file of a bundle is what it was when the bundle was sealed.

    Args:
        folder: of the bundle.

    Returns:
        bundle.json.

    Raises:
        RunFolderError: a file is missing, changed, damaged, or not one of the bundle.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunFolderError(f"bundle not found: {folder}")
    path = folder / NAME
    raw = files.read_json(path)
    if not isinstance(raw.get("format"), int) or raw["format"] > FORMAT:
        raise RunFolderError(f"{path} has format {raw.get('format')!r}; this version reads {FORMAT}")
    record: BundleRecord = files.checked(path, raw, BundleRecord)
    named = {name for one in record.policies for name in (one.file, one.onnx) if name is not None} | {ASSIGNMENT}
    if lacking := sorted(named - set(record.files)):
        raise RunFolderError(f"{path} has no hash of {lacking[0]}")
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir() or file.is_symlink()}
    if strange := sorted(found - set(record.files) - {NAME}):
        raise RunFolderError(f"{folder / strange[0]} is not one of the files that {NAME} names")
    for name, expected in record.files.items():
        file = folder / name
        if file.is_symlink() or not file.resolve().is_relative_to(folder.resolve()):
            raise RunFolderError(f"{file} is a link; a bundle has none")
        if files.sha256(files.read(file)) != expected:
            raise RunFolderError(f"{file} does not match its hash in {NAME}: changed or damaged")
    if len(record.promises) != len(record.policies):
        raise RunFolderError(f"{path} is damaged: expected a promise for each policy, or null")
    if [one.policy for one in record.policies] != list(range(len(record.policies))):
        raise RunFolderError(f"{path} is damaged: policies are numbered from 0")
    return record
