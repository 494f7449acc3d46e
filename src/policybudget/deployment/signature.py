"""A signature over every file of a bundle, with a key of one's own, offline: what the OpenSSF calls a model signature.

``model.sig`` is one JSON object, a DSSE envelope around an in-toto statement::

    statement = {files of the bundle and their SHA-256, bundle.json included}       as JSON
    signature = ECDSA(private key, "DSSEv1 " + length and name of the type + " " + length of the statement + statement)

The format is that of OpenSSF Model Signing 1.0 with a key (predicate ``https://model_signing/signature/v1.0``): the
tool ``model_signing verify key`` checks these files, too, and what it signed is checked here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from policybudget.errors import PolicyBudgetError, RunFolderError, extra
from policybudget.runs import files

NAME = "model.sig"
MEDIA = "application/vnd.dev.sigstore.bundle.v0.3+json"
TYPE = "application/vnd.in-toto+json"
STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "https://model_signing/signature/v1.0"
CURVES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}
"""Curves of keys, each with the hash that goes with it."""
LONGEST_KEY = 64 * 1024
"""Bytes of a file with a key."""


class _Signature(Struct, frozen=True):
    sig: str


class _Envelope(Struct, frozen=True, rename="camel"):
    payload: str
    payload_type: str
    signatures: Annotated[list[_Signature], Meta(min_length=1, max_length=1)]


class _File(Struct, frozen=True, rename="camel"):
    media_type: str
    dsse_envelope: _Envelope


class _Resource(Struct, frozen=True):
    name: str
    algorithm: str
    digest: str


class _Predicate(Struct, frozen=True):
    resources: list[_Resource]


class _Statement(Struct, frozen=True, rename="camel"):
    type: str = msgspec.field(name="_type")
    predicate_type: str
    predicate: _Predicate


def signed(name: str, digests: Mapping[str, str], key: Path, password: bytes | None = None) -> bytes:
    """The content of ``model.sig``.

    Args:
        name: of the bundle, for readers; it may change later.
        digests: SHA-256 of every file by its name.
        key: private key, a PEM file: an elliptic curve, P-256, P-384 or P-521.
        password: of the key; None if it has none.

    Returns:
        UTF-8.

    Raises:
        PolicyBudgetError: the key cannot be read or is of another kind, or the package cryptography is not installed.
    """
    with extra("sign", "signatures"):
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    private = _loaded(key, lambda content: load_pem_private_key(content, password), "private")
    payload = json.dumps(statement(name, digests), indent=2).encode()
    signature = private.sign(_encoded(payload), ec.ECDSA(_hash(private)))
    envelope = {
        "payload": _text(payload),
        "payloadType": TYPE,
        "signatures": [{"sig": _text(signature), "keyid": ""}],
    }
    material = {"publicKey": {"hint": _fingerprint(private.public_key())}, "tlogEntries": []}
    return files.as_json({"mediaType": MEDIA, "verificationMaterial": material, "dsseEnvelope": envelope})


def statement(name: str, digests: Mapping[str, str]) -> dict[str, Any]:
    """What is signed: an in-toto statement.

    Args:
        name: of the bundle.
        digests: SHA-256 of every file by its name.

    Returns:
        A dictionary of plain values.
    """
    names = sorted(digests, key=lambda one: PurePosixPath(one).parts)
    root = hashlib.sha256(b"".join(bytes.fromhex(digests[one]) for one in names)).hexdigest()
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicateType": PREDICATE,
        "predicate": {
            "resources": [{"name": one, "algorithm": "sha256", "digest": digests[one]} for one in names],
            "serialization": {
                "method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": [NAME],
            },
        },
    }  # fmt: skip


def check(folder: Path, digests: Mapping[str, str], key: Path) -> None:
    """Refuse a bundle that was not signed with a key, or changed since.

    Args:
        folder: of the bundle.
        digests: SHA-256 of every file as it is now, by its name.
        key: public key, a PEM file.

    Raises:
        RunFolderError: there is no signature, it is damaged or another key's, or a file was changed since.
        PolicyBudgetError: the key cannot be read or is of another kind, or the package cryptography is not installed.
    """
    with extra("sign", "signatures"):
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    public, path = _loaded(key, load_pem_public_key, "public"), folder / NAME
    if not path.exists():
        raise RunFolderError(f"{folder} is not signed: it has no {NAME}")
    envelope = _read(path, files.read(path, files.LARGEST), _File).dsse_envelope
    payload = _bytes(path, envelope.payload)
    try:
        public.verify(_bytes(path, envelope.signatures[0].sig), _encoded(payload), ec.ECDSA(_hash(public)))
    except InvalidSignature:
        raise RunFolderError(f"{path} was not made with the private key of {key}, or it was changed") from None
    found = _read(path, payload, _Statement)
    if (envelope.payload_type, found.type, found.predicate_type) != (TYPE, STATEMENT, PREDICATE):
        raise RunFolderError(f"{path} signs something else than the files of a bundle")
    if any(one.algorithm != "sha256" for one in found.predicate.resources):
        raise RunFolderError(f"{path} signs other hashes than SHA-256; sign the bundle again")
    _same(folder, {one.name: one.digest for one in found.predicate.resources}, digests)


def _same(folder: Path, then: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse files that differ from those that were signed."""
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if "bundle.json" in changed:
        raise RunFolderError(
            f"{folder / 'bundle.json'} was changed after the bundle was signed, as an approval does; sign it again"
        )
    if changed:
        raise RunFolderError(f"{folder / changed[0]} was changed after the bundle was signed")


def _encoded(payload: bytes) -> bytes:
    """What is signed (the pre-authentication encoding of DSSE)."""
    return b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)


def _loaded(path: Path, load: Any, kind: str) -> Any:
    """A key of a curve that there is a hash for."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        if files.size_of(path) > LONGEST_KEY:
            raise ValueError("the file is too long")
        found = load(path.read_bytes())
    except (RunFolderError, OSError):
        raise PolicyBudgetError(f"cannot read the {kind} key {path}: no such file, or no regular file") from None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PolicyBudgetError(f"cannot read the {kind} key {path}: expected a PEM file ({error})") from None
    if getattr(getattr(found, "curve", None), "name", None) not in CURVES:
        raise PolicyBudgetError(f"{path} must be a key on the curve P-256, P-384 or P-521")
    return found


def _hash(key: Any) -> Any:
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, CURVES[key.curve.name])()


def _fingerprint(public: Any) -> str:
    """Of the public key, as these signatures name it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return files.sha256(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _read(path: Path, content: bytes, kind: Any) -> Any:
    return files.checked(path, files.parsed_object(path, content), kind)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(path: Path, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RunFolderError(f"{path} is damaged: expected base64") from None
