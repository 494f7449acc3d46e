"""What the service takes and answers, as declared schemas. No unknown entries; numbers are finite."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from policybudget.deployment.schemas import Approval
from policybudget.deployment.service.refusal import Refusal
from policybudget.errors import one_line
from policybudget.runs.schemas import Digest

Kind = TypeVar("Kind")
SEE = "see /openapi.json"

User = Annotated[str, Meta(max_length=10_000)]
Vector = list[float]


class Act(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``/act``: who acts, and on what."""

    observation: Vector | UnsetType = UNSET
    observations: list[Vector] | UnsetType = UNSET
    policy: int | float | UnsetType = UNSET  # 1.0 is a whole number, as JSON Schema has it
    user: User | UnsetType = UNSET
    sha256: Digest | UnsetType = UNSET


class Assign(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``/assign``: a user by name, or a new one by weights or task parameters."""

    user: User | UnsetType = UNSET
    weights: Vector | dict[str, float] | UnsetType = UNSET
    parameters: Vector | dict[str, float] | UnsetType = UNSET


class Acted(Struct, frozen=True, omit_defaults=True):
    """What a policy does: one action, or one for each observation."""

    policy: int
    sha256: Digest
    action: Any = UNSET
    actions: list[Any] | UnsetType = UNSET


class Assigned(Struct, frozen=True):
    """Who serves a user; no policy where none is expected above the floor."""

    policy: int | None
    sha256: Digest | None
    expected: float
    ci95: float | None
    gain: float | None


class Policy(Struct, frozen=True):
    """A policy at work."""

    policy: int
    sha256: Digest
    approved: Approval | None
    acts: bool
    promise: float | None
    users: int


class Policies(Struct, frozen=True):
    """The bundle at work."""

    bundle: Digest
    world: str
    observation_size: int
    action: dict[str, Any]
    takes: Literal["weights", "parameters"] | None
    columns: list[str]
    floor: float | None
    only_approved: bool
    users: int
    unserved: int
    policies: list[Policy]


class Health(Struct, frozen=True):
    """Whether the service is at work, and with which bundle."""

    status: Literal["ok", "draining"]
    bundle: Digest
    policies: int
    only_approved: bool
    token: bool


class Error(Struct, frozen=True):
    """What was expected, what came, and what to do, in one line."""

    error: str


def decoded(decoder: msgspec.json.Decoder[Kind], body: bytes) -> Kind:
    """A request.

    Args:
        decoder: of its schema.
        body: as it came.

    Returns:
        The request.

    Raises:
        Refusal: with status 422 for another schema, 400 for what is no JSON.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        text = str(error).replace("`", "").replace("$.", "").replace(" - at $", "")
        raise Refusal(422, one_line(f"the body: {text[:1].lower()}{text[1:]}; {SEE}")) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refusal(400, one_line(f"the body must be JSON in UTF-8: {error}; {SEE}")) from None
