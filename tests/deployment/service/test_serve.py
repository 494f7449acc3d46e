"""``policybudget serve`` as a process: signals under load, slow and hostile connections, and where it may listen."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policybudget.deployment.bundle import load
from policybudget.deployment.service.client import Client, running
from policybudget.deployment.service.refusal import Refusal
from policybudget.errors import PolicyBudgetError

from .conftest import approve

OneLine = Callable[[list[str]], str]
BODY = b'{"policy":1,"observation":[0.5]}'
HEAD = b"POST /act HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
ASKED = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def served(sealed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A service that waits for nobody long, and where its lines are; do not end it."""
    log = tmp_path_factory.mktemp("lines") / "log"
    options = ("--patience", "0.5", "--connections", "5", "--drain", "0", "--rate", "0")
    with running(sealed, options, log=log) as (url, _):
        yield url, log


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read(connection: socket.socket) -> tuple[int, bytes]:
    """All that comes until it is closed: the status and the body of the first answer."""
    content = b""
    while part := connection.recv(65_536):
        content += part
    return (int(content[9:12]), content.partition(b"\r\n\r\n")[2]) if content else (0, b"")


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_client_does_what_the_bundle_does(served: tuple[str, Path], sealed: Path) -> None:
    bundle, rows = load(sealed), np.linspace(-1, 1, 5)[:, None]
    with Client(served[0]) as client:
        assert client.act(rows[0], policy=0) == bundle.policies[0].act(rows[0])
        assert client.act(rows, user="bob") == bundle.policies[1].act(rows).tolist()
        with pytest.raises(Refusal, match=r"observation must be finite numbers of shape \(1,\)") as refused:
            client.act([1.0, 2.0], policy=0)
        assert refused.value.status == 422
    with pytest.raises(PolicyBudgetError, match="no answer from"):
        Client("http://127.0.0.1:9").ask("/health")


def test_no_accepted_request_is_dropped_on_sigterm(sealed: Path, tmp_path: Path) -> None:
    """Forty connections that stay and ten that are new for every request ask while the service is told to end."""
    counts = dict.fromkeys(("sent", "answered", "refused"), 0)

    async def ask(host: str, port: int, stays: bool) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port)
            except OSError:
                counts["refused"] += 1
                return
            while True:
                writer.write(ASKED)
                counts["sent"] += 1
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
                assert head.startswith(b"http/1.1 200") and (await reader.readexactly(length)).endswith(b'"action":6}')
                counts["answered"] += 1
                if b"connection: close" in head or not stays:
                    break
            writer.close()

    async def load_and_end(url: str, process: subprocess.Popen[str]) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        asking = [asyncio.ensure_future(ask(host, int(port), index >= 10)) for index in range(50)]
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(asyncio.gather(*asking), 30)  # raises what any of them raised

    with running(sealed, ("--rate", "0", "--log", "events"), log=tmp_path / "log") as (url, process):
        asyncio.run(load_and_end(url, process))
        assert process.wait(10) == 0
    assert counts["sent"] == counts["answered"] > 100 and counts["refused"] == 50, "each was sent away in the end"
    events = lines(tmp_path / "log")
    assert [one["event"] for one in events] == ["start", "stop", "stopped"]
    assert events[-1]["requests"] == counts["answered"]


def test_a_request_that_is_under_way_is_waited_for(sealed: Path) -> None:
    with running(sealed) as (url, process), connected(url) as connection:
        connection.sendall(ASKED[:-10])
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(ASKED[-10:])
        status, body = read(connection)
        assert (status, body.endswith(b'"action":6}')) == (200, True)
        assert process.wait(10) == 0


def test_sighup_reads_the_bundle_anew(bundle: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(bundle, ("--drain", "0"), log=log) as (url, process), Client(url) as client:

        def told(number: int) -> list[dict[str, Any]]:
            process.send_signal(signal.SIGHUP)
            until = time.monotonic() + 10
            while len(found := [one for one in lines(log) if one["event"] == "reload"]) < number:
                assert time.monotonic() < until
                time.sleep(0.02)
            return found

        before = client.ask("/health")["bundle"]
        approve(bundle, 0)
        assert told(1)[-1]["done"] and client.ask("/health")["bundle"] != before
        assert client.ask("/policies")["policies"][0]["approved"]["by"] == "Dr. Ada"
        (bundle / "more").write_text("")
        last = told(2)[-1]
        assert not last["done"] and "more is not one of the files that bundle.json names" in last["error"]
        assert client.act([0.5], policy=1) == 6


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        (b"GET / HT", 408, "a request must come in within 0.5 s"),
        (b"", 408, "a request must come in within 0.5 s"),
        (HEAD + b"content-length: 90\r\n\r\n" + BODY, 408, "a request must come in within 0.5 s"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000, 431, "the head of a request must be at most 65,536 bytes"),
        (b"nothing of the kind\r\n\r\n", 400, "expected a request of HTTP/1.1"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nnot a chunk", 400, "expected a request of HTTP/1.1"),
    ],
)
def test_connections_that_are_slow_or_no_http(served: tuple[str, Path], sent: bytes, status: int, words: str) -> None:
    with connected(served[0]) as connection:
        connection.sendall(sent)
        found, body = read(connection)
    assert found == status and words in json.loads(body)["error"]


def test_a_whole_request_is_answered_before_what_follows_it_is_refused(served: tuple[str, Path]) -> None:
    with connected(served[0]) as connection:
        connection.sendall(ASKED + b"garbage that follows\r\n\r\n")
        status, body = read(connection)
    assert status == 200 and body.endswith(b'"action":6}')


def test_no_more_connections_than_are_allowed(served: tuple[str, Path]) -> None:
    first = [connected(served[0]) for _ in range(5)]
    try:
        for one in first:
            one.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 200")
        with connected(served[0]) as sixth:
            sixth.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            status, body = read(sixth)
        assert status == 503 and "too many connections" in json.loads(body)["error"]
    finally:
        for one in first:
            one.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--host", "0.0.0.0"],
            "host 0.0.0.0 is reachable from elsewhere, which needs a token: set POLICYBUDGET_TOKEN",
        ),
        (["--host", "::"], "is reachable from elsewhere"),
        (["--host", "no such host"], "cannot listen on no such host:8000"),
        (["--port", "65536"], "port must be from 0 to 65535"),
        (["--port", "TAKEN"], "address already in use; choose another host or port"),
        (["--only-approved"], "says of none of its 2 policies who approved it"),
        (["--rate", "-1"], "rate must be at least 0.001, or 0 for no limit"),
        (["--log", "nothing"], "log must be one of requests, events"),
    ],
)
def test_what_cannot_be_served(
    sealed: Path, one_line: OneLine, served: tuple[str, Path], options: list[str], words: str
) -> None:
    taken = served[0].rpartition(":")[2]
    assert words in one_line(["serve", str(sealed), *(taken if word == "TAKEN" else word for word in options)])


def test_bundles_that_are_none(one_line: OneLine, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "bundle not found: none" in one_line(["serve", "none"])
    monkeypatch.setenv("POLICYBUDGET_TOKEN", "short")
    assert "POLICYBUDGET_TOKEN must be 16 to 1000 printable characters" in one_line(["serve", str(bundle)])
    monkeypatch.delenv("POLICYBUDGET_TOKEN")
    (bundle / "assignment.safetensors").unlink()
    assert "assignment.safetensors" in one_line(["serve", str(bundle)])


def test_it_needs_no_jax(sealed: Path) -> None:
    code = (
        "import sys; import policybudget.deployment.service.serve; "
        f"from policybudget.deployment.service.app import make_app; make_app({str(sealed)!r}); "
        "print([name for name in ('jax', 'equinox', 'optax', 'scipy', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize("missing", ["fastapi", "httptools", "prometheus_client"])
def test_a_missing_extra_is_one_line(sealed: Path, missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; from policybudget.cli.main import main; main(['serve', 'none'])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == f'policybudget: services need {missing}: pip install "policybudget[serve]"\n'
