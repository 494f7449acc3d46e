"""A bundle of two policies for three users, sealed once; and the service, asked without a network."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from runs_by_hand import levers, save

from policybudget.deployment.export import export
from policybudget.deployment.service.app import Service, make_app
from policybudget.deployment.service.logs import Log
from policybudget.deployment.service.settings import Settings


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Levers 5, 6 and 7; policy 0 pulls 5 and serves ann, 1 pulls 6 and serves bob, cem is served by none."""
    place, here = tmp_path_factory.mktemp("served"), Path.cwd()
    (place / "levers.py").write_text(levers(first=5))
    (place / "users.csv").write_text("name,a,b,c,outside\nann,10,0,0,\nbob,0,20,0,\ncem,5,5,0,7\n")
    os.chdir(place)
    try:
        logits = [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]]
        save(Path("run"), "python:levers.py:Levers", logits, [0, 1, -1], population="users.csv")
        export(Path("run"), Path("bundle"), floor=4.0, episodes=3, onnx=False)
    finally:
        os.chdir(here)
    return place / "bundle"


@pytest.fixture
def bundle(sealed: Path, tmp_path: Path) -> Path:
    """A bundle to change."""
    return Path(shutil.copytree(sealed, tmp_path / "bundle"))


def approve(bundle: Path, policy: int, by: str = "Dr. Ada") -> None:
    """Write into bundle.json who approved a policy."""
    record = json.loads((bundle / "bundle.json").read_text())
    record["policies"][policy]["approved"] = {"by": by, "date": "2026-11-22"}
    (bundle / "bundle.json").write_text(json.dumps(record))


class Answer(NamedTuple):
    """What the service answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Answer]


def ask(
    app: Service,
    path: str,
    body: Any = None,
    *,
    method: str | None = None,
    headers: Sequence[tuple[str, str]] = (("content-type", "application/json"), ("host", "localhost:1")),
    client: tuple[str, int] | None = ("127.0.0.1", 1),
    chunks: Sequence[bytes] | None = None,
) -> Answer:
    """Ask as a server of ASGI does. A body that is not bytes is sent as JSON; ``chunks`` are sent one by one."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    parts = list(chunks) if chunks is not None else [content]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not parts:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method or ("GET" if body is None and chunks is None else "POST"), "path": path,
        "raw_path": path.encode(), "root_path": "", "query_string": b"", "scheme": "http", "server": ("localhost", 1),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers], "client": client,
        "http_version": "1.1", "asgi": {"version": "3.0"},
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    if not sent:
        return Answer(0, {}, b"")
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture
def made(sealed: Path, tmp_path: Path) -> Callable[..., Service]:
    """An app of the bundle; its lines go to the file log of the test's folder."""

    def make(folder: Path = sealed, token: str | None = None, **settings: Any) -> Service:
        log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return make_app(folder, Settings(**settings), token, Log(settings.get("log") != "events", log))

    return make
