"""A client of the service: what a bundle does in Python, over HTTP; and a service in a process of its own to ask."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np

from policybudget.deployment.service.refusal import Refusal
from policybudget.errors import PolicyBudgetError


class Client:
    """A client, with one connection that stays open.

    Args:
        url: of the service, such as http://127.0.0.1:8000.
        token: that the service asks for; None for none.
        seconds: after which an answer no longer comes.
    """

    def __init__(self, url: str, token: str | None = None, seconds: float = 60.0) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=seconds)
        self._path = parts.path.rstrip("/")
        self._headers = {} if token is None else {"authorization": f"Bearer {token}"}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, path: str, body: Any = None) -> Any:
        """Ask for anything.

        Args:
            path: such as /policies.
            body: to be sent as JSON; None for a GET.

        Returns:
            The answer, from JSON.

        Raises:
            Refusal: the service does not do it.
            PolicyBudgetError: there is no answer.
        """
        data, headers = None, self._headers
        if body is not None:
            data, headers = msgspec.json.encode(body), {**headers, "content-type": "application/json"}
        try:
            try:
                answer = self._answer(path, data, headers)
            except (
                ConnectionError,
                http.client.RemoteDisconnected,
            ):  # it was idle for too long; asking again changes nothing
                self.close()
                answer = self._answer(path, data, headers)
            found = msgspec.json.decode(answer.read())
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            self.close()
            raise PolicyBudgetError(
                f"no answer from {self._connection.host}:{self._connection.port}: {error}"
            ) from None
        if answer.status >= 400:
            raise Refusal(answer.status, str(found.get("error", answer.reason)))
        return found

    def _answer(self, path: str, data: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._connection.request("GET" if data is None else "POST", self._path + path, data, headers)
        return self._connection.getresponse()

    def act(self, observation: Any, policy: int | None = None, user: str | None = None) -> Any:
        """What a policy does.

        Args:
            observation: (o,) or (B, o) raw observations.
            policy: its number; or
            user: for whom it acts.

        Returns:
            An action in the environment's own units; for (B, o) a list of B.

        Raises:
            PolicyBudgetError: the service does not do it, or there is no answer.
        """
        rows = np.asarray(observation)
        body = {"observation" if rows.ndim == 1 else "observations": rows.tolist()}
        found = self.ask("/act", body | ({"policy": policy} if user is None else {"user": user}))
        return found["action"] if rows.ndim == 1 else found["actions"]


@contextmanager
def running(
    bundle: Path, options: Sequence[str] = (), environment: dict[str, str] | None = None, log: Path | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``policybudget serve`` in a process of its own, on a free port of this machine.

    Args:
        bundle: folder of the bundle.
        options: more of the command.
        environment: of the process; that of this one if None.
        log: file that its lines are added to; they are dropped if None.

    Yields:
        The address and the process, which has ended in good order when the block is left.

    Raises:
        PolicyBudgetError: it did not start.
    """
    words = [sys.executable, "-m", "policybudget", "serve", str(bundle), "--port", "0", *options]
    with open(log or "/dev/null", "a") as lines:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=lines, env=environment, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line.startswith("http"):
            raise PolicyBudgetError(f"{bundle} is not served: {line or 'the process has ended'}")
        yield line.split()[0], process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
