"""How fast ``/act`` answers over HTTP on this machine, beside the same policy without HTTP.

``python benchmarks/serve.py [--seconds 60] [--connections 200] [--rates 1000 2000 4000 8000]`` prints JSON. The service
is one process on a core of its own; this one asks, from another core. Two kinds of load, each with that many
connections at once:

* a closed loop at full speed: every connection asks again as soon as it has its answer. By Little's law the mean
  latency is connections / throughput, whatever the service does: it says how much work a request is, not how long one
  waits;
* an open loop: all connections together ask so often per second, evenly. A latency counts from when the request was
  due, also where its connection was still waiting for the one before.

Beside it: calls of the same policy in NumPy and in onnxruntime (one thread), one observation each, without HTTP. The
policies are those of a short training, for sizes and not for quality: half-cheetah-velocity, 17 observed numbers, six
actions, two hidden layers of 64; ``--bundle`` names others.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from policybudget.deployment.bundle import Bundle, load
from policybudget.deployment.service.client import running

WARM = 2.0
"""Seconds of load before anything is measured: all connections are accepted by then."""
TOGETHER = 100
"""Observations of a request in the batch."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each load")
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--rates", type=float, nargs="*", default=[1000, 2000, 4000, 8000], help="per second, in all")
    parser.add_argument("--bundle", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = given.bundle or short_training(Path(folder))
        bundle = load(place)
        one = bundle.policies[0]
        size = one.architecture.observation_size
        rows = np.random.default_rng(0).standard_normal((TOGETHER, size)).astype(np.float32)
        record: dict[str, Any] = {
            "cores": len(os.sched_getaffinity(0)),
            "observation": size,
            "hidden": list(one.architecture.hidden),
            "actions": one.architecture.actions.outputs,
            "connections": given.connections,
            "numpy_per_s": called(lambda: one.act(rows[0])),
            "onnxruntime_per_s": onnxruntime_calls(bundle, rows[:1]),
        }
        with running(place, ("--rate", "0", "--connections", str(2 * given.connections))) as (url, process):
            apart(process.pid)
            single = {"policy": 0, "observation": rows[0].tolist()}
            batch = {"policy": 0, "observations": rows.tolist()}
            wanted = np.asarray(one.act(rows[0])).tolist()
            load_with = Load(url, process.pid, given.connections, single, wanted)
            record["closed"] = load_with.closed(given.seconds)
            record["open"] = [load_with.open(given.seconds, rate) for rate in given.rates]
            batched = Load(url, process.pid, 4, batch, one.act(rows).tolist())
            found = batched.closed(min(given.seconds, 10.0))
            record["batch"] = {"observations": TOGETHER, "observations_per_s": round(TOGETHER * found["per_s"])} | found
    print(json.dumps(record, indent=1))


def apart(process: int) -> None:
    """A core for the service and another for who asks; else the system may put both on one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(process, {cores[0]})
        os.sched_setaffinity(0, {cores[1]})


def short_training(folder: Path) -> Path:
    run, bundle = str(folder / "run"), str(folder / "bundle")
    world = ("--world", "half-cheetah-velocity", "--agents", "4", "--budget", "2")
    size = ("--transitions", "512", "--steps", "32", "--copies", "4")
    for words in (
        ("train", *world, *size, "--out", run, "--quiet"),
        ("export", run, "--out", bundle, "--episodes", "2"),
    ):
        subprocess.run([sys.executable, "-m", "policybudget", *words], check=True, stdout=subprocess.DEVNULL)
    return Path(bundle)


def called(call: Callable[[], Any], seconds: float = 2.0) -> int:
    """Calls per second, one after the other."""
    until, number = time.perf_counter() + seconds, 0
    began = time.perf_counter()
    while time.perf_counter() < until:
        for _ in range(100):
            call()
        number += 100
    return round(number / (time.perf_counter() - began))


def onnxruntime_calls(bundle: Bundle, rows: np.ndarray) -> int | None:
    """Of the graph of policy 0; None without one."""
    name = bundle.policies[0].record.onnx
    if name is None:
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(bundle.folder / name), options, providers=["CPUExecutionProvider"])
    return called(lambda: session.run(["action"], {"observation": rows}))


def received(one: socket.socket) -> bytes:
    """What has come; that a connection was closed ends the benchmark."""
    part = one.recv(65_536)
    if not part:
        raise ConnectionError("the service closed a connection under load")
    return part


class Load:
    """Connections that ask the same again and again.

    Args:
        url: of the service.
        process: its number, to see how long it computes.
        connections: that are open at once.
        body: of the request.
        wanted: the action, or actions, that must come.
    """

    def __init__(self, url: str, process: int, connections: int, body: Any, wanted: Any) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self.address, self.process, self.number, self.wanted = (host, int(port)), process, connections, wanted
        content = json.dumps(body, separators=(",", ":")).encode()
        head = f"POST /act HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        self.request = (head + f"content-length: {len(content)}\r\n\r\n").encode() + content
        self.whole = self._first()

    def _first(self) -> int:
        """The length of an answer, after it was looked at: they are all alike."""
        with socket.create_connection(self.address) as one:
            one.sendall(self.request)
            answer = one.recv(65_536)
            while True:
                head, _, body = answer.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                if length is not None and len(body) == int(length[1]):
                    break
                answer += one.recv(65_536)
        found = json.loads(body)
        if not answer.startswith(b"HTTP/1.1 200 ") or found.get("action", found.get("actions")) != self.wanted:
            raise SystemExit(f"expected the action {self.wanted}, got {answer[:500]!r}")
        return len(answer)

    def _connect(self) -> tuple[dict[int, socket.socket], select.epoll]:
        opened = [socket.create_connection(self.address) for _ in range(self.number)]
        watch = select.epoll()
        for one in opened:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setblocking(False)
            watch.register(one.fileno(), select.EPOLLIN)
        return {one.fileno(): one for one in opened}, watch

    def closed(self, seconds: float) -> dict[str, Any]:
        """At full speed."""
        opened, watch = self._connect()
        clock, whole, request = time.perf_counter, self.whole, self.request
        began = dict.fromkeys(opened, 0.0)
        missing, latencies, errors = dict.fromkeys(opened, whole), list[float](), 0
        for number, one in opened.items():
            began[number] = clock()
            one.sendall(request)
        start, cpu = clock() + WARM, None
        while (now := clock()) < start + seconds:
            if cpu is None and now >= start:
                cpu, latencies = self._cpu(), []
            for number, _ in watch.poll(1.0):
                one = opened[number]
                part = received(one)
                missing[number] -= len(part)
                if missing[number] == whole - len(part) and not part.startswith(b"HTTP/1.1 200 "):
                    errors += 1
                if missing[number] > 0:
                    continue
                now = clock()
                latencies.append(now - began[number])
                began[number], missing[number] = now, whole
                one.sendall(request)
        return self._told(latencies, errors, now - start, cpu or 0.0, opened)

    def open(self, seconds: float, rate: float) -> dict[str, Any]:
        """So many requests per second in all, evenly; each connection in its turn."""
        opened, watch = self._connect()
        clock, whole, request = time.perf_counter, self.whole, self.request
        turns, due = list(opened), {number: deque[float]() for number in opened}
        missing, latencies, errors, asked = dict.fromkeys(opened, 0), list[float](), 0, 0
        begin = clock()
        start, cpu = begin + WARM, None
        while (now := clock()) < start + seconds:
            if cpu is None and now >= start:
                cpu, latencies = self._cpu(), []
            while begin + asked / rate <= now:
                number = turns[asked % self.number]
                due[number].append(begin + asked / rate)
                asked += 1
                if missing[number] == 0:
                    missing[number] = whole
                    opened[number].sendall(request)
            wait = begin + asked / rate - clock()
            for number, _ in watch.poll(wait if wait > 0.002 else 0):  # it rounds to milliseconds
                part = received(opened[number])
                if missing[number] == whole and not part.startswith(b"HTTP/1.1 200 "):
                    errors += 1
                missing[number] = max(0, missing[number] - len(part))
                if missing[number] == 0:
                    latencies.append(clock() - due[number].popleft())
                    if due[number]:
                        missing[number] = whole
                        opened[number].sendall(request)
        return {"asked_per_s": rate} | self._told(latencies, errors, now - start, cpu or 0.0, opened)

    def _told(
        self, latencies: list[float], errors: int, seconds: float, cpu: float, opened: dict[int, socket.socket]
    ) -> dict[str, Any]:
        used = self._cpu() - cpu
        for one in opened.values():
            one.close()
        ms = 1000.0 * np.asarray(latencies)
        found: dict[str, Any] = {"seconds": round(seconds, 1), "requests": len(ms), "errors": errors}
        found |= {"per_s": round(len(ms) / seconds), "mean_ms": round(float(ms.mean()), 2)}
        found |= {f"p{q}_ms": round(float(np.percentile(ms, q)), 2) for q in (50, 90, 99, 99.9)}
        return found | {"worst_ms": round(float(ms.max()), 1), "service_us_each": round(1e6 * used / len(ms), 1)}

    def _cpu(self) -> float:
        """Seconds that the service has computed."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
