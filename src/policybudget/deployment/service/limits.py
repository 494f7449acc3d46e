"""How much a client may ask: a bucket of tokens each, and bodies of a bounded size.

A bucket holds as many tokens as a second brings (one at least). A request takes one; where there is none, it is told
how long to wait.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from policybudget.deployment.service.refusal import Refusal

Receive = Callable[[], Awaitable[Any]]
REMEMBERED = 10_000
"""Clients; of more, those that came first are forgotten."""
PASSED_OVER = 8
"""Bodies that are too long are read so many times as far as is allowed, so that the client reads the refusal."""


class Gone(Exception):  # noqa: N818
    """The client closed the connection before its request was whole."""


class Buckets:
    """A bucket of tokens for each client.

    Args:
        rate: tokens per second; 0 for no limit.
        clock: seconds, from any start.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.most, self._clock = rate, max(1.0, rate), clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, client: str) -> float:
        """Take a token.

        Args:
            client: whose.

        Returns:
            0 if there was one, else the seconds until there is.
        """
        if not self.rate:
            return 0.0
        now = self._clock()
        tokens, before = self._buckets.get(client, (self.most, now))
        tokens = min(self.most, tokens + (now - before) * self.rate)
        if tokens < 1.0:
            self._buckets[client] = tokens, now
            return (1.0 - tokens) / self.rate
        if len(self._buckets) >= REMEMBERED and client not in self._buckets:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[client] = tokens - 1.0, now
        return 0.0


def check_body(headers: Mapping[bytes, bytes]) -> None:
    """Refuse what is no JSON before it is read.

    Args:
        headers: of the request, in lower case.

    Raises:
        Refusal: with status 415.
    """
    kind = headers.get(b"content-type", b"")
    if kind != b"application/json" and kind.partition(b";")[0].strip().lower() != b"application/json":
        shown = kind.decode("latin-1")[:100] or "none"
        raise Refusal(415, f"content-type must be application/json, got {shown}; send JSON and say so")


async def read_body(receive: Receive, most: int) -> bytes:
    """The body of a request, whether its length was announced or it comes in chunks.

    Args:
        receive: of ASGI.
        most: bytes.

    Returns:
        The body.

    Raises:
        Refusal: it is longer, with status 413.
        Gone: the client left.
    """
    parts, length = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part: bytes = message.get("body", b"")
        length += len(part)
        if not message.get("more_body", False):
            if length > most:
                raise _too_long(most, length)
            return b"".join([*parts, part]) if parts else part
        if length <= most:
            parts.append(part)
        elif length > PASSED_OVER * most:
            raise _too_long(most, length)


def _too_long(most: int, length: int) -> Refusal:
    close = ((b"connection", b"close"),)
    return Refusal(413, f"the body must be at most {most:,} bytes, got {length:,} or more; ask in parts", close)
