"""A sealed bundle of policies: verified file by file, loaded without running anything from it, used with NumPy alone.

A bundle is a folder::

    bundle.json             what is in it, and the SHA-256 of every other file
    policies/00.safetensors the numbers that policy 0 acts by, by itself; 00.onnx the same as a graph
    assignment.safetensors  α (k, n), V (k, n), and mean feature returns (k, m) where users' rewards are weights on them
    candidates.csv          mean feature returns of policies that might be added, where export was asked for them
    sbom.json               what it was made with (CycloneDX)
    assessment.*            the evidence, as it was when the bundle was sealed
    model.sig               a signature over all of it, if somebody signed
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
from policybudget.deployment.verify import ASSIGNMENT, NAME, opened
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.policies.architecture import Architecture
from policybudget.policies.on_host import HostPolicies
from policybudget.runs import acting, arrays

Numbers = NDArray[Any]
TOLERANCE = 1e-3
"""Of sums of probabilities, which are kept with 32 bits."""


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
        sha256: the hash of the bundle, in hexadecimal digits.
    """

    folder: Path
    record: BundleRecord
    policies: tuple[Policy, ...]
    assignment: Numbers
    returns: Numbers
    features: Numbers | None
    covariance: Numbers
    parameters: Numbers | None
    sha256: str = ""

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


def load(folder: str | Path, key: str | Path | None = None) -> Bundle:
    """A bundle, after all of it was verified.

    Args:
        folder: of the bundle.
        key: public key that it must be signed by, a PEM file; None to ask for no signature.

    Returns:
        The bundle.

    Raises:
        RunFolderError: a file is missing, changed, damaged, or not one of the bundle, or the signature does not fit.
    """
    folder = Path(folder)
    record, sha256 = opened(folder, key)
    try:
        architecture = Architecture.from_record(msgspec.to_builtins(record.architecture))
    except PolicyBudgetError as error:
        raise RunFolderError(f"{folder / NAME} is damaged: {error}") from None
    policies = tuple(_policy(folder, one, architecture) for one in record.policies)
    tables = _tables(folder, record)
    return Bundle(
        folder,
        record,
        policies,
        tables["assignment"],
        tables["returns"],
        tables.get("features"),
        tables.get("covariance", np.empty((0, 0, 0))),
        tables.get("parameters"),
        sha256,
    )


def _policy(folder: Path, record: PolicyRecord, architecture: Architecture) -> Policy:
    path = folder / record.file
    numbers, _ = arrays.load(path)
    arrays.fit(path, numbers, architecture.shapes(1), exactly=True)
    arrays.numbers(path, numbers)
    if arrays.fingerprint(numbers, 0) != record.sha256:
        raise RunFolderError(f"{path} is not the policy that {NAME} names by its hash")
    return Policy(record, architecture, numbers)


def _tables(folder: Path, record: BundleRecord) -> dict[str, Numbers]:
    """assignment.safetensors."""
    path, k, n = folder / ASSIGNMENT, len(record.policies), len(record.users)
    tables, _ = arrays.load(path)
    shapes: dict[str, tuple[int, ...]] = {"assignment": (k, n), "returns": (k, n)}
    if "features" in tables:
        m = len(record.components) or (tables["features"].shape or (0,))[-1]
        shapes |= {"features": (k, m), "covariance": (k, m, m)}
    if "parameters" in tables:
        shapes["parameters"] = (n, len(record.parameters))
    arrays.fit(path, tables, shapes, exactly=True)
    arrays.numbers(path, tables)
    alpha = tables["assignment"]
    if not ((alpha >= 0).all() and (alpha.sum(axis=0) <= 1 + TOLERANCE).all()):
        raise RunFolderError(f"{path} is damaged: expected columns of probabilities, each at most 1 in all")
    return tables
