"""Whether a bundle is what it was when it was sealed, file by file, and whether a signature fits all of it."""

from __future__ import annotations

from pathlib import Path

from policybudget.deployment import signature
from policybudget.deployment.schemas import BundleRecord
from policybudget.errors import RunFolderError
from policybudget.runs import files

FORMAT = 1
NAME, ASSIGNMENT, MATERIALS = "bundle.json", "assignment.safetensors", "sbom.json"
CANDIDATES = "candidates.csv"
LARGEST = 2 * 1024**3
"""Bytes of a bundle."""


def verify(folder: str | Path, key: str | Path | None = None) -> BundleRecord:
    """Whether every file of a bundle is what it was when the bundle was sealed.

    Args:
        folder: of the bundle.
        key: public key that it must be signed by, a PEM file; None to ask for no signature.

    Returns:
        bundle.json.

    Raises:
        RunFolderError: a file is missing, changed, damaged, or not one of the bundle, or the signature does not fit.
    """
    return opened(folder, key)[0]


def opened(folder: str | Path, key: str | Path | None = None) -> tuple[BundleRecord, str]:
    """The same as :func:`verify`, with the hash of the bundle.

    Args:
        folder: of the bundle.
        key: public key that it must be signed by, a PEM file; None to ask for no signature.

    Returns:
        bundle.json, and its SHA-256 in hexadecimal digits. It names every other file by its hash, so that this one
        stands for the bundle, approvals included; a signature alone is not under it.

    Raises:
        RunFolderError: a file is missing, changed, damaged, or not one of the bundle, or the signature does not fit.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunFolderError(f"bundle not found: {folder}")
    path = folder / NAME
    if not path.exists():
        raise RunFolderError(f"{folder} is no bundle: it has no {NAME}")
    if path.is_symlink():
        raise RunFolderError(f"{path} is a link; a bundle has none")
    content = files.read(path, files.LARGEST)
    record, sha256 = _record(path, content), files.sha256(content)
    _whole(folder, record)
    if key is not None:
        signature.check(folder, {NAME: sha256} | record.files, Path(key))
    return record, sha256


def _record(path: Path, content: bytes) -> BundleRecord:
    """bundle.json, consistent in itself."""
    raw = files.parsed_object(path, content)
    if not isinstance(raw.get("format"), int) or raw["format"] != FORMAT:
        raise RunFolderError(f"{path} has format {raw.get('format')!r}; this version reads {FORMAT}")
    record: BundleRecord = files.checked(path, raw, BundleRecord)
    named = {name for one in record.policies for name in (one.file, one.onnx) if name is not None} | {ASSIGNMENT}
    if lacking := sorted(named - set(record.files)):
        raise RunFolderError(f"{path} has no hash of {lacking[0]}")
    faults = {
        "expected a promise for each policy, or null": len(record.promises) != len(record.policies),
        "a group is promised something by a policy that there is not": any(
            one.policy >= len(record.policies) for one in record.groups
        ),
        "policies are numbered from 0": [one.policy for one in record.policies] != list(range(len(record.policies))),
        "a name stands for two users": len(set(record.users)) != len(record.users),
        f"{signature.NAME} is the place of a signature": signature.NAME in record.files,
    }
    if found := [fault for fault, there in faults.items() if there]:
        raise RunFolderError(f"{path} is damaged: {found[0]}")
    return record


def _whole(folder: Path, record: BundleRecord) -> None:
    """Refuse a folder that lacks a file, has one too many or a link, is too large, or has one that was changed."""
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir() or file.is_symlink()}
    if strange := sorted(found - set(record.files) - {NAME, signature.NAME}):
        raise RunFolderError(f"{folder / strange[0]} is not one of the files that {NAME} names")
    top, size = folder.resolve(), 0
    for name in (*record.files, *(found & {signature.NAME})):
        file = folder / name
        if file.is_symlink() or not file.resolve().is_relative_to(top):
            raise RunFolderError(f"{file} is a link; a bundle has none")
        if not file.exists():
            raise RunFolderError(f"{file} is missing, which {NAME} names")
        size += files.size_of(file)
    if size > LARGEST:
        raise RunFolderError(f"{folder} is no bundle: it has {size:,} bytes, more than {LARGEST:,}")
    for name, expected in record.files.items():
        if files.sha256_of(folder / name) != expected:
            raise RunFolderError(f"{folder / name} does not match its hash in {NAME}: changed or damaged")


def approvals(record: BundleRecord) -> str:
    """Who approved what.

    Args:
        record: bundle.json.

    Returns:
        A line per policy: its number, the first digits of its hash, and who approved it.
    """
    lines = []
    for one in record.policies:
        approved = one.approved
        by = "not approved" if approved is None else f"approved by {approved.by}, {approved.date}"
        reference = "" if approved is None or not approved.reference else f" ({approved.reference})"
        lines.append(f"policy {one.policy}  {one.sha256[:16]}  {by}{reference}")
    return "\n".join(lines)
