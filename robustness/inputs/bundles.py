"""Bundles: records, tensors, signatures, keys, approvals."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from policybudget.deployment import signature
from policybudget.deployment.approve import approve, sign, withdraw
from policybudget.deployment.bundle import load
from policybudget.deployment.enrol import enrol
from policybudget.deployment.monitor_file import monitor
from policybudget.errors import PolicyBudgetError
from policybudget.runs import files
from robustness.hostile import NESTED, TEXTS, WORDS, damaged, record_text
from robustness.inputs import place
from robustness.inputs.records import text_of
from robustness.inputs.tensors import content_of
from robustness.judge import Case, Reader

NAMES = (
    *("../x", "/etc/passwd", "policies/../../x", "policies\\..\\x", "./x", "", ".", "..", "policies", "x" * 2000),
    *("bundle.json", "model.sig", "x\x00y", "x\n", "policies/00.safetensors/", "~/x", "é", "\ud800", "CON", "a/" * 400),
)
TENSORS = ("policies/00.safetensors", "assignment.safetensors")
FORMS = ("missing", "extra", "link", "link to itself", "linked folder", "folder", "pipe", "sparse", "header", "bomb")
ELSEWHERE = "elsewhere"
"""A folder beside a bundle, for links."""
LOW, HIGH = -1e30, 1e30


class NotNoticedError(Exception):
    """Something was accepted that is not what was sealed or signed."""


def used(folder: Path, key: Path | None = None) -> None:
    """Whatever commands do with a bundle.

    Args:
        folder: of the bundle.
        key: public key; None for none.
    """
    bundle = load(folder, key)
    for policy in bundle.policies:
        size = policy.architecture.observation_size
        policy.act(np.zeros(size))
        policy.act(np.full((2, size), 1e30))
    bundle.assign(bundle.record.users[0])
    if bundle.features is not None:
        enrol(bundle, np.ones((3, bundle.features.shape[1])))
    monitor(bundle, ["policy,return\n", "0,1\n"], LOW, HIGH)


def refused(folder: Path, key: Path | None = None) -> None:
    """The same, for a bundle that must be refused.

    Args:
        folder: of the bundle.
        key: public key; None for none.

    Raises:
        NotNoticedError: it was not.
    """
    used(folder, key)
    raise NotNoticedError("the bundle was accepted")


def forge(folder: Path, name: str, content: bytes) -> None:
    """Put a file into a bundle, and its hash into bundle.json.

    Args:
        folder: of the bundle.
        name: of the file.
        content: of the file.
    """
    (folder / name).write_bytes(content)
    record = place.read_json(folder / "bundle.json")
    record["files"][name] = files.sha256(content)
    if name == TENSORS[0]:
        from policybudget.runs import arrays

        with contextlib.suppress(PolicyBudgetError, ValueError, TypeError):
            record["policies"][0]["sha256"] = arrays.fingerprint(arrays.read(folder / name)[0], 0)
    (folder / "bundle.json").write_text(json.dumps(record))


def put_back(folder: Path, contents: dict[str, bytes]) -> None:
    """A folder as it was.

    Args:
        folder: to write.
        contents: of its files, by name.
    """
    for path in (folder, folder.parent / ELSEWHERE):
        shutil.rmtree(path, ignore_errors=True)
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def contents_of(folder: Path) -> dict[str, bytes]:
    """The files of a folder by name.

    Args:
        folder: to read.
    """
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def bundles(folder: Path) -> Callable[[Random], Case]:
    """Bundles that were changed: without and with hashes that were made to fit."""
    contents, path = contents_of(place.bundle(folder / "bundle")), folder / "bundle"
    text = contents["bundle.json"]

    def make(rng: Random) -> Case:
        put_back(path, contents)
        kind, call, valid, what = rng.random(), partial(used, path), False, "bundle.json"
        if kind < 0.35:
            content, valid = text_of(rng, json.loads(text), text)
            (path / "bundle.json").write_bytes(content)
        elif kind < 0.45:
            (path / "bundle.json").write_bytes(_renamed(rng, json.loads(text)))
        elif kind < 0.75:
            what = rng.choice(TENSORS)
            content, valid = content_of(rng, contents[what], path / what)
            forge(path, what, content)
        elif kind < 0.85:
            what, call = rng.choice(sorted(contents.keys() - {"bundle.json"})), partial(refused, path)
            at, content = rng.randrange(len(contents[what])), bytearray(contents[what])
            content[at] ^= 1 << rng.randrange(8)
            (path / what).write_bytes(content)
        else:
            what, call = rng.choice(FORMS), partial(refused, path)
            _formed(rng, path, what)
        return Case(f"bundle, {what}", call, valid)

    return make


def _renamed(rng: Random, record: dict[str, Any]) -> bytes:
    """bundle.json with hostile names of files."""
    for _ in range(rng.choice([1, 1, 2])):
        name, new = rng.choice(sorted(record["files"])), rng.choice(NAMES)
        record["files"][new] = record["files"].pop(name) if rng.random() < 0.7 else record["files"][name]
        if rng.random() < 0.5:
            record["policies"][0][rng.choice(["file", "onnx"])] = new
    return json.dumps(record).encode("utf-8", "surrogatepass")


def _formed(rng: Random, folder: Path, form: str) -> None:
    """A bundle with something that is no file as it should be."""
    file = folder / rng.choice([*TENSORS, "bundle.json", "sbom.json"])
    if form == "extra":
        (folder / rng.choice(["x", "policies/02.safetensors", ".hidden", "model.sig.bak", "ü"])).write_bytes(b"")
    elif form == "linked folder":
        shutil.move(folder / "policies", folder.parent / ELSEWHERE)
        (folder / "policies").symlink_to(folder.parent / ELSEWHERE)
    elif form == "sparse":
        os.truncate(file, rng.choice([2**31, 2**40, 2**43]))
    elif form == "header":
        size, name = rng.choice([2**63, 2**64 - 1, 10**8, 10**12, 10**5]), rng.choice(TENSORS)
        forge(folder, name, size.to_bytes(8, "little") + (folder / name).read_bytes()[8:])
    elif form == "bomb":
        bomb = rng.choice([*NESTED, "[" + "[]," * 300_000 + "[]]", '{"a":"' + "x" * 10**6 + '"}'])
        (folder / "bundle.json").write_text(bomb)
    else:
        file.unlink()
        if form == "link":
            file.symlink_to(rng.choice(["/etc/passwd", "/dev/zero", "../nowhere", str(Path(__file__).resolve())]))
        elif form == "link to itself":
            file.symlink_to(file.name)
        elif form == "folder":
            file.mkdir()
        elif form == "pipe":
            os.mkfifo(file)


def signatures(folder: Path) -> Callable[[Random], Case]:
    """model.sig and keys that were changed, read as ``verify --key`` does."""
    path, key = place.bundle(folder / "bundle"), place.keys(folder)
    sign(path, folder / "private.pem")
    contents, public = contents_of(path), key.read_bytes()
    record = json.loads(contents[signature.NAME])
    payload = base64.b64decode(record["dsseEnvelope"]["payload"])

    def make(rng: Random) -> Case:
        put_back(path, contents)
        key.write_bytes(public)
        kind, file = rng.random(), path / signature.NAME
        if kind < 0.03:
            return Case("signature", partial(used, path, key), True)
        if kind < 0.2:
            key.write_bytes(damaged(rng, public))
            return Case("public key", partial(used, path, key))
        if kind < 0.5:
            file.write_bytes(damaged(rng, contents[signature.NAME]) if kind < 0.3 else record_text(rng, record, 1))
            return Case(f"signature ({file.stat().st_size} bytes)", partial(used, path, key))
        other = json.loads(json.dumps(record))
        if kind < 0.8:  # of other words than those that were signed
            words = record_text(rng, json.loads(payload), 1)
            call = partial(used if words == payload else refused, path, key)
            other["dsseEnvelope"]["payload"] = base64.b64encode(words).decode()
        else:
            text = json.loads(rng.choice([text for text in TEXTS if "ud800" not in text and "udfff" not in text]))
            call, part = partial(refused, path, key), rng.choice(["payload", "payloadType", "sig"])
            holder = other["dsseEnvelope"]["signatures"][0] if part == "sig" else other["dsseEnvelope"]
            holder[part] = text
        file.write_text(json.dumps(other))
        return Case("signature of other words", call)

    return make


def approvals(folder: Path) -> Callable[[Random], Case]:
    """Approvals with hostile words; the bundle can be read after each."""
    path = place.bundle(folder / "bundle")
    contents, private = contents_of(path), place.keys(folder).with_name("private.pem")
    key = private.read_bytes()
    words = tuple(word for word in WORDS if not word.isascii() or len(word) < 2000)

    def make(rng: Random) -> Case:
        put_back(path, contents)
        private.write_bytes(key if rng.random() < 0.5 else damaged(rng, key))
        policies = [rng.choice([0, 1, 1, -1, 2, 10**30]) for _ in range(rng.choice([0, 1, 1, 2]))]
        by, day, text = (rng.choice(words) for _ in range(3))
        kind = rng.random()

        def call() -> None:
            try:
                if kind < 0.1:
                    withdraw(path, policies)
                elif kind < 0.3:
                    sign(path, private)
                else:
                    approve(path, policies, by, "2026-11-22" if kind < 0.8 else day, text if kind < 0.6 else "")
            finally:
                load(path)

        return Case(f"approval {by[:20]!a}", call, writes=("place/bundle/bundle.json",))

    return make


READERS = (
    Reader("bundle", 150, bundles),
    Reader("signature", 60, signatures),
    Reader("approval", 20, approvals),
)
