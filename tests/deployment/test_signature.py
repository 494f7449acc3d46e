"""Signatures of bundles: whose they are, what they cover, and the format of OpenSSF Model Signing."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st
from robustness.inputs import place

from policybudget.cli.main import main
from policybudget.deployment import signature
from policybudget.deployment.approve import approve, sign
from policybudget.deployment.bundle import load
from policybudget.deployment.verify import verify
from policybudget.errors import PolicyBudgetError, RunFolderError

OneLine = Callable[[list[str]], str]
THEIRS = json.loads((Path(__file__).parent / "model_signing_1_1_1.json").read_text())


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed bundle, and both keys beside it; do not change it."""
    folder = tmp_path_factory.mktemp("signed")
    place.keys(folder)
    sign(place.bundle(folder / "bundle"), folder / "private.pem")
    return folder


@pytest.fixture
def copy(signed: Path, tmp_path: Path) -> Path:
    """The same, to break."""
    return Path(shutil.copytree(signed, tmp_path / "copy"))


def key(folder: Path, private: object, password: bytes | None = None) -> tuple[Path, Path]:
    """Both keys in files."""
    lock = forms.BestAvailableEncryption(password) if password else forms.NoEncryption()
    own = private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, lock)  # type: ignore[attr-defined]
    public = private.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    (folder / "own.pem").write_bytes(own)
    (folder / "own.pub.pem").write_bytes(public)
    return folder / "own.pem", folder / "own.pub.pem"


def test_it_covers_every_file_of_the_bundle(signed: Path) -> None:
    bundle, public = signed / "bundle", signed / "public.pem"
    record = load(bundle, public).record
    envelope = json.loads((bundle / "model.sig").read_text())["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    words = f"DSSEv1 28 application/vnd.in-toto+json {len(payload)} ".encode() + payload
    read = forms.load_pem_public_key(public.read_bytes())
    read.verify(base64.b64decode(envelope["signatures"][0]["sig"]), words, ec.ECDSA(hashes.SHA256()))  # type: ignore[union-attr, call-arg]
    named = {one["name"]: one["digest"] for one in json.loads(payload)["predicate"]["resources"]}
    on_disk = {str(f.relative_to(bundle)): f for f in bundle.rglob("*") if f.is_file() and f.name != "model.sig"}
    assert named == {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in on_disk.items()}
    assert set(named) == {*record.files, "bundle.json"}


def test_one_of_the_reference_implementation_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "model.sig").write_text(json.dumps(THEIRS["signature"]))
    (tmp_path / "public.pem").write_text(THEIRS["public key"])
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in THEIRS["files"].items()}
    signature.check(tmp_path, digests, tmp_path / "public.pem")
    with pytest.raises(RunFolderError, match="00.safetensors was changed after the bundle was signed"):
        signature.check(tmp_path, digests | {"policies/00.safetensors": "0" * 64}, tmp_path / "public.pem")
    with pytest.raises(RunFolderError, match="was changed after the bundle was signed"):
        signature.check(tmp_path, digests | {"more": "0" * 64}, tmp_path / "public.pem")


def test_ours_has_the_form_of_the_reference_implementation(tmp_path: Path) -> None:
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in THEIRS["files"].items()}
    theirs = json.loads(base64.b64decode(THEIRS["signature"]["dsseEnvelope"]["payload"]))
    ours = signature.statement("m", digests)
    for one in (theirs, ours):
        one["predicate"]["serialization"].pop("ignore_paths")  # theirs are those of Git, too
    assert ours == theirs
    private, _ = key(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    envelope = json.loads(signature.signed("m", digests, private))

    def form(value: object) -> object:
        return {name: form(part) for name, part in value.items()} if isinstance(value, dict) else type(value)

    assert form(envelope) == form(THEIRS["signature"])
    assert len(envelope["verificationMaterial"]["publicKey"]["hint"]) == 64


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_curves_and_passwords(copy: Path, curve: ec.EllipticCurve) -> None:
    private, public = key(copy, ec.generate_private_key(curve), b"hush")
    sign(copy / "bundle", private, b"hush")
    assert verify(copy / "bundle", public).users == ["ann", "bob", "cem"]
    for password in (None, b"loud"):
        with pytest.raises(PolicyBudgetError, match="cannot read the private key"):
            sign(copy / "bundle", private, password)


def test_what_was_changed_since_is_told(copy: Path, one_line: OneLine) -> None:
    bundle, asked = copy / "bundle", ["verify", str(copy / "bundle"), "--key", str(copy / "public.pem")]
    assert main([*asked, "--quiet"]) == 0
    approve(bundle, [0], "ann")
    assert "bundle.json was changed after the bundle was signed, as an approval does; sign it again" in one_line(asked)
    assert main(["verify", str(bundle), "--quiet"]) == 0, "nobody asked for the signature"
    assert main(["sign", str(bundle), "--key", str(copy / "private.pem")]) == 0 == main(asked)
    (bundle / "sbom.json").write_bytes(b"{}")
    assert "sbom.json does not match its hash" in one_line(asked)


def test_another_key_none_and_links(copy: Path, one_line: OneLine) -> None:
    bundle = copy / "bundle"
    _, public = key(copy, ec.generate_private_key(ec.SECP256R1()))
    assert "was not made with the private key of" in one_line(["verify", str(bundle), "--key", str(public)])
    asked = ["verify", str(bundle), "--key", str(copy / "public.pem")]
    (bundle / "model.sig").rename(copy / "elsewhere")
    assert "bundle is not signed: it has no model.sig" in one_line(asked)
    (bundle / "model.sig").symlink_to(copy / "elsewhere")
    assert "model.sig is a link" in one_line(asked)
    assert "model.sig is a link" in one_line(["verify", str(bundle)])


def test_keys_that_are_none(copy: Path, one_line: OneLine) -> None:
    sign_by = ["sign", str(copy / "bundle"), "--key"]
    other, _ = key(copy, ed25519.Ed25519PrivateKey.generate())
    assert "must be a key on the curve P-256, P-384 or P-521" in one_line([*sign_by, str(other)])
    assert "cannot read the private key none.pem: no such file" in one_line([*sign_by, "none.pem"])
    assert "cannot read the private key" in one_line([*sign_by, "/dev/zero"])
    assert "expected a PEM file" in one_line([*sign_by, str(copy / "bundle" / "sbom.json")])
    assert "password file not found: none" in one_line([*sign_by, str(other), "--password", "none"])
    assert verify(copy / "bundle", copy / "public.pem"), "and the signature that was there stays"


@given(st.data())
def test_no_byte_of_it_that_matters_may_change(signed: Path, data: st.DataObject) -> None:
    file, record = signed / "bundle" / "model.sig", json.loads((signed / "bundle" / "model.sig").read_text())
    content, envelope = file.read_bytes(), record["dsseEnvelope"]
    part = data.draw(st.sampled_from(("payload", "sig")))
    holder = envelope if part == "payload" else envelope["signatures"][0]
    raw = bytearray(base64.b64decode(holder[part]))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    holder[part] = base64.b64encode(bytes(raw)).decode()
    try:
        file.write_text(json.dumps(record))
        with pytest.raises(RunFolderError, match="was not made with the private key|is damaged"):
            verify(signed / "bundle", signed / "public.pem")
    finally:
        file.write_bytes(content)
