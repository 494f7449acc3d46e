"""What people put on a sealed bundle: approvals, in bundle.json, and a signature over everything, beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import msgspec

from policybudget.deployment import signature
from policybudget.deployment.schemas import Approval, BundleRecord
from policybudget.deployment.verify import NAME, opened
from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.runs import acting, files
from policybudget.runs.folder import locked


def approve(
    folder: str | Path, policies: Sequence[int], by: str, on: str | None = None, reference: str = ""
) -> BundleRecord:
    """Write into a bundle that somebody approved policies. A signature that it has must be made again.

    Args:
        folder: of the bundle.
        policies: their numbers.
        by: who approved them.
        on: the date, such as 2026-11-22; today if None.
        reference: of a document, such as the number of a minute.

    Returns:
        bundle.json as it is now.

    Raises:
        PolicyBudgetError: there is no such policy, or the name or the date is none.
        RunFolderError: the bundle is not what it was when it was sealed, or cannot be written; it is unchanged.
    """
    if not by.strip():
        raise PolicyBudgetError("who approves needs a name, got none")
    day = date.today().isoformat() if on is None else _day(on)
    try:
        approval = msgspec.convert({"by": by, "date": day, "reference": reference}, Approval)
    except msgspec.ValidationError:
        raise PolicyBudgetError("by and reference must be texts of one line, at most 1000 characters each") from None
    return _change(Path(folder), policies, approval)


def withdraw(folder: str | Path, policies: Sequence[int]) -> BundleRecord:
    """Take back that policies were approved. A signature that the bundle has must be made again.

    Args:
        folder: of the bundle.
        policies: their numbers.

    Returns:
        bundle.json as it is now.

    Raises:
        PolicyBudgetError: there is no such policy, or it is not approved.
        RunFolderError: the bundle is not what it was when it was sealed, or cannot be written; it is unchanged.
    """
    return _change(Path(folder), policies, None)


def sign(folder: str | Path, key: str | Path, password: bytes | None = None) -> Path:
    """Sign every file of a bundle; a signature that it has is replaced.

    Args:
        folder: of the bundle.
        key: private key, a PEM file: an elliptic curve, P-256, P-384 or P-521.
        password: of the key; None if it has none.

    Returns:
        The file of the signature.

    Raises:
        PolicyBudgetError: the key cannot be read or is of another kind, or the package cryptography is not installed.
        RunFolderError: the bundle is not what it was when it was sealed, or cannot be written.
    """
    folder = Path(folder)
    with _opened(folder) as (record, sha256):
        content = signature.signed(folder.resolve().name, {NAME: sha256} | record.files, Path(key), password)
        files.write(folder / signature.NAME, content)
    return folder / signature.NAME


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[BundleRecord, str]]:
    """A bundle that is verified and that nobody else writes into."""
    if not folder.is_dir():
        raise RunFolderError(f"bundle not found: {folder}")
    with locked(folder, "writes into"):
        yield opened(folder)


def _change(folder: Path, policies: Sequence[int], approval: Approval | None) -> BundleRecord:
    """Other approvals in bundle.json, replaced in one step."""
    if not policies:
        raise PolicyBudgetError("give the number of one policy at least")
    with _opened(folder) as (record, _):
        raw = files.read_json(folder / NAME)
        for policy in policies:
            known = record.policies[acting.numbered(policy, len(record.policies))]
            if approval is None and known.approved is None:
                raise PolicyBudgetError(f"policy {policy} is not approved; there is nothing to withdraw")
            raw["policies"][policy]["approved"] = msgspec.to_builtins(approval)
        changed = files.checked(folder / NAME, raw, BundleRecord)
        files.write_json(folder / NAME, raw)
    return changed


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise PolicyBudgetError(f"date must be like 2026-11-22, got {text!r:.40}") from None
