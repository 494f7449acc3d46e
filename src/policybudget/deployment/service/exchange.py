"""One request, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import UNSET

from policybudget.deployment.service import schemas
from policybudget.deployment.service.refusal import Header, Refusal

Send = Callable[[Any], Awaitable[None]]
JSON = (b"content-type", b"application/json")
QUOTING = (400, 404, 422)
"""Of refusals that may quote the body: a user's name, what was observed. These are not for the log."""


class Exchange:
    """One request, and what became of it.

    Args:
        send: of ASGI.

    Attributes:
        status: of the answer; 0 before there is one.
        policy: that acted or was assigned, for the log.
        error: why the request was not done, for the log; nothing of its body.
    """

    __slots__ = ("_send", "error", "policy", "status")

    def __init__(self, send: Send) -> None:
        self._send, self.status = send, 0
        self.policy: Any = UNSET
        self.error: Any = UNSET

    async def send(self, message: Any) -> None:
        """Send a message of ASGI on.

        Args:
            message: the message.
        """
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def answer(self, status: int, body: bytes, headers: tuple[Header, ...] = ()) -> None:
        """Answer with JSON.

        Args:
            status: of HTTP.
            body: the JSON.
            headers: beside those about the body.
        """
        length = (b"content-length", str(len(body)).encode())
        await self.send({"type": "http.response.start", "status": status, "headers": [JSON, length, *headers]})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with what was expected, unless an answer has begun.

        Args:
            refusal: the status and the line.
        """
        if refusal.status not in QUOTING:
            self.error = str(refusal)
        if not self.status:
            await self.answer(refusal.status, msgspec.json.encode(schemas.Error(str(refusal))), refusal.headers)
