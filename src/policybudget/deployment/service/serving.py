"""A bundle at work: requests in, answers out; nothing here knows of HTTP but the status of a refusal."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET

from policybudget.deployment import bundle as bundles
from policybudget.deployment.bundle import Bundle
from policybudget.deployment.enrol import columns_of, enrol
from policybudget.deployment.service import schemas
from policybudget.deployment.service.refusal import Refusal
from policybudget.deployment.service.settings import Settings
from policybudget.errors import PolicyBudgetError, RunFolderError

LARGEST = 1e30
"""A weight or a parameter, either side of 0."""
KNOWN = 65_536
"""Users whose assignment is kept at hand."""


class Serving:
    """A bundle at work. It never changes; another bundle is another one of these.

    Args:
        bundle: a verified one.
        settings: whose ``only_approved`` and ``most_observations`` hold.

    Raises:
        PolicyBudgetError: no policy may act.
    """

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self.bundle, self.digest, self.settings = bundle, bundle.sha256, settings
        self.records = tuple(policy.record for policy in bundle.policies)
        self.may = tuple(not settings.only_approved or one.approved is not None for one in self.records)
        if not any(self.may):
            raise PolicyBudgetError(
                f"{bundle.folder}: bundle.json says of none of its {len(self.may)} policies who approved it; approve "
                "one, or serve without --only-approved"
            )
        self.takes: Literal["weights", "parameters"] | None = None
        self.columns: tuple[str, ...] = ()
        if bundle.features is not None or (bundle.parameters is not None and bundle.record.parameters):
            self.takes = "parameters" if bundle.features is None else "weights"
            self.columns = columns_of(bundle)
            enrol(bundle, np.zeros((1, len(self.columns))))  # what is computed once
        self._by_name: Callable[[str], bundles.Assigned] = lru_cache(KNOWN)(bundle.assign)
        for policy in bundle.policies:
            _ = policy.on_host
        _ = bundle.columns

    def act(self, asked: schemas.Act) -> schemas.Acted:
        """What a policy does.

        Args:
            asked: by a client.

        Returns:
            The action, or the actions.

        Raises:
            Refusal: there is no such user or policy, it may not act, or the observations are not such.
        """
        policy = self._policy_of(asked)
        record = self.records[policy]
        if asked.sha256 is not UNSET and asked.sha256 != record.sha256:
            raise Refusal(
                409, f"policy {policy} has another hash: sha256 {record.sha256} is at work, got {asked.sha256}"
            )
        batch, single = asked.observations, asked.observation
        if batch is not UNSET and single is UNSET:
            most = self.settings.most_observations
            if not 0 < len(batch) <= most:
                raise Refusal(422, f"observations must be from 1 to {most}, got {len(batch)}; ask in parts")
            return schemas.Acted(policy, record.sha256, actions=self._actions(policy, batch))
        if single is UNSET or batch is not UNSET:
            raise Refusal(422, "expected either observation, or observations for a batch; give one of them")
        return schemas.Acted(policy, record.sha256, self._actions(policy, single))

    def _actions(self, policy: int, observation: Any) -> Any:
        """As JSON takes them."""
        try:
            found = self.bundle.policies[policy].act(observation)
        except PolicyBudgetError as error:
            raise Refusal(422, str(error)) from None
        return found if isinstance(found, int) else found.tolist()

    def _policy_of(self, asked: schemas.Act) -> int:
        """Who acts."""
        if (asked.policy is UNSET) == (asked.user is UNSET):
            raise Refusal(422, "expected either policy or user; give one of them")
        if asked.policy is not UNSET:
            whole, most = int(asked.policy), len(self.may) - 1
            if whole != asked.policy or not 0 <= whole <= most:
                got = asked.policy if abs(whole) < 10**15 else "far more" if whole > 0 else "far less"
                status = 404 if whole == asked.policy else 422
                raise Refusal(status, f"policy must be a whole number from 0 to {most}, got {got}")
            return self._allowed(whole)
        policy = self._named(str(asked.user)).policy
        if policy is None:
            raise Refusal(404, f"no policy serves user {asked.user!r}; choose a policy by its number instead")
        return self._allowed(policy)

    def _named(self, user: str) -> bundles.Assigned:
        try:
            return self._by_name(user)
        except PolicyBudgetError as error:
            raise Refusal(404, str(error)) from None

    def _allowed(self, policy: int) -> int:
        if not self.may[policy]:
            raise Refusal(403, f"policy {policy} is not approved, and approved policies alone are served here")
        return policy

    def assign(self, asked: schemas.Assign) -> schemas.Assigned:
        """Who serves a user.

        Args:
            asked: by a client.

        Returns:
            The policy and what may be expected of it.

        Raises:
            Refusal: there is no such user, the bundle takes no such numbers, or the policy may not act.
        """
        given = [name for name in asked.__struct_fields__ if getattr(asked, name) is not UNSET]
        if len(given) != 1:
            raise Refusal(422, f"expected one of user, weights and parameters, got {' and '.join(given) or 'none'}")
        if isinstance(asked.user, str):
            found = self._named(asked.user)
            return self._assigned(found.policy, found.expected, None, found.gain)
        enrolled = enrol(self.bundle, np.array([self._numbers(given[0], getattr(asked, given[0]))]))
        policy = int(enrolled.policy[0])
        numbers = (float(one[0]) for one in (enrolled.expected, enrolled.ci95, enrolled.gain))
        return self._assigned(None if policy < 0 else policy, *numbers)

    def _numbers(self, name: str, given: list[float] | dict[str, float]) -> list[float]:
        """Weights or parameters in the order of the columns."""
        if name != self.takes:
            takes = "users by name" if self.takes is None else f"users by name, or by {self.takes}"
            raise Refusal(422, f"this bundle takes {takes}, got {name}")
        if isinstance(given, dict):
            if given.keys() != set(self.columns):
                wanted, got = ", ".join(self.columns)[:200], ", ".join(given)[:200] or "none"
                raise Refusal(422, f"{name} must be {wanted}, got {got}")
            given = [given[column] for column in self.columns]
        if len(given) != len(self.columns):
            raise Refusal(422, f"{name} must be {len(self.columns)} numbers, got {len(given)}")
        if not all(-LARGEST <= value <= LARGEST for value in given):
            raise Refusal(422, f"{name} must be finite numbers from {-LARGEST:g} to {LARGEST:g}, got {given[:5]}")
        return given

    def _assigned(
        self, policy: int | None, expected: float, ci95: float | None, gain: float | None
    ) -> schemas.Assigned:
        sha256 = None if policy is None else self.records[self._allowed(policy)].sha256
        return schemas.Assigned(policy, sha256, expected, _finite(ci95), _finite(gain))

    @cached_property
    def policies(self) -> schemas.Policies:
        """What is at work."""
        bundle, record = self.bundle, self.bundle.record
        serves = np.where(bundle.assignment.max(axis=0) > 0, bundle.assignment.argmax(axis=0), -1)
        users = np.bincount(serves[serves >= 0], minlength=len(self.may)).tolist()
        each = [
            schemas.Policy(j, one.sha256, one.approved, self.may[j], record.promises[j], users[j])
            for j, one in enumerate(self.records)
        ]
        return schemas.Policies(
            bundle=self.digest,
            world=record.world,
            observation_size=record.architecture.observation_size,
            action=msgspec.to_builtins(record.architecture.actions),
            takes=self.takes,
            columns=list(self.columns),
            floor=record.floor,
            only_approved=self.settings.only_approved,
            users=len(record.users),
            unserved=int((serves < 0).sum()),
            policies=each,
        )

    def check_successor(self, other: Serving) -> None:
        """Refuse a bundle that may not take the place of this one while clients go on.

        Args:
            other: the other one.

        Raises:
            PolicyBudgetError: it sees or acts in other units.
        """
        before, after = (one.bundle.record.architecture for one in (self, other))
        if (before.observation_size, before.actions) != (after.observation_size, after.actions):
            raise PolicyBudgetError(
                f"{other.bundle.folder} takes other observations or gives other actions than the bundle at work; end "
                "the service and start it with the new bundle"
            )


def prepared(folder: Path, settings: Settings) -> Serving:
    """A bundle, verified and ready.

    Args:
        folder: of the bundle.
        settings: of the service.

    Returns:
        The bundle at work.

    Raises:
        PolicyBudgetError: the bundle is damaged, or no policy may act.
    """
    if not folder.is_dir():
        raise RunFolderError(f"bundle not found: {folder}")
    place = folder.resolve()  # one bundle, also where the folder is a link that is changed meanwhile
    return Serving(bundles.load(place), settings)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
