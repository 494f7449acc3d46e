"""What bundle.json must hold, as declared schemas: types, ranges, lengths, and no unknown entries; and a curve."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from policybudget.runs.schemas import (
    MOST_AGENTS,
    MOST_POLICIES,
    ArchitectureRecord,
    Count,
    Digest,
    Name,
    Relative,
    Text,
)


class Approval(Struct, frozen=True, forbid_unknown_fields=True):
    """Who approved a policy. It is a part of bundle.json, so that the hash of the bundle and signatures cover it."""

    by: Text
    date: Text
    reference: Text = ""


class PolicyRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy of a bundle."""

    policy: Count
    sha256: Digest
    file: Relative
    onnx: Relative | None = None
    approved: Approval | None = None


class GroupRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What a policy promises to a group of the users that it serves: a mean return."""

    policy: Count
    group: Annotated[str, Meta(max_length=10_000)]
    users: Count
    promise: float


class BundleRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """bundle.json."""

    format: int
    policybudget: Text
    world: Text
    population: Digest
    users: Annotated[list[Name], Meta(min_length=1, max_length=MOST_AGENTS)]
    components: list[Text]
    parameters: list[Text]
    floor: float | None
    promises: list[float | None]
    policies: Annotated[list[PolicyRecord], Meta(min_length=1, max_length=MOST_POLICIES)]
    architecture: ArchitectureRecord
    files: dict[Relative, Digest]
    groups: list[GroupRecord] = []
