"""``make probe``: hostile requests for the service, over HTTP and below it.

``--requests`` are made by schemathesis from the service's own description, with all its checks: no 5xx, nothing but
what the description says, nothing refused that it allows, nothing done that it forbids, nothing without the token.
``--raw`` are bytes on a socket: whole requests with bytes changed, left out and put in, heads without an end, lengths
that are not true, bodies that are nearly JSON. Each must be answered with a status below 500 and, where it is refused,
one line; or, where it is no whole request, be waited for. Prints one JSON object; the exit status is 1 if there are
findings. The bundle is that of a tiny training, unless ``--bundle`` names another.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from policybudget.deployment.service.client import running
from policybudget.progress import progress

ROOT = Path(__file__).parents[1]
TOKEN = "a-token-of-this-suite"
ENDS = 0.25
"""Seconds without a byte after which no answer comes any more: the request was not whole."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite.

    Args:
        arguments: as typed; those of the process if None.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser("service", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="by schemathesis")
    parser.add_argument("--raw", type=int, default=10_000, help="on a socket")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bundle", type=Path, help="to be served; a tiny one if left out")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="service-") as folder:
        bundle = given.bundle or tiny_bundle(Path(folder))
        log, environment = Path(folder) / "log", os.environ | {"POLICYBUDGET_TOKEN": TOKEN}
        with running(bundle, ("--rate", "0", "--log", "events"), environment, log) as (url, process):
            found = tried(url, given.requests, given.seed, Path(folder))
            found |= {"raw": hostile(url, given.raw, given.seed)}
            found["requests"] = by_status(url)
            process.terminate()
            found["exit_status"] = process.wait()
        failures = [line for line in log.read_text().splitlines() if json.loads(line)["event"] == "failure"]
    found["failures_logged"], found["first_failures"] = len(failures), failures[:3]
    print(json.dumps(found, indent=1))
    return int(bool(failures or found["exit_status"] or found["schemathesis"]["failed"] or found["raw"]["findings"]))


def tiny_bundle(folder: Path) -> Path:
    """The bundle of a training of a few steps.

    Args:
        folder: for it.
    """
    world = ("--world", f"python:{ROOT / 'examples' / 'thermostat.py'}:Room")
    users = ("--population", str(ROOT / "examples" / "thermostat.csv"))
    run, bundle = str(folder / "run"), str(folder / "bundle")
    size = ("--budget", "2", "--transitions", "512", "--steps", "32", "--copies", "4", "--hidden", "8")
    for words in (("train", *world, *users, *size, "--out", run, "--quiet"), ("export", run, "--out", bundle)):
        subprocess.run([sys.executable, "-m", "policybudget", *words], check=True, stdout=subprocess.DEVNULL)
    return Path(bundle)


def by_status(url: str) -> dict[str, int]:
    """Requests that the service has counted, by status.

    Args:
        url: of the service.
    """
    asked = urllib.request.Request(f"{url}/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(asked) as answer:
        text = answer.read().decode()
    counts = Counter[str]()
    for status, number in re.findall(r'^policybudget_requests_total\{.*status="(\d+)"\} (\S+)$', text, re.MULTILINE):
        counts[status] += int(float(number))
    return {"all": counts.total()} | dict(sorted(counts.items()))


def tried(url: str, requests: int, seed: int, place: Path) -> dict[str, Any]:
    """Let schemathesis ask, with seed after seed until it has asked so often.

    Args:
        url: of the service.
        requests: at least.
        seed: the first one.
        place: folder for what schemathesis writes.
    """
    command = Path(sys.executable).parent / "schemathesis"
    failed, first, rounds, began = 0, "", 0, time.perf_counter()
    with progress("requests of schemathesis", requests) as tick:
        done = 0
        while done < requests:
            words = ["run", f"{url}/openapi.json", "--checks", "all", "--seed", str(seed + rounds), "--no-color"]
            words += ["--max-examples", str(min(1000, max(10, requests // 2))), "--continue-on-failure"]
            words += ["-H", f"Authorization: Bearer {TOKEN}"]
            ran = subprocess.run([str(command), *words], cwd=place, capture_output=True, text=True, check=False)
            rounds += 1
            if ran.returncode:
                failed, first = failed + 1, first or (ran.stdout + ran.stderr)[-6000:]
            before, done = done, by_status(url)["all"]
            for _ in range(min(done, requests) - min(before, requests)):
                tick(f"{failed} failed")
            if done == before:
                break
    seconds = round(time.perf_counter() - began, 1)
    return {"schemathesis": {"asked": done, "rounds": rounds, "failed": failed, "seconds": seconds, "first": first}}


def hostile(url: str, number: int, seed: int) -> dict[str, Any]:
    """Bytes on a socket.

    Args:
        url: of the service.
        number: of requests.
        seed: decides all of them.
    """
    host, _, port = url.removeprefix("http://").rpartition(":")
    outcomes, findings, began = Counter[str](), list[dict[str, Any]](), time.perf_counter()
    with progress("hostile requests", number) as tick:
        for index in range(number):
            content = made(Random(f"{seed} {index}"))
            outcome, what = judged(host, int(port), content)
            outcomes[outcome] += 1
            if what:
                findings.append({"index": index, "what": what, "request": repr(content[:300])})
            tick(f"{len(findings)} findings")
    seconds = round(time.perf_counter() - began, 1)
    kinds = dict(sorted(outcomes.items()))
    return {"asked": number, "seed": seed, "seconds": seconds, "outcomes": kinds, "findings": len(findings)} | {
        "first": findings[:5]
    }


def judged(host: str, port: int, content: bytes) -> tuple[str, str]:
    """What became of a request, and what is wrong with that; "" if nothing is.

    Args:
        host: of the service.
        port: of the service.
        content: that is sent.
    """
    answer, bodiless = b"", content.startswith(b"HEAD ")
    with socket.create_connection((host, port), timeout=10) as to:
        try:
            to.sendall(content)
            to.settimeout(ENDS)
            while part := to.recv(65_536):
                answer = (answer + part).removeprefix(CONTINUE)
                if whole(answer, bodiless):
                    break
        except TimeoutError:
            if not answer:
                return "waited for", ""
        except OSError:
            pass
    status = STATUS.match(answer)
    if not answer:
        return "closed", ""
    if status is None or not whole(answer, bodiless):
        return "broken", f"expected a whole answer, got {answer[:200]!r}"
    code, body = int(status[1]), answer.partition(b"\r\n\r\n")[2]
    if code >= 500:
        return str(code), f"status {code}: {body[:200]!r}"
    if code >= 400 and not bodiless:
        try:
            line = json.loads(body)["error"]
        except (ValueError, KeyError):
            return str(code), f"expected a line of error, got {body[:200]!r}"
        if not line or "\n" in line:
            return str(code), f"expected one line, got {line!r}"
    return str(code), ""


def whole(answer: bytes, bodiless: bool) -> bool:
    """Whether the first answer is there to its end.

    Args:
        answer: bytes so far.
        bodiless: whether it has no body: that of a HEAD.
    """
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(end) and length is not None and (bodiless or len(body) >= int(length[1]))


VALUES = (
    "0", "-1", "1.5", "1e400", "-1e39", "NaN", "Infinity", "null", "true", '"x"', '"\\ud800"', "[]", "{}", "[[1]]",
    "9" * 400, "1" * 5000, "[" * 2000, '{"a":' * 2000, "[1,2]", "[[1,2],[3]]", "[1,2,3]", '"\\u0000"', "1e-400", "0x1",
    "",
)  # fmt: skip
NAMES = ("policy", "user", "observation", "observations", "sha256", "weights", "parameters", "else", "policy ")
HEADS = (
    b"content-type: text/plain", b"content-type: application/json; charset=utf-16", b"content-length: 5",
    b"content-length: -1", b"content-length: 99999999999", b"transfer-encoding: chunked", b"expect: 100-continue",
    b"connection: upgrade\r\nupgrade: websocket", b"host: elsewhere", b"authorization: Bearer \xff",
    b"x: " + b"y" * 70_000, b"content-encoding: gzip", b"content-type:", b"\x00: 1", b"x: 1\r\n folded",
)  # fmt: skip


def made(rng: Random) -> bytes:
    """A request that is wrong somewhere, most of the time.

    Args:
        rng: decides it.
    """
    pairs = [f'"{rng.choice(NAMES)}":{rng.choice(VALUES)}' for _ in range(rng.randrange(4))]
    body = ("{" + ",".join(pairs) + "}").encode()
    if rng.random() < 0.3:
        body = b'{"policy":0,"observation":[0.5,0.25]}'
    if rng.random() < 0.3:
        body = damaged(body, rng)
    method = rng.choice((b"POST", b"POST", b"POST", b"GET", b"PUT", b"HEAD", b"OPTIONS", b"TRACE", b"BREW"))
    path = rng.choice(
        (b"/act", b"/act", b"/assign", b"/policies", b"/%ff", b"//act", b"/act?x=" + b"y" * 3000, b"*", b"/\xc3")
    )
    lines = [method + b" " + path + b" HTTP/1.1", b"host: 127.0.0.1", b"content-type: application/json"]
    lines += [f"authorization: Bearer {TOKEN}".encode()]
    if rng.random() < 0.8:
        lines.append(b"content-length: %d" % len(body))
    elif rng.random() < 0.5:
        lines.append(b"transfer-encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (1, body[i : i + 1]) for i in range(len(body))) + b"0\r\n\r\n"
    if rng.random() < 0.4:
        lines.insert(rng.randrange(1, len(lines) + 1), rng.choice(HEADS))
    content = b"\r\n".join(lines) + b"\r\n\r\n" + body
    return damaged(content, rng) if rng.random() < 0.3 else content


def damaged(content: bytes, rng: Random) -> bytes:
    """Some bytes changed, left out, or put in.

    Args:
        content: to be damaged.
        rng: decides how.
    """
    found = bytearray(content)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(found) + 1)
        kind = rng.randrange(3)
        if kind == 0:
            found[at : at + 1] = rng.randbytes(1)
        elif kind == 1:
            del found[at : at + rng.randrange(1, 20)]
        else:
            found[at:at] = rng.randbytes(rng.randrange(1, 20))
    return bytes(found)


if __name__ == "__main__":
    sys.exit(main())
